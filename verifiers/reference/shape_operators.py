"""What needs no node: Flatten, Reshape, Squeeze, Unsqueeze, Identity, Constant."""

from math import prod

import numpy as np

from .operators import Constant, Operation, Tensor, Value, axes_of, inputs_of, integers_of, listed_axes, tensor_of


def parse_flatten(operation: Operation, inputs: tuple[Value | None, ...]) -> Tensor:
    """Two dimensions: those before the axis, and the rest."""
    axis = operation.read({"axis": 1})["axis"]
    tensor = tensor_of(operation, inputs_of(operation, inputs, 1, 1)[0])
    rank = len(tensor.shape)
    if not -rank <= axis <= rank:
        raise operation.refuse(f"axis {axis} on shape {tensor.shape}")
    axis = axis + rank if axis < 0 else axis
    return Tensor(tensor.index, (prod(tensor.shape[:axis]), prod(tensor.shape[axis:])))


def parse_reshape(operation: Operation, inputs: tuple[Value | None, ...]) -> Tensor:
    """A constant shape: 0 keeps a dimension, one -1 takes what is left."""
    first, second = inputs_of(operation, inputs, 2, 2)
    tensor = tensor_of(operation, first)
    if not isinstance(second, Constant) or second.array.dtype != np.int64 or second.array.ndim != 1:
        raise operation.refuse("a shape that is not a constant list of integers")
    if operation.read({"allowzero": 0})["allowzero"]:
        raise operation.refuse("allowzero")
    wanted = second.array.tolist()
    if any(size == 0 and axis >= len(tensor.shape) for axis, size in enumerate(wanted)):
        raise operation.refuse(f"shape {wanted} on shape {tensor.shape}")
    kept = [tensor.shape[axis] if size == 0 else size for axis, size in enumerate(wanted)]
    return Tensor(tensor.index, np.empty(tensor.shape, dtype=np.bool_).reshape(kept).shape)


def parse_squeeze(operation: Operation, inputs: tuple[Value | None, ...]) -> Tensor:
    """Without the axes listed, which have size 1; without all such axes where none is listed."""
    first, second = inputs_of(operation, inputs, 1, 2)
    tensor = tensor_of(operation, first)
    listed = listed_axes(operation, tensor, second, operation.read({"axes": ()})["axes"])
    axes = listed or [axis for axis, size in enumerate(tensor.shape) if size == 1]
    if any(tensor.shape[axis] != 1 for axis in axes):
        raise operation.refuse(f"axes {axes} on shape {tensor.shape}")
    return Tensor(tensor.index, tuple(size for axis, size in enumerate(tensor.shape) if axis not in axes))


def parse_unsqueeze(operation: Operation, inputs: tuple[Value | None, ...]) -> Tensor:
    """With new axes of size 1, which are counted in the result."""
    first, second = inputs_of(operation, inputs, 1, 2)
    tensor, listed = tensor_of(operation, first), integers_of(operation, second)
    given = operation.read({"axes": ()})["axes"] if listed is None else listed
    rank = len(tensor.shape) + len(given)
    axes, sizes = axes_of(operation, given, rank), iter(tensor.shape)
    return Tensor(tensor.index, tuple(1 if axis in axes else next(sizes) for axis in range(rank)))


def parse_identity(operation: Operation, inputs: tuple[Value | None, ...]) -> Value:
    """The input itself, computed or constant."""
    operation.read({})
    value = inputs_of(operation, inputs, 1, 1)[0]
    if value is None:
        raise operation.refuse("no input")
    return value


def parse_constant(operation: Operation, inputs: tuple[Value | None, ...]) -> Constant:
    """The tensor, number or list of numbers that its one attribute holds."""
    inputs_of(operation, inputs, 0, 0)
    known = {"value", "value_float", "value_floats", "value_int", "value_ints"}
    if len(operation.attributes) != 1 or not known.issuperset(operation.attributes):
        raise operation.refuse(f"attributes {sorted(operation.attributes)}")
    (value,) = operation.attributes.values()
    return Constant(np.asarray(value))
