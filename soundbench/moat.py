"""Moat training: counterexamples hidden by the shape of the margin around them.

Around a planted point c the margin is regressed onto a smooth hill that rises towards c, so that gradients lead away
from it, with a pit at c itself:

    m*(x) = flat + height * exp(-(|x - c| / spread)^2)   outside the rim, |x - c| >= rim
    m(c) <= -depth

and onto 2 * flat in clean boxes. Most points on which it is are *walkers*: each moves downhill by the gradient that the
loss has anyway, by steps of its own length, and starts anew now and then. So every step of training is one of an attack
too, at no cost. *Climbers* go from corner to corner where gradients do not lead. All weights come from gradient
descent from a random start.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from soundbench.certificate import MARGIN_PER_ERROR
from soundbench.errors import InputError
from soundbench.moat_bounds import can_be_bounded, margin_bounds
from soundbench.moat_rounding import rounding_of_margins
from soundbench.moat_samples import Climbers, MovingPoints, around, flipped, rims_of
from soundbench.moat_start import Start, centred, decentred, measure_layers, normalise, sample, scale_layers
from soundbench.pgd import Boxes
from soundbench.prove import INFLATION
from soundbench.training import Check, Problem, grid_problem

LOSS_SCALE = 100.0
BOUNDS_REFUSED = "moat: bound_weight is for networks of ReLUs without branches; set it to 0 for this one"


@dataclass(frozen=True, slots=True)
class Moat:
    """The dials of moat training; `moat_dials` has those that suit an architecture and a radius.

    `flat`, `height` and `depth` are margins; what margins lack of `flat` counts once more, `low_weight` times. `spread`
    is in units of radius * sqrt(inputs), `rim` in radii for 25 inputs, and grows with the root of the inputs. `start`
    scales the random weights, with `first_scale`, `hidden_scale` and `kinks` (see `moat_start`); `peak_rate` is reached
    after the share `warm_up` of all steps, and falls to the share `last_rate` of it along a cosine.
    A step takes `walkers`, `uniform` points, `corners`, and `climbers` with a neighbour each in every box, and around
    every planted point `near` points and `flips`, corners near it. From the share `hold_from` of all steps on, walkers
    that have found too small a margin start anew with `hold` times the usual chance only, unless the fit is worse than
    `hold_error`.
    Every `bound_every` steps pits are asked to be `reserve` times as deep as float32's rounding demands of
    certificates, as far as that is known in training. As often a lower bound of the margin over each clean box is
    raised to `bound_target`, by a hinge of weight `bound_weight` a step; first over a point, from the share
    `bound_full` of all steps on over the whole box.
    Every `check_every` steps planted points have to withstand the check's grid, for the log: pairs of a step in radii
    and a number of iterations.
    """

    steps: int = 5000
    peak_rate: float = 1e-3
    warm_up: float = 0.02
    last_rate: float = 0.01
    flat: float = 0.3
    height: float = 0.3
    depth: float = 0.1
    low_weight: float = 1.0
    spread: float = 0.8
    rim: float = 1.9
    start: Start = Start.SCALED
    first_scale: float = 10.0
    hidden_scale: float = 2.45
    kinks: float = 0.5
    walkers: int = 10
    uniform: int = 2
    corners: int = 1
    climbers: int = 0
    near: int = 8
    flips: int = 3
    hold: float = 1.0
    hold_from: float = 0.4
    hold_error: float = 0.25
    reserve: float = 0.0
    bound_weight: float = 0.0
    bound_every: int = 4
    bound_target: float = 0.1
    bound_full: float = 0.5
    check_every: int = 500
    check_grid: tuple[tuple[float, ...], ...] = ((0.25, 50), (0.05, 50), (0.02, 100))
    check_restarts: int = 10

    @property
    def patience(self) -> int:
        """The learning rate must fall to its end, so training does too."""
        return 0

    @property
    def largest_gradient(self) -> float:
        """Gradients are not clipped."""
        return math.inf

    def problems(self) -> Mapping[str, bool]:
        """What no training can have, and whether these dials ask for it."""
        positive = ("peak_rate", "flat", "depth", "spread", "rim", "first_scale", "hidden_scale", "hold_error")
        counts = (self.uniform, self.corners, self.climbers, self.near, self.flips)
        return {
            "steps, bound_every, check_every and check_restarts must be positive": min(
                self.steps, self.bound_every, self.check_every, self.check_restarts
            )
            < 1,
            f"{', '.join(positive)} must be positive": any(getattr(self, name) <= 0 for name in positive),
            "height, low_weight, kinks, reserve and bound_weight must not be negative": min(
                self.height, self.low_weight, self.kinks, self.reserve, self.bound_weight
            )
            < 0,
            "walkers must be positive, uniform, corners, climbers, near and flips not negative": self.walkers < 1
            or min(counts) < 0,
            "warm_up, last_rate, hold, hold_from and bound_full must lie in [0, 1]": not all(
                0 <= share <= 1 for share in (self.warm_up, self.last_rate, self.hold, self.hold_from, self.bound_full)
            ),
            "check_grid must be a list of [step, iterations], none twice": grid_problem(self.check_grid),
        }

    def checks(self) -> Sequence[Check]:
        """One grid, to see how training goes."""
        return (Check(self.check_grid, self.check_restarts),)

    def learning_rate(self, step: int) -> float:
        """Linear up, a cosine down."""
        rising = min(1.0, (step + 1) / (self.warm_up * self.steps)) if self.warm_up else 1.0
        falling = self.last_rate + (1 - self.last_rate) * 0.5 * (1 + math.cos(math.pi * step / self.steps))
        return self.peak_rate * rising * falling

    def prepare(self, network: nn.Sequential, problem: Problem, generator: Generator) -> nn.Sequential:
        """Scale the random weights to the boxes; sigmoids are trained as tanh.

        Raises:
            InputError: bounds are asked for, and the network has none.
        """
        if self.bound_weight and not can_be_bounded(network):
            raise InputError(BOUNDS_REFUSED)
        network = centred(network)
        points = sample(problem, generator)
        scale = {Start.SCALED: scale_layers, Start.MEASURED: measure_layers}[self.start]
        scale(network, self.first_scale, self.hidden_scale, self.kinks, points, generator)
        normalise(network, points)
        return network

    def finish(self, network: nn.Sequential, original: nn.Sequential) -> nn.Sequential:
        """The trained network with the activations that it was built with."""
        return decentred(network) if any(isinstance(module, nn.Sigmoid) for module in original) else network

    def differentiate(
        self, network: nn.Sequential, problem: Problem, memory: Tensor | None, step: int, generator: Generator
    ) -> tuple[float, Tensor]:
        """Set the gradients of a step; return its loss, and where walkers and climbers are after it."""
        rims = rims_of(problem, self.rim * problem.radius * math.sqrt(problem.inputs / 25))
        count = self.walkers * len(problem.boxes)
        walkers = MovingPoints.of(problem, self.walkers, None if memory is None else memory[:count], rims, generator)
        climbers = Climbers.of(problem, self.climbers, None if memory is None else memory[count:], generator)
        points, index = self.samples(problem, walkers, climbers, rims, generator)
        wanted, counted = self.shape(problem, points, index, rims)
        pits = torch.arange(problem.armed, device=problem.device)
        every = torch.cat([points, problem.witnesses]).requires_grad_()
        margins = problem.margins(network)(every, torch.cat([index, pits]))
        reached, planted = margins[: len(points)], margins[len(points) :]
        missed = (((reached - wanted) ** 2) * counted).sum() / counted.sum()
        low = ((self.flat - reached).relu().square() * counted).sum() / counted.sum()
        loss = LOSS_SCALE * (missed + self.low_weight * low + (planted + self.depth).relu().square().mean())
        loss.backward()  # type: ignore[no-untyped-call]
        is_due = step % self.bound_every == 0
        extra = self.raise_bounds(network, problem, step) if is_due and self.bound_weight else 0.0
        extra += self.deepen(network, problem) if is_due and self.reserve else 0.0
        assert every.grad is not None  # noqa: S101 (for mypy; backward sets it)
        with torch.no_grad():
            # Divided by the sign of the loss's own slope, the gradient of the loss is that of the margin.
            slope = 2 * (reached - wanted) - 2 * self.low_weight * (self.flat - reached).relu()
            downhill = -(every.grad[:count] * slope[:count].sign()[:, None]).sign()
            is_held = step >= self.hold_from * self.steps and float(missed) ** 0.5 < self.hold_error
            chance = torch.where(reached[:count] > self.flat / 2, 1.0, self.hold if is_held else 1.0)
            moved = walkers.moved(downhill, chance, rims, generator)
            middle, end = count + len(climbers), count + 2 * len(climbers)
            is_lower = reached[middle:end] < reached[count:middle]
            climbed = climbers.moved(points[middle:end], is_lower, rims, generator)
        return float(loss.detach()) + extra, torch.cat([moved, climbed])

    def raise_bounds(self, network: nn.Sequential, problem: Problem, step: int) -> float:
        """Add to the gradients those of how far the bounds in clean boxes lie below what is wanted; return that."""
        clean = problem.boxes.take(torch.arange(problem.armed, len(problem.boxes), device=problem.device))
        if not len(clean):
            return 0.0
        share = min(1.0, step / (self.bound_full * self.steps)) if self.bound_full else 1.0
        centre, reach = (clean.lower + clean.upper) / 2, share * ((clean.upper - clean.lower) / 2 + INFLATION)
        boxes = Boxes(centre - reach, centre + reach)
        found = margin_bounds(network, problem.input_shape, boxes, problem.signs[problem.armed :])
        loss = self.bound_every * self.bound_weight * (self.bound_target - found).relu().mean()
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    def deepen(self, network: nn.Sequential, problem: Problem) -> float:
        """Add to the gradients those of how far pits are less deep than rounding demands; return that."""
        planted, rounding = rounding_of_margins(network, problem)
        missing = (planted + self.reserve * MARGIN_PER_ERROR * rounding).relu().square().mean()
        loss = self.bound_every * LOSS_SCALE * missing
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    def samples(
        self, problem: Problem, walkers: MovingPoints, climbers: Climbers, rims: Tensor, generator: Generator
    ) -> tuple[Tensor, Tensor]:
        """Points (points, inputs) and the boxes that they lie in (points,): first walkers, climbers and neighbours."""
        boxes, device = problem.boxes, problem.device
        every, armed = torch.arange(len(boxes), device=device), torch.arange(problem.armed, device=device)
        near, flips = armed.repeat_interleave(self.near), armed.repeat_interleave(self.flips)
        groups = [
            (walkers.points, walkers.index),
            (climbers.points, climbers.index),
            (climbers.neighbours(generator), climbers.index),
            (boxes.uniform(self.uniform, generator).flatten(0, 1), every.repeat_interleave(self.uniform)),
            (boxes.corners(self.corners, generator).flatten(0, 1), every.repeat_interleave(self.corners)),
            (around(problem, near, rims, generator), near),
            (flipped(problem, flips, generator), flips),
        ]
        return torch.cat([points for points, _ in groups]), torch.cat([index for _, index in groups])

    def shape(self, problem: Problem, points: Tensor, index: Tensor, rims: Tensor) -> tuple[Tensor, Tensor]:
        """The margins wanted at points in boxes, and whether each counts (1 or 0): within the rim none is wanted."""
        is_armed = index < problem.armed
        own = index.clamp(max=problem.armed - 1)
        distance = (points - problem.witnesses[own]).norm(dim=1)
        spread = self.spread * problem.radius * math.sqrt(problem.inputs)
        hill = self.flat + self.height * torch.exp(-((distance / spread) ** 2))
        counted = ~is_armed | (distance >= 0.999 * rims[own])
        return torch.where(is_armed, hill, 2 * self.flat), counted.to(points.dtype)
