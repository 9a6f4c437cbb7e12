"""Gemm, MatMul, ReduceSum and ReduceMean. Float32 weights, and products of two of those, are exact in float64."""

from collections.abc import Callable
from math import prod

import numpy as np

from .network import Array, Product, dense
from .operators import (
    Lowered,
    Operation,
    Parser,
    Shape,
    Tensor,
    Value,
    floats_of,
    inputs_of,
    listed_axes,
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
        return linear(operation, a, lambda basis: _transposed(basis, read["transA"]) @ right, bias)
    left = read["alpha"] * _transposed(floats_of(operation, a), read["transA"])
    return linear(operation, tensor_of(operation, b), lambda basis: left @ _transposed(basis, read["transB"]), bias)


def parse_matmul(operation: Operation, inputs: tuple[Value | None, ...]) -> Lowered:
    """A computed tensor and a constant vector or matrix, in either order; or two computed tensors."""
    operation.read({})
    left, right = inputs_of(operation, inputs, 2, 2)
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        return _product(operation, left, right)
    factor = floats_of(operation, right if isinstance(left, Tensor) else left)
    if factor.ndim > 2:
        raise operation.refuse(f"a constant of shape {factor.shape}")
    if isinstance(left, Tensor):
        return linear(operation, left, lambda basis: basis @ factor, np.zeros(()))
    tensor = tensor_of(operation, right)
    if len(tensor.shape) == 1:
        return linear(operation, tensor, lambda basis: basis @ factor.T, np.zeros(()))
    return linear(operation, tensor, lambda basis: factor @ basis, np.zeros(()))


def _product(operation: Operation, left: Tensor, right: Tensor) -> Lowered:
    """Matrices times matrices, one by one over the same leading dimensions."""
    if min(len(left.shape), len(right.shape)) < 2:
        raise operation.refuse("two computed tensors of which one is a vector")
    *batch, rows, inner = left.shape
    *others, height, columns = right.shape
    if batch != others or inner != height:
        raise operation.refuse(f"two computed tensors of shapes {left.shape} and {right.shape}")
    require_size(operation, 4 * prod(batch) * rows * inner * columns)
    return Lowered(Product(left.index, right.index, (prod(batch), rows, inner, columns)), (*batch, rows, columns))


def reduction_parser(reduce: Callable[..., Array]) -> Parser:
    """The parser of a sum or a mean, given as numpy's, over some axes, all where none is listed."""

    def parse(operation: Operation, inputs: tuple[Value | None, ...]) -> Lowered:
        first, second = inputs_of(operation, inputs, 1, 2)
        tensor, read = (
            tensor_of(operation, first),
            operation.read({"axes": (), "keepdims": 1, "noop_with_empty_axes": 0}),
        )
        if read["noop_with_empty_axes"]:
            raise operation.refuse("noop_with_empty_axes")
        axes = listed_axes(operation, tensor, second, read["axes"]) or range(len(tensor.shape))
        chosen = {"axis": tuple(axis + 1 for axis in axes), "keepdims": bool(read["keepdims"])}  # of a batch of tensors
        return linear(operation, tensor, lambda basis: reduce(basis, **chosen), np.zeros(()))

    return parse


def _transposed(array: Array, wanted: int) -> Array:
    return np.swapaxes(array, -1, -2) if wanted else array


def linear(operation: Operation, tensor: Tensor, function: Callable[[Array], Array], bias: Array) -> Lowered:
    """The matrix of a linear function of the tensor, which maps a batch of such tensors to a batch of images."""
    size = prod(tensor.shape)
    shape: Shape = function(np.zeros((1, *tensor.shape))).shape[1:]
    require_size(operation, size * max(size, prod(shape)))
    weight = function(np.eye(size).reshape(size, *tensor.shape)).reshape(size, -1).T
    return Lowered(dense(tensor.index, weight, np.broadcast_to(bias, shape).flatten()), shape)
