"""Proven bounds of a network over a box: linear backward bounds with every rounding on the safe side.

The method is CROWN (Zhang et al. 2018, Efficient neural network robustness certification): a linear function of
some tensor is carried back to the input, activations being replaced by enclosing lines, a maximum by the member that
surely is large; products of tensors and softmax are not crossed, but bounded where they stand. Rounding: a float64 dot
product of n terms, in any order, errs by at most gamma_n * sum |a_i b_i| (Higham 2002, section 3.1); that
error, times the largest magnitude of the tensor it multiplies, is taken off the constant of the bound.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soundbench.graph import (
    Activation,
    Affine,
    Array,
    Elementary,
    Graph,
    Indices,
    Maximum,
    Pieces,
    Product,
    Selection,
    Softmax,
    Step,
    Sum,
    inputs_of,
)
from soundbench.lines import Lines, rounded_down, rounded_up
from soundbench.piece_lines import has_knot
from soundbench.relaxation import bound_softmax, bound_values, enclose

UNIT = 2.0**-53
# Far above what underflow can lose in any sum that fits in memory, far below anything that matters.
TINY = 1e-290
# What underflow loses of a single product at most, even where subnormal numbers are flushed to zero.
SMALLEST = 2.0**-1022


@dataclass(frozen=True, slots=True, eq=False)
class TensorBounds:
    """Proven bounds of every tensor over a box, and the lines used for every activation (by output name)."""

    lower: Mapping[str, Array]
    upper: Mapping[str, Array]
    lines: Mapping[str, Lines]

    def magnitude(self, name: str) -> Array:
        """The largest absolute value of each element of a tensor."""
        return np.maximum(np.abs(self.lower[name]), np.abs(self.upper[name]))


Slopes = Mapping[str, str]


def bound_tensors(graph: Graph, lower: Array, upper: Array, slopes: Slopes) -> TensorBounds:
    """Bounds of every tensor over the box [lower, upper] (float64, shape (inputs,)).

    `slopes` chooses the lower lines of ReLUs, by the activation's output tensor; see `relaxation.enclose`.
    The inputs of activations, maxima, products of tensors and softmax are tightened by backward bounds.
    """
    return propagate(graph, lower, upper, slopes, refine)


def interval_tensors(graph: Graph, lower: Array, upper: Array, slopes: Slopes) -> TensorBounds:
    """As `bound_tensors`, but by intervals alone: looser and much quicker."""
    return propagate(graph, lower, upper, slopes, keep)


Tighten = Callable[[Graph, int, str, TensorBounds], tuple[Array, Array]]


@np.errstate(over="ignore", invalid="ignore")
def propagate(graph: Graph, lower: Array, upper: Array, slopes: Slopes, tighten: Tighten) -> TensorBounds:
    """Bounds of every tensor, step by step; `tighten` bounds what the steps that are not linear read."""
    lowers, uppers, lines = {graph.input: lower}, {graph.input: upper}, dict[str, Lines]()
    for index, step in enumerate(graph.steps):
        known = TensorBounds(lowers, uppers, lines)
        if isinstance(step, Activation | Maximum | Product | Softmax):
            for name in inputs_of(step):
                lowers[name], uppers[name] = tighten(graph, index, name, known)
        if isinstance(step, Activation):
            before = lowers[step.input], uppers[step.input]
            lines[step.output] = enclose(step.function, *before, slopes.get(step.output))
        lowers[step.output], uppers[step.output] = interval_forward(step, known)
    return TensorBounds(lowers, uppers, lines)


def keep(_graph: Graph, _index: int, name: str, known: TensorBounds) -> tuple[Array, Array]:
    """The interval bounds as they are."""
    return known.lower[name], known.upper[name]


def interval_forward(step: Step, known: TensorBounds) -> tuple[Array, Array]:
    """Interval bounds of a step's output."""
    match step:
        case Affine():
            return affine_interval(step, known)
        case Sum():
            low, high = step.bias, step.bias
            for name in step.inputs:
                low, high = rounded_down(low + known.lower[name]), rounded_up(high + known.upper[name])
            return low, high
        case Activation():
            return bound_values(step.function, known.lower[step.input], known.upper[step.input])
        case Selection():
            low, high = (np.concatenate([ends[name] for name in step.inputs]) for ends in (known.lower, known.upper))
            return low[step.order], high[step.order]
        case Maximum():
            return known.lower[step.input][step.groups].max(axis=1), known.upper[step.input][step.groups].max(axis=1)
        case Product():
            low, negated = product_interval(step, known), product_interval(step, known, sign=-1.0)
            return low, -negated
        case Softmax():
            return bound_softmax(step.length, known.lower[step.input], known.upper[step.input])


