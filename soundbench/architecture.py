"""What a planted network looks like: layers as plain values, and the shapes that recipes can ask for."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from soundbench.graph import Array, Function


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """output = weights @ input + bias; weights (outputs, inputs), bias (outputs,)."""

    name: str
    weights: Array
    bias: Array


@dataclass(frozen=True, slots=True, eq=False)
class Conv:
    """A 3x3 convolution with stride 1 and padding 1; weights (out channels, in channels, 3, 3)."""

    name: str
    weights: Array
    bias: Array


@dataclass(frozen=True, slots=True)
class AveragePool:
    """An average of two rows with stride 1, the borders padded by a row of zeros that counts: one row more."""

    name: str


@dataclass(frozen=True, slots=True)
class Flatten:
    """Everything but the batch axis in one row."""

    name: str


@dataclass(frozen=True, slots=True)
class Activate:
    """The activation function, neuron by neuron."""

    name: str
    function: Function


@dataclass(frozen=True, slots=True, eq=False)
class Branches:
    """first(input) + second(input); an empty branch is the input itself."""

    name: str
    first: "Layers"
    second: "Layers"


Layer = Dense | Conv | AveragePool | Flatten | Activate | Branches
Layers = Sequence[Layer]


class Front(StrEnum):
    """What lies between the input and the dense layers."""

    NONE = "none"
    CONV = "conv"
    CONV_AVGPOOL = "conv_avgpool"
    RESIDUAL = "residual"


@dataclass(frozen=True, slots=True)
class Architecture:
    """The shape of a base network; planting widens its layers.

    `hidden` are the widths of the dense hidden layers, `width` the channels of the convolution or the neurons of
    the residual stream. `woven` says whether needles live inside the ordinary layers or in a branch of their own.
    """

    input_shape: tuple[int, ...]
    front: Front
    function: Function
    hidden: tuple[int, ...]
    width: int
    classes: int
    woven: bool = True
