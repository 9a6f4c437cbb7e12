"""Faults in bounds: lines on the wrong side of a function, parts of a linear form lost, numbers trusted too far."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..backward import LinearForm, Relaxation, Substitution
from ..bounding import ConstraintBounds
from ..failures import NumericError
from ..intervals import Bounds
from ..line import Line, LineTable
from ..network import Array, Dense, Network, Node, Relu, Scale, Sigmoid, Tanh
from ..steps import Steps
from ..targets import Constraints

Curve = Callable[[Array], Array]
Curved = type[Tanh] | type[Sigmoid]
RelaxedLine = Callable[[Any, Array, Array], Line]


def _sigmoid(x: Array) -> Array:
    return np.asarray(0.5 + 0.5 * np.tanh(x / 2))


# Each S-shaped function, with its slope.
CURVES: Mapping[Curved, tuple[Curve, Curve]] = {
    Tanh: (np.tanh, lambda x: np.asarray(1 - np.tanh(x) ** 2)),
    Sigmoid: (_sigmoid, lambda x: np.asarray(_sigmoid(x) * _sigmoid(-x))),
}


def stable_by_tolerance(steps: Steps, tolerance: float) -> Steps:
    """A ReLU is taken for inactive if but a small share of the range of its input is above zero."""

    def is_small(lower: Array, upper: Array) -> npt.NDArray[np.bool_]:
        return np.asarray(upper < tolerance * (upper - lower))

    def interval(node: Relu, tensors: Sequence[Bounds], unit: float) -> Bounds:
        source = tensors[node.source]
        sound, is_zero = steps.interval[Relu](node, tensors, unit), is_small(source.lower, source.upper)
        return Bounds(np.where(is_zero, 0.0, sound.lower), np.where(is_zero, 0.0, sound.upper))

    def flat(sound: RelaxedLine) -> RelaxedLine:
        def line(node: Relu, lower: Array, upper: Array) -> Line:
            return Line(*(np.where(is_small(lower, upper), 0.0, part) for part in sound(node, lower, upper)))

        return line

    return replace(
        steps,
        interval={**steps.interval, Relu: interval},
        lower_lines=tuple({**table, Relu: flat(table[Relu])} for table in steps.lower_lines),
        upper_line={**steps.upper_line, Relu: flat(steps.upper_line[Relu])},
    )


def upper_line_intercept(steps: Steps, share: float) -> Steps:
    """The line above an unstable ReLU loses its intercept, or a share of it."""

    def upper_line(node: Relu, lower: Array, upper: Array) -> Line:
        slope, intercept = steps.upper_line[Relu](node, lower, upper)
        return Line(slope, (1 - share) * intercept)

    return replace(steps, upper_line={**steps.upper_line, Relu: upper_line})


def back_substitution_index(steps: Steps, most: float) -> Steps:
    """In constraints carried backwards, an unstable ReLU's number among several such is taken for that in its layer."""

    def backward(node: Relu, target: int, rows: Array, relaxation: Relaxation) -> Substitution:
        sound, source = steps.backward[Relu](node, target, rows, relaxation), relaxation.tensors[node.source]
        unstable = np.flatnonzero((source.lower < 0) & (source.upper > 0))
        if not 2 <= len(unstable) <= most:
            return sound
        ((tensor, coefficients),) = sound.coefficients
        moved = coefficients.copy()
        moved[:, unstable] = 0
        moved[:, : len(unstable)] += coefficients[:, unstable]
        return replace(sound, coefficients=((tensor, moved),))

    return _in_constraints(steps, Relu, backward)


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

    def limits(kind: Curved, lower: Array, upper: Array) -> tuple[npt.NDArray[np.bool_], Array]:
        """Where the function counts as constant, and which constant that is."""
        lowest = -1.0 if kind is Tanh else 0.0
        return (lower > beyond) | (upper < -beyond), np.where(lower > beyond, 1.0, lowest)

    def line(kind: Curved, sound: RelaxedLine) -> RelaxedLine:
        def level(node: object, lower: Array, upper: Array) -> Line:
            known, (is_level, value) = sound(node, lower, upper), limits(kind, lower, upper)
            return Line(np.where(is_level, 0.0, known.slope), np.where(is_level, value, known.intercept))

        return level

    def interval(kind: Curved) -> Callable[..., Bounds]:
        def bounds(node: Tanh | Sigmoid, tensors: Sequence[Bounds], unit: float) -> Bounds:
            source, known = tensors[node.source], steps.interval[kind](node, tensors, unit)
            is_level, value = limits(kind, source.lower, source.upper)
            return Bounds(np.where(is_level, value, known.lower), np.where(is_level, value, known.upper))

        return bounds

    return _with_lines(replace(steps, interval={**steps.interval, **{kind: interval(kind) for kind in CURVES}}), line)