def product_interval(step: Product, known: TensorBounds, sign: float = 1.0) -> Array:
    """Lower bounds of the output times `sign`: sums of the least products of the operands' ends."""
    left = [ends[step.left].reshape(*step.left_shape, 1) for ends in (known.lower, known.upper)]
    right = [sign * ends[step.right].reshape(step.shape[0], 1, *step.shape[2:]) for ends in (known.lower, known.upper)]
    least = np.minimum.reduce([first * second for first in left for second in right])
    largest = np.maximum.reduce([np.abs(first * second) for first in left for second in right])
    # Each product is rounded once, and their sum errs by gamma_n.
    error = 2 * gamma(step.shape[2]) * largest.sum(axis=2) + TINY
    found = rounded_down(least.sum(axis=2) - error).ravel()
    return np.where(np.isnan(found), -np.inf, found)


def affine_interval(step: Affine, known: TensorBounds) -> tuple[Array, Array]:
    """Interval bounds of matrix @ input + bias."""
    lower, upper = known.lower[step.input], known.upper[step.input]
    positive, negative = np.maximum(step.matrix, 0.0), np.minimum(step.matrix, 0.0)
    magnitude = known.magnitude(step.input)
    error = dot_error(step.matrix, magnitude) + TINY
    if step.matrix_radius is not None:
        error = error + dot_up(step.matrix_radius, magnitude)
    if step.bias_radius is not None:
        error = error + step.bias_radius
    # Three sums of two numbers each follow the dot products: 8 units cover their roundings.
    low, high = positive @ lower + negative @ upper, positive @ upper + negative @ lower
    error = (error + 8 * UNIT * (dot_up(np.abs(step.matrix), magnitude) + np.abs(step.bias))) * (1 + 8 * UNIT)
    low, high = rounded_down(low + step.bias - error), rounded_up(high + step.bias + error)
    # An overflow that left NaN means that nothing is known.
    return np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)


def refine(graph: Graph, index: int, name: str, known: TensorBounds) -> tuple[Array, Array]:
    """Interval bounds of what a step reads, tightened by backward bounds where that may serve."""
    lower, upper = known.lower[name].copy(), known.upper[name].copy()
    loose = np.flatnonzero(worth_refining(graph.steps[index], lower, upper))
    if index == 0 or not len(loose):
        return lower, upper
    rows = np.zeros((len(loose), len(lower)))
    rows[np.arange(len(loose)), loose] = 1.0
    found = lower_bound(graph, name, np.vstack([rows, -rows]), known)
    lower[loose] = np.fmax(lower[loose], found[: len(loose)])
    upper[loose] = np.fmin(upper[loose], -found[len(loose) :])
    return lower, upper


def worth_refining(step: Step, lower: Array, upper: Array) -> NDArray[np.bool_]:
    """Where tighter bounds of what a step reads can make its own tighter: of an activation where its sign is open."""
    match step:
        case Activation(function=Pieces() as function):
            return has_knot(function, lower, upper)
        case Activation(function=Elementary.EXP | Elementary.SQUARE):
            return lower < upper
        case Activation():
            return (lower < 0) & (upper > 0)
        case Maximum():
            _, certain = winners(step, lower, upper)
            undecided = np.zeros(len(lower), dtype=bool)
            undecided[step.groups[~certain]] = True
            return undecided & (lower < upper)
        case _:
            return lower < upper


