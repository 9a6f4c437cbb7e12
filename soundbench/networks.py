"""The networks that are trained: the nine architectures of SoundnessBench (arXiv 2412.03154), and a residual one.

Each is an `nn.Sequential` of torch's own layers, and of a few more for what torch has no plain layer for.
Inputs are batches (points, *input_shape), outputs two logits (points, 2).
"""

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from soundbench.errors import InputError

CLASSES = 2
CONVOLUTIONAL_TAIL = (1000, 100, 20)
EMBEDDING, HEADS, DEPTH, EXPANSION = 16, 2, 2, 2

Shape = tuple[int, ...]


class Residual(nn.Module):
    """input + body(input)."""

    def __init__(self, *body: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*body)

    def forward(self, values: Tensor) -> Tensor:
        """Of any shape that the body keeps."""
        total: Tensor = values + self.body(values)
        return total


class Tokens(nn.Module):
    """An image (points, channels, rows, columns) as tokens (points, cells, channels), each with a learned position."""

    def __init__(self, cells: int, channels: int) -> None:
        super().__init__()
        self.position = nn.Parameter(0.5 * torch.randn(cells, channels))

    def forward(self, image: Tensor) -> Tensor:
        """Cells in row-major order."""
        return image.flatten(2).transpose(1, 2) + self.position


class ClassTokens(nn.Module):
    """As `Tokens`, with a learned token of no cell before the others."""

    def __init__(self, cells: int, channels: int) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(1, 1, channels))
        self.position = nn.Parameter(torch.zeros(cells + 1, channels))

    def forward(self, image: Tensor) -> Tensor:
        """(points, channels, rows, columns) -> (points, 1 + cells, channels)."""
        cells = image.flatten(2).transpose(1, 2)
        return torch.cat([self.token.expand(len(image), -1, -1), cells], dim=1) + self.position


class TokenLinear(nn.Linear):
    """A dense layer on every token: (points, cells, inputs) -> (points, cells, outputs)."""


class TokenNorm(nn.BatchNorm1d):
    """Batch normalisation of tokens (points, cells, channels), channel by channel."""

    def forward(self, tokens: Tensor) -> Tensor:
        """Of the same shape."""
        return super().forward(tokens.transpose(1, 2)).transpose(1, 2)


