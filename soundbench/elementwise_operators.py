"""What arithmetic number by number means: of a tensor and constants, or of two tensors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from flint import arb, ctx

from soundbench.affine import Lowered, affine, broadcasts, check_size
from soundbench.graph import NEG, Activation, Affine, Array, Product, Sum
from soundbench.node import Node, Tensor
from soundbench.rigorous import PRECISION_BITS

# What a batch normalisation may divide and multiply by, so that float32 neither overflows nor underflows on the way.
NARROWEST, WIDEST = 2.0**-60, 2.0**60


def add(node: Node) -> Lowered:
    """Y = A + B: two tensors of one shape, or a tensor and a constant that broadcasts to its shape."""
    node.allow()
    first, second = node.inputs[0], node.inputs[1]
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        if first.shape != second.shape:
            raise node.refuse(f"adding shapes {first.shape} and {second.shape} is not supported")
        shape, names = first.shape, [first.name, second.name]
        shift = np.zeros(first.size)
    else:
        tensor, constant = (first, second) if isinstance(first, Tensor) else (second, first)
        if not isinstance(tensor, Tensor) or constant is None or isinstance(constant, Tensor):
            raise node.refuse("one operand must be a tensor of the network")
        if not broadcasts(constant, tensor.shape):
            raise node.refuse(f"the constant of shape {constant.shape} would enlarge {tensor.shape}")
        shape, names = tensor.shape, [tensor.name]
        shift = np.broadcast_to(constant, shape).ravel()
    return (Sum(node.output, tuple(names), shift),), Tensor(node.output, shape)


def sub(node: Node) -> Lowered:
    """Y = A - B: two tensors of one shape, or a tensor and a constant that broadcasts to its shape, in either order."""
    node.allow()
    if all(isinstance(operand, Tensor) for operand in node.inputs):
        first, second = two_tensors(node)
        # Negating a number rounds nothing, so that sum and difference err alike.
        minus = Activation(f"{node.output} (negated operand)", second.name, NEG)
        total = Sum(node.output, (first.name, minus.output), np.zeros(first.size))
        return (minus, total), Tensor(node.output, first.shape)
    tensor, constant = tensor_and_constant(node)
    if isinstance(node.inputs[0], Tensor):
        return (Sum(node.output, (tensor.name,), -constant),), Tensor(node.output, tensor.shape)
    return scaled(node, tensor, np.full(tensor.size, -1.0), constant)


def mul(node: Node) -> Lowered:
    """Y = A * B: two tensors of one shape, or a tensor and a constant that broadcasts to its shape, in either order."""
    node.allow()
    if all(isinstance(operand, Tensor) for operand in node.inputs):
        first, second = two_tensors(node)
        step = Product(node.output, first.name, second.name, (first.size, 1, 1, 1))
        return (step,), Tensor(node.output, first.shape)
    tensor, constant = tensor_and_constant(node)
    return scaled(node, tensor, constant, np.zeros(tensor.size))


def div(node: Node) -> Lowered:
    """Y = A / B, with B a constant that broadcasts to the tensor's shape."""
    node.allow()
    tensor, constant = tensor_and_constant(node)
    if not isinstance(node.inputs[0], Tensor):
        raise node.refuse("A must be the tensor and B the constant")
    with np.errstate(divide="ignore", over="ignore"):
        inverse = 1.0 / constant
    if not np.isfinite(inverse).all():
        raise node.refuse("it divides by zero, or by a number too small for float64")
    # Nothing is lost where all divisors are powers of two.
    inexact = bool((np.abs(np.frexp(constant)[0]) != 0.5).any())
    return scaled(node, tensor, inverse, np.zeros(tensor.size), inexact=inexact)