@np.errstate(over="ignore", invalid="ignore")
def lower_bound(graph: Graph, name: str, rows: Array, known: TensorBounds) -> Array:
    """Proven lower bounds of rows @ tensor over the box; `rows` has shape (rows, size), the result (rows,).

    `known` must hold the bounds and lines of every step before the tensor. On the way back to the input, every
    cut through the network gives a bound of its own, and the best is kept: lines are not always better than
    intervals. The result may be -inf if numbers overflow, never too high.
    """
    pending = {name: rows}
    constant = np.zeros(len(rows))
    best = box_minimum(rows, known, name)
    for step in steps_before(graph, name):
        coefficients = pending.pop(step.output, None)
        if coefficients is None:
            continue
        if isinstance(step, Product | Softmax):
            constant = rounded_down(constant + box_minimum(coefficients, known, step.output))
            continue
        for source, matrix, gain in back(step, coefficients, known):
            constant = rounded_down(constant + gain)
            if source in pending:
                matrix = pending[source] + matrix  # noqa: PLW2901  (the sum of both paths)
                constant = rounded_down(constant - coefficient_error(matrix, known.magnitude(source)))
            pending[source] = matrix
        found = constant
        for tensor, matrix in pending.items():
            found = rounded_down(found + box_minimum(matrix, known, tensor))
        best = np.fmax(best, found)
    return np.where(np.isnan(best) | (best == np.inf), -np.inf, best)


def box_minimum(coefficients: Array, known: TensorBounds, name: str) -> Array:
    """Lower bounds of coefficients @ tensor, the tensor anywhere within its interval bounds."""
    positive, negative = np.maximum(coefficients, 0.0), np.minimum(coefficients, 0.0)
    value = positive @ known.lower[name] + negative @ known.upper[name]
    return rounded_down(value - 2 * dot_error(coefficients, known.magnitude(name)))


def steps_before(graph: Graph, name: str) -> Iterator[Step]:
    """The steps up to the one that computes tensor `name`, last first."""
    names = [step.output for step in graph.steps]
    last = names.index(name) if name in names else -1
    return reversed(graph.steps[: last + 1])


def back(
    step: Affine | Sum | Activation | Selection | Maximum, rows: Array, known: TensorBounds
) -> list[tuple[str, Array, Array]]:
    """Carry rows @ output back over one step: (input, coefficients, constant) with a sum below rows @ output."""
    match step:
        case Affine():
            return [back_affine(step, rows, known)]
        case Sum():
            gain = rows @ step.bias
            first = rounded_down(gain - dot_error(rows, np.abs(step.bias)))
            zero = np.zeros(len(rows))
            return [(name, rows, zero if position else first) for position, name in enumerate(step.inputs)]
        case Activation():
            return [back_activation(step, rows, known)]
        case Selection():
            return back_selection(step, rows, known)
        case Maximum():
            return [back_maximum(step, rows, known)]


def back_affine(step: Affine, rows: Array, known: TensorBounds) -> tuple[str, Array, Array]:
    """Over output = matrix @ input + bias."""
    magnitude = known.magnitude(step.input)
    absolute = np.abs(rows)
    # |rows| @ |matrix| @ magnitude, associated the cheap way round.
    reach = dot_up(np.abs(step.matrix), magnitude)
    loss = 2 * gamma(rows.shape[1]) * dot_up(absolute, reach) + dot_error(rows, np.abs(step.bias))
    loss = loss + underflow(rows.shape[1], magnitude)
    if step.matrix_radius is not None:
        loss = loss + dot_up(absolute, dot_up(step.matrix_radius, magnitude))
    if step.bias_radius is not None:
        loss = loss + dot_up(absolute, step.bias_radius)
    gain = rounded_down(rows @ step.bias - (1 + 8 * UNIT) * loss)
    return step.input, rows @ step.matrix, gain


