"""How is a process run? With limits that hold, output of bounded size, and a record of why it ended.

Linux 5.3 or newer: the end of a process, its output and a stop are file descriptors that one call waits for, so
nothing is polled but memory.
"""

import contextlib
import os
import resource
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from soundbench import session
from soundbench.claim import Ending, EndReason
from soundbench.errors import SoundbenchError

LOG_LIMIT_BYTES = 1 << 20
GRACE_SECONDS = 1.0
_CHUNK_BYTES = 1 << 16
_FIRST_SAMPLE_SECONDS = 0.01
_SAMPLE_SECONDS = 0.25


class StoppedError(SoundbenchError):
    """The process was ended because the whole run is being stopped; it has no result."""


class StopSignal:
    """Tells every process that runs under it to end, from any thread; once set it stays set."""

    def __init__(self) -> None:
        self._descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def fileno(self) -> int:
        """The descriptor that is readable once the signal is set."""
        return self._descriptor

    def set(self) -> None:
        """End every process that runs under this signal, now or later."""
        os.eventfd_write(self._descriptor, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)


def run_process(
    command: Sequence[str],
    *,
    working_folder: Path,
    environment: Mapping[str, str],
    wall_seconds: float,
    memory_bytes: int | None,
    log: Path,
    log_limit_bytes: int = LOG_LIMIT_BYTES,
    grace_seconds: float = GRACE_SECONDS,
    stop: StopSignal | None = None,
) -> Ending:
    """Run `command` (no shell) in a session of its own, and leave nothing of that session alive.

    At the wall limit the session gets TERM, and KILL after `grace_seconds`. `memory_bytes` limits what the session
    holds in RAM, sampled up to four times a second: an address-space limit breaks tools that reserve more than they
    use, and would count each process alone. Standard output and error go to `log`, the first `log_limit_bytes` of
    them. A process that moves itself into a session of its own escapes all of this, and who kills
    our own process with KILL leaves the session running.

    `cpu_seconds` counts the process and those of its children that it waited for. `peak_memory_bytes` is the largest
    sample of the session, or what the kernel counted for its largest process where that is more.

    Raises:
        StoppedError: `stop` was set.
    """
    started = time.monotonic()
    with _Log(log, log_limit_bytes) as output:
        try:
            process = subprocess.Popen(
                list(command),
                cwd=working_folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                bufsize=0,
            )
        except (OSError, ValueError) as error:
            output.take(f"soundbench: {command[0]} could not be started: {error}\n".encode())
            return Ending(EndReason.NOT_STARTED, None, None, time.monotonic() - started, 0.0, 0)
        with _Child(process, output, memory_bytes, stop) as child:
            reason = child.wait(started + wall_seconds)
            if reason is EndReason.WALL_LIMIT:
                session.send(process.pid, signal.SIGTERM)
                child.wait(time.monotonic() + grace_seconds)
            return child.end(reason, started)


class _Log:
    """A file that takes the first `limit_bytes` written to it and counts the rest."""

    def __init__(self, path: Path, limit_bytes: int) -> None:
        self._file: BinaryIO = path.open("wb")
        self._room = limit_bytes
        self._dropped = 0

    def take(self, chunk: bytes) -> None:
        kept = chunk[: self._room]
        self._file.write(kept)
        self._room -= len(kept)
        self._dropped += len(chunk) - len(kept)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._dropped:
            self._file.write(f"\n[soundbench: {self._dropped} bytes more were dropped]\n".encode())
        self._file.close()


def _open_process(process: subprocess.Popen[bytes]) -> int:
    """A descriptor that is readable once the process has ended."""
    try:
        return os.pidfd_open(process.pid)
    except OSError:
        # An older kernel, or too many open files: at least leave nothing running.
        process.kill()
        process.wait()
        raise


class _Child:
    """A started process: waits for it, drains its output, samples its memory. Leaving the block ends its session."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        output: _Log,
        memory_bytes: int | None,
        stop: StopSignal | None,
    ) -> None:
        if process.stdout is None:
            raise ValueError("the process must have a pipe for its output")
        self._process = process
        self._pipe = process.stdout
        self._output = output
        self._memory_bytes = memory_bytes
        self._stop = stop
        self._peak_bytes = 0
        self._own_peak_kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self._sample_interval = _FIRST_SAMPLE_SECONDS
        self._next_sample = time.monotonic() + self._sample_interval
        os.set_blocking(self._pipe.fileno(), False)
        self._descriptor = _open_process(process)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._descriptor, selectors.EVENT_READ)
        self._selector.register(self._pipe, selectors.EVENT_READ)
        if stop is not None:
            self._selector.register(stop, selectors.EVENT_READ)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.returncode is None:
            self._reap()
        self._selector.close()
        self._pipe.close()
        os.close(self._descriptor)

    def wait(self, deadline: float) -> EndReason:
        """Why the wait was over: EXIT for any end of the process, or the limit that was reached first."""
        while True:
            now = time.monotonic()
            ready = self._selector.select(max(0.0, min(deadline, self._next_sample) - now))
            sources = {key.fileobj for key, _ in ready}
            if self._stop in sources:
                raise StoppedError("the run was stopped")
            if self._pipe in sources:
                self._drain_once()
            if self._descriptor in sources:
                return EndReason.EXIT
            if time.monotonic() >= deadline:
                return EndReason.WALL_LIMIT
            if time.monotonic() >= self._next_sample and self._is_over_memory():
                return EndReason.MEMORY_LIMIT

    def end(self, reason: EndReason, started: float) -> Ending:
        """End the session, collect what it used, and say how its first process ended."""
        wall_seconds = time.monotonic() - started
        status, usage = self._reap()
        killed_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        if reason is EndReason.EXIT and killed_by is not None:
            reason = EndReason.SIGNAL
        return Ending(
            reason=reason,
            exit_code=None if killed_by is not None else os.waitstatus_to_exitcode(status),
            signal=killed_by,
            wall_seconds=wall_seconds,
            cpu_seconds=usage.ru_utime + usage.ru_stime,
            peak_memory_bytes=max(self._peak_bytes, self._counted_peak(usage)),
        )

    def _reap(self) -> tuple[int, resource.struct_rusage]:
        # Reaped last: until then the number of the session cannot be given to another one.
        session.end(self._process.pid)
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        for _ in range(LOG_LIMIT_BYTES // _CHUNK_BYTES):
            if not self._drain_once():
                break
        return status, usage

    def _drain_once(self) -> bool:
        """Take one chunk of output; False if there is none now."""
        try:
            chunk = os.read(self._pipe.fileno(), _CHUNK_BYTES)
        except BlockingIOError:
            return False
        if chunk:
            self._output.take(chunk)
        else:
            with contextlib.suppress(KeyError):
                self._selector.unregister(self._pipe)
        return bool(chunk)

    def _is_over_memory(self) -> bool:
        used = session.memory_bytes(self._process.pid, self._memory_bytes)
        self._peak_bytes = max(self._peak_bytes, used)
        self._sample_interval = min(2 * self._sample_interval, _SAMPLE_SECONDS)
        self._next_sample = time.monotonic() + self._sample_interval
        return self._memory_bytes is not None and used > self._memory_bytes

    def _counted_peak(self, usage: resource.struct_rusage) -> int:
        # A process starts with its parent's peak on its account, so a smaller figure says nothing of the process.
        return usage.ru_maxrss * 1024 if usage.ru_maxrss > self._own_peak_kilobytes else 0
