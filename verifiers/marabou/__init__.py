"""Marabou (Wu et al., "Marabou 2.0", CAV 2024): an SMT-style verifier for piecewise-linear and S-shaped networks.

From PyPI, in an environment of its own; its Python interface is driven by `solve.py`, which stands alone there.
"""

from pathlib import Path

from soundbench.environment import Environment, install_environment
from soundbench.option import Option
from soundbench.verifier import Task, Verifier

from ..regions import write_regions

_HERE = Path(__file__).parent


class Marabou(Verifier):
    """Marabou's Python package, one process an instance."""

    name = "marabou"
    summary = "Marabou from PyPI, in an environment of its own"
    # 1.0.0 does not read ONNX without torch, nor VNN-LIB at all: our own reader does it for that version.
    versions = ("2.0.0", "1.0.0")
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

    def command(self, task: Task) -> list[str]:
        """Run `solve.py` in Marabou's environment."""
        settings = [f"{name}={value}" for name, value in self.settings.items()]
        unsafe = write_regions(task) if self.version() == "1.0.0" else task.vnnlib
        files = [str(task.onnx), str(unsafe), str(task.result)]
        return [str(self._environment.python), str(_HERE / "solve.py"), *files, str(task.timeout_seconds), *settings]

    def version(self) -> str:
        """The version of the package."""
        return self.selection.version or self.versions[0]

    def is_installed(self) -> bool:
        """Whether its environment is complete."""
        return self._environment.is_complete()

    def install(self) -> str:
        """Build its environment."""
        install_environment(self._environment)
        return str(self._environment.folder)

    @property
    def _environment(self) -> Environment:
        requirements = (_HERE / f"requirements-{self.version()}.txt").read_text().split()
        return Environment(self.name, self.version(), tuple(requirements))
