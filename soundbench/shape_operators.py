"""What the ONNX operators mean that only move numbers: they change no value, and some need no step at all."""

import math
from collections.abc import Sequence

import numpy as np

from soundbench.affine import Lowered, affine, check_size
from soundbench.graph import Indices, Selection
from soundbench.node import Node, Tensor


def flatten(node: Node) -> Lowered:
    """Flatten to a matrix; flat tensors need no work."""
    node.allow("axis")
    tensor = node.tensor(0)
    axis, rank = int(node.attributes.get("axis", 1)), len(tensor.shape)
    if not -rank <= axis <= rank:
        raise node.refuse(f"axis {axis} lies outside a shape of {rank} axes")
    # A negative axis counts from the end: -1 is the last one, not the end.
    axis += rank if axis < 0 else 0
    return (), Tensor(tensor.name, (math.prod(tensor.shape[:axis]), math.prod(tensor.shape[axis:])))


def reshape(node: Node) -> Lowered:
    """Reshape to a constant shape, in which 0 copies a size and -1 is inferred."""
    node.allow("allowzero")
    tensor, target = node.tensor(0), node.constant(1)
    if target is None or node.attributes.get("allowzero", 0):
        raise node.refuse("only a constant shape with allowzero 0 is supported")
    if target.ndim != 1:
        raise node.refuse("the shape must be a list of sizes")
    copied = dict(enumerate(tensor.shape))
    shape = [copied.get(axis, 0) if size == 0 else int(size) for axis, size in enumerate(target.tolist())]
    known = math.prod(size for size in shape if size != -1)
    if shape.count(-1) > 1 or min(shape, default=1) < -1 or known == 0 or tensor.size % known:
        raise node.refuse(f"shape {shape} does not fit {tensor.shape}")
    filled = tuple(tensor.size // known if size == -1 else size for size in shape)
    if math.prod(filled) != tensor.size:
        raise node.refuse(f"shape {shape} does not fit {tensor.shape}")
    return (), Tensor(tensor.name, filled)


def transpose(node: Node) -> Lowered:
    """The axes in another order; reversed where none is given."""
    node.allow("perm")
    tensor = node.tensor(0)
    axes = tuple(int(axis) for axis in node.attributes.get("perm", reversed(range(len(tensor.shape)))))
    if sorted(axes) != list(range(len(tensor.shape))):
        raise node.refuse(f"perm {list(axes)} does not permute {len(tensor.shape)} axes")
    return selected(node, (tensor.name,), cells_of(tensor).transpose(axes))


def identity(node: Node) -> Lowered:
    """The tensor itself."""
    node.allow()
    return (), node.tensor(0)


def concat(node: Node) -> Lowered:
    """Tensors joined along an axis, or one tensor with constants."""
    node.allow("axis")
    if not all(isinstance(operand, Tensor) for operand in node.inputs):
        return concat_constants(node)
    tensors = [node.tensor(index) for index in range(len(node.inputs))]
    (axis,) = axes_of(node, [node.attributes["axis"]], len(tensors[0].shape))
    others = {(*tensor.shape[:axis], *tensor.shape[axis + 1 :]) for tensor in tensors}
    if len({len(tensor.shape) for tensor in tensors}) > 1 or len(others) > 1:
        raise node.refuse(f"shapes {[tensor.shape for tensor in tensors]} cannot be joined along axis {axis}")
    check_size(node, sum(tensor.size for tensor in tensors), 1)
    firsts = np.cumsum([0, *(tensor.size for tensor in tensors)])
    cells = [first + cells_of(tensor) for first, tensor in zip(firsts, tensors, strict=False)]
    return selected(node, tuple(tensor.name for tensor in tensors), np.concatenate(cells, axis=axis))


def concat_constants(node: Node) -> Lowered:
    """A tensor joined with constants: each number is one of the tensor's, or stays as it is."""
    tensors = [each for each in node.inputs if isinstance(each, Tensor)]
    if len(tensors) != 1 or any(each is None for each in node.inputs):
        raise node.refuse("one tensor alone can be joined with constants")
    tensor = tensors[0]
    (axis,) = axes_of(node, [node.attributes["axis"]], len(tensor.shape))
    try:
        parts = [
            (cells_of(each), np.zeros(each.shape)) if isinstance(each, Tensor) else (np.full(each.shape, -1), each)
            for each in node.inputs
            if each is not None
        ]
        cells, shift = (np.concatenate(each, axis=axis) for each in zip(*parts, strict=True))
    except ValueError:
        shapes = [each.shape for each in node.inputs if each is not None]
        raise node.refuse(f"shapes {shapes} cannot be joined along axis {axis}") from None
    check_size(node, cells.size, tensor.size)
    matrix = (cells.ravel()[:, None] == np.arange(tensor.size)).astype(np.float64)
    return affine(node, tensor, cells.shape, matrix, shift)


def cut(node: Node) -> Lowered:
    """Slice: from starts to ends in steps, along some axes, all of them constants."""
    node.allow()
    tensor = node.tensor(0)
    starts, ends, steps = (integers(node, index) for index in (1, 2, 4))
    if starts is None or ends is None:
        raise node.refuse("starts and ends must be given as operands")
    axes = axes_of(node, integers(node, 3) or list(range(len(starts))), len(tensor.shape))
    steps = [1] * len(starts) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise node.refuse("starts, ends, axes and steps must be equally many, and no step zero")
    cells = cells_of(tensor)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        size = tensor.shape[axis]
        first, last = (place + (size if place < 0 else 0) for place in (start, end))
        if step > 0:
            places = range(min(max(first, 0), size), min(max(last, 0), size), step)
        else:
            places = range(min(max(first, 0), size - 1), min(max(last, -1), size - 1), step)
        cells = np.take(cells, list(places), axis=axis)
    return selected(node, (tensor.name,), cells)


def split(node: Node) -> Lowered:
    """Parts of a tensor along an axis, one an output: of the sizes given, or equal, the last one smaller if need be."""
    node.allow("axis", "split", "num_outputs")
    tensor, count = node.tensor(0), len(node.outputs)
    (axis,) = axes_of(node, [node.attributes.get("axis", 0)], len(tensor.shape))
    if "" in node.outputs or node.attributes.get("num_outputs", count) != count:
        raise node.refuse("some of its outputs are left out")
    size = tensor.shape[axis]
    sizes = node.attributes.get("split", integers(node, 1))
    if sizes is None:
        # Parts that are not all equal came with num_outputs.
        most = -(-size // count) if "num_outputs" in node.attributes or size % count == 0 else 0
        sizes = [*[most] * (count - 1), size - most * (count - 1)]
    if len(sizes) != count or min(sizes) < 1 or sum(sizes) != size:
        raise node.refuse(f"parts of sizes {list(sizes)} are not {count} that make up an axis of {size}")
    parts = np.split(cells_of(tensor), np.cumsum(sizes)[:-1], axis=axis)
    steps = (Selection(name, (tensor.name,), cells.ravel()) for name, cells in zip(node.outputs, parts, strict=True))
    return tuple(steps), *(Tensor(name, cells.shape) for name, cells in zip(node.outputs, parts, strict=True))


def gather(node: Node) -> Lowered:
    """The slices of a tensor at constant indices along an axis."""
    node.allow("axis")
    tensor, indices = node.tensor(0), node.constant(1)
    (axis,) = axes_of(node, [node.attributes.get("axis", 0)], len(tensor.shape))
    size = tensor.shape[axis]
    if indices is None or not ((indices >= -size) & (indices < size) & (indices == np.floor(indices))).all():
        raise node.refuse(f"the indices must be constant, and lie in an axis of {size}")
    check_size(node, tensor.size // size, indices.size)
    return selected(node, (tensor.name,), np.take(cells_of(tensor), indices.astype(np.intp), axis=axis))


def squeeze(node: Node) -> Lowered:
    """Without some axes of size one, or without all of them."""
    node.allow("axes")
    tensor = node.tensor(0)
    given = given_axes(node, len(tensor.shape))
    if given == []:
        raise node.refuse("an empty list of axes is not supported")
    axes = [axis for axis, size in enumerate(tensor.shape) if size == 1] if given is None else given
    if any(tensor.shape[axis] != 1 for axis in axes):
        raise node.refuse(f"axes {axes} of the shape {tensor.shape} are not all of size 1")
    return (), Tensor(tensor.name, tuple(size for axis, size in enumerate(tensor.shape) if axis not in axes))


def unsqueeze(node: Node) -> Lowered:
    """With new axes of size one, counted in the result."""
    node.allow("axes")
    tensor, given = node.tensor(0), integers(node, 1) or node.attributes.get("axes", [])
    axes = axes_of(node, given, len(tensor.shape) + len(given))
    sizes = iter(tensor.shape)
    shape = tuple(1 if axis in axes else next(sizes) for axis in range(len(tensor.shape) + len(axes)))
    return (), Tensor(tensor.name, shape)


def cells_of(tensor: Tensor) -> Indices:
    """The flat index of each element, in the tensor's shape."""
    return np.arange(tensor.size).reshape(tensor.shape)


def selected(node: Node, names: tuple[str, ...], cells: Indices) -> Lowered:
    """The step that reads these cells of the tensors of these names, one after another, and has their shape."""
    if not cells.size:
        raise node.refuse("nothing is left")
    return (Selection(node.output, names, cells.ravel()),), Tensor(node.output, cells.shape)


def integers(node: Node, index: int) -> list[int] | None:
    """A constant operand that lists integers, or None if omitted."""
    operand = node.constant(index)
    if operand is None:
        return None
    if operand.ndim > 1 or (operand != np.floor(operand)).any():
        raise node.refuse(f"input {index} must be a list of integers")
    return [int(number) for number in operand.ravel().tolist()]


def given_axes(node: Node, rank: int) -> list[int] | None:
    """The axes that an attribute or the second operand lists, counted from the front; None where there is no list."""
    given = node.attributes.get("axes", integers(node, 1))
    return None if given is None else axes_of(node, given, rank)


def axes_of(node: Node, given: Sequence[int], rank: int) -> list[int]:
    """Axes counted from either end, as counted from the front."""
    axes = [int(axis) + (rank if axis < 0 else 0) for axis in given]
    if len(set(axes)) != len(axes) or not all(0 <= axis < rank for axis in axes):
        raise node.refuse(f"axes {list(given)} are not different axes of a shape of {rank}")
    return axes
