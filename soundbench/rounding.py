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


def float32_error(graph: Graph, point: Sequence[Fraction], moved: Sequence[Fraction] | None = None) -> Array:
    """Bounds on |float32 output - real output| at a point that float32 holds exactly; shape (outputs,).

    `moved` (inputs,) says how far the real point lies from it, if it does: the bound then covers that too.
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
                own = terms * (np.abs(step.matrix) @ reach + np.abs(step.bias))
                errors[step.output] = SAFETY * (inherited + own)
            case Sum():
                inherited = sum((errors[name] for name in step.inputs), start=np.zeros_like(step.bias))
                reach = sum((np.abs(values[name]) + errors[name] for name in step.inputs), np.abs(step.bias))
                errors[step.output] = SAFETY * (inherited + (len(step.inputs) + 1) * UNIT * reach)
            case Activation():
                errors[step.output] = activation_error(step.function, values[step.input], errors[step.input])
    return errors[graph.output]


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
