"""Conv and AveragePool in two dimensions, written out as matrices."""

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from .network import Array, dense
from .operators import (
    Lowered,
    Operation,
    Shape,
    Value,
    floats_of,
    inputs_of,
    require_size,
    tensor_of,
)

Taps = list[tuple[int, int, int]]

WINDOW = {"auto_pad": "NOTSET", "dilations": (1, 1), "pads": (0, 0, 0, 0), "strides": (1, 1)}


def parse_conv(operation: Operation, inputs: tuple[Value | None, ...]) -> Lowered:
    """A convolution of one image with constant weights (out channels, in channels / groups, height, width)."""
    image, weights, bias = inputs_of(operation, inputs, 2, 3)
    tensor, kernel = tensor_of(operation, image), floats_of(operation, weights)
    read = operation.read({**WINDOW, "group": 1, "kernel_shape": kernel.shape[2:]})
    if kernel.ndim != 4 or read["kernel_shape"] != kernel.shape[2:]:
        raise operation.refuse(f"weights of shape {kernel.shape} with kernel_shape {read['kernel_shape']}")
    groups, (outputs, group_inputs) = read["group"], kernel.shape[:2]
    rows, columns, shape = _windows(operation, tensor.shape, kernel.shape[2:], read)
    if tensor.shape[1] != groups * group_inputs or outputs % groups:
        raise operation.refuse(f"{groups} groups of weights {kernel.shape} on {tensor.shape[1]} channels")
    matrix = _empty_matrix(operation, (outputs, *shape), tensor.shape[1:])
    for group in range(groups):
        above = slice(group * outputs // groups, (group + 1) * outputs // groups)
        below = slice(group * group_inputs, (group + 1) * group_inputs)
        for out_row, kernel_row, row in rows:
            for out_column, kernel_column, column in columns:
                matrix[above, out_row, out_column, below, row, column] = kernel[above, :, kernel_row, kernel_column]
    biases = np.zeros(outputs) if bias is None else floats_of(operation, bias)
    if biases.shape != (outputs,):
        raise operation.refuse(f"a bias of shape {biases.shape} for {outputs} channels")
    return _lowered(tensor.index, matrix, np.repeat(biases, prod(shape)))


def parse_average_pool(operation: Operation, inputs: tuple[Value | None, ...]) -> Lowered:
    """Each channel's mean over windows; a window's padding counts as zeros only with count_include_pad."""
    tensor = tensor_of(operation, inputs_of(operation, inputs, 1, 1)[0])
    read = operation.read({**WINDOW, "ceil_mode": 0, "count_include_pad": 0, "kernel_shape": ()})
    if len(read["kernel_shape"]) != 2 or read["ceil_mode"]:
        raise operation.refuse(f"kernel_shape {read['kernel_shape']} with ceil_mode {read['ceil_mode']}")
    rows, columns, shape = _windows(operation, tensor.shape, read["kernel_shape"], read)
    channels = np.arange(tensor.shape[1])
    matrix = _empty_matrix(operation, (len(channels), *shape), tensor.shape[1:])
    inside = np.zeros(shape)
    for out_row, _, row in rows:
        for out_column, _, column in columns:
            matrix[channels, out_row, out_column, channels, row, column] = 1
            inside[out_row, out_column] += 1
    if not np.all(inside):
        raise operation.refuse("a window that lies in the padding altogether")
    counted = prod(read["kernel_shape"]) if read["count_include_pad"] else inside[None, :, :, None, None, None]
    return _lowered(tensor.index, matrix / counted, np.zeros(prod(matrix.shape[:3])))


def taps(size: int, kernel: int, stride: int, dilation: int, begin: int, end: int) -> tuple[int, Taps]:
    """Along one axis: the output size, and each (output, kernel, input) index of a tap that is not in the padding."""
    output_size = (size + begin + end - dilation * (kernel - 1) - 1) // stride + 1
    found = [
        (output, tap, output * stride + tap * dilation - begin)
        for output in range(output_size)
        for tap in range(kernel)
    ]
    return output_size, [(output, tap, position) for output, tap, position in found if 0 <= position < size]


def _windows(operation: Operation, image: Shape, kernel: Shape, read: Mapping[str, Any]) -> tuple[Taps, Taps, Shape]:
    """The taps along height and along width, and the output's height and width; `pads` are begins, then ends."""
    if len(image) != 4 or image[0] != 1:
        raise operation.refuse(f"an input of shape {image}: only one image (1, channels, height, width)")
    if read["auto_pad"] != "NOTSET":
        raise operation.refuse(f"auto_pad {read['auto_pad']}")
    if (len(read["strides"]), len(read["dilations"]), len(read["pads"])) != (2, 2, 4):
        raise operation.refuse("strides, dilations or pads of a wrong length")
    if min(*read["strides"], *read["dilations"], *kernel) < 1 or min(read["pads"]) < 0:
        raise operation.refuse("strides, dilations or kernel below 1, or pads below 0")
    (height, rows), (width, columns) = (
        taps(
            image[2 + a],
            kernel[a],
            read["strides"][a],
            read["dilations"][a],
            read["pads"][a],
            read["pads"][2 + a],
        )
        for a in (0, 1)
    )
    if height < 1 or width < 1:
        raise operation.refuse(f"a window larger than the image {image}")
    return rows, columns, (height, width)


def _empty_matrix(operation: Operation, outputs: Shape, inputs: Shape) -> Array:
    require_size(operation, prod(outputs) * prod(inputs))
    return np.zeros((*outputs, *inputs))


def _lowered(source: int, matrix: Array, bias: Array) -> Lowered:
    outputs = matrix.shape[:3]
    return Lowered(dense(source, matrix.reshape(prod(outputs), -1), bias), (1, *outputs))
