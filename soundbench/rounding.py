"""How far a float32 run of a network can lie from its real value at a point, whatever the order of summation.

What one step adds, and what is assumed of ONNX Runtime, is in `step_errors`; `carried_errors` follows the sum of them
through wide and deep networks.
"""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from soundbench.carried_errors import carried_errors
from soundbench.graph import Affine, Array, Graph, Product, evaluate_float64, inputs_of
from soundbench.step_errors import step_error

# The widest sum, and the most linear steps one behind the other, for which magnitudes alone will do; and the most
# numbers in a matrix from one tensor to another.
NARROW, FEW_STEPS = 128, 6
LARGEST_PATH = 100_000_000


@np.errstate(over="ignore", invalid="ignore")
def float32_error(graph: Graph, point: Sequence[Fraction], moved: Sequence[Fraction] | None = None) -> Array:
    """Bounds on |float32 output - real output| at a point that float32 holds exactly; shape (outputs,).

    `moved` (inputs,) says how far the real point lies from it, if it does: the bound then covers that too. It is
    infinite where a number on the way may overflow.

    Magnitudes are added up step by step. Where the network is wide or deep, see `is_wide` and `is_deep`, the
    bound is the smaller of that and of what `carried_errors` finds; another network's is never sharpened, so that
    recorded bounds stay as they are.
    """
    row = np.array([[float(value) for value in point]])
    values = {name: value[0] for name, value in evaluate_float64(graph, row).items()}
    errors = {graph.input: np.array([abs(float(each)) for each in moved or [Fraction(0)] * len(point)])}
    for step in graph.steps:
        errors[step.output] = step_error(step, values, errors)
    found = errors[graph.output]
    if (is_wide(graph) or is_deep(graph)) and all(np.isfinite(error).all() for error in errors.values()):
        found = carried_errors(graph, values, errors)
    return np.where(np.isnan(found), np.inf, found)


def is_wide(graph: Graph) -> bool:
    """Whether a network adds up more than 128 numbers at once, or multiplies tensors, and is not too large."""
    wide = any(
        isinstance(step, Product) or (isinstance(step, Affine) and int(step.terms.max()) > NARROW)
        for step in graph.steps
    )
    return wide and not is_too_large(graph)


def is_deep(graph: Graph) -> bool:
    """Whether more than six linear steps of a network come one behind the other, and it is not too large."""
    depths = {graph.input: 0}
    for step in graph.steps:
        depths[step.output] = max(depths[name] for name in inputs_of(step)) + isinstance(step, Affine)
    return depths[graph.output] > FEW_STEPS and not is_too_large(graph)


def is_too_large(graph: Graph) -> bool:
    """Whether errors cannot be carried through a network: the matrices from one tensor to another are too large."""
    sizes = graph.sizes.values()
    return max(sizes) * sum(sizes) > LARGEST_PATH
