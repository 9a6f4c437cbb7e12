"""Networks of a few numbers, for tests."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from soundbench.instance import Property
from soundbench.vnnlib import parse_property

FLOAT = TensorProto.FLOAT


def write_network(
    path: Path,
    matrix: Sequence[Sequence[float]],
    *,
    shift: Sequence[float] = (),
    then: Sequence[str] = (),
    element: int = FLOAT,
    batch: int | str = 1,
) -> Path:
    """Y = then(X @ matrix.T + shift); `shift` is added number by number, `then` are unary operators."""
    kind = helper.tensor_dtype_to_np_dtype(element)
    weights = np.array(matrix, dtype=kind)
    outputs, inputs = weights.shape
    nodes = [helper.make_node("MatMul", ["X", "W"], ["T0"])]
    constants = [numpy_helper.from_array(np.ascontiguousarray(weights.T), "W")]
    for number, value in enumerate(shift):
        constants.append(numpy_helper.from_array(np.full((outputs,), value, dtype=kind), f"C{number}"))
        nodes.append(helper.make_node("Add", [nodes[-1].output[0], f"C{number}"], [f"A{number}"]))
    for number, operator in enumerate(then):
        nodes.append(helper.make_node(operator, [nodes[-1].output[0]], [f"U{number}"]))
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("X", element, [batch, inputs])],
        [helper.make_tensor_value_info(nodes[-1].output[0], element, [batch, outputs])],
        constants,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def unsafe_set(inputs: int, outputs: int, *assertions: str) -> Property:
    """The property that the VNN-LIB assertions describe."""
    declared = [f"(declare-const X_{index} Real)" for index in range(inputs)]
    declared += [f"(declare-const Y_{index} Real)" for index in range(outputs)]
    return parse_property("\n".join([*declared, *(f"(assert {each})" for each in assertions)]), "test")
