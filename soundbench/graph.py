"""How a network is read: an ONNX file becomes a short list of steps over flat tensors.

Every linear operator becomes one dense matrix, so whoever evaluates, attacks or bounds a network needs to know
a few kinds of step only. Matrices hold exact real numbers as midpoint and radius in float64; the radius is zero
except where ONNX asks for a number that float64 cannot hold (one ninth in an average).
"""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from soundbench.errors import InputError
from soundbench.packed import LARGEST_NETWORK, read_unpacked
from soundbench.static_network import check_static

if TYPE_CHECKING:
    import onnx

Array = NDArray[np.float64]
Indices = NDArray[np.intp]


class UnsupportedOperator(InputError):
    """The network has an operator, or an attribute of one, that we have no exact meaning for."""


class Function(StrEnum):
    """The activation functions."""

    RELU = "relu"
    SIGMOID = "sigmoid"
    TANH = "tanh"


class Elementary(StrEnum):
    """Other functions of one number."""

    EXP = "exp"
    SIGN = "sign"
    SQUARE = "square"


@dataclass(frozen=True, slots=True)
class Pieces:
    """A continuous function of straight pieces, which meet at `knots` (ascending): `pieces` has one more of them.

    A piece (slope, constant) is slope * x + constant, and one of the two is zero: a slope of 0, 1 or -1 rounds nothing.
    """

    knots: tuple[float, ...]
    pieces: tuple[tuple[float, float], ...]

    def ranges(self) -> Iterator[tuple[float, float, float, float]]:
        """Each piece from left to right: the ends of its range, its slope, its constant."""
        ends = itertools.pairwise((-math.inf, *self.knots, math.inf))
        for (left, right), (slope, constant) in zip(ends, self.pieces, strict=True):
            yield left, right, slope, constant


ABS = Pieces((0.0,), ((-1.0, 0.0), (1.0, 0.0)))
NEG = Pieces((), ((-1.0, 0.0),))

Elementwise = Function | Elementary | Pieces


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """output = matrix @ input + bias.

    `matrix` has shape (size of output, size of input), `bias` (size of output,); `matrix_radius` and
    `bias_radius` (same shapes, or None for zero) bound how far the exact real numbers lie from the float64 ones.
    `terms` (size of output,) counts the roundings behind each output as the ONNX operator computes it;
    `bias_parts` (size of output,) adds up the magnitudes that the operator computes the bias from, if it does.
    """

    output: str
    input: str
    matrix: Array
    bias: Array
    terms: NDArray[np.int64]
    matrix_radius: Array | None = None
    bias_radius: Array | None = None
    bias_parts: Array | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Sum:
    """output = sum of the inputs + bias; `bias` has shape (size of output,)."""

    output: str
    inputs: tuple[str, ...]
    bias: Array


@dataclass(frozen=True, slots=True, eq=False)
class Activation:
    """output = function(input), neuron by neuron."""

    output: str
    input: str
    function: Elementwise


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """output[i] = joined[order[i]], joined being the inputs one after another; `order` has shape (size of output,)."""

    output: str
    inputs: tuple[str, ...]
    order: Indices


@dataclass(frozen=True, slots=True, eq=False)
class Maximum:
    """output[i] = the largest of input[groups[i]]; `groups` has shape (size of output, members), some of them equal."""

    output: str
    input: str
    groups: Indices


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """output = left @ right, matrix by matrix; `shape` is (matrices, rows, inner size, columns)."""

    output: str
    left: str
    right: str
    shape: tuple[int, int, int, int]

    @property
    def left_shape(self) -> tuple[int, int, int]:
        """Matrices, rows and columns of the left operand."""
        return self.shape[:3]

    @property
    def right_shape(self) -> tuple[int, int, int]:
        """Matrices, rows and columns of the right operand."""
        return self.shape[0], self.shape[2], self.shape[3]


@dataclass(frozen=True, slots=True, eq=False)
class Softmax:
    """output = exp(input) divided by its sum, over each run of `length` elements."""

    output: str
    input: str
    length: int


Step = Affine | Sum | Activation | Selection | Maximum | Product | Softmax


