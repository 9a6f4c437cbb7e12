"""Who watches over the processes that run? A small process of its own, which inherits whatever they leave behind.

A keeper runs one command after the other, so that every orphan is known to be the last one's, and ends them all. It
sees when the process that started it is gone, killed even, and then leaves nothing. Both speak in lines of JSON.
"""

import contextlib
import json
import os
import resource
import secrets
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from soundbench import descendants
from soundbench.claim import Ending, EndReason
from soundbench.errors import HarnessError, SoundbenchError
from soundbench.process import PATIENCE_SECONDS, AbandonedError, Limits, Request, run_process
from soundbench.scratch import remove_folder

_NAME = "soundbench-keep"
# Without site-packages, which it does not need: it starts quickly and stays small.
_PROGRAM = "import sys; sys.path.append(sys.argv[1]); from soundbench.keeper import main; main()"
_READY = b"ready\n"


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


class Keeper:
    """Runs commands, one at a time; its process is started by the first one, and ended by leaving the block."""

    def __init__(self) -> None:
        self._connection: _Connection | None = None
        self._scratch: Path | None = None

    @contextlib.contextmanager
    def scratch_folder(self) -> Iterator[Path]:
        """A fresh folder for temporary files, one at a time, until the block is left or our own process is gone."""
        folder = Path(tempfile.gettempdir(), f"soundbench-{secrets.token_hex(8)}")
        # Told before it exists, so that there is no moment to be killed in.
        self._send(_announce(folder))
        self._scratch = folder
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            self._scratch = None
            remove_folder(folder)

    def run(self, request: Request, stop: StopSignal | None = None) -> Ending:
        """Run a command as `run_process` does; LOST if it killed the keeper's process.

        Raises:
            StoppedError: `stop` was set.
            HarnessError: the keeper's process cannot be started.
        """
        started = time.monotonic()
        try:
            connection = self._send(json.dumps({"run": asdict(request)}, default=os.fsdecode).encode() + b"\n")
            if not connection.wait(stop):
                raise StoppedError("the run was stopped")
            reply = connection.receive()
        except BaseException:
            self.close()
            raise
        if reply is not None:
            if reply["is_last"]:
                # Something could not be ended, and would be taken for the next command's.
                self.close()
            return _read_ending(reply["ending"])
        self.close()
        if self._scratch is not None:
            descendants.end_all_of(self._scratch)
        return Ending(EndReason.LOST, None, None, time.monotonic() - started, 0.0, 0)

    def close(self) -> None:
        """End the keeper's process, and all that runs under it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send(self, line: bytes) -> "_Connection":
        if self._connection is not None:
            try:
                self._connection.send(line)
            except OSError:
                # Killed since the last command.
                self.close()
        if self._connection is None:
            self._connection = _Connection()
            if self._scratch is not None:
                self._connection.send(_announce(self._scratch))
            self._connection.send(line)
        return self._connection


class _Connection:
    """A keeper's process, and what it is spoken to through."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        root = str(Path(__file__).parent.parent)
        command = [sys.executable, "-I", "-S", "-X", "utf8", "-c", _PROGRAM, root]
        with theirs:
            try:
                self._process = subprocess.Popen(
                    command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, cwd="/", start_new_session=True
                )
            except OSError as error:
                self._socket.close()
                raise HarnessError(f"no keeper could be started for the verifier's process: {error}") from None
        self._lines: BinaryIO = self._socket.makefile("rb")
        if self._lines.readline() != _READY:
            self.close()
            raise HarnessError("the keeper of the verifier's process failed at its start; see standard error")

    def send(self, line: bytes) -> None:
        self._socket.sendall(line)

    def wait(self, stop: StopSignal | None) -> bool:
        """Wait until there is something to receive; False if the signal to stop came first."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            if stop is not None:
                selector.register(stop, selectors.EVENT_READ)
            return all(key.fileobj is not stop for key, _ in selector.select())

    def receive(self) -> Mapping[str, Any] | None:
        """The reply; None if the process is gone."""
        try:
            line = self._lines.readline()
        except OSError:
            line = b""
        if not line.endswith(b"\n"):
            return None
        reply: Mapping[str, Any] = json.loads(line)
        return reply

    def close(self) -> None:
        self._lines.close()
        self._socket.close()
        self._process.wait()


def main() -> None:
    """What the keeper's process does: run what is asked for, until nobody is there to ask."""
    descendants.inherit_orphans(_NAME)
    # Dumps of large crashed processes take minutes.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    # Not ignored, or what it starts would be deaf, too.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    folders: list[Path] = []
    try:
        with contextlib.suppress(AbandonedError, ConnectionError):
            _serve(socket.socket(fileno=sys.stdin.fileno()), folders)
    finally:
        descendants.end(PATIENCE_SECONDS)
        for folder in folders:
            remove_folder(folder)


def _serve(client: socket.socket, folders: list[Path]) -> None:
    """Answer the client; `folders` is what to remove if it has not done so once it is gone."""
    client.sendall(_READY)
    for line in client.makefile("rb"):
        message = json.loads(line)
        if "scratch" in message:
            folders[:] = [Path(message["scratch"])]
            continue
        ending = run_process(_read_request(message["run"]), client.fileno())
        is_last = descendants.has_children()
        client.sendall(json.dumps({"ending": asdict(ending), "is_last": is_last}).encode() + b"\n")
        if is_last:
            return


def _announce(scratch: Path) -> bytes:
    return json.dumps({"scratch": os.fsdecode(scratch)}).encode() + b"\n"


def _read_request(fields: dict[str, Any]) -> Request:
    paths = {name: Path(fields[name]) for name in ("working_folder", "log")}
    return Request(**{**fields, **paths, "limits": Limits(**fields["limits"])})


def _read_ending(fields: Mapping[str, Any]) -> Ending:
    return Ending(**{**fields, "reason": EndReason(fields["reason"])})
