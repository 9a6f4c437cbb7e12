"""Where may hidden neurons change places? Between two linear operators, where nothing else reads them.

Tensors have shape (batch, neurons) or (batch, channels, height, width): what changes places lies along axis 1.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

Shape = tuple[int, ...]

# Functions of each neuron alone, or of each channel; homogeneous ones map s * x to s * f(x) for every s > 0.
HOMOGENEOUS = frozenset({"Relu", "LeakyRelu", "Abs", "Neg", "Identity", "AveragePool", "MaxPool"})
NEURON_BY_NEURON = HOMOGENEOUS | {"Tanh", "Sigmoid", "Exp", "Sign", "Clip"}
FLATTENING = frozenset({"Flatten", "Reshape"})
LINEAR = frozenset({"Conv", "Gemm", "MatMul"})


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis of an initializer along which each neuron or channel has `repeats` numbers, side by side."""

    initializer: str
    axis: int
    repeats: int = 1


@dataclass(frozen=True, slots=True)
class Link:
    """`size` neurons, or channels of neurons, that linear operators compute (`made_by`) and one reads (`read_by`).

    If it `is_homogeneous`, a positive factor on what a neuron is made by is undone by its inverse where it is read.
    """

    size: int
    made_by: tuple[Axis, ...]
    read_by: Axis
    is_homogeneous: bool


@dataclass(frozen=True, slots=True)
class Wiring:
    """Who reads each tensor (None: whoever reads the network's output), and the shapes of tensors and initializers.

    Unknown sizes count as 0. `weights` are those initializers that one node alone reads.
    """

    readers: Mapping[str, Sequence["NodeProto | None"]]
    shapes: Mapping[str, Shape]
    weights: Mapping[str, Shape]

    def only_reader(self, tensor: str) -> "NodeProto | None":
        """The node of an operator of ONNX's own that is alone to read a tensor, if there is one."""
        readers = self.readers.get(tensor, ())
        node = readers[0] if len(readers) == 1 else None
        return node if node is not None and is_standard(node) else None


def find_links(model: "ModelProto") -> tuple[Link, ...]:
    """All links of a network, in the order of its nodes; weights that several nodes read are in none of them."""
    wiring = wiring_of(model)
    return tuple(link for node in model.graph.node if (link := _follow(node, wiring)) is not None)


def is_standard(node: "NodeProto") -> bool:
    """Whether a node's operator is one of ONNX's own."""
    return node.domain in {"", "ai.onnx"}


def attributes_of(node: "NodeProto") -> Mapping[str, Any]:
    """A node's attributes, by name."""
    from onnx import helper

    return {each.name: helper.get_attribute_value(each) for each in node.attribute}


def wiring_of(model: "ModelProto") -> Wiring:
    """How the nodes of a network are connected."""
    readers: dict[str, list[NodeProto | None]] = {each.name: [None] for each in model.graph.output}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    weights = {each.name: tuple(each.dims) for each in model.graph.initializer if len(readers.get(each.name, ())) == 1}
    return Wiring(readers, _shapes(model), weights)


def _shapes(model: "ModelProto") -> Mapping[str, Shape]:
    """The shapes of tensors, as far as ONNX finds them out."""
    from onnx import shape_inference

    try:
        known = shape_inference.infer_shapes(model).graph
    except shape_inference.InferenceError:
        return {}
    return {
        value.name: tuple(int(size.dim_value) for size in value.type.tensor_type.shape.dim)
        for value in (*known.input, *known.value_info, *known.output)
    }


def _follow(maker: "NodeProto", wiring: Wiring) -> Link | None:
    """The link that starts with a node, if it does, and all is plain up to the next linear operator."""
    made_by = _made_by(maker, wiring)
    if not made_by:
        return None
    size = wiring.weights[made_by[0].initializer][made_by[0].axis]
    tensor, repeats, is_homogeneous = maker.output[0], 1, True
    while (node := wiring.only_reader(tensor)) is not None:
        before, after = (wiring.shapes.get(name, ()) for name in (tensor, node.output[0]))
        if node.op_type in NEURON_BY_NEURON and len(node.output) == 1:
            is_homogeneous &= node.op_type in HOMOGENEOUS
        elif node.op_type in FLATTENING and len(after) == 2 and after[1] == math.prod(before[1:]) > 0:
            repeats = after[1] // size
        elif node.op_type == "Add" and len(after) == 2 and (bias := _bias(node.input, size * repeats, wiring)):
            made_by = (*made_by, replace(bias, repeats=repeats))
        else:
            read_by = _read_by(node, tensor, repeats, wiring)
            return None if read_by is None else Link(size, made_by, read_by, is_homogeneous)
        tensor = node.output[0]
    return None


def _made_by(node: "NodeProto", wiring: Wiring) -> tuple[Axis, ...]:
    """Along which axes of a linear operator's weights and bias its outputs lie; () where that is not plain."""
    weights = _weights(node, node.output[0], wiring)
    if weights is None:
        return ()
    made = Axis(weights, _output_axis(node))
    if len(node.input) < 3:
        return (made,)
    bias = _bias(node.input[2:], wiring.weights[weights][made.axis], wiring)
    return () if bias is None else (made, bias)


def _read_by(node: "NodeProto", tensor: str, repeats: int, wiring: Wiring) -> Axis | None:
    """Along which axis of a linear operator's weights its inputs lie; None where that is not plain."""
    weights = _weights(node, tensor, wiring)
    if weights is None or node.input[0] != tensor:
        return None
    return Axis(weights, 1 - _output_axis(node), repeats)


def _weights(node: "NodeProto", tensor: str, wiring: Wiring) -> str | None:
    """The weights of a linear operator, if that is what the node is; `tensor`, read or computed, has as many axes."""
    if node.op_type not in LINEAR or not is_standard(node):
        return None
    attributes, weights = attributes_of(node), node.input[1]
    rank = len(wiring.weights.get(weights, ()))
    is_plain = attributes.get("group", 1) == 1 and not attributes.get("transA", 0)
    fits = rank == len(wiring.shapes.get(tensor, ())) == (4 if node.op_type == "Conv" else 2)
    return weights if is_plain and fits else None


def _output_axis(node: "NodeProto") -> int:
    """Which of the first two axes of a linear operator's weights belongs to its outputs."""
    return 0 if node.op_type == "Conv" or attributes_of(node).get("transB", 0) else 1


def _bias(names: Iterable[str], size: int, wiring: Wiring) -> Axis | None:
    """The initializer among `names` that holds one number a neuron, along its last axis."""
    for name in names:
        shape = wiring.weights.get(name, ())
        if math.prod(shape) == size == (shape or (0,))[-1]:
            return Axis(name, len(shape) - 1)
    return None