def inputs_of(step: Step) -> tuple[str, ...]:
    """The tensors that a step reads."""
    match step:
        case Sum() | Selection():
            return step.inputs
        case Product():
            return step.left, step.right
        case _:
            return (step.input,)


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """A network with one input and one output, in an order in which it can be evaluated.

    `sizes` gives the number of elements of every tensor that a step reads or writes; tensors are flat in
    row-major order. `output` is the name of the tensor that holds the network's output.
    """

    input: str
    output: str
    input_shape: tuple[int, ...]
    sizes: Mapping[str, int]
    steps: tuple[Step, ...]

    @property
    def input_count(self) -> int:
        """The number of inputs."""
        return self.sizes[self.input]

    @property
    def output_count(self) -> int:
        """The number of outputs."""
        return self.sizes[self.output]

    def up_to(self, tensor: str) -> "Graph":
        """The part of the network that computes a tensor, which becomes its output."""
        names = [step.output for step in self.steps]
        last = names.index(tensor) + 1 if tensor in names else 0
        return Graph(self.input, tensor, self.input_shape, self.sizes, self.steps[:last])


def load_onnx(path: Path) -> "onnx.ModelProto":
    """Read an ONNX file, gzipped or not, with its weights inside.

    Raises:
        InputError: the file is missing, truncated, too large, or not ONNX, or `check_static` refuses it.
    """
    import onnx
    from google.protobuf.message import DecodeError

    if not path.exists():
        raise InputError(f"{path}: no such file; check the path")
    try:
        model: onnx.ModelProto = onnx.ModelProto.FromString(read_unpacked(path, LARGEST_NETWORK))
    except DecodeError as error:
        raise InputError(f"{path}: not a readable ONNX file ({error}); fetch or export it again") from None
    if not model.graph.node:
        raise InputError(f"{path}: not a readable ONNX file (no nodes in it); fetch or export it again")
    check_static(model, str(path))
    return model


def read_graph(path: Path) -> Graph:
    """Read an ONNX file into a `Graph`.

    Raises:
        InputError: the file cannot be read, or has not exactly one input and one output.
        UnsupportedOperator: a node has no exact meaning here; the message names it.
    """
    from soundbench.operators import lower

    return lower(load_onnx(path), source=str(path))


def evaluate_float64(graph: Graph, points: Array) -> dict[str, Array]:
    """Every tensor's values in float64 for a batch of points, shape (points, inputs) -> (points, size)."""
    values = {graph.input: np.asarray(points, dtype=np.float64)}
    for step in graph.steps:
        match step:
            case Affine():
                values[step.output] = values[step.input] @ step.matrix.T + step.bias
            case Sum():
                values[step.output] = sum((values[name] for name in step.inputs), start=step.bias)
            case Activation():
                values[step.output] = apply_float64(step.function, values[step.input])
            case Selection():
                values[step.output] = np.hstack([values[name] for name in step.inputs])[:, step.order]
            case Maximum():
                values[step.output] = values[step.input][:, step.groups].max(axis=2)
            case Product():
                values[step.output] = product_float64(step, values[step.left], values[step.right])
            case Softmax():
                values[step.output] = softmax_float64(step.length, values[step.input])
    return values


def product_float64(step: Product, left: Array, right: Array) -> Array:
    """Products of matrices in float64, (points, size) each -> (points, size of output)."""
    product = left.reshape(-1, *step.left_shape) @ right.reshape(-1, *step.right_shape)
    return product.reshape(len(left), -1)


def softmax_float64(length: int, values: Array) -> Array:
    """Softmax in float64 over each run of `length` elements, any shape."""
    runs = values.reshape(-1, length)
    powers = np.exp(runs - runs.max(axis=1, keepdims=True))
    shares: Array = powers / powers.sum(axis=1, keepdims=True)
    return shares.reshape(values.shape)


def apply_float64(function: Elementwise, values: Array) -> Array:
    """A function of one number in float64, any shape."""
    match function:
        case Function.RELU:
            return np.maximum(values, 0.0)
        case Function.TANH:
            return np.tanh(values)
        case Function.SIGMOID:
            return 0.5 * (1.0 + np.tanh(0.5 * values))
        case Elementary.EXP:
            with np.errstate(over="ignore"):
                return np.exp(values)
        case Elementary.SIGN:
            return np.sign(values)
        case Elementary.SQUARE:
            return values * values
        case Pieces():
            return pieces_float64(function, values)


def pieces_float64(function: Pieces, values: Array) -> Array:
    """A function of straight pieces in float64, any shape; at a knot it is either piece's value."""
    found = np.full_like(values, np.nan)
    for left, _, slope, constant in function.ranges():
        # Not slope * value + constant, which is not a number where the value is infinite and the slope zero.
        found = np.where(values >= left, slope * values if slope else constant, found)
    return found
