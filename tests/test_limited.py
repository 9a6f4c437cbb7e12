"""A process that limits itself is ended by the kernel, and never gets more than it might have before."""

import signal
import subprocess
import sys

import pytest

BEGIN = "import resource; from soundbench.limited import limit_process; "


def run(code):
    return subprocess.run([sys.executable, "-c", BEGIN + code], capture_output=True, text=True, check=False)


def test_at_the_limit_of_time_it_is_killed_whatever_it_has_used():
    done = run("sum(range(10**7)); limit_process(1, 2**30); print('begun', flush=True)\nwhile True: pass")
    assert (done.stdout, done.returncode) == ("begun\n", -signal.SIGXCPU)


@pytest.mark.parametrize(("size", "fits"), [(2**24, True), (2**29, False)])
def test_at_the_limit_of_memory_an_allocation_fails(size, fits):
    done = run(f"held = bytearray(2**28); limit_process(9, 2**28); print(len(bytearray({size})))")
    assert (done.stdout == f"{size}\n", "MemoryError" in done.stderr) == (fits, not fits)


def test_it_can_be_limited_again_and_again():
    done = run("[limit_process(9, 2**28 + n) for n in range(9)]; print(resource.getrlimit(resource.RLIMIT_CORE)[0])")
    assert done.stdout == "0\n"


def test_a_limit_that_is_there_is_not_raised():
    set_before = "resource.setrlimit(resource.RLIMIT_CPU, (9, 9)); "
    done = run(f"{set_before}limit_process(500, 2**28); print(resource.getrlimit(resource.RLIMIT_CPU))")
    assert done.stdout == "(9, 9)\n"
