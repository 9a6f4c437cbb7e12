"""One table from operator to random nodes of it: every operator that we read, with every attribute."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from onnx_layers import Layer, Shape, shape_after


def weights(random: Generator, *shape: int) -> Any:
    """Float32 weights, some of them zero."""
    values = random.normal(size=shape) * random.choice([0.3, 1.0, 3.0])
    return (values * (random.random(shape) < 0.9)).astype(np.float32)


def integers(random: Generator, low: int, high: int, count: int) -> list[int]:
    """`count` integers of [low, high]."""
    return random.integers(low, high, count, endpoint=True).tolist()


def without_defaults(random: Generator, attributes: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes, some of those that have their default value left out."""
    return {
        name: value
        for name, value in attributes.items()
        if name not in defaults or value != defaults[name] or random.random() < 0.5
    }


def any_shape(random: Generator) -> Shape:
    """One to four axes."""
    return tuple(integers(random, 1, 4, int(random.integers(1, 5))))


def shape_with_ones(random: Generator) -> Shape:
    """Two to four axes, at least one of them of size one, and one that is not."""
    sizes = [1, 2, *integers(random, 1, 3, int(random.integers(0, 3)))]
    return tuple(random.permutation(sizes).tolist())


def table_shape(random: Generator) -> Shape:
    """Two axes."""
    return tuple(integers(random, 1, 5, 2))


def matrix_shape(random: Generator) -> Shape:
    """Two or three axes."""
    return tuple(integers(random, 1, 5, int(random.integers(2, 4))))


def row_shape(random: Generator) -> Shape:
    """A batch of one row."""
    return (1, int(random.integers(1, 9)))


def image_shape(random: Generator) -> Shape:
    """A batch of one image, seldom square."""
    return (1, int(random.choice([1, 2, 4])), *integers(random, 3, 7, 2))


def random_gemm(random: Generator, shape: Shape) -> Layer:
    """Any alpha, beta, transA and transB, and every shape of C that broadcasts to the result."""
    outputs, attributes = int(random.integers(1, 6)), dict[str, Any]()
    for name in ("alpha", "beta"):
        if random.random() < 0.5:
            attributes[name] = float(np.float32(random.choice([0.0, 1.0, 0.5, -1.7, 0.1])))
    # A row fits other layers of a network better than a column.
    transposed = shape[0] > 1 and random.random() < 0.5
    rows, inner = shape[::-1] if transposed else shape
    if transposed:
        attributes["transA"] = 1
    matrix = weights(random, inner, outputs)
    if random.random() < 0.5:
        matrix, attributes["transB"] = np.ascontiguousarray(matrix.T), 1
    shapes: list[Shape | None] = [None, (outputs,), (rows, outputs), (rows, 1), (1, outputs), (1,), (1, 1), ()]
    shift = shapes[int(random.integers(len(shapes)))]
    operands = (None, matrix) if shift is None else (None, matrix, weights(random, *shift))
    return Layer("Gemm", operands, attributes)


def random_matmul(random: Generator, shape: Shape) -> Layer:
    """The tensor on either side, or on both."""
    size = int(random.integers(1, 5))
    if shape[-1] == shape[-2] and random.random() < 0.5:
        return Layer("MatMul", (None, None))
    if len(shape) == 2 and random.random() < 0.5:
        return Layer("MatMul", (weights(random, size, shape[0]), None))
    return Layer("MatMul", (None, weights(random, shape[-1], size)))


def random_add(random: Generator, shape: Shape) -> Layer:
    """The tensor with itself, or with a constant of any shape that broadcasts, on either side."""
    if random.random() < 0.2:
        return Layer("Add", (None, None))
    small = [1 if random.random() < 0.3 else size for size in shape][int(random.integers(len(shape) + 1)) :]
    pair = (None, weights(random, *small))
    return Layer("Add", pair if random.random() < 0.5 else pair[::-1])


def broadcastable(random: Generator, shape: Shape) -> Any:
    """A constant of any shape that broadcasts to `shape` without enlarging it."""
    small = [1 if random.random() < 0.3 else size for size in shape][int(random.integers(len(shape) + 1)) :]
    return weights(random, *small)


def random_sub(random: Generator, shape: Shape) -> Layer:
    """A constant on either side, or the tensor itself."""
    if random.random() < 0.2:
        return Layer("Sub", (None, None))
    pair = (None, broadcastable(random, shape))
    return Layer("Sub", pair if random.random() < 0.5 else pair[::-1])


def random_mul(random: Generator, shape: Shape) -> Layer:
    """A constant on either side, or the tensor itself."""
    if random.random() < 0.2:
        return Layer("Mul", (None, None))
    pair = (None, broadcastable(random, shape))
    return Layer("Mul", pair if random.random() < 0.5 else pair[::-1])


