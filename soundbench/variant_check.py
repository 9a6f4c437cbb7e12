"""Does a variant have its instance's answer? Networks are run side by side, and a witness must stay one."""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from soundbench.errors import HarnessError
from soundbench.graph import Graph, UnsupportedOperator, read_graph
from soundbench.ground_truth import GroundTruth
from soundbench.instance import Instance, VariantKind
from soundbench.replay import NonFiniteOutputError, OnnxNetwork, Point, open_onnx
from soundbench.rigorous import evaluate
from soundbench.rounding import float32_error
from soundbench.vnnlib import read_property

# Those that change exponents alone, so that not even a rounding differs.
EXACT = frozenset({VariantKind.RESCALED})


def can_be_checked(onnx: Path) -> bool:
    """Whether a network's variants can be: its operators have an exact meaning, its numbers no wider roundings."""
    try:
        read_graph(onnx)
    except UnsupportedOperator:
        return False
    return open_onnx(onnx).input_type != "float16"


def check_network(
    kind: VariantKind, instances: Sequence[Instance], ground_truth: Mapping[str, GroundTruth], onnx: Path
) -> None:
    """Compare a variant `onnx` with the network of some instances, at witnesses and at a point in each one's box.

    Outputs of ONNX Runtime may differ by certified bounds on rounding. Those over the reals must be equal, which is
    looked at twice.

    Raises:
        HarnessError: the networks differ.
    """
    original = instances[0].onnx
    networks, graphs = (open_onnx(original), open_onnx(onnx)), (read_graph(original), read_graph(onnx))
    points = [*_witnesses(instances, ground_truth), *_random_points(networks[0], instances)]
    if not all(_are_equal(graphs, point) for point in (points[0], points[-1])):
        raise _error(kind, original, "computes other real numbers")
    for point in points:
        first, second = (_outputs(network, point) for network in networks)
        if first != second and (kind in EXACT or not _are_close(first, second, graphs, point)):
            raise _error(kind, original, "computes other floats")


def keeps_witness(instance: Instance, truth: GroundTruth | None, variant: Instance) -> bool:
    """Whether what violates an instance in ONNX Runtime violates a variant, too: by a hair's breadth it may not."""
    if truth is None or truth.witness is None:
        return True
    return _violates(variant, truth.witness.point) or not _violates(instance, truth.witness.point)


def _witnesses(instances: Sequence[Instance], ground_truth: Mapping[str, GroundTruth]) -> list[Point]:
    """The witnesses of instances, or of those that they are twins of: where needles lie that act nowhere else."""
    known = [ground_truth[each.name] for each in instances if each.name in ground_truth]
    pairs = {truth.pair for truth in known if truth.pair is not None}
    armed = [truth for truth in ground_truth.values() if truth.pair in pairs or truth in known]
    return [truth.witness.point for truth in armed if truth.witness is not None]


def _random_points(network: OnnxNetwork, instances: Sequence[Instance]) -> Iterator[Point]:
    """A point in a box of each instance."""
    random = np.random.default_rng(0)
    for instance in instances:
        regions = read_property(instance.vnnlib).regions
        box = regions[random.integers(len(regions))].inputs
        shares = map(Fraction, random.random(len(box)).tolist())
        yield network.cast(
            [each.lower + share * (each.upper - each.lower) for each, share in zip(box, shares, strict=True)]
        )


def _are_equal(graphs: Sequence[Graph], point: Point) -> bool:
    """Whether two networks have the same outputs over the reals, as far as balls can tell."""
    balls = zip(*(evaluate(graph, point) for graph in graphs), strict=True)
    return all(low <= other_high and other_low <= high for (low, high), (other_low, other_high) in balls)


def _are_close(first: Point, second: Point, graphs: Sequence[Graph], point: Point) -> bool:
    """Whether rounding explains that two networks' outputs differ; overflows, which have none, it does."""
    if not first or not second:
        return True
    errors = [float32_error(graph, point).tolist() for graph in graphs]
    return all(abs(a - b) <= sum(limits) for a, b, *limits in zip(first, second, *errors, strict=True))


def _outputs(network: OnnxNetwork, point: Point) -> Point:
    try:
        return network.run(point)
    except NonFiniteOutputError:
        return ()


def _violates(instance: Instance, point: Point) -> bool:
    network = open_onnx(instance.onnx)
    outputs = _outputs(network, point)
    return bool(outputs) and read_property(instance.vnnlib).is_violated_by(network.cast(point), outputs)


def _error(kind: VariantKind, original: Path, what: str) -> HarnessError:
    return HarnessError(f"{original}: its variant {kind} {what}; run without --variants, and tell soundbench's makers")
