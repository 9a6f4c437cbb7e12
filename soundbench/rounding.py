"""How far a float32 run of a network can lie from its real value at a point, whatever the order of summation.

What one step adds, and what is assumed of ONNX Runtime, is in `step_errors`.
"""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from soundbench.graph import Array, Graph, evaluate_float64
from soundbench.step_errors import step_error


@np.errstate(over="ignore", invalid="ignore")
def float32_error(graph: Graph, point: Sequence[Fraction], moved: Sequence[Fraction] | None = None) -> Array:
    """Bounds on |float32 output - real output| at a point that float32 holds exactly; shape (outputs,).

    `moved` (inputs,) says how far the real point lies from it, if it does: the bound then covers that too. It is
    infinite where a number on the way may overflow.
    """
    row = np.array([[float(value) for value in point]])
    values = {name: value[0] for name, value in evaluate_float64(graph, row).items()}
    errors = {graph.input: np.array([abs(float(each)) for each in moved or [Fraction(0)] * len(point)])}
    for step in graph.steps:
        errors[step.output] = step_error(step, values, errors)
    found = errors[graph.output]
    return np.where(np.isnan(found), np.inf, found)
