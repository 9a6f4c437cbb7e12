"""PyRAT (Lemesle et al., "Neural Network Verification with PyRAT", 2024), in a checkout of yours, its environment too.

No real answer of it has been seen here. It prints no counterexample, so its `sat` counts without a witness.
"""

import re
from pathlib import Path

from soundbench.claim import Answer, Claim, Ending
from soundbench.errors import InputError
from soundbench.facts import Facts
from soundbench.option import Option
from soundbench.verifier import Selection, Task, Verifier

_RESULT = re.compile(r"^Result = (\w+), Time = .*$", re.MULTILINE)
_CLAIMS = {
    "true": Claim.VERIFIED,
    "false": Claim.FALSIFIED,
    "unknown": Claim.UNKNOWN,
    "timeout": Claim.TIMEOUT,
}


class PyRat(Verifier):
    """PyRAT's bytecode, which answers on its standard output."""

    name = "pyrat"
    summary = "PyRAT in a checkout of yours"
    argument = "FOLDER"
    options = (
        Option("python", "python3", "the interpreter of its environment"),
        Option("split", True, "whether it splits the input box"),
        Option("domains", "[zonotopes,poly,symbox]", "its abstract domains"),
        Option("attack", True, "whether it looks for counterexamples by attacks"),
    )
    facts = Facts(
        home="https://git.frama-c.com/pub/pyrat",
        paper="Lemesle, Lehmann, Le Gall, Neural Network Verification with PyRAT, 2024",
        licence="see its page",
    )

    def __init__(self, selection: Selection | None = None) -> None:
        """Look for its program.

        Raises:
            InputError: it is not there.
        """
        super().__init__(selection)
        self._program = Path(self.selection.argument or "").absolute() / "pyrat.pyc"
        if not self._program.is_file():
            raise InputError(f"{self._program}: no such program; name the folder that holds pyrat.pyc")

    def command(self, task: Task) -> list[str]:
        """Its program, with the attack before the analysis or without any."""
        files = ["--model_path", str(task.onnx), "--property_path", str(task.vnnlib)]
        limits = ["--timeout", f"{task.timeout_seconds:.10g}", "--split", str(self.settings["split"])]
        attack = ["--check", "before", "--attack", "pgd"] if self.settings["attack"] else []
        domains = ["--domains", str(self.settings["domains"])]
        return [str(self.settings["python"]), str(self._program), *files, *limits, *domains, *attack]

    def read_answer(self, task: Task, ending: Ending, log: str) -> Answer:  # noqa: ARG002 (a hook)
        """The one line `Result = WORD, Time = …`; none, several or another word make the claim `error`."""
        lines = list(_RESULT.finditer(log))
        if len(lines) != 1:
            return Answer(Claim.ERROR, f"{len(lines)} lines of a result")
        return Answer(_CLAIMS.get(lines[0][1].casefold(), Claim.ERROR), lines[0][0])
