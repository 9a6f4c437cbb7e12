"""How far float64 arithmetic may be off, so that every bound can be moved outwards by at least that much.

A dot product of n terms, summed in any order, with or without fused multiply-add, is off by at most
gamma(n) * (sum of the |terms|), gamma(n) = n u / (1 - n u), u = 2^-53 (Higham, *Accuracy and Stability of Numerical
Algorithms*, 2nd ed., section 3.1), plus at most 2^-1022 an operation where it underflows.
A step of an analysis computes `terms`-fold dot products and at most 8 further operations on them, twice (a midpoint
and a radius, or a lower and an upper line), of total magnitude m, and moves its bound outwards by
    slack = 4 (terms + 8) u m + 1e-150.
Needed are 2 gamma(terms + 8) m and the underflows. With n = terms + 8 < 1e7 the former is below 2.001 n u m, so the
factor 4 leaves a half for the rounding of m itself (relative gamma(n)), of the slack, and of the subtraction of it.
Underflows cost at most 1e7 * 2^-1022 times a magnitude of at most 1e100, hence 1e-150; larger numbers are refused.
Rounded constants (the 1/k of a pooling window, the factor of a batch normalisation) are off by at most 4 u relatively:
four of the 8 further operations.
"""

from fractions import Fraction

import numpy as np

from .failures import NumericError
from .network import Array

FLOAT64_UNIT = 2.0**-53
REPLAY_UNIT = 2.0**-24 / 4  # float32's: `slack` counts four units an operation, a single evaluation needs one
ABSOLUTE_SLACK = 1e-150
LARGEST_MAGNITUDE = 1e100


def slack(terms: int, magnitude: Array, unit: float = FLOAT64_UNIT) -> Array:
    """How far to move a bound outwards: see the module's text; `magnitude` is of any shape."""
    return 4 * (terms + 8) * unit * magnitude + ABSOLUTE_SLACK


def require_usable(*arrays: Array) -> None:
    """Raise NumericError unless every entry is a number of magnitude at most 1e100 (NaN is not)."""
    for array in arrays:
        if not np.all(np.abs(array) <= LARGEST_MAGNITUDE):
            raise NumericError("a bound is not finite, or too large to be trusted")


def round_down(value: Fraction) -> float:
    """The largest float64 that is not above `value`; raises NumericError beyond the float64 range."""
    return -round_up(-value)


def round_up(value: Fraction) -> float:
    """The smallest float64 that is not below `value`; raises NumericError beyond the float64 range."""
    try:
        nearest = float(value)
    except OverflowError:
        raise NumericError("a number of the property is beyond the float64 range") from None
    return nearest if Fraction(nearest) >= value else float(np.nextafter(nearest, np.inf))
