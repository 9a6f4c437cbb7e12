"""How is a network written in another way? Its neurons permuted or rescaled, its dense layers as other operators."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from soundbench.graph import Indices
from soundbench.links import Axis, Wiring, attributes_of, find_links, is_standard, wiring_of

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

Weights = dict[str, NDArray[Any]]

# A factor of 256 either way passes the absolute tolerances that hidden values are compared with.
LARGEST_EXPONENT = 8
PLAIN_GEMM = {"alpha": 1.0, "beta": 1.0, "transA": 0}


def permuted(model: "ModelProto", random: np.random.Generator) -> "ModelProto | None":
    """The network with the neurons of every link (see `links`) in another order; None if it has no link."""
    weights = _weights_of(model)
    for link in find_links(model):
        order = other_order(link.size, random)
        for axis in (*link.made_by, link.read_by):
            places = order[:, None] * axis.repeats + np.arange(axis.repeats)
            weights[axis.initializer] = weights[axis.initializer].take(places.ravel(), axis.axis)
    return _with_weights(model, weights)


def other_order(size: int, random: np.random.Generator) -> Indices:
    """A random order of so many neurons; not the one they are in, unless there is no other."""
    order: Indices = random.permutation(size)
    return np.roll(order, 1) if (order == np.arange(size)).all() else order


def rescaled(model: "ModelProto", random: np.random.Generator) -> "ModelProto | None":
    """The network with the neurons of every homogeneous link times powers of two, taken back where they are read.

    That changes no float by more than its exponent; None where one cannot have that exponent, or there is no such link.
    """
    weights = _weights_of(model)
    for link in find_links(model):
        if link.is_homogeneous:
            exponents = random.integers(-LARGEST_EXPONENT, LARGEST_EXPONENT, link.size, endpoint=True)
            for axis in link.made_by:
                weights[axis.initializer] = _times(weights[axis.initializer], axis, exponents)
            weights[link.read_by.initializer] = _times(weights[link.read_by.initializer], link.read_by, -exponents)
    if any(np.isnan(array).any() for array in weights.values() if array.dtype.kind == "f"):
        return None
    return _with_weights(model, weights)


def matmul_add(model: "ModelProto") -> "ModelProto | None":
    """The network with every plain Gemm as MatMul and Add; None if it has none."""
    weights, taken = _weights_of(model), _names_of(model)
    made: Weights = {}
    nodes: list[NodeProto] = []
    for node in model.graph.node:
        matrix = _matrix(node, weights)
        if matrix is None:
            nodes.append(node)
            continue
        name = _fresh(f"{node.output[0]}_matrix", taken)
        made[name] = matrix
        nodes += _product_and_sum(node, name, _fresh(f"{node.output[0]}_product", taken))
    return _with_nodes(model, nodes, made) if made else None


def gemm(model: "ModelProto") -> "ModelProto | None":
    """The network with every MatMul and Add of rows and constants as Gemm; None if it has none."""
    from onnx import helper

    weights, wiring = _weights_of(model), wiring_of(model)
    joined = {node.output[0]: total for node in model.graph.node if (total := _sum_after(node, weights, wiring))}
    dropped = [total.output[0] for total in joined.values()]
    nodes = []
    for node in model.graph.node:
        total = joined.get(node.output[0])
        if total is not None:
            (bias,) = (name for name in total.input if name != node.output[0])
            nodes.append(helper.make_node("Gemm", [*node.input, bias], total.output))
        elif node.output[0] not in dropped:
            nodes.append(node)
    return _with_nodes(model, nodes, {}) if joined else None


def _times(array: NDArray[Any], axis: Axis, exponents: NDArray[np.int64]) -> NDArray[Any]:
    """The numbers times powers of two, one a neuron; NaN where that is not exact."""
    factors = np.repeat(2.0**exponents, axis.repeats).astype(array.dtype)
    shaped = factors.reshape([-1 if each == axis.axis else 1 for each in range(array.ndim)])
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        product = array * shaped
        return np.where(product / shaped == array, product, np.nan).astype(array.dtype)


def _matrix(node: "NodeProto", weights: Weights) -> NDArray[Any] | None:
    """What a Gemm multiplies rows by, if it does that and adds something, and no more."""
    if node.op_type != "Gemm" or not is_standard(node) or node.input[1] not in weights:
        return None
    attributes = {**PLAIN_GEMM, "transB": 0, **attributes_of(node)}
    transposed = attributes.pop("transB")
    if attributes != PLAIN_GEMM:
        return None
    matrix = weights[node.input[1]]
    return np.ascontiguousarray(matrix.T) if transposed else matrix


def _product_and_sum(node: "NodeProto", matrix: str, product: str) -> Sequence["NodeProto"]:
    """A Gemm as the product with an initializer, and the sum with the bias that it has, if any."""
    from onnx import helper

    bias = node.input[2:]
    if not any(bias):
        return [helper.make_node("MatMul", [node.input[0], matrix], node.output)]
    return [
        helper.make_node("MatMul", [node.input[0], matrix], [product]),
        helper.make_node("Add", [product, *bias], node.output),
    ]


def _sum_after(node: "NodeProto", weights: Weights, wiring: Wiring) -> "NodeProto | None":
    """The Add that alone reads a product of a row with a constant matrix, if it adds one constant a column."""
    if node.op_type != "MatMul" or not is_standard(node) or weights.get(node.input[1], np.zeros(0)).ndim != 2:
        return None
    total = wiring.only_reader(node.output[0])
    if len(wiring.shapes.get(node.output[0], ())) != 2 or total is None or total.op_type != "Add":
        return None
    size = weights[node.input[1]].shape[1]
    adds = [weights[name] for name in total.input if name in weights]
    return total if adds and adds[0].ndim <= 2 and adds[0].size == size == adds[0].shape[-1] else None


def _weights_of(model: "ModelProto") -> Weights:
    from onnx import numpy_helper

    return {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}


def _names_of(model: "ModelProto") -> set[str]:
    """Every name that a tensor of the network has."""
    tensors = [each.name for each in (*model.graph.input, *model.graph.initializer)]
    return {*tensors, *(name for node in model.graph.node for name in node.output)}


def _fresh(name: str, taken: Collection[str]) -> str:
    """A name that no tensor has yet."""
    while name in taken:
        name += "_"
    return name


def _with_weights(model: "ModelProto", weights: Weights) -> "ModelProto | None":
    """The network with other weights of the same names; None if they are the same."""
    from onnx import ModelProto, numpy_helper

    made = ModelProto()
    made.CopyFrom(model)
    for tensor in made.graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(weights[tensor.name]), tensor.name))
    before = _weights_of(model)
    return None if all(np.array_equal(before[name], array) for name, array in weights.items()) else made


def _with_nodes(model: "ModelProto", nodes: Iterable["NodeProto"], added: Mapping[str, NDArray[Any]]) -> "ModelProto":
    """The network with other nodes, the initializers that they need besides, and none that nobody reads."""
    from onnx import ModelProto, numpy_helper

    made = ModelProto()
    made.CopyFrom(model)
    del made.graph.node[:], made.graph.initializer[:]
    made.graph.node.extend(nodes)
    read = {name for node in made.graph.node for name in node.input}
    made.graph.initializer.extend(each for each in model.graph.initializer if each.name in read)
    made.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in added.items())
    return made
