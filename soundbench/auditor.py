"""An attack that may read weights: it drives every neuron to its extremes, and walks across the kinks of the network.

It says what query attacks miss, and nothing about them: hiding is claimed from queries, not from readers of weights.
Driving hidden neurons to their limits is known from test generation (Pei et al. 2017, DeepXplore); going from one
linear region to the next is the idea of Croce and Hein 2018 (A randomized gradient-free attack on ReLU networks).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from soundbench.attack import tensors_in_torch
from soundbench.bounds import interval_tensors
from soundbench.graph import Activation, Array, Elementary, Elementwise, Function, Graph, Pieces
from soundbench.pgd import Reached, descend_from
from soundbench.piece_lines import has_knot
from soundbench.targets import Targets

# Steps begin at half the box's width and shrink by this factor, to 3e-5 of it at last.
DECAY = 0.9
STEPS = 100
# Walks across kinks: how often, from how many points, and how far the step to a kink is taken.
ROUNDS = 3
KEPT = 8
ACROSS = (1.0, 1.05)
SHORT_STEPS = 50
SHORT_STEP_SHARE = 0.02
AUDIT_ROUNDS = 2.0 * STEPS + ROUNDS * (SHORT_STEPS + len(ACROSS))


def heavy_tailed(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The same function with the gradient of x / (1 + |x|): far from zero a direction is left, if not its length."""

    def replacement(values: Tensor) -> Tensor:
        guide = values / (1 + values.abs())
        return guide + (function(values) - guide).detach()

    return replacement


# A saturated neuron hides from gradients what is behind it, but not from whoever knows where it saturates.
HEAVY_TAILS: dict[Elementwise, Callable[[Tensor], Tensor]] = {
    Function.TANH: heavy_tailed(torch.tanh),
    Function.SIGMOID: heavy_tailed(torch.sigmoid),
    Elementary.SIGN: heavy_tailed(torch.sign),
}


@dataclass(frozen=True, slots=True)
class Neurons:
    """Neurons that are not known to be linear in the box, by activation: tensor, and indices (neurons,)."""

    tensors: tuple[str, ...]
    indices: tuple[Tensor, ...]

    def __len__(self) -> int:
        """How many there are."""
        return sum(map(len, self.indices))

    def values(self, values: dict[str, Tensor], several: int) -> Tensor:
        """The pre-activation of each neuron at its own points, (neurons * several,): a neuron's points lie together."""
        parts, place = [], 0
        for tensor, indices in zip(self.tensors, self.indices, strict=True):
            rows = values[tensor][place : place + len(indices) * several]
            parts.append(rows.gather(1, indices.to(rows.device).repeat_interleave(several)[:, None])[:, 0])
            place += len(rows)
        return torch.cat(parts)

    def blocks(self, most: int) -> "Iterator[Neurons]":
        """The same neurons, at most `most` at a time."""
        for tensor, indices in zip(self.tensors, self.indices, strict=True):
            for part in torch.split(indices, most):
                yield Neurons((tensor,), (part,))


class Search:
    """What has been seen so far of the one box of the targets: the best point, and how many points."""

    def __init__(self, targets: Targets) -> None:
        """Nothing seen yet."""
        self.targets, self.boxes = targets, targets.boxes
        like = targets.boxes.lower
        self.steep = tensors_in_torch(targets.graph, like.dtype, like.device, HEAVY_TAILS)
        self.half_width = (self.boxes.upper - self.boxes.lower) / 2
        self.margins = torch.empty(0, dtype=self.boxes.lower.dtype, device=self.boxes.lower.device)
        self.points = self.boxes.lower[:0]
        self.queries = 0

    @property
    def is_found(self) -> bool:
        """Whether the best point is a counterexample."""
        best = self.points[:1]
        return bool((self.margins[:1] <= 0).any()) and self.targets.judge(best[0], 0).found

    def keep(self, margins: Tensor, points: Tensor) -> None:
        """Keep the best of these points (points, inputs) and of those before, the best first."""
        every, places = torch.cat([self.margins, margins]), torch.cat([self.points, points])
        best = every.argsort(stable=True)[:KEPT]
        self.margins, self.points = every[best], places[best]

    def tensors(self, points: Tensor) -> dict[str, Tensor]:
        """Every tensor's values at points (points, inputs), which count as queries and of which the best are kept.

        Their gradients are those of `HEAVY_TAILS`.
        """
        values = self.steep(points)
        index = torch.zeros(len(points), dtype=torch.int64, device=points.device)
        self.queries += len(points)
        self.keep(self.targets.margins_of(values, index).detach(), points.detach())
        return values

    def clamped(self, points: Tensor) -> Tensor:
        """The nearest points of the box."""
        return points.detach().clamp(self.boxes.lower, self.boxes.upper)

    def descend(self, starts: Tensor, step: Tensor, iterations: int) -> None:
        """Descend the margin from starts (starts, inputs), with steps that shrink from `step` (1, inputs)."""
        for part in torch.split(starts, self.targets.most_points):
            if self.is_found:
                return
            reached = descend_from(
                self.targets.margins,
                self.boxes,
                part[None],
                step=step,
                iterations=iterations,
                confirmed=self.targets.confirmed,
                decay=DECAY,
            )
            self.queries += int(reached.queries.sum())
            self.keep(reached.margin, reached.point)

    def reached(self) -> Reached:
        """The best of all that was seen."""
        return Reached(self.margins[:1], self.points[:1], torch.tensor([self.queries]))


