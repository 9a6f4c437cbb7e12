import os

import pytest

from soundbench.machine import gpus_for_tasks, memory_for_tasks


@pytest.fixture
def devices(tmp_path):
    for name in ("nvidia0", "nvidia1", "nvidia10", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    return tmp_path


def test_gpus_are_counted(devices, monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert gpus_for_tasks(devices) == ("0", "1", "2")
    assert gpus_for_tasks(tmp_path / "none") == ()


@pytest.mark.parametrize(
    ("named", "gpus"), [("", ()), ("1", ("1",)), ("2, GPU-5f", ("2", "GPU-5f")), ("-1", ()), ("1,-1,0", ("1",))]
)
def test_gpus_are_those_that_the_user_names(devices, monkeypatch, named, gpus):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert gpus_for_tasks(devices) == gpus


@pytest.mark.parametrize(("text", "known"), [("1000000\n", 800_000), ("max\n", None), (None, None)])
def test_memory_is_most_of_what_a_container_has(tmp_path, text, known):
    path = tmp_path / "memory.max"
    if text is not None:
        path.write_text(text)
    physical = int(0.8 * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    assert memory_for_tasks(path) == (physical if known is None else known)
