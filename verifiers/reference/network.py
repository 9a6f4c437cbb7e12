"""What a network is here: a list of nodes over flat vectors, every linear operator lowered to a matrix.

Tensor 0 is the input and tensor i + 1 is what node i produces, flattened row-major; the batch is one point.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Dense:
    """weight @ x + bias: weight (outputs, inputs), bias (outputs,), absolute_weight = |weight|."""

    source: int
    weight: Array
    bias: Array
    absolute_weight: Array


@dataclass(frozen=True, slots=True)
class Scale:
    """factor * x + bias, element by element: factor and bias (size,)."""

    source: int
    factor: Array
    bias: Array


@dataclass(frozen=True, slots=True)
class Sum:
    """The sum of two tensors of one size."""

    left: int
    right: int


@dataclass(frozen=True, slots=True)
class Select:
    """Cells of the sources, which lie one after another: cell order[i] of them, order (size,)."""

    sources: tuple[int, ...]
    order: Indices


@dataclass(frozen=True, slots=True)
class Maximum:
    """The largest of each group of cells: groups (size, members), in which a cell may stand twice."""

    source: int
    groups: Indices


@dataclass(frozen=True, slots=True)
class Product:
    """Matrices times matrices, one by one: shape (matrices, rows, inner, columns)."""

    left: int
    right: int
    shape: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Relu:
    """max(x, 0)."""

    source: int


@dataclass(frozen=True, slots=True)
class LeakyRelu:
    """slope * x below zero, x above; with slope -1 it is |x|."""

    source: int
    slope: float


@dataclass(frozen=True, slots=True)
class Sign:
    """-1, 0 or 1."""

    source: int


@dataclass(frozen=True, slots=True)
class Exp:
    """exp(x)."""

    source: int


@dataclass(frozen=True, slots=True)
class Square:
    """x * x."""

    source: int


@dataclass(frozen=True, slots=True)
class Reciprocal:
    """1 / x, of positive numbers only: no bounds are given where others are possible."""

    source: int


@dataclass(frozen=True, slots=True)
class Tanh:
    """tanh(x)."""

    source: int


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """1 / (1 + exp(-x))."""

    source: int


Activation = Relu | LeakyRelu | Sign | Exp | Square | Reciprocal | Tanh | Sigmoid
Node = Dense | Scale | Sum | Select | Maximum | Product | Activation


@dataclass(frozen=True, slots=True)
class Network:
    """Nodes in an order in which each follows its sources; `output` is the tensor that the property speaks of.

    `input_shape` is that of the input before it is flattened, where it is known.
    """

    input_size: int
    output_size: int
    nodes: tuple[Node, ...]
    output: int
    input_shape: tuple[int, ...] = ()


def dense(source: int, weight: Array, bias: Array) -> Dense:
    """The dense node of these values (NaN and infinite ones are kept: bounding refuses them)."""
    weight = np.ascontiguousarray(weight)
    return Dense(source, weight, bias, np.abs(weight))
