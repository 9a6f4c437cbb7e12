"""Lines that enclose a function of one number on an interval, with every rounding on the safe side.

Slopes are chosen in float64 for tightness; intercepts are then proven for the slope that was chosen, so a poor
choice loosens a bound and never breaks it. Transcendental values come from python-flint's ball arithmetic.
"""

import functools
import math

import numpy as np
from flint import arb, ctx

from soundbench.elementary_lines import bound_elementary, elementary_lines
from soundbench.errors import CertificateError
from soundbench.graph import Array, Elementary, Elementwise, Function, Pieces
from soundbench.lines import Lines, rounded_down, rounded_up, up
from soundbench.piece_lines import bound_pieces, pieces_lines
from soundbench.rigorous import PRECISION_BITS, softmax

# Below this slope the touching point of a tangent to tanh lies so far out that a horizontal line does as well.
SMALLEST_SLOPE = 1e-24


def enclose(function: Elementwise, lower: Array, upper: Array, slopes: str | None) -> Lines:
    """Lines for every neuron of an activation whose input lies in [lower, upper] (float64, shape (neurons,)).

    `slopes` has one character a neuron for the lower line of an unstable ReLU: `0`, `1`, or `a` for whichever of
    the two leaves the smaller triangle; None means `a` throughout.

    Raises:
        CertificateError: there is not one character for each neuron of a ReLU, or one that means nothing.
    """
    match function:
        case Function.RELU:
            return relu_lines(lower, upper, slopes)
        case Function.TANH:
            return tanh_lines(lower, upper)
        case Function.SIGMOID:
            return sigmoid_lines(lower, upper)
        case Elementary():
            return elementary_lines(function, lower, upper)
        case Pieces():
            return pieces_lines(function, lower, upper)


def bound_values(function: Elementwise, lower: Array, upper: Array) -> tuple[Array, Array]:
    """Proven bounds of f on [lower, upper]."""
    match function:
        case Function.RELU:
            return np.maximum(lower, 0.0), np.maximum(upper, 0.0)
        case Function.TANH:
            return bound_tanh(lower, upper)
        case Function.SIGMOID:
            low, high = bound_tanh(0.5 * lower, 0.5 * upper)
            return rounded_down(0.5 + rounded_down(0.5 * low)), rounded_up(0.5 + rounded_up(0.5 * high))
        case Elementary():
            return bound_elementary(function, lower, upper)
        case Pieces():
            return bound_pieces(function, lower, upper)


def bound_tanh(lower: Array, upper: Array) -> tuple[Array, Array]:
    """Proven bounds of tanh on [lower, upper]."""
    return np.array([-tanh_above(-x) for x in lower.tolist()]), np.array([tanh_above(x) for x in upper.tolist()])


def bound_softmax(length: int, lower: Array, upper: Array) -> tuple[Array, Array]:
    """Proven bounds of softmax over each run of `length` inputs in [lower, upper], shape (inputs,)."""
    low, high = np.zeros_like(lower), np.ones_like(upper)
    with ctx.workprec(PRECISION_BITS):
        for first in range(0, len(lower), length):
            run = slice(first, first + length)
            if not (np.isfinite(lower[run]).all() and np.isfinite(upper[run]).all()):
                continue
            ends = zip(lower[run].tolist(), upper[run].tolist(), strict=True)
            shares = softmax([arb(least).union(arb(most)) for least, most in ends])
            low[run] = [-up(-ball) for ball in shares]
            high[run] = [up(ball) for ball in shares]
    # No part is negative or more than the whole, and what is not a number says nothing.
    return np.fmax(low, 0.0), np.fmin(high, 1.0)


