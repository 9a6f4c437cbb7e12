"""How needles are woven into a base network: spare neurons of its ordinary layers, then shuffled and rescaled.

The dense layers of a planted network read features: the inputs, or what a convolution or a residual block makes
of them. The base reads its own features; needles read carried ones, from which the inputs can be recovered.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from soundbench.architecture import (
    Activate,
    Architecture,
    AveragePool,
    Branches,
    Conv,
    Dense,
    Flatten,
    Front,
    Layer,
    Layers,
)
from soundbench.errors import InputError
from soundbench.graph import Array, Function, Indices
from soundbench.needle import Carry, Needle, Rows, rows_of

# A carried input is shifted by this much so that its ReLU is active wherever inputs lie above its negative.
CARRY_SHIFT = 0.4375


@dataclass(frozen=True, slots=True, eq=False)
class Woven:
    """A network with needles: its layers, where each needle's tip is, and slopes that prove needles inactive.

    `tips` has one (tensor, neuron) a needle: the input of the tip's activation. `slopes` maps an activation's
    output to one character a neuron, see `relaxation.enclose`.
    """

    layers: Layers
    tips: tuple[tuple[str, int], ...]
    slopes: dict[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """The layers before the dense ones, which of their outputs the base reads, and which carry the inputs.

    A base feature is `base_scale` times what the base was trained on.
    """

    layers: Layers
    size: int
    base_columns: Indices
    base_scale: Array
    carry_columns: Indices
    carry: Carry


def weave(architecture: Architecture, base: Layers, needles: Sequence[Needle], random: np.random.Generator) -> Woven:
    """Put needles into a base network.

    Raises:
        InputError: the architecture cannot hold needles (its front does not suit its activation function).
    """
    if not architecture.woven:
        return bolt_on(architecture, base, needles, random)
    head = [layer for layer in base if isinstance(layer, Dense) and layer.name != "stem"]
    return dense_head(architecture, features_of(architecture, base, random), head, needles, random)


def bolt_on(architecture: Architecture, base: Layers, needles: Sequence[Needle], random: np.random.Generator) -> Woven:
    """The needles in a branch of their own, added to the base's logits."""
    if architecture.front is not Front.NONE or len(architecture.input_shape) != 1:
        raise InputError("a needle in a branch of its own needs a network of dense layers only (front 'none')")
    features = features_of(architecture, base, random)
    blank = [
        Dense("dense1", np.zeros((0, features.size)), np.zeros(0)),
        *[Dense(f"dense{index}", np.zeros((0, 0)), np.zeros(0)) for index in range(2, len(architecture.hidden) + 1)],
        Dense("logits", np.zeros((architecture.classes, 0)), np.zeros(architecture.classes)),
    ]
    branch = dense_head(architecture, features, blank, needles, random)
    renamed = [rename(layer, "needle_") for layer in branch.layers]
    tips = tuple((f"needle_{tensor}", neuron) for tensor, neuron in branch.tips)
    slopes = {f"needle_{name}": text for name, text in branch.slopes.items()}
    return Woven([Branches("sum", base, renamed)], tips, slopes)


def rename(layer: Layer, prefix: str) -> Layer:
    """A layer of the dense head under another name."""
    match layer:
        case Dense():
            return Dense(prefix + layer.name, layer.weights, layer.bias)
        case Activate():
            return Activate(prefix + layer.name, layer.function)
        case _:
            raise TypeError(f"{layer.name} is not part of a dense head")


def features_of(architecture: Architecture, base: Layers, random: np.random.Generator) -> Features:
    """The front of a planted network, for the architecture's kind of front."""
    match architecture.front:
        case Front.NONE:
            return input_features(architecture)
        case Front.CONV | Front.CONV_AVGPOOL:
            return conv_features(architecture, base, random)
        case Front.RESIDUAL:
            return residual_features(architecture, base, random)


def input_features(architecture: Architecture) -> Features:
    """The inputs themselves."""
    count = int(np.prod(architecture.input_shape))
    layers: list[Layer] = [Flatten("flat")] if len(architecture.input_shape) > 1 else []
    columns = np.arange(count)
    return Features(layers, count, columns, np.ones(count), columns, Carry(np.eye(count), np.zeros(count)))


