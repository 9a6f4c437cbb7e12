"""Where boxes and witnesses are drawn, and how small a needle must be to hide."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

import numpy as np

from soundbench.boxes import LabelledBoxes
from soundbench.errors import SoundbenchError
from soundbench.graph import Array, Indices
from soundbench.instance import Region

# Centres of boxes lie this near zero, in radii: the smaller inputs are beside their boxes, the less is rounded.
SPREAD = 1.8
# Witnesses keep away from the faces by this share of the width, except on a face, which is nearer than this.
INNER_MARGIN = 0.1
FACE_DISTANCE = 0.005
# A needle's reach is certified a little larger than its radius, to leave room for rounding.
CERTIFIED_REACH = 1.03
# On an edge, and in the centre, so many coordinates are pinned.
MOST_PINNED = 2
# In a last cell, or deep in a branch, so many coordinates are halved.
MOST_CUT = 6
# After this many draws, what is drawn is taken to have no room.
MOST_DRAWS = 10_000
# Of so many boxes that might be the next, the one is taken that lies furthest from the others.
CANDIDATES = 30


class NoRoom(SoundbenchError):
    """Boxes or needles that must keep apart do not fit into their space, or not as the first ones were drawn."""


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """A witness's place: `point` (inputs,) as float32 values; the inner box its coordinates were drawn from.

    `reads` are the inputs that its needle reads; `pinned` those of them that anybody may guess: near a face, or in the
    middle.
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