def random_div(random: Generator, shape: Shape) -> Layer:
    """A constant away from zero, some of them powers of two."""
    constant = broadcastable(random, shape)
    powers = random.choice(np.array([-2, 0.25, 8], np.float32), constant.shape)
    return Layer("Div", (None, np.where(np.abs(constant) < 0.1, powers, constant).astype(np.float32)))


def random_normalization(random: Generator, shape: Shape) -> Layer:
    """Every channel its own numbers; the mean may be large, so that it cancels."""
    scale, shift, mean = (weights(random, shape[1]) for _ in range(3))
    mean *= np.float32(random.choice([1, 100]))
    variance = random.uniform(0, 2, shape[1]).astype(np.float32)
    attributes = {"epsilon": float(np.float32(random.choice([1e-5, 0.1])))}
    return Layer(
        "BatchNormalization",
        (None, scale, shift, mean, variance),
        without_defaults(random, attributes, {"epsilon": float(np.float32(1e-5))}),
    )


def some_axes(random: Generator, rank: int, count: int) -> list[int]:
    """Different axes, counted from either end."""
    return [int(axis) - rank * int(random.integers(2)) for axis in random.permutation(rank)[:count]]


def random_mean(random: Generator, shape: Shape) -> Layer:
    """Any axes, counted from either end; a number alone is left only where axes are kept."""
    axes = some_axes(random, len(shape), int(random.integers(1, len(shape))))
    attributes = {"axes": axes, "keepdims": int(random.integers(2))}
    return Layer("ReduceMean", (None,), without_defaults(random, attributes, {"keepdims": 1}))


def random_sum(random: Generator, shape: Shape) -> Layer:
    """As a mean, but the axes are an operand."""
    mean = random_mean(random, shape)
    attributes = dict(mean.attributes)
    return Layer("ReduceSum", (None, np.array(attributes.pop("axes"), dtype=np.int64)), attributes)


def random_leaky_relu(random: Generator, _shape: Shape) -> Layer:
    """Slopes below and above one, zero, and the default."""
    attributes = {"alpha": float(np.float32(random.choice([0.0, 0.01, 0.1, 1.0, 2.5])))}
    return Layer("LeakyRelu", (None,), without_defaults(random, attributes, {"alpha": float(np.float32(0.01))}))


def random_prelu(random: Generator, shape: Shape) -> Layer:
    """One slope, in a list of any rank."""
    rank = int(random.integers(1, len(shape) + 1))
    return Layer("PRelu", (None, np.full((1,) * rank, random.choice([0.25, 3.0]), dtype=np.float32)))


def random_clip(random: Generator, _shape: Shape) -> Layer:
    """Both ends, either, or none."""
    low = np.float32(random.choice([-2.0, -0.3, 0.0, 1.0]))
    high = low + np.float32(random.choice([0.0, 0.7, 2.0]))
    choices = [(None, low, high), (None, low), (None, "", high), (None,)]
    return Layer("Clip", choices[int(random.integers(4))])


def random_power(random: Generator, shape: Shape) -> Layer:
    """Squares, said in every way."""
    exponents = [np.float32(2), np.int64(2), np.full(shape[-1:], 2, dtype=np.int32)]
    return Layer("Pow", (None, exponents[int(random.integers(3))]))


def random_concat(random: Generator, shape: Shape) -> Layer:
    """The tensor with itself or with constants, along any axis."""
    axis = some_axes(random, len(shape), 1)[0]
    if random.random() < 0.3:
        parts: list[Any] = [None, *(weights(random, *shape) for _ in range(int(random.integers(1, 3))))]
        return Layer("Concat", tuple(parts[i] for i in random.permutation(len(parts)).tolist()), {"axis": axis})
    return Layer("Concat", (None,) * int(random.integers(1, 4)), {"axis": axis})


def random_slice(random: Generator, shape: Shape) -> Layer:
    """Starts and ends beyond the shape too, steps in both directions, axes and steps left out or not."""
    while True:
        axes = some_axes(random, len(shape), int(random.integers(1, len(shape) + 1)))
        steps = [int(random.choice([-2, -1, 1, 2, 3])) for _ in axes]
        if random.random() < 0.3:
            axes, steps = list(range(len(axes))), [1] * len(axes)
        ends = [-(2**31), *range(-6, 7), 2**31, 2**63 - 1]
        starts, stops = ([int(random.choice(ends)) for _ in axes] for _ in range(2))
        lists = [starts, stops, axes, steps]
        if axes == list(range(len(axes))) and set(steps) == {1}:
            lists = lists[: int(random.integers(2, 5))]
        layer = Layer("Slice", (None, *(np.array(each, dtype=np.int64) for each in lists)))
        if 0 not in shape_after(shape, [layer]):
            return layer


