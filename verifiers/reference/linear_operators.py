"""Gemm, MatMul, Add, Sub and Mul. Their float32 weights, and products of two of those, are exact in float64."""

from collections.abc import Callable
from math import prod

import numpy as np

from .network import Array, Scale, Sum, dense
from .operators import (
    Lowered,
    Operation,
    Shape,
    Tensor,
    Value,
    floats_of,
    inputs_of,
    require_size,
    tensor_of,
)


def parse_gemm(operation: Operation, inputs: tuple[Value | None, ...]) -> Lowered:
    """The sum of alpha A' B' and beta C: A or B computed, the rest constant; ' transposes if an attribute says so."""
    a, b, c = inputs_of(operation, inputs, 2, 3)
    read = operation.read({"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0})
    bias = np.zeros(()) if c is None else read["beta"] * floats_of(operation, c)
    if len(tensor_of(operation, a if isinstance(a, Tensor) else b).shape) != 2:
        raise operation.refuse("a computed tensor that is not a matrix")
    if isinstance(a, Tensor):
        right = read["alpha"] * _transposed(floats_of(operation, b), read["transB"])
        return _linear(operation, a, lambda basis: _transposed(basis, read["transA"]) @ right, bias)
    left = read["alpha"] * _transposed(floats_of(operation, a), read["transA"])
    return _linear(operation, tensor_of(operation, b), lambda basis: left @ _transposed(basis, read["transB"]), bias)


def parse_matmul(operation: Operation, inputs: tuple[Value | None, ...]) -> Lowered:
    """A computed tensor of at least two dimensions times a constant vector or matrix, or the other way round."""
    operation.read({})
    left, right = inputs_of(operation, inputs, 2, 2)
    factor = floats_of(operation, right if isinstance(left, Tensor) else left)
    if factor.ndim > 2:
        raise operation.refuse(f"a constant of shape {factor.shape}")
    if isinstance(left, Tensor):
        return _linear(operation, left, lambda basis: basis @ factor, np.zeros(()))
    return _linear(operation, tensor_of(operation, right), lambda basis: factor @ basis, np.zeros(()))


def parse_add(operation: Operation, inputs: tuple[Value | None, ...]) -> Lowered:
    """A sum of a computed tensor and a constant, or of two computed tensors of one size."""
    operation.read({})
    left, right = inputs_of(operation, inputs, 2, 2)
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        shape = np.broadcast_shapes(left.shape, right.shape)
        if not prod(shape) == prod(left.shape) == prod(right.shape):
            raise operation.refuse(f"two computed tensors of shapes {left.shape} and {right.shape}")
        return Lowered(Sum(left.index, right.index), shape)
    if isinstance(left, Tensor):
        return _elementwise(operation, left, np.ones(()), floats_of(operation, right))
    return _elementwise(operation, tensor_of(operation, right), np.ones(()), floats_of(operation, left))


def parse_sub(operation: Operation, inputs: tuple[Value | None, ...]) -> Lowered:
    """A computed tensor minus a constant, or a constant minus a computed tensor."""
    operation.read({})
    left, right = inputs_of(operation, inputs, 2, 2)
    if isinstance(left, Tensor):
        return _elementwise(operation, left, np.ones(()), -floats_of(operation, right))
    return _elementwise(operation, tensor_of(operation, right), -np.ones(()), floats_of(operation, left))


def parse_mul(operation: Operation, inputs: tuple[Value | None, ...]) -> Lowered:
    """A computed tensor times a constant."""
    operation.read({})
    left, right = inputs_of(operation, inputs, 2, 2)
    tensor, factor = (left, right) if isinstance(left, Tensor) else (right, left)
    return _elementwise(operation, tensor_of(operation, tensor), floats_of(operation, factor), np.zeros(()))


def _transposed(array: Array, wanted: int) -> Array:
    return np.swapaxes(array, -1, -2) if wanted else array


def _elementwise(operation: Operation, tensor: Tensor, factor: Array, bias: Array) -> Lowered:
    """The sum of factor * x and bias, broadcast as in ONNX; a matrix only where the tensor itself is repeated."""
    shape = np.broadcast_shapes(tensor.shape, factor.shape, bias.shape)
    if prod(shape) == prod(tensor.shape):
        factors, biases = (np.broadcast_to(array, shape).flatten() for array in (factor, bias))
        return Lowered(Scale(tensor.index, factors, biases), shape)
    aligned = Tensor(tensor.index, (1,) * (len(shape) - len(tensor.shape)) + tensor.shape)
    return _linear(operation, aligned, lambda basis: basis * np.broadcast_to(factor, shape), bias)


def _linear(operation: Operation, tensor: Tensor, function: Callable[[Array], Array], bias: Array) -> Lowered:
    """The matrix of a linear function of the tensor, which maps a batch of such tensors to a batch of images."""
    if len(tensor.shape) < 2:
        raise operation.refuse(f"a computed tensor of shape {tensor.shape}")
    size = prod(tensor.shape)
    shape: Shape = function(np.zeros((1, *tensor.shape))).shape[1:]
    require_size(operation, size * max(size, prod(shape)))
    weight = function(np.eye(size).reshape(size, *tensor.shape)).reshape(size, -1).T
    return Lowered(dense(tensor.index, weight, np.broadcast_to(bias, shape).flatten()), shape)
