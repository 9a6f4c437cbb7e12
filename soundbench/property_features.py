"""What kind of question does a property ask, and of what kind of box? Told in words, from the property alone."""

from collections.abc import Collection, Sequence
from fractions import Fraction
from statistics import median_low

from soundbench.instance import Constraint, Interval, Property

# Widths that differ by no more than this share are alike: bounds are rounded to float32.
ALIKE = Fraction(1, 100)
# Half of a box's inputs are narrower, or wider, than this.
TINY, LARGE = Fraction(1, 20), Fraction(1)
# A box is far from zero if half of its inputs are so many of its widths away.
FAR = Fraction(3, 2)


def property_features(unsafe: Property) -> dict[str, str]:
    """What a property asks: its regions, the constraints in them, conjunctions, and whether bounds are strict.

    Of inputs, the bounds of those that can move.
    """
    boxes = {region.inputs for region in unsafe.regions}
    moving = [each for box in boxes for each in box if each.lower < each.upper]
    open_ends = {is_open for each in moving for is_open in (each.lower_open, each.upper_open)}
    constraints = [constraint for region in unsafe.regions for constraint in region.outputs]
    return {
        "regions": regions_in(len(unsafe.regions), len(boxes)),
        "constraints": only({kind_of(constraint) for constraint in constraints}),
        "conjunctions": only({"every region" if len(each.outputs) > 1 else "none" for each in unsafe.regions}),
        "bounds": only({strictness(constraint.strict) for constraint in constraints}),
        "input bounds": only({strictness(each) for each in open_ends or {False}}),
    }


def regions_in(regions: int, boxes: int) -> str:
    """How many regions there are in how many boxes."""
    if boxes == 1:
        return "one" if regions == 1 else "several of one box"
    return f"{boxes} boxes" if regions == boxes else f"{boxes} boxes, {regions} regions"


def strictness(is_strict: bool) -> str:
    """Whether something is strict, in words."""
    return "strict" if is_strict else "not strict"


def only(words: Collection[str]) -> str:
    """The word that there is, or that there are several."""
    return next(iter(words)) if len(words) == 1 else "mixed"


def kind_of(constraint: Constraint) -> str:
    """What a constraint compares: an output with a number, two outputs, or a combination of them with a number."""
    factors = [factor for _, factor in constraint.terms]
    if len(factors) == 1:
        return "one against a number"
    return "one against one" if len(factors) == 2 and sum(factors) == constraint.bound == 0 else "a combination"


def box_features(unsafe: Property) -> dict[str, str]:
    """The shape, width and place of the box around all regions."""
    box = hull(unsafe)
    widths = [interval.upper - interval.lower for interval in box]
    moving = [width for width in widths if width]
    if not moving:
        return {"box": "a point"}
    typical = median_low(moving)
    distance = median_low([abs(interval.upper + interval.lower) / 2 for interval in box])
    return {
        "box": "fixed inputs" if len(moving) < len(widths) else "cube" if are_alike(moving) else "anisotropic",
        "width": "tiny" if typical < TINY else "large" if typical > LARGE else "ordinary",
        "distance from zero": "far" if distance > FAR * typical else "near",
    }


def are_alike(widths: Sequence[Fraction]) -> bool:
    """Whether widths differ by no more than rounding."""
    return max(widths) <= (1 + ALIKE) * min(widths)


def hull(unsafe: Property) -> tuple[Interval, ...]:
    """The smallest closed box around the boxes of all regions."""
    boxes = {region.inputs for region in unsafe.regions}
    return tuple(
        Interval(min(each.lower for each in along), max(each.upper for each in along))
        for along in zip(*boxes, strict=True)
    )
