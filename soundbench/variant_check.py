"""Does a variant mean what its instance means? Both networks are run side by side, and a witness must stay one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
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
    """Compare a variant `onnx` with the network of some instances, at a point in each one's box and at each witness.

    Outputs of ONNX Runtime may differ by certified bounds on rounding. Those over the reals must be equal, which is
    looked at once.

    Raises:
        HarnessError: the networks differ.
    """
    original = instances[0].onnx
    networks, graphs = (open_onnx(original), open_onnx(onnx)), (read_graph(original), read_graph(onnx))
    points = list(_points(networks[0], instances, ground_truth))
    if not _are_equal(graphs, points[0]):
        raise _error(kind, original, "computes other real numbers")
    for point in points:
        first, second = (_outputs(network, point) for network in networks)
        if first != second and (kind in EXACT or not _are_close(first, second, graphs, point)):
            raise _error(kind, original, "computes other floats")
    for instance in instances:
        _check_witness(kind, instance, ground_truth.get(instance.name), replace(instance, onnx=onnx))


def check_property(kind: VariantKind, instance: Instance, truth: GroundTruth | None, vnnlib: Path) -> None:
    """Make sure that an instance's witness violates a variant `vnnlib` of its property, too, as ONNX Runtime runs it.

    Raises:
        HarnessError: it does not.
    """
    _check_witness(kind, instance, truth, replace(instance, vnnlib=vnnlib))


def _check_witness(kind: VariantKind, instance: Instance, truth: GroundTruth | None, variant: Instance) -> None:
    if truth is None or truth.witness is None:
        return
    if not _violates(variant, truth.witness.point) and _violates(instance, truth.witness.point):
        raise _error(kind, instance.vnnlib, "is not violated by its witness")


def _points(
    network: OnnxNetwork, instances: Sequence[Instance], ground_truth: Mapping[str, GroundTruth]
) -> Iterator[Point]:
    """A random point in a box of every instance, and the witnesses."""
    random = np.random.default_rng(0)
    for instance in instances:
        regions = read_property(instance.vnnlib).regions
        box = regions[random.integers(len(regions))].inputs
        shares = (Fraction(share) for share in random.random(len(box)).tolist())
        yield network.cast(
            [each.lower + share * (each.upper - each.lower) for each, share in zip(box, shares, strict=True)]
        )
        truth = ground_truth.get(instance.name)
        if truth is not None and truth.witness is not None:
            yield truth.witness.point


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
