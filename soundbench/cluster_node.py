"""What does a node of a cluster do? It runs a task as this machine would, from what it is sent alone."""

import contextlib
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from soundbench import __version__
from soundbench.errors import HarnessError, SoundbenchError
from soundbench.hooks import checked_version
from soundbench.instance import Instance
from soundbench.machine import gpus_for_tasks
from soundbench.registry import resolve
from soundbench.verifier import Execution, Verifier


@dataclass(frozen=True, slots=True)
class Sent:
    """A verifier as it is sent to nodes: what the user typed, and where; `version` is what it says of itself here."""

    label: str
    name: str
    options: Mapping[str, str]
    version: str
    folder: str

    @classmethod
    def of(cls, verifier: Verifier) -> "Sent":
        """What is sent of a verifier."""
        return cls(verifier.label, verifier.name, dict(verifier.selection.options), verifier.version(), str(Path.cwd()))

    def resolve(self) -> Verifier:
        """The verifier, as this machine has it; relative paths are those of the sender where its folder is here too."""
        if Path(self.folder).is_dir():
            os.chdir(self.folder)
        return resolve(self.label, {self.name: self.options})


@dataclass(frozen=True, slots=True)
class Question:
    """A task as it is sent to a node, without its files: the verifier and the limits; seconds and bytes."""

    sent: Sent
    soundbench_version: str
    timeout_seconds: float
    cpu_seconds: float | None
    memory_bytes: int
    gpus: int


def fault(sent: Sent, version: str) -> str | None:
    """Why this machine cannot run the verifier's tasks, in a line; None if it can. `version` is soundbench's."""
    if version != __version__:
        return f"it has soundbench {__version__}, and the command that was started is {version}"
    try:
        verifier = sent.resolve()
        if not verifier.is_installed():
            return f"{sent.label} is not installed there; run there: soundbench verifiers install {sent.label}"
        found = checked_version(verifier.version())
    except SoundbenchError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 (the class is somebody else's code)
        return f"verifier {sent.label} cannot be used there: {type(error).__name__}: {error}"
    if found != sent.version:
        return f"{sent.label} is {found} there, and {sent.version} where the command was started"
    return None


def answer(question: Question, onnx: bytes, vnnlib: bytes) -> Execution:
    """Run the verifier on an instance, of which the content of both files is given.

    Raises:
        HarnessError: this machine, which may have joined the cluster lately, has another soundbench or verifier.
    """
    if (why := fault(question.sent, question.soundbench_version)) is not None:
        raise HarnessError(f"node {socket.gethostname()}: {why}")
    with _in_memory(onnx) as network, _in_memory(vnnlib) as unsafe:
        return question.sent.resolve().answer(
            Instance("task", network, unsafe, question.timeout_seconds),
            cpu_seconds=question.cpu_seconds,
            memory_bytes=question.memory_bytes,
            gpus=gpus_for_tasks() if question.gpus else (),
        )


@contextlib.contextmanager
def _in_memory(content: bytes) -> Iterator[Path]:
    """A file of this process alone, of which nothing is left even if it is killed."""
    descriptor = os.memfd_create("soundbench")
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)
        yield Path("/proc/self/fd", str(descriptor))
    finally:
        os.close(descriptor)
