"""Where does a counterexample lie: in which region, and where in its box? Told in words, from the point itself."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from soundbench.certificate import is_near_face, position_of
from soundbench.ground_truth import Hiding
from soundbench.instance import Interval, Property, Region
from soundbench.property_features import ALIKE, are_alike

# A prior that begins or ends at the middle of a width, to this share of it.
SAME = Fraction(1, 10**6)
Point = Sequence[Fraction]


def violated_regions(unsafe: Property, point: Point, outputs: Sequence[Fraction]) -> list[int]:
    """The regions that hold the point (inputs,) and are reached by the outputs (outputs,)."""
    return [
        index
        for index, region in enumerate(unsafe.regions)
        if region.contains_input(point) and all(constraint.is_satisfied(outputs) for constraint in region.outputs)
    ]


def place_among(regions: Sequence[int], count: int) -> str:
    """Which of `count` regions these are."""
    if len(regions) != 1:
        return "several" if regions else "none"
    if count == 1:
        return "the only one"
    return {0: "the first", count - 1: "the last"}.get(regions[0], "one between")


def witness_features(region: Region, point: Point, hiding: Hiding | None, shape: Sequence[int]) -> dict[str, str]:
    """Where a point (inputs,) lies in a region's box; `shape` is that of the network's input.

    Inputs of no width do not count.
    """
    moving = [index for index, interval in enumerate(region.inputs) if interval.upper > interval.lower]
    if not moving:
        return {}
    box, inside = tuple(region.inputs[index] for index in moving), [point[index] for index in moving]
    widths = [interval.upper - interval.lower for interval in box]
    middles = sum(is_at_middle(interval, value) for interval, value in zip(box, inside, strict=True))
    features = {
        "position": str(position_of(Region(box, ()), inside)),
        "coordinates at the middle": "none" if not middles else "one" if middles == 1 else "several",
        "first split": side_of_first_split(box, widths, inside),
    }
    if not are_alike(widths):
        least = (1 + ALIKE) * min(widths)
        narrowest = [index for index, width in enumerate(widths) if width <= least]
        at_face = any(is_near_face(box[index], inside[index]) for index in narrowest)
        features["narrowest input"] = "at a face" if at_face else "inside"
    if hiding is not None and (halves := halved(region, moving, hiding)) is not None:
        features["prior"] = halves
    faces = [index for index in moving if is_near_face(region.inputs[index], point[index])]
    if faces and (height_and_width := image_of(shape)) is not None:
        at_border = any(is_border(index, *height_and_width) for index in faces)
        features["pixel at a face"] = "at the border" if at_border else "inside"
    return features


def is_at_middle(interval: Interval, value: Fraction) -> bool:
    """Whether a value is the float32 number nearest the middle of an interval, or one beside it."""
    with np.errstate(over="ignore"):
        middle = np.float32(float((interval.lower + interval.upper) / 2))
    return any(value == Fraction(float(np.nextafter(middle, np.float32(side)))) for side in (-np.inf, middle, np.inf))


def side_of_first_split(box: Sequence[Interval], widths: Sequence[Fraction], point: Point) -> str:
    """On which side of the middle of the widest input a point lies; of several alike, one is enough to lie on it."""
    largest = max(widths)
    widest = [index for index, width in enumerate(widths) if width * (1 + ALIKE) >= largest]
    if any(is_at_middle(box[index], point[index]) for index in widest):
        return "on the plane"
    interval, value = box[widest[0]], point[widest[0]]
    return "below" if value < (interval.lower + interval.upper) / 2 else "above"


def halved(region: Region, moving: Sequence[int], hiding: Hiding) -> str | None:
    """What the point was drawn from, by the priors of its hiding bound; None if they do not tell."""
    below = above = 0
    priors = zip(hiding.reads, hiding.prior_lower, hiding.prior_upper, strict=False)
    for read, low, high in priors:
        if read in hiding.pinned or read not in moving:
            continue
        interval = region.inputs[read]
        width, middle = interval.upper - interval.lower, (interval.lower + interval.upper) / 2
        above += Fraction(low) >= middle - SAME * width
        below += Fraction(high) <= middle + SAME * width
    if above or below:
        return "upper halves" if not below else "halves"
    # What is not read was drawn too, and nothing is recorded of it.
    return "whole box" if set(moving) <= set(hiding.reads) else None


def image_of(shape: Sequence[int]) -> tuple[int, int] | None:
    """Rows and columns of an input of shape (batch, channels, rows, columns), None if it is no image."""
    return (shape[2], shape[3]) if len(shape) == 4 and min(shape[2:]) > 1 else None


def is_border(index: int, rows: int, columns: int) -> bool:
    """Whether an input is a pixel at the border of an image (channels, rows, columns)."""
    row, column = divmod(index % (rows * columns), columns)
    return row in (0, rows - 1) or column in (0, columns - 1)
