"""How are needles put beside a network whose layers allow no other? In a branch of their own, added to the outputs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from soundbench.graph import Array, Function
from soundbench.implant import Implanted, powers, with_tips
from soundbench.needle import Carry, Needle, rows_of

if TYPE_CHECKING:
    from onnx import ModelProto

# The version of ONNX's files from which on initializers need not be inputs.
FIRST_WITH_CONSTANTS = 4


@dataclass(frozen=True, slots=True, eq=False)
class BesideHost:
    """A network that gets a branch from its input to its outputs, both of known shapes."""

    model: "ModelProto"
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]

    def implant(self, needles: Sequence[Needle], rises: Array, random: np.random.Generator) -> Implanted:
        """The network with needles; the tip of each, times its gain and `rises` (outputs,), is added to the outputs."""
        from onnx import ModelProto

        inputs = int(np.prod(self.input_shape))
        carry = Carry(np.eye(inputs), np.zeros(inputs))
        blocks = [rows_of(needle, carry, Function.RELU) for needle in needles]
        weights, bias = (np.concatenate([getattr(block, part) for block in blocks]) for part in ("weights", "bias"))
        order, factor = random.permutation(len(bias)), powers(len(bias), random)
        made = ModelProto()
        made.CopyFrom(self.model)
        branch = _Branch(made)
        tensor = branch.entry(self.input_shape, inputs)
        sides = branch.dense("sides", tensor, (factor[:, None] * weights)[order], (factor * bias)[order])
        active = branch.relu("sides", sides)
        tip_weights = (with_tips(np.zeros((0, 0)), blocks) / factor)[:, order]
        tips = branch.dense("tips", active, tip_weights, np.array([block.tip_bias for block in blocks]))
        gains = np.outer(rises, [block.logit_weight for block in blocks])
        risen = branch.dense("rises", branch.relu("tips", tips), gains, np.zeros(len(rises)))
        branch.join(risen, self.output_shape)
        return Implanted(made, tuple((tips, number) for number in range(len(blocks))), {active: "1" * len(bias)})


class _Branch:
    """Nodes that are added to a network, their tensors named as no other is."""

    def __init__(self, model: "ModelProto") -> None:
        self.graph = model.graph
        # Before that version every initializer is an input, too.
        self.lists_constants = model.ir_version < FIRST_WITH_CONSTANTS
        self.taken = {each.name for each in (*self.graph.input, *self.graph.initializer)}
        self.taken |= {name for node in self.graph.node for name in node.output}
        initializers = {each.name for each in self.graph.initializer}
        self.input = next(each.name for each in self.graph.input if each.name not in initializers)
        self.output = self.graph.output[0].name

    def name(self, wanted: str) -> str:
        """A name that no tensor has yet."""
        while wanted in self.taken:
            wanted += "_"
        self.taken.add(wanted)
        return wanted

    def constant(self, wanted: str, array: Array) -> str:
        """A float32 initializer; integers stay integers."""
        from onnx import helper, numpy_helper

        name = self.name(wanted)
        kind = np.float32 if array.dtype.kind == "f" else np.int64
        tensor = numpy_helper.from_array(np.ascontiguousarray(array.astype(kind)), name)
        self.graph.initializer.append(tensor)
        if self.lists_constants:
            self.graph.input.append(helper.make_tensor_value_info(name, tensor.data_type, tensor.dims))
        return name

    def node(self, operator: str, reads: list[str], wanted: str, **attributes: Any) -> str:  # noqa: ANN401 (of ONNX)
        """A node; the name of what it computes."""
        from onnx import helper

        name = self.name(wanted)
        self.graph.node.append(helper.make_node(operator, reads, [name], **attributes))
        return name

    def entry(self, shape: tuple[int, ...], size: int) -> str:
        """The network's input as one row."""
        if shape == (1, size):
            return str(self.input)
        if shape[0] == 1:
            return self.node("Flatten", [self.input], "row", axis=1)
        return self.node("Reshape", [self.input, self.constant("row_shape", np.array([1, size]))], "row")

    def dense(self, wanted: str, source: str, weights: Array, bias: Array) -> str:
        """A dense layer, weights (outputs, inputs)."""
        names = [self.constant(f"{wanted}_weight", weights), self.constant(f"{wanted}_bias", bias)]
        return self.node("Gemm", [source, *names], wanted, transB=1)

    def relu(self, wanted: str, source: str) -> str:
        """The ReLU of a tensor."""
        return self.node("Relu", [source], f"{wanted}_active")

    def join(self, tensor: str, shape: tuple[int, ...]) -> None:
        """Add a row to the network's outputs, which keep their name."""
        if shape != (1, math.prod(shape)):
            tensor = self.node("Reshape", [tensor, self.constant("shape", np.array(shape))], "shaped")
        before = self.name("before")
        for node in self.graph.node:
            for names in (node.input, node.output):
                for index, name in enumerate(names):
                    if name == self.output:
                        names[index] = before
        self.taken.discard(self.output)
        self.node("Add", [before, tensor], self.output)
