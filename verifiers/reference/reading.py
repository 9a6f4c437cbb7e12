"""From an ONNX file to a network.

Only onnx's generated protobuf module is loaded, from its own file: the package as a whole would take a third of a
small instance's time.
"""

import importlib.util
from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from soundbench.errors import InputError

from .failures import MalformedError, UnsupportedError
from .network import Dense, Network, Node
from .operators import MAX_ENTRIES, Constant, Lowered, Operation, Parser, Placed, Shape, Tensor, Value

if TYPE_CHECKING:
    from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

OPSETS = range(7, 26)  # the operators read here kept their meaning throughout, or show which version's they have
MAX_TENSOR = 4096  # entries of one computed tensor
FLOAT32, INT32, INT64 = 1, 6, 7  # TensorProto.DataType


def read_network(path: Path, parsers: Mapping[str, Parser]) -> Network:
    """The network of an ONNX file with one float32 input and one output.

    Raises InputError if the file is not a readable model, UnsupportedError naming what is not supported in it.
    """
    model = _read_model(path)
    try:
        return _network(model, parsers)
    except MalformedError as error:
        raise InputError(f"{path}: {error}; write it again") from error


def _network(model: "ModelProto", parsers: Mapping[str, Parser]) -> Network:
    versions = {opset.domain: opset.version for opset in model.opset_import}
    if versions.get("", versions.get("ai.onnx")) not in OPSETS:
        raise UnsupportedError(f"opset versions {versions}: only {OPSETS.start} to {OPSETS.stop - 1} of ONNX's own")
    if model.graph.sparse_initializer or model.functions:
        raise UnsupportedError("sparse initializers or functions of the model's own")
    constants = {proto.name: _read_constant(proto) for proto in model.graph.initializer}
    inputs = [proto for proto in model.graph.input if proto.name not in constants]
    if len(inputs) != 1 or len(model.graph.output) != 1:
        raise UnsupportedError(f"{len(inputs)} inputs and {len(model.graph.output)} outputs: only one of each")
    shape = _read_shape(inputs[0])
    values: dict[str, Value] = {**constants, inputs[0].name: Tensor(0, shape)}
    nodes = _lower(model.graph, values, parsers)
    output = values.get(model.graph.output[0].name)
    if not isinstance(output, Tensor):
        raise UnsupportedError("an output that does not depend on the input")
    return Network(prod(shape), prod(output.shape), tuple(nodes), output.index, shape)


def _lower(graph: "GraphProto", values: dict[str, Value], parsers: Mapping[str, Parser]) -> list[Node]:
    """The nodes of the graph in its order; `values` gains every name that it defines."""
    nodes: list[Node] = []
    for proto in graph.node:
        for name, placed in zip(proto.output, _place(proto, values, parsers), strict=True):
            value = _append(nodes, placed) if isinstance(placed, Lowered) else placed
            if isinstance(value, Tensor) and not 0 < prod(value.shape) <= MAX_TENSOR:
                raise UnsupportedError(f"{proto.op_type} ({proto.name}): no outputs, or more than {MAX_TENSOR}")
            if name in values:
                raise MalformedError(f"{name} is defined twice")
            values[name] = value
    entries = sum(node.weight.size for node in nodes if isinstance(node, Dense))
    if entries > MAX_ENTRIES:
        raise UnsupportedError(f"{entries} entries in all matrices together (at most {MAX_ENTRIES})")
    return nodes


def _append(nodes: list[Node], lowered: Lowered) -> Tensor:
    nodes.append(lowered.node)
    for following in lowered.after:
        nodes.append(following(len(nodes)))
    return Tensor(len(nodes), lowered.shape)


