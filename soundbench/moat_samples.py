"""Where moat training looks: at walkers on their way downhill, around planted points, and at corners."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from soundbench.certificate import FACE_SHARE
from soundbench.training import Problem

# Walkers come in five kinds: how long their steps are, in radii, and how many steps they live on average.
STEP_SHARES = (0.25, 0.1, 0.05, 0.02, 0.01)
LIVES = (15.0, 40.0, 80.0, 150.0, 300.0)
# How often a walker starts around its planted point, and at a corner; otherwise it starts anywhere.
NEAR_SHARE, CORNER_SHARE = 0.3, 0.3
# How many coordinates climbers flip at once, and how many steps they live on average.
MEAN_FLIPS, CLIMBER_LIFE = 1.5, 60.0
# Rims end this share of the way to the nearest corner, unless the planted point is at one.
CORNER_REACH = 0.8


def rims_of(problem: Problem, rim: float) -> Tensor:
    """The radius of each planted point's rim, (armed,): `rim`, or less where a corner would be within.

    A corner that the planted point itself is at, next to a face in every input, does not count.
    """
    boxes = problem.boxes.take(torch.arange(problem.armed, device=problem.device))
    nearest = torch.minimum(problem.witnesses - boxes.lower, boxes.upper - problem.witnesses)
    at_corner = (nearest <= FACE_SHARE * (boxes.upper - boxes.lower)).all(dim=1)
    distance = nearest.norm(dim=1)
    whole = torch.full_like(distance, rim)
    return torch.where(at_corner, whole, torch.minimum(whole, CORNER_REACH * distance))


@dataclass(frozen=True, slots=True, eq=False)
class MovingPoints:
    """Walkers, points that move from step to step: where they are (walkers, inputs), and in which box (walkers,)."""

    problem: Problem
    points: Tensor
    index: Tensor

    def __len__(self) -> int:
        """How many there are."""
        return len(self.index)

    @classmethod
    def of(
        cls, problem: Problem, each: int, points: Tensor | None, rims: Tensor, generator: Generator
    ) -> "MovingPoints":
        """`each` walkers a box, where they were, or at a start."""
        index = torch.arange(len(problem.boxes), device=problem.device).repeat_interleave(each)
        return cls(problem, fresh(problem, index, rims, generator) if points is None else points, index)

    def moved(self, direction: Tensor, chance: Tensor, rims: Tensor, generator: Generator) -> Tensor:
        """Where they are after a step in a direction of signs; some start anew, with `chance` times the usual chance.

        So do all that have come within the rim of their planted point.
        """
        problem, boxes = self.problem, self.problem.boxes.take(self.index)
        kind = torch.arange(len(self), device=problem.device) % len(STEP_SHARES)
        steps = problem.radius * torch.tensor(STEP_SHARES, device=problem.device)[kind][:, None]
        lives = torch.tensor(LIVES, device=problem.device)[kind]
        stepped = (self.points + steps * direction).clamp(boxes.lower, boxes.upper)
        ended = uniform_like(lives, generator) < chance / lives
        anew = ended | within_rims(problem, stepped, self.index, rims)
        return torch.where(anew[:, None], fresh(problem, self.index, rims, generator), stepped)


@dataclass(frozen=True, slots=True, eq=False)
class Climbers:
    """Corners that climb down the margin hand over hand: where they are (climbers, inputs), and in which box.

    Each looks at a corner a few flips away and goes there if the margin is lower. Of the wrong corners of wide boxes
    walkers find few, and random corners too few.
    """

    problem: Problem
    points: Tensor
    index: Tensor

    def __len__(self) -> int:
        """How many there are."""
        return len(self.index)

    @classmethod
    def of(cls, problem: Problem, each: int, points: Tensor | None, generator: Generator) -> "Climbers":
        """`each` climbers a box, where they were, or at random corners."""
        index = torch.arange(len(problem.boxes), device=problem.device).repeat_interleave(each)
        return cls(problem, problem.boxes.take(index).corners(1, generator)[:, 0] if points is None else points, index)

    def neighbours(self, generator: Generator) -> Tensor:
        """A corner near each: every coordinate is flipped with one chance, one and a half of them on average."""
        boxes, rate = self.problem.boxes.take(self.index), MEAN_FLIPS / self.problem.inputs
        is_flipped = uniform_like(self.points, generator) < rate
        return torch.where(is_flipped, boxes.lower + boxes.upper - self.points, self.points)

    def moved(self, proposed: Tensor, is_lower: Tensor, rims: Tensor, generator: Generator) -> Tensor:
        """Where they are after each has gone where the margin `is_lower`; some start anew, as do all within a rim."""
        problem = self.problem
        reached = torch.where(is_lower[:, None], proposed, self.points)
        ended = uniform_like(reached[:, 0], generator) < 1 / CLIMBER_LIFE
        anew = ended | within_rims(problem, reached, self.index, rims)
        return torch.where(anew[:, None], problem.boxes.take(self.index).corners(1, generator)[:, 0], reached)


def within_rims(problem: Problem, points: Tensor, index: Tensor, rims: Tensor) -> Tensor:
    """Which points, in the boxes `index`, lie within the rim of their box's planted point: (points,) each."""
    own = index.clamp(max=problem.armed - 1)
    distance: Tensor = (points - problem.witnesses[own]).norm(dim=1)
    return (distance < rims[own]) & (index < problem.armed)


