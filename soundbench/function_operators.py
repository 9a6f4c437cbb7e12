"""What the ONNX operators mean that apply a function of one number to every element."""

import math
from collections.abc import Callable

import numpy as np

from soundbench.affine import Lowered, broadcasts
from soundbench.graph import Activation, Elementary, Elementwise, Pieces
from soundbench.node import Node, Tensor


def applied(node: Node, function: Elementwise) -> Lowered:
    """A function of every element of the first input."""
    tensor = node.tensor(0)
    return (Activation(node.output, tensor.name, function),), Tensor(node.output, tensor.shape)


def activation(function: Elementwise) -> Callable[[Node], Lowered]:
    """The operator that applies `function`, and has no attributes."""

    def lower_activation(node: Node) -> Lowered:
        node.allow()
        return applied(node, function)

    return lower_activation


def leaky_relu(node: Node) -> Lowered:
    """Y = alpha * X below zero, X above."""
    node.allow("alpha")
    return applied(node, leaky(node, float(node.attributes.get("alpha", np.float32(0.01)))))


def prelu(node: Node) -> Lowered:
    """As `leaky_relu`, with a constant operand for alpha."""
    node.allow()
    slope = node.constant(1)
    if slope is None or slope.size != 1 or not broadcasts(slope, node.tensor(0).shape):
        raise node.refuse("only one slope for all numbers is supported")
    return applied(node, leaky(node, slope.item()))


def leaky(node: Node, alpha: float) -> Pieces:
    """A ReLU with a slope below zero."""
    if not 0.0 <= alpha < math.inf:
        raise node.refuse(f"a slope of {alpha:g} is not supported, only a number that is not negative")
    return Pieces((0.0,), ((alpha, 0.0), (1.0, 0.0)))


def clip(node: Node) -> Lowered:
    """Y = min(max(X, low), high), either end left out or a constant; they are attributes before opset 11."""
    node.allow("min", "max")
    low, high = limit(node, 1, "min"), limit(node, 2, "max")
    if low and high and low[0] > high[0]:
        raise node.refuse(f"min {low[0]:g} is greater than max {high[0]:g}")
    ends = [[(0.0, end) for end in each] for each in (low, high)]
    return applied(node, Pieces((*low, *high), (*ends[0], (1.0, 0.0), *ends[1])))


def limit(node: Node, index: int, name: str) -> list[float]:
    """An end of a clip, or none."""
    operand = node.constant(index)
    if operand is not None and operand.size != 1:
        raise node.refuse(f"{name} must be one number")
    given = node.attributes.get(name) if operand is None else operand.item()
    if given is not None and not math.isfinite(given):
        raise node.refuse(f"{name} is not finite")
    return [] if given is None else [float(given)]


def power(node: Node) -> Lowered:
    """Y = X ** 2."""
    node.allow()
    exponent = node.constant(1)
    if exponent is None or not broadcasts(exponent, node.tensor(0).shape) or not (exponent == 2).all():
        raise node.refuse("only a constant exponent of 2 is supported")
    return applied(node, Elementary.SQUARE)
