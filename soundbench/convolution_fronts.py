"""The fronts of convolutions, for images of shape (channels, rows, columns): one function for each attribute.

All give a row of features, shape (1, features).
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from soundbench.architecture import INPUT, Operation
from soundbench.front import Domain, reach_of
from soundbench.front_parts import FURTHER, Chain, clearance, factors, flat
from soundbench.graph import Array


def kernels(
    channels: int,
    kernel: tuple[int, int],
    each: int,
    groups: int,
    random: np.random.Generator,
    columns: Sequence[int] = (),
) -> Array:
    """Kernels (outputs, channels / groups, *kernel): `each` of an input channel copy it, shifted; others mix them.

    What is copied lies in one of some `columns` of the kernel, if any are given. Outputs are shuffled within their
    group.
    """
    own, taps = channels // groups, math.prod(kernel)
    allowed = np.flatnonzero(np.isin(np.arange(taps) % kernel[1], columns or np.arange(kernel[1])))
    stacks = []
    for _ in range(groups):
        copies = np.zeros((each * own, own, taps))
        for channel in range(own):
            chosen = random.choice(allowed, each, replace=False)
            copies[np.arange(each) + each * channel, channel, chosen] = factors(each, random)
        mixing = random.normal(size=(math.ceil(FURTHER * each * own), own, taps)) / math.sqrt(own * taps)
        stack = np.vstack([copies, mixing])
        stacks.append(stack[random.permutation(len(stack))])
    return np.vstack(stacks).reshape(-1, own, *kernel)


def convolution(weights: Array, bias: Array, **attributes: Any) -> Operation:  # noqa: ANN401  (of ONNX)
    """A convolution with these kernels, padded by one cell unless told otherwise."""
    window = {"kernel_shape": list(weights.shape[2:]), "pads": [1, 1, 1, 1], "strides": [1, 1], **attributes}
    return Operation("conv", "Conv", (INPUT, weights, bias), window)


def convolved(domain: Domain, weights: Array, **attributes: Any) -> Chain:  # noqa: ANN401  (of ONNX)
    """A convolution, and a ReLU that is active."""
    shift = clearance([convolution(weights, np.zeros(len(weights)), **attributes)], domain, len(weights))
    return [convolution(weights, shift, **attributes), Operation("conv_active", "Relu", ("conv",))]


def conv_strided(domain: Domain, random: np.random.Generator) -> Chain:
    """Strides that differ by axis."""
    return flat(convolved(domain, kernels(domain.shape[0], (3, 3), 4, 1, random), strides=[2, 1]))


def conv_asymmetric_pads(domain: Domain, random: np.random.Generator) -> Chain:
    """Padding on two sides only."""
    return flat(convolved(domain, kernels(domain.shape[0], (3, 3), 3, 1, random), pads=[0, 2, 1, 0]))


def conv_dilated(domain: Domain, random: np.random.Generator) -> Chain:
    """Dilations that differ by axis, and nothing copied from the column that no dilation moves."""
    weights = kernels(domain.shape[0], (3, 3), 3, 1, random, columns=(0, 2))
    return flat(convolved(domain, weights, pads=[1, 2, 1, 2], dilations=[1, 2]))


def conv_transposed(domain: Domain, random: np.random.Generator) -> Chain:
    """A transposed convolution with strides, padding and output padding that differ by axis."""
    weights = kernels(domain.shape[0], (3, 2), 1, 1, random).swapaxes(0, 1)
    window = {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [0, 1, 1, 0], "output_padding": [1, 0]}
    bare = Operation("conv", "ConvTranspose", (INPUT, weights), window)
    full = Operation("conv", "ConvTranspose", (*bare.reads, clearance([bare], domain, weights.shape[1])), window)
    return flat([full, Operation("conv_active", "Relu", ("conv",))])


def conv_grouped(domain: Domain, random: np.random.Generator) -> Chain:
    """A group for every channel, or two where their number is even."""
    groups = 2 if domain.shape[0] % 2 == 0 else domain.shape[0]
    return flat(convolved(domain, kernels(domain.shape[0], (3, 3), 2, groups, random), group=groups))


def batchnorm_negative(domain: Domain, random: np.random.Generator) -> Chain:
    """A convolution, then batch normalisation with scales below zero where channels are copied, above where mixed."""
    weights = kernels(domain.shape[0], (3, 3), 2, 1, random)
    bare = convolution(weights, np.zeros(len(weights)))
    low, high = (side.reshape(len(weights), -1) for side in reach_of([bare], domain))
    low, high = low.min(axis=1), high.max(axis=1)
    before = convolution(weights, -0.5 * (low + high))
    mean = random.uniform(-0.2, 0.2, len(weights)) * (high - low)
    variance = random.uniform(0.1, 0.5, len(weights)) * (high - low) ** 2
    shift = random.uniform(-0.2, 0.2, len(weights))
    is_copy = np.count_nonzero(weights.reshape(len(weights), -1), axis=1) == 1
    scale = np.where(is_copy, -1.0, 1.0) * np.abs(factors(len(weights), random))
    reads = ("conv", scale, shift, mean, variance)
    return flat([before, Operation("normal", "BatchNormalization", reads)])
