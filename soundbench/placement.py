"""Where boxes and witnesses are drawn, and how small a needle must be to hide."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from soundbench.base import LabelledBoxes
from soundbench.errors import SoundbenchError
from soundbench.graph import Array
from soundbench.ground_truth import Position
from soundbench.instance import Constraint, Interval, Property, Region

# Centres of boxes lie this near zero, so that inputs are small and their float32 values fine-grained.
SPREAD = 0.3
# Witnesses keep away from the faces by this share of the width, except on a face, which is nearer than this.
INNER_MARGIN = 0.1
FACE_DISTANCE = 0.005
# A needle's reach is certified a little larger than its radius, to leave room for rounding.
CERTIFIED_REACH = 1.03
# After this many draws, what is drawn is taken to have no room.
MOST_DRAWS = 10_000


class NoRoom(SoundbenchError):
    """Boxes or needles that must keep apart do not fit into their space, or not as the first ones were drawn."""


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """A witness's place: `point` (inputs,) as float32 values; the inner box its coordinates were drawn from.

    `reads` are the inputs that its needle reads; `pinned` those of them that lie near a face.
    """

    point: Array
    reads: tuple[int, ...]
    pinned: tuple[int, ...]
    inner_lower: Array
    inner_upper: Array

    @property
    def exact_point(self) -> tuple[Fraction, ...]:
        """The witness as exact values."""
        return tuple(Fraction(value) for value in self.point.tolist())


def draw_boxes(
    shape: Sequence[int], count: int, radius: float, classes: int, random: np.random.Generator
) -> LabelledBoxes:
    """Draw disjoint boxes with float32 bounds and labels, at least two labels among them.

    Raises:
        NoRoom: so many boxes do not fit.
    """
    # Two boxes apart by half a box leave room for the needles of both.
    middle = np.array(draw_apart(lambda: random.uniform(-SPREAD, SPREAD, tuple(shape)), [], count, 3 * radius))
    lower, upper = ((middle + sign * radius).astype(np.float32).astype(np.float64) for sign in (-1, 1))
    labels = random.permutation(np.arange(count) % classes)
    return LabelledBoxes(lower, upper, tuple(labels.tolist()))


def draw_apart(draw: Callable[[], Array], first: Sequence[Array], count: int, distance: float) -> list[Array]:
    """`count` draws, every two of them and of `first` more than `distance` apart in some coordinate.

    Raises:
        NoRoom: they do not fit.
    """
    drawn: list[Array] = []
    for _ in range(MOST_DRAWS):
        if len(drawn) == count:
            return drawn
        center = draw()
        if all(np.abs(center - other).max() > distance for other in (*first, *drawn)):
            drawn.append(center)
    raise NoRoom(f"{count} boxes or needles do not fit beside each other; ask for fewer, or for more inputs")


def intervals_of(boxes: LabelledBoxes, index: int) -> tuple[Interval, ...]:
    """A box as the inputs of a property."""
    pairs = zip(boxes.lower[index].ravel().tolist(), boxes.upper[index].ravel().tolist(), strict=True)
    return tuple(Interval(Fraction(low), Fraction(high)) for low, high in pairs)


def robustness_property(boxes: LabelledBoxes, index: int, classes: int) -> Property:
    """Unsafe: inside the box, some other class's logit reaches the label's; one region a class."""
    inputs, label = intervals_of(boxes, index), boxes.labels[index]
    regions = tuple(
        Region(inputs, (Constraint(tuple(sorted({label: Fraction(1), other: Fraction(-1)}.items())), Fraction(0)),))
        for other in range(classes)
        if other != label
    )
    return Property(len(inputs), classes, regions)


def place(position: Position, region: Region, reads: int, random: np.random.Generator) -> Placement:
    """Draw a witness: uniform in the inner box; on a face, one read coordinate then goes next to the border."""
    lower = np.array([float(interval.lower) for interval in region.inputs])
    upper = np.array([float(interval.upper) for interval in region.inputs])
    width = upper - lower
    inner_lower, inner_upper = lower + INNER_MARGIN * width, upper - INNER_MARGIN * width
    point = random.uniform(inner_lower, inner_upper)
    moving = np.flatnonzero(width)
    read = tuple(sorted(random.choice(moving, min(reads, len(moving)), replace=False).tolist()))
    pinned: tuple[int, ...] = ()
    if position is Position.FACE:
        face = int(random.choice(read))
        at_lower = bool(random.integers(2))
        point[face] = (
            lower[face] + FACE_DISTANCE * width[face] if at_lower else upper[face] - FACE_DISTANCE * width[face]
        )
        pinned = (face,)
    return Placement(point.astype(np.float32).astype(np.float64), read, pinned, inner_lower, inner_upper)


def half_widths_for(placement: Placement, queries: float, chance: float) -> Array:
    """The half-widths (reads,) at which the hiding bound, over the unpinned reads, equals the wanted chance.

    They are one share of the widths of what the witness was drawn from.
    """
    widths = (placement.inner_upper - placement.inner_lower)[list(placement.reads)]
    free = len(placement.reads) - len(placement.pinned)
    # The certified reach and the rounding of the chance itself stay below the wanted chance.
    share = float((0.99 * chance / queries) ** (1 / free))
    half_widths: Array = 0.5 * widths * share / CERTIFIED_REACH
    return half_widths
