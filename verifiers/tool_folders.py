"""Tools that took part in VNN-COMP, in a checkout of theirs: where in it their three scripts lie.

No real answer of them has been seen here: their scripts are trusted to keep to the contract.
"""

from pathlib import Path
from typing import ClassVar

from soundbench.facts import Facts

from .vnncomp import VnnComp


class ToolFolder(VnnComp):
    """A tool whose scripts lie in a folder of its checkout."""

    is_tested = False
    scripts: ClassVar[str] = "."

    def scripts_folder(self) -> Path:
        """The folder of the scripts in the checkout."""
        return super().scripts_folder() / self.scripts


class NnEnum(ToolFolder):
    """nnenum, by star sets."""

    name = "nnenum"
    summary = "nnenum in a checkout of yours"
    scripts = "vnncomp_scripts"
    facts = Facts(
        home="https://github.com/stanleybak/nnenum",
        paper="Bak, nnenum: Verification of ReLU Neural Networks with Optimized Abstraction Refinement, NFM 2021",
        licence="see its page",
        operators="ReLU networks",
    )


class Cora(ToolFolder):
    """CORA, by polynomial zonotopes; needs MATLAB."""

    name = "cora"
    summary = "CORA's VNN-COMP scripts in a checkout of yours; needs MATLAB"
    facts = Facts(
        home="https://github.com/kollerlukas/cora-vnncomp2025",
        paper="Althoff, An Introduction to CORA 2015, ARCH 2015",
        licence="see its page",
    )


class Nnv(ToolFolder):
    """NNV, by star sets; needs MATLAB."""

    name = "nnv"
    summary = "NNV in a checkout of yours; needs MATLAB"
    scripts = "code/nnv/examples/Submission/VNN_COMP2025"
    facts = Facts(
        home="https://github.com/verivital/nnv",
        paper="Lopez et al., NNV 2.0: The Neural Network Verification Tool, CAV 2023",
        licence="see its page",
    )


class MarabouVnnComp2023(ToolFolder):
    """Marabou as it took part in 2023."""

    name = "marabou_vnncomp_2023"
    summary = "Marabou's scripts of VNN-COMP 2023, in a folder of yours"
    facts = Facts(
        home="https://github.com/NeuralNetworkVerification/Marabou",
        paper="Brix et al., The Fourth International Verification of Neural Networks Competition, arXiv:2312.16760",
        licence="BSD-3-Clause",
    )


class MarabouVnnComp2024(ToolFolder):
    """Marabou as it took part in 2024."""

    name = "marabou_vnncomp_2024"
    summary = "Marabou's scripts of VNN-COMP 2024, in a folder of yours"
    facts = Facts(
        home="https://github.com/NeuralNetworkVerification/Marabou",
        paper="Wu et al., Marabou 2.0: A Versatile Formal Analyzer of Neural Networks, CAV 2024",
        licence="BSD-3-Clause",
    )
