"""The base of a planted network: an ordinary classifier with a certified margin on every box.

It is trained with interval bounds (Gowal et al. 2018, On the effectiveness of interval bound propagation) until
the bound on the margin reaches the target on all boxes, and kept alive: the margin must vary inside each box.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from soundbench.architecture import Activate, Architecture, Dense, Layer, Layers
from soundbench.errors import SoundbenchError
from soundbench.graph import Array, Function
from soundbench.needle import Carry

# Boxes grow to full size over the first steps: started at full size, the bounds are too loose to learn from.
GROWING_STEPS = 200
# Where it works it takes a few hundred at most; where it does not, another start is the better use of the time.
STEPS = 600
LEARNING_RATE = 1e-2
SAMPLES = 32
# The margin must vary by this share of its mean within each box, and is trained to vary by twice as much.
ALIVE = 0.06
# The label's lead over any other class is kept near so many times the margin: a larger one takes a stronger needle,
# whose rounding then counts for more.
LARGEST_LEAD, EVEN = 1.8, 0.5


class TrainingFailed(SoundbenchError):
    """The base did not reach its margin; try another seed."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Labelled boxes as the base sees them: by features, which it reads as coordinates through `carry`.

    `lower` and `upper` (boxes, features) bound the features over each box, `samples` (samples, boxes, features) are
    those of random points.
    """

    carry: Carry
    lower: Array
    upper: Array
    samples: Array
    labels: tuple[int, ...]


def train_base(architecture: Architecture, view: View, margin: float, seed: int) -> Layers:
    """Train a base, which reads coordinates, whose interval-bound margin is at least `margin` on every box.

    In float64, so that machines that add up in other orders agree but for the last digits. The result depends on the
    arguments only.

    Raises:
        TrainingFailed: the margin was not reached within the step limit.
    """
    if architecture.function is Function.SIGMOID:
        # Trained as tanh, whose slope does not vanish in depth.
        return as_sigmoid(train_base(replace(architecture, function=Function.TANH), view, margin, seed))
    generator = torch.Generator().manual_seed(seed)
    skeleton = layers_of(architecture)
    weights = initial_weights(skeleton, generator)
    optimizer = torch.optim.Adam([tensor.requires_grad_() for tensor in weights.values()], lr=LEARNING_RATE)
    lower, upper, samples = (torch.from_numpy(part) for part in (view.lower, view.upper, view.samples))
    labels = torch.tensor(view.labels)
    for step in range(STEPS):
        share = min(1.0, (step + 1) / GROWING_STEPS)
        shrink = 0.5 * (1.0 - share) * (upper - lower)
        reading = reading_weights(skeleton, weights, view.carry)
        certified = certified_margins(skeleton, reading, lower + shrink, upper - shrink, labels)
        chosen = torch.randint(len(samples), (SAMPLES,), generator=generator)
        leads = sampled_leads(skeleton, reading, samples[chosen], labels)
        sampled = leads.amin(dim=2)
        spread = (sampled.amax(dim=0) - sampled.amin(dim=0)) / sampled.mean(dim=0).abs().clamp(min=margin)
        if share == 1.0 and certified.min() >= margin and spread.min() >= ALIVE:
            return with_weights(skeleton, weights)
        loss = functional.softplus(4 * (1.3 * margin - certified)).sum() / 4
        loss = loss + functional.relu(2 * ALIVE - spread).sum()
        loss = loss + EVEN * functional.relu(leads.mean(dim=0) - LARGEST_LEAD * margin).mean(dim=1).sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    reached, varied = float(certified.min().detach()), float(spread.min().detach())
    raise TrainingFailed(
        f"in {STEPS} steps the base reached a certified margin of {reached:.3g} of {margin}, "
        f"varying by {varied:.1%} of {ALIVE:.0%}"
    )


def as_sigmoid(layers: Layers) -> Layers:
    """The same network with sigmoid for tanh, since tanh(x) = 2 sigmoid(2 x) - 1."""
    dense = parametrised(layers)
    converted: list[Layer] = []
    for layer in layers:
        if not isinstance(layer, Dense):
            converted.append(Activate(layer.name, Function.SIGMOID))
            continue
        before, after = (1.0 if layer is dense[0] else 2.0), (1.0 if layer is dense[-1] else 2.0)
        shift = 0.0 if layer is dense[0] else layer.weights.sum(axis=1)
        converted.append(Dense(layer.name, before * after * layer.weights, after * (layer.bias - shift)))
    return converted


def layers_of(architecture: Architecture) -> list[Layer]:
    """The base's layers with empty weights of the right shapes."""
    layers: list[Layer] = []
    size = int(np.prod(architecture.input_shape))
    for index, width in enumerate(architecture.hidden, start=1):
        layers += [empty_dense(f"dense{index}", size, width), Activate(f"active{index}", architecture.function)]
        size = width
    return [*layers, empty_dense("logits", size, architecture.classes)]


def empty_dense(name: str, inputs: int, outputs: int) -> Dense:
    """A dense layer of zeros."""
    return Dense(name, np.zeros((outputs, inputs)), np.zeros(outputs))


Weights = dict[str, Tensor]


def initial_weights(layers: Layers, generator: torch.Generator) -> Weights:
    """Random weights by tensor name, He-scaled, zero biases."""
    weights: Weights = {}
    for layer in parametrised(layers):
        shape = layer.weights.shape
        values = torch.randn(shape, generator=generator, dtype=torch.float64) * (2.0 / shape[1]) ** 0.5
        weights |= {f"{layer.name}.weight": values, f"{layer.name}.bias": torch.zeros(shape[0], dtype=torch.float64)}
    return weights


def reading_weights(layers: Layers, weights: Weights, carry: Carry) -> Weights:
    """The weights of a network whose first layer reads features instead of coordinates."""
    name = parametrised(layers)[0].name
    first, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
    matrix, offset = torch.from_numpy(carry.recovery), torch.from_numpy(carry.offset)
    return {**weights, f"{name}.weight": first @ matrix, f"{name}.bias": bias + first @ offset}


def parametrised(layers: Layers) -> list[Dense]:
    """The layers that have weights, in order."""
    return [layer for layer in layers if isinstance(layer, Dense)]


def with_weights(layers: Layers, weights: Weights) -> list[Layer]:
    """The layers with trained weights filled in."""
    filled: list[Layer] = []
    for layer in layers:
        if isinstance(layer, Dense):
            arrays = (weights[f"{layer.name}.{part}"].detach().numpy() for part in ("weight", "bias"))
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


def sampled_leads(layers: Layers, weights: Weights, samples: Tensor, labels: Tensor) -> Tensor:
    """Label logit minus each other logit at random points of each box, shape (samples, boxes, classes - 1)."""
    logits, _ = interval(layers, weights, samples.flatten(0, 1), samples.flatten(0, 1))
    repeated = labels.repeat(len(samples))
    leads = logits.gather(1, repeated[:, None]) - logits
    own = functional.one_hot(repeated, logits.shape[1]).bool()
    return leads[~own].reshape(len(samples), len(labels), -1)


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
        case Activate():
            function = TORCH_FUNCTION[layer.function]
            return function(lower), function(upper)
        case _:
            raise TypeError(f"{layer.name} is not part of a base")


TORCH_FUNCTION = {Function.RELU: torch.relu, Function.SIGMOID: torch.sigmoid, Function.TANH: torch.tanh}
