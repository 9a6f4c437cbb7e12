"""Input splitting: which dimension of a box to cut, where, and what the children are."""

import numpy as np

from .backward import Relaxation
from .bounding import ConstraintBounds
from .intervals import Bounds
from .network import Array, Dense, Network, Scale, Sum


def sensitivity(network: Network, rows: Array, relaxation: Relaxation) -> Array:
    """How much each input can move each row of the outputs along the steeper lines, nothing cancelling: (rows, inputs).

    It only guides the splitting, so its rounding does not matter.
    """
    reach = {network.output: np.abs(rows)}
    for target in range(network.output, 0, -1):
        node, moved = network.nodes[target - 1], reach.pop(target, None)
        if moved is None:
            continue
        match node:
            case Dense(source=source):
                parts = [(source, moved @ node.absolute_weight)]
            case Scale(source=source):
                parts = [(source, moved * np.abs(node.factor))]
            case Sum(left=left, right=right):
                parts = [(left, moved), (right, moved)]
            case _:
                steeper = np.maximum(relaxation.lower_lines[target].slope, relaxation.upper_lines[target].slope)
                parts = [(node.source, moved * steeper)]
        for source, part in parts:
            reach[source] = reach[source] + part if source in reach else part
    return reach[0]


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
