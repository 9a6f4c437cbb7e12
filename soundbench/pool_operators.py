"""What pooling means, in two dimensions: averages are matrices, the largest number is a step of its own."""

import numpy as np

from soundbench.affine import Lowered, affine, check_size, kron
from soundbench.graph import Maximum
from soundbench.node import Node, Tensor
from soundbench.window import Window


def average_pool(node: Node) -> Lowered:
    """Two-dimensional average pooling; padded cells count where `count_include_pad` says so."""
    node.allow("kernel_shape", "strides", "pads", "count_include_pad", "ceil_mode", "auto_pad", "dilations")
    tensor, window = pooled(node)
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


def max_pool(node: Node) -> Lowered:
    """Two-dimensional pooling of the largest number; padded cells never are."""
    node.allow("kernel_shape", "strides", "pads", "ceil_mode", "auto_pad", "dilations", "storage_order")
    tensor, window = pooled(node)
    plane, channels = tensor.shape[2] * tensor.shape[3], tensor.shape[1]
    check_size(node, channels * window.outputs, window.taps)
    positions = window.positions()
    # Some cell of the window in place of one in the padding, which has the largest index, changes no maximum.
    inside = positions.min(axis=1, keepdims=True)
    if (inside == plane).any():
        raise node.refuse("a window lies wholly in the padding")
    groups = np.arange(channels)[:, None, None] * plane + np.where(positions < plane, positions, inside)
    step = Maximum(node.output, tensor.name, groups.reshape(-1, window.taps))
    return (step,), Tensor(node.output, (1, channels, *window.output_shape))


def pooled(node: Node) -> tuple[Tensor, Window]:
    """The image, and the window that slides over it."""
    tensor = node.tensor(0)
    if len(tensor.shape) != 4 or tensor.shape[0] != 1 or node.attributes.get("ceil_mode", 0):
        raise node.refuse("only two-dimensional pooling with batch size 1 and ceil_mode 0 is supported")
    return tensor, Window.of(node, tensor.shape, tuple(node.attributes["kernel_shape"]))
