"""Does a network cost the same at every point? Its file alone settles what is run, how often, and of which shapes.

Whoever has run such a network once knows what it takes. Others, which may run for ever at a point of their choice, or
name files of ours, are refused before anything reads further.
"""

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from soundbench.errors import InputError

if TYPE_CHECKING:
    import onnx

ONNX_DOMAINS = ("", "ai.onnx")
MOST_NODES = 100_000
LARGEST_INPUT = 2**26
# Numbers of four bits, or small ones as Protobuf packs them, are several a byte.
MOST_NUMBERS_A_BYTE = 8
# From which operand on an operator takes its output's shape from values; for reductions the axes are the second.
SHAPING = {
    "AffineGrid": 1, "BlackmanWindow": 0, "CenterCropPad": 1, "Col2Im": 1, "Compress": 1, "ConstantOfShape": 0,
    "DFT": 1, "Expand": 1, "HammingWindow": 0, "HannWindow": 0, "ImageDecoder": 0, "MaxUnpool": 2,
    "MelWeightMatrix": 0, "NonMaxSuppression": 0, "NonZero": 0, "OneHot": 1, "Pad": 1, "Range": 0, "Reshape": 1,
    "Resize": 1, "STFT": 1, "SequenceAt": 1, "SequenceErase": 1, "SequenceInsert": 2, "Slice": 1, "Split": 1,
    "SplitToSequence": 1, "Squeeze": 1, "StringSplit": 0, "Tile": 1, "TopK": 1, "Unique": 0, "Unsqueeze": 1,
    "Upsample": 1,
}  # fmt: skip
# What they give depends on shapes alone.
OF_SHAPES = ("Shape", "Size")
# What they give is another each time; so it is of `Dropout` in training, as its third operand says.
RANDOM = ("Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike")
TRAINING = 2


def check_static(model: "onnx.ModelProto", source: str) -> None:
    """Demand that a network's file settles what it costs; `source` names it in messages.

    Raises:
        InputError: it has control flow, randomness, functions or operators that ONNX has not, weights that are
            elsewhere or sparse, more nodes or inputs than anybody verifies, or shapes that depend on input values.
    """
    if model.functions:
        raise InputError(f"{source}: has functions of its own; export it with ONNX's operators alone")
    if len(model.graph.node) > MOST_NODES:
        raise InputError(f"{source}: has more than {MOST_NODES:,} nodes; give a smaller network")
    for tensor in _tensors(model, source):
        _check_held(tensor, source)
    _check_repeatable(model.graph, source)
    constant = {"", *(tensor.name for tensor in model.graph.initializer)}
    inputs = [value for value in model.graph.input if value.name not in constant]
    for value in inputs:
        sizes = [max(1, dimension.dim_value) for dimension in value.type.tensor_type.shape.dim]
        if math.prod(sizes) > LARGEST_INPUT:
            raise InputError(
                f"{source}: input {value.name!r} has more than {LARGEST_INPUT:,} numbers; give a smaller one"
            )
    _check_nodes(model.graph.node, constant, {value.name for value in inputs}, source)


def _tensors(model: "onnx.ModelProto", source: str) -> Iterator["onnx.TensorProto"]:
    """All constants; nodes with graphs or sparse tensors inside are refused on the way."""
    if model.graph.sparse_initializer:
        raise InputError(f"{source}: has sparse weights; export it with dense ones")
    yield from model.graph.initializer
    for node in model.graph.node:
        if node.domain not in ONNX_DOMAINS:
            raise InputError(f"{source}: {node.op_type!r} of {node.domain!r} is no operator of ONNX; export it without")
        for attribute in node.attribute:
            if attribute.HasField("g") or attribute.graphs:
                raise InputError(f"{source}: {node.op_type!r} is control flow, which may never end; export it without")
            if attribute.HasField("sparse_tensor") or attribute.sparse_tensors:
                raise InputError(f"{source}: {node.op_type!r} has sparse numbers; export it with dense ones")
            yield from (*attribute.tensors, *([attribute.t] if attribute.HasField("t") else []))


def _check_repeatable(graph: "onnx.GraphProto", source: str) -> None:
    """Refuse nodes that give something else each time."""
    off = {"", *(tensor.name for tensor in graph.initializer if _is_false(tensor))}
    for node in graph.node:
        if node.op_type == "Constant" and any(_is_false(attribute.t) for attribute in node.attribute):
            off.update(node.output)
        if node.op_type in RANDOM:
            raise InputError(f"{source}: {node.op_type!r} gives other numbers each time; export it without")
        if node.op_type == "Dropout" and not off.issuperset(node.input[TRAINING:]):
            raise InputError(f"{source}: 'Dropout' in training drops other numbers each time; export it for inference")


def _is_false(tensor: "onnx.TensorProto") -> bool:
    """Whether a tensor is one boolean, and false."""
    is_one = tensor.data_type == tensor.BOOL and math.prod(tensor.dims) == 1
    return is_one and not any(tensor.raw_data) and not any(tensor.int32_data)


def _check_held(tensor: "onnx.TensorProto", source: str) -> None:
    """Refuse a tensor whose numbers are not in the file."""
    if tensor.data_location or tensor.external_data:
        raise InputError(f"{source}: its weights lie in other files; save it with the weights inside")
    count = math.prod(tensor.dims)
    if count > MOST_NUMBERS_A_BYTE * tensor.ByteSize():
        raise InputError(
            f"{source}: {tensor.name!r} is to have {count:,} numbers, which the file has not; get it again"
        )


def _check_nodes(nodes: Iterable["onnx.NodeProto"], constant: set[str], varying: set[str], source: str) -> None:
    """Refuse nodes that are not in order, and those whose output's shape depends on values of the network's input.

    To the names of tensors that are `constant`, and of those that vary with the input, those of the nodes are added.
    """
    for node in nodes:
        missing = [name for name in node.input if name not in constant and name not in varying]
        if missing:
            raise InputError(
                f"{source}: {node.op_type!r} reads {missing[0]!r}, which no earlier node computes; export it again"
            )
        # A name that is no text is bytes.
        first = 1 if str(node.op_type).startswith("Reduce") else SHAPING.get(node.op_type, len(node.input))
        if not varying.isdisjoint(node.input[first:]):
            raise InputError(
                f"{source}: the shape that {node.op_type!r} gives depends on values of the input; export it without"
            )
        is_constant = node.op_type in OF_SHAPES or varying.isdisjoint(node.input)
        (constant if is_constant else varying).update(node.output)
