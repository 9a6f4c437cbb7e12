"""What each ONNX operator means: one table from operator to steps (ONNX operator specification, opset 13).

An entry gets the node, its inputs (constants, or tensors of the network) and the output's name, and returns the
steps that compute it and the output's shape. A new operator is one function and one line in `OPERATORS`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from soundbench.errors import InputError
from soundbench.graph import Activation, Affine, Array, Function, Graph, Indices, Step, Sum, UnsupportedOperator

if TYPE_CHECKING:
    import onnx

LARGEST_MATRIX = 50_000_000


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of the network: the name of the step output that holds it, and its shape."""

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Node:
    """An ONNX node with its inputs resolved; an omitted optional input is None."""

    operator: str
    label: str
    output: str
    inputs: tuple[Tensor | Array | None, ...]
    attributes: Mapping[str, Any]

    def refuse(self, reason: str) -> UnsupportedOperator:
        """The error that says what this node asks for that we do not support."""
        return UnsupportedOperator(f"{self.label}: {reason}")

    def tensor(self, index: int) -> Tensor:
        """Input `index`, which must be a tensor of the network."""
        value = self.inputs[index]
        if not isinstance(value, Tensor):
            raise self.refuse(f"input {index} is a constant, which is not supported here")
        return value

    def constant(self, index: int) -> Array | None:
        """Input `index` as float64 numbers, or None if omitted; it must not depend on the network's input."""
        value = self.inputs[index] if index < len(self.inputs) else None
        if isinstance(value, Tensor):
            raise self.refuse(f"input {index} is not a constant, which is not supported here")
        return value

    def allow(self, *names: str) -> None:
        """Refuse attributes other than these, rather than ignore what they ask for."""
        for name in self.attributes:
            if name not in names:
                raise self.refuse(f"attribute {name} is not supported")


Lowered = tuple[tuple[Step, ...], Tensor]


def gemm(node: Node) -> Lowered:
    """Y = alpha * A @ B + beta * C, with A the network's tensor and B, C constants."""
    node.allow("alpha", "beta", "transA", "transB")
    tensor, weights = node.tensor(0), node.constant(1)
    if node.attributes.get("transA", 0) or len(tensor.shape) != 2 or tensor.shape[0] != 1:
        raise node.refuse("A must be a row of shape (1, n), not transposed")
    if weights is None:
        raise node.refuse("B is missing")
    matrix = weights if node.attributes.get("transB", 0) else weights.T
    shift = node.constant(2)
    bias = np.zeros(1) if shift is None else shift
    alpha, beta = float(node.attributes.get("alpha", 1.0)), float(node.attributes.get("beta", 1.0))
    return affine(node, tensor, (1, matrix.shape[0]), alpha * matrix, beta * bias, inexact=not alpha == beta == 1.0)


def matmul(node: Node) -> Lowered:
    """Y = A @ B with one constant operand; the tensor is a matrix or a batch of rows."""
    node.allow()
    if isinstance(node.inputs[0], Tensor):
        tensor, weights = node.tensor(0), node.constant(1)
        if weights is None or weights.ndim != 2 or tensor.shape[-1] != weights.shape[0]:
            raise node.refuse("B must be a constant matrix that fits A")
        rows = math.prod(tensor.shape[:-1])
        matrix = kron(np.eye(rows), weights.T)
        return affine(node, tensor, (*tensor.shape[:-1], weights.shape[1]), matrix, np.zeros(1))
    weights, tensor = node.constant(0), node.tensor(1)
    if weights is None or weights.ndim != 2 or len(tensor.shape) != 2 or weights.shape[1] != tensor.shape[0]:
        raise node.refuse("A must be a constant matrix and B a matrix that fits it")
    matrix = kron(weights, np.eye(tensor.shape[1]))
    return affine(node, tensor, (weights.shape[0], tensor.shape[1]), matrix, np.zeros(1))


