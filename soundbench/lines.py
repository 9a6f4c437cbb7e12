"""Two straight lines around a function, neuron by neuron, and the rounding to the safe side that they need."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from soundbench.graph import Array


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """lower_slope * x + lower_intercept <= f(x) <= upper_slope * x + upper_intercept, all of shape (neurons,)."""

    lower_slope: Array
    lower_intercept: Array
    upper_slope: Array
    upper_intercept: Array


def up(ball: Any) -> float:  # noqa: ANN401  (python-flint ships no types)
    """A float64 above a ball."""
    return float(np.nextafter(float(ball.upper()), np.inf))


def rounded_up(values: Array) -> Array:
    """Undo the rounding of one float64 operation upwards."""
    return np.nextafter(values, np.inf)


def rounded_down(values: Array) -> Array:
    """Undo the rounding of one float64 operation downwards."""
    return np.nextafter(values, -np.inf)