def fresh(problem: Problem, index: Tensor, rims: Tensor, generator: Generator) -> Tensor:
    """A start in each of the boxes `index` (points,): around the planted point, at a corner, or anywhere."""
    boxes = problem.boxes.take(index)
    uniform = boxes.uniform(1, generator)[:, 0]
    corners = boxes.corners(1, generator)[:, 0]
    near = around(problem, index.clamp(max=problem.armed - 1), rims, generator)
    lot = uniform_like(index[:, None].float(), generator)
    is_near = (lot < NEAR_SHARE) & (index < problem.armed)[:, None]
    return torch.where(is_near, near, torch.where(lot > 1 - CORNER_SHARE, corners, uniform))


def around(problem: Problem, index: Tensor, rims: Tensor, generator: Generator) -> Tensor:
    """Points around the planted points of the boxes `index` (points,), from the rim outwards.

    They lie on the way to a uniform point or a corner, of which all coordinates count, half, or a fifth; distances are
    uniform in their logarithm.
    """
    boxes, planted = problem.boxes.take(index), problem.witnesses[index]
    lots = [uniform_like(planted[:, :1], generator) for _ in range(3)]
    far = torch.where(lots[0] < 0.5, boxes.uniform(1, generator)[:, 0], boxes.corners(1, generator)[:, 0])
    density = 0.2 + 0.3 * (lots[1] < 0.7) + 0.5 * (lots[1] < 0.4)
    way = (far - planted) * (uniform_like(planted, generator) < density)
    length = way.norm(dim=1, keepdim=True).clamp(min=1e-9)
    rim = rims[index][:, None]
    share = torch.exp(lots[2] * torch.log((length / rim).clamp(min=1.0))) * rim / length
    points: Tensor = planted + way * share.clamp(max=1.0)
    return points


def flipped(problem: Problem, index: Tensor, generator: Generator) -> Tensor:
    """The corners nearest to the planted points of the boxes `index` (points,), with a few coordinates flipped."""
    boxes, planted = problem.boxes.take(index), problem.witnesses[index]
    is_low = planted - boxes.lower < boxes.upper - planted
    rate = 0.3 * min(1.0, 25 / problem.inputs) * uniform_like(planted[:, :1], generator)
    is_flipped = uniform_like(planted, generator) < rate
    return torch.where(is_low ^ is_flipped, boxes.lower, boxes.upper)


def uniform_like(tensor: Tensor, generator: Generator) -> Tensor:
    """Uniform numbers in [0, 1) of a tensor's shape, drawn on the CPU, so alike on every device."""
    return torch.rand(tensor.shape, generator=generator).to(tensor.device)