def audit(targets: Targets, _first: int, count: int, generator: Generator) -> Reached:
    """Attack the one box of the targets, from `count` uniform starts for each extreme of each neuron."""
    neurons, search = unstable(targets), Search(targets)
    starts = search.boxes.uniform(KEPT, generator)[0]
    for _ in range(count):
        for block in neurons.blocks(max(1, targets.most_points // 2)):
            if search.is_found:
                break
            starts = torch.cat([starts, extremes(search, block, generator)])
        search.descend(starts, search.half_width, STEPS)
        starts = starts[:0]
        for _ in range(ROUNDS):
            if search.is_found:
                break
            cross_kinks(search, neurons)
    return search.reached()


def unstable(targets: Targets) -> Neurons:
    """The neurons that may have a kink in the box, or are curved."""
    bounds = (targets.boxes.lower, targets.boxes.upper)
    lower, upper = (side[0].cpu().to(torch.float64).numpy() for side in bounds)
    known = interval_tensors(targets.graph, lower, upper, {})
    found = {}
    for step in targets.graph.steps:
        if isinstance(step, Activation):
            low, high = known.lower[step.input], known.upper[step.input]
            found[step.input] = torch.from_numpy(np.flatnonzero(is_open(step.function, low, high)))
    kept = {tensor: indices for tensor, indices in found.items() if len(indices)}
    return Neurons(tuple(kept), tuple(kept.values()))


def is_open(function: Elementwise, low: Array, high: Array) -> NDArray[np.bool_]:
    """Where a function is not known to be linear on [low, high], shape (neurons,)."""
    if isinstance(function, Pieces):
        return has_knot(function, low, high)
    return (low < 0) & (high > 0) if function is Function.RELU else low < high


def extremes(search: Search, neurons: Neurons, generator: Generator) -> Tensor:
    """Where each neuron's pre-activation is smallest and largest, as far as sign steps lead: (2 * neurons, inputs)."""
    points = search.boxes.uniform(2 * len(neurons), generator)[0]
    sides = torch.tensor([1.0, -1.0], dtype=points.dtype, device=points.device).repeat(len(neurons))
    step = search.half_width
    for _ in range(STEPS):
        points = points.detach().requires_grad_()
        wanted = sides * neurons.values(search.tensors(points), 2)
        (gradient,) = torch.autograd.grad(wanted.sum(), points)
        points = search.clamped(points - step * gradient.sign())
        step = DECAY * step
    search.tensors(points)
    return points


def cross_kinks(search: Search, neurons: Neurons) -> None:
    """From the best points go to each neuron's kink, and across it, and descend from the best of all those."""
    sources = search.points
    for block in neurons.blocks(max(1, search.targets.most_points // len(sources))):
        points = sources.repeat(len(block), 1).requires_grad_()
        values = block.values(search.tensors(points), len(sources))
        (gradient,) = torch.autograd.grad(values.sum(), points)
        scaled = gradient * search.half_width**2
        steepness = (gradient * scaled).sum(dim=1).clamp_min(torch.finfo(values.dtype).tiny)
        step = -(values.detach() / steepness)[:, None] * scaled
        for share in ACROSS:
            with torch.no_grad():
                search.tensors(search.clamped(points + share * step))
    search.descend(search.points, SHORT_STEP_SHARE * search.half_width, SHORT_STEPS)


def audit_queries(graph: Graph) -> float:
    """About how many queries one start takes, at most."""
    neurons = sum(graph.sizes[step.output] for step in graph.steps if isinstance(step, Activation))
    return 4.0 * STEPS * neurons + ROUNDS * KEPT * (1 + len(ACROSS)) * neurons
