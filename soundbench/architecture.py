"""What a planted network looks like: layers as plain values, and the shapes that recipes can ask for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from soundbench.graph import Array, Function, Indices

# The network's input.
INPUT = "x"


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """output = weights @ input + bias; weights (outputs, inputs), bias (outputs,)."""

    name: str
    weights: Array
    bias: Array


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


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One ONNX operation: its output's name, the operator, what it reads, and its attributes.

    It reads tensors by name, the network's input as `INPUT`, and constants: float64 arrays become float32, integers
    int64.
    """

    name: str
    operator: str
    reads: tuple["str | Array | Indices", ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Operations:
    """ONNX operations that read each other's outputs by name; the last one's output has the layer's name."""

    name: str
    operations: tuple[Operation, ...]


Layer = Dense | Flatten | Activate | Branches | Operations
Layers = Sequence[Layer]


@dataclass(frozen=True, slots=True)
class Architecture:
    """The shape of a base network; planting widens its layers.

    `hidden` are the widths of the dense hidden layers. `woven` says whether needles live inside the ordinary layers or
    in a branch of their own, `softmax` whether the outputs are probabilities instead of logits.
    """

    input_shape: tuple[int, ...]
    function: Function
    hidden: tuple[int, ...]
    classes: int
    woven: bool = True
    softmax: bool = False
