"""Where a sliding window looks: the cells of an image under each tap of a convolution or a pool."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from soundbench.node import Node


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
        """The window that a node's attributes describe, over an image of shape (1, channels, rows, columns).

        Raises:
            UnsupportedOperator: it has other than two dimensions, or does not fit the image.
        """
        window = cls.described(node, shape, kernel)
        if min(window.output_shape) < 1:
            raise node.refuse("its window does not fit into the padded image")
        return window

    @classmethod
    def transposed(cls, node: Node, shape: Sequence[int], kernel: Sequence[int]) -> "Window":
        """The window over an image whose output is of shape (1, channels, rows, columns); see `ConvTranspose`.

        Raises:
            UnsupportedOperator: it has other than two dimensions, or there is no such image.
        """
        window = cls.described(node, shape, kernel)
        more = tuple(node.attributes.get("output_padding", (0, 0)))
        if len(more) != 2 or not all(0 <= extra < stride for extra, stride in zip(more, window.strides, strict=True)):
            raise node.refuse("output_padding must be less than the strides, and not negative")
        rows, columns = (
            window.strides[axis] * (shape[axis + 2] - 1)
            + (more[axis] + window.reach(axis) - window.pads[axis] - window.pads[axis + 2])
            for axis in (0, 1)
        )
        if min(rows, columns) < 1:
            raise node.refuse("its pads leave nothing of the image")
        return replace(window, image=(rows, columns))

    @classmethod
    def described(cls, node: Node, shape: Sequence[int], kernel: Sequence[int]) -> "Window":
        """As `of`, whether or not it fits the image."""
        if node.attributes.get("auto_pad", "NOTSET") != "NOTSET":
            raise node.refuse("auto_pad other than NOTSET is not supported")
        if len(kernel) != 2 or min(kernel) < 1:
            raise node.refuse("only a two-dimensional kernel is supported")
        strides = tuple(node.attributes.get("strides", (1, 1)))
        pads = tuple(node.attributes.get("pads", (0, 0, 0, 0)))
        dilations = tuple(node.attributes.get("dilations", (1, 1)))
        if len(strides) != 2 or len(pads) != 4 or len(dilations) != 2:
            raise node.refuse("strides, pads or dilations of other than two dimensions")
        if min(strides) < 1 or min(pads) < 0 or min(dilations) < 1:
            raise node.refuse("strides and dilations must be positive, pads must not be negative")
        return cls((shape[2], shape[3]), (kernel[0], kernel[1]), strides, pads, dilations)

    @property
    def output_shape(self) -> tuple[int, int]:
        """Rows and columns of the output."""
        rows, columns = (
            (self.image[axis] + self.pads[axis] + self.pads[axis + 2] - self.reach(axis)) // self.strides[axis] + 1
            for axis in (0, 1)
        )
        return rows, columns

    @property
    def outputs(self) -> int:
        """The number of cells of the output."""
        return math.prod(self.output_shape)

    @property
    def taps(self) -> int:
        """The number of cells of the kernel."""
        return math.prod(self.kernel)

    def reach(self, axis: int) -> int:
        """How many cells the dilated kernel spans."""
        return self.dilations[axis] * (self.kernel[axis] - 1) + 1

    def positions(self) -> "np.ndarray[Any, np.dtype[np.intp]]":
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
        return flat.reshape(self.outputs, self.taps)
