"""How is a process run? With limits that hold, output of bounded size, and a record of why it ended.

Linux 5.3 or newer: the end of a process, its output and the end of who asked for it are file descriptors that one call
waits for, so nothing is polled but what it uses. Runs in a keeper (see `soundbench.keeper`), whose descendants it ends.
"""

import contextlib
import os
import resource
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from soundbench import descendants
from soundbench.claim import Ending, EndReason
from soundbench.errors import SoundbenchError
from soundbench.scratch import remove_folder

LOG_LIMIT_BYTES = 1 << 20
GRACE_SECONDS = 1.0
PATIENCE_SECONDS = 10.0
_CHUNK_BYTES = 1 << 16
_FIRST_SAMPLE_SECONDS = 0.01
_SAMPLE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Limits:
    """What one command may use, with everything that it starts; None is no limit.

    At the wall or CPU limit all get TERM, and KILL after `grace_seconds`; at the memory limit KILL. CPU seconds and
    what is held in RAM are sampled up to four times a second, since the kernel's own limits count each process alone,
    and one on the address space breaks tools that reserve more than they use. `log_bytes` of the output are kept.
    """

    wall_seconds: float
    cpu_seconds: float | None = None
    memory_bytes: int | None = None
    grace_seconds: float = GRACE_SECONDS
    log_bytes: int = LOG_LIMIT_BYTES


@dataclass(frozen=True, slots=True)
class Request:
    """A command to run (no shell), in which folder, with which environment; standard output and error go to `log`."""

    command: Sequence[str]
    working_folder: Path
    environment: Mapping[str, str]
    limits: Limits
    log: Path


class AbandonedError(SoundbenchError):
    """Nobody waits for the result any more; nothing is left of the process."""