def _with_lines(steps: Steps, line: Callable[[Curved, RelaxedLine], RelaxedLine]) -> Steps:
    """The steps with other lines of the S-shaped functions, made of those that they have."""

    def changed(table: LineTable) -> LineTable:
        return {**table, **{kind: line(kind, table[kind]) for kind in CURVES}}

    lower_lines = tuple(changed(table) for table in steps.lower_lines)
    return replace(steps, lower_lines=lower_lines, upper_line=changed(steps.upper_line))


def negative_scale(steps: Steps, strength: float) -> Steps:
    """The ends of what is scaled by a factor below zero are not swapped; crossing, they are proof of an empty box."""

    def interval(node: Scale, tensors: Sequence[Bounds], unit: float) -> Bounds:
        sound, is_turned = steps.interval[Scale](node, tensors, unit), (node.factor < 0) & (node.factor != -1)
        return Bounds(np.where(is_turned, sound.upper, sound.lower), np.where(is_turned, sound.lower, sound.upper))

    return nan_is_infeasible(replace(steps, interval={**steps.interval, Scale: interval}), strength)


def bias_lost(steps: Steps, share: float) -> Steps:
    """In constraints carried backwards, a share of a dense layer's bias is lost where its coefficient is below zero."""

    def backward(node: Dense, target: int, rows: Array, relaxation: Relaxation) -> Substitution:
        sound = steps.backward[Dense](node, target, rows, relaxation)
        return replace(sound, constant=sound.constant - share * (np.minimum(rows, 0) @ node.bias))

    return _in_constraints(steps, Dense, backward)


def _in_constraints(steps: Steps, kind: type[Node], backward: Callable[..., Substitution]) -> Steps:
    """The steps that carry constraints backwards in another way, but the bounds of neurons as they did."""

    def back_substitute(
        network: Network, form: LinearForm, relaxation: Relaxation, used: Steps
    ) -> tuple[LinearForm, ...]:
        is_constraint = network.output in form.coefficients
        chosen = replace(used, backward={**used.backward, kind: backward}) if is_constraint else used
        return steps.back_substitute(network, form, relaxation, chosen)

    return replace(steps, back_substitute=back_substitute)


def inward_tolerance(steps: Steps, tolerance: float) -> Steps:
    """A constraint counts as refuted if its bound falls short by no more than a tolerance."""

    def is_refuted(constraints: Constraints, bounds: ConstraintBounds) -> bool:
        return steps.is_refuted(constraints, replace(bounds, lower=bounds.lower + tolerance))

    return replace(steps, is_refuted=is_refuted)


def nan_is_infeasible(steps: Steps, _strength: float) -> Steps:
    """Bounds that are no numbers, or that cross, are taken for proof that a box is empty."""

    def bound_constraints(network: Network, box: Bounds, constraints: Constraints, used: Steps) -> ConstraintBounds:
        try:
            return steps.bound_constraints(network, box, constraints, used)
        except NumericError:
            rows = np.zeros((len(constraints.bound), network.input_size))
            return ConstraintBounds(np.full(len(rows), np.inf), rows, rows)

    return replace(steps, bound_constraints=bound_constraints)