def add(node: Node) -> Lowered:
    """Y = A + B: two tensors of one shape, or a tensor and a constant that broadcasts to its shape."""
    node.allow()
    first, second = node.inputs[0], node.inputs[1]
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        if first.shape != second.shape:
            raise node.refuse(f"adding shapes {first.shape} and {second.shape} is not supported")
        shape, names = first.shape, [first.name, second.name]
        shift = np.zeros(first.size)
    else:
        tensor, constant = (first, second) if isinstance(first, Tensor) else (second, first)
        if not isinstance(tensor, Tensor) or constant is None or isinstance(constant, Tensor):
            raise node.refuse("one operand must be a tensor of the network")
        if np.broadcast_shapes(tensor.shape, constant.shape) != tensor.shape:
            raise node.refuse(f"the constant of shape {constant.shape} would enlarge {tensor.shape}")
        shape, names = tensor.shape, [tensor.name]
        shift = np.broadcast_to(constant, shape).ravel()
    return (Sum(node.output, tuple(names), shift),), Tensor(node.output, shape)


def conv(node: Node) -> Lowered:
    """Two-dimensional convolution with strides, pads, dilations and groups."""
    node.allow("kernel_shape", "strides", "pads", "dilations", "group", "auto_pad")
    tensor, weights = node.tensor(0), node.constant(1)
    if weights is None or weights.ndim != 4 or len(tensor.shape) != 4 or tensor.shape[0] != 1:
        raise node.refuse("only two-dimensional convolution with batch size 1 is supported")
    group = int(node.attributes.get("group", 1))
    window = Window.of(node, tensor.shape, weights.shape[2:])
    out_channels, in_per_group = weights.shape[0], weights.shape[1]
    if in_per_group * group != tensor.shape[1] or out_channels % group:
        raise node.refuse(f"group {group} does not fit {tensor.shape[1]} channels")
    positions = window.positions()
    outputs, plane = positions.shape[0], tensor.shape[2] * tensor.shape[3]
    check_size(node, out_channels * outputs, tensor.size)
    matrix = np.zeros((out_channels, outputs, tensor.shape[1], plane + 1))
    for channel in range(out_channels):
        first = channel // (out_channels // group) * in_per_group
        for offset in range(in_per_group):
            taps = np.broadcast_to(weights[channel, offset].ravel(), positions.shape)
            np.put_along_axis(matrix[channel, :, first + offset, :], positions, taps, axis=1)
    flat = matrix[..., :plane].reshape(out_channels * outputs, tensor.size)
    shift = node.constant(2)
    bias = np.zeros(1) if shift is None else np.repeat(shift, outputs)
    return affine(node, tensor, (1, out_channels, *window.output_shape), flat, bias)


def average_pool(node: Node) -> Lowered:
    """Two-dimensional average pooling; padded cells count where `count_include_pad` says so."""
    node.allow("kernel_shape", "strides", "pads", "count_include_pad", "ceil_mode", "auto_pad", "dilations")
    tensor = node.tensor(0)
    if len(tensor.shape) != 4 or tensor.shape[0] != 1 or node.attributes.get("ceil_mode", 0):
        raise node.refuse("only two-dimensional pooling with batch size 1 and ceil_mode 0 is supported")
    window = Window.of(node, tensor.shape, tuple(node.attributes["kernel_shape"]))
    positions = window.positions()
    plane, channels = tensor.shape[2] * tensor.shape[3], tensor.shape[1]
    counted = np.full(len(positions), positions.shape[1])
    if not node.attributes.get("count_include_pad", 0):
        counted = (positions < plane).sum(axis=1)
    if (counted == 0).any():
        raise node.refuse("a window lies wholly in the padding")
    check_size(node, channels * len(positions), tensor.size)
    pool = np.zeros((len(positions), plane + 1))
    np.put_along_axis(pool, positions, np.broadcast_to(1.0 / counted[:, None], positions.shape), axis=1)
    matrix = kron(np.eye(channels), pool[:, :plane])
    return affine(node, tensor, (1, channels, *window.output_shape), matrix, np.zeros(1), inexact=True)


