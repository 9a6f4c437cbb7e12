"""What convolutions and their transposes mean, in two dimensions, written out as matrices."""

import numpy as np

from soundbench.affine import Lowered, affine, check_size
from soundbench.graph import Array
from soundbench.node import Node, Tensor
from soundbench.window import Window


def conv(node: Node) -> Lowered:
    """Two-dimensional convolution with strides, pads, dilations and groups."""
    node.allow("kernel_shape", "strides", "pads", "dilations", "group", "auto_pad")
    tensor, weights, shift = operands(node)
    window = Window.of(node, tensor.shape, weights.shape[2:])
    out_channels, channels = weights.shape[0], tensor.shape[1]
    group = int(node.attributes.get("group", 1))
    if weights.shape[1] * group != channels or out_channels % group:
        raise node.refuse(f"group {group} does not fit {channels} channels")
    check_bias(node, shift, out_channels)
    check_size(node, out_channels * window.outputs, tensor.size)
    matrix = convolution_matrix(window, weights, channels)
    bias = np.zeros(1) if shift is None else np.repeat(shift, window.outputs)
    return affine(node, tensor, (1, out_channels, *window.output_shape), matrix, bias)


def conv_transpose(node: Node) -> Lowered:
    """The transpose of the convolution that maps the output's shape to the input's, plus a bias."""
    node.allow("kernel_shape", "strides", "pads", "dilations", "group", "auto_pad", "output_padding")
    tensor, weights, shift = operands(node)
    window = Window.transposed(node, tensor.shape, weights.shape[2:])
    group = int(node.attributes.get("group", 1))
    if weights.shape[0] != tensor.shape[1] or group < 1 or weights.shape[0] % group:
        raise node.refuse(f"weights of shape {weights.shape} in {group} groups do not fit {tensor.shape[1]} channels")
    out_channels, plane = weights.shape[1] * group, window.image[0] * window.image[1]
    check_bias(node, shift, out_channels)
    check_size(node, out_channels * plane, tensor.size)
    matrix = np.ascontiguousarray(convolution_matrix(window, weights, out_channels).T)
    bias = np.zeros(1) if shift is None else np.repeat(shift, plane)
    return affine(node, tensor, (1, out_channels, *window.image), matrix, bias)


def operands(node: Node) -> tuple[Tensor, Array, Array | None]:
    """The image, the weights of shape (channels, channels in a group, rows, columns), and the bias."""
    tensor, weights = node.tensor(0), node.constant(1)
    if weights is None or weights.ndim != 4 or len(tensor.shape) != 4 or tensor.shape[0] != 1:
        raise node.refuse("only two-dimensional convolution with batch size 1 is supported")
    if tuple(node.attributes.get("kernel_shape", weights.shape[2:])) != weights.shape[2:]:
        raise node.refuse(f"kernel_shape is not that of the weights, {weights.shape[2:]}")
    return tensor, weights, node.constant(2)


def check_bias(node: Node, shift: Array | None, channels: int) -> None:
    """Refuse a bias that does not have one number a channel."""
    if shift is not None and shift.shape != (channels,):
        raise node.refuse(f"a bias of shape {shift.shape} does not fit {channels} channels")


def convolution_matrix(window: Window, weights: Array, channels: int) -> Array:
    """From an image of so many channels to what the window sees, shape (output channels * cells, channels * cells)."""
    positions, plane = window.positions(), window.image[0] * window.image[1]
    out_channels, in_per_group = weights.shape[:2]
    matrix = np.zeros((out_channels, window.outputs, channels, plane + 1))
    for channel in range(out_channels):
        first = channel // (out_channels // (channels // in_per_group)) * in_per_group
        for offset in range(in_per_group):
            taps = np.broadcast_to(weights[channel, offset].ravel(), positions.shape)
            np.put_along_axis(matrix[channel, :, first + offset, :], positions, taps, axis=1)
    return matrix[..., :plane].reshape(out_channels * window.outputs, channels * plane)
