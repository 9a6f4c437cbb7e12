"""Lines of exponentials, squares and reciprocals: convex, so that tangents lie below, and the chord above.

For what the functions take and give, see `relaxation`.
"""

import numpy as np

from .line import ROUNDING, Line, chord
from .network import Array, Exp, Reciprocal, Square
from .rounding import ABSOLUTE_SLACK


def exp_lower(_node: Exp, lower: Array, upper: Array) -> Line:
    """About the tangent at the middle: exp(x) - s x is least at log(s), whatever s > 0 is, and s (1 - log(s)) there."""
    slope = np.exp((lower + upper) / 2)
    product = slope * np.log(slope)
    intercept = slope - product - ROUNDING * (slope + np.abs(product)) - ABSOLUTE_SLACK
    return Line(slope, np.where(slope > 0, intercept, 0.0))


def exp_upper(_node: Exp, lower: Array, upper: Array) -> Line:
    """The chord."""
    ends = np.exp(lower), np.exp(upper)
    return chord(lower, upper, ends, ends)


def square_lower(_node: Square, lower: Array, upper: Array) -> Line:
    """The tangent at the middle m: 2 m x - m^2, where doubling is exact."""
    middle = (lower + upper) / 2
    return Line(2 * middle, -(middle**2) * (1 + ROUNDING) - ABSOLUTE_SLACK)


def square_upper(_node: Square, lower: Array, upper: Array) -> Line:
    """The chord."""
    return chord(lower, upper, (lower**2, upper**2), (2 * lower, 2 * upper))


def reciprocal_lower(_node: Reciprocal, lower: Array, upper: Array) -> Line:
    """About the tangent where both ends are as far off: 1 / x + q x is at least 2 sqrt(q), for all x > 0."""
    steepness = 1 / (_positive(lower) * upper)
    return Line(-steepness, 2 * np.sqrt(steepness) * (1 - ROUNDING))


def reciprocal_upper(_node: Reciprocal, lower: Array, upper: Array) -> Line:
    """The chord."""
    positive = _positive(lower)
    return chord(positive, upper, (1 / positive, 1 / upper), (-1 / positive**2, -1 / upper**2))


def _positive(lower: Array) -> Array:
    """NaN, from which nothing follows, where the function is not convex."""
    return np.where(lower > 0, lower, np.nan)