def draw_boxes(spreads: Array, radius: float, classes: int, random: np.random.Generator) -> LabelledBoxes:
    """Draw disjoint boxes with float32 bounds and labels, at least two labels among them.

    `spreads` (boxes, *input_shape) are the widths of each box's inputs in units of 2 * `radius`.

    Raises:
        NoRoom: so many boxes do not fit.
    """
    middles: list[Array] = []
    for own in spreads:
        room = [0.0]
        for _ in range(MOST_DRAWS // CANDIDATES):
            candidates = random.uniform(-SPREAD, SPREAD, (CANDIDATES, *spreads.shape[1:]))
            room = [room_beside(each, own, middles, spreads) for each in candidates]
            if max(room) > 0:
                break
        else:
            raise NoRoom(f"{len(spreads)} boxes do not fit beside each other; ask for fewer, or for more inputs")
        middles.append(candidates[int(np.argmax(room))])
    middles = [radius * middle for middle in middles]
    ends = (np.array(middles) + sign * radius * spreads for sign in (-1, 1))
    lower, upper = (side.astype(np.float32).astype(np.float64) for side in ends)
    labels = random.permutation(np.arange(len(spreads)) % classes)
    return LabelledBoxes(lower, upper, tuple(labels.tolist()))


def room_beside(middle: Array, own: Array, others: Sequence[Array], spreads: Array) -> float:
    """How far a box lies from the nearest of others, the gaps of all inputs added up; in units of the radius.

    Zero if it overlaps with one, or if no gap between the two is half a box, which needles of both need.
    """
    gaps = [np.abs(middle - other) - own - spread for other, spread in zip(others, spreads, strict=False)]
    if any((gap <= 1.0).all() for gap in gaps):
        return 0.0
    return min((float(np.maximum(gap, 0.0).sum()) for gap in gaps), default=np.inf)


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
    raise NoRoom(f"{count} needles do not fit beside each other; ask for fewer, or for more inputs")


class Place(StrEnum):
    """Where in its box a witness is put.

    `centre` and `split_plane` pin coordinates to the middle: some, or that of the widest input, where a first split
    would fall. `last_cell` and `deep` draw some from a part of the box: their upper halves, or random halves.
    Next to a face lie the coordinate of the first or last input, in the corner of an image (`face`), that of the
    narrowest (`narrow`), some (`edge`), or all of them (`corner`).
    """

    INTERIOR = "interior"
    CENTRE = "centre"
    SPLIT_PLANE = "split_plane"
    LAST_CELL = "last_cell"
    DEEP = "deep"
    FACE = "face"
    NARROW = "narrow"
    EDGE = "edge"
    CORNER = "corner"


MIDDLES = (Place.CENTRE, Place.SPLIT_PLANE)


def place(where: Place, region: Region, reads: int, random: np.random.Generator) -> Placement:
    """Draw a witness: uniform in the inner box, or a part of it; some read coordinates may then be pinned."""
    lower = np.array([float(interval.lower) for interval in region.inputs])
    upper = np.array([float(interval.upper) for interval in region.inputs])
    width = upper - lower
    low, high = inner_part(where, len(width), random)
    inner_lower, inner_upper = lower + low * width, lower + high * width
    point = random.uniform(inner_lower, inner_upper)
    moving = np.flatnonzero(width)
    guessed = pinned_inputs(where, width, moving, random)
    others = random.permutation(np.setdiff1d(moving, guessed))[: max(0, reads - len(guessed))]
    read = tuple(sorted([*guessed, *others.tolist()]))
    near = moving.tolist() if where is Place.CORNER else guessed
    if near:
        at_lower = random.random(len(near)) < 0.5
        beside = lower[near] + np.where(at_lower, FACE_DISTANCE, 1 - FACE_DISTANCE) * width[near]
        point[near] = (lower[near] + upper[near]) / 2 if where in MIDDLES else beside
    pinned = read if where is Place.CORNER else tuple(sorted(guessed))
    return Placement(point.astype(np.float32).astype(np.float64), read, pinned, inner_lower, inner_upper)


def inner_part(where: Place, inputs: int, random: np.random.Generator) -> tuple[Array, Array]:
    """Between which shares of the width each coordinate is drawn, (inputs,) each."""
    low, high = np.full(inputs, INNER_MARGIN), np.full(inputs, 1 - INNER_MARGIN)
    if where in (Place.LAST_CELL, Place.DEEP):
        is_cut = np.isin(np.arange(inputs), random.choice(inputs, min(MOST_CUT, inputs), replace=False))
        is_upper = (where is Place.LAST_CELL) | (random.random(inputs) < 0.5)
        low, high = np.where(is_cut & is_upper, 0.5, low), np.where(is_cut & ~is_upper, 0.5, high)
    return low, high


def pinned_inputs(where: Place, width: Array, moving: Indices, random: np.random.Generator) -> list[int]:
    """Some inputs whose coordinates anybody may guess; in a corner that is all of them."""
    match where:
        case Place.FACE:
            return [int(random.choice(moving[[0, -1]]))]
        case Place.NARROW:
            return [int(moving[np.argmin(width[moving])])]
        case Place.EDGE | Place.CENTRE:
            return [int(each) for each in random.choice(moving, min(MOST_PINNED, len(moving) - 1), replace=False)]
        case Place.SPLIT_PLANE:
            return [int(np.argmax(width))]
        case _:
            return []


def half_widths_for(placement: Placement, queries: float, chance: float) -> Array:
    """The half-widths (reads,) at which the hiding bound, over the unpinned reads, equals the wanted chance.

    They grow as the root of the widths of what the witness was drawn from: rounding counts for more in narrow ones.
    """
    reads = list(placement.reads)
    widths = (placement.inner_upper - placement.inner_lower)[reads]
    # Where all are pinned nothing hides the witness, and the needle is as thin as if none were.
    is_free = ~np.isin(reads, placement.pinned) | (len(placement.pinned) == len(reads))
    # The certified reach and the rounding of the chance itself stay below the wanted chance.
    share = float((0.99 * chance / queries) ** (1 / is_free.sum()))
    middle = np.exp(np.log(widths[is_free]).mean())
    half_widths: Array = 0.5 * np.sqrt(middle * widths) * share / CERTIFIED_REACH
    return half_widths
