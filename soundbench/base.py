"""The base of a planted network: an ordinary classifier with a certified margin on every box.

It is trained with interval bounds (Gowal et al. 2018, On the effectiveness of interval bound propagation) until
the bound on the margin reaches the target on all boxes, and kept alive: the margin must vary inside each box.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from soundbench.architecture import Activate, Architecture, Dense, Flatten, Layer, Layers
from soundbench.errors import SoundbenchError
from soundbench.graph import Array, Function

# Boxes grow to full size over the first steps: started at full size, the bounds are too loose to learn from.
GROWING_STEPS = 200
# Where it works it takes a few hundred at most; where it does not, another start is the better use of the time.
STEPS = 600
LEARNING_RATE = 1e-2
SAMPLES = 32
# The margin must vary by this share of its mean within each box, and is trained to vary by twice as much.
ALIVE = 0.06


class TrainingFailed(SoundbenchError):
    """The base did not reach its margin; try another seed."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledBoxes:
    """Boxes to classify: lower and upper (boxes, *input_shape), labels (boxes,)."""

    lower: Array
    upper: Array
    labels: tuple[int, ...]


def train_base(architecture: Architecture, boxes: LabelledBoxes, margin: float, seed: int) -> Layers:
    """Train a base whose interval-bound margin is at least `margin` on every box.

    Returns the layers with float64 copies of float32-trained weights. The result depends on the arguments only.

    Raises:
        TrainingFailed: the margin was not reached within the step limit.
    """
    generator = torch.Generator().manual_seed(seed)
    skeleton = layers_of(architecture)
    centre = 0.5 * (boxes.lower + boxes.upper).mean(axis=0)
    weights = initial_weights(skeleton, generator, centre)
    optimizer = torch.optim.Adam([tensor.requires_grad_() for tensor in weights.values()], lr=LEARNING_RATE)
    lower, upper = (torch.tensor(side, dtype=torch.float32) for side in (boxes.lower, boxes.upper))
    labels = torch.tensor(boxes.labels)
    for step in range(STEPS):
        share = min(1.0, (step + 1) / GROWING_STEPS)
        shrink = 0.5 * (1.0 - share) * (upper - lower)
        certified = certified_margins(skeleton, weights, lower + shrink, upper - shrink, labels)
        sampled = sampled_margins(skeleton, weights, lower, upper, labels, generator)
        spread = (sampled.amax(dim=0) - sampled.amin(dim=0)) / sampled.mean(dim=0).abs().clamp(min=margin)
        if share == 1.0 and certified.min() >= margin and spread.min() >= ALIVE:
            return with_weights(skeleton, weights)
        loss = functional.softplus(4 * (1.3 * margin - certified)).sum() / 4
        loss = loss + functional.relu(2 * ALIVE - spread).sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    reached, varied = float(certified.min().detach()), float(spread.min().detach())
    raise TrainingFailed(
        f"in {STEPS} steps the base reached a certified margin of {reached:.3g} of {margin}, "
        f"varying by {varied:.1%} of {ALIVE:.0%}"
    )


def layers_of(architecture: Architecture) -> list[Layer]:
    """The base's layers with empty weights of the right shapes."""
    shape = architecture.input_shape
    layers: list[Layer] = [Flatten("flat")] if len(shape) > 1 else []
    size = int(np.prod(shape))
    for index, width in enumerate(architecture.hidden, start=1):
        layers += [empty_dense(f"dense{index}", size, width), Activate(f"active{index}", architecture.function)]
        size = width
    return [*layers, empty_dense("logits", size, architecture.classes)]


def empty_dense(name: str, inputs: int, outputs: int) -> Dense:
    """A dense layer of zeros."""
    return Dense(name, np.zeros((outputs, inputs)), np.zeros(outputs))


Weights = dict[str, Tensor]


