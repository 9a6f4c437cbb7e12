"""Boxes of inputs that each have a label, and what it means that all of a box is classified as its label says."""

from dataclasses import dataclass
from fractions import Fraction

from soundbench.graph import Array
from soundbench.instance import Constraint, Interval, Property, Region


@dataclass(frozen=True, slots=True, eq=False)
class LabelledBoxes:
    """Boxes to classify: lower and upper (boxes, *input_shape), labels (boxes,)."""

    lower: Array
    upper: Array
    labels: tuple[int, ...]


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
