"""From a property to what is searched: for each region a box in float64, rounded outwards, and its constraints."""

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from soundbench.errors import InputError
from soundbench.instance import Property, Region

from .intervals import Bounds
from .network import Array, Network
from .rounding import round_down, round_up

if TYPE_CHECKING:
    from .steps import Steps


@dataclass(frozen=True, slots=True)
class Constraints:
    """coefficients @ outputs <= bound (< where strict): (constraints, outputs), (constraints,), (constraints,).

    Bounds are rounded up, and so are coefficients: whoever uses them pays one rounding each.
    """

    coefficients: Array
    bound: Array
    strict: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Target:
    """A region: its closed box and constraints, and the lowest and highest float32 point that it really contains."""

    box: Bounds
    constraints: Constraints
    lowest: npt.NDArray[np.float32]
    highest: npt.NDArray[np.float32]


def targets(prop: Property, network: Network, steps: "Steps") -> tuple[Target, ...]:
    """One a region; raises InputError if the sizes differ from the network's or a region is empty."""
    if (prop.input_count, prop.output_count) != (network.input_size, network.output_size):
        raise InputError(
            f"the property has {prop.input_count} inputs and {prop.output_count} outputs, "
            f"the network {network.input_size} and {network.output_size}: give the two that belong together"
        )
    if any(interval.is_empty for region in prop.regions for interval in region.inputs):
        raise InputError("the property has a region without any input: give every input a lower and an upper bound")
    return tuple(
        Target(steps.box(region), steps.constraints(region, prop.output_count), *float32_limits(region))
        for region in prop.regions
    )


def box(region: Region) -> Bounds:
    """The smallest closed box in float64 that holds the region's inputs."""
    return Bounds(
        np.array([round_down(interval.lower) for interval in region.inputs], dtype=np.float64),
        np.array([round_up(interval.upper) for interval in region.inputs], dtype=np.float64),
    )


def constraints(region: Region, output_count: int) -> Constraints:
    """The region's constraints as arrays."""
    coefficients = np.zeros((len(region.outputs), output_count))
    for row, constraint in enumerate(region.outputs):
        for index, factor in constraint.terms:
            coefficients[row, index] = round_up(factor)
    return Constraints(
        coefficients,
        np.array([round_up(constraint.bound) for constraint in region.outputs], dtype=np.float64),
        np.array([constraint.strict for constraint in region.outputs], dtype=np.bool_),
    )


def float32_limits(region: Region) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The lowest and the highest float32 value of each input, open ends excluded; crossed where there is none."""
    lowest = [_next_inside(end.lower, end.lower_open) for end in region.inputs]
    highest = [-_next_inside(-end.upper, end.upper_open) for end in region.inputs]
    return np.array(lowest, dtype=np.float32), np.array(highest, dtype=np.float32)


def _next_inside(lower: Fraction, is_open: bool) -> np.float32:
    """The lowest float32 value that is at least `lower`, or above it if the end is open."""
    value = np.float32(round_up(lower))
    while float(value) < lower or (is_open and float(value) == lower):  # exact: a Fraction against a float
        value = np.nextafter(value, np.float32(np.inf))
    return value
