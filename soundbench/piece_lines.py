"""Lines around a function of straight pieces: those of the smallest area, with every rounding on the safe side.

The function less a line is furthest out at an end of the interval or at a knot, so an intercept is proven there. The
best line above joins two of these points, and so does the best one below: all such slopes are tried.
"""

import itertools

import numpy as np
from numpy.typing import NDArray

from soundbench.graph import Array, Pieces
from soundbench.lines import Lines, rounded_down, rounded_up

UNROUNDED = (0.0, 1.0, -1.0)


def bound_pieces(function: Pieces, lower: Array, upper: Array) -> tuple[Array, Array]:
    """Proven bounds of the function on [lower, upper], shape (neurons,)."""
    low, high = values_at(function, corners(function, lower, upper))
    return low.min(axis=1), high.max(axis=1)


def pieces_lines(function: Pieces, lower: Array, upper: Array) -> Lines:
    """Lines for every neuron whose input lies in [lower, upper], shape (neurons,); exact where it has one piece."""
    points = corners(function, lower, upper)
    low, high = values_at(function, points)
    slopes = candidates(function, points, low)
    along = slopes[:, :, None] * points[:, None, :]
    below = rounded_down(low[:, None, :] - rounded_up(along)).min(axis=2)
    above = rounded_up(high[:, None, :] - rounded_down(along)).max(axis=2)
    # The area between a line and the function grows with the line's height in the middle of the interval.
    middle = slopes * (0.5 * lower + 0.5 * upper)[:, None]
    best_below, best_above = np.argmax(middle + below, axis=1), np.argmin(middle + above, axis=1)
    rows = np.arange(len(lower))
    found = slopes[rows, best_below], below[rows, best_below], slopes[rows, best_above], above[rows, best_above]
    for left, right, slope, constant in function.ranges():
        alone = (left <= lower) & (upper <= right)
        exact = (slope, constant, slope, constant)
        found = tuple(np.where(alone, own, other) for own, other in zip(exact, found, strict=True))  # type: ignore[assignment]
    return Lines(*found)


def corners(function: Pieces, lower: Array, upper: Array) -> Array:
    """Both ends and every knot, moved into the interval: shape (neurons, knots + 2), ascending."""
    return np.column_stack([lower, *(np.clip(knot, lower, upper) for knot in function.knots), upper])


def values_at(function: Pieces, points: Array) -> tuple[Array, Array]:
    """Proven bounds of the function at points, any shape."""
    low = high = np.full_like(points, np.nan)
    for left, _, slope, constant in function.ranges():
        value = slope * points if slope else np.full_like(points, constant)
        rounded = slope not in UNROUNDED
        low = np.where(points >= left, rounded_down(value) if rounded else value, low)
        high = np.where(points >= left, rounded_up(value) if rounded else value, high)
    return low, high


def candidates(function: Pieces, points: Array, values: Array) -> Array:
    """Slopes worth trying, shape (neurons, slopes): those of the pieces, and between any two of the points."""
    own = [slope for slope, _ in function.pieces]
    tried = [np.full(len(points), slope) for slope in own]
    for first, second in itertools.combinations(range(points.shape[1]), 2):
        rise, run = values[:, second] - values[:, first], points[:, second] - points[:, first]
        tried.append(np.clip(rise / np.where(run > 0, run, 1.0), min(own), max(own)))
    return np.column_stack(tried)


def has_knot(function: Pieces, lower: Array, upper: Array) -> NDArray[np.bool_]:
    """Where two pieces meet inside [lower, upper], shape (neurons,)."""
    found = np.zeros(len(lower), dtype=bool)
    for knot in function.knots:
        found |= (lower < knot) & (knot < upper)
    return found
