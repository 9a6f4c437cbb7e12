"""How a linear ONNX operator becomes one affine step: its matrix, and how far that is from the exact one."""

import math

import numpy as np

from soundbench.graph import Affine, Array, Step
from soundbench.node import Node, Tensor

LARGEST_MATRIX = 50_000_000

# The steps, and the tensors that they make: one for each output of the node that is kept.
Lowered = tuple[tuple[Step, ...], *tuple[Tensor, ...]]


def affine(
    node: Node, tensor: Tensor, shape: tuple[int, ...], matrix: Array, bias: Array, *, inexact: bool = False
) -> Lowered:
    """One affine step; `inexact` says that every number is a float64 rounding of the exact one."""
    if matrix.shape != (math.prod(shape), tensor.size):
        raise node.refuse(f"weights of shape {matrix.shape} do not fit an input of shape {tensor.shape}")
    if not matrix.size:
        raise node.refuse("its matrix is empty")
    terms = np.count_nonzero(matrix, axis=1).astype(np.int64) + 1
    shift = np.broadcast_to(bias.ravel(), (matrix.shape[0],))
    step = Affine(node.output, tensor.name, matrix, shift, terms)
    if inexact:
        # An entry is one rounded operation on float32 numbers: off by at most half a unit in the last place.
        radii = np.spacing(np.abs(matrix)) * (matrix != 0), np.spacing(np.abs(shift)) * (shift != 0)
        step = Affine(node.output, tensor.name, matrix, shift, terms, *radii)
    return (step,), Tensor(node.output, shape)


def kron(first: Array, second: Array) -> Array:
    """The Kronecker product, as float64."""
    return np.kron(first, second).astype(np.float64)


def check_size(node: Node, rows: int, columns: int) -> None:
    """Refuse a matrix that would not fit in memory."""
    if rows * columns > LARGEST_MATRIX:
        raise node.refuse(f"its matrix would have {rows} x {columns} entries, more than {LARGEST_MATRIX}")


def broadcasts(constant: Array, shape: tuple[int, ...]) -> bool:
    """Whether a constant broadcasts to a shape without enlarging it."""
    own = (1,) * (len(shape) - constant.ndim) + constant.shape
    return len(own) == len(shape) and all(size in (1, wanted) for size, wanted in zip(own, shape, strict=True))


def scale(node: Node, factor: float, numbers: Array) -> Array:
    """The product, each number rounded once: refused where float64 overflows, or loses a number altogether."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        product = factor * numbers
    lost = (product == 0) & (numbers != 0) & (factor != 0)
    if lost.any() or not np.isfinite(product).all():
        raise node.refuse("alpha or beta makes a number too large or too small for float64")
    return product
