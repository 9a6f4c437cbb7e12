"""ONNX networks as lists of layers: built, read, and run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.random import Generator
from onnx import TensorProto, helper, numpy_helper

from soundbench.graph import Graph
from soundbench.operators import lower

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """A node: an operand is a constant, the name of an earlier tensor (X, T0, T1, ...), or None for the last one.

    Of several outputs the one that is kept is named as if it were alone, the others T0_1, T0_2 and so on.
    """

    operator: str
    operands: tuple[Any, ...] = (None,)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    outputs: int = 1
    kept: int = 0


def build(shape: Shape, layers: Sequence[Layer], *, opset: int = 13, constant_nodes: bool = False) -> onnx.ModelProto:
    """A network that reads X of the given shape; constants are initializers, or `Constant` nodes."""
    nodes, constants, last = [], [], "X"
    for index, layer in enumerate(layers):
        names = []
        for position, operand in enumerate(layer.operands):
            if operand is None or isinstance(operand, str):
                names.append(last if operand is None else operand)
                continue
            names.append(f"C{index}_{position}")
            constants.append(numpy_helper.from_array(np.asarray(operand), names[-1]))
        last = f"T{index}"
        outputs = [last if place == layer.kept else f"{last}_{place}" for place in range(layer.outputs)]
        nodes.append(helper.make_node(layer.operator, names, outputs, name=f"N{index}", **layer.attributes))
    if constant_nodes:
        nodes = [helper.make_node("Constant", [], [each.name], value=each) for each in constants] + nodes
    graph = helper.make_graph(
        nodes,
        "random",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, None)],
        [] if constant_nodes else constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def shape_after(shape: Shape, layers: Sequence[Layer], opset: int = 13) -> Shape:
    """The shape of the last tensor, by ONNX's own inference."""
    inferred = onnx.shape_inference.infer_shapes(
        build(shape, [*layers, Layer("Identity")], opset=opset), strict_mode=True
    )
    dimensions = next(each for each in inferred.graph.value_info if each.name == f"T{len(layers) - 1}")
    return tuple(size.dim_value for size in dimensions.type.tensor_type.shape.dim)


def run_float32(model: onnx.ModelProto, point: Sequence[Fraction]) -> list[Fraction]:
    """ONNX Runtime's outputs, exactly."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0]
    values = np.array([float(value) for value in point], dtype=np.float32).reshape(entry.shape)
    return [Fraction(value) for value in session.run(None, {entry.name: values})[0].ravel().tolist()]


def read(model: onnx.ModelProto) -> Graph:
    """The model's steps."""
    return lower(model, "random.onnx")


def random_point(random: Generator, lower_end: Any, upper_end: Any) -> tuple[Fraction, ...]:
    """A point of a box whose values float32 holds exactly."""
    ends = (np.asarray(lower_end, dtype=np.float32), np.asarray(upper_end, dtype=np.float32))
    values = np.clip(random.uniform(lower_end, upper_end).astype(np.float32), *ends)
    return tuple(map(Fraction, values.tolist()))
