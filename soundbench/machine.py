"""What does this machine have for tasks? Memory and GPUs, within what a container or its user lets us have of them."""

import contextlib
import itertools
import os
import re
from pathlib import Path

_MEMORY_SHARE = 0.8
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
_DEVICES = Path("/dev")


def memory_for_tasks(cgroup_limit: Path = _CGROUP_LIMIT) -> int:
    """Most of this machine's memory, or of the container's, in bytes."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, ValueError):  # no such file, or the word `max`
        total = min(total, int(cgroup_limit.read_text()))
    return int(_MEMORY_SHARE * total)


def gpus_for_tasks(devices: Path = _DEVICES) -> tuple[str, ...]:
    """The GPUs that tasks may use, as `CUDA_VISIBLE_DEVICES` names them: all, or those that it names already."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        names = filter(None, (name.strip() for name in named.split(",")))
        # What stands behind a negative number is hidden, as CUDA has it.
        return tuple(itertools.takewhile(lambda name: not name.startswith("-"), names))
    try:
        count = sum(re.fullmatch(r"nvidia\d+", path.name) is not None for path in devices.iterdir())
    except OSError:
        count = 0
    return tuple(map(str, range(count)))
