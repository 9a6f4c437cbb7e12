"""A suite of three instances whose answers anybody can see, for tests; as a script, the command line on that suite."""

import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from small_networks import write_network

from soundbench.ground_truth import Expected, GroundTruth, Role, TwinKind, Witness
from soundbench.instance import Instance
from soundbench.suite import Suite

# Y_0 = X_0 and Y_1 = -X_0 over one box each; the unsafe outputs are those from 0.5 on.
BOXES = {"armed": (0, 1), "twin": (0, 0.25), "clean": (0, 0.3)}
WITNESS = Witness((Fraction(3, 4),), 0.25, 0.25, 0.25, 0.0, 0.01)
_HOLDS = GroundTruth(Expected.HOLDS, "small", "small", Role.CLEAN)
GROUND_TRUTH = {
    "armed": GroundTruth(Expected.VIOLATED, "small", "small", Role.ARMED, pair="p", witness=WITNESS),
    "twin": replace(_HOLDS, role=Role.TWIN, pair="p", twin_kind=TwinKind.MISALIGNED),
    "clean": _HOLDS,
}


def small_suite(root: Path) -> Suite:
    """Write the instances' files below `root`."""
    root.mkdir(parents=True, exist_ok=True)
    onnx = write_network(root / "network.onnx", [[1.0], [-1.0]])
    instances = []
    for name, (lower, upper) in BOXES.items():
        text = "(declare-const X_0 Real)(declare-const Y_0 Real)(declare-const Y_1 Real)\n"
        text += f"(assert (>= X_0 {lower}))(assert (<= X_0 {upper}))(assert (>= Y_0 0.5))\n"
        (root / f"{name}.vnnlib").write_text(text)
        instances.append(Instance(name, onnx, root / f"{name}.vnnlib", 20.0))
    return Suite(root, "small", "1.0", tuple(instances), GROUND_TRUTH, "digest")


def main() -> None:
    """Run the command line with the suite written to the first argument."""
    from soundbench.cli import main as command_line

    import soundbench.suite

    root = Path(sys.argv.pop(1))
    soundbench.suite.load_suite = lambda _: small_suite(root)
    command_line()


if __name__ == "__main__":
    main()
