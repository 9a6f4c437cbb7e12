import platform
import subprocess
import sys

import pytest

COUNT = """
import resource, torch
from soundbench.memory import keep_freed_memory
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(200):
        torch.ones(1_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
torch.set_num_threads(1)
usual = faults()
keep_freed_memory()
faults()
print(usual, faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="nothing is changed without glibc")
def test_freed_memory_is_used_again():
    """A tensor of four megabytes has about a thousand pages, each of which faults if it comes from the kernel."""
    run = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, check=True)
    usual, kept = map(int, run.stdout.split())
    assert kept < max(2000, usual / 10)


def test_without_glibc_nothing_happens(monkeypatch):
    import ctypes

    from soundbench.memory import keep_freed_memory

    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    keep_freed_memory()