def random_split(random: Generator, shape: Shape) -> Layer:
    """Equal parts, or parts of given sizes, of which any may be read."""
    axis = some_axes(random, len(shape), 1)[0]
    count = int(random.integers(1, shape[axis] + 1))
    ends = np.sort(random.permutation(np.arange(1, shape[axis]))[: count - 1])
    sizes = np.diff([0, *ends, shape[axis]])
    equal = shape[axis] % count == 0 and random.random() < 0.5
    operands = (None,) if equal else (None, sizes.astype(np.int64))
    attributes = without_defaults(random, {"axis": axis}, {"axis": 0})
    return Layer("Split", operands, attributes, outputs=count, kept=int(random.integers(count)))


def random_gather(random: Generator, shape: Shape) -> Layer:
    """Indices of any rank, from either end, some of them twice; an axis may go."""
    axis = some_axes(random, len(shape), 1)[0]
    sizes = integers(random, 1, 3, int(random.integers(0 if len(shape) > 1 else 1, 3)))
    indices = random.integers(-shape[axis], shape[axis], sizes)
    attributes = without_defaults(random, {"axis": axis}, {"axis": 0})
    return Layer("Gather", (None, np.asarray(indices, dtype=np.int64)), attributes)


def random_squeeze(random: Generator, shape: Shape) -> Layer:
    """All or some of the axes of size one."""
    ones = [axis - len(shape) * int(random.integers(2)) for axis, size in enumerate(shape) if size == 1]
    chosen = random.permutation(ones)[: int(random.integers(1, len(ones) + 1))]
    return Layer("Squeeze", (None, chosen) if random.random() < 0.7 else (None,))


def random_unsqueeze(random: Generator, shape: Shape) -> Layer:
    """One or two new axes."""
    count = int(random.integers(1, 3))
    axes = some_axes(random, len(shape) + count, count)
    return Layer("Unsqueeze", (None, np.array(axes, dtype=np.int64)))


def random_softmax(random: Generator, shape: Shape) -> Layer:
    """The last axis, said in every way."""
    attributes = {"axis": int(random.choice([-1, len(shape) - 1]))}
    return Layer("Softmax", (None,), attributes if len(shape) != 2 or random.random() < 0.5 else {})


def random_transpose(random: Generator, shape: Shape) -> Layer:
    """Any order of the axes, or none."""
    attributes = {"perm": random.permutation(len(shape)).tolist()}
    return Layer("Transpose", (None,), attributes if random.random() < 0.8 else {})


def random_window(random: Generator, image: Sequence[int], most_dilation: int) -> dict[str, Any]:
    """Strides, pads smaller than the kernel, dilations: all different in each direction, and fitting the image."""
    while True:
        kernel, strides = integers(random, 1, 3, 2), integers(random, 1, 3, 2)
        dilations = integers(random, 1, most_dilation, 2)
        pads = [int(random.integers(0, kernel[axis % 2])) for axis in range(4)]
        if all(image[axis] + pads[axis] + pads[axis + 2] > dilations[axis] * (kernel[axis] - 1) for axis in (0, 1)):
            return {"kernel_shape": kernel, "strides": strides, "pads": pads, "dilations": dilations}


WINDOW_DEFAULTS = {
    "strides": [1, 1],
    "pads": [0, 0, 0, 0],
    "dilations": [1, 1],
    "group": 1,
    "count_include_pad": 0,
    "output_padding": [0, 0],
}


