"""Where neurons may change places, and everything that forbids it."""

import numpy as np
import onnx
import pytest
from random_networks import Layer, build

from soundbench.links import Axis, find_links

ROW, IMAGE = (1, 3), (1, 2, 5, 4)


def zeros(*shape):
    return np.zeros(shape, np.float32)


def gemm(inputs, outputs, **attributes):
    return Layer("Gemm", (None, zeros(inputs, outputs), zeros(outputs)), attributes)


def conv(inputs, outputs, **attributes):
    return Layer("Conv", (None, zeros(outputs, inputs, 3, 3), zeros(outputs)), {"pads": [1, 1, 1, 1], **attributes})


FLATTEN, RELU, TANH = Layer("Flatten"), Layer("Relu"), Layer("Tanh")
TO_ROW, TO_MATRIX = (Layer("Reshape", (None, np.array(shape))) for shape in ([1, -1], [4, 20]))


def links(shape, *layers, **options):
    return find_links(build(shape, layers, **options))


def test_dense_layers():
    (link,) = links(ROW, gemm(3, 7), RELU, gemm(7, 2))
    assert link.size == 7
    assert link.made_by == (Axis("C0_1", 1), Axis("C0_2", 0))
    assert link.read_by == Axis("C2_1", 0)
    assert link.is_homogeneous


def test_transposed_weights():
    first = Layer("Gemm", (None, zeros(7, 3)), {"transB": 1})
    (link,) = links(ROW, first, TANH, Layer("Gemm", (None, zeros(2, 7), zeros(1, 2)), {"transB": 1}))
    assert link.made_by == (Axis("C0_1", 0),)
    assert link.read_by == Axis("C2_1", 1)
    assert not link.is_homogeneous


def test_products_and_sums():
    layers = (Layer("MatMul", (None, zeros(3, 7))), Layer("Add", (zeros(1, 7), None)), RELU)
    (link,) = links(ROW, *layers, Layer("MatMul", (None, zeros(7, 2))))
    assert link.made_by == (Axis("C0_1", 1), Axis("C1_0", 1))
    assert link.read_by == Axis("C3_1", 0)


@pytest.mark.parametrize("flat", [FLATTEN, TO_ROW])
def test_channels_are_read_side_by_side_once_they_are_flattened(flat):
    pool = Layer("AveragePool", (None,), {"kernel_shape": [2, 2]})
    first, second = links(IMAGE, conv(2, 3), RELU, conv(3, 6), RELU, pool, flat, gemm(6 * 12, 2))
    assert (first.size, first.made_by, first.read_by) == (3, (Axis("C0_1", 0), Axis("C0_2", 0)), Axis("C2_1", 1))
    assert (second.size, second.read_by) == (6, Axis("C6_1", 0, 12))
    assert second.is_homogeneous


def test_a_sum_after_flattening_has_a_number_a_pixel():
    (link,) = links(IMAGE, conv(2, 3), FLATTEN, Layer("Add", (None, zeros(60))), RELU, gemm(60, 2))
    assert link.made_by[-1] == Axis("C2_1", 0, 20)


@pytest.mark.parametrize(
    ("layer", "is_homogeneous"),
    [
        (Layer("MaxPool", (None,), {"kernel_shape": [2, 2]}), True),
        (Layer("LeakyRelu", (None,), {"alpha": 0.3}), True),
        *((Layer(name), True) for name in ("Relu", "Abs", "Neg", "Identity")),
        *((Layer(name), False) for name in ("Tanh", "Sigmoid", "Exp", "Sign")),
        (Layer("Clip", (None, np.float32(0), np.float32(1))), False),
    ],
    ids=lambda each: getattr(each, "operator", None),
)
def test_functions_of_every_channel(layer, is_homogeneous):
    (link,) = links(IMAGE, conv(2, 3), layer, conv(3, 1))
    assert link.is_homogeneous is is_homogeneous


