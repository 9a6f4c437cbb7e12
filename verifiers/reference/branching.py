"""Input splitting: which dimension of a box to cut, where, and what the children are."""

import numpy as np

from .backward import Relaxation, scattered
from .bounding import ConstraintBounds
from .intervals import Bounds, operands
from .network import Array, Dense, Maximum, Network, Node, Product, Scale, Select, Sum


def sensitivity(network: Network, rows: Array, relaxation: Relaxation) -> Array:
    """How much each input can move each row of the outputs along the steeper lines, nothing cancelling: (rows, inputs).

    It only guides the splitting, so its rounding does not matter.
    """
    reach = {network.output: np.abs(rows)}
    for target in range(network.output, 0, -1):
        node, moved = network.nodes[target - 1], reach.pop(target, None)
        if moved is None:
            continue
        for source, part in _moved_by(node, target, moved, relaxation):
            reach[source] = reach[source] + part if source in reach else part
    return reach[0]


def _moved_by(node: Node, target: int, moved: Array, relaxation: Relaxation) -> list[tuple[int, Array]]:
    """How much each source can move the rows, given how much the node's output can: (rows, size of source)."""
    tensors = relaxation.tensors
    match node:
        case Dense():
            return [(node.source, moved @ node.absolute_weight)]
        case Scale():
            return [(node.source, moved * np.abs(node.factor))]
        case Sum():
            return [(node.left, moved), (node.right, moved)]
        case Select():
            sizes = [len(tensors[source].lower) for source in node.sources]
            parts = np.split(scattered(moved, node.order, sum(sizes)), np.cumsum(sizes)[:-1], axis=1)
            return list(zip(node.sources, parts, strict=True))
        case Maximum():
            every = np.repeat(moved, node.groups.shape[1], axis=1)
            return [(node.source, scattered(every, node.groups.ravel(), len(tensors[node.source].lower)))]
        case Product():
            left, right = operands(node, tensors)
            outputs = moved.reshape(len(moved), node.shape[0], node.shape[1], node.shape[3])
            return [
                (node.left, (outputs @ right.magnitude.swapaxes(1, 2)).reshape(len(moved), -1)),
                (node.right, (left.magnitude.swapaxes(1, 2) @ outputs).reshape(len(moved), -1)),
            ]
        case _:
            lines = relaxation.lower_lines[target], relaxation.upper_lines[target]
            return [(node.source, moved * np.maximum(*(np.abs(line.slope) for line in lines)))]


def choose_dimension(box: Bounds, bounds: ConstraintBounds) -> int:
    """The one that can move the constraint closest to refuted most; the widest if none can."""
    widths = box.upper - box.lower
    if not len(bounds.lower):
        return int(np.argmax(widths))
    change = bounds.sensitivity[np.argmax(bounds.lower)] * widths
    return int(np.argmax(change if np.any(change > 0) else widths))


def choose_cut(box: Bounds, dimension: int) -> float:
    """The middle."""
    return float(box.lower[dimension] / 2 + box.upper[dimension] / 2)


def split(box: Bounds, dimension: int, cut: float) -> tuple[Bounds, ...]:
    """Both closed halves, which share the plane of the cut; none if the cut does not make both smaller."""
    if not box.lower[dimension] < cut < box.upper[dimension]:
        return ()
    below, above = box.upper.copy(), box.lower.copy()
    below[dimension] = above[dimension] = cut
    return Bounds(box.lower, below), Bounds(above, box.upper)