def _place(proto: "NodeProto", values: Mapping[str, Value], parsers: Mapping[str, Parser]) -> tuple[Placed, ...]:
    """One for each output."""
    operation = Operation(
        proto.op_type,
        proto.name or ", ".join(proto.output),
        {a.name: _read_attribute(a) for a in proto.attribute},
        len(proto.output),
    )
    if proto.domain not in ("", "ai.onnx") or proto.op_type not in parsers:
        raise operation.refuse(f"this operator of {proto.domain or 'ai.onnx'} is not known here")
    unknown = [name for name in proto.input if name and name not in values]
    if unknown:
        raise MalformedError(
            f"{operation.operator} ({operation.name}) reads {unknown[0]}, which nothing before it defines"
        )
    try:
        placed = parsers[proto.op_type](operation, tuple(values[name] if name else None for name in proto.input))
    except ValueError as error:  # numpy, on shapes that do not fit
        raise operation.refuse(str(error)) from error
    every = placed if isinstance(placed, tuple) else (placed,)
    if len(every) != len(proto.output) or "" in proto.output:
        raise operation.refuse(f"{len(proto.output)} outputs, or one without a name")
    return every


def _read_model(path: Path) -> "ModelProto":
    from google.protobuf.message import DecodeError

    model: ModelProto = _protobuf_module().ModelProto()
    try:
        model.ParseFromString(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}): give an ONNX file") from error
    except DecodeError as error:
        raise InputError(f"{path}: not a complete ONNX model: write it again") from error
    if not model.opset_import or not model.graph.node:
        raise InputError(f"{path}: not an ONNX model with a graph: write it again")
    return model


def _protobuf_module() -> ModuleType:
    package = importlib.util.find_spec("onnx")
    if package is None or package.origin is None:
        raise InputError("the onnx package is not installed: pip install onnx")
    spec = importlib.util.spec_from_file_location("onnx_ml_pb2", Path(package.origin).parent / "onnx_ml_pb2.py")
    if spec is None or spec.loader is None:
        raise InputError("the onnx package has no onnx_ml_pb2.py: install onnx again")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _read_shape(proto: "ValueInfoProto") -> Shape:
    """The input's shape; a batch dimension without a number counts as 1."""
    tensor = proto.type.tensor_type
    sizes = [dimension.dim_value if dimension.HasField("dim_value") else None for dimension in tensor.shape.dim]
    shape = tuple(1 if axis == 0 and size is None else size or 0 for axis, size in enumerate(sizes))
    if tensor.elem_type != FLOAT32 or min(shape, default=1) < 1 or prod(shape) > MAX_TENSOR:
        raise UnsupportedError(f"an input of type {tensor.elem_type} and sizes {sizes}: only float32, known sizes")
    return shape


def _read_constant(proto: "TensorProto") -> Constant:
    """A float32 tensor as float64, or a tensor of integers as int64."""
    stored = {
        FLOAT32: ("<f4", proto.float_data, np.float64),
        INT32: ("<i4", proto.int32_data, np.int64),
        INT64: ("<i8", proto.int64_data, np.int64),
    }
    if proto.data_type not in stored or proto.data_location:
        raise UnsupportedError(f"constant {proto.name}: of type {proto.data_type}, or kept outside the file")
    raw, listed, dtype = stored[proto.data_type]
    try:
        array = np.frombuffer(proto.raw_data, raw) if proto.raw_data else np.array(listed)
        return Constant(array.astype(dtype).reshape(tuple(proto.dims)))
    except ValueError as error:
        raise MalformedError(f"constant {proto.name} does not fit its shape ({error})") from error


def _read_attribute(proto: "AttributeProto") -> object:
    """A number, a string, a tuple of numbers or a tensor; None for what no parser here takes."""
    if proto.ref_attr_name:
        return None
    readers: dict[int, Callable[[], object]] = {
        proto.FLOAT: lambda: proto.f,
        proto.INT: lambda: proto.i,
        proto.STRING: lambda: proto.s.decode(errors="replace"),
        proto.FLOATS: lambda: tuple(proto.floats),
        proto.INTS: lambda: tuple(proto.ints),
        proto.TENSOR: lambda: _read_constant(proto.t).array,
    }
    return readers.get(proto.type, lambda: None)()
