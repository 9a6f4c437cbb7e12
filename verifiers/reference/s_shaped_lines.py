"""Lines of tanh and sigmoid: convex below zero and concave above.

For what the functions take and give, see `relaxation`.
"""

import numpy as np

from .line import Line
from .network import Array, Sigmoid, Tanh

ITERATIONS = 5  # for a tangent point: they decide how tight a line is, never whether it is sound


def tanh_lower(_node: Tanh, lower: Array, upper: Array) -> Line:
    """A tangent where tanh is convex, else the steepest line from the upper end that stays below."""
    return _tanh_lower(lower, upper)


def tanh_lower_intercept(slope: Array, lower: Array, upper: Array) -> Array:
    """The greatest intercept, less rounding, with which a line of a slope s in [0, 1] lies below tanh on the interval.

    That is the least value of g(x) = tanh(x) - s x. With tanh'(p) = s, g falls up to -p, rises to p and falls after:
    it is least at the upper end, or at -p moved into the interval. An error e in p costs e^2 at most.
    """
    at_turning = _below_tanh(slope, np.clip(-_turning_point(slope), lower, upper))
    return np.minimum(at_turning, _below_tanh(slope, upper))


def tanh_upper(_node: Tanh, lower: Array, upper: Array) -> Line:
    """The lower line over the mirrored interval, mirrored: tanh is odd."""
    return _tanh_upper(lower, upper)


def sigmoid_lower(_node: Sigmoid, lower: Array, upper: Array) -> Line:
    """sigmoid(x) = 1/2 + tanh(x/2) / 2; halving is exact, the addition of 1/2 is rounded down."""
    slope, intercept = _tanh_lower(lower / 2, upper / 2)
    return Line(slope / 4, 0.5 + intercept / 2 - 2.0**-50 * (1 + np.abs(intercept)))


def sigmoid_upper(_node: Sigmoid, lower: Array, upper: Array) -> Line:
    """sigmoid(x) = 1/2 + tanh(x/2) / 2; halving is exact, the addition of 1/2 is rounded up."""
    slope, intercept = _tanh_upper(lower / 2, upper / 2)
    return Line(slope / 4, 0.5 + intercept / 2 + 2.0**-50 * (1 + np.abs(intercept)))


def _tanh_lower(lower: Array, upper: Array) -> Line:
    slope = _tanh_lower_slope(lower, upper)
    return Line(slope, tanh_lower_intercept(slope, lower, upper))


def _tanh_upper(lower: Array, upper: Array) -> Line:
    slope, intercept = _tanh_lower(-upper, -lower)
    return Line(slope, -intercept)


def _below_tanh(slope: Array, x: Array) -> Array:
    """tanh(x) - slope * x, rounded down: 32 units for tanh and the subtraction, 8 for the product."""
    product = slope * x
    return np.tanh(x) - product - 2.0**-48 - 2.0**-50 * np.abs(product)


def _turning_point(slope: Array) -> Array:
    """The p >= 0 with tanh'(p) = slope: artanh(sqrt(1 - slope)), written so that nothing cancels."""
    return np.asarray(np.log1p(np.sqrt(1 - slope)) - np.log(slope) / 2)


def _tanh_lower_slope(lower: Array, upper: Array) -> Array:
    """A slope in [0, 1] whose lower line is tight.

    Where tanh is convex, a tangent at the middle. Elsewhere the steepest secant from the upper end to a point d
    of the interval: the lower end, or where the secant is a tangent on the convex side, which is a fixed point of
    d -> -p(secant to d), reached quadratically since the secant is steepest there.
    """
    furthest = np.clip(0.0, lower, upper)
    point, slope = lower, _secant(lower, upper)
    for _ in range(ITERATIONS):
        point = np.clip(-_turning_point(slope), lower, furthest)
        slope = _secant(point, upper)
    return np.where(upper <= 0, _tanh_slope((lower + upper) / 2), slope)


def _secant(left: Array, right: Array) -> Array:
    """The slope of tanh between two points, or at them where they meet."""
    width = right - left
    secant = (np.tanh(right) - np.tanh(left)) / np.where(width > 0, width, 1)
    return np.clip(np.where(width > 0, secant, _tanh_slope(right)), 0.0, 1.0)


def _tanh_slope(x: Array) -> Array:
    return np.asarray(1 - np.tanh(x) ** 2)
