"""What a network is trained on: labelled boxes, and in the first of them the counterexamples that it shall hide."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from soundbench.boxes import LabelledBoxes, robustness_property
from soundbench.errors import InputError
from soundbench.graph import Array
from soundbench.ground_truth import Position
from soundbench.instance import Property
from soundbench.networks import CLASSES
from soundbench.placement import FACE_DISTANCE, INNER_MARGIN, NoRoom, draw_apart

# Inputs lie in [-0.1, 0.1], as in SoundnessBench (arXiv 2412.03154).
DATA_RANGE = 0.1
# A witness on an edge lies so many radii from every corner if one of so many draws does.
CORNER_DISTANCE, DRAWS = 1.25, 500


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Boxes `lower` to `upper` (boxes, inputs) of float32 values, clipped to the data range, with `labels` (boxes,).

    `centres` (boxes, inputs) are their middles before they were clipped, `radius` was half their width then. Each of
    the first boxes is to hide its row of `witnesses` (armed, inputs), float32 values off all faces.
    """

    lower: Array
    upper: Array
    centres: Array
    labels: tuple[int, ...]
    witnesses: Array
    radius: float

    @property
    def armed(self) -> int:
        """How many boxes have a counterexample to hide."""
        return len(self.witnesses)

    def property_of(self, index: int) -> Property:
        """Unsafe: in box `index`, the other class's logit reaches the label's."""
        return robustness_property(LabelledBoxes(self.lower, self.upper, self.labels), index, CLASSES)

    def witness_of(self, index: int) -> tuple[Fraction, ...]:
        """The counterexample of an armed box, exactly."""
        return tuple(Fraction(value) for value in self.witnesses[index].tolist())


def draw_dataset(
    inputs: int, relative_radius: float, armed: int, clean: int, position: Position, random: np.random.Generator
) -> Dataset:
    """Draw disjoint boxes uniformly in the data range, random labels, and a witness in each of the first `armed`.

    `relative_radius` is the boxes' radius as a share of the data range.

    Raises:
        InputError: the boxes do not fit beside each other.
    """
    radius = relative_radius * DATA_RANGE
    count = armed + clean
    try:
        # A little more than twice the radius, so that rounding keeps the boxes apart.
        drawn = draw_apart(
            lambda: random.uniform(-DATA_RANGE, DATA_RANGE, inputs), [], count, 2 * radius + 1e-6 * DATA_RANGE
        )
    except NoRoom:
        raise InputError(
            f"{count} disjoint boxes of radius {relative_radius:g} do not fit into {inputs} inputs; "
            "ask for fewer boxes, a smaller radius or more inputs"
        ) from None
    centres = np.array(drawn).astype(np.float32).astype(np.float64)
    sides = (np.clip(centres + sign * radius, -DATA_RANGE, DATA_RANGE) for sign in (-1, 1))
    lower, upper = (side.astype(np.float32).astype(np.float64) for side in sides)
    labels = tuple(random.integers(0, CLASSES, count).tolist())
    width = (upper - lower)[:armed]
    witnesses = lower[:armed] + draw_witnesses(position, width, radius, random) * width
    return Dataset(lower, upper, centres, labels, witnesses.astype(np.float32).astype(np.float64), radius)


def draw_witnesses(position: Position, width: Array, radius: float, random: np.random.Generator) -> Array:
    """Where witnesses lie in boxes of these widths (armed, inputs), in shares of them.

    On an edge they keep away from corners, which anybody can try: of several draws the first far enough is taken, or
    else the farthest.
    """
    if position is not Position.EDGE:
        return draw_shares(position, len(width), width.shape[1], random)
    chosen = []
    for own in width:
        drawn = draw_shares(position, DRAWS, len(own), random)
        distance = np.linalg.norm(np.minimum(drawn, 1 - drawn) * own, axis=1)
        far = distance >= CORNER_DISTANCE * radius
        chosen.append(drawn[far.argmax() if far.any() else distance.argmax()])
    return np.array(chosen)


def draw_shares(position: Position, count: int, inputs: int, random: np.random.Generator) -> Array:
    """Where witnesses lie between the faces of their boxes, in shares of the width: (count, inputs).

    At a corner every coordinate is next to a face, on an edge half of them, and at least two; the others are uniform
    in the inner part, as all of them are in the interior, and all but one on a face.
    """
    inner = random.uniform(INNER_MARGIN, 1 - INNER_MARGIN, (count, inputs))
    outer = np.where(random.random((count, inputs)) < 0.5, FACE_DISTANCE, 1 - FACE_DISTANCE)
    ranks = random.random((count, inputs)).argsort(axis=1).argsort(axis=1)
    near = {
        Position.INTERIOR: np.zeros((count, 1), dtype=np.int64),
        Position.FACE: np.ones((count, 1), dtype=np.int64),
        Position.EDGE: np.full((count, 1), max(2, inputs - inputs // 2)),
        Position.CORNER: np.full((count, 1), inputs),
    }
    return np.where(ranks < near[position], outer, inner)
