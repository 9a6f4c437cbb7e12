"""What a file says of its operators is told in words, and what it leaves at ONNX's defaults is not."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from random_networks import Layer, build

from soundbench.errors import InputError
from soundbench.network_features import NetworkSize, network_features, network_size

IMAGE = (1, 2, 4, 4)
KERNEL = np.ones((2, 2, 3, 3), dtype=np.float32)
ONES = np.ones(2, dtype=np.float32)
SIGNS = np.array([1, -1], dtype=np.float32)
EYE = np.eye(4, dtype=np.float32)


def whole(*values):
    return np.array(values, dtype=np.int64)


def conv(**attributes):
    return Layer("Conv", (None, KERNEL, ONES), attributes)


def pool(operator="AveragePool", **attributes):
    return Layer(operator, attributes={"kernel_shape": [2, 2], **attributes})


def normalisation(scale):
    return Layer("BatchNormalization", (None, scale, ONES, ONES, ONES), {"momentum": 0.5})


PARTICULAR = [
    (conv(), set()),
    (conv(strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1, kernel_shape=[3, 3]), set()),
    (conv(strides=[2, 1]), {"strides 2x1"}),
    (conv(dilations=[1, 2], pads=[1, 2, 1, 2]), {"dilations 1x2", "pads"}),
    (conv(pads=[0, 2, 1, 0]), {"pads asymmetric"}),
    (conv(auto_pad="SAME_UPPER"), {"auto_pad SAME_UPPER"}),
    (Layer("Conv", (None, KERNEL[:, :1]), {"group": 2}), {"group", "without bias"}),
    (Layer("Conv", (None, KERNEL[..., :2], ONES), {"kernel_shape": [3, 2]}), {"kernel not square"}),
    (Layer("ConvTranspose", (None, KERNEL, ONES), {"strides": [2, 2], "output_padding": [1, 0]}),
     {"strides 2x2", "output_padding 1x0"}),
    (pool(strides=[2, 2]), {"strides 2x2"}),
    (pool(), {"kernel other than stride"}),
    (pool(pads=[1, 0, 0, 1]), {"kernel other than stride", "pads asymmetric", "padding not counted"}),
    (pool(pads=[1, 1, 1, 1], count_include_pad=1), {"kernel other than stride", "pads", "count_include_pad 1"}),
    (pool("MaxPool", pads=[1, 1, 1, 1], ceil_mode=1), {"kernel other than stride", "pads", "ceil_mode 1"}),
    (normalisation(ONES), set()),
    (normalisation(SIGNS), {"negative scale"}),
    (Layer("LeakyRelu", attributes={"alpha": 0.01}), set()),
    (Layer("LeakyRelu", attributes={"alpha": 0.2}), {"alpha"}),
    (Layer("Transpose", attributes={"perm": [0, 1, 3, 2]}), {"its own inverse"}),
    (Layer("Transpose", attributes={"perm": [0, 2, 3, 1]}), {"not its own inverse"}),
    (Layer("Flatten", attributes={"axis": 1}), set()),
    (Layer("Flatten", attributes={"axis": 3}), {"axis 3"}),
    (Layer("Softmax", attributes={"axis": -1}), set()),
    (Layer("Softmax", attributes={"axis": 1}), {"axis 1"}),
    (Layer("ReduceMean", attributes={"axes": [2, 3], "keepdims": 0}), {"axes 2x3", "keepdims 0"}),
    (Layer("Add", (None, EYE)), {"of the input"}),
    (Layer("Add", ("X", "X")), {"of the input", "of two tensors"}),
    (Layer("Mul", (None, -EYE)), {"of the input", "negative constant"}),
    (Layer("Div", (None, EYE + 1)), {"of the input"}),
    (Layer("MatMul", (None, EYE)), set()),
    (Layer("MatMul", (EYE, None)), {"constant on the left"}),
    (Layer("MatMul", ("X", "X")), {"of two tensors"}),
    (Layer("Reshape", (None, whole(1, 32))), set()),
    (Layer("Reshape", (None, whole(0, -1))), {"copies a size", "infers a size"}),
    (Layer("Slice", (None, whole(3), whole(0), whole(3), whole(-1))), {"backwards"}),
    (Layer("Slice", (None, whole(0), whole(2), whole(3), whole(1))), set()),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "words"), PARTICULAR)
@pytest.mark.parametrize("constant_nodes", [False, True])
def test_one_operator(layer, words, constant_nodes):
    model = build(IMAGE, [layer], constant_nodes=constant_nodes)
    name = layer.operator
    assert network_features(model, "file") == {name, *(f"{name} {each}" for each in words)}


GEMM = [
    ({}, {"not transposed"}),
    ({"transB": 1}, {"transB 1"}),
    ({"transB": 1, "alpha": 0.5, "beta": -2.0}, {"transB 1", "alpha", "beta"}),
    ({"transB": 1, "alpha": 1.0, "beta": 1.0, "transA": 0}, {"transB 1"}),
]


@pytest.mark.parametrize(("attributes", "words"), GEMM)
def test_gemm(attributes, words):
    model = build((1, 4), [Layer("Gemm", (None, EYE, np.ones(4, np.float32)), attributes)])
    assert network_features(model, "file") == {"Gemm", *(f"Gemm {each}" for each in words)}


def test_a_network_has_what_its_nodes_have():
    layers = [conv(), Layer("Relu"), conv(strides=[2, 2]), Layer("Relu")]
    assert network_features(build(IMAGE, layers), "file") == {"Conv", "Conv strides 2x2", "Relu"}


def test_only_what_computes_from_the_input_counts():
    layers = [Layer("Neg", (EYE,)), Layer("Relu", ("T0",)), Layer("Add", ("X", "T1"))]
    model = build(IMAGE, layers)
    assert network_features(model, "file") == {"Add", "Add of the input"}
    assert network_size(model, "file") == NetworkSize(nodes=1, parameters=16)


def test_sizes():
    model = build(IMAGE, [conv(), Layer("Reshape", (None, whole(1, -1)))])
    assert network_size(model, "file") == NetworkSize(nodes=2, parameters=36 + 2)


def test_an_operator_that_is_not_of_onnx_has_its_name_alone():
    model = build(IMAGE, [Layer("Relu")])
    model.graph.node[0].CopyFrom(helper.make_node("Own", ["X"], ["T0"], domain="my.own", strides=3, pads="all"))
    model.opset_import.append(helper.make_opsetid("my.own", 1))
    assert network_features(model, "file") == {"my.own.Own"}


def unknown(model):
    model.graph.node[0].op_type = "Relo"


def wrong_type(model):
    model.graph.node[0].attribute.append(helper.make_attribute("strides", 1.5))


def no_text(model):
    model.graph.node[0].attribute.append(helper.make_attribute("auto_pad", b"\xff"))


def text_for_numbers(model):
    model.graph.node[1].input[1] = "words"
    model.graph.initializer.append(helper.make_tensor("words", TensorProto.STRING, [1], [b"all"]))


@pytest.mark.parametrize("change", [unknown, wrong_type, no_text, text_for_numbers])
def test_what_is_malformed_is_told_in_one_line(change):
    model = build(IMAGE, [conv(), normalisation(SIGNS)])
    change(model)
    with pytest.raises(InputError, match=r"^file: node 'N[01]' ") as refusal:
        network_features(model, "file")
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.parametrize("order", [[], [5, -7], [0, 0, 0], [3, 1, 2, 0]])
def test_any_order_of_axes_is_told(order):
    model = onnx.ModelProto()
    model.CopyFrom(build(IMAGE, [Layer("Relu")]))
    model.graph.node[0].CopyFrom(helper.make_node("Transpose", ["X"], ["T0"]))
    model.graph.node[0].attribute.append(helper.make_attribute("perm", order, attr_type=onnx.AttributeProto.INTS))
    assert {each.partition(" ")[0] for each in network_features(model, "file")} == {"Transpose"}
