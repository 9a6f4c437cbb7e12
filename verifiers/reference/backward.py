"""CROWN: linear lower bounds of many quantities at once, carried backwards from a tensor to the input.

The claim that every function here keeps, for every input of the box and every row k, in exact arithmetic:
    quantity_k >= sum over tensors t of coefficients[t][k] . t + constant[k] - slack[k].
The coefficients are floats taken as exact; what rounding took from them is moved into `slack` at each step, using
the bounds that are known for the tensor they multiply.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .intervals import Bounds, joined_bounds, operands
from .line import Line
from .network import (
    Activation,
    Array,
    Dense,
    Exp,
    Indices,
    LeakyRelu,
    Maximum,
    Network,
    Node,
    Product,
    Reciprocal,
    Relu,
    Scale,
    Select,
    Sigmoid,
    Sign,
    Square,
    Sum,
    Tanh,
)
from .rounding import slack

if TYPE_CHECKING:
    from .steps import Steps


@dataclass(frozen=True, slots=True)
class LinearForm:
    """See the module's text: coefficients[t] (rows, size of t), constant and slack (rows,)."""

    coefficients: Mapping[int, Array]
    constant: Array
    slack: Array


@dataclass(frozen=True, slots=True)
class Relaxation:
    """Bounds of the tensors so far, and the lines of the activations so far, by the index of their output tensor."""

    tensors: Sequence[Bounds]
    lower_lines: Mapping[int, Line]
    upper_lines: Mapping[int, Line]


@dataclass(frozen=True, slots=True)
class Substitution:
    """One row block times a node's output, said of its sources: coefficients by source, what to add to the rest."""

    coefficients: tuple[tuple[int, Array], ...]
    constant: Array
    magnitude: Array
    terms: int


def dense_backward(node: Dense, _target: int, rows: Array, relaxation: Relaxation) -> Substitution:
    """With W x + b in place of the output: (rows @ W) x + rows @ b."""
    source = relaxation.tensors[node.source]
    magnitude = node.absolute_weight @ source.magnitude + np.abs(node.bias)
    return Substitution(((node.source, rows @ node.weight),), rows @ node.bias, np.abs(rows) @ magnitude, rows.shape[1])


def scale_backward(node: Scale, _target: int, rows: Array, relaxation: Relaxation) -> Substitution:
    """With f x + b in place of the output: (rows f) x + rows @ b."""
    source = relaxation.tensors[node.source]
    magnitude = np.abs(node.factor) * source.magnitude + np.abs(node.bias)
    return Substitution(((node.source, rows * node.factor),), rows @ node.bias, np.abs(rows) @ magnitude, rows.shape[1])


def sum_backward(node: Sum, _target: int, rows: Array, _relaxation: Relaxation) -> Substitution:
    """The same rows for both terms: nothing is computed, so nothing is rounded."""
    nothing = np.zeros(len(rows))
    return Substitution(((node.left, rows), (node.right, rows)), nothing, nothing, 0)


def select_backward(node: Select, _target: int, rows: Array, relaxation: Relaxation) -> Substitution:
    """The coefficients of a cell that is chosen several times are added up."""
    joined = joined_bounds(node.sources, relaxation.tensors)
    gathered = scattered(rows, node.order, len(joined.lower))
    ends = np.cumsum([len(relaxation.tensors[source].lower) for source in node.sources])[:-1]
    parts = zip(node.sources, np.split(gathered, ends, axis=1), strict=True)
    magnitude = np.abs(rows) @ joined.magnitude[node.order]
    return Substitution(tuple(parts), np.zeros(len(rows)), magnitude, rows.shape[1])


def maximum_backward(node: Maximum, _target: int, rows: Array, relaxation: Relaxation) -> Substitution:
    """The member with the greatest lower bound from below; from above too if it wins for certain, else a constant."""
    source = relaxation.tensors[node.source]
    chosen, certain = winners(node, source)
    greatest = np.where(certain, 0.0, source.upper[node.groups].max(axis=1))
    carried = np.where(certain, rows, np.maximum(rows, 0))
    magnitude = np.abs(rows) @ source.magnitude[node.groups].max(axis=1)
    coefficients = scattered(carried, chosen, len(source.lower))
    return Substitution(((node.source, coefficients),), np.minimum(rows, 0) @ greatest, magnitude, 2 * rows.shape[1])


def winners(node: Maximum, source: Bounds) -> tuple[Indices, npt.NDArray[np.bool_]]:
    """Of each group the member with the greatest lower bound, and whether no other can be greater than it."""
    chosen = np.take_along_axis(node.groups, source.lower[node.groups].argmax(axis=1)[:, None], axis=1)
    rivals = np.where(node.groups == chosen, -np.inf, source.upper[node.groups]).max(axis=1)
    return chosen[:, 0], source.lower[chosen[:, 0]] >= rivals


