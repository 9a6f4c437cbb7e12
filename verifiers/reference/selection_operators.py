"""What only chooses and reorders numbers: Transpose, Concat, Slice, Gather, Split."""

from collections.abc import Sequence
from math import prod

import numpy as np

from .network import Indices, Select, dense
from .operators import (
    Constant,
    Lowered,
    Operation,
    Tensor,
    Value,
    axes_of,
    floats_of,
    inputs_of,
    integers_of,
    require_size,
    tensor_of,
)


def parse_transpose(operation: Operation, inputs: tuple[Value | None, ...]) -> Lowered:
    """The axes in the order of `perm`, or backwards."""
    tensor = tensor_of(operation, inputs_of(operation, inputs, 1, 1)[0])
    axes = operation.read({"perm": tuple(range(len(tensor.shape)))[::-1]})["perm"]
    if sorted(axes) != list(range(len(tensor.shape))):
        raise operation.refuse(f"perm {axes} on shape {tensor.shape}")
    return _selected([tensor], _cells(tensor).transpose(axes))


def parse_concat(operation: Operation, inputs: tuple[Value | None, ...]) -> Lowered:
    """Computed tensors, one after another along an axis, or one of them among constants."""
    axis = operation.read({"axis": 0})["axis"]
    if not inputs or "axis" not in operation.attributes:
        raise operation.refuse("no inputs, or no axis")
    if any(isinstance(value, Constant) for value in inputs):
        return _among_constants(operation, inputs, axis)
    tensors = [tensor_of(operation, value) for value in inputs]
    (axis,) = axes_of(operation, [axis], len(tensors[0].shape))
    starts = np.cumsum([0, *(prod(tensor.shape) for tensor in tensors)])[:-1]
    cells = [start + _cells(tensor) for start, tensor in zip(starts, tensors, strict=True)]
    return _selected(tensors, np.concatenate(cells, axis=axis))


def _among_constants(operation: Operation, inputs: tuple[Value | None, ...], axis: int) -> Lowered:
    """A dense layer: a row of it copies one number of the tensor, or has nothing but a bias."""
    tensors = [value for value in inputs if isinstance(value, Tensor)]
    if len(tensors) != 1:
        raise operation.refuse("a constant beside other than one computed tensor")
    tensor = tensors[0]
    (axis,) = axes_of(operation, [axis], len(tensor.shape))
    around = tensor.shape[:axis] + tensor.shape[axis + 1 :]
    places, numbers = [], []
    for value in inputs:
        own = np.zeros(tensor.shape) if value is tensor else floats_of(operation, value)
        if own.ndim != len(tensor.shape) or own.shape[:axis] + own.shape[axis + 1 :] != around:
            raise operation.refuse(f"constants of shape {own.shape} beside {tensor.shape} along axis {axis}")
        places.append(_cells(tensor) if value is tensor else np.full(own.shape, -1))
        numbers.append(own)
    order, bias = np.concatenate(places, axis=axis), np.concatenate(numbers, axis=axis)
    require_size(operation, order.size * prod(tensor.shape))
    weight = np.zeros((order.size, prod(tensor.shape)))
    copied = np.flatnonzero(order >= 0)
    weight[copied, order.ravel()[copied]] = 1.0
    return Lowered(dense(tensor.index, weight, bias.ravel()), order.shape)


def parse_slice(operation: Operation, inputs: tuple[Value | None, ...]) -> Lowered:
    """Along some axes every step-th cell, from a start to an end that is no part of it."""
    operation.read({})
    first, *rest = inputs_of(operation, inputs, 3, 5)
    tensor = tensor_of(operation, first)
    starts, ends, axes, steps = (integers_of(operation, value) for value in rest)
    if starts is None or ends is None or len(starts) != len(ends):
        raise operation.refuse(f"from {starts} to {ends}")
    axes = axes_of(operation, list(range(len(starts))) if axes is None else axes, len(tensor.shape))
    steps = [1] * len(starts) if steps is None else steps
    if not len(axes) == len(starts) == len(steps) or 0 in steps:
        raise operation.refuse(f"axes {axes} and steps {steps}")
    cells = _cells(tensor)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        cells = np.take(cells, _places(tensor.shape[axis], start, end, step), axis=axis)
    return _selected([tensor], cells)


def _places(size: int, start: int, end: int, step: int) -> list[int]:
    """The indices of a slice along an axis: what is negative counts from the end, what lies outside is moved inside."""
    start, end = (place + size if place < 0 else place for place in (start, end))
    if step > 0:
        return list(range(max(start, 0), min(end, size), step))
    return list(range(min(max(start, 0), size - 1), max(end, -1), step))


def parse_gather(operation: Operation, inputs: tuple[Value | None, ...]) -> Lowered:
    """The slices at constant indices along an axis, which the axes of the indices replace."""
    first, second = inputs_of(operation, inputs, 2, 2)
    tensor = tensor_of(operation, first)
    (axis,) = axes_of(operation, [operation.read({"axis": 0})["axis"]], len(tensor.shape))
    size = tensor.shape[axis]
    if not isinstance(second, Constant) or second.array.dtype != np.int64:
        raise operation.refuse("indices that are not constant integers")
    if np.any((second.array < -size) | (second.array >= size)):
        raise operation.refuse(f"an index outside an axis of {size}")
    require_size(operation, prod(tensor.shape) * max(second.array.size, 1))
    return _selected([tensor], np.take(_cells(tensor), second.array, axis=axis))


def parse_split(operation: Operation, inputs: tuple[Value | None, ...]) -> tuple[Lowered, ...]:
    """Parts along an axis, one an output: of given sizes, or of equal ones, of which the last may be smaller."""
    first, second = inputs_of(operation, inputs, 1, 2)
    tensor, read = tensor_of(operation, first), operation.read({"axis": 0, "num_outputs": 0, "split": ()})
    (axis,) = axes_of(operation, [read["axis"]], len(tensor.shape))
    size, listed = tensor.shape[axis], integers_of(operation, second)
    sizes = list(read["split"]) if listed is None else listed
    if not sizes:
        part = -(-size // operation.outputs)
        sizes = [*[part] * (operation.outputs - 1), size - part * (operation.outputs - 1)]
        if len(set(sizes)) > 1 and read["num_outputs"] != operation.outputs:
            raise operation.refuse(f"{operation.outputs} equal parts of {size}")
    if len(sizes) != operation.outputs or min(sizes) < 1 or sum(sizes) != size:
        raise operation.refuse(f"parts of sizes {sizes} of {size}, for {operation.outputs} outputs")
    parts = np.split(_cells(tensor), np.cumsum(sizes)[:-1], axis=axis)
    return tuple(_selected([tensor], part) for part in parts)


def _cells(tensor: Tensor) -> Indices:
    """The index of each cell of the flat tensor, in its shape."""
    return np.arange(prod(tensor.shape)).reshape(tensor.shape)


def _selected(tensors: Sequence[Tensor], cells: Indices) -> Lowered:
    return Lowered(Select(tuple(tensor.index for tensor in tensors), cells.ravel()), cells.shape)
