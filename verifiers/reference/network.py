"""What a network is here: a list of nodes over flat vectors, every linear operator lowered to a matrix.

Tensor 0 is the input and tensor i + 1 is what node i produces, flattened row-major; the batch is one point.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


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
class Relu:
    """max(x, 0)."""

    source: int


@dataclass(frozen=True, slots=True)
class Tanh:
    """tanh(x)."""

    source: int


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """1 / (1 + exp(-x))."""

    source: int


Activation = Relu | Tanh | Sigmoid
Node = Dense | Scale | Sum | Activation


@dataclass(frozen=True, slots=True)
class Network:
    """Nodes in an order in which each follows its sources; `output` is the tensor that the property speaks of."""

    input_size: int
    output_size: int
    nodes: tuple[Node, ...]
    output: int


def dense(source: int, weight: Array, bias: Array) -> Dense:
    """The dense node of these values (NaN and infinite ones are kept: bounding refuses them)."""
    weight = np.ascontiguousarray(weight)
    return Dense(source, weight, bias, np.abs(weight))