def back_activation(step: Activation, rows: Array, known: TensorBounds) -> tuple[str, Array, Array]:
    """Over an activation: the lower line where the coefficient is positive, the upper line where negative."""
    lines = known.lines[step.output]
    positive, negative = np.maximum(rows, 0.0), np.minimum(rows, 0.0)
    coefficients = positive * lines.lower_slope + negative * lines.upper_slope
    gain = positive @ lines.lower_intercept + negative @ lines.upper_intercept
    largest = np.maximum(np.abs(lines.lower_intercept), np.abs(lines.upper_intercept))
    loss = 2 * dot_error(rows, largest) + coefficient_error(coefficients, known.magnitude(step.input))
    return step.input, coefficients, rounded_down(gain - (1 + 8 * UNIT) * loss)


def back_selection(step: Selection, rows: Array, known: TensorBounds) -> list[tuple[str, Array, Array]]:
    """Over output = joined[order]; what several outputs read has their coefficients added up."""
    carried, loss = collected(rows, step.order, np.concatenate([known.magnitude(name) for name in step.inputs]))
    sizes = [len(known.lower[name]) for name in step.inputs]
    parts = np.split(carried, np.cumsum(sizes[:-1]), axis=1)
    gains = [-loss, *[np.zeros(len(rows))] * (len(parts) - 1)]
    return list(zip(step.inputs, parts, gains, strict=True))


def back_maximum(step: Maximum, rows: Array, known: TensorBounds) -> tuple[str, Array, Array]:
    """Over a maximum: it is at least the winner, and no more than that where it is certain, else the largest bound."""
    chosen, certain = winners(step, known.lower[step.input], known.upper[step.input])
    largest = np.where(certain, 0.0, known.upper[step.input][step.groups].max(axis=1))
    negative = np.minimum(rows, 0.0)
    carried, loss = collected(np.where(certain, rows, rows - negative), chosen, known.magnitude(step.input))
    gain = negative @ largest
    return step.input, carried, rounded_down(gain - dot_error(negative, largest) - loss)


def winners(step: Maximum, lower: Array, upper: Array) -> tuple[Indices, NDArray[np.bool_]]:
    """For each maximum the member with the greatest lower bound, and whether no other one can be larger."""
    low, high = lower[step.groups], upper[step.groups]
    chosen = np.take_along_axis(step.groups, low.argmax(axis=1)[:, None], axis=1)
    rivals = np.where(step.groups == chosen, -np.inf, high).max(axis=1)
    return chosen[:, 0], lower[chosen[:, 0]] >= rivals


def collected(rows: Array, order: Indices, magnitude: Array) -> tuple[Array, Array]:
    """The coefficients of what `order` reads, given those of what it writes, and what their addition may lose."""
    carried = np.zeros((len(rows), len(magnitude)))
    np.add.at(carried.T, order, rows.T)
    most = int(np.bincount(order).max())
    loss = 2 * gamma(most) * dot_up(np.abs(rows), magnitude[order]) if most > 1 else np.zeros(len(rows))
    return carried, loss


def gamma(terms: int) -> float:
    """Twice Higham's gamma_n for n = terms + 2, which also covers the rounding of the error bound itself."""
    return 2 * (terms + 2) * UNIT


def dot_error(matrix: Array, vector: Array) -> Array:
    """A bound on the rounding error of matrix @ v for any |v| <= vector."""
    return gamma(matrix.shape[1]) * (np.abs(matrix) @ np.abs(vector)) + TINY


def dot_up(matrix: Array, vector: Array) -> Array:
    """An upper bound of matrix @ vector, both non-negative."""
    return (matrix @ vector) * (1 + 2 * gamma(matrix.shape[1])) + TINY


def coefficient_error(coefficients: Array, magnitude: Array) -> Array:
    """A bound on what one rounding of every coefficient changes in coefficients @ v for any |v| <= magnitude."""
    return dot_up(UNIT * np.abs(coefficients), magnitude) + underflow(1, magnitude)


def underflow(terms: int, magnitude: Array) -> float:
    """As `coefficient_error`, for what coefficients that are sums of `terms` products lose by underflow."""
    return float(2 * terms * SMALLEST * magnitude.sum())
