"""What an ONNX node asks for: its operands resolved, its attributes decoded, checked against the specification."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from soundbench.errors import InputError
from soundbench.graph import Array, UnsupportedOperator
from soundbench.static_network import ONNX_DOMAINS

if TYPE_CHECKING:
    import onnx
    from onnx.onnx_cpp2py_export.checker import CheckerContext

# Before that an operator may mean something else, and ONNX Runtime does not run them all.
OLDEST_OPERATOR_SET = 7
NUMBER_TYPES = ("FLOAT16", "FLOAT", "DOUBLE", "INT32", "INT64")


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of the network: the name of the step output that holds it, and its shape."""

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Node:
    """An ONNX node with its inputs resolved; an omitted optional input is None."""

    operator: str
    label: str
    outputs: tuple[str, ...]
    inputs: tuple[Tensor | Array | None, ...]
    attributes: Mapping[str, Any]

    @property
    def output(self) -> str:
        """The first of the outputs, which most operators have alone."""
        return self.outputs[0]

    def refuse(self, reason: str) -> UnsupportedOperator:
        """The error that says what this node asks for that we do not support."""
        return UnsupportedOperator(f"{self.label}: {reason}")

    def tensor(self, index: int) -> Tensor:
        """Input `index`, which must be a tensor of the network."""
        value = self.inputs[index]
        if not isinstance(value, Tensor):
            raise self.refuse(f"input {index} is a constant, which is not supported here")
        return value

    def constant(self, index: int) -> Array | None:
        """Input `index` as float64 numbers, or None if omitted; it must not depend on the network's input."""
        value = self.inputs[index] if index < len(self.inputs) else None
        if isinstance(value, Tensor):
            raise self.refuse(f"input {index} is not a constant, which is not supported here")
        return value

    def allow(self, *names: str) -> None:
        """Refuse attributes other than these, rather than ignore what they ask for."""
        for name in self.attributes:
            if name not in names:
                raise self.refuse(f"attribute {name} is not supported")


def specification(model: "onnx.ModelProto", source: str) -> "CheckerContext":
    """The operator set and IR version by which ONNX's own checker judges the model's nodes.

    Raises:
        UnsupportedOperator: the operator set is older than those read here, or newer than those that ONNX knows.
    """
    from onnx.defs import onnx_opset_version
    from onnx.onnx_cpp2py_export.checker import CheckerContext

    for entry in model.opset_import:
        if entry.domain in ONNX_DOMAINS and not OLDEST_OPERATOR_SET <= entry.version <= onnx_opset_version():
            known = f"{OLDEST_OPERATOR_SET} to {onnx_opset_version()}"
            raise UnsupportedOperator(
                f"{source}: operator set {entry.version} is not supported; export it with {known}"
            )
    context = CheckerContext()
    context.ir_version = model.ir_version
    context.opset_imports = {entry.domain: entry.version for entry in model.opset_import}
    return context


def resolve(
    proto: "onnx.NodeProto",
    known: Collection[str],
    values: Mapping[str, Tensor | Array],
    checker: "CheckerContext",
    source: str,
) -> Node:
    """A node with its attributes decoded and its inputs looked up in `values`; `source` names the file in messages.

    Raises:
        UnsupportedOperator: its operator is not among the `known`.
        InputError: it does not follow ONNX's specification, reads what does not exist or overwrites what does.
    """
    place = f"{source}: node {proto.name or next(iter(proto.output), '')!r}"
    if proto.domain not in ONNX_DOMAINS or proto.op_type not in known:
        listed = ", ".join(sorted(known))
        raise UnsupportedOperator(f"{place}: the operator {proto.op_type!r} is not supported (known: {listed})")
    label = f"{place} ({proto.op_type})"
    attributes = attributes_of(proto, checker, label)
    for name in proto.input:
        if name and name not in values:
            raise InputError(f"{label}: reads {name!r}, which no earlier node computes")
    for index, name in enumerate(proto.output):
        if name and (name in values or name in proto.output[:index]):
            raise InputError(f"{label}: computes {name!r}, which exists already")
    inputs = tuple(values[name] if name else None for name in proto.input)
    return Node(proto.op_type, label, tuple(proto.output), inputs, attributes)


def attributes_of(proto: "onnx.NodeProto", checker: "CheckerContext", label: str) -> dict[str, Any]:
    """A node's attributes by name, once ONNX's own checker finds nothing wrong; `label` names the node in messages.

    Raises:
        InputError: the node does not follow ONNX's specification.
    """
    import onnx.checker
    import onnx.helper

    plain = onnx.NodeProto()
    plain.CopyFrom(proto)
    if plain.domain == "ai.onnx":
        plain.domain = ""  # the checker knows the domain of ONNX by no other name
    try:
        onnx.checker.check_node(plain, checker)
        attributes = {item.name: onnx.helper.get_attribute_value(item) for item in proto.attribute}
        return {name: item.decode() if isinstance(item, bytes) else item for name, item in attributes.items()}
    except (onnx.checker.ValidationError, UnicodeDecodeError) as error:
        raise InputError(f"{label}: not a valid node ({str(error).splitlines()[0]})") from None


def constant_value(node: Node) -> Array | None:
    """What a Constant node holds, or an Identity node passes on, as float64; None where it is no constant."""
    if node.operator == "Identity":
        node.allow()
        return None if isinstance(node.inputs[0], Tensor) else node.constant(0)
    if node.operator != "Constant":
        return None
    if "value" not in node.attributes:
        raise node.refuse("only the attribute 'value' is supported")
    return numbers(node.attributes["value"], node.label)


def numbers(tensor: "onnx.TensorProto", label: str) -> Array:
    """The numbers that a tensor holds, as float64; `label` names it in messages.

    Raises:
        InputError: its data do not fit its shape, or are not finite numbers.
    """
    import onnx.checker
    import onnx.numpy_helper

    if tensor.data_type not in {onnx.TensorProto.DataType.Value(name) for name in NUMBER_TYPES}:
        raise InputError(f"{label}: its values are not numbers of type {', '.join(NUMBER_TYPES)}")
    try:
        onnx.checker.check_tensor(tensor)
        with np.errstate(invalid="ignore"):
            array = onnx.numpy_helper.to_array(tensor).astype(np.float64)
    except (onnx.checker.ValidationError, ValueError) as error:
        raise InputError(f"{label}: not a valid tensor ({str(error).splitlines()[0]})") from None
    if not np.isfinite(array).all():
        raise InputError(f"{label}: its values are not all finite")
    return array
