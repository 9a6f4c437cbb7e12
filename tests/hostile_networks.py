"""Networks that somebody has made to do harm: each small as a file, and more than a machine can run or hold."""

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

TERABYTES = 2**42
ROUNDS = 2**40

X = helper.make_tensor_value_info("X", TensorProto.FLOAT, [1, 2])
Y = helper.make_tensor_value_info("Y", TensorProto.FLOAT, None)


def model(nodes, constants: Mapping[str, np.ndarray] | None = None, **more) -> onnx.ModelProto:
    """A network from X, of shape (1, 2), to Y; `constants` are its initializers."""
    held = [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()]
    graph = helper.make_graph(nodes, "network", [X], [Y], held)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8, **more)


def node(operator: str, inputs: str, outputs: str = "Y", **attributes) -> onnx.NodeProto:
    """A node; its inputs and outputs are separated by spaces."""
    return helper.make_node(operator, inputs.split(), outputs.split(), **attributes)


def integers(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def body(nodes, inputs, outputs) -> onnx.GraphProto:
    """A graph within a node; inputs and outputs are pairs of a name and a type."""
    kinds = {
        name: helper.make_tensor_value_info(name, kind, None)
        for name, kind in {**dict(inputs), **dict(outputs)}.items()
    }
    return helper.make_graph(nodes, "body", [kinds[name] for name, _ in inputs], [kinds[name] for name, _ in outputs])


def loop(rounds: np.ndarray) -> onnx.ModelProto:
    """So many rounds of nothing much."""
    number, flag, floats = TensorProto.INT64, TensorProto.BOOL, TensorProto.FLOAT
    within = body(
        [node("Identity", "go", "more"), node("Relu", "x", "y")],
        [("round", number), ("go", flag), ("x", floats)],
        [("more", flag), ("y", floats)],
    )
    return model([node("Loop", "rounds on X", body=within)], {"rounds": rounds, "on": np.array(True)})


def loop_of_rounds_of_the_input() -> onnx.ModelProto:
    """As many rounds as the input says: none at zero."""
    made = loop(integers(1))
    del made.graph.initializer[0]
    made.graph.node.insert(0, node("Cast", "first", "rounds", to=TensorProto.INT64))
    made.graph.node.insert(0, node("ReduceSum", "X", "first", keepdims=0))
    return made


def branch() -> onnx.ModelProto:
    floats = TensorProto.FLOAT
    same = body([node("Relu", "X", "y")], [], [("y", floats)])
    return model([node("If", "on", then_branch=same, else_branch=same)], {"on": np.array(True)})


def scan() -> onnx.ModelProto:
    floats = TensorProto.FLOAT
    same = body([node("Relu", "x", "y")], [("x", floats)], [("y", floats)])
    return model([node("Scan", "X", body=same, num_scan_inputs=1)])


def sequence_map() -> onnx.ModelProto:
    floats = TensorProto.FLOAT
    same = body([node("Relu", "x", "y")], [("x", floats)], [("y", floats)])
    made = model(
        [
            node("SequenceConstruct", "X", "several"),
            node("SequenceMap", "several", "done", body=same),
            node("ConcatFromSequence", "done", axis=0),
        ]
    )
    made.opset_import[0].version = 17
    return made


def local_function() -> onnx.ModelProto:
    """A node that calls a function of the file's own, which calls itself twice, and so on."""
    functions = [
        helper.make_function(
            "own",
            f"F{depth}",
            ["x"],
            ["y"],
            [
                helper.make_node(f"F{depth + 1}", ["x"], ["z"], domain="own"),
                helper.make_node(f"F{depth + 1}", ["z"], ["y"], domain="own"),
            ]
            if depth < 40
            else [node("Relu", "x", "y")],
            [helper.make_opsetid("", 13), helper.make_opsetid("own", 1)],
        )
        for depth in range(41)
    ]
    made = model([node("F0", "X", domain="own")], functions=functions)
    made.opset_import.append(helper.make_opsetid("own", 1))
    return made


def constant_of_shape() -> onnx.ModelProto:
    return model([node("ConstantOfShape", "shape", "c"), node("Add", "X c")], {"shape": integers(TERABYTES, 1)})


def expand() -> onnx.ModelProto:
    return model([node("Expand", "X shape")], {"shape": integers(TERABYTES, 2)})


def tile() -> onnx.ModelProto:
    return model([node("Tile", "X repeats")], {"repeats": integers(TERABYTES, 1)})


def shape_of_the_input(operator: str) -> onnx.ModelProto:
    """The input says how large: nothing at zero."""
    nodes = [node("Cast", "X", "whole", to=TensorProto.INT64), node("Reshape", "whole flat", "shape")]
    last = node("ConstantOfShape", "shape") if operator == "ConstantOfShape" else node(operator, "X shape")
    return model([*nodes, last], {"flat": integers(2)})


def resize() -> onnx.ModelProto:
    floats = np.array([1, 1, 2.0**21, 2.0**21], np.float32)
    nodes = [node("Reshape", "X shape", "image"), helper.make_node("Resize", ["image", "", "scales"], ["Y"])]
    return model(nodes, {"shape": integers(1, 1, 1, 2), "scales": floats})


def sums_that_double() -> onnx.ModelProto:
    """Each node doubles what the one before it has."""
    names = ["X", *(f"t{step}" for step in range(41)), "Y"]
    return model([node("Concat", f"{first} {first}", second, axis=0) for first, second in itertools.pairwise(names)])


def products_without_end() -> onnx.ModelProto:
    """Small as tensors go, but years of multiplying."""
    nodes = [node("Expand", "X shape", "wide"), node("Transpose", "wide", "t0", perm=[1, 0])]
    nodes = [node("Expand", "first shape", "t0"), *(node("MatMul", f"t{i} t{i}", f"t{i + 1}") for i in range(1000))]
    nodes = [node("ReduceSum", "X", "first"), *nodes, node("Identity", "t1000", "Y")]
    return model(nodes, {"shape": integers(4096, 4096)})


def external() -> onnx.ModelProto:
    made = model([node("Add", "X w")], {"w": np.zeros((1, 2), np.float32)})
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    return made


def external_in_a_constant() -> onnx.ModelProto:
    tensor = external().graph.initializer[0]
    return model([node("Constant", "", "w", value=tensor), node("Add", "X w")])


def no_data() -> onnx.ModelProto:
    made = model([node("Add", "X w")], {"w": np.zeros((1, 2), np.float32)})
    made.graph.initializer[0].dims[:] = [TERABYTES, 2]
    made.graph.initializer[0].raw_data = b""
    return made


def sparse() -> onnx.ModelProto:
    made = model([node("Add", "X w")])
    values = numpy_helper.from_array(np.ones(1, np.float32), "w")
    places = numpy_helper.from_array(integers(0), "places")
    made.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [TERABYTES]))
    return made


