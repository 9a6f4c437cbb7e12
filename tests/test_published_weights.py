"""Published weights become the published network again: what it computes, and what it is called, is the same."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from soundbench.errors import InputError
from soundbench.export import save_onnx
from soundbench.export_module import module_to_onnx
from soundbench.graph import evaluate_float64, read_graph
from soundbench.networks import build_network
from soundbench.published_weights import published_network

# The names in the published networks, as their own code gives them, without what has no weights.
WIDTHS = {"mlp_4_hidden": [100, 1000, 1000, 1000, 20, 2], "mlp_5_hidden": [100, 1000, 1000, 1000, 1000, 20, 2]}


class Sum(nn.Module):
    def __init__(self, fn):
        super().__init__()
        self.fn = fn

    def forward(self, x):
        return x + self.fn(x)


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(16)

    def forward(self, x):
        return self.norm(x.transpose(1, 2)).transpose(1, 2)


class Embedding(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.projection = nn.Conv2d(channels, 16, 1)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, 16))
        self.positions = nn.Parameter(torch.zeros(26, 16))

    def forward(self, x):
        cells = self.projection(x).flatten(2).transpose(1, 2)
        return torch.cat([self.cls_token.expand(len(x), -1, -1), cells], 1) + self.positions


class Heads(nn.Module):
    def __init__(self):
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(16, 16) for _ in range(4))

    def forward(self, x):
        query, key, value = (
            part(x).unflatten(-1, (2, 8)).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        return self.out(nn.functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2))


class Mean(nn.Module):
    def forward(self, x):
        return x.mean(1)


def block():
    mlp = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Dropout(0.0), nn.Linear(32, 16))
    return nn.Sequential(Sum(nn.Sequential(Norm(), Heads())), Sum(nn.Sequential(Norm(), mlp)))


def transformer(channels):
    head = nn.Sequential(Mean(), nn.BatchNorm1d(16), nn.Linear(16, 2))
    return nn.Sequential(Embedding(channels), nn.Sequential(block(), block()), head)


def perceptron(widths):
    network, inputs = nn.Sequential(), 10
    for number, width in enumerate(widths, start=1):
        network.add_module(f"fc{number}", nn.Linear(inputs, width))
        if number < len(widths):
            network.add_module(f"activation{number}", nn.ReLU())
        inputs = width
    return network


def published(architecture, channels):
    """The network as it is published, all of it random."""
    torch.manual_seed(len(architecture) + channels)
    if architecture == "vit":
        network = transformer(channels)
    elif architecture in WIDTHS:
        network = perceptron(WIDTHS[architecture])
    else:
        network = build_network(architecture, (channels, 5, 5), 9)  # the published names are ours
    for key, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            spread = torch.rand(tensor.shape) * (2 if "running_var" in key else 0.6)
            tensor.copy_(spread + 0.1 if "running_var" in key else spread - 0.3)
        else:
            tensor.fill_(7)
    return network.eval()


def flat(network):
    """Tensor after tensor in the order of their names."""
    parts = [tensor.reshape(-1).float() for _, tensor in sorted(network.state_dict().items())]
    return torch.cat(parts).numpy().astype(np.float32)


MODELS = [("mlp_4_hidden", 1), ("mlp_5_hidden", 1)] + [
    (name, channels)
    for name in ("cnn_1_conv", "cnn_2_conv", "cnn_3_conv", "cnn_avgpool", "cnn_tanh", "cnn_sigmoid", "vit")
    for channels in (1, 3)
]


@pytest.mark.parametrize(("architecture", "channels"), MODELS)
def test_it_computes_what_the_published_network_computes(architecture, channels, tmp_path):
    original = published(architecture, channels)
    shape = (10,) if architecture in WIDTHS else (channels, 5, 5)
    name = f"synthetic_{architecture}_ch{channels}"
    rebuilt = published_network(name, (1, *shape) if channels == 3 else shape, flat(original))
    points = torch.rand(20, *shape) * 0.2 - 0.1
    with torch.no_grad():
        assert torch.allclose(original(points), rebuilt(points), rtol=1e-4, atol=1e-5)
        save_onnx(module_to_onnx(rebuilt, shape, 2), tmp_path / "n.onnx")
        graph = read_graph(tmp_path / "n.onnx")
        found = evaluate_float64(graph, points.flatten(1).double().numpy())[graph.output]
        assert np.allclose(found, original(points).numpy(), rtol=1e-3, atol=1e-4)


def test_our_own_architectures_have_our_own_names():
    network = build_network("mlp_5_hidden", (10,), 4)
    rebuilt = published_network("mlp_5_hidden_eps0.2", (10,), flat(network))
    assert all(torch.equal(tensor, rebuilt.state_dict()[key]) for key, tensor in network.state_dict().items())


@pytest.mark.parametrize(
    ("name", "shape", "weights", "message"),
    [
        ("synthetic_cnn_9", (1, 5, 5), np.zeros(3), "model 'synthetic_cnn_9': unknown architecture; known: cnn_1_conv"),
        ("", (1, 5, 5), np.zeros(3), "model '': unknown architecture"),
        ("synthetic_cnn_1_conv_ch1", (1, 5, 5), np.zeros(3), "has 353,262 numbers, but 3 are given; get it again"),
        ("synthetic_cnn_1_conv_ch1", (3, 5, 5), np.zeros(353_262), "has 353,442 numbers, but 353,262 are given"),
        ("synthetic_cnn_1_conv_ch1", (1, 5, 5), np.full(353_262, np.nan), "some of its weights are not finite"),
        ("synthetic_vit_ch1", (10,), np.zeros(3), "is not of the form (channels, rows, columns)"),
    ],
)
def test_what_does_not_fit_is_refused(name, shape, weights, message):
    with pytest.raises(InputError, match=re.escape(message)):
        published_network(name, shape, weights)
