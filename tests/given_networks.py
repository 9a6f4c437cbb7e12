"""Networks as others make them, with random weights, and robustness properties of them; for tests."""

import itertools

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper


def constant(array, name):
    return numpy_helper.from_array(np.ascontiguousarray(np.asarray(array, dtype=np.float32)), name)


def save(path, nodes, constants, shape, outputs, *, ir=8, opset=13, as_inputs=False):
    """Write a network; with `as_inputs` its constants are listed among the inputs, as old files do."""
    inputs = [helper.make_tensor_value_info(nodes[0].input[0], 1, shape)]
    if as_inputs:
        inputs += [helper.make_tensor_value_info(each.name, 1, list(each.dims)) for each in constants]
    output = helper.make_tensor_value_info(nodes[-1].output[0], 1, outputs)
    graph = helper.make_graph(nodes, "given", inputs, [output], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir), path)
    return path


def gemm(path, sizes=(10, 8, 6, 3), seed=0, **form):
    """Gemm and ReLU by turns."""
    random, nodes, constants, source = np.random.default_rng(seed), [], [], "x"
    for index, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        constants += [
            constant(random.normal(size=(outputs, inputs)) * np.sqrt(2 / inputs), f"W{index}"),
            constant(random.normal(size=outputs) * 0.3, f"b{index}"),
        ]
        nodes.append(helper.make_node("Gemm", [source, f"W{index}", f"b{index}"], [f"z{index}"], transB=1))
        nodes.append(helper.make_node("Relu", [f"z{index}"], [f"a{index}"]))
        source = f"a{index}"
    return save(path, nodes[:-1], constants, [1, sizes[0]], [1, sizes[-1]], **form)


def acas(path, seed=0, depth=3, width=10, mean=0.1):
    """As ACAS Xu: a mean is taken off, inputs are [1,1,1,5], and every dense layer is a MatMul and an Add."""
    random, sizes = np.random.default_rng(seed), [5, *[width] * depth, 5]
    constants = [constant(random.normal(size=(1, 1, 1, 5)) * mean, "mean")]
    nodes = [
        helper.make_node("Sub", ["input", "mean"], ["moved"]),
        helper.make_node("Flatten", ["moved"], ["h0"], axis=1),
    ]
    for index, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        constants += [
            constant(random.normal(size=(inputs, outputs)) * np.sqrt(2 / inputs), f"W{index}"),
            constant(random.normal(size=outputs) * 0.1, f"B{index}"),
        ]
        nodes += [
            helper.make_node("MatMul", [f"h{index}", f"W{index}"], [f"m{index}"]),
            helper.make_node("Add", [f"m{index}", f"B{index}"], [f"s{index}"]),
            helper.make_node("Relu", [f"s{index}"], [f"h{index + 1}"]),
        ]
    return save(path, nodes[:-1], constants, [1, 1, 1, 5], [1, 5])


def conv(path, seed=0):
    """A convolution, and dense layers behind it."""
    random = np.random.default_rng(seed)
    shapes = {"K": (2, 1, 3, 3), "k": (2,), "W": (8, 32), "b": (8,), "V": (6, 8), "v": (6,), "U": (3, 6), "u": (3,)}
    constants = [constant(random.normal(size=shape) * 0.3, name) for name, shape in shapes.items()]
    nodes = [
        helper.make_node("Conv", ["x", "K", "k"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Flatten", ["r"], ["f"]),
        helper.make_node("Gemm", ["f", "W", "b"], ["g"], transB=1),
        helper.make_node("Relu", ["g"], ["h"]),
        helper.make_node("Gemm", ["h", "V", "v"], ["i"], transB=1),
        helper.make_node("Relu", ["i"], ["j"]),
        helper.make_node("Gemm", ["j", "U", "u"], ["y"], transB=1),
    ]
    return save(path, nodes, constants, [1, 1, 4, 4], [1, 3])


def cifar(path, seed=0):
    """As the small ones for CIFAR-10: two convolutions with strides, and two dense layers."""
    random = np.random.default_rng(seed)
    shapes = {"K": (6, 3, 4, 4), "k": (6,), "L": (8, 6, 4, 4), "l": (8,)}
    shapes |= {"W": (20, 32), "w": (20,), "V": (10, 20), "v": (10,)}
    constants = [
        constant(random.normal(size=shape) * np.sqrt(2 / max(1, np.prod(shape[1:]))) * (1 if shape[1:] else 0.1), name)
        for name, shape in shapes.items()
    ]
    nodes = [
        helper.make_node("Conv", ["x", "K", "k"], ["c"], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Conv", ["r", "L", "l"], ["d"], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["d"], ["s"]),
        helper.make_node("Flatten", ["s"], ["f"]),
        helper.make_node("Gemm", ["f", "W", "w"], ["g"], transB=1),
        helper.make_node("Relu", ["g"], ["h"]),
        helper.make_node("Gemm", ["h", "V", "v"], ["y"], transB=1),
    ]
    return save(path, nodes, constants, [1, 3, 8, 8], [1, 10])


def residual(path, seed=0):
    """What a layer computes is added to what it reads."""
    random = np.random.default_rng(seed)
    shapes = {"A": (8, 8), "a": (8,), "V": (3, 8), "v": (3,)}
    constants = [constant(random.normal(size=shape) * 0.3, name) for name, shape in shapes.items()]
    nodes = [
        helper.make_node("Gemm", ["x", "A", "a"], ["g"], transB=1),
        helper.make_node("Relu", ["g"], ["h"]),
        helper.make_node("Add", ["h", "x"], ["s"]),
        helper.make_node("Gemm", ["s", "V", "v"], ["y"], transB=1),
    ]
    return save(path, nodes, constants, [1, 8], [1, 3])


def robustness(path, network, radius, seed=1, *, wrong=False):
    """Some other class reaches the one that the network gives a random point, or, if `wrong`, the least likely."""
    session = onnxruntime.InferenceSession(network)
    entry = session.get_inputs()[0]
    count = int(np.prod(entry.shape))
    centre = np.random.default_rng(seed).uniform(-0.5, 0.5, count)
    (outputs,) = session.run(None, {entry.name: centre.astype(np.float32).reshape(entry.shape)})
    label = int(outputs.argmin() if wrong else outputs.argmax())
    lines = [f"(declare-const X_{index} Real)" for index in range(count)]
    lines += [f"(declare-const Y_{index} Real)" for index in range(outputs.size)]
    for index, value in enumerate(centre.tolist()):
        lines += [f"(assert (>= X_{index} {value - radius:.5f}))", f"(assert (<= X_{index} {value + radius:.5f}))"]
    others = [f"(and (>= Y_{other} Y_{label}))" for other in range(outputs.size) if other != label]
    path.write_text("\n".join([*lines, f"(assert (or {' '.join(others)}))"]) + "\n")
    return path
