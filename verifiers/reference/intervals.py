"""Interval bounds: from the bounds of a node's sources to bounds of its output, rounded outwards.

`unit` is the unit roundoff of the arithmetic to allow for: float64 for proofs, float32 where a counterexample has
to survive its replay in float32.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .network import (
    Array,
    Dense,
    Exp,
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
from .rounding import ABSOLUTE_SLACK, require_usable, slack


@dataclass(frozen=True, slots=True)
class Bounds:
    """lower <= tensor <= upper, element by element: shape (size,), or that of a matrix."""

    lower: Array
    upper: Array

    @property
    def magnitude(self) -> Array:
        """A bound on the absolute value, of the same shape."""
        return np.maximum(np.abs(self.lower), np.abs(self.upper))

    def around(self) -> tuple[Array, Array]:
        """A number about in the middle, and how far the ends lie from it, rounded: of the same shape."""
        middle = self.lower / 2 + self.upper / 2
        return middle, np.maximum(self.upper - middle, middle - self.lower)


def dense_interval(node: Dense, tensors: Sequence[Bounds], unit: float) -> Bounds:
    """From the midpoint and radius of the source: W c + b -+ |W| r."""
    source = tensors[node.source]
    midpoint = node.weight @ ((source.lower + source.upper) / 2) + node.bias
    radius = node.absolute_weight @ ((source.upper - source.lower) / 2)
    magnitude = node.absolute_weight @ source.magnitude + np.abs(node.bias)
    outwards = radius + slack(node.weight.shape[1], magnitude, unit)
    return Bounds(midpoint - outwards, midpoint + outwards)


def scale_interval(node: Scale, tensors: Sequence[Bounds], unit: float) -> Bounds:
    """The ends swap where the factor is negative."""
    source = tensors[node.source]
    first, second = node.factor * source.lower + node.bias, node.factor * source.upper + node.bias
    outwards = slack(2, np.abs(node.factor) * source.magnitude + np.abs(node.bias), unit)
    return Bounds(np.minimum(first, second) - outwards, np.maximum(first, second) + outwards)


def sum_interval(node: Sum, tensors: Sequence[Bounds], unit: float) -> Bounds:
    """Lower plus lower, upper plus upper."""
    left, right = tensors[node.left], tensors[node.right]
    outwards = slack(2, left.magnitude + right.magnitude, unit)
    return Bounds(left.lower + right.lower - outwards, left.upper + right.upper + outwards)


def select_interval(node: Select, tensors: Sequence[Bounds], _unit: float) -> Bounds:
    """Exact: nothing is computed."""
    joined = joined_bounds(node.sources, tensors)
    return Bounds(joined.lower[node.order], joined.upper[node.order])


def joined_bounds(sources: Sequence[int], tensors: Sequence[Bounds]) -> Bounds:
    """The bounds of several tensors, one after another."""
    return Bounds(
        np.concatenate([tensors[source].lower for source in sources]),
        np.concatenate([tensors[source].upper for source in sources]),
    )


def maximum_interval(node: Maximum, tensors: Sequence[Bounds], _unit: float) -> Bounds:
    """Exact: monotone in every member, and the ends are selected."""
    source = tensors[node.source]
    return Bounds(source.lower[node.groups].max(axis=1), source.upper[node.groups].max(axis=1))


def product_interval(node: Product, tensors: Sequence[Bounds], unit: float) -> Bounds:
    """Of each pair of factors the least and the greatest product of their ends, summed."""
    left, right = operands(node, tensors)
    products = np.array(
        [
            first[:, :, :, None] * second[:, None]
            for first in (left.lower, left.upper)
            for second in (right.lower, right.upper)
        ]
    )
    outwards = slack(node.shape[2], left.magnitude @ right.magnitude, unit)
    lower, upper = products.min(axis=0).sum(axis=2) - outwards, products.max(axis=0).sum(axis=2) + outwards
    return Bounds(lower.ravel(), upper.ravel())


def operands(node: Product, tensors: Sequence[Bounds]) -> tuple[Bounds, Bounds]:
    """The bounds of both operands, as matrices: (matrices, rows, inner) and (matrices, inner, columns)."""
    matrices, rows, inner, columns = node.shape
    left, right = tensors[node.left], tensors[node.right]
    return (
        Bounds(left.lower.reshape(matrices, rows, inner), left.upper.reshape(matrices, rows, inner)),
        Bounds(right.lower.reshape(matrices, inner, columns), right.upper.reshape(matrices, inner, columns)),
    )


def relu_interval(node: Relu, tensors: Sequence[Bounds], _unit: float) -> Bounds:
    """Exact: the ends are selected, not computed."""
    source = tensors[node.source]
    return Bounds(np.maximum(source.lower, 0), np.maximum(source.upper, 0))


def leaky_relu_interval(node: LeakyRelu, tensors: Sequence[Bounds], unit: float) -> Bounds:
    """Least and greatest at an end, or at zero; a slope of 0, 1 or -1 rounds nothing."""
    source = tensors[node.source]
    points = np.array([source.lower, source.upper, np.clip(0.0, source.lower, source.upper)])
    values = np.where(points > 0, points, node.slope * points)
    outwards = 0.0 if abs(node.slope) in (0, 1) else slack(1, np.abs(node.slope) * source.magnitude, unit)
    return Bounds(values.min(axis=0) - outwards, values.max(axis=0) + outwards)


def sign_interval(node: Sign, tensors: Sequence[Bounds], _unit: float) -> Bounds:
    """Monotone and exact."""
    source = tensors[node.source]
    return Bounds(np.sign(source.lower), np.sign(source.upper))


def exp_interval(node: Exp, tensors: Sequence[Bounds], unit: float) -> Bounds:
    """Monotone; 32 units allow for an exponential that is off by several units in the last place, and never below 0."""
    source = tensors[node.source]
    lower = np.exp(source.lower) * (1 - 32 * unit) - ABSOLUTE_SLACK
    upper = np.exp(source.upper) * (1 + 32 * unit) + ABSOLUTE_SLACK
    return Bounds(np.maximum(lower, 0.0), upper)


def square_interval(node: Square, tensors: Sequence[Bounds], unit: float) -> Bounds:
    """From the number nearest to zero to the one furthest away."""
    source = tensors[node.source]
    nearest = np.clip(0.0, source.lower, source.upper) ** 2
    furthest = source.magnitude**2
    return Bounds(np.maximum(nearest - slack(1, nearest, unit), 0.0), furthest + slack(1, furthest, unit))


def reciprocal_interval(node: Reciprocal, tensors: Sequence[Bounds], unit: float) -> Bounds:
    """Monotone where positive; NaN, which is refused, where the source is not certain to be."""
    source = tensors[node.source]
    lower, upper = 1 / source.upper, np.where(source.lower > 0, 1 / source.lower, np.nan)
    return Bounds(lower - slack(1, lower, unit), upper + slack(1, upper, unit))


def tanh_interval(node: Tanh, tensors: Sequence[Bounds], unit: float) -> Bounds:
    """Monotone; 32 units allow for a tanh that is off by several units in the last place, and never beyond +-1."""
    source = tensors[node.source]
    return Bounds(
        np.maximum(np.tanh(source.lower) - 32 * unit, -1.0),
        np.minimum(np.tanh(source.upper) + 32 * unit, 1.0),
    )


def sigmoid_interval(node: Sigmoid, tensors: Sequence[Bounds], unit: float) -> Bounds:
    """As 1/2 + tanh(x/2) / 2: the same slack covers it, and it stays within [0, 1]."""
    source = tensors[node.source]
    lower = 0.5 + 0.5 * np.tanh(source.lower / 2) - 32 * unit
    upper = 0.5 + 0.5 * np.tanh(source.upper / 2) + 32 * unit
    return Bounds(np.maximum(lower, 0.0), np.minimum(upper, 1.0))


INTERVAL: Mapping[type[Node], Callable[[Any, Sequence[Bounds], float], Bounds]] = {
    Dense: dense_interval,
    Scale: scale_interval,
    Sum: sum_interval,
    Select: select_interval,
    Maximum: maximum_interval,
    Product: product_interval,
    Relu: relu_interval,
    LeakyRelu: leaky_relu_interval,
    Sign: sign_interval,
    Exp: exp_interval,
    Square: square_interval,
    Reciprocal: reciprocal_interval,
    Tanh: tanh_interval,
    Sigmoid: sigmoid_interval,
}


def forward(network: Network, box: Bounds, unit: float) -> tuple[Bounds, ...]:
    """Interval bounds of every tensor over a box of inputs; raises NumericError if some are unusable."""
    tensors = [box]
    for node in network.nodes:
        bounds = INTERVAL[type(node)](node, tensors, unit)
        require_usable(bounds.lower, bounds.upper)
        tensors.append(bounds)
    return tuple(tensors)
