"""NeuralSAT (Duong et al., "Harnessing Neuron Stability to Improve DNN Verification", FSE 2024).

A DPLL(T) search over neurons or inputs, from PyPI. Its attacks come first, and hide what its bounds would have claimed:
`-o neuralsat.attack=false` leaves them out. It reads few notations of properties: `-o neuralsat.notation=plain`.
"""

from pathlib import Path

from soundbench.facts import Facts
from soundbench.option import Option
from soundbench.packaged import PackagedVerifier
from soundbench.verifier import Task

from ..written_anew import NOTATION, put


def _options(split: str) -> tuple[Option, ...]:
    return (
        Option("attack", True, "whether it looks for counterexamples by attacks"),
        Option("split", split, "what it splits; auto leaves that to the tool", ("auto", "input", "hidden")),
        Option("restart", True, "whether searches start again"),
        Option("stabilize", True, "whether neurons are stabilised by Gurobi, within its free licence's limits"),
        NOTATION,
    )


class NeuralSat(PackagedVerifier):
    """NeuralSAT, which chooses itself what to split."""

    name = "neuralsat"
    summary = "NeuralSAT from PyPI, which chooses what it splits"
    facts = Facts(
        home="https://github.com/dynaroars/neuralsat",
        paper="Duong et al., Harnessing Neuron Stability to Improve DNN Verification, FSE 2024",
        licence="MIT; Gurobi, which it uses, under its free licence for small models",
    )
    is_tested = True
    megabytes = 1500
    options = _options("auto")
    environment_name = "neuralsat"

    def property_file(self, task: Task) -> Path:
        """As it is, or put plainly."""
        return put(task, self.settings["notation"])


class NeuralSatActivations(NeuralSat):
    """NeuralSAT, made to split neurons."""

    name = "neuralsat_act"
    summary = "NeuralSAT from PyPI, splitting neurons"
    options = _options("hidden")


class NeuralSatInputs(NeuralSat):
    """NeuralSAT, made to split the input box."""

    name = "neuralsat_input"
    summary = "NeuralSAT from PyPI, splitting inputs"
    options = _options("input")
