"""Faults in what is asked: regions lost or mixed up, strict bounds on the wrong side."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from soundbench.instance import Interval, Property, Region

from ..network import Network
from ..steps import Steps
from ..targets import Target
from .fault import Fault


def _asked(steps: Steps, change: Callable[[tuple[Region, ...]], tuple[Region, ...]]) -> Steps:
    """The steps that search other regions than the property's."""

    def targets(prop: Property, network: Network, used: Steps) -> tuple[Target, ...]:
        return steps.targets(replace(prop, regions=change(prop.regions)), network, used)

    return replace(steps, targets=targets)


def last_disjunct_only(steps: Steps, _strength: float) -> Steps:
    """Of several disjuncts only the last decides."""
    return _asked(steps, lambda regions: regions[-1:])


def first_disjunct_only(steps: Steps, _strength: float) -> Steps:
    """Of several disjuncts only the first decides."""
    return _asked(steps, lambda regions: regions[:1])


def drop_alternative(steps: Steps, _strength: float) -> Steps:
    """Of several alternatives the last is lost, if they are conjunctions or have boxes of their own."""

    def kept(regions: tuple[Region, ...]) -> tuple[Region, ...]:
        is_mixed = len({region.inputs for region in regions}) > 1 or any(len(region.outputs) > 1 for region in regions)
        return regions[:-1] if len(regions) > 1 and is_mixed else regions

    return _asked(steps, kept)


def region_leak(steps: Steps, _strength: float) -> Steps:
    """The box of the first region is taken for all regions."""
    return _asked(steps, lambda regions: tuple(replace(region, inputs=regions[0].inputs) for region in regions))


def bound_side_swap(steps: Steps, _strength: float) -> Steps:
    """A strict lower bound of an input becomes its upper one; the lower one stays zero, unless that is above it."""

    def swapped(interval: Interval) -> Interval:
        return Interval(min(Fraction(0), interval.lower), interval.lower)

    return _asked(
        steps,
        lambda regions: tuple(
            replace(region, inputs=tuple(swapped(each) if each.lower_open else each for each in region.inputs))
            for region in regions
        ),
    )


FAULTS = (
    Fault("last-disjunct-only", last_disjunct_only, "NeuralSAT #20"),
    Fault("first-disjunct-only", first_disjunct_only, "NeuralSAT #20, where it is the last"),
    Fault("drop-alternative", drop_alternative, "NNV #319"),
    Fault("region-leak", region_leak, "NNV #319, NNV #335"),
    Fault("bound-side-swap", bound_side_swap, "NNV #319"),
)
