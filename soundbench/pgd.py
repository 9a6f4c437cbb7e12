"""Projected gradient descent on many boxes at once, on whatever device the boxes are.

The method is that of Madry et al. 2018 (Towards deep learning models resistant to adversarial attacks) as
SoundnessBench (arXiv 2412.03154) uses it: uniform starts, sign steps of one length, the margin as the loss.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

# Margins of points (points, inputs), each in the box of that index (points,): the right class's lead, shape (points,).
# A point whose margin is not positive is a counterexample.
Margins = Callable[[Tensor, Tensor], Tensor]
# Which of the points (points, inputs), each in the box of that index (points,), are counterexamples: (points,).
Confirmed = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How a descent goes: `iterations` steps of `step_share` times the box's half-width."""

    step_share: float
    iterations: int

    @property
    def name(self) -> str:
        """Its name in tables, such as `0.25x100`."""
        return f"{self.step_share:g}x{self.iterations}"


# The battery that a published counterexample had to withstand.
PUBLISHED_GRID = (
    Schedule(0.25, 0),
    Schedule(0.25, 100),
    Schedule(0.02, 100),
    Schedule(0.02, 250),
    Schedule(0.02, 500),
    Schedule(0.01, 1000),
    Schedule(0.01, 3000),
    Schedule(0.01, 5000),
)


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """Boxes to search: `lower` and `upper` (boxes, inputs), of one dtype and on one device."""

    lower: Tensor
    upper: Tensor

    def __len__(self) -> int:
        """The number of boxes."""
        return len(self.lower)

    def take(self, indices: Tensor) -> "Boxes":
        """The boxes of these indices (any shape, boxes may repeat)."""
        return Boxes(self.lower[indices], self.upper[indices])

    def half_width(self) -> Tensor:
        """Half of each box's largest width, (boxes,): the radius, unless the box was clipped in every input."""
        return (self.upper - self.lower).amax(dim=1) / 2

    def uniform(self, count: int, generator: Generator) -> Tensor:
        """`count` points a box, uniform in it: (boxes, count, inputs); drawn on the CPU, so alike on every device."""
        share = torch.rand((len(self), count, self.lower.shape[1]), generator=generator, dtype=self.lower.dtype)
        lower, upper = self.lower[:, None], self.upper[:, None]
        # Rounding may lead out of the box.
        return (lower + share.to(self.lower.device) * (upper - lower)).clamp(lower, upper)

    def corners(self, count: int, generator: Generator) -> Tensor:
        """`count` random corners a box: (boxes, count, inputs); drawn on the CPU, so alike on every device."""
        is_upper = torch.rand((len(self), count, self.lower.shape[1]), generator=generator) < 0.5
        return torch.where(is_upper.to(self.lower.device), self.upper[:, None], self.lower[:, None])


@dataclass(frozen=True, slots=True, eq=False)
class Reached:
    """The best that an attack reached in each box: `margin` (boxes,) at `point` (boxes, inputs).

    `queries` (boxes,) counts the points at which it saw the margin.
    """

    margin: Tensor
    point: Tensor
    queries: Tensor


@dataclass(slots=True, eq=False)
class Walkers:
    """Points on their way, (points, inputs): their box, its bounds, their step, and the best each has seen.

    `anchor` is where each was some steps ago. One that comes back there goes round for ever, so it is `moving` no more.
    """

    index: Tensor
    points: Tensor
    lower: Tensor
    upper: Tensor
    step: Tensor
    best: Tensor
    best_points: Tensor
    anchor: Tensor
    moving: Tensor


def descend(
    margins: Margins,
    boxes: Boxes,
    *,
    step: float | Tensor,
    iterations: int,
    restarts: int,
    generator: Generator,
    loss: Margins | None = None,
    confirmed: Confirmed | None = None,
) -> Reached:
    """The strongest of `restarts` descents of `iterations` sign steps of length `step` in every box.

    `step` may differ by box (boxes,), and by input too (boxes, inputs). The margin is descended, or `loss` in its
    place. With `confirmed`, which is asked about points whose margin is not positive, a box is left once one of its
    points is a counterexample.
    """
    starts = boxes.uniform(restarts, generator)
    return descend_from(margins, boxes, starts, step=step, iterations=iterations, loss=loss, confirmed=confirmed)