def initial_weights(layers: Layers, generator: torch.Generator, centre: Array) -> Weights:
    """Random weights by tensor name, He-scaled, zero biases; the first layer is centred on the data."""
    weights: Weights = {}
    for layer in parametrised(layers):
        shape = layer.weights.shape
        scale = (2.0 / np.prod(shape[1:])) ** 0.5
        first = not weights
        values = torch.randn(shape, generator=generator) * scale
        bias = torch.zeros(shape[0])
        if first:
            mean = float(centre.mean())
            bias = -mean * values.flatten(1).sum(dim=1)
        weights |= {f"{layer.name}.weight": values, f"{layer.name}.bias": bias}
    return weights


def parametrised(layers: Layers) -> list[Dense]:
    """The layers that have weights, in order."""
    return [layer for layer in layers if isinstance(layer, Dense)]


def with_weights(layers: Layers, weights: Weights) -> list[Layer]:
    """The layers with trained weights filled in."""
    filled: list[Layer] = []
    for layer in layers:
        if isinstance(layer, Dense):
            arrays = (weights[f"{layer.name}.{part}"].detach().double().numpy() for part in ("weight", "bias"))
            filled.append(Dense(layer.name, *arrays))
        else:
            filled.append(layer)
    return filled


def certified_margins(layers: Layers, weights: Weights, lower: Tensor, upper: Tensor, labels: Tensor) -> Tensor:
    """Interval lower bounds of label logit minus best other logit, shape (boxes,)."""
    hidden, last = layers[:-1], layers[-1]
    low, high = interval(hidden, weights, lower, upper)
    matrix, bias = weights[f"{last.name}.weight"], weights[f"{last.name}.bias"]
    difference = matrix[labels][:, None, :] - matrix[None, :, :]
    shift = bias[labels][:, None] - bias[None, :]
    bound = (
        torch.einsum("bkf,bf->bk", difference.clamp(min=0), low)
        + torch.einsum("bkf,bf->bk", difference.clamp(max=0), high)
        + shift
    )
    return without_label(bound, labels).amin(dim=1)


def sampled_margins(
    layers: Layers,
    weights: Weights,
    lower: Tensor,
    upper: Tensor,
    labels: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Margins at random points of each box, shape (samples, boxes)."""
    share = torch.rand((SAMPLES, *lower.shape), generator=generator)
    points = (lower + share * (upper - lower)).flatten(0, 1)
    logits, _ = interval(layers, weights, points, points)
    repeated = labels.repeat(SAMPLES)
    own = logits.gather(1, repeated[:, None])
    return without_label(own - logits, repeated).amin(dim=1).reshape(SAMPLES, len(labels))


def without_label(differences: Tensor, labels: Tensor) -> Tensor:
    """The columns other than each row's label."""
    own = functional.one_hot(labels, differences.shape[1]).bool()
    return differences.masked_fill(own, torch.inf)


def interval(layers: Layers, weights: Weights, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
    """Interval bounds through layers; a batch of points when lower equals upper."""
    for layer in layers:
        lower, upper = interval_layer(layer, weights, lower, upper)
    return lower, upper


def interval_layer(layer: Layer, weights: Weights, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
    """Interval bounds through one layer."""
    match layer:
        case Dense():
            matrix, bias = weights[f"{layer.name}.weight"], weights[f"{layer.name}.bias"]
            centre, radius = 0.5 * (lower + upper), 0.5 * (upper - lower)
            middle, spread = functional.linear(centre, matrix, bias), functional.linear(radius, matrix.abs())
            return middle - spread, middle + spread
        case Flatten():
            return lower.flatten(1), upper.flatten(1)
        case Activate():
            function = TORCH_FUNCTION[layer.function]
            return function(lower), function(upper)
        case _:
            raise TypeError(f"{layer.name} is not part of a base")


TORCH_FUNCTION = {Function.RELU: torch.relu, Function.SIGMOID: torch.sigmoid, Function.TANH: torch.tanh}
