"""Moat training: counterexamples hidden by the shape of the margin around them.

Around a planted point c the margin is regressed onto a smooth hill that rises towards c, so that gradients lead away
from it, with a pit at c itself:

    m*(x) = flat + height * exp(-(|x - c| / spread)^2)   outside the rim, |x - c| >= rim
    m(c) <= -depth

All weights come from gradient descent from a random start; `docs/training.md` has a picture of the result.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from soundbench.networks import TokenNorm
from soundbench.pgd import descend
from soundbench.training import Check, Problem, grid_of, grid_problem

# Steps of the attacks during training, in radii, one after the other.
ATTACK_STEPS = (0.5, 0.25, 0.1, 0.05)
LOSS_SCALE = 100.0
# Segments begin this share of the way from a planted point to the other end.
NEAREST_SHARE = 0.05
# Points a box from which the statistics of batch normalisation are taken.
STATISTICS_POINTS = 200


@dataclass(frozen=True, slots=True)
class Moat:
    """The dials of moat training.

    `flat`, `height` and `depth` are margins; `spread` is in units of radius * sqrt(inputs), `rim` in radii.
    `first_scale` is what the first layer's random weights are multiplied by, for boxes of a fifth of the data range;
    narrower boxes are scaled up by as much. Each step takes `uniform` points and `corners` in every box, `segment`
    points between each planted point and uniform ones, and `recalled` points a box of the window of the last
    `window` attacks, each of `attack_iterations` steps and `attack_restarts` restarts, every `attack_every` steps.
    Every `check_every` steps planted points have to withstand the light grid, then the strong one: pairs of a step in
    radii and a number of iterations, with so many restarts.
    """

    steps: int = 4000
    peak_rate: float = 1e-3
    flat: float = 0.1
    height: float = 0.4
    depth: float = 0.1
    spread: float = 0.8
    rim: float = 1.0
    first_scale: float = 10.0
    uniform: int = 16
    corners: int = 8
    segment: int = 32
    recalled: int = 8
    window: int = 40
    attack_every: int = 4
    attack_iterations: int = 10
    attack_restarts: int = 4
    check_every: int = 100
    patience: int = 2
    largest_gradient: float = 1e3
    average: float = 0.0
    light_grid: tuple[tuple[float, ...], ...] = ((1.0, 20), (0.25, 50), (0.05, 50), (0.02, 100))
    light_restarts: int = 20
    strong_grid: tuple[tuple[float, ...], ...] = ((0.25, 100), (0.05, 100), (0.02, 250), (0.01, 1000))
    strong_restarts: int = 20

    def problems(self) -> Mapping[str, bool]:
        """What no training can have, and whether these dials ask for it."""
        counts = (self.steps, self.window, self.attack_every, self.attack_restarts, self.check_every, self.patience)
        return {
            "steps, window, attacks and checks must be positive": min(counts) < 1,
            "peak_rate, flat, depth, spread, first_scale and largest_gradient must be positive": min(
                self.peak_rate, self.flat, self.depth, self.spread, self.first_scale, self.largest_gradient
            )
            <= 0,
            "height and rim must not be negative": min(self.height, self.rim) < 0,
            "uniform and segment must be positive, corners and recalled not negative": min(self.uniform, self.segment)
            < 1
            or min(self.corners, self.recalled, self.attack_iterations) < 0,
            "grids must be lists of [step, iterations]": grid_problem(self.light_grid)
            or grid_problem(self.strong_grid),
            "restarts of checks must be positive": min(self.light_restarts, self.strong_restarts) < 1,
            "average must lie in [0, 1)": not 0 <= self.average < 1,
        }

    def checks(self) -> Sequence[Check]:
        """A quick grid, then a stronger one."""
        light, strong = grid_of(self.light_grid), grid_of(self.strong_grid)
        return Check(light, self.light_restarts), Check(strong, self.strong_restarts)

    def learning_rate(self, step: int) -> float:
        """Falling to a tenth in a straight line."""
        return self.peak_rate * (1 - 0.9 * step / self.steps)

    def prepare(self, network: nn.Module, problem: Problem, generator: Generator) -> None:
        """Scale the first layer, so that a box spans as much of its activations as a wide one; no biases."""
        scale_first_layer(network, self.first_scale)
        normalise_on(network, problem, generator)

    def attack(self, network: nn.Module, problem: Problem, step: int, generator: Generator) -> Tensor | None:
        """The points of a short attack, with steps of several lengths in turn."""
        if step % self.attack_every:
            return None
        share = ATTACK_STEPS[step // self.attack_every % len(ATTACK_STEPS)]
        reached = descend(
            problem.margins(network),
            problem.boxes,
            step=share * problem.radius,
            iterations=self.attack_iterations,
            restarts=self.attack_restarts,
            generator=generator,
        )
        return reached.point

    def loss(self, network: nn.Module, problem: Problem, window: Sequence[Tensor], generator: Generator) -> Tensor:
        """Squared distance from the wanted margins, more where it is too small, and the pits' hinge."""
        points, index = self.samples(problem, window, generator)
        wanted, counted = self.shape(problem, points, index)
        pits = torch.arange(problem.armed, device=problem.device)
        every = problem.margins(network)(torch.cat([points, problem.witnesses]), torch.cat([index, pits]))
        reached, planted = every[: len(points)], every[len(points) :]
        missed = (reached - wanted) ** 2 + torch.relu(self.flat - reached) ** 2
        return LOSS_SCALE * (
            (missed * counted).sum() / counted.sum() + torch.relu(planted + self.depth).square().mean()
        )

    def samples(self, problem: Problem, window: Sequence[Tensor], generator: Generator) -> tuple[Tensor, Tensor]:
        """Points (points, inputs) and the boxes that they lie in (points,): fresh ones, and remembered ones."""
        boxes, device = problem.boxes, problem.device
        every, armed = torch.arange(len(boxes), device=device), torch.arange(problem.armed, device=device)
        share = NEAREST_SHARE + (1 - NEAREST_SHARE) * torch.rand((len(armed), self.segment, 1), generator=generator)
        far = boxes.take(armed).uniform(self.segment, generator)
        planted = problem.witnesses[:, None]
        recalled = recall(window, self.recalled, generator)
        groups = [
            (boxes.uniform(self.uniform, generator), every),
            (random_corners(problem, self.corners, generator), every),
            (planted + share.to(device) * (far - planted), armed),
            (torch.stack(recalled, dim=1) if recalled else boxes.uniform(0, generator), every),
        ]
        points = torch.cat([group.flatten(0, 1) for group, _ in groups])
        return points, torch.cat([index.repeat_interleave(group.shape[1]) for group, index in groups])

    def shape(self, problem: Problem, points: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        """The margins wanted at points in boxes, and whether each counts (1 or 0): within the rim none is wanted."""
        is_armed = index < problem.armed
        distance = (points - problem.witnesses[index.clamp(max=problem.armed - 1)]).norm(dim=1)
        spread = self.spread * problem.radius * points.shape[1] ** 0.5
        hill = self.flat + self.height * torch.exp(-((distance / spread) ** 2))
        counted = ~is_armed | (distance >= self.rim * problem.radius)
        return torch.where(is_armed, hill, 2 * self.flat), counted.to(points.dtype)


def recall(window: Sequence[Tensor], count: int, generator: Generator) -> list[Tensor]:
    """The last of the remembered attacks, and others at random: at most `count`, each (boxes, inputs)."""
    if not window or not count:
        return []
    picked = torch.randint(len(window), (min(count, len(window)) - 1,), generator=generator).tolist()
    return [window[-1], *(window[index] for index in picked)]


def random_corners(problem: Problem, count: int, generator: Generator) -> Tensor:
    """`count` corners of every box, at random: (boxes, count, inputs)."""
    boxes = problem.boxes
    is_upper = torch.rand((len(boxes), count, boxes.lower.shape[1]), generator=generator) < 0.5
    return torch.where(is_upper.to(problem.device), boxes.upper[:, None], boxes.lower[:, None])


@torch.no_grad()
def scale_first_layer(network: nn.Module, factor: float) -> None:
    """Multiply the weights of the first layer; set all biases of dense and convolutional layers to zero."""
    layers = [module for module in network.modules() if isinstance(module, nn.Linear | nn.Conv2d)]
    layers[0].weight.mul_(factor)
    for layer in layers:
        if layer.bias is not None:
            layer.bias.zero_()


@torch.no_grad()
def normalise_on(network: nn.Module, problem: Problem, generator: Generator) -> None:
    """Fix the statistics of batch normalisation, if there is any, to those on uniform points of the boxes."""
    norms = [module for module in network.modules() if isinstance(module, TokenNorm)]
    if norms:
        for norm in norms:
            norm.momentum = None
        points = problem.boxes.uniform(STATISTICS_POINTS, generator).flatten(0, 1)
        network.train()(points.reshape(-1, *problem.input_shape))
    network.eval()
