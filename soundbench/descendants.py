"""Whom has this process started, they themselves, and so on? What they use, and how all of them are ended (Linux).

For a process that inherits orphans (`inherit_orphans`) and starts one command at a time: then its descendants are all
that the command left running, whatever session they moved to.
"""

import contextlib
import ctypes
import os
import selectors
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from resource import struct_rusage

_PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 15, 36
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
_ROUND_SECONDS = 0.5
_ROUNDS = 20


@dataclass(frozen=True, slots=True)
class Process:
    """A process at one moment; `cpu_seconds` has those of its children that it has waited for."""

    number: int
    parent: int
    is_alive: bool
    cpu_seconds: float
    resident_bytes: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A child that was waited for: its status as `os.wait` gives it, and what it and its own children used."""

    number: int
    status: int
    usage: struct_rusage


def inherit_orphans(name: str) -> None:
    """Become the parent of every descendant that loses its own, and bear a name that no tool kills.

    Raises:
        OSError: the kernel cannot do that, or does not tell a process's children.
    """
    Path(f"/proc/self/task/{os.getpid()}/children").stat()
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
    # Tools' scripts clean up with `killall python`.
    prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)


def descendants() -> list[Process]:
    """All descendants, with those that have ended and were not waited for yet."""
    found, parents = [], [os.getpid()]
    while parents:
        children = [child for number in _children(parents.pop()) if (child := _read(number)) is not None]
        found += children
        parents += [child.number for child in children]
    return found


def memory_bytes(processes: list[Process], limit: int | None) -> int:
    """What processes hold in RAM; pages that they share count once if that decides over `limit`."""
    resident = sum(process.resident_bytes for process in processes)
    if limit is None or resident <= limit:
        return resident
    # Exact, and slow on large processes, so only where the plain sum is over.
    return sum(_proportional_bytes(process.number) for process in processes)


def send(number: signal.Signals) -> None:
    """Send a signal to every descendant."""
    for process in descendants():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process.number, number)


def collect() -> list[Ended]:
    """Wait for all children that have ended already."""
    ended = []
    with contextlib.suppress(ChildProcessError):
        while (child := os.wait4(-1, os.WNOHANG))[0] != 0:
            ended.append(Ended(*child))
    return ended


def end(patience_seconds: float) -> list[Ended]:
    """Kill every descendant, and wait for all that are or become our children.

    What the kernel does not let end (it waits for a device, say) is left alone after `patience_seconds`; see
    `has_children`.
    """
    deadline, ended = time.monotonic() + patience_seconds, collect()
    while has_children() and time.monotonic() < deadline:
        send(signal.SIGKILL)
        _wait_for_one()
        ended += collect()
    return ended


def has_children() -> bool:
    """Whether there is any child, alive or not waited for yet; without one there is no descendant either."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def end_all_of(folder: Path) -> None:
    """Kill whoever works in the folder or has its name in his environment, but not this process.

    A second line of defence for processes that are nobody's descendants any more: they may have changed both.
    """
    for _ in range(_ROUNDS):
        numbers = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal())
        found = [number for number in numbers if number != os.getpid() and _is_of(number, folder)]
        if not found:
            return
        for number in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(number, signal.SIGKILL)
        time.sleep(_ROUND_SECONDS / 10)


def _wait_for_one() -> None:
    """Until a child ends, or a while."""
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
        for number in _children(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                descriptor = os.pidfd_open(number)
                stack.callback(os.close, descriptor)
                selector.register(descriptor, selectors.EVENT_READ)
        if selector.get_map():
            selector.select(_ROUND_SECONDS)


def _children(process: int) -> list[int]:
    children: list[int] = []
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{process}/task").iterdir():
            with contextlib.suppress(OSError):
                children += map(int, (thread / "children").read_bytes().split())
    return children


def _read(process: int) -> Process | None:
    """A process, unless it is gone."""
    try:
        # The name, in parentheses, may hold anything; the state follows it.
        fields = Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    cpu_seconds = sum(int(ticks) for ticks in fields[11:15]) / _TICKS
    return Process(process, int(fields[1]), fields[0] not in (b"Z", b"X"), cpu_seconds, int(fields[21]) * _PAGE_BYTES)


def _proportional_bytes(process: int) -> int:
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0
    for line in text.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _is_of(process: int, folder: Path) -> bool:
    try:
        environment = Path(f"/proc/{process}/environ").read_bytes()
        return os.fsencode(folder) in environment or Path(f"/proc/{process}/cwd").readlink().is_relative_to(folder)
    except OSError:
        return False
