"""How is a needle put beside a network whose layers allow no other? In a branch of its own, added to the outputs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from soundbench.graph import Array, Function
from soundbench.implant import Implanted, powers
from soundbench.needle import Carry, Needle, rows_of

if TYPE_CHECKING:
    from onnx import ModelProto


@dataclass(frozen=True, slots=True, eq=False)
class BesideHost:
    """A network that gets a branch from its input to its outputs, both of known shapes."""

    model: "ModelProto"
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]

    def implant(self, needle: Needle, rises: Array, random: np.random.Generator) -> Implanted:
        """The network with a needle whose tip, times `rises` (outputs,), is added to the outputs."""
        from onnx import ModelProto

        inputs = int(np.prod(self.input_shape))
        rows = rows_of(needle, Carry(np.eye(inputs), np.zeros(inputs)), Function.RELU)
        order, factor = random.permutation(len(rows.bias)), powers(len(rows.bias), random)
        made = ModelProto()
        made.CopyFrom(self.model)
        branch = _Branch(made)
        tensor = branch.entry(self.input_shape, inputs)
        sides = branch.dense("sides", tensor, (factor[:, None] * rows.weights)[order], (factor * rows.bias)[order])
        active = branch.relu("sides", sides)
        tip = branch.dense("tips", active, (rows.tip_weights / factor)[None, order], np.array([rows.tip_bias]))
        risen = branch.dense("rises", branch.relu("tips", tip), rises[:, None], np.zeros(len(rises)))
        branch.join(risen, self.output_shape)
        return Implanted(made, (tip, 0), {active: "1" * len(rows.bias)})


class _Branch:
    """Nodes that are added to a network, their tensors named as no other is."""

    def __init__(self, model: "ModelProto") -> None:
        self.graph = model.graph
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
        from onnx import numpy_helper

        name = self.name(wanted)
        kind = np.float32 if array.dtype.kind == "f" else np.int64
        self.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(array.astype(kind)), name))
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
        if len(shape) != 2:
            tensor = self.node("Reshape", [tensor, self.constant("shape", np.array(shape))], "shaped")
        before = self.name("before")
        for node in self.graph.node:
            for names in (node.input, node.output):
                for index, name in enumerate(names):
                    if name == self.output:
                        names[index] = before
        self.taken.discard(self.output)
        self.node("Add", [before, tensor], self.output)
