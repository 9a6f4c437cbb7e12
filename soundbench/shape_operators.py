"""What the ONNX operators mean that only move numbers: they keep every value, and most need no step at all."""

import math

import numpy as np

from soundbench.affine import Lowered
from soundbench.graph import Permutation
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
    order = np.arange(tensor.size).reshape(tensor.shape).transpose(axes)
    return (Permutation(node.output, tensor.name, order.ravel()),), Tensor(node.output, order.shape)


def identity(node: Node) -> Lowered:
    """The tensor itself."""
    node.allow()
    return (), node.tensor(0)