def batch_normalization(node: Node) -> Lowered:
    """Y = scale * (X - mean) / sqrt(var + epsilon) + B, channel by channel along the second axis."""
    node.allow("epsilon", "momentum", "training_mode")
    tensor, constants = node.tensor(0), [node.constant(index) for index in range(1, 5)]
    if node.attributes.get("training_mode", 0) or len(tensor.shape) < 2:
        raise node.refuse("only inference on a tensor of at least two axes is supported")
    channels = tensor.shape[1]
    columns = [column for column in constants if column is not None and column.shape == (channels,)]
    if len(columns) != 4:
        raise node.refuse(f"scale, B, mean and var must be lists of {channels} numbers")
    check_size(node, tensor.size, tensor.size)
    epsilon = float(node.attributes.get("epsilon", np.float32(1e-5)))
    numbers = np.array([normalization(node, column, epsilon) for column in np.transpose(columns).tolist()])
    along = (channels, *(1,) * (len(tensor.shape) - 2))
    factor, factor_radius, shift, shift_radius, parts = (
        np.broadcast_to(column.reshape(along), tensor.shape).ravel() for column in numbers.T
    )
    # Four roundings make the factor, two more the shift, and two the result.
    terms = np.full(tensor.size, 8, dtype=np.int64)
    radii = np.diag(factor_radius), shift_radius
    step = Affine(node.output, tensor.name, np.diag(factor), shift, terms, *radii, bias_parts=parts)
    return (step,), Tensor(node.output, tensor.shape)


def normalization(node: Node, channel: Sequence[float], epsilon: float) -> tuple[float, float, float, float, float]:
    """One channel's factor, shift and their radii, and the magnitudes that make up the shift; see `Affine`."""
    with ctx.workprec(PRECISION_BITS):
        scale, shift, mean, variance = map(arb, channel)
        spread = variance + arb(epsilon)
        if not NARROWEST < spread < WIDEST:
            raise node.refuse("var + epsilon is too small or too large for float32")
        factor = scale / spread.sqrt()
        if scale != 0 and not NARROWEST < abs(factor) < WIDEST:
            raise node.refuse("scale / sqrt(var + epsilon) is too small or too large for float32")
        parts = nearest(abs(shift) + abs(mean * factor))
        return *nearest(factor), *nearest(shift - mean * factor), float(np.nextafter(sum(parts), np.inf))


def nearest(ball: Any) -> tuple[float, float]:  # noqa: ANN401  (python-flint ships no types)
    """A float64 near a ball, and a radius within which the ball lies around it."""
    middle = float(ball.mid())
    distance = abs(ball - arb(middle)).upper()
    return middle, float(np.nextafter(float(distance), np.inf)) if distance > 0 else 0.0


def two_tensors(node: Node) -> tuple[Tensor, Tensor]:
    """Both operands, tensors of the network of one shape."""
    first, second = node.tensor(0), node.tensor(1)
    if first.shape != second.shape:
        raise node.refuse(f"tensors of shapes {first.shape} and {second.shape} are not supported, only of one shape")
    return first, second


def tensor_and_constant(node: Node) -> tuple[Tensor, Array]:
    """The tensor of the network, and the other operand as numbers for each of its elements, shape (size,)."""
    first, second = node.inputs[0], node.inputs[1]
    tensor, constant = (first, second) if isinstance(first, Tensor) else (second, first)
    if not isinstance(tensor, Tensor) or constant is None or isinstance(constant, Tensor):
        raise node.refuse("one operand must be a tensor of the network, and the other a constant")
    if not broadcasts(constant, tensor.shape):
        raise node.refuse(f"the constant of shape {constant.shape} would enlarge {tensor.shape}")
    return tensor, np.broadcast_to(constant, tensor.shape).ravel()


def scaled(node: Node, tensor: Tensor, factor: Array, shift: Array, *, inexact: bool = False) -> Lowered:
    """Factor * tensor + shift, number by number, shape (size,) each."""
    check_size(node, tensor.size, tensor.size)
    return affine(node, tensor, tensor.shape, np.diag(factor), shift, inexact=inexact)
