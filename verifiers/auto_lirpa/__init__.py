"""auto_LiRPA (Xu et al., "Automatic Perturbation Analysis for Scalable Certified Robustness", NeurIPS 2020).

A library of linear bounds on PyTorch's graphs. `solve.py` asks it for bounds on the unsafe outputs' margins, and splits
the box where they do not suffice; onnx2pytorch reads the network.
"""

from pathlib import Path

from soundbench.facts import Facts
from soundbench.option import Option
from soundbench.packaged import PackagedVerifier
from soundbench.verifier import Task

from ..regions import write_regions


class AutoLirpa(PackagedVerifier):
    """auto_LiRPA's bounds, completed by splitting the input box."""

    name = "auto_lirpa"
    summary = "auto_LiRPA from PyPI, bounds completed by input splitting"
    facts = Facts(
        home="https://github.com/Verified-Intelligence/auto_LiRPA",
        paper="Xu et al., Automatic Perturbation Analysis for Scalable Certified Robustness and Beyond, NeurIPS 2020",
        licence="BSD-3-Clause",
        operators="what both onnx2pytorch and auto_LiRPA 0.3 know; not Clip, Sign, or pads that differ",
    )
    is_tested = True
    megabytes = 1200
    options = (
        Option("method", "CROWN-IBP", "how bounds are computed", ("IBP", "CROWN-IBP", "CROWN", "alpha-CROWN")),
        Option("iterations", 20, "steps in which alpha-CROWN improves its bounds"),
        Option("split", True, "whether boxes are split; else the bounds of the whole box decide"),
    )

    def property_file(self, task: Task) -> Path:
        """It reads no VNN-LIB."""
        return write_regions(task)
