"""What a network costs is settled by its file, or it is refused in one line, before anything is run."""

import itertools

import numpy as np
import pytest
from hostile_networks import COSTLY, REFUSED, dropout, integers, model, node, write
from onnx import TensorProto, numpy_helper

from soundbench.errors import InputError
from soundbench.graph import UnsupportedOperator, load_onnx, read_graph
from soundbench.replay import OpenNetwork, open_onnx
from soundbench.static_network import MOST_NODES


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_file_does_not_settle_is_refused_in_one_line(tmp_path, name):
    make, words = REFUSED[name]
    path = write(make(), tmp_path / "n.onnx")
    with pytest.raises(InputError, match=words) as refusal:
        load_onnx(path)
    assert str(refusal.value).startswith(f"{path}: ")
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.parametrize("name", sorted(COSTLY.keys() - {"cycle"}))
def test_large_shapes_that_the_file_settles_are_no_concern_of_reading(tmp_path, name):
    load_onnx(write(COSTLY[name](), tmp_path / "n.onnx"))


@pytest.mark.parametrize("as_node", [False, True])
def test_dropout_for_inference_drops_nothing(tmp_path, as_node):
    path = write(dropout(np.array(False), as_node=as_node), tmp_path / "n.onnx")
    assert [float(each) for each in open_onnx(path).run([1, 2])] == [1, 2]


def test_nodes_out_of_order_are_refused(tmp_path):
    path = write(model([node("Relu", "a"), node("Relu", "X", "a")]), tmp_path / "n.onnx")
    with pytest.raises(InputError, match=r"'Relu' reads 'a', which no earlier node computes; export it again"):
        load_onnx(path)


def test_shapes_computed_from_shapes_are_settled(tmp_path):
    """As PyTorch writes `x.expand(len(x), …)` and `torch.arange`."""
    nodes = [
        node("Shape", "X", "shape"),
        node("Gather", "shape first", "batch", axis=0),
        node("Concat", "batch four", "wanted", axis=0),
        node("Expand", "column wanted", "wide"),
        node("ConstantOfShape", "wanted", "ones", value=numpy_helper.from_array(integers(1))),
        node("NonZero", "ones", "places"),
        node("Cast", "places", "numbers", to=TensorProto.FLOAT),
        node("ReduceSum", "numbers", "total"),
        node("ReduceSum", "X", "sum"),
        node("Add", "wide sum", "moved"),
        node("Add", "moved total"),
    ]
    constants = {"first": integers(0), "four": integers(4), "column": np.ones((1, 1), np.float32)}
    path = write(model(nodes, constants), tmp_path / "n.onnx")
    assert [float(each) for each in open_onnx(path).run([1, 2])] == [10, 10, 10, 10]


def test_a_shape_that_hides_behind_another_is_not_settled(tmp_path):
    nodes = [node("NonZero", "X", "places"), node("Shape", "places", "shape"), node("ConstantOfShape", "shape")]
    with pytest.raises(InputError, match="the shape that 'NonZero' gives depends on values of the input"):
        load_onnx(write(model(nodes), tmp_path / "n.onnx"))


def test_as_many_nodes_as_may_be(tmp_path):
    names = ["X", *(f"t{step}" for step in range(MOST_NODES - 1)), "Y"]
    made = model([node("Relu", first, second) for first, second in itertools.pairwise(names)])
    assert len(load_onnx(write(made, tmp_path / "n.onnx")).graph.node) == MOST_NODES


@pytest.mark.parametrize("kind", [np.int64, np.int8, np.float32, np.float16, np.bool_])
def test_numbers_that_are_in_the_file_are_held_however_they_are_packed(tmp_path, kind):
    array = np.zeros((3, 0, 2), kind), np.zeros(1000, kind), np.zeros((), kind)
    made = model([node("Relu", "X")], {str(place): each for place, each in enumerate(array)})
    packed = made.graph.initializer.add()
    packed.name, packed.data_type = "packed", TensorProto.INT64
    packed.dims.append(1000)
    packed.int64_data.extend([0] * 1000)
    load_onnx(write(made, tmp_path / "n.onnx"))


def test_small_weights_whose_matrices_are_large_together_have_no_exact_meaning(tmp_path, monkeypatch):
    """Each row of a tensor times a number: as a matrix, that is one of rows times rows."""
    names = ["X", "t1", "t2", "Y"]
    nodes = [node("MatMul", f"{first} w", second) for first, second in itertools.pairwise(names)]
    made = model(
        [node("Reshape", "X shape", "t0"), *nodes], {"w": np.ones((1, 1), np.float32), "shape": integers(2, 1)}
    )
    made.graph.node[1].input[0] = "t0"
    path = write(made, tmp_path / "n.onnx")
    monkeypatch.setattr("soundbench.operators.MOST_ENTRIES", 12)
    assert OpenNetwork(path).graph is not None
    monkeypatch.setattr("soundbench.operators.MOST_ENTRIES", 11)
    assert OpenNetwork(path).graph is None
    with pytest.raises(UnsupportedOperator, match=r"n\.onnx: its matrices have more than 11 entries in all"):
        read_graph(path)


def test_tensors_that_double_and_double_are_refused_by_size(tmp_path):
    with pytest.raises(UnsupportedOperator, match="more than 50000000"):
        read_graph(write(COSTLY["doubling"](), tmp_path / "n.onnx"))
