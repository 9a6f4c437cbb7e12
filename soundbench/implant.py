"""How are needles put into a network that somebody else has made? Into its last dense layers, where they allow it.

`beside` does it where they do not. Neurons are added, shuffled, and scaled by powers of two, so that over the real
numbers the network computes what it did before, and the needles' part is added.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from soundbench.graph import Activation, Affine, Array, Function, Graph, Selection, Sum, evaluate_float64, inputs_of
from soundbench.links import Link, Wiring, find_links, wiring_of
from soundbench.needle import Carry, Needle, Rows, rows_of
from soundbench.weave import diagonal

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

# Neurons are scaled by powers of two with exponents from -1 to 1.
LARGEST_EXPONENT = 1
FEWEST_LINKS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Implanted:
    """A network with needles: where their tips are, inputs of an activation, and the slopes that show them at rest."""

    model: "ModelProto"
    tips: tuple[tuple[str, int], ...]
    slopes: Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class DenseHost:
    """The last dense layers of a network, two hidden ones or more, and how its inputs come back from what they read.

    `links` are the hidden layers; `sides` is the activation behind the first, `tip` that behind the second.
    """

    model: "ModelProto"
    links: tuple[Link, ...]
    carry: Carry
    sides: Activation
    tip: Activation

    def implant(self, needles: Sequence[Needle], rises: Array, random: np.random.Generator) -> Implanted:
        """The network with needles; the tip of each, times its gain and `rises` (outputs,), is added to the outputs."""
        arrays, blocks = weights_of(self.model), [rows_of(needle, self.carry, Function.RELU) for needle in needles]
        first = matrix_of(arrays, self.links[0])
        base, order, factor = len(first), np.arange(first.shape[1]), np.ones(first.shape[1])
        slopes, tips = "", np.zeros(0, dtype=np.int64)
        for number, link in enumerate(self.links):
            weights, bias = widened(arrays, link, number, blocks)
            before = len(weights)
            entry_order, entry_factor = order, factor
            order, factor = random.permutation(before), powers(before, random)
            put_matrix(arrays, link, (factor[:, None] * weights / entry_factor)[order][:, entry_order])
            put_bias(arrays, link, (factor * bias)[order])
            if number == 0:
                slopes = "".join(np.where(order < base, "a", "1"))
            if number == 1:
                tips = np.argsort(order)[before - len(blocks) :]
        last = self.links[-1].read_by
        read = np.moveaxis(arrays[last.initializer], last.axis, 1)
        read = (np.hstack([read, np.outer(rises, [block.logit_weight for block in blocks])]) / factor)[:, order]
        arrays[last.initializer] = np.moveaxis(read, 1, last.axis)
        places = tuple((self.tip.input, tip) for tip in tips.tolist())
        return Implanted(with_arrays(self.model, arrays), places, {self.sides.output: slopes})


def dense_host(model: "ModelProto", graph: Graph) -> DenseHost | None:
    """The layers that a needle can be woven into; None if there are none such."""
    links, wiring = find_links(model), wiring_of(model)
    chain = last_chain(links, model, wiring)
    if len(chain) < FEWEST_LINKS or not all(is_plain(link, wiring) for link in chain):
        return None
    makers = {name: node for node in model.graph.node for name in node.input}
    outputs = [makers[link.made_by[0].initializer].output[0] for link in chain]
    activations = [activation_after(graph, output) for output in outputs]
    if any(step is None for step in activations):
        return None
    entry = next(step for step in graph.steps if step.output == outputs[0])
    carry = carry_of(graph.up_to(inputs_of(entry)[0]))
    sides, tip = activations[:2]
    return None if carry is None or sides is None or tip is None else DenseHost(model, chain, carry, sides, tip)


def last_chain(links: Sequence[Link], model: "ModelProto", wiring: Wiring) -> tuple[Link, ...]:
    """The links that follow one another up to the network's outputs; () if none does."""
    makers = {link.made_by[0].initializer: link for link in links}
    readers = {link.read_by.initializer: link for link in links}
    reading = {name: node for node in model.graph.node for name in node.input}
    ends = [each for each in readers if each not in makers and gives_outputs(reading[each], wiring)]
    chain: list[Link] = []
    name = ends[0] if len(ends) == 1 else None
    while name in readers:
        chain.insert(0, readers[name])
        name = chain[0].made_by[0].initializer
    return tuple(chain)


def gives_outputs(node: "NodeProto", wiring: Wiring) -> bool:
    """Whether what a linear operator computes are the network's outputs, but for a bias that is added."""
    tensor = node.output[0]
    while wiring.readers.get(tensor) != [None]:
        reader = wiring.only_reader(tensor)
        if reader is None or reader.op_type != "Add" or not any(name in wiring.weights for name in reader.input):
            return False
        tensor = reader.output[0]
    return True


