"""Networks in other words compute the same: over the reals exactly, and rescaled ones to the last bit."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import numpy_helper
from random_networks import Layer, build, random_network, random_point, read, run_float32

from soundbench.network_variants import gemm, matmul_add, other_order, permuted, rescaled
from soundbench.rigorous import evaluate
from soundbench.rounding import float32_error

RANDOM = st.integers(0, 2**32 - 1).map(np.random.default_rng)
FUNCTIONS = "Relu", "Sigmoid", "Tanh", "LeakyRelu", "Abs", "Neg", "Clip"
REWRITES = {
    "permuted": permuted,
    "rescaled": rescaled,
    "matmul-add": lambda model, _: matmul_add(model),
    "gemm": lambda model, _: gemm(model),
}


def initializers(model):
    return {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}


def operators(model):
    return [node.op_type for node in model.graph.node]


def dense(random, sizes=(4, 6, 5, 3), factor=1.0):
    """A network of dense layers with ReLU between them."""
    layers = []
    for inputs, outputs in pairwise(sizes):
        weights = (factor * random.normal(size=(inputs, outputs))).astype(np.float32)
        layers += [Layer("Gemm", (None, weights, random.normal(size=outputs).astype(np.float32))), Layer("Relu")]
    return build((1, sizes[0]), layers[:-1])


def assert_same_function(model, made, random):
    """Equal in ball arithmetic, and close in ONNX Runtime, at a random point."""
    graphs = read(model), read(made)
    point = random_point(random, -np.ones(graphs[0].input_count), np.ones(graphs[0].input_count))
    for (low, high), (other_low, other_high) in zip(*(evaluate(graph, point) for graph in graphs), strict=True):
        assert low <= other_high
        assert other_low <= high
        assert high - low < 1e-9
    limits = sum(float32_error(graph, point) for graph in graphs).tolist()
    outputs = run_float32(model, point), run_float32(made, point)
    assert all(abs(a - b) <= limit for a, b, limit in zip(*outputs, limits, strict=True))
    return outputs


@pytest.mark.parametrize("kind", REWRITES)
@given(RANDOM)
def test_a_random_network_computes_the_same(kind, random):
    model = random_network(random, FUNCTIONS)
    made = REWRITES[kind](model, random)
    if made is None:
        return
    assert made.SerializeToString() != model.SerializeToString()
    outputs, others = assert_same_function(model, made, random)
    if kind == "rescaled":
        assert outputs == others


@pytest.mark.parametrize("kind", ["permuted", "rescaled"])
@given(RANDOM)
def test_maxima_over_windows(kind, random):
    """Where images become rows, after which no window fits."""
    shapes = [(6, 2, 3, 3), (6,), (6 * 9, 2)]
    kernel, bias, last = (random.normal(size=shape).astype(np.float32) for shape in shapes)
    layers = [
        Layer("Conv", (None, kernel, bias), {"pads": [1, 1, 1, 1]}),
        Layer("MaxPool", (None,), {"kernel_shape": [2, 2]}),
    ]
    model = build((1, 2, 4, 4), [*layers, Layer("Flatten"), Layer("Gemm", (None, last))])
    outputs, others = assert_same_function(model, REWRITES[kind](model, random), random)
    if kind == "rescaled":
        assert outputs == others


@pytest.mark.parametrize("kind", ["permuted", "rescaled", "matmul-add"])
def test_random_networks_have_it(kind):
    random = np.random.default_rng(0)
    networks = [random_network(random, ["Relu"]) for _ in range(40)]
    made = [REWRITES[kind](each, random) for each in networks if each.graph.initializer]
    assert sum(each is not None for each in made) >= 5


@given(size=st.integers(2, 4), random=RANDOM)
def test_an_order_is_another_one(size, random):
    order = other_order(size, random)
    assert sorted(order.tolist()) == list(range(size))
    assert order.tolist() != list(range(size))


def test_of_one_neuron_there_is_one_order():
    assert other_order(1, np.random.default_rng(0)).tolist() == [0]


@given(RANDOM)
def test_every_hidden_neuron_may_move(random):
    model = dense(random, (4, 50, 40, 3))
    before, after = initializers(model), initializers(permuted(model, random))
    assert before.keys() == after.keys()
    assert {name for name in before if not np.array_equal(before[name], after[name])} == set(before) - {"C4_2"}
    for name, array in before.items():
        assert sorted(array.ravel().tolist()) == sorted(after[name].ravel().tolist())


@given(RANDOM)
def test_factors_are_powers_of_two_of_either_sign(random):
    model = dense(random, (4, 50, 40, 3))
    after = initializers(rescaled(model, random))
    ratios = after["C0_2"] / initializers(model)["C0_2"]
    assert set(np.log2(ratios).tolist()) <= set(range(-8, 9))
    assert min(ratios) < 1 < max(ratios)


@pytest.mark.parametrize("factor", [1e-39, 1e37])
def test_a_network_whose_numbers_leave_the_range_of_floats_is_not_rescaled(factor):
    assert rescaled(dense(np.random.default_rng(0), factor=factor), np.random.default_rng(1)) is None


def test_what_is_not_homogeneous_is_not_rescaled():
    model = dense(np.random.default_rng(0))
    for node in model.graph.node:
        if node.op_type == "Relu":
            node.op_type = "Sigmoid"
    assert rescaled(model, np.random.default_rng(1)) is None
    assert permuted(model, np.random.default_rng(1)) is not None


@pytest.mark.parametrize("kind", ["permuted", "rescaled"])
def test_the_same_numbers_make_the_same_network(kind):
    model = dense(np.random.default_rng(0))
    one, again, other = (REWRITES[kind](model, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.SerializeToString(deterministic=True) == again.SerializeToString(deterministic=True)
    assert one.SerializeToString(deterministic=True) != other.SerializeToString(deterministic=True)


def test_the_original_stays_as_it_is():
    model = dense(np.random.default_rng(0))
    before = model.SerializeToString(deterministic=True)
    for rewrite in REWRITES.values():
        rewrite(model, np.random.default_rng(1))
    assert model.SerializeToString(deterministic=True) == before


# --- dense layers as other operators


def test_there_and_back():
    model = dense(np.random.default_rng(0))
    split = matmul_add(model)
    assert operators(split) == ["MatMul", "Add", "Relu", "MatMul", "Add", "Relu", "MatMul", "Add"]
    back = gemm(split)
    assert operators(back) == operators(model)
    assert [node.output[0] for node in back.graph.node] == [node.output[0] for node in model.graph.node]
    assert matmul_add(split) is None
    assert gemm(model) is None


@pytest.mark.parametrize("transposed", [0, 1])
@pytest.mark.parametrize("bias", [None, (), (1,), (5,), (1, 5)])
def test_a_gemm_of_every_form_is_split(transposed, bias):
    random = np.random.default_rng(0)
    weights = random.normal(size=(5, 3) if transposed else (3, 5)).astype(np.float32)
    operands = (None, weights) if bias is None else (None, weights, random.normal(size=bias).astype(np.float32))
    model = build((1, 3), [Layer("Gemm", operands, {"transB": transposed, "alpha": 1.0})])
    split = matmul_add(model)
    assert operators(split) == (["MatMul"] if bias is None else ["MatMul", "Add"])
    assert_same_function(model, split, random)


@pytest.mark.parametrize("attributes", [{"alpha": 2.0}, {"beta": 0.5}])
def test_a_gemm_that_does_more_stays(attributes):
    weights = np.ones((3, 3), np.float32)
    assert matmul_add(build((1, 3), [Layer("Gemm", (None, weights, weights[0]), attributes)])) is None


def test_new_names_are_new():
    """The names that come first to mind are taken."""
    model = dense(np.random.default_rng(0), (4, 6, 3))
    model.graph.node[1].output[0] = model.graph.node[2].input[0] = "T0_matrix"
    assert_same_function(model, matmul_add(model), np.random.default_rng(1))


PRODUCT = Layer("MatMul", (None, np.ones((3, 5), np.float32)))
ADD = Layer("Add", (None, np.ones(5, np.float32)))
NO_GEMM = {
    "rows of a matrix": ((1, 2, 3), PRODUCT, ADD),
    "a number for all": ((1, 3), PRODUCT, Layer("Add", (None, np.ones(1, np.float32)))),
    "two tensors": ((1, 3), PRODUCT, Layer("Add", (None, None))),
    "the product is read again": ((1, 3), PRODUCT, ADD, Layer("Add", (None, "T0"))),
    "nothing is added": ((1, 3), PRODUCT, Layer("Relu")),
}  # fmt: skip


@pytest.mark.parametrize("case", NO_GEMM)
def test_no_gemm(case):
    shape, *layers = NO_GEMM[case]
    assert gemm(build(shape, layers)) is None


@pytest.mark.parametrize("sides", [(None, "bias"), ("bias", None)])
def test_a_sum_on_either_side_is_joined(sides):
    bias = np.arange(5, dtype=np.float32)
    model = build((1, 3), [PRODUCT, Layer("Add", tuple(bias if side else None for side in sides)), Layer("Relu")])
    joined = gemm(model)
    assert operators(joined) == ["Gemm", "Relu"]
    assert_same_function(model, joined, np.random.default_rng(0))