def cycle() -> onnx.ModelProto:
    return model([node("Add", "X b", "a"), node("Relu", "a", "b"), node("Relu", "b")])


def a_million_nodes() -> onnx.ModelProto:
    names = ["X", *(f"t{step}" for step in range(10**6 - 1)), "Y"]
    return model([node("Relu", first, second) for first, second in itertools.pairwise(names)])


def huge_input() -> onnx.ModelProto:
    made = model([node("Relu", "X")])
    made.graph.input[0].type.tensor_type.shape.dim[1].dim_value = TERABYTES
    return made


def other_domain() -> onnx.ModelProto:
    made = model([helper.make_node("Gelu", ["X"], ["Y"], domain="com.microsoft")])
    made.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return made


def random(operator: str, reads: str, **attributes) -> onnx.ModelProto:
    """The input, and numbers of nobody's choice."""
    nodes = [node(operator, reads, "drawn", **attributes), node("Cast", "drawn", "r", to=1), node("Add", "X r")]
    made = model(nodes, {"half": np.full((1, 2), 0.5, np.float32)})
    made.opset_import[0].version = 15
    return made


def dropout(training: np.ndarray | None, *, as_node: bool = False) -> onnx.ModelProto:
    """Dropout with a third operand that is an initializer, a node's, or a comparison of the input."""
    constants = {"half": np.array(0.5, np.float32)}
    nodes = [node("Dropout", "X half training")]
    if training is None:
        nodes = [node("Cast", "X", "training", to=TensorProto.BOOL), *nodes]
    elif as_node:
        nodes = [node("Constant", "", "training", value=numpy_helper.from_array(training)), *nodes]
    else:
        constants["training"] = training
    return model(nodes, constants)


# Those that are refused for what they are, and by which words; and those that are refused for what they take.
REFUSED: Mapping[str, tuple[Callable[[], onnx.ModelProto], str]] = {
    "loop": (lambda: loop(integers(ROUNDS)), "control flow"),
    "loop of the input": (loop_of_rounds_of_the_input, "control flow"),
    "branch": (branch, "control flow"),
    "scan": (scan, "control flow"),
    "sequence map": (sequence_map, "control flow"),
    "function": (local_function, "functions of its own"),
    "external": (external, "lie in other files"),
    "external in a constant": (external_in_a_constant, "lie in other files"),
    "no data": (no_data, "which the file has not"),
    "sparse": (sparse, "sparse"),
    "shape of the input": (lambda: shape_of_the_input("ConstantOfShape"), "of the input"),
    "expand to the input": (lambda: shape_of_the_input("Expand"), "of the input"),
    "tile by the input": (lambda: shape_of_the_input("Tile"), "of the input"),
    "many nodes": (a_million_nodes, "nodes"),
    "huge input": (huge_input, "numbers"),
    "other domain": (other_domain, "com.microsoft"),
    "uniform": (lambda: random("RandomUniform", "", shape=[1, 2]), "'RandomUniform' gives other numbers each time"),
    "normal": (lambda: random("RandomNormal", "", shape=[1, 2], seed=1.0), "other numbers each time"),
    "uniform like": (lambda: random("RandomUniformLike", "half"), "other numbers each time"),
    "normal like the input": (lambda: random("RandomNormalLike", "X"), "other numbers each time"),
    "bernoulli": (lambda: random("Bernoulli", "half"), "other numbers each time"),
    "multinomial": (lambda: random("Multinomial", "half", sample_size=2), "other numbers each time"),
    "dropout": (lambda: dropout(np.array(True)), "'Dropout' in training"),
    "dropout by a node": (lambda: dropout(np.array(True), as_node=True), "'Dropout' in training"),
    "dropout by the input": (lambda: dropout(None), "'Dropout' in training"),
}
COSTLY: Mapping[str, Callable[[], onnx.ModelProto]] = {
    "constant of shape": constant_of_shape,
    "expand": expand,
    "tile": tile,
    "resize": resize,
    "doubling": sums_that_double,
    "products": products_without_end,
    "cycle": cycle,
}


def write(made: onnx.ModelProto, path: Path) -> Path:
    path.write_bytes(made.SerializeToString())
    return path
