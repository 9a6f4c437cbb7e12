"""Small ONNX networks and properties for the tests of the reference verifier."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from soundbench.verifiers.reference.network import Array, Network
from soundbench.verifiers.reference.reading import read_network
from soundbench.verifiers.reference.steps import DEFAULT

from soundbench.instance import Constraint, Interval, Property, Region

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layer:
    """A node: operands are arrays, or names of earlier tensors ("x", "t0", "t1", ...), or "" for none.

    Of several outputs the first is named as if it were alone, the others "t0_1", "t0_2" and so on.
    """

    operator: str
    operands: tuple[Any, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    outputs: int = 1


def model_of(shape: Sequence[int | str], layers: Sequence[Layer], opset: int = 13) -> onnx.ModelProto:
    """Layer i makes tensor "ti"; the last one is the output."""
    nodes, constants = [], []
    for index, layer in enumerate(layers):
        names = []
        for position, operand in enumerate(layer.operands):
            names.append(operand if isinstance(operand, str) else f"c{index}_{position}")
            if not isinstance(operand, str):
                constants.append(numpy_helper.from_array(np.asarray(operand), names[-1]))
        outputs = [f"t{index}", *(f"t{index}_{place}" for place in range(1, layer.outputs))]
        nodes.append(helper.make_node(layer.operator, names, outputs, f"n{index}", **layer.attributes))
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(shape))],
        [helper.make_tensor_value_info(f"t{len(layers) - 1}", TensorProto.FLOAT, None)],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def read(model: onnx.ModelProto, parsers=DEFAULT.parsers) -> Network:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        onnx.save(model, path)
        return read_network(path, parsers)


def run(model: onnx.ModelProto, points: Array) -> Array:
    """ONNX Runtime's outputs, shape (points, outputs)."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    shape = [size if isinstance(size, int) else 1 for size in session.get_inputs()[0].shape]
    outputs = [session.run(None, {"x": point.astype(np.float32).reshape(shape)})[0].ravel() for point in points]
    return np.array(outputs, dtype=np.float64)


def fraction(value: float) -> Fraction:
    return Fraction(float(value))


def region(lower: Sequence[float], upper: Sequence[float], *constraints: Constraint) -> Region:
    box = tuple(Interval(fraction(low), fraction(high)) for low, high in zip(lower, upper, strict=True))
    return Region(box, constraints)


def at_most(terms: Mapping[int, float], bound: float, *, strict: bool = False) -> Constraint:
    exact = tuple((index, fraction(factor)) for index, factor in sorted(terms.items()))
    return Constraint(exact, fraction(bound), strict)


def unsafe(network: Network, *regions: Region) -> Property:
    return Property(network.input_size, network.output_size, regions)


def wrong_class(network: Network) -> Property:
    """Unsafe: class 1 wins somewhere in the unit box."""
    size = network.input_size
    return unsafe(network, region(np.zeros(size), np.ones(size), at_most({0: 1, 1: -1}, 0)))
