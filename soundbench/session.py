"""Which processes belong to a session, what they hold in memory, and how all of them are ended (Linux, /proc)."""

import contextlib
import os
import selectors
import signal
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_ROUNDS = 10
_ROUND_SECONDS = 0.5


def members(session: int) -> list[int]:
    """The process ids of the session's processes, without those that have ended already."""
    processes = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal())
    return [process for process in processes if _session_of(process) == session and _is_alive(process)]


def memory_bytes(session: int, limit: int | None) -> int:
    """What the session holds in RAM; pages that its processes share count once if that decides over `limit`."""
    processes = members(session)
    resident = sum(_resident_bytes(process) for process in processes)
    if limit is None or resident <= limit:
        return resident
    # Exact, and slow on large processes, so only where the plain sum is over.
    return sum(_proportional_bytes(process) for process in processes)


def send(session: int, number: signal.Signals) -> None:
    """Send a signal to every process of the session, whatever its process group."""
    for process in members(session):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process, number)


def end(session: int) -> None:
    """Kill every process of the session, and wait until they have ended.

    The session's first process must not be waited for by anybody else meanwhile: that keeps its number taken.
    """
    # One call for the group, which leaves no moment to start another process; the rounds find other groups.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(session, signal.SIGKILL)
    for _ in range(_ROUNDS):
        alive = members(session)
        if not alive:
            return
        _kill_and_wait(alive)


def _kill_and_wait(processes: list[int]) -> None:
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
        for process in processes:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                descriptor = os.pidfd_open(process)
                stack.callback(os.close, descriptor)
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                selector.register(descriptor, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(_ROUND_SECONDS)
            if not ready:
                return
            for key, _ in ready:
                selector.unregister(key.fileobj)


def _session_of(process: int) -> int | None:
    try:
        return os.getsid(process)
    except (ProcessLookupError, PermissionError):
        return None


def _is_alive(process: int) -> bool:
    """Whether the process has not ended; one that nobody has waited for yet still has a number."""
    try:
        # The name, in parentheses, may hold anything; the state follows it.
        state = Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state not in (b"Z", b"X")


def _resident_bytes(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_bytes().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0


def _proportional_bytes(process: int) -> int:
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0
    for line in text.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0
