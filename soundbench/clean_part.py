"""Which part of a property's boxes has no needle? What lies beyond all of them in one input."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from soundbench.instance import Interval, Property, Region
from soundbench.needle import Needle
from soundbench.placement import CERTIFIED_REACH
from soundbench.prove import INFLATION

# So much of it is taken.
SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Part:
    """The values of one input within an interval, which is that `share` of the range that the input has in a box."""

    read: int
    interval: Interval
    share: float


def without_needles(unsafe: Property, region: Region, needles: Sequence[Needle]) -> Property | None:
    """The property on a part of its boxes that no needle in a region's box reaches, even if the part is inflated.

    Of those that lie beyond all needles in one input it is the largest; None where none is large enough.
    """
    shared = set(needles[0].reads).intersection(*(needle.reads for needle in needles))
    parts = [part for read in sorted(shared) for part in parts_beside(region.inputs[read], read, needles)]
    if not parts:
        return None
    best = max(parts, key=lambda part: part.share)
    regions = [within(each, best) for each in unsafe.regions]
    return replace(unsafe, regions=tuple(each for each in regions if each is not None))


def parts_beside(interval: Interval, read: int, needles: Sequence[Needle]) -> list[Part]:
    """What lies below all needles in one input, and above, as far as it is taken."""
    centers, half_widths = np.array(
        [(needle.center[at], needle.half_widths[at]) for needle in needles for at in [needle.reads.index(read)]]
    ).T
    low, high = (centers - CERTIFIED_REACH * half_widths).min(), (centers + CERTIFIED_REACH * half_widths).max()
    lower, upper = float(interval.lower), float(interval.upper)
    parts = []
    if (1 - SHARE) * (low - lower) > INFLATION:
        end = Fraction(float(np.float32(lower + SHARE * (low - lower))))
        parts.append(Part(read, Interval(interval.lower, end), SHARE * (low - lower) / (upper - lower)))
    if (1 - SHARE) * (upper - high) > INFLATION:
        start = Fraction(float(np.float32(upper - SHARE * (upper - high))))
        parts.append(Part(read, Interval(start, interval.upper), SHARE * (upper - high) / (upper - lower)))
    return parts


def within(region: Region, part: Part) -> Region | None:
    """A region with one input within a part; None if it has no such value there."""
    own = region.inputs[part.read]
    lower, upper = max(own.lower, part.interval.lower), min(own.upper, part.interval.upper)
    if lower > upper:
        return None
    inputs = list(region.inputs)
    inputs[part.read] = Interval(lower, upper)
    return replace(region, inputs=tuple(inputs))
