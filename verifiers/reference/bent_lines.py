"""Lines of functions that are straight or level but at zero: ReLU, LeakyReLU and the sign.

For what the functions take and give, see `relaxation`.
"""

import numpy as np

from .line import Line, negated
from .network import Array, LeakyRelu, Relu, Sign
from .rounding import ABSOLUTE_SLACK

SMALLEST_STEP = 1e-50  # a line that climbs from zero to one within less is too steep to be of use


def relu_lower(_node: Relu, lower: Array, upper: Array) -> Line:
    """Slope 1 where more of the interval is positive, else 0; through the origin, so exact in float64."""
    return Line((upper > -lower).astype(np.float64), np.zeros_like(lower))


def relu_steep_lower(_node: Relu, _lower: Array, upper: Array) -> Line:
    """Slope 1 unless inactive: so that relu(z) + relu(d - z) >= d is seen."""
    return Line((upper > 0).astype(np.float64), np.zeros_like(upper))


def relu_upper(_node: Relu, lower: Array, upper: Array) -> Line:
    """The chord."""
    return _bent_chord(0.0, 1.0, lower, upper)


def leaky_relu_lower(node: LeakyRelu, lower: Array, upper: Array) -> Line:
    """As of a ReLU; where the slope exceeds 1 the function is concave, and its lower line a chord."""
    if node.slope > 1:
        return negated(_bent_chord(-node.slope, -1.0, lower, upper))
    return Line(np.where(upper > -lower, 1.0, node.slope), np.zeros_like(lower))


def leaky_relu_steep_lower(node: LeakyRelu, lower: Array, upper: Array) -> Line:
    """As of a ReLU."""
    if node.slope > 1:
        return leaky_relu_lower(node, lower, upper)
    return Line(np.where(upper > 0, 1.0, node.slope), np.zeros_like(lower))


def leaky_relu_upper(node: LeakyRelu, lower: Array, upper: Array) -> Line:
    """The chord, or where the function is concave the slope of the longer side."""
    if node.slope > 1:
        return Line(np.where(upper > -lower, 1.0, node.slope), np.zeros_like(lower))
    return _bent_chord(node.slope, 1.0, lower, upper)


def sign_lower(_node: Sign, lower: Array, upper: Array) -> Line:
    """Level, or from -1 at zero to 1 at the upper end where that is higher in the middle of the interval."""
    climbs = (lower < 0) & (upper >= -lower) & (upper > SMALLEST_STEP)
    slope = np.where(climbs, np.nextafter(2 / np.where(climbs, upper, 1), 0), 0.0)
    return Line(slope, np.sign(lower))


def sign_upper(node: Sign, lower: Array, upper: Array) -> Line:
    """The lower line over the mirrored interval, mirrored: the sign is odd."""
    slope, intercept = sign_lower(node, -upper, -lower)
    return Line(slope, -intercept)


def _bent_chord(left: float, right: float, lower: Array, upper: Array) -> Line:
    """A line above what has the slope `left` below zero and a greater one, `right`, above; exact on either side.

    What lies above both ends lies above it all, since it is convex, whatever rounding did to the slope.
    """
    low, high = np.minimum(lower, 0), np.maximum(upper, 0)
    unstable = (low < 0) & (high > 0)
    width = np.where(unstable, high - low, 1)
    slope = np.where(unstable, (right * high - left * low) / width, np.where(lower >= 0, right, left))
    slope = np.clip(slope, left, right)
    intercept = np.maximum((left - slope) * low, (right - slope) * high) * (1 + 2.0**-48) + ABSOLUTE_SLACK
    return Line(slope, np.where(unstable, intercept, 0))