@dataclass(frozen=True, slots=True)
class Window:
    """A sliding window over the last two axes of an image."""

    image: tuple[int, int]
    kernel: tuple[int, int]
    strides: tuple[int, int]
    pads: tuple[int, int, int, int]
    dilations: tuple[int, int]

    @classmethod
    def of(cls, node: Node, shape: Sequence[int], kernel: Sequence[int]) -> "Window":
        """The window that a node's attributes describe."""
        if node.attributes.get("auto_pad", "NOTSET") != "NOTSET":
            raise node.refuse("auto_pad other than NOTSET is not supported")
        if len(kernel) != 2:
            raise node.refuse("only two-dimensional windows are supported")
        strides = tuple(node.attributes.get("strides", (1, 1)))
        pads = tuple(node.attributes.get("pads", (0, 0, 0, 0)))
        dilations = tuple(node.attributes.get("dilations", (1, 1)))
        if len(strides) != 2 or len(pads) != 4 or len(dilations) != 2:
            raise node.refuse("strides, pads or dilations of other than two dimensions")
        return cls((shape[2], shape[3]), (kernel[0], kernel[1]), strides, pads, dilations)

    @property
    def output_shape(self) -> tuple[int, int]:
        """Rows and columns of the output."""
        rows, columns = (
            (self.image[axis] + self.pads[axis] + self.pads[axis + 2] - self.reach(axis)) // self.strides[axis] + 1
            for axis in (0, 1)
        )
        return rows, columns

    def reach(self, axis: int) -> int:
        """How many cells the dilated kernel spans."""
        return self.dilations[axis] * (self.kernel[axis] - 1) + 1

    def positions(self) -> Indices:
        """For each output cell, the flat index of the cell under each kernel tap.

        Shape (outputs, taps); the number of cells of the image stands for 'in the padding'.
        """
        axes = []
        for axis in (0, 1):
            starts = np.arange(self.output_shape[axis]) * self.strides[axis] - self.pads[axis]
            axes.append(starts[:, None] + np.arange(self.kernel[axis]) * self.dilations[axis])
        rows = axes[0][:, None, :, None]
        columns = axes[1][None, :, None, :]
        inside = (rows >= 0) & (rows < self.image[0]) & (columns >= 0) & (columns < self.image[1])
        flat = np.where(inside, rows * self.image[1] + columns, self.image[0] * self.image[1])
        return flat.reshape(math.prod(self.output_shape), math.prod(self.kernel))


def flatten(node: Node) -> Lowered:
    """Flatten to a matrix; flat tensors need no work."""
    node.allow("axis")
    tensor = node.tensor(0)
    axis = int(node.attributes.get("axis", 1)) % (len(tensor.shape) + 1)
    return (), Tensor(tensor.name, (math.prod(tensor.shape[:axis]), math.prod(tensor.shape[axis:])))


