"""How needles are woven into a base network: spare neurons of its ordinary layers, then shuffled and rescaled.

The dense layers of a planted network read features: the inputs, or what a front makes of them. Base and needles read
the inputs as they come back from the features, in one layer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from soundbench.architecture import (
    Activate,
    Architecture,
    Branches,
    Dense,
    Flatten,
    Layer,
    Layers,
    Operation,
    Operations,
)
from soundbench.errors import InputError
from soundbench.front import Front
from soundbench.graph import Array, Function
from soundbench.needle import Carry, Needle, Rows, rows_of

# What the names of layers of two branches begin with.
SIDES = ("left_", "right_")
# By how much logits are lowered where shares are made of them: by more than needles raise them.
LOWERED = 20.0


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
    """The layers before the dense ones, the number of their outputs, and how the inputs come back from these.

    Needles read them by `carry`, the base by `mixed`.
    """

    layers: Layers
    size: int
    carry: Carry
    mixed: Carry


def weave(
    architecture: Architecture,
    base: Layers,
    front: Front | None,
    needles: Sequence[Needle],
    random: np.random.Generator,
) -> Woven:
    """Put a front before a base network, and needles into it.

    Raises:
        InputError: the architecture cannot hold needles.
    """
    features = features_of(architecture, front)
    if architecture.softmax:
        base = lowered(base)
    if front is not None:
        needles = [front.seen(needle) for needle in needles]
    if needles and not architecture.woven:
        woven = bolt_on(architecture, base, features, needles, random)
    else:
        head = [layer for layer in base if isinstance(layer, Dense)]
        woven = dense_head(architecture, features, head, needles, random)
    if not architecture.softmax:
        return woven
    shares = Operation("shares", "Softmax", (woven.layers[-1].name,), {"axis": 1})
    return replace(woven, layers=[*woven.layers, Operations("shares", (shares,))])


def lowered(base: Layers) -> Layers:
    """The base with all logits lowered alike, which no share shows: whoever takes them for shares sees small ones."""
    *before, last = base
    if not isinstance(last, Dense):
        raise TypeError(f"{last.name} does not give logits")
    return [*before, replace(last, bias=last.bias - LOWERED)]


def bolt_on(
    architecture: Architecture,
    base: Layers,
    features: Features,
    needles: Sequence[Needle],
    random: np.random.Generator,
) -> Woven:
    """The needles in a branch of their own, added to the base's logits: which of the two comes first is drawn."""
    blank = [
        Dense("dense1", np.zeros((0, features.size)), np.zeros(0)),
        *[Dense(f"dense{index}", np.zeros((0, 0)), np.zeros(0)) for index in range(2, len(architecture.hidden) + 1)],
        Dense("logits", np.zeros((architecture.classes, 0)), np.zeros(architecture.classes)),
    ]
    branch = dense_head(architecture, features, blank, needles, random)
    head = dense_head(architecture, features, [layer for layer in base if isinstance(layer, Dense)], [], random)
    own, other = random.permutation(SIDES).tolist()
    parts = {
        prefix: [rename(layer, prefix) for layer in woven.layers[len(features.layers) :]]
        for prefix, woven in ((own, head), (other, branch))
    }
    tips = tuple((other + tensor, neuron) for tensor, neuron in branch.tips)
    slopes = {other + name: text for name, text in branch.slopes.items()}
    return Woven([*features.layers, Branches("sum", *(parts[prefix] for prefix in SIDES))], tips, slopes)


def rename(layer: Layer, prefix: str) -> Layer:
    """A layer of the dense head under another name."""
    match layer:
        case Dense():
            return Dense(prefix + layer.name, layer.weights, layer.bias)
        case Activate():
            return Activate(prefix + layer.name, layer.function)
        case _:
            raise TypeError(f"{layer.name} is not part of a dense head")


def features_of(architecture: Architecture, front: Front | None) -> Features:
    """What a front makes of the inputs; the inputs themselves where there is none."""
    if front is not None:
        return Features([Operations(front.operations[-1].name, front.operations)], front.size, front.carry, front.mixed)
    count = int(np.prod(architecture.input_shape))
    layers: list[Layer] = [Flatten("flat")] if len(architecture.input_shape) > 1 else []
    same = Carry(np.eye(count), np.zeros(count))
    return Features(layers, count, same, same)


def diagonal(first: Array, second: Array) -> Array:
    """The block-diagonal matrix of two matrices."""
    rows, columns = first.shape
    result = np.zeros((rows + second.shape[0], columns + second.shape[1]))
    result[:rows, :columns] = first
    result[rows:, columns:] = second
    return result


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
    """Base rows over the inputs as they come back from the features, then the sides of every needle."""
    mixed = features.mixed
    own = base.weights @ mixed.recovery if len(base.bias) else np.zeros((0, features.size))
    bias = base.bias + base.weights @ mixed.offset if len(base.bias) else base.bias
    return Dense(
        base.name, np.vstack([own, *(b.weights for b in blocks)]), np.concatenate([bias, *(b.bias for b in blocks)])
    )


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