def is_plain(link: Link, wiring: Wiring) -> bool:
    """Whether a link is between dense layers, the first with a bias."""
    axes = (*link.made_by, link.read_by)
    weights = (link.made_by[0].initializer, link.read_by.initializer)
    return (
        len(link.made_by) == 2
        and all(axis.repeats == 1 for axis in axes)
        and all(len(wiring.weights[name]) == 2 for name in weights)
    )


def activation_after(graph: Graph, tensor: str) -> Activation | None:
    """The ReLU that alone reads a tensor, or the sum of it and a bias."""
    while True:
        readers = [step for step in graph.steps if tensor in inputs_of(step)]
        match readers:
            case [Sum(inputs=(_,)) as step]:
                tensor = step.output
            case [Activation(function=Function.RELU) as step]:
                return step
            case _:
                return None


def carry_of(part: Graph) -> Carry | None:
    """How the inputs come back from the outputs of a linear part, each from one of them; None if they do not."""
    if not all(isinstance(step, Affine | Sum | Selection) for step in part.steps):
        return None
    count = part.input_count
    values = evaluate_float64(part, np.vstack([np.zeros(count), np.eye(count)]))[part.output]
    offset, matrix = values[0], (values[1:] - values[0]).T
    alone = np.where((matrix != 0).sum(axis=1, keepdims=True) == 1, np.abs(matrix), 0.0)
    features = alone.argmax(axis=0)
    factors = matrix[features, np.arange(count)]
    if not (alone[features, np.arange(count)] > 0).all():
        return None
    recovery = np.zeros((count, len(offset)))
    recovery[np.arange(count), features] = 1.0 / factors
    return Carry(recovery, -offset[features] / factors)


def widened(arrays: Mapping[str, Array], link: Link, number: int, blocks: Sequence[Rows]) -> tuple[Array, Array]:
    """Weights (outputs, inputs) and bias of a link's maker with the needles' neurons at the end."""
    weights, bias = matrix_of(arrays, link), arrays[link.made_by[1].initializer].ravel()
    match number:
        case 0:
            weights = np.vstack([weights, *(block.weights for block in blocks)])
            return weights, np.concatenate([bias, *(block.bias for block in blocks)])
        case 1:
            return with_tips(weights, blocks), np.append(bias, [block.tip_bias for block in blocks])
        case _:
            return diagonal(weights, np.eye(len(blocks))), np.append(bias, np.zeros(len(blocks)))


def with_tips(weights: Array, blocks: Sequence[Rows]) -> Array:
    """Weights (outputs, inputs) with a row for the tip of each needle, over its own sides."""
    for block in blocks:
        weights = diagonal(weights, block.tip_weights[None, :])
    return weights


def matrix_of(arrays: Mapping[str, Array], link: Link) -> Array:
    """The weights of a link's maker, (outputs, inputs)."""
    made = link.made_by[0]
    return np.moveaxis(arrays[made.initializer], made.axis, 0)


def put_matrix(arrays: dict[str, Array], link: Link, weights: Array) -> None:
    """Replace the weights of a link's maker."""
    made = link.made_by[0]
    arrays[made.initializer] = np.moveaxis(weights, 0, made.axis)


def put_bias(arrays: dict[str, Array], link: Link, bias: Array) -> None:
    """Replace the bias of a link's maker."""
    name = link.made_by[1].initializer
    arrays[name] = bias.reshape(*arrays[name].shape[:-1], -1)


def powers(size: int, random: np.random.Generator) -> Array:
    """Powers of two near one."""
    exponents = random.integers(-LARGEST_EXPONENT, LARGEST_EXPONENT, size, endpoint=True)
    return np.ldexp(1.0, exponents).astype(np.float64)


def weights_of(model: "ModelProto") -> dict[str, Array]:
    """The float initializers of a network, by name."""
    from onnx import numpy_helper

    arrays = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    return {name: array.astype(np.float64) for name, array in arrays.items() if array.dtype.kind == "f"}


def with_arrays(model: "ModelProto", arrays: Mapping[str, Array]) -> "ModelProto":
    """The network with other float initializers of the same names, rounded to the types that they had."""
    from onnx import ModelProto, helper, numpy_helper

    made = ModelProto()
    made.CopyFrom(model)
    # Shapes that were recorded on the way are others now.
    del made.graph.value_info[:]
    for tensor in made.graph.initializer:
        if tensor.name in arrays:
            kind = helper.tensor_dtype_to_np_dtype(tensor.data_type)
            array = np.ascontiguousarray(arrays[tensor.name].astype(kind))
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    shapes = {each.name: tuple(each.dims) for each in made.graph.initializer}
    for value in made.graph.input:
        if value.name in shapes:
            kind = value.type.tensor_type.elem_type
            value.CopyFrom(helper.make_tensor_value_info(value.name, kind, shapes[value.name]))
    return made
