"""The reference verifier: small, plain and sound; run as `python -m soundbench.verifiers.reference`."""

import sys

from soundbench import __version__
from soundbench.verifier import Task, Verifier


class Reference(Verifier):
    """Runs the reference verifier with this very interpreter, in a process of its own like any other."""

    name = "reference"
    summary = "built in: interval and CROWN bounds with input splitting"
    is_tested = True

    def command(self, task: Task) -> list[str]:
        """ONNX VNNLIB RESULT_FILE TIMEOUT_SECONDS; `-P` keeps the task's folder off the import path."""
        program = [sys.executable, "-P", "-m", "soundbench.verifiers.reference"]
        return [*program, str(task.onnx), str(task.vnnlib), str(task.result), str(task.timeout_seconds)]

    def version(self) -> str:
        """The reference verifier has soundbench's version."""
        return __version__