def reshape(node: Node) -> Lowered:
    """Reshape to a constant shape, in which 0 copies a size and -1 is inferred."""
    node.allow("allowzero")
    tensor, target = node.tensor(0), node.constant(1)
    if target is None or node.attributes.get("allowzero", 0):
        raise node.refuse("only a constant shape with allowzero 0 is supported")
    shape = [tensor.shape[axis] if size == 0 else int(size) for axis, size in enumerate(target.tolist())]
    known = math.prod(size for size in shape if size != -1)
    if shape.count(-1) > 1 or known == 0 or tensor.size % known:
        raise node.refuse(f"shape {shape} does not fit {tensor.shape}")
    filled = tuple(tensor.size // known if size == -1 else size for size in shape)
    if math.prod(filled) != tensor.size:
        raise node.refuse(f"shape {shape} does not fit {tensor.shape}")
    return (), Tensor(tensor.name, filled)


def identity(node: Node) -> Lowered:
    """The tensor itself."""
    node.allow()
    return (), node.tensor(0)


def activation(function: Function) -> Callable[[Node], Lowered]:
    """The operator that applies `function` to every element."""

    def lower_activation(node: Node) -> Lowered:
        node.allow()
        tensor = node.tensor(0)
        return (Activation(node.output, tensor.name, function),), Tensor(node.output, tensor.shape)

    return lower_activation


OPERATORS: Mapping[str, Callable[[Node], Lowered]] = {
    "Add": add,
    "AveragePool": average_pool,
    "Conv": conv,
    "Flatten": flatten,
    "Gemm": gemm,
    "Identity": identity,
    "MatMul": matmul,
    "Relu": activation(Function.RELU),
    "Reshape": reshape,
    "Sigmoid": activation(Function.SIGMOID),
    "Tanh": activation(Function.TANH),
}


def kron(first: Array, second: Array) -> Array:
    """The Kronecker product, as float64."""
    return np.kron(first, second).astype(np.float64)


def check_size(node: Node, rows: int, columns: int) -> None:
    """Refuse a matrix that would not fit in memory."""
    if rows * columns > LARGEST_MATRIX:
        raise node.refuse(f"its matrix would have {rows} x {columns} entries, more than {LARGEST_MATRIX}")


def affine(
    node: Node, tensor: Tensor, shape: tuple[int, ...], matrix: Array, bias: Array, *, inexact: bool = False
) -> Lowered:
    """One affine step; `inexact` says that every number is a float64 rounding of the exact one."""
    if matrix.shape != (math.prod(shape), tensor.size):
        raise node.refuse(f"weights of shape {matrix.shape} do not fit an input of shape {tensor.shape}")
    terms = np.count_nonzero(matrix, axis=1).astype(np.int64) + 1
    shift = np.broadcast_to(bias.ravel(), (matrix.shape[0],))
    step = Affine(node.output, tensor.name, matrix, shift, terms)
    if inexact:
        # An entry is one rounded operation on float32 numbers: off by at most half a unit in the last place.
        radii = np.spacing(np.abs(matrix)) * (matrix != 0), np.spacing(np.abs(shift)) * (shift != 0)
        step = Affine(node.output, tensor.name, matrix, shift, terms, *radii)
    return (step,), Tensor(node.output, shape)


def lower(model: "onnx.ModelProto", source: str) -> Graph:
    """Turn an ONNX model into steps; `source` names it in messages.

    Raises:
        InputError: the model has not exactly one input and one output of known shape, or a node reads nothing.
        UnsupportedOperator: a node has no exact meaning here.
    """
    import onnx.numpy_helper

    values: dict[str, Tensor | Array] = {
        tensor.name: onnx.numpy_helper.to_array(tensor).astype(np.float64) for tensor in model.graph.initializer
    }
    inputs = [value for value in model.graph.input if value.name not in values]
    if len(inputs) != 1 or len(model.graph.output) != 1:
        raise InputError(f"{source}: a network needs exactly one input and one output")
    shape = input_shape(inputs[0], source)
    name = inputs[0].name
    values[name] = Tensor(name, shape)
    steps: list[Step] = []
    sizes = {name: math.prod(shape)}
    for proto in model.graph.node:
        node = resolve(proto, values, source)
        if proto.op_type == "Constant":
            values[node.output] = constant_value(node)
            continue
        if proto.op_type not in OPERATORS or proto.domain not in ("", "ai.onnx"):
            raise node.refuse(f"the operator is not supported (known: {', '.join(OPERATORS)})")
        new_steps, tensor = OPERATORS[proto.op_type](node)
        steps.extend(new_steps)
        sizes |= {step.output: tensor.size for step in new_steps}
        values[node.output] = tensor
    output = values.get(model.graph.output[0].name)
    if not isinstance(output, Tensor):
        raise InputError(f"{source}: output {model.graph.output[0].name} is computed by no node")
    return Graph(name, output.name, shape, sizes, tuple(steps))


def input_shape(value: "onnx.ValueInfoProto", source: str) -> tuple[int, ...]:
    """The shape of the network's input; a symbolic or missing leading size is the batch, taken as 1."""
    dimensions = value.type.tensor_type.shape.dim
    shape = [1 if axis == 0 and size.dim_value == 0 else int(size.dim_value) for axis, size in enumerate(dimensions)]
    if not shape or min(shape) < 1:
        raise InputError(f"{source}: input {value.name} has no fixed shape; export it with static sizes")
    return tuple(shape)


def resolve(proto: "onnx.NodeProto", values: Mapping[str, Tensor | Array], source: str) -> Node:
    """A node with its attributes decoded and its inputs looked up."""
    import onnx.helper

    label = f"{source}: node {proto.name or proto.output[0]!r} ({proto.op_type})"
    for name in proto.input:
        if name and name not in values:
            raise InputError(f"{label}: reads {name!r}, which no earlier node computes")
    attributes = {item.name: onnx.helper.get_attribute_value(item) for item in proto.attribute}
    decoded = {name: item.decode() if isinstance(item, bytes) else item for name, item in attributes.items()}
    inputs = tuple(values[name] if name else None for name in proto.input)
    return Node(proto.op_type, label, proto.output[0], inputs, decoded)


def constant_value(node: Node) -> Array:
    """The tensor that a Constant node holds, as float64."""
    import onnx.numpy_helper

    if "value" not in node.attributes:
        raise node.refuse("only the attribute 'value' is supported")
    return onnx.numpy_helper.to_array(node.attributes["value"]).astype(np.float64)
