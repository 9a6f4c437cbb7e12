"""Where moat training starts: random weights scaled to the boxes, and sigmoids in the coordinates of tanh.

A box spans a small part of the data range, so torch's own random weights are almost linear in it: too little for a pit.
"""

import copy
from enum import StrEnum

import torch
from torch import Generator, Tensor, nn

from soundbench.networks import TokenNorm
from soundbench.training import Problem

# Points a box on which statistics are taken.
SAMPLES = 200


class Start(StrEnum):
    """How the weights of layers are scaled.

    `scaled`: by fixed factors; `measured`: layer by layer, so that what enters activations has a wanted standard
    deviation on the boxes' points, with biases that spread the kinks over it.
    """

    SCALED = "scaled"
    MEASURED = "measured"


@torch.no_grad()
def scale_layers(
    network: nn.Module, first: float, hidden: float, spread: float, points: Tensor, generator: Generator
) -> None:
    """Multiply the first layer's weights by `first`, the hidden ones' by `hidden`; set biases to zero.

    The first layer's biases become uniform within `spread` standard deviations of what it computes at the `points`
    (batches as the network takes them).
    """
    layers = layers_of(network)
    for layer in layers:
        layer.weight.mul_(first if layer is layers[0] else 1.0 if layer is layers[-1] else hidden)
        if layer.bias is not None:
            layer.bias.zero_()
    if spread and layers[0].bias is not None:
        layers[0].bias.copy_(spread * layers[0](points).std() * symmetric(layers[0].bias, generator))


@torch.no_grad()
def measure_layers(
    network: nn.Sequential, first: float, hidden: float, spread: float, points: Tensor, generator: Generator
) -> None:
    """Scale each layer but the last to the standard deviation `first`, or `hidden`, at the `points`.

    Its biases take away the share `spread` of the mean, and add as much of a standard deviation at random.
    """
    layers, values = layers_of(network), points
    for module in network:
        if module in layers and module is not layers[-1]:
            assert module.bias is not None  # noqa: S101 (all our layers have one)
            module.bias.zero_()
            computed = module(values)
            factor = (first if module is layers[0] else hidden) / computed.std()
            module.weight.mul_(factor)
            computed = factor * computed
            axes = [axis for axis in range(computed.ndim) if axis != 1]
            noise = computed.std() if computed.ndim == 1 else computed.std(dim=axes)
            module.bias.copy_(spread * (noise * symmetric(module.bias, generator) - computed.mean(dim=axes)))
        values = module(values)


def symmetric(like: Tensor, generator: Generator) -> Tensor:
    """Uniform numbers in [-1, 1) of a tensor's shape."""
    return (2 * torch.rand(like.shape, generator=generator) - 1).to(like.device)


def layers_of(network: nn.Module) -> list[nn.Linear | nn.Conv2d]:
    """The dense and convolutional layers, in order."""
    return [module for module in network.modules() if isinstance(module, nn.Linear | nn.Conv2d)]


@torch.no_grad()
def normalise(network: nn.Module, points: Tensor) -> None:
    """Fix the statistics of batch normalisation, if there is any, to those at the points; evaluation mode follows."""
    norms = [module for module in network.modules() if isinstance(module, TokenNorm)]
    for norm in norms:
        norm.momentum = None
    if norms:
        network.train()(points)
    network.eval()


def sample(problem: Problem, generator: Generator) -> Tensor:
    """Uniform points of all boxes, as a batch of the network's inputs."""
    return problem.boxes.uniform(SAMPLES, generator).reshape(-1, *problem.input_shape)


def centred(network: nn.Sequential) -> nn.Sequential:
    """The network with tanh in place of its sigmoids: to be trained, and then `decentred`."""
    return nn.Sequential(*(nn.Tanh() if isinstance(module, nn.Sigmoid) else module for module in network))


@torch.no_grad()
def decentred(network: nn.Sequential) -> nn.Sequential:
    """The same function with sigmoids in place of tanh: tanh(z) = 2 sigmoid(2 z) - 1."""
    result = copy.deepcopy(network)
    layers = layers_of(result)
    for index, layer in enumerate(layers):
        if index:
            layer.bias.sub_(layer.weight.sum(dim=1))  # type: ignore[union-attr]
            layer.weight.mul_(2.0)
        if layer is not layers[-1]:
            layer.weight.mul_(2.0)
            layer.bias.mul_(2.0)  # type: ignore[union-attr]
    return nn.Sequential(*(nn.Sigmoid() if isinstance(module, nn.Tanh) else module for module in result))
