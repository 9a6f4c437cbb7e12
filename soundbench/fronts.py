"""The fronts that recipes can name: for each operator or attribute one function that draws operations around it.

All give a row of features, shape (1, features). Names of operations become names of tensors.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from soundbench.architecture import INPUT, Operation
from soundbench.front import Domain, Draw, input_name, reach_of
from soundbench.graph import Array

Operations = list[Operation]
# How far beyond zero activations lie that are active for good, as a share of what they vary by.
CLEARANCE = 0.05
# Further features a front has beside those that carry an input, as a share.
FURTHER = 0.5
# The rows and columns of images that a row of inputs is laid out as, and how high their other cells lie at most, as a
# share of how far inputs reach.
LAID_ROWS, LAID_COLUMNS = 3, 4
HIGHEST_CELL = 0.3


def row_of(domain: Domain) -> Operations:
    """The input as a row."""
    return [Operation("input_row", "Flatten", (INPUT,), {"axis": 1})] if len(domain.shape) > 1 else []


def flat(operations: Sequence[Operation]) -> Operations:
    """The operations, their output as a row."""
    return [*operations, Operation("flat", "Flatten", (input_name(operations),), {"axis": 1})]


def clearance(operations: Sequence[Operation], domain: Domain, channels: int | None = None) -> Array:
    """What must be added to each output, or each of so many channels, so that all are positive in the domain."""
    low, high = reach_of(operations, domain)
    shift: Array = CLEARANCE * (high - low) - low
    return shift if channels is None else np.max(shift.reshape(channels, -1), axis=1)


def factors(size: int, random: np.random.Generator) -> Array:
    """Random factors of both signs: (size,)."""
    drawn: Array = random.uniform(0.6, 1.6, size) * random.choice([-1.0, 1.0], size)
    return drawn


def reach(domain: Domain) -> float:
    """Half of the range of a typical input."""
    return float(np.median(domain.upper - domain.lower)) / 2


def carrying(size: int, random: np.random.Generator) -> Array:
    """A matrix of rows that carry an input each, among rows that mix them: (rows, size)."""
    mixing = random.normal(size=(math.ceil(FURTHER * size), size)) / math.sqrt(size)
    rows = np.vstack([np.diag(factors(size, random)), mixing])
    return rows[random.permutation(len(rows))]


def dense(before: Operations, name: str, weights: Array, domain: Domain, **attributes: Any) -> Operations:  # noqa: ANN401
    """The operations, then Gemm with weights (outputs, inputs), with a bias by which the ReLU after it is active."""
    matrix = weights if attributes.get("transB", 0) else weights.T
    product = Operation(name, "Gemm", (input_name(before), matrix), attributes)
    shift = clearance([*before, product], domain) / attributes.get("beta", 1.0)
    full = Operation(name, "Gemm", (*product.reads, shift), attributes)
    return [*before, full, Operation(f"{name}_active", "Relu", (name,))]


def gemm(domain: Domain, random: np.random.Generator) -> Operations:
    """A dense layer with transB and factors before product and bias."""
    return dense(row_of(domain), "mixed", carrying(domain.size, random), domain, transB=1, alpha=0.5, beta=-2.0)


def gemm_transposed(domain: Domain, random: np.random.Generator) -> Operations:
    """A dense layer that reads a column, transA, with a matrix that is not transposed."""
    column = Operation("column", "Reshape", (INPUT, np.array([-1, 1])))
    return dense([column], "mixed", carrying(domain.size, random), domain, transA=1)


def matmul_add(domain: Domain, random: np.random.Generator) -> Operations:
    """A dense layer in two operators."""
    before = row_of(domain)
    product = Operation("product", "MatMul", (input_name(before), carrying(domain.size, random).T))
    added = Operation("mixed", "Add", ("product", clearance([*before, product], domain)))
    return [*before, product, added, Operation("mixed_active", "Relu", ("mixed",))]


def kernels(channels: int, kernel: tuple[int, int], each: int, groups: int, random: np.random.Generator) -> Array:
    """Kernels (outputs, channels / groups, *kernel): `each` of an input channel copy it, shifted; others mix them.

    Outputs are shuffled within their group.
    """
    own, taps = channels // groups, math.prod(kernel)
    stacks = []
    for _ in range(groups):
        copies = np.zeros((each * own, own, taps))
        for channel in range(own):
            chosen = random.choice(taps, each, replace=False)
            copies[np.arange(each) + each * channel, channel, chosen] = factors(each, random)
        mixing = random.normal(size=(math.ceil(FURTHER * each * own), own, taps)) / math.sqrt(own * taps)
        stack = np.vstack([copies, mixing])
        stacks.append(stack[random.permutation(len(stack))])
    return np.vstack(stacks).reshape(-1, own, *kernel)


def convolved(domain: Domain, weights: Array, **attributes: Any) -> Operations:  # noqa: ANN401  (of ONNX)
    """A convolution with these kernels, and a ReLU that is active; padded by one cell unless told otherwise."""
    window = {"kernel_shape": list(weights.shape[2:]), "pads": [1, 1, 1, 1], "strides": [1, 1], **attributes}
    shift = clearance([Operation("conv", "Conv", (INPUT, weights), window)], domain, len(weights))
    return [Operation("conv", "Conv", (INPUT, weights, shift), window), Operation("conv_active", "Relu", ("conv",))]


def conv_strided(domain: Domain, random: np.random.Generator) -> Operations:
    """Strides that differ by axis."""
    return flat(convolved(domain, kernels(domain.shape[0], (3, 3), 4, 1, random), strides=[2, 1]))


def conv_asymmetric_pads(domain: Domain, random: np.random.Generator) -> Operations:
    """Padding on two sides only."""
    return flat(convolved(domain, kernels(domain.shape[0], (3, 3), 3, 1, random), pads=[0, 2, 1, 0]))


def conv_dilated(domain: Domain, random: np.random.Generator) -> Operations:
    """Dilations that differ by axis."""
    weights = kernels(domain.shape[0], (3, 3), 3, 1, random)
    return flat(convolved(domain, weights, pads=[1, 2, 1, 2], dilations=[1, 2]))


def conv_transposed(domain: Domain, random: np.random.Generator) -> Operations:
    """A transposed convolution with strides, padding and output padding that differ by axis."""
    weights = kernels(domain.shape[0], (3, 2), 2, 1, random).swapaxes(0, 1)
    window = {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [0, 1, 1, 0], "output_padding": [1, 0]}
    bare = Operation("conv", "ConvTranspose", (INPUT, weights), window)
    full = Operation("conv", "ConvTranspose", (*bare.reads, clearance([bare], domain, weights.shape[1])), window)
    return flat([full, Operation("conv_active", "Relu", ("conv",))])


def conv_grouped(domain: Domain, random: np.random.Generator) -> Operations:
    """A group for every channel, or two where their number is even."""
    groups = 2 if domain.shape[0] % 2 == 0 else domain.shape[0]
    return flat(convolved(domain, kernels(domain.shape[0], (3, 3), 2, groups, random), group=groups))


def batchnorm_negative(domain: Domain, random: np.random.Generator) -> Operations:
    """A convolution, then batch normalisation with scales of both signs, then a ReLU that is active."""
    before = convolved(domain, kernels(domain.shape[0], (3, 3), 2, 1, random))[:1]
    channels = len(before[0].reads[1])
    mean, variance = random.normal(size=channels), random.uniform(0.3, 3.0, channels)
    reads = ("conv", factors(channels, random), np.zeros(channels), mean, variance)
    shift = clearance([*before, Operation("normal", "BatchNormalization", reads)], domain, channels)
    full = Operation("normal", "BatchNormalization", (*reads[:2], shift, mean, variance))
    return flat([*before, full, Operation("normal_active", "Relu", ("normal",))])


def laid_out(domain: Domain, random: np.random.Generator) -> tuple[Operations, tuple[int, int, int]]:
    """Each input at a random cell of an image of its own, constants in the other cells; and the images' shape."""
    size, cells = domain.size, LAID_ROWS * LAID_COLUMNS
    place = random.integers(cells, size=size) + cells * np.arange(size)
    weights = np.zeros((size * cells, size))
    weights[place, np.arange(size)] = factors(size, random)
    before = row_of(domain)
    product = Operation("mixed", "Gemm", (input_name(before), weights), {"transB": 1})
    others = random.uniform(0, HIGHEST_CELL * reach(domain), size * cells)
    shift = np.where(weights.any(axis=1), clearance([*before, product], domain), others)
    full = Operation("mixed", "Gemm", (*product.reads, shift), {"transB": 1})
    shape = (size, LAID_ROWS, LAID_COLUMNS)
    image = Operation("image", "Reshape", ("mixed_active", np.array([1, *shape])))
    return [*before, full, Operation("mixed_active", "Relu", ("mixed",)), image], shape


