"""Interval bounds: from the bounds of a node's sources to bounds of its output, rounded outwards.

`unit` is the unit roundoff of the arithmetic to allow for: float64 for proofs, float32 where a counterexample has
to survive its replay in float32.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .network import Array, Dense, Network, Node, Relu, Scale, Sigmoid, Sum, Tanh
from .rounding import require_usable, slack


@dataclass(frozen=True, slots=True)
class Bounds:
    """lower <= tensor <= upper, element by element: shape (size,)."""

    lower: Array
    upper: Array

    @property
    def magnitude(self) -> Array:
        """A bound on the absolute value, shape (size,)."""
        return np.maximum(np.abs(self.lower), np.abs(self.upper))


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


def relu_interval(node: Relu, tensors: Sequence[Bounds], unit: float) -> Bounds:  # noqa: ARG001
    """Exact: the ends are selected, not computed."""
    source = tensors[node.source]
    return Bounds(np.maximum(source.lower, 0), np.maximum(source.upper, 0))


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
    Relu: relu_interval,
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
