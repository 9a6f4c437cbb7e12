"""What does a tool get that reads no VNN-LIB? The property's regions as plain JSON, which any script can read.

A list with, for each region, `lower` and `upper` (a number an input) and the unsafe outputs as `rows` @ Y <= `bounds`.
What is no double is rounded so that the region grows, and strict bounds become others: what holds of it holds.
"""

import json
import math
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

from soundbench.instance import Property, Region
from soundbench.verifier import Task
from soundbench.vnnlib import read_property

NAME = "regions.json"


def write_regions(task: Task) -> Path:
    """Write the task's property into its folder.

    Raises:
        InputError: it holds what a `Property` cannot represent.
        ValueError: a coefficient is no double, so that no rounding is safe.
    """
    unsafe = read_property(task.vnnlib)
    path = task.folder / NAME
    path.write_text(json.dumps([_plain(region, unsafe) for region in unsafe.regions]))
    return path


def _plain(region: Region, unsafe: Property) -> Mapping[str, list[float] | list[list[float]]]:
    rows = [[0.0] * unsafe.output_count for _ in region.outputs]
    for row, constraint in zip(rows, region.outputs, strict=True):
        for index, factor in constraint.terms:
            row[index] = _exact(factor)
    return {
        "lower": [rounded_down(interval.lower) for interval in region.inputs],
        "upper": [-rounded_down(-interval.upper) for interval in region.inputs],
        "rows": rows,
        "bounds": [-rounded_down(-constraint.bound) for constraint in region.outputs],
    }


def rounded_down(number: Fraction) -> float:
    """The largest double that is not above the number."""
    nearest = float(number)
    return nearest if Fraction(nearest) <= number else math.nextafter(nearest, -math.inf)


def _exact(number: Fraction) -> float:
    nearest = float(number)
    if Fraction(nearest) != number:
        raise ValueError(f"the coefficient {number} is no double")
    return nearest
