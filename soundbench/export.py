"""How a network is written: layers as an ONNX file that old readers accept.

Opset 13, IR version 8, static batch 1, weights as float32 initializers; the bytes depend on nothing but the layers.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soundbench.architecture import (
    INPUT,
    Activate,
    Branches,
    Dense,
    Flatten,
    Layer,
    Layers,
    Operation,
    Operations,
)
from soundbench.graph import Array, Function

if TYPE_CHECKING:
    import onnx

OPSET = 13
IR_VERSION = 8
OPERATOR_OF = {Function.RELU: "Relu", Function.SIGMOID: "Sigmoid", Function.TANH: "Tanh"}


def to_onnx(layers: Layers, input_shape: Sequence[int], outputs: int) -> "onnx.ModelProto":
    """An ONNX model of the layers, checked by the ONNX checker; weights are rounded to float32.

    A layer's output tensor has the layer's name. The input is `x` of shape (1, *input_shape).
    """
    nodes, weights = chain(layers, INPUT)
    return checked(model_of(nodes, weights, input_shape, layers[-1].name, (1, outputs)))


def operations_to_onnx(operations: Sequence[Operation], input_shape: Sequence[int]) -> "onnx.ModelProto":
    """An ONNX model of operations alone, unchecked; its output has no shape."""
    name = operations[-1].name
    nodes, weights = one(Operations(name, tuple(operations)), INPUT)
    return model_of(nodes, weights, input_shape, name, None)


def model_of(
    nodes: "Sequence[onnx.NodeProto]",
    weights: "Sequence[onnx.TensorProto]",
    input_shape: Sequence[int],
    output: str,
    output_shape: Sequence[int] | None,
) -> "onnx.ModelProto":
    """An ONNX model of these nodes; tensor `output` is what comes out, of any shape if none is given."""
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        nodes,
        "soundbench",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [1, *input_shape])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, output_shape)],
        weights,
    )
    return helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="soundbench",
    )


def checked(model: "onnx.ModelProto") -> "onnx.ModelProto":
    """The model, once the ONNX checker has nothing to say against it."""
    import onnx

    onnx.checker.check_model(model, full_check=True)
    return model


def chain(layers: Layers, source: str) -> "tuple[list[onnx.NodeProto], list[onnx.TensorProto]]":
    """The nodes and initializers of layers that read tensor `source`, in order."""
    nodes, weights = [], []
    for layer in layers:
        new_nodes, new_weights = one(layer, source)
        nodes += new_nodes
        weights += new_weights
        source = layer.name
    return nodes, weights


def one(layer: Layer, source: str) -> "tuple[list[onnx.NodeProto], list[onnx.TensorProto]]":
    """The nodes and initializers of one layer."""
    from onnx import helper

    name = layer.name
    match layer:
        case Dense():
            inputs, weights = parameters(name, source, layer.weights, layer.bias)
            return [helper.make_node("Gemm", inputs, [name], name=f"{name}/Gemm", transB=1)], weights
        case Flatten():
            return [helper.make_node("Flatten", [source], [name], name=f"{name}/Flatten", axis=1)], []
        case Activate():
            operator = OPERATOR_OF[layer.function]
            return [helper.make_node(operator, [source], [name], name=f"{name}/{operator}")], []
        case Operations():
            pairs = [written(operation) for operation in layer.operations]
            return [node for node, _ in pairs], [tensor for _, tensors in pairs for tensor in tensors]
        case Branches():
            first_nodes, first_weights = chain(layer.first, source)
            second_nodes, second_weights = chain(layer.second, source)
            ends = [branch[-1].name if branch else source for branch in (layer.first, layer.second)]
            add = helper.make_node("Add", ends, [name], name=f"{name}/Add")
            return [*first_nodes, *second_nodes, add], [*first_weights, *second_weights]


def written(operation: Operation) -> "tuple[onnx.NodeProto, list[onnx.TensorProto]]":
    """The node and initializers of an operation."""
    from onnx import helper, numpy_helper

    names, tensors = [], []
    for index, read in enumerate(operation.reads):
        if isinstance(read, str):
            names.append(read)
            continue
        names.append(f"{operation.name}.{index}")
        kind = np.float32 if read.dtype.kind == "f" else np.int64
        tensors.append(numpy_helper.from_array(np.ascontiguousarray(read.astype(kind)), names[-1]))
    label = f"{operation.name}/{operation.operator}"
    return helper.make_node(operation.operator, names, [operation.name], name=label, **operation.attributes), tensors


def parameters(name: str, source: str, weights: Array, bias: Array) -> "tuple[list[str], list[onnx.TensorProto]]":
    """Input names and initializers of a layer with weights and bias."""
    from onnx import numpy_helper

    names = [f"{name}.weight", f"{name}.bias"]
    arrays = (weights.astype(np.float32), bias.astype(np.float32))
    tensors = [
        numpy_helper.from_array(np.ascontiguousarray(array), label) for array, label in zip(arrays, names, strict=True)
    ]
    return [source, *names], tensors


def save_onnx(model: "onnx.ModelProto", path: Path) -> None:
    """Write a model with deterministic serialization."""
    path.write_bytes(model.SerializeToString(deterministic=True))
