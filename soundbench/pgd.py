"""Projected gradient descent on many boxes at once, on whatever device the boxes are.

The method is that of Madry et al. 2018 (Towards deep learning models resistant to adversarial attacks) as
SoundnessBench (arXiv 2412.03154) uses it: uniform starts, sign steps of one length, the margin as the loss.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

# Margins of points (points, inputs), each in the box of that index (points,): the right class's lead, shape (points,).
# A point whose margin is not positive is a counterexample.
Margins = Callable[[Tensor, Tensor], Tensor]


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

    def uniform(self, count: int, generator: Generator) -> Tensor:
        """`count` points a box, uniform in it: (boxes, count, inputs); drawn on the CPU, so alike on every device."""
        share = torch.rand((len(self), count, self.lower.shape[1]), generator=generator, dtype=self.lower.dtype)
        lower, upper = self.lower[:, None], self.upper[:, None]
        return lower + share.to(self.lower.device) * (upper - lower)


@dataclass(frozen=True, slots=True, eq=False)
class Reached:
    """The best that an attack reached in each box: `margin` (boxes,) at `point` (boxes, inputs)."""

    margin: Tensor
    point: Tensor


def descend(
    margins: Margins, boxes: Boxes, *, step: float, iterations: int, restarts: int, generator: Generator
) -> Reached:
    """The strongest of `restarts` descents of `iterations` sign steps of length `step` in every box."""
    count, inputs = boxes.lower.shape
    index = torch.arange(count, device=boxes.lower.device).repeat_interleave(restarts)
    every = boxes.take(index)
    points = boxes.uniform(restarts, generator).reshape(-1, inputs)
    best = torch.full((len(points),), torch.inf, dtype=points.dtype, device=points.device)
    best_points = points
    for iteration in range(iterations + 1):
        points = points.detach().requires_grad_(iteration < iterations)
        reached = margins(points, index)
        better = reached.detach() < best
        best = torch.where(better, reached.detach(), best)
        best_points = torch.where(better[:, None], points.detach(), best_points)
        if iteration < iterations:
            (gradient,) = torch.autograd.grad(reached.sum(), points)
            points = (points - step * gradient.sign()).clamp(every.lower, every.upper)
    return strongest(best.reshape(count, restarts), best_points.reshape(count, restarts, inputs))


def strongest(margins: Tensor, points: Tensor) -> Reached:
    """The best of several points a box: margins (boxes, several), points (boxes, several, inputs)."""
    margin, index = margins.min(dim=1)
    return Reached(margin, points[torch.arange(len(points), device=points.device), index])