def averaged(domain: Domain, random: np.random.Generator, **window: Any) -> Operations:  # noqa: ANN401  (of ONNX)
    """Averages over images."""
    before, _ = laid_out(domain, random)
    return flat([*before, Operation("pool", "AveragePool", ("image",), window)])


def avgpool_overlapping(domain: Domain, random: np.random.Generator) -> Operations:
    """A kernel larger than its stride."""
    return averaged(domain, random, kernel_shape=[3, 2], strides=[2, 1], pads=[1, 1, 1, 0])


def avgpool_counted(domain: Domain, random: np.random.Generator) -> Operations:
    """Padded cells count."""
    return averaged(domain, random, kernel_shape=[2, 2], strides=[1, 1], pads=[1, 0, 0, 1], count_include_pad=1)


def maxpool_padded(domain: Domain, random: np.random.Generator) -> Operations:
    """Largest values over padded images below zero, each with one cell that always is the largest."""
    before, shape = laid_out(domain, random)
    sunk = -float(reach_of(before, domain)[1].max()) - reach(domain)
    low = reach(domain) * random.uniform(1.0, 1.5, shape)
    """"""
    return []


def residual(domain: Domain, random: np.random.Generator) -> Operations:
    """A stem, then a block with a skip connection that is added to it and another that is subtracted."""
    stem = dense(row_of(domain), "stem", carrying(domain.size, random), domain, transB=1)
    width = len(stem[-2].reads[1])
    block = dense(stem, "inner", np.diag(random.uniform(0.6, 1.6, width)), domain, transB=1)
    outer, other = (np.diag(random.uniform(low, low + 0.4, width)) for low in (0.6, 0.1))
    return [
        *block,
        Operation("outer", "Gemm", ("inner_active", outer), {"transB": 1}),
        Operation("added", "Add", ("stem_active", "outer")),
        Operation("other", "Gemm", ("inner_active", other), {"transB": 1}),
        Operation("stream", "Sub", ("added", "other")),
    ]


