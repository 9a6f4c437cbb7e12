"""Lines around exponentials, squares and signs, with every rounding on the safe side.

Both smooth functions are convex: the chord lies above, a tangent below. A sign has level lines.
"""

import numpy as np
from flint import arb, ctx

from soundbench.graph import Array, Elementary
from soundbench.lines import Lines, rounded_down, rounded_up, up
from soundbench.rigorous import PRECISION_BITS


def elementary_lines(function: Elementary, lower: Array, upper: Array) -> Lines:
    """Lines for every neuron whose input lies in [lower, upper] (float64, shape (neurons,))."""
    match function:
        case Elementary.EXP:
            return exp_lines(lower, upper)
        case Elementary.SIGN:
            level = np.zeros_like(lower)
            return Lines(level, np.sign(lower), level, np.sign(upper))
        case Elementary.SQUARE:
            return square_lines(lower, upper)


def bound_elementary(function: Elementary, lower: Array, upper: Array) -> tuple[Array, Array]:
    """Proven bounds of the function on [lower, upper], shape (neurons,)."""
    match function:
        case Elementary.EXP:
            low = np.array([exp_below(0.0, x) for x in lower.tolist()])
            return np.maximum(low, 0.0), np.array([exp_above(0.0, x, x) for x in upper.tolist()])
        case Elementary.SIGN:
            return np.sign(lower), np.sign(upper)
        case Elementary.SQUARE:
            nearest, furthest = np.maximum(np.maximum(lower, -upper), 0.0), np.maximum(-lower, upper)
            return np.maximum(rounded_down(nearest * nearest), 0.0), rounded_up(furthest * furthest)


def square_lines(lower: Array, upper: Array) -> Lines:
    """The chord, and the tangent at the middle m, whose slopes are both 2 m."""
    middle = 0.5 * lower + 0.5 * upper
    slope = 2.0 * middle
    ends = [rounded_up(rounded_up(end * end) - rounded_down(slope * end)) for end in (lower, upper)]
    return Lines(slope, -rounded_up(middle * middle), slope, np.maximum(*ends))


@np.errstate(over="ignore", invalid="ignore")
def exp_lines(lower: Array, upper: Array) -> Lines:
    """The chord, and the tangent at the middle; level lines where such a slope is beyond float64."""
    width = upper - lower
    middle = 0.5 * lower + 0.5 * upper
    tangent = np.exp(middle)
    chord = np.where(width > 0, np.exp(lower) * np.expm1(width) / np.where(width > 0, width, 1.0), tangent)
    below, above = (np.where(np.isfinite(slope), slope, 0.0) for slope in (tangent, chord))
    return Lines(
        below,
        np.array([exp_below(*pair) for pair in zip(below.tolist(), lower.tolist(), strict=True)]),
        above,
        np.array([exp_above(*ends) for ends in zip(above.tolist(), lower.tolist(), upper.tolist(), strict=True)]),
    )


def exp_below(slope: float, lower: float) -> float:
    """A lower bound of exp(x) - slope * x for all x >= lower: its least value is slope * (1 - log(slope))."""
    with ctx.workprec(PRECISION_BITS):
        ball = arb(slope) * (1 - arb(slope).log()) if slope > 0 else arb(lower).exp()
        return -up(-ball) if ball.is_finite() else -np.inf


def exp_above(slope: float, lower: float, upper: float) -> float:
    """An upper bound of exp(x) - slope * x over [lower, upper]: it is largest at an end."""
    with ctx.workprec(PRECISION_BITS):
        # Zero times an infinite end would be no number.
        balls = [arb(end).exp() - (arb(slope) * end if slope else 0) for end in (lower, upper)]
        return max(map(up, balls)) if all(ball.is_finite() for ball in balls) else np.inf