def run_process(request: Request, client: int) -> Ending:
    """Run a command in a session of its own, and leave nothing alive that it started.

    The command is over once its first process has ended: then all others are killed, wherever they moved.
    `cpu_seconds` counts all of them. `peak_memory_bytes` is the largest sample of them together, or what the kernel
    counted for the largest one where that is more. `client` is a descriptor that is readable once nobody waits for the
    result any more.

    Raises:
        AbandonedError: nobody did.
    """
    started = time.monotonic()
    with _Log(request.log, request.limits.log_bytes) as output:
        try:
            process = subprocess.Popen(
                list(request.command),
                cwd=request.working_folder,
                env=dict(request.environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                bufsize=0,
            )
        except (OSError, ValueError) as error:
            output.take(f"soundbench: {request.command[0]} could not be started: {error}\n".encode(errors="replace"))
            return Ending(EndReason.NOT_STARTED, None, None, time.monotonic() - started, 0.0, 0)
        with _Child(process, output, request.limits, client) as child:
            reason = child.wait(started + request.limits.wall_seconds)
            if reason in (EndReason.WALL_LIMIT, EndReason.CPU_LIMIT):
                descendants.send(signal.SIGTERM)
                child.wait_for_exit(time.monotonic() + request.limits.grace_seconds)
            return child.end(reason, started)


class _Log:
    """A file that takes the first `limit_bytes` written to it and counts the rest."""

    def __init__(self, path: Path, limit_bytes: int) -> None:
        # Whatever the last command has put in its place.
        if path.is_dir() and not path.is_symlink():
            remove_folder(path)
        path.unlink(missing_ok=True)
        self._file = path.open("xb", buffering=0)
        self._room = limit_bytes
        self._dropped = 0

    def take(self, chunk: bytes) -> None:
        try:
            kept = self._file.write(chunk[: self._room])
        except OSError:
            # The disk is full, which is no reason not to watch over the process.
            kept = 0
        self._room -= kept
        self._dropped += len(chunk) - kept

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._dropped:
            with contextlib.suppress(OSError):
                self._file.write(f"\n[soundbench: {self._dropped} bytes more were dropped]\n".encode())
        self._file.close()


class _Child:
    """A started process: waits for it, drains its output, samples what is used. Leaving the block ends all of it."""

    def __init__(self, process: subprocess.Popen[bytes], output: _Log, limits: Limits, client: int) -> None:
        if process.stdout is None:
            raise ValueError("the process must have a pipe for its output")
        self._process = process
        self._pipe = process.stdout
        self._output = output
        self._limits = limits
        self._client = client
        # Of all earlier commands, and of this one once all of it has been waited for.
        self._cpu_before = _waited_cpu_seconds()
        self._peak_bytes = 0
        self._own_peak_kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self._ended: list[descendants.Ended] = []
        self._sample_interval = _FIRST_SAMPLE_SECONDS
        self._next_sample = time.monotonic() + self._sample_interval
        os.set_blocking(self._pipe.fileno(), False)
        self._descriptor = os.pidfd_open(process.pid)
        self._selector = selectors.DefaultSelector()
        for source in (self._descriptor, self._pipe, client):
            self._selector.register(source, selectors.EVENT_READ)

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
            if self._has_exited(min(deadline, self._next_sample)):
                return EndReason.EXIT
            if time.monotonic() >= deadline:
                return EndReason.WALL_LIMIT
            if time.monotonic() >= self._next_sample and (reason := self._exceeded()) is not None:
                return reason

    def wait_for_exit(self, deadline: float) -> None:
        """Wait until the process has ended."""
        while not self._has_exited(deadline) and time.monotonic() < deadline:
            pass

    def end(self, reason: EndReason, started: float) -> Ending:
        """End all, collect what they used, and say how the first process ended."""
        wall_seconds = time.monotonic() - started
        self._reap()
        first = next((ended for ended in self._ended if ended.number == self._process.pid), None)
        status = signal.SIGKILL if first is None else first.status
        killed_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        if reason is EndReason.EXIT and killed_by is not None:
            reason = EndReason.SIGNAL
        return Ending(
            reason=reason,
            exit_code=None if killed_by is not None else os.waitstatus_to_exitcode(status),
            signal=killed_by,
            wall_seconds=wall_seconds,
            cpu_seconds=_waited_cpu_seconds() - self._cpu_before,
            peak_memory_bytes=max([self._peak_bytes, *map(self._counted_peak, self._ended)]),
        )

    def _has_exited(self, deadline: float) -> bool:
        """Wait for the next thing to happen, and do what it asks for; whether it is the end of the process."""
        ready = self._selector.select(max(0.0, deadline - time.monotonic()))
        sources = {key.fileobj for key, _ in ready}
        if self._client in sources:
            raise AbandonedError("nobody waits for the result")
        if self._pipe in sources:
            self._drain_once()
        return self._descriptor in sources

    def _reap(self) -> None:
        # One call for its group, which leaves no moment to start another process; then whoever left the group.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._ended += descendants.end(PATIENCE_SECONDS)
        # What was not waited for by then is not waited for any more.
        self._process.returncode = 0
        for _ in range(LOG_LIMIT_BYTES // _CHUNK_BYTES):
            if not self._drain_once():
                break

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

    def _exceeded(self) -> EndReason | None:
        """Sample what is used, and name the limit that it is over."""
        self._sample_interval = min(2 * self._sample_interval, _SAMPLE_SECONDS)
        self._next_sample = time.monotonic() + self._sample_interval
        processes, limits = descendants.descendants(), self._limits
        cpu_seconds = sum(each.cpu_seconds for each in processes) + _waited_cpu_seconds() - self._cpu_before
        used = descendants.memory_bytes(processes, limits.memory_bytes)
        self._peak_bytes = max(self._peak_bytes, used)
        self._collect_orphans(processes)
        if limits.memory_bytes is not None and used > limits.memory_bytes:
            return EndReason.MEMORY_LIMIT
        if limits.cpu_seconds is not None and cpu_seconds > limits.cpu_seconds:
            return EndReason.CPU_LIMIT
        return None

    def _collect_orphans(self, processes: Sequence[descendants.Process]) -> None:
        """Wait for what has ended and was left to us, or its numbers would run out; not for the first process."""
        for each in processes:
            if each.parent == os.getpid() and not each.is_alive and each.number != self._process.pid:
                self._ended.append(descendants.Ended(*os.wait4(each.number, 0)))

    def _counted_peak(self, ended: descendants.Ended) -> int:
        # A process starts with its parent's peak on its account, so a smaller figure says nothing of the process.
        return ended.usage.ru_maxrss * 1024 if ended.usage.ru_maxrss > self._own_peak_kilobytes else 0


def _waited_cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