def normalised(domain: Domain, random: np.random.Generator) -> Operations:
    """The input minus a mean, divided by a deviation, times factors of both signs, number by number."""
    shape = domain.shape
    mean = (domain.lower + random.random(domain.size) * (domain.upper - domain.lower)).reshape(shape)
    scaled = [
        Operation("centred", "Sub", (INPUT, mean)),
        Operation("scaled", "Div", ("centred", random.uniform(0.3, 0.9, shape))),
        Operation("signed", "Mul", ("scaled", factors(domain.size, random).reshape(shape))),
    ]
    return flat(scaled) if len(shape) > 1 else scaled


def transposed(_domain: Domain, _random: np.random.Generator) -> Operations:
    """Axes in an order that is not its own inverse."""
    return flat([Operation("turned", "Transpose", (INPUT,), {"perm": [0, 2, 3, 1]})])


def flattened(domain: Domain, random: np.random.Generator) -> Operations:
    """An image as a matrix of its rows, each multiplied by one matrix, then as one row."""
    rows = Operation("rows", "Flatten", (INPUT,), {"axis": 3})
    product = Operation("product", "MatMul", ("rows", carrying(domain.shape[2], random).T))
    return [rows, product, Operation("row", "Reshape", ("product", np.array([1, -1])))]


def reshaped(domain: Domain, random: np.random.Generator) -> Operations:
    """A row cut up otherwise, sizes copied and inferred, its axes exchanged, and made a row again."""
    before = dense(row_of(domain), "mixed", carrying(domain.size, random), domain, transB=1)
    width = len(before[-2].reads[1])
    side = next(each for each in range(2, width + 1) if width % each == 0)
    return [
        *before,
        Operation("cut", "Reshape", ("mixed_active", np.array([0, side, -1]))),
        Operation("turned", "Transpose", ("cut",), {"perm": [0, 2, 1]}),
        Operation("row", "Reshape", ("turned", np.array([1, -1]))),
    ]


def gathered(domain: Domain, random: np.random.Generator) -> Operations:
    """A row taken apart by Slice, with steps, and by Split, shuffled by Gather, and put together again."""
    before = dense(row_of(domain), "mixed", carrying(domain.size, random), domain, transB=1)
    width = len(before[-2].reads[1])
    odd = width // 2
    return [
        *before,
        Operation("even", "Slice", ("mixed_active", *(np.array([n]) for n in (0, width, 1, 2)))),
        Operation("odd", "Slice", ("mixed_active", *(np.array([n]) for n in (1, width, 1, 2)))),
        Operation("shuffled", "Gather", ("odd", random.permutation(odd)), {"axis": 1}),
        Operation("row", "Concat", ("shuffled", "even"), {"axis": 1}),
    ]


def reduced(domain: Domain, random: np.random.Generator) -> Operations:
    """Sums over the rows of images, then means over their columns."""
    before, _ = laid_out(domain, random)
    return [
        *before,
        Operation("sums", "ReduceSum", ("image", np.array([2])), {"keepdims": 1}),
        Operation("means", "ReduceMean", ("sums",), {"axes": [2, 3], "keepdims": 0}),
    ]


# Those for images, an input_shape of (channels, rows, columns), and those for any input.
IMAGE_FRONTS: Mapping[str, Draw] = {
    draw.__name__: draw
    for draw in (
        conv,
        conv_strided,
        conv_asymmetric_pads,
        conv_dilated,
        conv_grouped,
        batchnorm_negative,
        transposed,
        flattened,
    )
}
FRONTS: Mapping[str, Draw] = {
    **IMAGE_FRONTS,
    **{
        draw.__name__: draw
        for draw in (
            gemm,
            gemm_plain,
            gemm_alpha_beta,
            matmul_add,
            avgpool_overlapping,
            avgpool_counted,
            avgpool_uncounted,
            residual_add,
            normalised,
            multiplied,
            reshaped,
            reduced_mean,
        )
    },
}
