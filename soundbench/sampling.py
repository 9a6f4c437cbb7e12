"""Attacks that look at points without following anything: corners of the box, and uniform points in it."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from soundbench.pgd import Boxes, Reached, strongest
from soundbench.targets import Targets

# Makes points (boxes, several, inputs) from the boxes, how many were made before, and how many to make.
Maker = Callable[[Boxes, int, int], Tensor]


def corners_of(total: int) -> Callable[[Targets, int, int, Generator], Reached]:
    """The attack that looks at `total` random corners of every box, or at each corner once if there are not more."""

    def search(targets: Targets, first: int, count: int, generator: Generator) -> Reached:
        inputs = targets.boxes.lower.shape[1]
        every = 2**inputs if inputs < 63 else total + 1
        if every > total:
            return best_of(targets, count, lambda boxes, _, several: boxes.corners(several, generator))
        return best_of(
            targets,
            max(0, min(count, every - first)),
            lambda boxes, seen, several: numbered_corners(boxes, first + seen, several),
        )

    return search


def search_uniformly(targets: Targets, _first: int, count: int, generator: Generator) -> Reached:
    """The attack that looks at `count` uniform points of every box."""
    return best_of(targets, count, lambda boxes, _, several: boxes.uniform(several, generator))


def numbered_corners(boxes: Boxes, first: int, several: int) -> Tensor:
    """The corners from number `first` on, (boxes, several, inputs): bit i says on which side input i is."""
    numbers = torch.arange(first, first + several, device=boxes.lower.device)
    bits = torch.arange(boxes.lower.shape[1], device=boxes.lower.device)
    high = (numbers[:, None] >> bits) & 1
    return torch.where(high.bool(), boxes.upper[:, None], boxes.lower[:, None])


def best_of(targets: Targets, count: int, make: Maker) -> Reached:
    """The best of `count` points a box; a box is left once one of them is a counterexample."""
    boxes = targets.boxes
    margin, point = torch.full_like(boxes.lower[:, 0], torch.inf), boxes.lower.clone()
    queries = torch.zeros(len(targets), dtype=torch.int64)
    left, seen = torch.arange(len(targets), device=margin.device), 0
    while seen < count and len(left):
        several = min(count - seen, max(1, targets.most_points // len(left)))
        points = make(boxes.take(left), seen, several)
        with torch.no_grad():
            margins = targets.margins(points.reshape(-1, points.shape[2]), left.repeat_interleave(several))
        best = strongest(margins.reshape(-1, several), points)
        better = best.margin < margin[left]
        margin[left] = torch.where(better, best.margin, margin[left])
        point[left] = torch.where(better[:, None], best.point, point[left])
        queries[left.cpu()] += several
        looks_found = margin[left] <= 0
        looks_found[looks_found.clone()] = targets.confirmed(point[left][looks_found], left[looks_found])
        left = left[~looks_found]
        seen += several
    return Reached(margin, point, queries)
