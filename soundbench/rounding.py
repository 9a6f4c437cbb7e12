"""How far a float32 run of a network can lie from its real value at a point, whatever the order of summation.

Running error analysis with Higham's gamma_n (Higham 2002, section 3.1) and u = 2**-24; an activation other than
ReLU is assumed to err by at most 2**-20 absolutely (ONNX Runtime's rational approximations stay well below).
"""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from soundbench.graph import Activation, Affine, Array, Function, Graph, Sum, evaluate_float64

UNIT = 2.0**-24
ACTIVATION_ERROR = 2.0**-20
# The bound itself is computed in float64; its rounding is far below this share.
SAFETY = 1.0 + 2.0**-20
# Float32 reaches from 2^-126 to 2^128; the rest is room for an alpha, or the count of an average, of 2^26.
SMALLEST, LARGEST = 2.0**-100, 2.0**100


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
        match step:
            case Affine():
                inherited = np.abs(step.matrix) @ errors[step.input]
                reach = np.abs(values[step.input]) + errors[step.input]
                # Two more roundings cover a product with alpha or beta, or the division of an average.
                roundings = step.terms + (0 if step.matrix_radius is None else 2)
                terms = roundings * UNIT / (1 - roundings * UNIT)
                total = np.abs(step.matrix) @ reach + np.abs(step.bias)
                own = terms * total + roundings * SMALLEST
                errors[step.output] = np.where(total <= LARGEST, SAFETY * (inherited + own), np.inf)
            case Sum():
                inherited = sum((errors[name] for name in step.inputs), start=np.zeros_like(step.bias))
                reach = sum((np.abs(values[name]) + errors[name] for name in step.inputs), np.abs(step.bias))
                own = (len(step.inputs) + 1) * (UNIT * reach + SMALLEST)
                errors[step.output] = np.where(reach <= LARGEST, SAFETY * (inherited + own), np.inf)
            case Activation():
                errors[step.output] = activation_error(step.function, values[step.input], errors[step.input])
    found = errors[graph.output]
    return np.where(np.isnan(found), np.inf, found)


def activation_error(function: Function, value: Array, error: Array) -> Array:
    """The error after an activation: the input's times the largest slope nearby, plus the activation's own."""
    if function is Function.RELU:
        return np.where(value + error <= 0, 0.0, error)
    nearest = np.maximum(np.abs(value) - error, 0.0)
    if function is Function.TANH:
        slope = 1.0 - np.tanh(nearest) ** 2
    else:
        half = np.tanh(0.5 * nearest)
        slope = 0.25 * (1.0 - half**2)
    return SAFETY * ((slope + 2.0**-50) * error + ACTIVATION_ERROR)
