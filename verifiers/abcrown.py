"""alpha-beta-CROWN (Wang et al., "Beta-CROWN", NeurIPS 2021), in a checkout of yours, with its environment made by you.

No real answer of it has been seen here. Its attacks come first: `-o abcrown_act.attack=false` leaves them out.
"""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from soundbench.errors import InputError
from soundbench.facts import Facts
from soundbench.option import Option
from soundbench.verifier import Selection, Task, Verifier


class AbCrownActivations(Verifier):
    """alpha-beta-CROWN, splitting neurons."""

    name = "abcrown_act"
    summary = "alpha-beta-CROWN in a checkout of yours, splitting neurons"
    argument = "FOLDER"
    options = (
        Option("python", "python3", "the interpreter of its environment"),
        Option("config", "", "its configuration file; without one its defaults hold"),
        Option("device", "cpu", "what it computes on", ("cpu", "cuda")),
        Option("attack", True, "whether it looks for counterexamples by attacks"),
    )
    facts = Facts(
        home="https://github.com/Verified-Intelligence/alpha-beta-CROWN",
        paper="Wang et al., Beta-CROWN: Efficient Bound Propagation with Per-neuron Split Constraints, NeurIPS 2021",
        licence="BSD-3-Clause",
    )
    switches: ClassVar[tuple[str, ...]] = ()

    def __init__(self, selection: Selection | None = None) -> None:
        """Look for its program.

        Raises:
            InputError: it is not there.
        """
        super().__init__(selection)
        if self.settings["device"] == "cuda":
            self.needs = replace(self.needs, gpus=max(1, self.needs.gpus))
        self._program = Path(self.selection.argument or "").absolute() / "complete_verifier" / "abcrown.py"
        if not self._program.is_file():
            raise InputError(f"{self._program}: no such program; name the checkout of {self.name}: {self._home()}")

    def command(self, task: Task) -> list[str]:
        """Its own program, which writes VNN-COMP's result file."""
        files = ["--onnx_path", str(task.onnx), "--vnnlib_path", str(task.vnnlib), "--results_file", str(task.result)]
        limits = ["--override_timeout", f"{task.timeout_seconds:.10g}", "--device", str(self.settings["device"])]
        chosen = ["--config", str(Path(str(self.settings["config"])).absolute())] if self.settings["config"] else []
        if not self.settings["attack"]:
            chosen += ["--pgd_order", "skip"]
        return [str(self.settings["python"]), str(self._program), *chosen, *files, *limits, *self.switches]

    def _home(self) -> str:
        return self.facts.home if self.facts else ""


class AbCrownInputs(AbCrownActivations):
    """alpha-beta-CROWN, splitting the input box."""

    name = "abcrown_input"
    summary = "alpha-beta-CROWN in a checkout of yours, splitting inputs"
    switches = ("--enable_input_split", "--branching_method", "sb", "--bound_prop_method", "crown")
