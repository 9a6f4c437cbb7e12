"""What each ONNX operator means: one table from operator to steps (ONNX operator specification, opset 13).

An entry gets the node, its inputs (constants, or tensors of the network) and the output's name, and returns the
steps that compute it and the output's shape. A new operator is one function and one line in `OPERATORS`.
"""

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from soundbench.affine import LARGEST_MATRIX, Lowered, affine, broadcasts, check_size, kron, scale
from soundbench.elementwise_operators import add, batch_normalization, div, mul, sub
from soundbench.errors import InputError
from soundbench.graph import Activation, Array, Function, Graph, Product, Softmax, Step
from soundbench.node import Node, Tensor, constant_value, numbers, resolve, specification
from soundbench.shape_operators import flatten, identity, reshape, transpose
from soundbench.window import Window

if TYPE_CHECKING:
    import onnx


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
    """Y = A @ B: of two tensors, or with a constant matrix; the tensor is then a matrix or a batch of rows."""
    node.allow()
    if all(isinstance(operand, Tensor) for operand in node.inputs):
        return product(node, node.tensor(0), node.tensor(1))
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


def product(node: Node, left: Tensor, right: Tensor) -> Lowered:
    """Matrices times matrices, one by one over equal leading axes."""
    fits = len(left.shape) == len(right.shape) > 1 and left.shape[-1] == right.shape[-2]
    if not fits or left.shape[:-2] != right.shape[:-2]:
        raise node.refuse(f"matrices of shapes {left.shape} and {right.shape} cannot be multiplied one by one")
    *batch, rows, inner = left.shape
    columns = right.shape[-1]
    matrices = math.prod(batch)
    check_size(node, matrices * rows * columns, inner)
    step = Product(node.output, left.name, right.name, (matrices, rows, inner, columns))
    return (step,), Tensor(node.output, (*batch, rows, columns))


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


def reduce_mean(node: Node) -> Lowered:
    """The average over some axes, all where none is given; they are an attribute, or an operand since opset 18."""
    node.allow("axes", "keepdims", "noop_with_empty_axes")
    tensor, rank = node.tensor(0), len(node.tensor(0).shape)
    operand = node.constant(1)
    given = node.attributes.get("axes", range(rank)) if operand is None else operand.ravel().tolist()
    axes = [int(axis) + (rank if axis < 0 else 0) for axis in given]
    if node.attributes.get("noop_with_empty_axes", 0) or not axes:
        raise node.refuse("an empty list of axes is not supported")
    if len(set(axes)) != len(axes) or not all(0 <= axis < rank for axis in axes):
        raise node.refuse(f"axes {list(given)} are not different axes of a shape of {rank}")
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(tensor.shape))
    outputs = math.prod(kept)
    check_size(node, outputs, tensor.size)
    cells = np.broadcast_to(np.arange(outputs).reshape(kept), tensor.shape).ravel()
    matrix = (np.arange(outputs)[:, None] == cells) / (tensor.size // outputs)
    shape = kept if node.attributes.get("keepdims", 1) else tuple(np.delete(kept, axes).tolist())
    return affine(node, tensor, shape, matrix, np.zeros(1), inexact=True)


def softmax(node: Node) -> Lowered:
    """Softmax over the last axis."""
    node.allow("axis")
    tensor = node.tensor(0)
    rank, axis = len(tensor.shape), node.attributes.get("axis")
    if axis is None and rank != 2:
        raise node.refuse("its axis must be given, since the default changed with opset 13")
    if axis not in (None, -1, rank - 1) or not rank:
        raise node.refuse("only the last axis is supported")
    return (Softmax(node.output, tensor.name, tensor.shape[-1]),), Tensor(node.output, tensor.shape)


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
    "BatchNormalization": batch_normalization,
    "Conv": conv,
    "Div": div,
    "Flatten": flatten,
    "Gemm": gemm,
    "Identity": identity,
    "MatMul": matmul,
    "Mul": mul,
    "ReduceMean": reduce_mean,
    "Relu": activation(Function.RELU),
    "Reshape": reshape,
    "Sigmoid": activation(Function.SIGMOID),
    "Softmax": softmax,
    "Sub": sub,
    "Tanh": activation(Function.TANH),
    "Transpose": transpose,
}


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
        constant = constant_value(node)
        if constant is not None:
            values[node.output] = constant
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