def random_conv(random: Generator, shape: Shape) -> Layer:
    """Groups, with and without bias and kernel_shape."""
    window = random_window(random, shape[2:], 2)
    group = int(random.choice([each for each in (1, 2, 4) if shape[1] % each == 0]))
    outputs = group * int(random.integers(1, 3))
    kernel = weights(random, outputs, shape[1] // group, *window["kernel_shape"])
    return convolution(random, "Conv", kernel, outputs, window | {"group": group})


def random_conv_transpose(random: Generator, shape: Shape) -> Layer:
    """As `random_conv`, with any output_padding."""
    while True:
        window = random_window(random, shape[2:], 2)
        more = [int(random.integers(stride)) for stride in window["strides"]]
        sides = zip(shape[2:], window["strides"], window["dilations"], window["kernel_shape"], range(2), strict=True)
        sizes = [
            stride * (size - 1) + more[axis] + dilation * (kernel - 1) + 1 - sum(window["pads"][axis::2])
            for size, stride, dilation, kernel, axis in sides
        ]
        if min(sizes) > 0:
            break
    group = int(random.choice([each for each in (1, 2, 4) if shape[1] % each == 0]))
    in_group = int(random.integers(1, 3))
    kernel = weights(random, shape[1], in_group, *window["kernel_shape"])
    attributes = window | {"group": group, "output_padding": more}
    return convolution(random, "ConvTranspose", kernel, group * in_group, attributes)


def convolution(random: Generator, operator: str, kernel: Any, outputs: int, attributes: dict[str, Any]) -> Layer:
    """A layer with and without bias and kernel_shape."""
    attributes = without_defaults(random, attributes, WINDOW_DEFAULTS)
    if random.random() < 0.5:
        del attributes["kernel_shape"]
    operands = (None, kernel, weights(random, outputs)) if random.random() < 0.7 else (None, kernel)
    return Layer(operator, operands, attributes)


def random_average_pool(random: Generator, shape: Shape) -> Layer:
    """Padding counted or not."""
    window = random_window(random, shape[2:], 1)
    del window["dilations"]
    counted = {"count_include_pad": int(random.integers(2))}
    return Layer("AveragePool", (None,), without_defaults(random, window | counted, WINDOW_DEFAULTS))


def random_max_pool(random: Generator, shape: Shape) -> Layer:
    """Overlapping windows and windows apart, some of them partly in the padding."""
    window = random_window(random, shape[2:], 1)
    return Layer("MaxPool", (None,), without_defaults(random, window, WINDOW_DEFAULTS))


def random_flatten(random: Generator, shape: Shape) -> Layer:
    """Every axis, counted from either end."""
    axis = int(random.integers(-len(shape), len(shape), endpoint=True))
    return Layer("Flatten", (None,), without_defaults(random, {"axis": axis}, {"axis": 1}))


def random_reshape(random: Generator, shape: Shape) -> Layer:
    """Some regrouping of the axes, with 0 and -1 wherever they may stand."""
    target = list(random.permutation(shape))
    if random.random() < 0.5:
        target = [math.prod(target[:-1]), target[-1]]
    target = [
        0 if shape[axis : axis + 1] == (size,) and random.random() < 0.5 else size for axis, size in enumerate(target)
    ]
    if random.random() < 0.5:
        target[int(random.integers(len(target)))] = -1
    return Layer("Reshape", (None, np.array(target, dtype=np.int64)))


def unary(operator: str) -> Callable[[Generator, Shape], Layer]:
    """An operator without attributes or further operands."""
    return lambda _random, _shape: Layer(operator)


@dataclass(frozen=True, slots=True)
class Case:
    """How to draw an input shape that an operator takes, and a node of it for such a shape."""

    shape: Callable[[Generator], Shape]
    layer: Callable[[Generator, Shape], Layer]


CASES: Mapping[str, Case] = {
    "Abs": Case(any_shape, unary("Abs")),
    "Add": Case(any_shape, random_add),
    "AveragePool": Case(image_shape, random_average_pool),
    "BatchNormalization": Case(matrix_shape, random_normalization),
    "Clip": Case(any_shape, random_clip),
    "Concat": Case(any_shape, random_concat),
    "Conv": Case(image_shape, random_conv),
    "ConvTranspose": Case(image_shape, random_conv_transpose),
    "Div": Case(any_shape, random_div),
    "Exp": Case(any_shape, unary("Exp")),
    "Flatten": Case(any_shape, random_flatten),
    "Gather": Case(any_shape, random_gather),
    "Gemm": Case(table_shape, random_gemm),
    "Identity": Case(any_shape, unary("Identity")),
    "LeakyRelu": Case(any_shape, random_leaky_relu),
    "MatMul": Case(matrix_shape, random_matmul),
    "MaxPool": Case(image_shape, random_max_pool),
    "Mul": Case(any_shape, random_mul),
    "Neg": Case(any_shape, unary("Neg")),
    "PRelu": Case(any_shape, random_prelu),
    "Pow": Case(any_shape, random_power),
    "ReduceMean": Case(matrix_shape, random_mean),
    "ReduceSum": Case(matrix_shape, random_sum),
    "Relu": Case(any_shape, unary("Relu")),
    "Reshape": Case(any_shape, random_reshape),
    "Sigmoid": Case(any_shape, unary("Sigmoid")),
    "Sign": Case(any_shape, unary("Sign")),
    "Slice": Case(any_shape, random_slice),
    "Softmax": Case(any_shape, random_softmax),
    "Split": Case(any_shape, random_split),
    "Squeeze": Case(shape_with_ones, random_squeeze),
    "Sub": Case(any_shape, random_sub),
    "Tanh": Case(any_shape, unary("Tanh")),
    "Transpose": Case(any_shape, random_transpose),
    "Unsqueeze": Case(any_shape, random_unsqueeze),
}
