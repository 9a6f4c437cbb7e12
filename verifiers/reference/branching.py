"""Input splitting: which dimension of a box to cut, where, and what the children are."""

import numpy as np

from .bounding import ConstraintBounds
from .intervals import Bounds


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
