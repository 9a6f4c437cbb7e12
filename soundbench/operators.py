"""What each ONNX operator means: one table from operator to steps (ONNX operator specification, opset 13).

An entry gets the node, its inputs (constants, or tensors of the network) and the outputs' names, and returns the
steps that compute them and the outputs' shapes. A new operator is one function and one line in `OPERATORS`.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from soundbench.affine import LARGEST_MATRIX, Lowered, affine, broadcasts, check_size, kron, scale
from soundbench.convolution_operators import conv, conv_transpose
from soundbench.elementwise_operators import add, batch_normalization, div, mul, sub
from soundbench.errors import InputError
from soundbench.function_operators import activation, clip, leaky_relu, power, prelu
from soundbench.graph import (
    ABS,
    NEG,
    Affine,
    Array,
    Elementary,
    Function,
    Graph,
    Maximum,
    Product,
    Selection,
    Softmax,
    Step,
    UnsupportedOperator,
)
from soundbench.node import Node, Tensor, constant_value, numbers, resolve, specification
from soundbench.pool_operators import average_pool, max_pool
from soundbench.shape_operators import (
    concat,
    cut,
    flatten,
    gather,
    given_axes,
    identity,
    reshape,
    split,
    squeeze,
    transpose,
    unsqueeze,
)

if TYPE_CHECKING:
    import onnx

# Of all matrices of a network, each of which is allowed by itself: four gigabytes.
MOST_ENTRIES = 10 * LARGEST_MATRIX


def gemm(node: Node) -> Lowered:
    """Y = alpha * A' @ B' + beta * C, with A the network's tensor and B, C constants; ' transposes where asked."""
    node.allow("alpha", "beta", "transA", "transB")
    tensor, weights = node.tensor(0), node.constant(1)
    if len(tensor.shape) != 2 or weights is None or weights.ndim != 2:
        raise node.refuse("A must be a matrix, and B a constant matrix")
    matrix = weights if node.attributes.get("transB", 0) else weights.T
    transposed = bool(node.attributes.get("transA", 0))
    rows, inner = tensor.shape[::-1] if transposed else tensor.shape
    if matrix.shape[1] != inner:
        raise node.refuse(f"weights of shape {matrix.shape} do not fit an input of shape {tensor.shape}")
    shape, shift = (rows, matrix.shape[0]), node.constant(2)
    if shift is None:
        shift = np.zeros(1)
    if not broadcasts(shift, shape):
        raise node.refuse(f"C of shape {shift.shape} does not broadcast to {shape}")
    check_size(node, math.prod(shape), tensor.size)
    alpha, beta = float(node.attributes.get("alpha", 1.0)), float(node.attributes.get("beta", 1.0))
    inexact = not alpha == beta == 1.0
    whole = kron(np.eye(rows), scale(node, alpha, matrix))
    if transposed:
        whole = whole.reshape(-1, rows, inner).swapaxes(1, 2).reshape(-1, tensor.size)
    return affine(node, tensor, shape, whole, np.broadcast_to(scale(node, beta, shift), shape), inexact=inexact)


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


def reduce(node: Node, *, is_mean: bool) -> Lowered:
    """The sum or mean over some axes, all where none is given; they are an attribute, or an operand in later opsets."""
    node.allow("axes", "keepdims", "noop_with_empty_axes")
    tensor = node.tensor(0)
    axes = given_axes(node, len(tensor.shape))
    if node.attributes.get("noop_with_empty_axes", 0) or axes == []:
        raise node.refuse("an empty list of axes is not supported")
    axes = list(range(len(tensor.shape))) if axes is None else axes
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(tensor.shape))
    outputs = math.prod(kept)
    check_size(node, outputs, tensor.size)
    cells = np.broadcast_to(np.arange(outputs).reshape(kept), tensor.shape).ravel()
    matrix = (np.arange(outputs)[:, None] == cells) / (tensor.size // outputs if is_mean else 1)
    shape = kept if node.attributes.get("keepdims", 1) else tuple(np.delete(kept, axes).tolist())
    return affine(node, tensor, shape, matrix, np.zeros(1), inexact=is_mean)


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


OPERATORS: Mapping[str, Callable[[Node], Lowered]] = {
    "Abs": activation(ABS),
    "Add": add,
    "AveragePool": average_pool,
    "BatchNormalization": batch_normalization,
    "Clip": clip,
    "Concat": concat,
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "Div": div,
    "Exp": activation(Elementary.EXP),
    "Flatten": flatten,
    "Gather": gather,
    "Gemm": gemm,
    "Identity": identity,
    "LeakyRelu": leaky_relu,
    "MatMul": matmul,
    "MaxPool": max_pool,
    "Mul": mul,
    "Neg": activation(NEG),
    "PRelu": prelu,
    "Pow": power,
    "ReduceMean": partial(reduce, is_mean=True),
    "ReduceSum": partial(reduce, is_mean=False),
    "Relu": activation(Function.RELU),
    "Reshape": reshape,
    "Sigmoid": activation(Function.SIGMOID),
    "Sign": activation(Elementary.SIGN),
    "Slice": cut,
    "Softmax": softmax,
    "Split": split,
    "Squeeze": squeeze,
    "Sub": sub,
    "Tanh": activation(Function.TANH),
    "Transpose": transpose,
    "Unsqueeze": unsqueeze,
}


def lower(model: "onnx.ModelProto", source: str) -> Graph:
    """Turn an ONNX model into steps; `source` names it in messages.

    Raises:
        InputError: the model has not exactly one input and one output of known shape, or a node reads nothing.
        UnsupportedOperator: a node has no exact meaning here, or none of its operator set has.
    """
    checker = specification(model, source)
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
    entries = 0
    sizes = {name: math.prod(shape)}
    for proto in model.graph.node:
        node = resolve(proto, {"Constant", *OPERATORS}, values, checker, source)
        constant = constant_value(node)
        if constant is not None:
            values[node.output] = constant
            continue
        new_steps, *results = OPERATORS[proto.op_type](node)
        entries += sum(map(entries_of, new_steps))
        if entries > MOST_ENTRIES:
            raise UnsupportedOperator(f"{source}: its matrices have more than {MOST_ENTRIES:,} entries in all")
        if any(step.output in sizes for step in new_steps):
            raise InputError(f"{node.label}: a name that it needs is taken; rename the tensors")
        steps.extend(new_steps)
        sizes |= {step.output: results[0].size for step in new_steps} | {each.name: each.size for each in results}
        values |= dict(zip(node.outputs, results, strict=False))
    output = values.get(model.graph.output[0].name)
    if not isinstance(output, Tensor):
        raise InputError(f"{source}: output {model.graph.output[0].name!r} is computed by no node")
    return Graph(name, output.name, shape, sizes, tuple(steps))


def entries_of(step: Step) -> int:
    """How many numbers a step holds."""
    match step:
        case Affine():
            return step.matrix.size
        case Selection():
            return step.order.size
        case Maximum():
            return step.groups.size
        case _:
            return 0


def input_shape(value: "onnx.ValueInfoProto", source: str) -> tuple[int, ...]:
    """The shape of the network's input; a symbolic or missing leading size is the batch, taken as 1."""
    dimensions = value.type.tensor_type.shape.dim
    shape = [1 if axis == 0 and size.dim_value == 0 else int(size.dim_value) for axis, size in enumerate(dimensions)]
    if not shape or min(shape) < 1:
        raise InputError(f"{source}: input {value.name!r} has no fixed shape; export it with static sizes")
    if math.prod(shape) > LARGEST_MATRIX:
        raise InputError(f"{source}: input {value.name!r} is too large, of more than {LARGEST_MATRIX} numbers")
    return tuple(shape)
