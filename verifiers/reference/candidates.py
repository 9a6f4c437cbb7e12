"""Counterexamples: points to try in a box, and the check that one of them is real."""

from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np

from .bounding import ConstraintBounds
from .failures import NumericError
from .intervals import Bounds, forward
from .network import Array, Network
from .rounding import REPLAY_UNIT, slack
from .targets import Constraints, Target
from .verdict import Counterexample

LARGEST_FLOAT32 = 1e38  # a third of it, so that rounding does not matter


def candidates(box: Bounds, bounds: ConstraintBounds) -> Iterator[Array]:
    """Points to try: the centre, and the corner where the line of the constraint closest to refuted is lowest."""
    yield box.lower / 2 + box.upper / 2
    if len(bounds.lower):
        yield np.where(bounds.coefficients[np.argmax(bounds.lower)] > 0, box.lower, box.upper)


def find_counterexample(network: Network, target: Target, points: Iterable[Array]) -> Counterexample | None:
    """The first point that, moved to float32 values inside the region, is a counterexample; None if none is."""
    if np.any(target.lowest > target.highest):
        return None
    for point in points:
        inside = np.clip(point.astype(np.float32), target.lowest, target.highest).astype(np.float64)
        if is_counterexample(network, target.constraints, inside):
            return tuple(Fraction(value) for value in inside.tolist())
    return None


def is_counterexample(network: Network, constraints: Constraints, point: Array) -> bool:
    """Whether every constraint is satisfied at the point by more than the rounding error of float32 arithmetic.

    So it is one in exact arithmetic, and still one when it is replayed in float32.
    """
    try:
        tensors = forward(network, Bounds(point, point), REPLAY_UNIT)
    except NumericError:
        return False
    if any(np.any(tensor.magnitude > LARGEST_FLOAT32) for tensor in tensors):
        return False
    outputs = tensors[network.output]
    rows = constraints.coefficients
    greatest = np.maximum(rows, 0) @ outputs.upper + np.minimum(rows, 0) @ outputs.lower - constraints.bound
    lost = slack(2 * rows.shape[1], np.abs(rows) @ outputs.magnitude + np.abs(constraints.bound), REPLAY_UNIT)
    return bool(np.all(greatest + lost < 0))
