"""Wherever a needle is put, the network computes what it did, and the needle's tip times the rises."""

import numpy as np
import onnx
import pytest
from given_networks import acas, conv, gemm, residual
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from soundbench.beside import BesideHost
from soundbench.graph import Function, evaluate_float64
from soundbench.implant import DenseHost, dense_host
from soundbench.needle import Carry, Needle, rows_of
from soundbench.operators import lower
from soundbench.replay import open_onnx

MAKERS = {"gemm": gemm, "acas": acas, "conv": conv, "residual": residual}


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("given")
    made = {name: make(folder / f"{name}.onnx") for name, make in MAKERS.items()}
    made["deep"] = gemm(folder / "deep.onnx", (6, 7, 5, 8, 4, 2))
    made["shallow"] = gemm(folder / "shallow.onnx", (6, 7, 2))
    made["old"] = gemm(folder / "old.onnx", ir=3, opset=9, as_inputs=True)
    return made


def host_of(path):
    model = onnx.load(path)
    graph = lower(model, "given")
    shape = tuple(each.dim_value for each in model.graph.output[0].type.tensor_type.shape.dim)
    return model, graph, dense_host(model, graph) or BesideHost(model, graph.input_shape, shape)


def test_layers_that_allow_it_are_found(networks):
    kinds = {name: type(host_of(path)[2]) for name, path in networks.items()}
    assert {name for name, kind in kinds.items() if kind is DenseHost} == {"gemm", "acas", "deep", "old"}
    assert {name for name, kind in kinds.items() if kind is BesideHost} == {"conv", "residual", "shallow"}


@settings(deadline=None, max_examples=40)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_the_outputs_are_those_of_before_and_the_needles(networks, data, seed):
    model, graph, host = host_of(networks[data.draw(st.sampled_from(sorted(networks)))])
    random = np.random.default_rng(seed)
    inputs, outputs = graph.input_count, graph.output_count
    reads = tuple(sorted(random.choice(inputs, min(5, inputs), replace=False).tolist()))
    center = random.uniform(-1, 1, len(reads)).astype(np.float32).astype(np.float64)
    needle = Needle(reads, center, random.uniform(0.5, 2.0, len(reads)), 1.0, 0, np.zeros(len(reads)))
    rises = random.normal(size=outputs)
    implanted = host.implant((needle,), rises, random)
    onnx.checker.check_model(implanted.model, full_check=True)
    after = lower(implanted.model, "implanted")
    points = np.vstack([random.normal(size=(20, inputs)), np.zeros((1, inputs))])
    points[-1, list(reads)] = center
    rows = rows_of(needle, Carry(np.eye(inputs), np.zeros(inputs)), Function.RELU)
    height = np.maximum(np.maximum(points @ rows.weights.T + rows.bias, 0) @ rows.tip_weights + rows.tip_bias, 0)
    assert height[-1] == pytest.approx(1)
    values, before = evaluate_float64(after, points), evaluate_float64(graph, points)[graph.output]
    assert values[after.output] == pytest.approx(before + height[:, None] * rises, abs=1e-4, rel=1e-4)
    tensor, neuron = implanted.tips[0]
    tip = np.maximum(values[tensor][:, neuron], 0)
    assert tip / tip[-1] == pytest.approx(height, abs=1e-4)
    (step,) = [step for step in after.steps if step.output in implanted.slopes]
    assert len(implanted.slopes[step.output]) == after.sizes[step.output]
    assert implanted.slopes[step.output].count("1") == 2 * len(reads)
    assert model == host.model


def test_what_was_there_is_not_rounded(networks):
    """Far from the needle the outputs are the same bits, summed up in whatever order: here, of one neuron a layer."""
    path = networks["gemm"]
    model, _graph, host = host_of(path)
    needle = Needle((0, 1, 2, 3), np.full(4, 9.0), np.full(4, 0.1), 1.0, 0, np.zeros(4))
    implanted = host.implant((needle,), np.ones(3), np.random.default_rng(0))
    before = {each.name: onnx.numpy_helper.to_array(each) for each in model.graph.initializer}
    after = {each.name: onnx.numpy_helper.to_array(each) for each in implanted.model.graph.initializer}
    for name, array in before.items():
        exponents = [np.ldexp(np.float32(1), power) for power in range(-4, 5)]
        scaled = {float(value) for power in exponents for value in (array * power).ravel()}
        kept = [value for value in after[name].ravel().tolist() if value in scaled]
        assert len(kept) >= array.size


def test_layers_that_something_else_reads_are_left_alone(tmp_path):
    model = onnx.load(gemm(tmp_path / "gemm.onnx", (6, 7, 7, 2)))
    graph = model.graph
    graph.node.insert(4, helper.make_node("Add", ["a1", "a0"], ["sum"]))
    graph.node[5].input[0] = "sum"
    assert dense_host(model, lower(model, "given")) is None


def test_another_activation_takes_no_needle(tmp_path):
    model = onnx.load(gemm(tmp_path / "gemm.onnx"))
    for node in model.graph.node:
        if node.op_type == "Relu":
            node.op_type = "Tanh"
    assert dense_host(model, lower(model, "given")) is None


def test_a_shape_that_is_no_row_gets_one(tmp_path):
    model = onnx.load(gemm(tmp_path / "gemm.onnx", (6, 7, 2)))
    model.graph.node.append(helper.make_node("Reshape", [model.graph.output[0].name, "to"], ["cube"]))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([1, 2, 1]), "to"))
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("cube", 1, [1, 2, 1]))
    graph = lower(model, "given")
    host = BesideHost(model, graph.input_shape, (1, 2, 1))
    needle = Needle((0, 1, 2, 3), np.zeros(4), np.ones(4), 1.0, 0, np.zeros(4))
    implanted = host.implant((needle,), np.array([3.0, -4.0]), np.random.default_rng(0))
    onnx.checker.check_model(implanted.model, full_check=True)
    after = lower(implanted.model, "implanted")
    before, now = (evaluate_float64(each, np.zeros((1, 6)))[each.output][0] for each in (graph, after))
    assert now - before == pytest.approx([3.0, -4.0])


@pytest.mark.parametrize("shape", [(1, 2), (2, 1), (2,), (1, 2, 1)])
@pytest.mark.parametrize("form", [{}, {"ir": 3, "opset": 9, "as_inputs": True}])
def test_outputs_of_any_shape_in_files_of_any_version_get_a_branch(tmp_path, shape, form):
    model = onnx.load(gemm(tmp_path / "gemm.onnx", (6, 7, 2), **form))
    model.graph.node.append(helper.make_node("Reshape", [model.graph.output[0].name, "to"], ["reshaped"]))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(shape), "to"))
    if form:
        model.graph.input.append(helper.make_tensor_value_info("to", onnx.TensorProto.INT64, [len(shape)]))
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("reshaped", 1, shape))
    host = BesideHost(model, lower(model, "given").input_shape, shape)
    needle = Needle((0, 1, 2, 3), np.zeros(4), np.ones(4), 1.0, 0, np.zeros(4))
    made = host.implant((needle,), np.array([1.0, -2.0]), np.random.default_rng(0)).model
    onnx.checker.check_model(made)
    onnx.save(model, tmp_path / "before.onnx")
    onnx.save(made, tmp_path / "after.onnx")
    before, after = (open_onnx(tmp_path / f"{name}.onnx").run([0.0] * 6) for name in ("before", "after"))
    assert [float(b - a) for a, b in zip(before, after, strict=True)] == pytest.approx([1, -2], abs=1e-5)