def scattered(rows: Array, places: Indices, size: int) -> Array:
    """Column i of rows (rows, n) added to column places[i] of so many."""
    total = np.zeros((len(rows), size))
    np.add.at(total.T, places, rows.T)
    return total


def product_backward(node: Product, _target: int, rows: Array, relaxation: Relaxation) -> Substitution:
    """With c and d in the middle of the bounds of x and y: x y = d x + c y - c d + (x - c)(y - d)."""
    left, right = operands(node, relaxation.tensors)
    matrices, count, _, columns = node.shape
    (left_middle, left_radius), (right_middle, right_radius) = left.around(), right.around()
    outputs = rows.reshape(len(rows), matrices, count, columns)
    constant = rows @ (left_middle @ right_middle).ravel() + np.abs(rows) @ (left_radius @ right_radius).ravel()
    return Substitution(
        (
            (node.left, (outputs @ right_middle.swapaxes(1, 2)).reshape(len(rows), -1)),
            (node.right, (left_middle.swapaxes(1, 2) @ outputs).reshape(len(rows), -1)),
        ),
        -constant,
        4 * (np.abs(rows) @ (left.magnitude @ right.magnitude).ravel()),
        sum(node.shape[1:]) + rows.shape[1],
    )


def activation_backward(node: Activation, target: int, rows: Array, relaxation: Relaxation) -> Substitution:
    """A positive coefficient takes the lower line, a negative one the upper line."""
    below, above = relaxation.lower_lines[target], relaxation.upper_lines[target]
    positive, negative = np.maximum(rows, 0), np.minimum(rows, 0)
    magnitude = np.maximum(np.abs(below.slope), np.abs(above.slope)) * relaxation.tensors[node.source].magnitude
    magnitude = magnitude + np.maximum(np.abs(below.intercept), np.abs(above.intercept))
    return Substitution(
        ((node.source, positive * below.slope + negative * above.slope),),
        positive @ below.intercept + negative @ above.intercept,
        np.abs(rows) @ magnitude,
        2 * rows.shape[1],
    )


BACKWARD: Mapping[type[Node], Callable[[Any, int, Array, Relaxation], Substitution]] = {
    Dense: dense_backward,
    Scale: scale_backward,
    Sum: sum_backward,
    Select: select_backward,
    Maximum: maximum_backward,
    Product: product_backward,
    Relu: activation_backward,
    LeakyRelu: activation_backward,
    Sign: activation_backward,
    Exp: activation_backward,
    Square: activation_backward,
    Reciprocal: activation_backward,
    Tanh: activation_backward,
    Sigmoid: activation_backward,
}


def substitute(form: LinearForm, target: int, substitution: Substitution, tensors: Sequence[Bounds]) -> LinearForm:
    """The form with tensor `target` replaced; coefficients that meet in one source are added, rounding paid."""
    coefficients = {tensor: rows for tensor, rows in form.coefficients.items() if tensor != target}
    lost = slack(substitution.terms, substitution.magnitude + np.abs(form.constant))
    for source, rows in substitution.coefficients:
        if source in coefficients:
            coefficients[source] = coefficients[source] + rows
            lost = lost + slack(1, np.abs(coefficients[source]) @ tensors[source].magnitude)
        else:
            coefficients[source] = rows
    return LinearForm(coefficients, form.constant + substitution.constant, form.slack + lost)


def back_substitute(
    network: Network, form: LinearForm, relaxation: Relaxation, steps: "Steps"
) -> tuple[LinearForm, ...]:
    """The form, and what it becomes at each step back; the last one speaks of the input (tensor 0) alone."""
    forms = [form]
    for target in range(max(form.coefficients), 0, -1):
        if target in forms[-1].coefficients:
            rows, node = forms[-1].coefficients[target], network.nodes[target - 1]
            substitution = steps.backward[type(node)](node, target, rows, relaxation)
            forms.append(substitute(forms[-1], target, substitution, relaxation.tensors))
    return tuple(forms)


def concretise(form: LinearForm, tensors: Sequence[Bounds]) -> Array:
    """The least value of a form over the bounds of its tensors, rounded down: shape (rows,), not checked for NaN."""
    least, lost = form.constant, form.slack
    for tensor, rows in form.coefficients.items():
        bounds = tensors[tensor]
        lost = lost + slack(2 * rows.shape[1], np.abs(rows) @ bounds.magnitude + np.abs(least))
        least = least + np.maximum(rows, 0) @ bounds.lower + np.minimum(rows, 0) @ bounds.upper
    return np.asarray(least - lost)
