"""A straight line for each neuron, and the two rules by which the lines of convex functions are made."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from .network import Array, Node
from .rounding import ABSOLUTE_SLACK

ROUNDING = 2.0**-46  # relative: for a function off by several units, a product, and a difference of such


class Line(NamedTuple):
    """slope * x + intercept, shapes (size,)."""

    slope: Array
    intercept: Array


LineTable = Mapping[type[Node], Callable[[Any, Array, Array], Line]]


def negated(line: Line) -> Line:
    """A line below a function becomes one above the negated function, and the other way round."""
    return Line(-line.slope, -line.intercept)


def chord(lower: Array, upper: Array, values: tuple[Array, Array], slopes: tuple[Array, Array]) -> Line:
    """A line above a convex function, given its values and slopes at the two ends, the values rounded.

    What lies above both ends lies above it all, whatever rounding did to the slope.
    """
    width = upper - lower
    slope = np.where(width > 0, (values[1] - values[0]) / np.where(width > 0, width, 1), slopes[0])
    slope = np.clip(slope, slopes[0], slopes[1])
    products = slope * lower, slope * upper
    return Line(slope, np.maximum(*(_difference_up(*pair) for pair in zip(values, products, strict=True))))


def _difference_up(value: Array, product: Array) -> Array:
    return value - product + ROUNDING * (np.abs(value) + np.abs(product)) + ABSOLUTE_SLACK