NO_LINK = {
    "two readers": (ROW, gemm(3, 7), RELU, gemm(7, 7), Layer("Add", (None, "T1"))),
    "the output as well": (ROW, gemm(3, 7), RELU),
    "groups made": (IMAGE, conv(1, 4, group=2), RELU, conv(4, 2)),
    "groups read": (IMAGE, conv(2, 4), RELU, conv(2, 2, group=2)),
    "one bias for all": (ROW, Layer("Gemm", (None, zeros(3, 7), zeros(1))), RELU, gemm(7, 2)),
    "a bias of the wrong kind": (IMAGE, conv(2, 3), Layer("Add", (None, zeros(3, 1, 1))), RELU, conv(3, 1)),
    "a function of all": (ROW, gemm(3, 7), Layer("Softmax", (None,), {"axis": 1}), gemm(7, 2)),
    "rows of a matrix": ((1, 4, 3), Layer("MatMul", (None, zeros(3, 7))), RELU, Layer("MatMul", (None, zeros(7, 2)))),
    "columns": ((2, 2), Layer("MatMul", (zeros(2, 2), None)), RELU, Layer("MatMul", (zeros(2, 2), None))),
    "the width of an image": (IMAGE, conv(2, 4), RELU, Layer("MatMul", (None, zeros(4, 2)))),
    "rows for channels": (IMAGE, conv(2, 4), TO_MATRIX, Layer("MatMul", (None, zeros(20, 2)))),
    "a bias along the width": (IMAGE, conv(2, 4), Layer("Add", (None, zeros(4))), RELU, conv(4, 1)),
    "a transposed operand": ((3, 3), gemm(3, 3), RELU, gemm(3, 2, transA=1)),
    "only added": ((1, 7), gemm(7, 7), RELU, Layer("Gemm", ("X", zeros(7, 7), "T1"))),
    "a transposed image": (IMAGE, conv(2, 2), Layer("Transpose", (None,), {"perm": [0, 1, 3, 2]}), conv(2, 2)),
}  # fmt: skip


@pytest.mark.parametrize("case", NO_LINK)
def test_no_link(case):
    shape, *layers = NO_LINK[case]
    assert links(shape, *layers) == ()


def test_the_same_without_what_forbids_it():
    """The networks above lack a link for the reason that they are named by, and no other."""
    assert links(IMAGE, conv(2, 4), RELU, conv(4, 2))
    assert links(IMAGE, conv(2, 4), TO_ROW, Layer("MatMul", (None, zeros(80, 2))))
    assert links(ROW, gemm(3, 7), RELU, gemm(7, 7))


def test_weights_that_are_no_initializers_stay():
    assert links(ROW, gemm(3, 7), RELU, gemm(7, 2), constant_nodes=True) == ()


def test_weights_that_two_layers_share_stay():
    model = build(ROW, [gemm(3, 3), RELU, gemm(3, 3), RELU, gemm(3, 2)])
    model.graph.node[2].input[1] = "C0_1"
    assert find_links(model) == ()


def test_what_is_an_output_as_well_stays():
    model = build(ROW, [gemm(3, 7), RELU, gemm(7, 2)])
    model.graph.output[0].name = "T1"
    assert find_links(model) == ()


def test_operators_of_others_are_not_looked_through():
    model = build(ROW, [gemm(3, 7), RELU, gemm(7, 2)])
    model.graph.node[1].domain = "example"
    assert find_links(model) == ()
    model.opset_import.append(onnx.helper.make_opsetid("example", 1))
    assert find_links(model) == ()


def test_places_of_maxima_would_change():
    model = build(IMAGE, [conv(2, 3), Layer("MaxPool", (None,), {"kernel_shape": [2, 2]}), conv(3, 1)])
    assert len(find_links(model)) == 1
    model.graph.node[1].output.append("places")
    assert find_links(model) == ()


def test_a_batch_without_a_size_is_no_hindrance():
    model = build(ROW, [gemm(3, 7), RELU, gemm(7, 2)])
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    assert len(find_links(model)) == 1
