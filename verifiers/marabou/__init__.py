"""Marabou (Wu et al., "Marabou 2.0", CAV 2024): an SMT-style verifier for piecewise-linear and S-shaped networks.

From PyPI, in an environment of its own; its Python interface is driven by `solve.py`, which stands alone there.
"""

from pathlib import Path

from soundbench.facts import Facts
from soundbench.option import Option
from soundbench.packaged import PackagedVerifier
from soundbench.verifier import Task

from ..regions import write_regions


class Marabou(PackagedVerifier):
    """Marabou's Python package, one process an instance."""

    name = "marabou"
    summary = "Marabou from PyPI, in an environment of its own"
    facts = Facts(
        home="https://github.com/NeuralNetworkVerification/Marabou",
        paper="Wu et al., Marabou 2.0: A Versatile Formal Analyzer of Neural Networks, CAV 2024",
        licence="BSD-3-Clause",
        operators="Gemm, MatMul, Add, Conv without dilations, Relu, Sigmoid, Tanh, MaxPool, Reshape and Flatten",
    )
    is_tested = True
    pythons = ((3, 8), (3, 9), (3, 10), (3, 11))
    options = (
        Option("workers", 1, "processors for split-and-conquer; 1 solves without it"),
        Option("tightening", "deeppoly", "bounds used while solving", ("deeppoly", "sbt", "none")),
        Option(
            "splitting",
            "auto",
            "how to choose the neuron to split on",
            ("auto", "earliest-relu", "largest-interval", "polarity", "relu-violation"),
        ),
    )

    def property_file(self, task: Task) -> Path:
        """VNN-LIB, where the release reads it; 1.0.0 does not, nor ONNX without torch: our own reader does it then."""
        return write_regions(task) if self.version() == "1.0.0" else task.vnnlib
