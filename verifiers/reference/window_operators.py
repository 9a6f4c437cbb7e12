"""Conv, ConvTranspose and AveragePool in two dimensions, written out as matrices, and MaxPool."""

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from .network import Array, Maximum, dense
from .operators import (
    Lowered,
    Operation,
    Shape,
    Tensor,
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
    tensor, kernel, biases = _convolved(operation, inputs)
    read = operation.read({**WINDOW, "group": 1, "kernel_shape": kernel.shape[2:]})
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
    return _lowered(operation, tensor.index, matrix, biases)


def parse_conv_transpose(operation: Operation, inputs: tuple[Value | None, ...]) -> Lowered:
    """The transpose of a convolution that has the output for its image; weights (in channels, out / groups, ...).

    Where a window of that convolution looks, the cell of the input that belongs to it is spread out.
    """
    tensor, kernel, biases = _convolved(operation, inputs)
    read = operation.read({**WINDOW, "group": 1, "kernel_shape": kernel.shape[2:], "output_padding": (0, 0)})
    groups, (channels, group_outputs) = read["group"], kernel.shape[:2]
    image = (1, groups * group_outputs, *_spread(operation, tensor.shape, kernel.shape[2:], read))
    rows, columns, shape = _windows(operation, image, kernel.shape[2:], read)
    if tensor.shape[1:] != (channels, *shape) or groups < 1 or channels % groups:
        raise operation.refuse(f"{groups} groups of weights {kernel.shape} on an image of {tensor.shape}")
    matrix = _empty_matrix(operation, image[1:], tensor.shape[1:])
    for group in range(groups):
        above = slice(group * group_outputs, (group + 1) * group_outputs)
        below = slice(group * channels // groups, (group + 1) * channels // groups)
        for in_row, kernel_row, row in rows:
            for in_column, kernel_column, column in columns:
                matrix[above, row, column, below, in_row, in_column] = kernel[below, :, kernel_row, kernel_column].T
    return _lowered(operation, tensor.index, matrix, biases)


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
    return _lowered(operation, tensor.index, matrix / counted, np.zeros(len(channels)))


def parse_max_pool(operation: Operation, inputs: tuple[Value | None, ...]) -> Lowered:
    """Each channel's maximum over windows, of which the padding is no part; the order of unread indices is ignored."""
    tensor = tensor_of(operation, inputs_of(operation, inputs, 1, 1)[0])
    read = operation.read({**WINDOW, "ceil_mode": 0, "kernel_shape": (), "storage_order": 0})
    if len(read["kernel_shape"]) != 2 or read["ceil_mode"]:
        raise operation.refuse(f"kernel_shape {read['kernel_shape']} with ceil_mode {read['ceil_mode']}")
    rows, columns, (height, width) = _windows(operation, tensor.shape, read["kernel_shape"], read)
    channels, plane = tensor.shape[1], tensor.shape[2] * tensor.shape[3]
    require_size(operation, channels * height * width * prod(read["kernel_shape"]))
    seen: list[list[int]] = [[] for _ in range(height * width)]
    for out_row, _, row in rows:
        for out_column, _, column in columns:
            seen[out_row * width + out_column].append(row * tensor.shape[3] + column)
    if not all(seen):
        raise operation.refuse("a window that lies in the padding altogether")
    longest = max(map(len, seen))
    window = np.array([cells + cells[:1] * (longest - len(cells)) for cells in seen], dtype=np.intp)
    groups = (np.arange(channels)[:, None, None] * plane + window).reshape(-1, longest)
    return Lowered(Maximum(tensor.index, groups), (1, channels, height, width))


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


def _convolved(operation: Operation, inputs: tuple[Value | None, ...]) -> tuple[Tensor, Array, Array | None]:
    """The image, the constant weights, and the bias if there is one."""
    image, weights, bias = inputs_of(operation, inputs, 2, 3)
    tensor, kernel = tensor_of(operation, image), floats_of(operation, weights)
    if kernel.ndim != 4 or operation.attributes.get("kernel_shape", kernel.shape[2:]) != kernel.shape[2:]:
        raise operation.refuse(f"weights of shape {kernel.shape}, two-dimensional ones of its kernel_shape only")
    return tensor, kernel, None if bias is None else floats_of(operation, bias)


def _spread(operation: Operation, image: Shape, kernel: Shape, read: Mapping[str, Any]) -> Shape:
    """Height and width of what a transposed convolution makes of an image."""
    more = read["output_padding"]
    if len(image) != 4 or (len(more), len(read["strides"]), len(read["dilations"]), len(read["pads"])) != (2, 2, 2, 4):
        raise operation.refuse(f"an input of shape {image}, or attributes of a wrong length")
    if any(not 0 <= more[a] < read["strides"][a] for a in (0, 1)):
        raise operation.refuse(f"output_padding {more} with strides {read['strides']}")
    height, width = (
        read["strides"][a] * (image[2 + a] - 1)
        + (more[a] + read["dilations"][a] * (kernel[a] - 1) + 1 - read["pads"][a] - read["pads"][2 + a])
        for a in (0, 1)
    )
    if height < 1 or width < 1:
        raise operation.refuse("pads that leave nothing of the image")
    require_size(operation, height * width)
    return height, width


def _empty_matrix(operation: Operation, outputs: Shape, inputs: Shape) -> Array:
    require_size(operation, prod(outputs) * prod(inputs))
    return np.zeros((*outputs, *inputs))


def _lowered(operation: Operation, source: int, matrix: Array, biases: Array | None) -> Lowered:
    """The matrix (channels, height, width, ...) of an operator, and a bias for each channel."""
    outputs = matrix.shape[:3]
    bias = np.zeros(outputs[0]) if biases is None else biases
    if bias.shape != outputs[:1]:
        raise operation.refuse(f"a bias of shape {bias.shape} for {outputs[0]} channels")
    repeated = np.repeat(bias, prod(outputs[1:]))
    return Lowered(dense(source, matrix.reshape(prod(outputs), -1), repeated), (1, *outputs))
