"""The reference verifier: small, plain and sound; run as `python -m soundbench.verifiers.reference`."""

import sys

from soundbench import __version__
from soundbench.verifier import Selection, Task, Verifier


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


class Faulty(Reference):
    """The reference verifier, wrong on purpose: `faulty:child-lost`, or `faulty:child-lost@0.04` for less of it."""

    name = "faulty"
    summary = "the reference verifier with a known fault, to see whether a suite notices"
    argument = "FAULT"

    def __init__(self, selection: Selection | None = None) -> None:
        """Look for the fault.

        Raises:
            InputError: there is none of that name, or not in that strength; the message lists those that there are.
        """
        super().__init__(selection)
        from .faults import faulty_steps

        self._fault = self.selection.argument or ""
        faulty_steps(self._fault)

    def command(self, task: Task) -> list[str]:
        """The same, and then the fault."""
        return [*super().command(task), "--fault", self._fault]