class Attention(nn.Module):
    """Multi-head self-attention of tokens (points, cells, channels) (Vaswani et al. 2017, section 3.2)."""

    def __init__(self, cells: int, channels: int, heads: int) -> None:
        super().__init__()
        self.cells, self.heads = cells, heads
        self.query, self.key, self.value, self.out = (TokenLinear(channels, channels) for _ in range(4))

    @property
    def scale(self) -> float:
        """What scores are multiplied by: one over the square root of a head's channels."""
        return float((self.out.in_features // self.heads) ** -0.5)

    def forward(self, tokens: Tensor) -> Tensor:
        """Of the same shape."""
        query, key, value = (self.split(part(tokens)) for part in (self.query, self.key, self.value))
        weights = torch.softmax(query @ key.transpose(-1, -2) * self.scale, dim=-1)
        mixed: Tensor = self.out((weights @ value).transpose(1, 2).flatten(2))
        return mixed

    def split(self, tokens: Tensor) -> Tensor:
        """(points, cells, channels) as (points, heads, cells, channels of a head)."""
        return tokens.reshape(*tokens.shape[:2], self.heads, -1).transpose(1, 2)


class TokenMean(nn.Module):
    """The mean over the tokens: (points, cells, channels) -> (points, channels)."""

    def forward(self, tokens: Tensor) -> Tensor:
        """The mean."""
        return tokens.mean(dim=1)


def cnn_1_conv(shape: Shape) -> nn.Sequential:
    """Conv 10 3x3 padded by 1; dense 1000, 100, 20; two logits; ReLU between all of them."""
    return convolutional(shape, (conv(shape[0], 10), nn.ReLU()), nn.ReLU)


def cnn_2_conv(shape: Shape) -> nn.Sequential:
    """Conv 5 and Conv 10, 3x3 padded by 1; dense 1000, 100, 20; two logits; ReLU between all of them."""
    return convolutional(shape, (conv(shape[0], 5), nn.ReLU(), conv(5, 10), nn.ReLU()), nn.ReLU)


def cnn_3_conv(shape: Shape) -> nn.Sequential:
    """Conv 5, Conv 10, Conv 20, 3x3 padded by 1; dense 1000, 100, 20; two logits.

    ReLU between all but the third convolution and the dense layers, as in the published code.
    """
    front = (conv(shape[0], 5), nn.ReLU(), conv(5, 10), nn.ReLU(), conv(10, 20))
    return convolutional(shape, front, nn.ReLU)


def cnn_avgpool(shape: Shape) -> nn.Sequential:
    """Conv 10 3x3, ReLU, average pool 3x3 with stride 1, both padded by 1; dense 1000, 100, 20; two logits; ReLU."""
    front = (conv(shape[0], 10), nn.ReLU(), nn.AvgPool2d(3, stride=1, padding=1))
    return convolutional(shape, front, nn.ReLU)


def cnn_tanh(shape: Shape) -> nn.Sequential:
    """As `cnn_1_conv` with tanh; with one channel the convolution is 5x5 with stride 2, padded by 2."""
    return convolutional(shape, (smooth_conv(shape), nn.Tanh()), nn.Tanh)


def cnn_sigmoid(shape: Shape) -> nn.Sequential:
    """As `cnn_1_conv` with the sigmoid; with one channel the convolution is 5x5 with stride 2, padded by 2."""
    return convolutional(shape, (smooth_conv(shape), nn.Sigmoid()), nn.Sigmoid)


def cnn_residual(shape: Shape) -> nn.Sequential:
    """Conv 10, a residual block of two Conv 10 (3x3 padded by 1); dense 1000, 100, 20; two logits; ReLU throughout.

    Not among the published ones: VNN-COMP 2026's instances of the benchmark have Conv, ReLU and Add only.
    """
    block = Residual(conv(10, 10), nn.ReLU(), conv(10, 10))
    return convolutional(shape, (conv(shape[0], 10), nn.ReLU(), block, nn.ReLU()), nn.ReLU)


def mlp_4_hidden(shape: Shape) -> nn.Sequential:
    """Dense 100, 1000, 1000, 1000, 20; two logits; ReLU between all of them."""
    return nn.Sequential(*dense(shape[0], (100, 1000, 1000, 1000, 20), nn.ReLU))


def mlp_5_hidden(shape: Shape) -> nn.Sequential:
    """Dense 100, 1000, 1000, 1000, 1000, 20; two logits; ReLU between all of them."""
    return nn.Sequential(*dense(shape[0], (100, 1000, 1000, 1000, 1000, 20), nn.ReLU))


def vit(shape: Shape) -> nn.Sequential:
    """A vision transformer: patches of 1x1, two blocks of two heads and 16 channels, mean over tokens, two logits.

    Batch normalisation in place of layer normalisation, and a ReLU MLP of twice the width.
    """
    cells = shape[1] * shape[2]
    # Random weights are drawn in this order.
    middle, patches = blocks(cells), nn.Conv2d(shape[0], EMBEDDING, 1)
    head = (TokenMean(), nn.Linear(EMBEDDING, CLASSES))
    return nn.Sequential(patches, Tokens(cells, EMBEDDING), *middle, *head)


def vit_as_published(shape: Shape) -> nn.Sequential:
    """The vision transformer whose weights are published: it has a class token, and normalises the mean over tokens."""
    cells = shape[1] * shape[2]
    head = (TokenMean(), nn.BatchNorm1d(EMBEDDING), nn.Linear(EMBEDDING, CLASSES))
    return nn.Sequential(nn.Conv2d(shape[0], EMBEDDING, 1), ClassTokens(cells, EMBEDDING), *blocks(cells + 1), *head)


def blocks(tokens: int) -> list[nn.Module]:
    """The blocks of a vision transformer, each of attention and of an MLP."""
    made: list[nn.Module] = []
    for _ in range(DEPTH):
        wide = EXPANSION * EMBEDDING
        mlp = (TokenLinear(EMBEDDING, wide), nn.ReLU(), TokenLinear(wide, EMBEDDING))
        made += [
            Residual(TokenNorm(EMBEDDING), Attention(tokens, EMBEDDING, HEADS)),
            Residual(TokenNorm(EMBEDDING), *mlp),
        ]
    return made


ARCHITECTURES: Mapping[str, Callable[[Shape], nn.Sequential]] = {
    "cnn_1_conv": cnn_1_conv,
    "cnn_2_conv": cnn_2_conv,
    "cnn_3_conv": cnn_3_conv,
    "cnn_avgpool": cnn_avgpool,
    "cnn_residual": cnn_residual,
    "cnn_sigmoid": cnn_sigmoid,
    "cnn_tanh": cnn_tanh,
    "mlp_4_hidden": mlp_4_hidden,
    "mlp_5_hidden": mlp_5_hidden,
    "vit": vit,
}


def build_network(name: str, input_shape: Shape, seed: int) -> nn.Sequential:
    """A network with torch's default random weights, drawn from the seed.

    Raises:
        InputError: no architecture has that name, or it cannot have such inputs.
    """
    if name not in ARCHITECTURES:
        raise InputError(f"unknown architecture {name!r}; known: {', '.join(ARCHITECTURES)}")
    axes = 1 if name.startswith("mlp") else 3
    if len(input_shape) != axes or min(input_shape) < 1:
        wanted = "(inputs,)" if axes == 1 else "(channels, rows, columns)"
        raise InputError(f"architecture {name}: an input shape {input_shape} is not of the form {wanted}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ARCHITECTURES[name](input_shape)


def convolutional(shape: Shape, front: Sequence[nn.Module], activation: type[nn.Module]) -> nn.Sequential:
    """Layers on an image, then dense layers of 1000, 100 and 20 neurons and two logits."""
    with torch.no_grad():
        features = math.prod(nn.Sequential(*front)(torch.zeros(1, *shape)).shape)
    return nn.Sequential(*front, nn.Flatten(), *dense(features, CONVOLUTIONAL_TAIL, activation))


def conv(channels: int, width: int) -> nn.Conv2d:
    """A 3x3 convolution that keeps the image's size."""
    return nn.Conv2d(channels, width, 3, padding=1)


def smooth_conv(shape: Shape) -> nn.Conv2d:
    """The convolution of the tanh and sigmoid networks."""
    return nn.Conv2d(1, 10, 5, stride=2, padding=2) if shape[0] == 1 else conv(shape[0], 10)


def dense(inputs: int, widths: Sequence[int], activation: type[nn.Module]) -> list[nn.Module]:
    """Dense layers of these widths with an activation after each, then the logits."""
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Linear(inputs, width), activation()]
        inputs = width
    return [*layers, nn.Linear(inputs, CLASSES)]
