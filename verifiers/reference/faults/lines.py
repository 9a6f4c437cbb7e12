"""Faults in lines: on the wrong side of a function, through other points, or level where it is not."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..intervals import Bounds
from ..line import Line, LineTable
from ..network import Array, Relu, Sigmoid, Tanh
from ..steps import Steps
from .fault import Fault, networks_with

Curve = Callable[[Array], Array]
Curved = type[Tanh] | type[Sigmoid]
RelaxedLine = Callable[[Any, Array, Array], Line]
Level = tuple[npt.NDArray[np.bool_], Array]


def _sigmoid(x: Array) -> Array:
    return np.asarray(0.5 + 0.5 * np.tanh(x / 2))


# Each S-shaped function, with its slope.
CURVES: Mapping[Curved, tuple[Curve, Curve]] = {
    Tanh: (np.tanh, lambda x: np.asarray(1 - np.tanh(x) ** 2)),
    Sigmoid: (_sigmoid, lambda x: np.asarray(_sigmoid(x) * _sigmoid(-x))),
}


def stable_by_tolerance(steps: Steps, tolerance: float) -> Steps:
    """A ReLU is taken for stable if but a small share of its input's range lies on the other side of zero."""

    def is_inactive(lower: Array, upper: Array) -> npt.NDArray[np.bool_]:
        return np.asarray(upper < tolerance * (upper - lower))

    def is_active(lower: Array, upper: Array) -> npt.NDArray[np.bool_]:
        return np.asarray(-lower < tolerance * (upper - lower))

    def interval(node: Relu, tensors: Sequence[Bounds], unit: float) -> Bounds:
        source = tensors[node.source]
        sound, is_zero = steps.interval[Relu](node, tensors, unit), is_inactive(source.lower, source.upper)
        return Bounds(np.where(is_zero, 0.0, sound.lower), np.where(is_zero, 0.0, sound.upper))

    def stable(sound: RelaxedLine) -> RelaxedLine:
        def line(node: Relu, lower: Array, upper: Array) -> Line:
            known, is_zero, is_same = sound(node, lower, upper), is_inactive(lower, upper), is_active(lower, upper)
            slope = np.where(is_same, 1.0, np.where(is_zero, 0.0, known.slope))
            return Line(slope, np.where(is_same | is_zero, 0.0, known.intercept))

        return line

    return replace(
        steps,
        interval={**steps.interval, Relu: interval},
        lower_lines=tuple({**table, Relu: stable(table[Relu])} for table in steps.lower_lines),
        upper_line={**steps.upper_line, Relu: stable(steps.upper_line[Relu])},
    )


def upper_line_intercept(steps: Steps, share: float) -> Steps:
    """The line above an unstable ReLU loses its intercept, or a share of it."""

    def upper_line(node: Relu, lower: Array, upper: Array) -> Line:
        slope, intercept = steps.upper_line[Relu](node, lower, upper)
        return Line(slope, (1 - share) * intercept)

    return replace(steps, upper_line={**steps.upper_line, Relu: upper_line})


def tangent_wrong_side(steps: Steps, _strength: float) -> Steps:
    """Over an interval across zero, both lines of a tanh or sigmoid are the tangent in the middle."""

    def line(kind: Curved, sound: RelaxedLine) -> RelaxedLine:
        curve, slope_of = CURVES[kind]

        def tangent(node: object, lower: Array, upper: Array) -> Line:
            known, middle, crosses = sound(node, lower, upper), (lower + upper) / 2, (lower < 0) & (upper > 0)
            slope = np.where(crosses, slope_of(middle), known.slope)
            return Line(slope, np.where(crosses, curve(middle) - slope * middle, known.intercept))

        return tangent

    return _with_lines(steps, line)


def saturation_exact(steps: Steps, beyond: float) -> Steps:
    """A tanh or sigmoid whose input lies beyond some number, on either side of zero, is taken for its limit."""

    def limits(kind: Curved, lower: Array, upper: Array) -> Level:
        lowest = -1.0 if kind is Tanh else 0.0
        return (lower > beyond) | (upper < -beyond), np.where(lower > beyond, 1.0, lowest)

    return _levelled(steps, limits)


def curve_fixed_by_tolerance(steps: Steps, tolerance: float) -> Steps:
    """A tanh or sigmoid that changes by less than a tolerance is taken for what it is at the lower end."""

    def ends(kind: Curved, lower: Array, upper: Array) -> Level:
        curve, _ = CURVES[kind]
        return curve(upper) - curve(lower) < tolerance, curve(lower)

    return _levelled(steps, ends)


def _levelled(steps: Steps, level_of: Callable[[Curved, Array, Array], Level]) -> Steps:
    """The steps to which an S-shaped function is constant in some places: where, and which constant it is there."""

    def line(kind: Curved, sound: RelaxedLine) -> RelaxedLine:
        def level(node: object, lower: Array, upper: Array) -> Line:
            known, (is_level, value) = sound(node, lower, upper), level_of(kind, lower, upper)
            return Line(np.where(is_level, 0.0, known.slope), np.where(is_level, value, known.intercept))

        return level

    def interval(kind: Curved) -> Callable[..., Bounds]:
        def bounds(node: Tanh | Sigmoid, tensors: Sequence[Bounds], unit: float) -> Bounds:
            source, known = tensors[node.source], steps.interval[kind](node, tensors, unit)
            is_level, value = level_of(kind, source.lower, source.upper)
            return Bounds(np.where(is_level, value, known.lower), np.where(is_level, value, known.upper))

        return bounds

    return _with_lines(replace(steps, interval={**steps.interval, **{kind: interval(kind) for kind in CURVES}}), line)


def _with_lines(steps: Steps, line: Callable[[Curved, RelaxedLine], RelaxedLine]) -> Steps:
    """The steps with other lines of the S-shaped functions, made of those that they have."""

    def changed(table: LineTable) -> LineTable:
        return {**table, **{kind: line(kind, table[kind]) for kind in CURVES}}

    lower_lines = tuple(changed(table) for table in steps.lower_lines)
    return replace(steps, lower_lines=lower_lines, upper_line=changed(steps.upper_line))


FAULTS = (
    Fault(
        "stable-by-tolerance",
        stable_by_tolerance,
        "nnenum fd07f2b",
        networks_with(Relu),
        (2.5e-3, 2e-3, 1e-3, 1e-4, 1e-6),
        "share of the range",
    ),
    Fault(
        "upper-line-intercept",
        upper_line_intercept,
        "",
        networks_with(Relu),
        (0.38, 0.35, 0.32, 0.1, 0.01),
        "share of the intercept",
    ),
    Fault("tangent-wrong-side", tangent_wrong_side, "", networks_with(*CURVES)),
    Fault(
        "saturation-exact",
        saturation_exact,
        "Marabou #720",
        networks_with(*CURVES),
        (1.0, 2.0, 4.0, 8.0, 16.0),
        "input beyond which it counts",
    ),
    Fault(
        "curve-fixed-by-tolerance",
        curve_fixed_by_tolerance,
        "Marabou #891",
        networks_with(*CURVES),
        (0.1, 0.05, 0.02, 1e-3, 1e-6),
        "tolerance",
    ),
)
