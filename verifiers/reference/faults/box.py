"""Faults in the box of inputs: radii taken from other inputs, narrow ranges collapsed, ends rounded inwards."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from soundbench.instance import Property, Region

from ..intervals import Bounds
from ..network import Array, Network
from ..steps import Steps
from ..targets import Target
from .fault import Fault

ROUNDING = 2.0**-20  # relative: radii that differ by less are alike


def _boxed(steps: Steps, change: Callable[[Bounds], Bounds]) -> Steps:
    """The steps that search another box than the region's."""

    def box(region: Region) -> Bounds:
        return change(steps.box(region))

    return replace(steps, box=box)


def radius_of_first_dim(steps: Steps, _strength: float) -> Steps:
    """The radius of the first input is taken for that of every wider one."""

    def even(box: Bounds) -> Bounds:
        _, radius = box.around()
        return _with_radius(box, np.minimum(radius, radius[0]))

    return _boxed(steps, even)


def axis_order(steps: Steps, _strength: float) -> Steps:
    """The radii of an image's inputs are read as if channels came last."""

    def targets(prop: Property, network: Network, used: Steps) -> tuple[Target, ...]:
        found = steps.targets(prop, network, used)
        if len(network.input_shape) != 4:
            return found
        _, channels, height, width = network.input_shape

        def turned(radius: Array) -> Array:
            return radius.reshape(height, width, channels).transpose(2, 0, 1).ravel()

        return tuple(replace(each, box=_with_radius(each.box, turned(each.box.around()[1]))) for each in found)

    return replace(steps, targets=targets)


def _with_radius(box: Bounds, radius: Array) -> Bounds:
    """The box with other radii about its middle; ends stay as they are where the radius does."""
    middle, known = box.around()
    is_other = np.abs(radius - known) > ROUNDING * known
    return Bounds(np.where(is_other, middle - radius, box.lower), np.where(is_other, middle + radius, box.upper))


def collapse_narrow_dims(steps: Steps, width: float) -> Steps:
    """A range narrower than some width becomes its middle."""

    def collapsed(box: Bounds) -> Bounds:
        is_narrow = box.upper - box.lower < width
        middle, _ = box.around()
        return Bounds(np.where(is_narrow, middle, box.lower), np.where(is_narrow, middle, box.upper))

    return _boxed(steps, collapsed)


def rounded_inwards(steps: Steps, decimals: float) -> Steps:
    """The ends of ranges are rounded inwards to some decimals; a box is empty if that leaves nothing of a range."""

    def targets(prop: Property, network: Network, used: Steps) -> tuple[Target, ...]:
        unit = 10.0**-decimals
        found = [(each, _rounded_inwards(each.box, unit)) for each in steps.targets(prop, network, used)]
        return tuple(replace(each, box=box) for each, box in found if np.all(box.lower <= box.upper))

    return replace(steps, targets=targets)


def _rounded_inwards(box: Bounds, unit: float) -> Bounds:
    return Bounds(np.ceil(box.lower / unit) * unit, np.floor(box.upper / unit) * unit)


FAULTS = (
    Fault("radius-of-first-dim", radius_of_first_dim, "NeuralVerification.jl #148"),
    Fault(
        "collapse-narrow-dims",
        collapse_narrow_dims,
        "Marabou #485, Marabou #486",
        strengths=(3e-2, 1e-2, 3e-3, 1e-3, 1e-4, 1e-6),
        measure="width",
    ),
    Fault("range-rounded-away", rounded_inwards, "Marabou #670", strengths=(4.0, 6.0, 8.0), measure="decimals"),
    Fault("axis-order", axis_order, "DNNV #58"),
)
