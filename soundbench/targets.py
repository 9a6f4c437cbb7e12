"""What is attacked: the boxes of one network's instances, side by side, as margins that any attack can descend.

The margin of a region is the largest excess over its constraints: positive until all of them are met. Attacks see it
in float32 (or whatever the boxes are in); whether a point is a counterexample is decided in float64, exactly.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from soundbench.attack import AttackResult, judged, representable_box, tensors_in_torch
from soundbench.graph import Array, Graph, Maximum
from soundbench.instance import Interval, Property, Region
from soundbench.pgd import Boxes

# The graph's sizes times four cover what a descent keeps of a point: values, their gradients, its own copies; the
# members of maxima are values too.
COPIES = 4
# How many numbers are held at once: 400 MB in float32.
MOST_NUMBERS = 100_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """Boxes of one network, and the regions that must not be reached from each.

    `names` gives the instance of each box, `regions` what is unsafe in it: any of one or several regions, all of that
    box. `rows` (boxes, regions, constraints, outputs) and `bounds` (boxes, regions, constraints) hold the constraints,
    rows @ outputs <= bounds, filled up with constraints that are always met and regions that are never reached.
    """

    graph: Graph
    names: tuple[str, ...]
    regions: tuple[tuple[Region, ...], ...]
    boxes: Boxes
    rows: Tensor
    bounds: Tensor
    tensors: Callable[[Tensor], dict[str, Tensor]]

    def __len__(self) -> int:
        """The number of boxes."""
        return len(self.names)

    def take(self, indices: Sequence[int]) -> "Targets":
        """The targets of these indices."""
        chosen = torch.tensor(indices, dtype=torch.int64, device=self.bounds.device)
        names, regions = (tuple(values[index] for index in indices) for values in (self.names, self.regions))
        boxes, rows, bounds = self.boxes.take(chosen), self.rows[chosen], self.bounds[chosen]
        return Targets(self.graph, names, regions, boxes, rows, bounds, self.tensors)  # type: ignore[arg-type]

    def margins(self, points: Tensor, index: Tensor) -> Tensor:
        """The smallest margin of any region, of points (points, inputs) in the boxes `index` (points,)."""
        return self.margins_of(self.tensors(points), index)

    def margins_of(self, values: dict[str, Tensor], index: Tensor) -> Tensor:
        """As `margins`, from the tensors' values."""
        return self._each(values, index).amin(dim=1)

    def cross_entropy(self, points: Tensor, index: Tensor) -> Tensor:
        """What to descend for cross-entropy to rise: the soft minimum of the regions' margins, (points,).

        Where the regions are the wrong classes, cross-entropy is log(1 + sum exp(-margin)); this is minus the
        logarithm of that sum, whose gradient has the same direction, and does not vanish in float32.
        """
        return -torch.logsumexp(-self._each(self.tensors(points), index), dim=1)

    def _each(self, values: dict[str, Tensor], index: Tensor) -> Tensor:
        """Each region's margin, (points, regions)."""
        outputs = values[self.graph.output]
        excess = (self.rows[index] * outputs[:, None, None]).sum(dim=3) - self.bounds[index]
        return excess.amax(dim=2)

    def confirmed(self, points: Tensor, index: Tensor) -> Tensor:
        """Which of the points (points, inputs) are counterexamples in the boxes `index` (points,), exactly."""
        found = [self.judge(point, box).found for point, box in zip(points, index.tolist(), strict=True)]
        return torch.tensor(found, dtype=torch.bool, device=points.device)

    def judge(self, point: Tensor, box: int) -> AttackResult:
        """A point (inputs,) in the box of that index, in float64: its margin is positive where it violates."""
        row = point.detach().cpu().to(torch.float64).numpy()[None]
        results = [judged(self.graph, region, row) for region in self.regions[box]]
        return max(results, key=lambda result: (result.found, result.margin))

    @property
    def most_points(self) -> int:
        """How many points may be attacked at once, for memory's sake."""
        members = sum(step.groups.size for step in self.graph.steps if isinstance(step, Maximum))
        return max(1, MOST_NUMBERS // (COPIES * (sum(self.graph.sizes.values()) + members)))


def targets_of(
    graph: Graph, properties: Iterable[tuple[str, Property]], device: torch.device, *, together: bool = False
) -> Targets | None:
    """The boxes of instances, by name, of one network; None if there are none.

    One box a region; with `together`, one box for all regions of an instance that share it, where several do.
    Boxes without a float64 point are left out. Float32 is used where every box has a float32 point.
    """
    chosen: list[tuple[str, tuple[Region, ...]]] = []
    for name, unsafe in properties:
        groups: dict[tuple[Interval, ...], list[Region]] = {}
        for region in unsafe.regions:
            groups.setdefault(region.inputs, []).append(region)
        if together:
            chosen += [(name, tuple(regions)) for regions in groups.values() if len(regions) > 1]
        else:
            chosen += [(name, (region,)) for region in unsafe.regions]
    bounds = [representable_box(regions[0].inputs) for _, regions in chosen]
    kept = [index for index, (lower, upper) in enumerate(bounds) if (lower <= upper).all()]
    if not kept:
        return None
    lower, upper = (np.stack([bounds[index][side] for index in kept]) for side in (0, 1))
    names, regions = zip(*(chosen[index] for index in kept), strict=True)
    boxes = boxes_within(lower, upper, device)
    rows, thresholds = constraints_in_torch(regions, graph.output_count, boxes.lower)
    tensors = tensors_in_torch(graph, boxes.lower.dtype, device)
    return Targets(graph, names, regions, boxes, rows, thresholds, tensors)


def boxes_within(lower: Array, upper: Array, device: torch.device) -> Boxes:
    """The largest float32 boxes within float64 boxes (boxes, inputs); these themselves if one holds no such point."""
    low, high = lower.astype(np.float32), upper.astype(np.float32)
    low = np.where(low < lower, np.nextafter(low, np.float32(np.inf)), low)
    high = np.where(high > upper, np.nextafter(high, np.float32(-np.inf)), high)
    if (low > high).any() or not (np.isfinite(low).all() and np.isfinite(high).all()):
        low, high = lower, upper  # type: ignore[assignment]
    return Boxes(torch.from_numpy(low).to(device), torch.from_numpy(high).to(device))


def constraints_in_torch(
    regions: Sequence[tuple[Region, ...]], output_count: int, like: Tensor
) -> tuple[Tensor, Tensor]:
    """The `rows` and `bounds` of `Targets`, of the type and on the device of `like`."""
    most_regions = max(map(len, regions))
    most = max((len(region.outputs) for each in regions for region in each), default=0)
    shape = (len(regions), most_regions, max(1, most))
    rows, bounds = np.zeros((*shape, output_count)), np.full(shape, np.inf)
    for box, each in enumerate(regions):
        bounds[box, len(each) :] = -np.inf
        for number, region in enumerate(each):
            for place, constraint in enumerate(region.outputs):
                bounds[box, number, place] = float(constraint.bound)
                for index, factor in constraint.terms:
                    rows[box, number, place, index] = float(factor)
    return torch.from_numpy(rows).to(like), torch.from_numpy(bounds).to(like)


def exact(point: Tensor) -> list[Fraction]:
    """A point (inputs,) as exact numbers."""
    return [Fraction(value) for value in point.tolist()]
