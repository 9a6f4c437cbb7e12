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

from .intervals import Bounds
from .network import Activation, Array, Dense, Network, Node, Relu, Scale, Sigmoid, Sum, Tanh
from .relaxation import Line
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


def dense_backward(node: Dense, target: int, rows: Array, relaxation: Relaxation) -> Substitution:  # noqa: ARG001
    """With W x + b in place of the output: (rows @ W) x + rows @ b."""
    source = relaxation.tensors[node.source]
    magnitude = node.absolute_weight @ source.magnitude + np.abs(node.bias)
    return Substitution(((node.source, rows @ node.weight),), rows @ node.bias, np.abs(rows) @ magnitude, rows.shape[1])


def scale_backward(node: Scale, target: int, rows: Array, relaxation: Relaxation) -> Substitution:  # noqa: ARG001
    """With f x + b in place of the output: (rows f) x + rows @ b."""
    source = relaxation.tensors[node.source]
    magnitude = np.abs(node.factor) * source.magnitude + np.abs(node.bias)
    return Substitution(((node.source, rows * node.factor),), rows @ node.bias, np.abs(rows) @ magnitude, rows.shape[1])


def sum_backward(node: Sum, target: int, rows: Array, relaxation: Relaxation) -> Substitution:  # noqa: ARG001
    """The same rows for both terms: nothing is computed, so nothing is rounded."""
    nothing = np.zeros(len(rows))
    return Substitution(((node.left, rows), (node.right, rows)), nothing, nothing, 0)


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
    Relu: activation_backward,
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