def conv_features(architecture: Architecture, base: Layers, random: np.random.Generator) -> Features:
    """The base's channels beside channels that carry the image, shuffled; rescaled where the activation allows."""
    conv = next(layer for layer in base if isinstance(layer, Conv))
    pooled = architecture.front is Front.CONV_AVGPOOL
    _, rows, columns = architecture.input_shape
    if pooled and architecture.function is not Function.RELU:
        raise InputError("average pooling carries needles only with the activation 'relu'")
    carrying, carry = conv_carry(architecture)
    weights, bias = np.vstack([conv.weights, carrying.weights]), np.concatenate([conv.bias, carrying.bias])
    order = random.permutation(len(weights))
    scale = scales(architecture.function, len(conv.weights), random)
    factors = np.concatenate([scale, np.ones(len(carrying.bias))])
    shuffled = Conv("conv", (factors[:, None, None, None] * weights)[order], (factors * bias)[order])
    place = np.argsort(order)
    plane = (rows + pooled) * columns
    channel_columns = place[:, None] * plane + np.arange(plane)
    layers: list[Layer] = [
        shuffled,
        Activate("conv_active", architecture.function),
        *([AveragePool("pool")] if pooled else []),
        Flatten("flat"),
    ]
    split = len(conv.weights)
    return Features(
        layers,
        len(weights) * plane,
        channel_columns[:split].ravel(),
        np.repeat(scale, plane),
        channel_columns[split:].ravel(),
        carry,
    )


def conv_carry(architecture: Architecture) -> tuple[Conv, Carry]:
    """Channels that carry the image through activation and pooling, and how the image is recovered from them."""
    channels, rows, columns = architecture.input_shape
    kernels = np.zeros((channels, channels, 3, 3))
    kernels[np.arange(channels), np.arange(channels), 1, 1] = 1.0
    count = channels * rows * columns
    if architecture.function is not Function.RELU:
        return Conv("conv", kernels, np.zeros(channels)), Carry(np.eye(count), np.zeros(count), architecture.function)
    recovery = np.eye(count)
    if architecture.front is Front.CONV_AVGPOOL:
        recovery = np.kron(np.eye(channels), np.kron(unaverage(rows), np.eye(columns)))
    # Averages of a padded border see fewer shifts, as do the sums that undo them: the shift comes back whole.
    return Conv("conv", kernels, np.full(channels, CARRY_SHIFT)), Carry(recovery, np.full(count, -CARRY_SHIFT))


def unaverage(size: int) -> Array:
    """The matrix (size, size + 1) that undoes averages of neighbours with a zero beyond either end.

    Each row is an alternating sum from the nearer end, which has the fewest terms and so the least rounding.
    """
    rows = np.arange(size)[:, None]
    cells = np.arange(size + 1)[None, :]
    from_start = np.where(cells <= rows, 2.0 * (-1.0) ** (rows - cells), 0.0)
    from_end = from_start[::-1, ::-1]
    return np.where(2 * rows < size, from_start, from_end)


def residual_features(architecture: Architecture, base: Layers, random: np.random.Generator) -> Features:
    """A residual stream in which half of each carried input takes the skip and half the block."""
    if architecture.function is not Function.RELU:
        raise InputError("a residual block carries needles only with the activation 'relu'")
    stem = next(layer for layer in base if isinstance(layer, Dense))
    block = next(layer for layer in base if isinstance(layer, Branches))
    inner, outer = (layer for layer in block.second if isinstance(layer, Dense))
    count = int(np.prod(architecture.input_shape))
    half, eye = 0.5 * CARRY_SHIFT, np.eye(count)
    no_bias = np.zeros(count)
    wide_stem = Dense("stem", np.vstack([stem.weights, 0.5 * eye]), np.concatenate([stem.bias, np.full(count, half)]))
    wide_inner = Dense("inner", diagonal(inner.weights, eye), np.concatenate([inner.bias, no_bias]))
    wide_outer = Dense("outer", diagonal(outer.weights, eye), np.concatenate([outer.bias, no_bias]))
    stream = random.permutation(len(wide_stem.bias))
    hidden = random.permutation(len(wide_inner.bias))
    function = architecture.function
    branch: list[Layer] = [
        reorder(wide_inner, hidden, stream),
        Activate("inner_active", function),
        reorder(wide_outer, stream, hidden),
    ]
    layers: list[Layer] = [
        *([Flatten("flat")] if len(architecture.input_shape) > 1 else []),
        reorder(wide_stem, stream, np.arange(count)),
        Activate("stem_active", function),
        Branches("stream", [], branch),
        Activate("stream_active", function),
    ]
    place = np.argsort(stream)
    split = len(stem.bias)
    carry = Carry(eye, np.full(count, -CARRY_SHIFT))
    return Features(layers, len(place), place[:split], np.ones(split), place[split:], carry)


