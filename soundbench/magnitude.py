"""Are a property's numbers of a size that floats have? Attacks and planting demand it; exact arithmetic does not."""

from fractions import Fraction
from pathlib import Path

import numpy as np

from soundbench.errors import InputError
from soundbench.instance import Property

# The largest number in float32.
LARGEST = Fraction(float(np.finfo(np.float32).max))


def check_numbers(specification: Path, unsafe: Property) -> None:
    """Demand that a property has only numbers of a size that float32 has, so that no sum of them overflows float64.

    Raises:
        InputError: it has others.
    """
    for region in unsafe.regions:
        bounds = [bound for interval in region.inputs for bound in (interval.lower, interval.upper)]
        for constraint in region.outputs:
            bounds += [constraint.bound, *(factor for _, factor in constraint.terms)]
        if any(abs(bound) > LARGEST for bound in bounds):
            raise InputError(
                f"{specification}: has a number above {float(LARGEST):.3g}, the largest of float32; "
                "leave out what no network can reach"
            )
