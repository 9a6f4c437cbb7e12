"""What each ONNX operator means: one table from operator to steps (ONNX operator specification, opset 13).

An entry gets the node, its inputs (constants, or tensors of the network) and the output's name, and returns the
steps that compute it and the output's shape. A new operator is one function and one line in `OPERATORS`.
"""

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from soundbench.errors import InputError
from soundbench.graph import Activation, Affine, Array, Function, Graph, Step, Sum
from soundbench.node import Node, Tensor, constant_value, numbers, resolve, specification
from soundbench.window import Window

if TYPE_CHECKING:
    import onnx

LARGEST_MATRIX = 50_000_000


Lowered = tuple[tuple[Step, ...], Tensor]


def gemm(node: Node) -> Lowered:
    """Y = alpha * A @ B + beta * C, with A the network's tensor and B, C constants."""
    node.allow("alpha", "beta", "transA", "transB")
    tensor, weights = node.tensor(0), node.constant(1)
    if node.attributes.get("transA", 0) or len(tensor.shape) != 2 or tensor.shape[0] != 1:
        raise node.refuse("A must be a row of shape (1, n), not transposed")
    if weights is None or weights.ndim != 2:
        raise node.refuse("B must be a constant matrix")
    matrix = weights if node.attributes.get("transB", 0) else weights.T
    shape, shift = (1, matrix.shape[0]), node.constant(2)
    if shift is None:
        shift = np.zeros(1)
    if not broadcasts(shift, shape):
        raise node.refuse(f"C of shape {shift.shape} does not broadcast to {shape}")
    alpha, beta = float(node.attributes.get("alpha", 1.0)), float(node.attributes.get("beta", 1.0))
    inexact = not alpha == beta == 1.0
    return affine(node, tensor, shape, scale(node, alpha, matrix), scale(node, beta, shift), inexact=inexact)


def matmul(node: Node) -> Lowered:
    """Y = A @ B with one constant operand; the tensor is a matrix or a batch of rows."""
    node.allow()
    if isinstance(node.inputs[0], Tensor):
        tensor, weights = node.tensor(0), node.constant(1)
        if weights is None or weights.ndim != 2 or tensor.shape[-1:] != weights.shape[:1]:
            raise node.refuse("B must be a constant matrix that fits A")
        rows = math.prod(tensor.shape[:-1])
        check_size(node, rows * weights.shape[1], tensor.size)
        matrix = kron(np.eye(rows), weights.T)
        return affine(node, tensor, (*tensor.shape[:-1], weights.shape[1]), matrix, np.zeros(1))
    weights, tensor = node.constant(0), node.tensor(1)
    if weights is None or weights.ndim != 2 or len(tensor.shape) != 2 or weights.shape[1] != tensor.shape[0]:
        raise node.refuse("A must be a constant matrix and B a matrix that fits it")
    check_size(node, weights.shape[0] * tensor.shape[1], tensor.size)
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
        if not broadcasts(constant, tensor.shape):
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
    if tuple(node.attributes.get("kernel_shape", weights.shape[2:])) != weights.shape[2:]:
        raise node.refuse(f"kernel_shape is not that of the weights, {weights.shape[2:]}")
    group = int(node.attributes.get("group", 1))
    window = Window.of(node, tensor.shape, weights.shape[2:])
    out_channels, in_per_group = weights.shape[0], weights.shape[1]
    if in_per_group * group != tensor.shape[1] or out_channels % group:
        raise node.refuse(f"group {group} does not fit {tensor.shape[1]} channels")
    shift = node.constant(2)
    if shift is not None and shift.shape != (out_channels,):
        raise node.refuse(f"a bias of shape {shift.shape} does not fit {out_channels} channels")
    outputs, plane = window.outputs, tensor.shape[2] * tensor.shape[3]
    check_size(node, out_channels * outputs, tensor.size)
    positions = window.positions()
    matrix = np.zeros((out_channels, outputs, tensor.shape[1], plane + 1))
    for channel in range(out_channels):
        first = channel // (out_channels // group) * in_per_group
        for offset in range(in_per_group):
            taps = np.broadcast_to(weights[channel, offset].ravel(), positions.shape)
            np.put_along_axis(matrix[channel, :, first + offset, :], positions, taps, axis=1)
    flat = matrix[..., :plane].reshape(out_channels * outputs, tensor.size)
    bias = np.zeros(1) if shift is None else np.repeat(shift, outputs)
    return affine(node, tensor, (1, out_channels, *window.output_shape), flat, bias)


