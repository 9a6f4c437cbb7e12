"""Every architecture: its layers as published, its export as ONNX, which replays and evaluates rigorously."""

import re
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn

from soundbench.errors import InputError
from soundbench.export import save_onnx
from soundbench.export_module import module_to_onnx
from soundbench.graph import evaluate_float64, read_graph
from soundbench.networks import ARCHITECTURES, TokenNorm, build_network
from soundbench.replay import run_onnx
from soundbench.rigorous import evaluate
from soundbench.rounding import float32_error

SHAPES = [
    (name, shape)
    for name in ARCHITECTURES
    for shape in ([(10,), (7,)] if name.startswith("mlp") else [(1, 5, 5), (3, 5, 5), (1, 4, 6)])
]
# Counted from the published table: weights and biases of the one-channel 5x5, or ten-input, networks.
PARAMETERS = {
    "cnn_1_conv": 100 + 251_000 + 100_100 + 2_020 + 42,
    "cnn_2_conv": 50 + 460 + 251_000 + 100_100 + 2_020 + 42,
    "cnn_3_conv": 50 + 460 + 1_820 + 501_000 + 100_100 + 2_020 + 42,
    "cnn_avgpool": 100 + 251_000 + 100_100 + 2_020 + 42,
    "cnn_residual": 100 + 2 * 910 + 251_000 + 100_100 + 2_020 + 42,
    "cnn_sigmoid": 260 + 91_000 + 100_100 + 2_020 + 42,
    "cnn_tanh": 260 + 91_000 + 100_100 + 2_020 + 42,
    "mlp_4_hidden": 1_100 + 101_000 + 2 * 1_001_000 + 20_020 + 42,
    "mlp_5_hidden": 1_100 + 101_000 + 3 * 1_001_000 + 20_020 + 42,
    "vit": 32 + 400 + 2 * (2 * 32 + 4 * 272 + 544 + 528) + 34,
}


def trained_looking(name, shape):
    """A network whose normalisation has other statistics than at the start, as after training."""
    network = build_network(name, shape, seed=3).eval()
    generator = torch.Generator().manual_seed(5)
    for module in network.modules():
        if isinstance(module, TokenNorm):
            for tensor, low in ((module.running_mean, -1.0), (module.running_var, 0.5), (module.weight.data, 0.5)):
                tensor.copy_(low + torch.rand(tensor.shape, generator=generator))
    return network


@pytest.mark.parametrize(("name", "count"), PARAMETERS.items())
def test_layers_are_those_of_the_table(name, count):
    shape = (10,) if name.startswith("mlp") else (1, 5, 5)
    assert sum(parameter.numel() for parameter in build_network(name, shape, 0).parameters()) == count


def test_the_table_of_parameters_has_every_architecture():
    assert set(PARAMETERS) == set(ARCHITECTURES)


@pytest.mark.parametrize(("name", "shape"), SHAPES)
def test_export_is_what_torch_computes(name, shape, tmp_path):
    network = trained_looking(name, shape)
    save_onnx(module_to_onnx(network, shape, 2), tmp_path / "network.onnx")
    graph = read_graph(tmp_path / "network.onnx")
    point = np.random.default_rng(1).uniform(-1, 1, np.prod(shape)).astype(np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(point.reshape(1, *shape)))[0].double().numpy()
    exact = [Fraction(value) for value in point.tolist()]
    replayed = np.array([float(value) for value in run_onnx(tmp_path / "network.onnx", exact)])
    assert np.abs(replayed - expected).max() <= 1e-5
    assert np.abs(evaluate_float64(graph, point[None].astype(np.float64))[graph.output][0] - expected).max() <= 1e-5
    error = float32_error(graph, exact)
    for index, (low, high) in enumerate(evaluate(graph, exact)):
        assert high - low <= Fraction(1, 10**9)
        assert abs(replayed[index] - float(low)) <= error[index]


@pytest.mark.parametrize("name", ["cnn_1_conv", "vit"])
def test_initializers_have_the_names_of_the_state(name):
    network = build_network(name, (1, 5, 5), 0)
    written = {tensor.name for tensor in module_to_onnx(network, (1, 5, 5), 2).graph.initializer}
    assert {key for key in network.state_dict() if not key.endswith("num_batches_tracked")} <= written


def test_weights_come_from_the_seed_alone():
    torch.manual_seed(1)
    first = build_network("cnn_1_conv", (1, 5, 5), 7)
    torch.rand(5)
    second = build_network("cnn_1_conv", (1, 5, 5), 7)
    other = build_network("cnn_1_conv", (1, 5, 5), 8)
    weights = [next(network.parameters()) for network in (first, second, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize(
    ("name", "shape", "words"),
    [
        ("cnn_4_conv", (1, 5, 5), "unknown architecture 'cnn_4_conv'; known: cnn_1_conv"),
        ("mlp_4_hidden", (1, 5, 5), "is not of the form (inputs,)"),
        ("vit", (25,), "is not of the form (channels, rows, columns)"),
        ("cnn_1_conv", (0, 5, 5), "is not of the form"),
    ],
)
def test_what_cannot_be_built_is_refused(name, shape, words):
    with pytest.raises(InputError, match=re.escape(words)):
        build_network(name, shape, 0)


def test_networks_give_two_logits_a_point():
    for name, shape in SHAPES:
        assert isinstance(build_network(name, shape, 0), nn.Sequential)
        assert build_network(name, shape, 0).eval()(torch.zeros(3, *shape)).shape == (3, 2)