def relu_lines(lower: Array, upper: Array, slopes: str | None) -> Lines:
    """The chord above and a line through zero below; exact where the sign of the input is known."""
    active = lower >= 0
    # Said this way round, a bound that is NaN makes lines that are NaN, from which nothing follows.
    unstable = ~active & ~(upper <= 0)
    steep = upper > -lower
    if slopes is not None:
        if len(slopes) != len(lower) or not set(slopes) <= set("01a"):
            raise CertificateError(
                f"the slopes {slopes[:20]!r} are not one of 0, 1, a for each of {len(lower)} neurons"
            )
        chosen = np.array(list(slopes))
        steep = (chosen == "1") | ((chosen == "a") & steep)
    width = np.where(unstable, upper - lower, 1.0)
    chord = np.where(unstable, np.clip(upper / width, 0.0, 1.0), active.astype(np.float64))
    # The line must lie above the function at both ends, whatever the rounding of its slope.
    left = rounded_up(chord * -lower)
    right = rounded_up(rounded_up(1.0 - chord) * upper)
    intercept = np.where(unstable, np.maximum(left, right), 0.0)
    below = np.where(unstable, steep.astype(np.float64), active.astype(np.float64))
    return Lines(below, np.zeros_like(lower), chord, intercept)


def tanh_lines(lower: Array, upper: Array) -> Lines:
    """A tangent or chord on each side; the lower line is the upper line of the mirrored interval, negated."""
    upper_slope, upper_intercept = tanh_upper_line(lower, upper)
    lower_slope, mirrored = tanh_upper_line(-upper, -lower)
    return Lines(lower_slope, -mirrored, upper_slope, upper_intercept)


def sigmoid_lines(lower: Array, upper: Array) -> Lines:
    """Those of tanh, since sigmoid(x) = (1 + tanh(x / 2)) / 2; halving is exact in float64."""
    lines = tanh_lines(0.5 * lower, 0.5 * upper)
    return Lines(
        0.25 * lines.lower_slope,
        rounded_down(0.5 + 0.5 * lines.lower_intercept),
        0.25 * lines.upper_slope,
        rounded_up(0.5 + 0.5 * lines.upper_intercept),
    )


def tanh_upper_line(lower: Array, upper: Array) -> tuple[Array, Array]:
    """Slope and proven intercept of a line above tanh on [lower, upper], shape (neurons,)."""
    slopes = tanh_upper_slope(lower, upper)
    with ctx.workprec(PRECISION_BITS):
        intercepts = [
            tanh_intercept(*triple) for triple in zip(slopes.tolist(), lower.tolist(), upper.tolist(), strict=True)
        ]
    return slopes, np.array(intercepts)


def tanh_upper_slope(lower: Array, upper: Array) -> Array:
    """A good slope for a line above tanh: tangent where it is concave, chord where the tangent would cut it."""
    width = upper - lower
    middle = 0.5 * (lower + upper)
    derivative = 1.0 - np.tanh(middle) ** 2
    safe_width = np.where(width > 1e-9, width, 1.0)
    chord = np.where(width > 1e-9, (np.tanh(upper) - np.tanh(lower)) / safe_width, derivative)
    # Across zero: the tangent through the left end touches at some d > 0, found by bisection.
    low, high = np.zeros_like(upper), np.maximum(upper, 0.0)
    for _ in range(24):
        touch = 0.5 * (low + high)
        cuts = (1.0 - np.tanh(touch) ** 2) * (touch - lower) > np.tanh(touch) - np.tanh(lower)
        low, high = np.where(cuts, touch, low), np.where(cuts, high, touch)
    tangent = 1.0 - np.tanh(high) ** 2
    slope = np.where(lower >= 0, derivative, np.where(upper <= 0, chord, np.maximum(tangent, chord)))
    slope = np.clip(slope, 0.0, 1.0)
    return np.where(slope < SMALLEST_SLOPE, 0.0, slope)


@functools.lru_cache(maxsize=1 << 16)
def tanh_intercept(slope: float, lower: float, upper: float) -> float:
    """An upper bound of tanh(x) - slope * x over [lower, upper].

    The maximum is at an end or at the only local maximum x* = artanh(sqrt(1 - slope)). Remembered, since a split
    leaves most neurons as they were.
    """
    candidates = [arb(x).tanh() - arb(slope) * arb(x) for x in (lower, upper)]
    if 0.0 < slope < 1.0:
        height = (1 - arb(slope)).sqrt()
        peak = height.atanh()
        if not (peak < lower or peak > upper):
            candidates.append(height - arb(slope) * peak)
    values = [up(ball) for ball in candidates]
    return max(values) if all(map(math.isfinite, values)) else math.inf


@functools.lru_cache(maxsize=1 << 16)
def tanh_above(value: float) -> float:
    """A float64 above tanh; remembered as intercepts are."""
    return up(arb(value).tanh())
