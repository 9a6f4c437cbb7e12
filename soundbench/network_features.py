"""Which operators does a network have, and which of their attributes are set? Read from the ONNX file, in words.

A feature is an operator's name (`Conv`), or one with what is particular about a node of it (`Conv strides 2x1`,
`BatchNormalization negative scale`). What a file leaves at ONNX's default says nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from soundbench.graph import Array
from soundbench.node import attributes_of, numbers, specification

if TYPE_CHECKING:
    import onnx

# Operators of which one operand is a constant as a rule.
ARITHMETIC = ("Add", "Sub", "Mul", "Div")
TWO_OPERANDS = (*ARITHMETIC, "MatMul", "Max", "Min", "Concat")
POOLS = ("AveragePool", "MaxPool", "LpPool")
# It counts in training only.
WITHOUT_MEANING = ("momentum",)


@dataclass(frozen=True, slots=True)
class NetworkSize:
    """How many nodes compute from the input, and how many weights the file holds."""

    nodes: int
    parameters: int


@dataclass(frozen=True, slots=True)
class Operation:
    """A node that computes from the network's input: its operator, attributes, and operands.

    `constants` holds an operand for each input, or None where it is a tensor of the network, is left out, or was
    computed from constants.
    """

    operator: str
    attributes: Mapping[str, Any]
    constants: tuple["onnx.TensorProto | None", ...]
    tensors: int
    reads_input: bool
    label: str

    def values(self, operand: int) -> Array | None:
        """The numbers of a constant operand; None where there are none."""
        held = self.constants[operand] if operand < len(self.constants) else None
        return None if held is None else numbers(held, self.label)


def network_features(model: "onnx.ModelProto", source: str) -> frozenset[str]:
    """The features of a network; `source` names the file in messages.

    Raises:
        InputError: a node does not follow ONNX's specification.
    """
    found: set[str] = set()
    for operation in operations(model, source):
        found.add(operation.operator)
        words = (*attribute_words(operation), *operand_words(operation))
        found.update(f"{operation.operator} {each}" for each in words)
    return frozenset(found)


def network_size(model: "onnx.ModelProto", source: str) -> NetworkSize:
    """The size of a network; `source` names the file in messages.

    Raises:
        InputError: a node does not follow ONNX's specification.
    """
    parameters = sum(prod(tensor.dims) for tensor in model.graph.initializer if is_real(tensor))
    return NetworkSize(sum(1 for _ in operations(model, source)), parameters)


def is_real(tensor: "onnx.TensorProto") -> bool:
    """Whether a tensor holds weights, rather than sizes or indices."""
    import onnx

    return tensor.data_type in (onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE)


def operations(model: "onnx.ModelProto", source: str) -> Iterator[Operation]:
    """The nodes that compute from the network's input, with their defaults left out.

    Raises:
        InputError: a node does not follow ONNX's specification.
    """
    checker = specification(model, source)
    constants: dict[str, onnx.TensorProto | None] = {tensor.name: tensor for tensor in model.graph.initializer}
    inputs = {value.name for value in model.graph.input} - set(constants)
    for proto in model.graph.node:
        label = f"{source}: node {proto.name or next(iter(proto.output), '')!r} ({proto.op_type})"
        attributes = attributes_of(proto, checker, label)
        names = [name for name in proto.input if name]
        if all(name in constants for name in names):
            value = attributes.get("value") if proto.op_type == "Constant" else None
            constants.update(dict.fromkeys(proto.output, value))
            continue
        yield Operation(
            operator=f"{proto.domain}.{proto.op_type}" if proto.domain not in ("", "ai.onnx") else proto.op_type,
            attributes=without_defaults(proto, attributes, checker.opset_imports.get(proto.domain, 1)),
            constants=tuple(constants.get(name) for name in proto.input),
            tensors=sum(name not in constants for name in names),
            reads_input=any(name in inputs for name in names),
            label=label,
        )


def without_defaults(proto: "onnx.NodeProto", attributes: Mapping[str, Any], version: int) -> dict[str, Any]:
    """The attributes that differ from what ONNX takes where they are absent; none for operators of others."""
    import onnx.defs
    import onnx.helper

    domain = "" if proto.domain == "ai.onnx" else proto.domain
    try:
        known = onnx.defs.get_schema(proto.op_type, version, domain).attributes
    except onnx.defs.SchemaError:
        return {}
    defaults = {
        name: onnx.helper.get_attribute_value(each.default_value)
        for name, each in known.items()
        if each.default_value.name
    }
    decoded = {name: value.decode() if isinstance(value, bytes) else value for name, value in defaults.items()}
    return {
        name: value
        for name, value in attributes.items()
        if name not in WITHOUT_MEANING and not (name in decoded and decoded[name] == value)
    }


def attribute_words(operation: Operation) -> Iterator[str]:
    """What the attributes of a node say, in a few words each."""
    for name, value in operation.attributes.items():
        describe = DESCRIBED.get(name)
        yield from described(name, value) if describe is None else describe(value, operation)


def described(name: str, value: object) -> Iterator[str]:
    """An attribute that has no words of its own; real numbers would have too many."""
    if isinstance(value, float):
        yield name
    elif isinstance(value, int | str):
        yield f"{name} {value}"
    elif isinstance(value, Sequence) and all(isinstance(item, int) for item in value):
        yield f"{name} {by(value)}"


def by(sizes: Sequence[int]) -> str:
    """Numbers along axes, such as 2x1."""
    return "x".join(map(str, sizes)) or "none"


def steps_words(name: str) -> Callable[[Sequence[int], Operation], Iterator[str]]:
    """Words for an attribute with a number for every axis that is 1 by default."""

    def words(steps: Sequence[int], _operation: Operation) -> Iterator[str]:
        if set(steps) != {1}:
            yield f"{name} {by(steps)}"

    return words


def pads_words(pads: Sequence[int], operation: Operation) -> Iterator[str]:
    """Whether there is padding, the same on both sides of each axis, and whether an average counts it."""
    if not any(pads):
        return
    half = len(pads) // 2
    yield "pads" if list(pads[:half]) == list(pads[half:]) else "pads asymmetric"
    if operation.operator == "AveragePool" and "count_include_pad" not in operation.attributes:
        yield "padding not counted"


def kernel_words(kernel: Sequence[int], operation: Operation) -> Iterator[str]:
    """Whether a kernel differs by axis, and that of a pool from its stride."""
    if len(set(kernel)) > 1:
        yield "kernel not square"
    strides = operation.attributes.get("strides", [1] * len(kernel))
    if operation.operator in POOLS and list(strides) != list(kernel):
        yield "kernel other than stride"


def order_words(order: Sequence[int], _operation: Operation) -> Iterator[str]:
    """Whether turning axes twice brings them back."""
    inverse = sorted(range(len(order)), key=order.__getitem__)
    yield "its own inverse" if inverse == list(order) else "not its own inverse"


def group_words(_count: int, _operation: Operation) -> Iterator[str]:
    """Several groups."""
    yield "group"


def padding_words(padding: Sequence[int], _operation: Operation) -> Iterator[str]:
    """Padding of an output."""
    if any(padding):
        yield f"output_padding {by(padding)}"


DESCRIBED: Mapping[str, Callable[[Any, Operation], Iterator[str]]] = {
    "strides": steps_words("strides"),
    "dilations": steps_words("dilations"),
    "pads": pads_words,
    "kernel_shape": kernel_words,
    "perm": order_words,
    "group": group_words,
    "output_padding": padding_words,
}


def operand_words(operation: Operation) -> Iterator[str]:
    """What is particular about the operands of a node."""
    name = operation.operator
    if name in TWO_OPERANDS and operation.tensors > 1:
        yield "of two tensors"
    if name in ARITHMETIC and operation.reads_input:
        yield "of the input"
    if name in ("Mul", "Div") and is_negative(operation.values(0), operation.values(1)):
        yield "negative constant"
    if name == "BatchNormalization" and is_negative(operation.values(1)):
        yield "negative scale"
    if name == "Gemm" and "transB" not in operation.attributes:
        yield "not transposed"
    if name in ("Conv", "ConvTranspose", "Gemm") and len(operation.constants) < 3:
        yield "without bias"
    if name == "MatMul" and operation.constants[0] is not None:
        yield "constant on the left"
    if name == "Reshape":
        yield from reshape_words(operation.values(1))
    if name == "Slice" and is_negative(operation.values(4)):
        yield "backwards"


def is_negative(*operands: Array | None) -> bool:
    """Whether any number of constant operands is negative."""
    return any(each is not None and bool((each < 0).any()) for each in operands)


def reshape_words(shape: Array | None) -> Iterator[str]:
    """Whether sizes are copied from the input, or inferred."""
    if shape is not None and (shape == 0).any():
        yield "copies a size"
    if shape is not None and (shape == -1).any():
        yield "infers a size"
