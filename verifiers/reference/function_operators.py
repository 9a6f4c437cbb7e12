"""Functions of one number: LeakyRelu, PRelu, Clip, Pow and those without attributes; and Softmax, made of them."""

from collections.abc import Callable
from math import inf, isnan, prod

import numpy as np

from .network import Activation, Exp, LeakyRelu, Node, Reciprocal, Relu, Scale, Square, dense
from .operators import (
    Constant,
    Lowered,
    Operation,
    Parser,
    Tensor,
    Value,
    chain,
    floats_of,
    inputs_of,
    require_size,
    tensor_of,
)


def activation_parser(activation: Callable[[int], Activation]) -> Parser:
    """The parser of an activation function that has no attributes."""

    def parse(operation: Operation, inputs: tuple[Value | None, ...]) -> Lowered:
        operation.read({})
        tensor = tensor_of(operation, inputs_of(operation, inputs, 1, 1)[0])
        return Lowered(activation(tensor.index), tensor.shape)

    return parse


def parse_leaky_relu(operation: Operation, inputs: tuple[Value | None, ...]) -> Lowered:
    """The slope is an attribute."""
    tensor = tensor_of(operation, inputs_of(operation, inputs, 1, 1)[0])
    return Lowered(LeakyRelu(tensor.index, operation.read({"alpha": float(np.float32(0.01))})["alpha"]), tensor.shape)


def parse_prelu(operation: Operation, inputs: tuple[Value | None, ...]) -> Lowered:
    """The slope is a constant, one for all numbers."""
    operation.read({})
    first, second = inputs_of(operation, inputs, 2, 2)
    tensor, slope = tensor_of(operation, first), floats_of(operation, second)
    if slope.size != 1 or slope.ndim > len(tensor.shape):
        raise operation.refuse(f"slopes of shape {slope.shape}")
    return Lowered(LeakyRelu(tensor.index, slope.item()), tensor.shape)


def parse_clip(operation: Operation, inputs: tuple[Value | None, ...]) -> Lowered | Tensor:
    """The number nearest to x between a and b, b - relu(b - a - relu(x - a)); either end may be left out."""
    first, *ends = inputs_of(operation, inputs, 1, 3)
    tensor, read = tensor_of(operation, first), operation.read({"min": -inf, "max": inf})
    least, most = (
        read[name] if end is None else floats_of(operation, end).item() for name, end in zip(read, ends, strict=True)
    )
    if isnan(least) or isnan(most) or least > most or least == inf or most == -inf:
        raise operation.refuse(f"from {least} to {most}")
    size = prod(tensor.shape)
    above = [_affine(size, 1, -least), Relu] if least > -inf else []
    if most == inf:
        makers = [*above, _affine(size, 1, least)] if above else []
    else:
        makers = [*above, _affine(size, -1, most - least if above else most), Relu, _affine(size, -1, most)]
    return chain(tensor, tensor.shape, makers) if makers else tensor


def _affine(size: int, factor: float, bias: float) -> Callable[[int], Node]:
    return lambda source: Scale(source, np.full(size, float(factor)), np.full(size, bias))


def parse_power(operation: Operation, inputs: tuple[Value | None, ...]) -> Lowered:
    """Squares alone."""
    operation.read({})
    first, exponent = inputs_of(operation, inputs, 2, 2)
    tensor = tensor_of(operation, first)
    if not isinstance(exponent, Constant) or not np.all(exponent.array == 2):
        raise operation.refuse("an exponent other than the constant 2")
    if np.broadcast_shapes(tensor.shape, exponent.array.shape) != tensor.shape:
        raise operation.refuse(f"exponents of shape {exponent.array.shape} on shape {tensor.shape}")
    return Lowered(Square(tensor.index), tensor.shape)


def parse_softmax(operation: Operation, inputs: tuple[Value | None, ...]) -> Lowered:
    """Along the last axis, as 1 / (the sum over j of exp(x_j - x_i)): straight lines bound each of these steps well."""
    tensor = tensor_of(operation, inputs_of(operation, inputs, 1, 1)[0])
    rank, axis = len(tensor.shape), operation.read({"axis": -1})["axis"]
    if axis not in (-1, rank - 1) or not rank or ("axis" not in operation.attributes and rank != 2):
        raise operation.refuse(f"axis {axis} of {rank}, or none given: what that means changed")
    size, length = prod(tensor.shape), tensor.shape[-1]
    require_size(operation, size * size * length)
    units = np.eye(size).reshape(-1, length, size)
    differences = (units[:, None, :] - units[:, :, None]).reshape(-1, size)
    sums = np.repeat(np.eye(size), length, axis=1)
    makers: list[Callable[[int], Node]] = [
        lambda source: dense(source, differences, np.zeros(len(differences))),
        Exp,
        lambda source: dense(source, sums, np.zeros(len(sums))),
        Reciprocal,
    ]
    return chain(tensor, tensor.shape, makers)