def diagonal(first: Array, second: Array) -> Array:
    """The block-diagonal matrix of two matrices."""
    rows, columns = first.shape
    result = np.zeros((rows + second.shape[0], columns + second.shape[1]))
    result[:rows, :columns] = first
    result[rows:, columns:] = second
    return result


def reorder(layer: Dense, rows: Indices, columns: Indices) -> Dense:
    """A dense layer with its outputs and inputs in another order."""
    return Dense(layer.name, layer.weights[rows][:, columns], layer.bias[rows])


def dense_head(
    architecture: Architecture,
    features: Features,
    base: Sequence[Dense],
    needles: Sequence[Needle],
    random: np.random.Generator,
) -> Woven:
    """The dense layers of base and needles side by side, every hidden layer shuffled and rescaled."""
    function = architecture.function
    blocks = [rows_of(needle, features.carry, function) for needle in needles]
    if len(base) > 3 and function is not Function.RELU:
        raise InputError("needles take at most two dense hidden layers with 'tanh' and 'sigmoid'")
    layers = [
        first_dense(features, base[0], blocks),
        tip_dense(base[1], blocks),
        *later_dense(architecture, base[2:], needles, blocks),
    ]
    tips_at = len(base[1].bias)
    mixed: list[Layer] = []
    order, factor = np.arange(features.size), np.ones(features.size)
    slopes: dict[str, str] = {}
    tips: tuple[tuple[str, int], ...] = ()
    for index, layer in enumerate(layers[:-1]):
        entry_order, entry_factor = order, factor
        size = len(layer.bias)
        order, factor = random.permutation(size), scales(function, size, random)
        weights = factor[:, None] * layer.weights / entry_factor[None, :]
        mixed.append(Dense(layer.name, weights[order][:, entry_order], (factor * layer.bias)[order]))
        mixed.append(Activate(f"active{index + 1}", function))
        if index == 0:
            own = np.array(["a"] * len(base[0].bias) + ["1"] * (size - len(base[0].bias)))
            slopes = {"active1": "".join(own[order])} if function is Function.RELU else {}
        if index == 1:
            place = np.argsort(order)
            tips = tuple((layer.name, int(place[tips_at + number])) for number in range(len(needles)))
    last = layers[-1]
    mixed.append(Dense(last.name, (last.weights / factor[None, :])[:, order], last.bias))
    return Woven([*features.layers, *mixed], tips, slopes)


def scales(function: Function, size: int, random: np.random.Generator) -> Array:
    """Factors that a hidden neuron may be multiplied by without changing the network: any positive, a sign, none."""
    match function:
        case Function.RELU:
            return np.exp(random.uniform(-0.7, 0.7, size))
        case Function.TANH:
            return random.choice([-1.0, 1.0], size)
        case Function.SIGMOID:
            return np.ones(size)


def first_dense(features: Features, base: Dense, blocks: Sequence[Rows]) -> Dense:
    """Base rows over base features, then the sides of every needle over carried ones."""
    own = np.zeros((len(base.bias), features.size))
    if len(base.bias):
        own[:, features.base_columns] = base.weights / features.base_scale[None, :]
    sides = []
    for block in blocks:
        rows = np.zeros((len(block.bias), features.size))
        rows[:, features.carry_columns] = block.weights
        sides.append(rows)
    return Dense(base.name, np.vstack([own, *sides]), np.concatenate([base.bias, *(b.bias for b in blocks)]))


def tip_dense(base: Dense, blocks: Sequence[Rows]) -> Dense:
    """Base rows over base neurons, then every needle's tip over its own sides."""
    weights = base.weights
    for block in blocks:
        weights = diagonal(weights, block.tip_weights[None, :])
    return Dense(base.name, weights, np.concatenate([base.bias, [block.tip_bias for block in blocks]]))


def later_dense(
    architecture: Architecture, base: Sequence[Dense], needles: Sequence[Needle], blocks: Sequence[Rows]
) -> list[Dense]:
    """The layers after the tips: one neuron a wrong class sums its needles, and the logits read it."""
    gains = np.zeros((architecture.classes, len(needles)))
    bias = np.zeros(architecture.classes)
    for index, (needle, block) in enumerate(zip(needles, blocks, strict=True)):
        gains[needle.target, index] = block.logit_weight
        bias[needle.target] += block.logit_bias
    layers = []
    for layer in base[:-1]:
        layers.append(
            Dense(layer.name, diagonal(layer.weights, gains), np.concatenate([layer.bias, np.zeros(len(gains))]))
        )
        gains = np.eye(architecture.classes)
    last = base[-1]
    return [*layers, Dense(last.name, np.hstack([last.weights, gains]), last.bias + bias)]
