"""Any program with VNN-LIB's standard command line: `PROGRAM verify QUERY --network f=NETWORK --timeout SECONDS`.

The query is in VNN-LIB 2.0. The answer is what the program prints: a line such as `unsat` or `sat`, and behind `sat`
the counterexample. No real answer of such a program has been seen here.
"""

import shutil
from pathlib import Path

from soundbench.answer import read_result_text
from soundbench.claim import Answer, Ending
from soundbench.errors import InputError
from soundbench.facts import Facts
from soundbench.verifier import Selection, Task, Verifier

from .written_anew import query_file

# What our own translation calls the network.
NETWORK = "f"


class VnnlibCli(Verifier):
    """A program that follows VNN-LIB's standard for solvers."""

    name = "vnnlib_cli"
    summary = "any program with VNN-LIB's standard command line"
    argument = "PROGRAM"
    facts = Facts(home="https://www.vnnlib.org", paper="The VNN-LIB standard, version 2.0", licence="the program's own")

    def __init__(self, selection: Selection | None = None) -> None:
        """Look for the program, on the path or as a file.

        Raises:
            InputError: there is none.
        """
        super().__init__(selection)
        found = shutil.which(self.selection.argument or "")
        if found is None:
            raise InputError(f"{self.label}: there is no program {self.selection.argument}; name its file")
        self._program = str(Path(found).absolute())

    def command(self, task: Task) -> list[str]:
        """The standard's `verify`."""
        network = f"{NETWORK}={task.onnx}"
        limit = f"{task.timeout_seconds:.10g}"
        return [self._program, "verify", str(query_file(task)), "--network", network, "--timeout", limit]

    def read_answer(self, task: Task, ending: Ending, log: str) -> Answer:  # noqa: ARG002 (a hook)
        """What it printed, of which the first line is the answer."""
        return read_result_text(log)
