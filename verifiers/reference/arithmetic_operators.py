"""Arithmetic number by number: Add, Sub, Mul, Div, Neg and BatchNormalization.

Float32 constants are exact in float64; quotients of them are off by a few units, which `rounding` allows for.
"""

from math import prod

import numpy as np

from .linear_operators import linear
from .network import Array, Product, Scale, Sum
from .operators import Lowered, Operation, Tensor, Value, floats_of, inputs_of, tensor_of


def parse_add(operation: Operation, inputs: tuple[Value | None, ...]) -> Lowered:
    """A sum of a computed tensor and a constant, or of two computed tensors of one size."""
    operation.read({})
    left, right = inputs_of(operation, inputs, 2, 2)
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        return Lowered(Sum(left.index, right.index), _one_size(operation, left, right))
    if isinstance(left, Tensor):
        return _elementwise(operation, left, np.ones(()), floats_of(operation, right))
    return _elementwise(operation, tensor_of(operation, right), np.ones(()), floats_of(operation, left))


def parse_sub(operation: Operation, inputs: tuple[Value | None, ...]) -> Lowered:
    """A difference of a computed tensor and a constant, in either order, or of two computed tensors of one size."""
    operation.read({})
    left, right = inputs_of(operation, inputs, 2, 2)
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        shape, size, first = _one_size(operation, left, right), prod(right.shape), left.index
        minus = Scale(right.index, -np.ones(size), np.zeros(size))
        return Lowered(minus, shape, (lambda negated: Sum(first, negated),))
    if isinstance(left, Tensor):
        return _elementwise(operation, left, np.ones(()), -floats_of(operation, right))
    return _elementwise(operation, tensor_of(operation, right), -np.ones(()), floats_of(operation, left))


def parse_mul(operation: Operation, inputs: tuple[Value | None, ...]) -> Lowered:
    """A computed tensor times a constant, or two computed tensors of one size."""
    operation.read({})
    left, right = inputs_of(operation, inputs, 2, 2)
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        shape = _one_size(operation, left, right)
        return Lowered(Product(left.index, right.index, (prod(shape), 1, 1, 1)), shape)
    tensor, factor = (left, right) if isinstance(left, Tensor) else (right, left)
    return _elementwise(operation, tensor_of(operation, tensor), floats_of(operation, factor), np.zeros(()))


def parse_div(operation: Operation, inputs: tuple[Value | None, ...]) -> Lowered:
    """A computed tensor divided by a constant."""
    operation.read({})
    tensor, divisor = inputs_of(operation, inputs, 2, 2)
    with np.errstate(divide="ignore"):  # what is infinite is refused by bounding
        factor = 1 / floats_of(operation, divisor)
    return _elementwise(operation, tensor_of(operation, tensor), factor, np.zeros(()))


def parse_neg(operation: Operation, inputs: tuple[Value | None, ...]) -> Lowered:
    """A computed tensor times -1."""
    operation.read({})
    tensor = tensor_of(operation, inputs_of(operation, inputs, 1, 1)[0])
    return _elementwise(operation, tensor, -np.ones(()), np.zeros(()))


def parse_batch_normalization(operation: Operation, inputs: tuple[Value | None, ...]) -> Lowered:
    """Channel by channel, x - mean and then that times scale / sqrt(var + epsilon) plus bias: where nothing cancels."""
    read = operation.read({"epsilon": float(np.float32(1e-5)), "momentum": 0.0, "training_mode": 0})
    first, *rest = inputs_of(operation, inputs, 5, 5)
    tensor, constants = tensor_of(operation, first), [floats_of(operation, value) for value in rest]
    if len(tensor.shape) < 2 or read["training_mode"] or {each.shape for each in constants} != {(tensor.shape[1],)}:
        raise operation.refuse(f"training, or other than four constants for each channel of {tensor.shape}")
    along = (-1, *(1,) * (len(tensor.shape) - 2))
    scale, bias, mean, variance = (np.broadcast_to(each.reshape(along), tensor.shape).flatten() for each in constants)
    with np.errstate(all="ignore"):  # what is not finite is refused by bounding
        factor = scale / np.sqrt(variance + read["epsilon"])
    centred = Scale(tensor.index, np.ones(len(mean)), -mean)
    return Lowered(centred, tensor.shape, (lambda source: Scale(source, factor, bias),))


def _one_size(operation: Operation, left: Tensor, right: Tensor) -> tuple[int, ...]:
    """The shape of what two computed tensors make, number by number, where neither is repeated."""
    shape = np.broadcast_shapes(left.shape, right.shape)
    if not prod(shape) == prod(left.shape) == prod(right.shape):
        raise operation.refuse(f"two computed tensors of shapes {left.shape} and {right.shape}")
    return shape


def _elementwise(operation: Operation, tensor: Tensor, factor: Array, bias: Array) -> Lowered:
    """The sum of factor * x and bias, broadcast as in ONNX; a matrix only where the tensor itself is repeated."""
    shape = np.broadcast_shapes(tensor.shape, factor.shape, bias.shape)
    if prod(shape) == prod(tensor.shape):
        factors, biases = (np.broadcast_to(array, shape).flatten() for array in (factor, bias))
        return Lowered(Scale(tensor.index, factors, biases), shape)
    aligned = Tensor(tensor.index, (1,) * (len(shape) - len(tensor.shape)) + tensor.shape)
    return linear(operation, aligned, lambda basis: basis * np.broadcast_to(factor, shape), bias)
