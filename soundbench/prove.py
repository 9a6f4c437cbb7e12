"""How a property is proven to hold: a tree of input splits whose leaves are backward bounds.

`search` finds a tree, `check` re-computes every leaf of one. Both refute, on each leaf, one constraint of the
unsafe region: its left side exceeds its bound everywhere on the leaf's box.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import isfinite

import numpy as np

from soundbench.bounds import TensorBounds, bound_tensors, dot_up, interval_tensors, lower_bound
from soundbench.errors import CertificateError
from soundbench.graph import Array, Graph, evaluate_float64
from soundbench.ground_truth import Leaf, Proof, ProofTree, Split
from soundbench.instance import Constraint, Property, Region
from soundbench.lines import rounded_down

INFLATION = 1e-4
# Far more splits than a proof needs on any path, and fewer than a file of proofs may nest.
DEEPEST = 150
# So many of the planes worth cutting at are tried at once, the first ones.
MOST_PLANES = 8
# Where a box has more inputs than this, not all of their middles are tried.
MOST_MIDDLES = 64


@dataclass(frozen=True, slots=True, eq=False)
class Box:
    """A closed box of inputs, float64, shape (inputs,) each."""

    lower: Array
    upper: Array

    def split(self, dimension: int, value: float) -> tuple["Box", "Box"]:
        """The part at or below `value` and the part at or above it."""
        upper, lower = self.upper.copy(), self.lower.copy()
        upper[dimension] = lower[dimension] = value
        return Box(self.lower, upper), Box(lower, self.upper)

    def cuts(self, dimension: int, value: float) -> bool:
        """Whether `value` lies strictly between the ends of a dimension."""
        return bool(self.lower[dimension] < value < self.upper[dimension])


@dataclass(frozen=True, slots=True)
class Hints:
    """What the planter knows that helps the search: planes worth cutting at, and slopes worth trying."""

    planes: Sequence[tuple[int, float]] = ()
    slopes: Sequence[Mapping[str, str]] = ({},)


def region_box(region: Region, inflation: float) -> Box:
    """The region's closed box, inflated by `inflation` on every side, rounded outwards."""
    margin = Fraction(inflation)
    lower = [-above(margin - interval.lower) for interval in region.inputs]
    upper = [above(margin + interval.upper) for interval in region.inputs]
    return Box(np.array(lower), np.array(upper))


def above(value: Fraction) -> float:
    """A float64 above an exact number, infinite if it is too large."""
    try:
        return float(np.nextafter(float(value), np.inf))
    except OverflowError:
        return float(np.inf if value > 0 else -np.finfo(np.float64).max)


def nearest(value: Fraction) -> tuple[float, float]:
    """A float64 near an exact number, and an upper bound of the distance, infinite if it is too large."""
    try:
        near = float(value)
    except OverflowError:
        return 0.0, np.inf
    distance = abs(Fraction(near) - value)
    return near, above(distance) if distance else 0.0


def slacks(graph: Graph, constraints: Sequence[Constraint], box: Box, slopes: Mapping[str, str]) -> Array:
    """Proven lower bounds, over the box, of each constraint's left side minus its bound; shape (constraints,)."""
    return slacks_from(graph, constraints, bound_tensors(graph, box.lower, box.upper, slopes))


def interval_slacks(graph: Graph, constraints: Sequence[Constraint], box: Box) -> Array:
    """As `slacks`, but from interval bounds of what the activations read."""
    return slacks_from(graph, constraints, interval_tensors(graph, box.lower, box.upper, {}))


@np.errstate(over="ignore", invalid="ignore")
def slacks_from(graph: Graph, constraints: Sequence[Constraint], known: TensorBounds) -> Array:
    """As `slacks`, from bounds of every tensor over the box."""
    rows = np.zeros((len(constraints), graph.output_count))
    rounding = np.zeros_like(rows)
    thresholds = np.zeros(len(constraints))
    for index, constraint in enumerate(constraints):
        thresholds[index] = above(constraint.bound) if constraint.bound else 0.0
        for output, factor in constraint.terms:
            rows[index, output], rounding[index, output] = nearest(factor)
    found = lower_bound(graph, graph.output, rows, known)
    loss = dot_up(rounding, known.magnitude(graph.output)) if rounding.any() else 0.0
    found = rounded_down(rounded_down(found - loss) - thresholds)
    return np.where(np.isnan(found), -np.inf, found)


def check(graph: Graph, unsafe: Property, proof: Proof) -> float:
    """Re-compute every leaf of a proof; return the smallest slack.

    Raises:
        CertificateError: the proof is for a property of another shape, a split lies outside its box, or a leaf does
            not refute.
    """
    if (graph.input_count, graph.output_count) != (unsafe.input_count, unsafe.output_count):
        raise CertificateError("the network's inputs and outputs are not as many as the property's")
    if len(proof.trees) != len(unsafe.regions):
        raise CertificateError(f"{len(proof.trees)} proof trees for {len(unsafe.regions)} regions")
    if not (isfinite(proof.inflation) and proof.inflation >= 0):
        raise CertificateError(f"boxes cannot be inflated by {proof.inflation:g}")
    worst = np.inf
    for region, tree in zip(unsafe.regions, proof.trees, strict=True):
        for leaf, box in leaves(tree, region_box(region, proof.inflation)):
            if not 0 <= leaf.refutes < len(region.outputs):
                raise CertificateError(f"a leaf refutes constraint {leaf.refutes}, which does not exist")
            slack = slacks(graph, [region.outputs[leaf.refutes]], box, leaf.slopes)[0]
            if not slack > 0:
                raise CertificateError(f"a leaf's bound leaves {slack:g}, which does not refute the property")
            worst = min(worst, float(slack))
    return worst