def descend_from(
    margins: Margins,
    boxes: Boxes,
    starts: Tensor,
    *,
    step: float | Tensor,
    iterations: int,
    loss: Margins | None = None,
    confirmed: Confirmed | None = None,
    decay: float = 1.0,
) -> Reached:
    """As `descend`, from given starts (boxes, starts, inputs), and each step `decay` times as long as the last one."""
    count, several, inputs = starts.shape
    walkers = started(boxes, starts, step)
    queries = torch.zeros(count, dtype=torch.int64, device=starts.device)
    left = torch.ones(count, dtype=torch.bool, device=starts.device)
    renewal = 0
    for iteration in range(iterations + 1):
        active = walkers.moving.nonzero()[:, 0]
        if not len(active):
            break
        queries += torch.bincount(walkers.index[active], minlength=count)
        advance(walkers, active, margins, loss, is_last=iteration == iterations)
        if decay == 1:
            stop_cycles(walkers)
            if iteration == renewal:
                walkers.anchor, renewal = walkers.points, iteration + max(4, iteration // 8)
        else:
            walkers.step = walkers.step * decay
        if confirmed is not None and bool((walkers.best <= 0).any()):
            left &= ~found_boxes(walkers, left, confirmed)
            walkers.moving &= left[walkers.index]
    best = strongest(walkers.best.reshape(count, several), walkers.best_points.reshape(count, several, inputs))
    return Reached(best.margin, best.point, queries.cpu())


def started(boxes: Boxes, starts: Tensor, step: float | Tensor) -> Walkers:
    """Walkers at the starts (boxes, starts, inputs), those of a box one after another."""
    count, several, inputs = starts.shape
    index = torch.arange(count, device=starts.device).repeat_interleave(several)
    every = boxes.take(index)
    points = starts.reshape(-1, inputs)
    lengths = torch.as_tensor(step, dtype=points.dtype, device=points.device)
    lengths = (lengths if lengths.ndim == 2 else lengths.expand(count)[:, None])[index]
    best = torch.full((len(points),), torch.inf, dtype=points.dtype, device=points.device)
    moving = torch.ones_like(best, dtype=torch.bool)
    return Walkers(index, points, every.lower, every.upper, lengths, best, points, points, moving)


def advance(walkers: Walkers, active: Tensor, margins: Margins, loss: Margins | None, *, is_last: bool) -> None:
    """See the margins where the walkers of these indices are, then take a step unless it is the last look."""
    index, points = walkers.index[active], walkers.points[active].detach().requires_grad_(not is_last)
    with torch.set_grad_enabled(not is_last and loss is None):
        reached = margins(points, index)
    before, seen = walkers.best[active], reached.detach()
    better = seen < before
    walkers.best = walkers.best.index_copy(0, active, torch.where(better, seen, before))
    best_points = torch.where(better[:, None], points.detach(), walkers.best_points[active])
    walkers.best_points = walkers.best_points.index_copy(0, active, best_points)
    if not is_last:
        descended = reached if loss is None else loss(points, index)
        (gradient,) = torch.autograd.grad(descended.sum(), points)
        stepped = points.detach() - walkers.step[active] * gradient.sign()
        stepped = stepped.clamp(walkers.lower[active], walkers.upper[active])
        walkers.points = walkers.points.index_copy(0, active, stepped)


def stop_cycles(walkers: Walkers) -> None:
    """Stop those that are at their anchor again, of which nothing new would come, up to rounding: steps have no memory.

    Anchors that are moved ever more rarely find cycles of up to an eighth of the steps made (Brent 1980, An improved
    Monte Carlo factorization algorithm, section 2).
    """
    walkers.moving &= (walkers.points != walkers.anchor).any(dim=1)


def found_boxes(walkers: Walkers, left: Tensor, confirmed: Confirmed) -> Tensor:
    """Which of the boxes that are left (boxes,) have a walker whose best point is confirmed to be a counterexample."""
    count = len(left)
    best = strongest(walkers.best.reshape(count, -1), walkers.best_points.reshape(count, -1, walkers.points.shape[1]))
    candidates = (left & (best.margin <= 0)).nonzero()[:, 0]
    found = torch.zeros_like(left)
    found[candidates] = confirmed(best.point[candidates], candidates)
    return found


def strongest(margins: Tensor, points: Tensor) -> Reached:
    """The best of several points a box, a query each: margins (boxes, several), points (boxes, several, inputs)."""
    margin, index = margins.min(dim=1)
    queries = torch.full((len(points),), points.shape[1], dtype=torch.int64)
    return Reached(margin, points[torch.arange(len(points), device=points.device), index], queries)


def seeded(*parts: object) -> Generator:
    """A generator on the CPU whose numbers depend on these parts alone: a seed, a network, an attack."""
    digest = hashlib.sha256("\n".join(map(str, parts)).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)


def survivors(
    margins: Margins,
    boxes: Boxes,
    *,
    half_width: float | Tensor,
    restarts: int,
    seed: int,
    grid: Sequence[Schedule] = PUBLISHED_GRID,
) -> Mapping[Schedule, Reached]:
    """What each attack of the grid reached; a box survived if no margin of it is 0 or less.

    `half_width` is the radius of the boxes before they were clipped, of which steps are a share; it may differ by box
    (boxes,). A box that one attack finds is left out of those after it: its margin is inf there, and its queries 0.
    """
    left = torch.arange(len(boxes), device=boxes.lower.device)
    radius = torch.as_tensor(half_width, dtype=boxes.lower.dtype, device=left.device).expand(len(boxes))
    results = {}
    for schedule in grid:
        remaining = left
        reached = descend(
            lambda points, index, remaining=remaining: margins(points, remaining[index]),  # type: ignore[misc]
            boxes.take(left),
            step=schedule.step_share * radius[left],
            iterations=schedule.iterations,
            restarts=restarts,
            generator=seeded(seed, schedule.name),
            confirmed=lambda points, _: torch.ones(len(points), dtype=torch.bool, device=points.device),
        )
        margin, point = torch.full_like(radius, torch.inf), boxes.lower.clone()
        queries = torch.zeros(len(boxes), dtype=torch.int64)
        margin[left], point[left], queries[left.cpu()] = reached.margin, reached.point, reached.queries
        results[schedule] = Reached(margin, point, queries)
        left = left[reached.margin > 0]
    return results