def average_pool(node: Node) -> Lowered:
    """Two-dimensional average pooling; padded cells count where `count_include_pad` says so."""
    node.allow("kernel_shape", "strides", "pads", "count_include_pad", "ceil_mode", "auto_pad", "dilations")
    tensor = node.tensor(0)
    if len(tensor.shape) != 4 or tensor.shape[0] != 1 or node.attributes.get("ceil_mode", 0):
        raise node.refuse("only two-dimensional pooling with batch size 1 and ceil_mode 0 is supported")
    window = Window.of(node, tensor.shape, tuple(node.attributes["kernel_shape"]))
    plane, channels = tensor.shape[2] * tensor.shape[3], tensor.shape[1]
    check_size(node, channels * window.outputs, tensor.size)
    check_size(node, window.outputs, window.taps)
    positions = window.positions()
    counted = np.full(window.outputs, window.taps)
    if not node.attributes.get("count_include_pad", 0):
        counted = (positions < plane).sum(axis=1)
    if (counted == 0).any():
        raise node.refuse("a window lies wholly in the padding")
    pool = np.zeros((window.outputs, plane + 1))
    np.put_along_axis(pool, positions, np.broadcast_to(1.0 / counted[:, None], positions.shape), axis=1)
    matrix = kron(np.eye(channels), pool[:, :plane])
    return affine(node, tensor, (1, channels, *window.output_shape), matrix, np.zeros(1), inexact=True)


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


def lower(model: "onnx.ModelProto", source: str) -> Graph:
    """Turn an ONNX model into steps; `source` names it in messages.

    Raises:
        InputError: the model has not exactly one input and one output of known shape, or a node reads nothing.
        UnsupportedOperator: a node has no exact meaning here.
    """
    checker = specification(model)
    values: dict[str, Tensor | Array] = {}
    for tensor in model.graph.initializer:
        if tensor.name in values:
            raise InputError(f"{source}: two initializers are named {tensor.name!r}; export it again")
        values[tensor.name] = numbers(tensor, f"{source}: initializer {tensor.name!r}")
    inputs = [value for value in model.graph.input if value.name not in values]
    if len(inputs) != 1 or len(model.graph.output) != 1:
        raise InputError(f"{source}: a network needs exactly one input and one output")
    shape = input_shape(inputs[0], source)
    name = inputs[0].name
    values[name] = Tensor(name, shape)
    steps: list[Step] = []
    sizes = {name: math.prod(shape)}
    for proto in model.graph.node:
        node = resolve(proto, {"Constant", *OPERATORS}, values, checker, source)
        if proto.op_type == "Constant":
            values[node.output] = constant_value(node)
            continue
        new_steps, result = OPERATORS[proto.op_type](node)
        steps.extend(new_steps)
        sizes |= {step.output: result.size for step in new_steps}
        values[node.output] = result
    output = values.get(model.graph.output[0].name)
    if not isinstance(output, Tensor):
        raise InputError(f"{source}: output {model.graph.output[0].name!r} is computed by no node")
    return Graph(name, output.name, shape, sizes, tuple(steps))


def input_shape(value: "onnx.ValueInfoProto", source: str) -> tuple[int, ...]:
    """The shape of the network's input; a symbolic or missing leading size is the batch, taken as 1."""
    dimensions = value.type.tensor_type.shape.dim
    shape = [1 if axis == 0 and size.dim_value == 0 else int(size.dim_value) for axis, size in enumerate(dimensions)]
    if not shape or min(shape) < 1:
        raise InputError(f"{source}: input {value.name!r} has no fixed shape; export it with static sizes")
    if math.prod(shape) > LARGEST_MATRIX:
        raise InputError(f"{source}: input {value.name!r} is too large, of more than {LARGEST_MATRIX} numbers")
    return tuple(shape)