def leaves(tree: ProofTree, box: Box) -> Iterator[tuple[Leaf, Box]]:
    """Every leaf of a tree with its box.

    Raises:
        CertificateError: a split's plane does not cut its box.
    """
    pending = [(tree, box)]
    while pending:
        node, part = pending.pop()
        if isinstance(node, Leaf):
            yield node, part
            continue
        if not 0 <= node.dimension < len(part.lower) or not part.cuts(node.dimension, node.value):
            raise CertificateError(f"a split of input {node.dimension} at {node.value} lies outside its box")
        below, above = part.split(node.dimension, node.value)
        pending += [(node.above, above), (node.below, below)]


def cuts_of(trees: Iterable[ProofTree]) -> list[tuple[int, float]]:
    """The planes at which trees cut, those nearest the roots of each before those below them."""
    pending, planes = list(trees), []
    while pending:
        tree = pending.pop()
        if isinstance(tree, Split):
            planes.append((tree.dimension, tree.value))
            pending += [tree.below, tree.above]
    return planes


def search(graph: Graph, unsafe: Property, required_slack: float, hints: Hints, most_boxes: int) -> Proof | None:
    """Find a proof whose every leaf has at least `required_slack`, or None within `most_boxes` bounded boxes."""
    budget = Budget(most_boxes)
    trees = []
    for region in unsafe.regions:
        tree = grow(graph, region.outputs, region_box(region, INFLATION), required_slack, hints, budget, DEEPEST)
        if tree is None:
            return None
        trees.append(tree)
    found = Proof(INFLATION, required_slack, required_slack, tuple(trees))
    return replace(found, slack=check(graph, unsafe, found))


class Budget:
    """How many boxes a search may still bound."""

    def __init__(self, boxes: int) -> None:
        self.boxes = boxes

    def spend(self) -> bool:
        """Take one box; False when none is left."""
        self.boxes -= 1
        return self.boxes >= 0


def grow(
    graph: Graph,
    constraints: Sequence[Constraint],
    box: Box,
    required: float,
    hints: Hints,
    budget: Budget,
    depth: int,
) -> ProofTree | None:
    """A tree for one box: a leaf if some slopes refute a constraint, otherwise the split that promises most.

    None if there is no constraint to refute, no plane to split at, no box left to spend, or the tree gets deeper
    than `depth`.
    """
    if not constraints or depth == 0 or not budget.spend():
        return None
    for slopes in hints.slopes:
        found = slacks(graph, constraints, box, slopes)
        best = int(np.argmax(found))
        if found[best] >= required and found[best] > 0:
            return Leaf(best, slopes)
    plane = best_split(graph, constraints, box, hints) if budget.boxes else None
    if plane is None:
        return None
    children = []
    for part in box.split(*plane):
        child = grow(graph, constraints, part, required, hints, budget, depth - 1)
        if child is None:
            return None
        children.append(child)
    return Split(*plane, *children)


@np.errstate(over="ignore", invalid="ignore")
def best_split(graph: Graph, constraints: Sequence[Constraint], box: Box, hints: Hints) -> tuple[int, float] | None:
    """The plane whose halves promise most: a hinted one where one cuts the box, otherwise a middle, if any does."""
    hinted = [plane for plane in hints.planes if box.cuts(*plane)][:MOST_PLANES]
    return max(
        hinted or middles(graph, constraints, box),
        key=lambda plane: promise(graph, constraints, box.split(*plane), hints.slopes[0]),
        default=None,
    )


def middles(graph: Graph, constraints: Sequence[Constraint], box: Box) -> list[tuple[int, float]]:
    """The planes through the middle of a box; of many inputs those alone that seem to move the constraints most."""
    middle = 0.5 * (box.lower + box.upper)
    planes = [plane for plane in enumerate(middle.tolist()) if box.cuts(*plane)]
    if len(planes) <= MOST_MIDDLES:
        return planes
    ends = np.repeat(middle[None], len(planes), axis=0)
    for row, (dimension, _) in enumerate(planes):
        ends[row, dimension] = box.upper[dimension]
    outputs = evaluate_float64(graph, np.vstack([middle, ends]))[graph.output]
    rows = np.zeros((len(constraints), graph.output_count))
    for index, constraint in enumerate(constraints):
        for output, factor in constraint.terms:
            rows[index, output] = nearest(factor)[0]
    moved = np.abs((outputs[1:] - outputs[0]) @ rows.T).max(axis=1)
    return [planes[index] for index in np.argsort(-moved, kind="stable")[:MOST_PLANES].tolist()]


def promise(graph: Graph, constraints: Sequence[Constraint], parts: Iterable[Box], slopes: Mapping[str, str]) -> float:
    """How close a split comes to a proof: the halves' best slacks, worse half first."""
    best = sorted(float(np.max(slacks(graph, constraints, part, slopes))) for part in parts)
    return best[0] + 1e-3 * best[1]
