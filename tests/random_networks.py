"""Random networks over every operator that we read."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.random import Generator
from onnx_layers import Layer, Shape, build, random_point, read, run_float32, shape_after
from random_nodes import CASES, image_shape, random_normalization, row_shape, table_shape, weights

__all__ = [
    "CASES",
    "Layer",
    "build",
    "random_attention",
    "random_mixture",
    "random_network",
    "random_node",
    "random_point",
    "read",
    "run_float32",
    "surrounded_node",
]


def random_node(operator: str, random: Generator) -> onnx.ModelProto:
    """A network of one operator, and a matrix over the last axis after it, which shows the shape that it left."""
    case = CASES[operator]
    shape = case.shape(random)
    layers = [case.layer(random, shape)]
    after = shape_after(shape, layers)
    layers.append(Layer("MatMul", (None, weights(random, after[-1], 2))))
    return build(shape, layers, constant_nodes=bool(random.integers(2)))


def surrounded_node(operator: str, random: Generator) -> onnx.ModelProto:
    """A network of one operator, whose inputs depend on one another, and of two outputs that all of its own reach."""
    case = CASES[operator]
    shape = case.shape(random)
    mixed = weights(random, shape[-1], shape[-1])
    layers = [Layer("MatMul", (None, mixed)) if len(shape) > 1 else Layer("Sub", (None, mixed[0]))]
    layers += [case.layer(random, shape), Layer("Flatten", (None,), {"axis": 0})]
    layers.append(Layer("MatMul", (None, weights(random, shape_after(shape, layers)[1], 2))))
    return build(shape, layers)


def suits(operator: str, shape: Shape) -> bool:
    """Whether an operator takes a shape, and leaves one that others take."""
    match CASES[operator].shape.__name__:
        case "image_shape":
            return len(shape) == 4 and shape[0] == 1 and min(shape[2:]) > 2 and shape[1] in (1, 2, 4)
        case "table_shape":
            return len(shape) == 2
        case "matrix_shape":
            return len(shape) in (2, 3)
        case "shape_with_ones":
            return 1 in shape and max(shape) > 1
        case _:
            return len(shape) < 5 and (operator != "Softmax" or len(shape) > 1)


def random_mixture(random: Generator) -> onnx.ModelProto:
    """Any operators one after another, some of them with an earlier tensor as the other operand."""
    start = image_shape(random) if random.random() < 0.7 else table_shape(random)
    layers, shapes = list[Layer](), [start]

    def append(layer: Layer) -> bool:
        shape = shape_after(start, [*layers, layer])
        # One that is too large, or has no axis or too many for others, would be the end.
        fits = 0 < len(shape) < 5 and math.prod(shape) <= 200
        if fits:
            layers.append(layer)
            shapes.append(shape)
        return fits

    for _ in range(int(random.integers(3, 9))):
        operator = str(random.choice([name for name in CASES if suits(name, shapes[-1])]))
        names = ["X", *(f"T{index}" for index in range(len(layers)))]
        twins = [name for name, shape in zip(names, shapes, strict=True) if shape == shapes[-1]]
        if operator in ("Exp", "Pow", "Mul"):
            # Towers of powers leave the range of float32.
            append(Layer("Clip", (None, np.float32(-2), np.float32(1.5))))
        layer = CASES[operator].layer(random, shapes[-1])
        if operator in ("Add", "Sub", "Concat") and random.random() < 0.7:
            layer = Layer(operator, (None, str(random.choice(twins))), layer.attributes)
        append(layer)
    append(Layer("Flatten", (None,), {"axis": 0}))
    append(Layer("Gemm", (None, weights(random, shapes[-1][1], 2), weights(random, 2))))
    return build(start, layers, constant_nodes=bool(random.integers(2)))


def random_network(random: Generator, activations: Sequence[str] = ("Relu", "Sigmoid", "Tanh")) -> onnx.ModelProto:
    """A few layers of every kind, with skip connections: an image or a row comes in, a row goes out."""
    layers: list[Layer] = []
    start = image_shape(random) if random.random() < 0.5 else row_shape(random)
    shapes = [start]

    def append(layer: Layer) -> None:
        layers.append(layer)
        shapes.append(shape_after(start, layers))

    def draw(operator: str) -> None:
        append(CASES[operator].layer(random, shapes[-1]))

    def skip() -> None:
        names = ["X", *(f"T{index}" for index in range(len(layers)))]
        twins = [name for name, shape in zip(names, shapes, strict=True) if shape == shapes[-1]]
        append(Layer("Add", (None, str(random.choice(twins)))))

    for kind in random.choice(["Conv", "AveragePool", "Identity"], 2) if len(start) == 4 else ():
        draw(kind)
        draw(str(random.choice(activations)))
        if random.random() < 0.5:
            skip()
    if len(start) == 4:
        flat = [Layer("Flatten"), Layer("Reshape", (None, np.array([1, -1], dtype=np.int64)))]
        append(flat[int(random.integers(2))])
    for _ in range(int(random.integers(1, 4))):
        # Of the two ways to multiply, a row fits the one on the left.
        kind = str(random.choice(["Gemm", "MatMul", "Add"]))
        if kind == "MatMul":
            append(Layer("MatMul", (None, weights(random, shapes[-1][1], int(random.integers(1, 6))))))
        else:
            draw(kind)
        draw(str(random.choice(activations)))
        if random.random() < 0.5:
            skip()
    append(Layer("Gemm", (None, weights(random, shapes[-1][1], 2), weights(random, 2))))
    return build(start, layers, constant_nodes=bool(random.integers(2)))


def random_attention(random: Generator, activations: Sequence[str] = ("Relu", "Sigmoid", "Tanh")) -> onnx.ModelProto:
    """A small vision transformer: an image comes in, one layer of attention with a skip connection, a row goes out."""
    tokens, heads, width = int(random.integers(2, 5)), int(random.integers(1, 3)), int(random.integers(1, 3))
    inner = heads * width
    layers: list[Layer] = []

    def append(operator: str, *operands: Any, **attributes: Any) -> str:
        layers.append(Layer(operator, operands or (None,), attributes))
        return f"T{len(layers) - 1}"

    def project(source: str, perm: Sequence[int]) -> str:
        append("MatMul", source, weights(random, inner, inner))
        append("Sub", None, weights(random, inner))
        append("Reshape", None, np.array([1, tokens, heads, width], dtype=np.int64))
        return append("Transpose", None, perm=perm)

    append("Conv", None, weights(random, inner, 2, 1, 1))
    append("Reshape", None, np.array([1, inner, tokens], dtype=np.int64))
    normal = random_normalization(random, (1, inner, tokens))
    append(normal.operator, *normal.operands, **normal.attributes)
    source = append("Transpose", None, perm=[0, 2, 1])
    query, key, value = (project(source, perm) for perm in ((0, 2, 1, 3), (0, 2, 3, 1), (0, 2, 1, 3)))
    append("MatMul", query, key)
    append(str(random.choice(["Mul", "Div"])), None, np.float32(random.choice([0.5, 0.7, 3])))
    append("Softmax", None, axis=-1)
    append("MatMul", None, value)
    append("Transpose", None, perm=[0, 2, 1, 3])
    append("Reshape", None, np.array([1, tokens, inner], dtype=np.int64))
    append("MatMul", None, weights(random, inner, inner))
    append("Add", None, source)
    append(str(random.choice(activations)))
    append("ReduceMean", axes=[1], keepdims=0)
    append("Gemm", None, weights(random, inner, 2), weights(random, 2))
    return build((1, 2, 1, tokens), layers, constant_nodes=bool(random.integers(2)))
