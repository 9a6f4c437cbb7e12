"""How far one float32 step can lie from its real value, given how far its inputs do, in any order of summation.

Running error analysis with Higham's gamma_n (Higham 2002, section 3.1) and u = 2**-24. Assumed of ONNX Runtime, whose
rational approximations stay well below: tanh and sigmoid err by at most 2**-20 absolutely, and so does softmax beyond
the roundings of its sum; an exponential errs by at most 2**-20 of its value, up to exp(88); a square, which may be
computed by a general power, by at most one unit in the last place. Signs, maxima and straight pieces of slope 0, 1 or
-1 round nothing, and a piece of another slope rounds once.
"""

from collections.abc import Mapping

import numpy as np

from soundbench.graph import (
    Activation,
    Affine,
    Array,
    Elementary,
    Elementwise,
    Function,
    Maximum,
    Pieces,
    Product,
    Selection,
    Softmax,
    Step,
    Sum,
)
from soundbench.piece_lines import UNROUNDED

UNIT = 2.0**-24
ACTIVATION_ERROR = 2.0**-20
# The bound itself is computed in float64; its rounding is far below this share.
SAFETY = 1.0 + 2.0**-20
# Float32 reaches from 2^-126 to 2^128; the rest is room for an alpha, or the count of an average, of 2^26.
SMALLEST, LARGEST = 2.0**-100, 2.0**100
# ONNX Runtime's exponential is cut off at 88.38, a little before float32 overflows.
LARGEST_EXPONENT = 88.0

Values = Mapping[str, Array]


def step_error(step: Step, values: Values, errors: Values) -> Array:
    """Bounds on |float32 output - real output|, shape (size of output,), infinite where a number may overflow.

    `values` are the real tensors, `errors` bound how far the float32 ones lie from them.
    """
    match step:
        case Affine():
            inherited = np.abs(step.matrix) @ errors[step.input]
            return SAFETY * (inherited + affine_rounding(step, values[step.input], errors[step.input]))
        case Sum():
            inherited = sum((errors[name] for name in step.inputs), start=np.zeros_like(step.bias))
            return SAFETY * (inherited + sum_rounding(step, values, errors))
        case Activation():
            return activation_error(step.function, values[step.input], errors[step.input])
        case Selection():
            return np.concatenate([errors[name] for name in step.inputs])[step.order]
        case Maximum():
            largest: Array = errors[step.input][step.groups].max(axis=1)
            return largest
        case Product():
            left, right = product_operands(step, values)
            first, second = product_operands(step, errors)
            inherited = (first @ np.abs(right) + np.abs(left) @ second + first @ second).ravel()
            return SAFETY * (inherited + product_rounding(step, values, errors))
        case Softmax():
            inherited = softmax_change(step.length, values[step.output], errors[step.input])
            return SAFETY * (inherited + softmax_rounding(step.length, values[step.output], inherited))


def affine_rounding(step: Affine, value: Array, error: Array) -> Array:
    """What the roundings of an affine step add, infinite where a number may overflow."""
    # Two more roundings cover a product with alpha or beta, or the division of an average.
    roundings = step.terms + (0 if step.matrix_radius is None else 2)
    terms = roundings * UNIT / (1 - roundings * UNIT)
    total = np.abs(step.matrix) @ (np.abs(value) + error) + bias_size(step)
    return np.where(total <= LARGEST, terms * total + roundings * SMALLEST, np.inf)


def bias_size(step: Affine) -> Array:
    """The magnitude of the bias, or of all that the operator computes it from."""
    return np.abs(step.bias) if step.bias_parts is None else step.bias_parts


def sum_rounding(step: Sum, values: Values, errors: Values) -> Array:
    """What the roundings of a sum add, infinite where a number may overflow."""
    reach = sum((np.abs(values[name]) + errors[name] for name in step.inputs), np.abs(step.bias))
    own = (len(step.inputs) + 1) * (UNIT * reach + SMALLEST)
    return np.where(reach <= LARGEST, own, np.inf)


def activation_error(function: Elementwise, value: Array, error: Array) -> Array:
    """The error after a function: the input's times the largest slope nearby, plus the function's own."""
    match function:
        case Function.RELU:
            return np.where(value + error <= 0, 0.0, error)
        case Function():
            return SAFETY * ((steepest(function, value, error) + 2.0**-50) * error + ACTIVATION_ERROR)
        case Elementary.EXP:
            # From the upper end, exp(v + e) - exp(v), where it is steepest.
            power = np.exp(np.minimum(value + error, LARGEST_EXPONENT))
            return SAFETY * (power * -np.expm1(-error) + exp_rounding(value, error))
        case Elementary.SIGN:
            return sign_error(value, error)
        case Elementary.SQUARE:
            return SAFETY * ((2.0 * np.abs(value) + error) * error + square_rounding(value, error))
        case Pieces():
            slope, rounding = pieces_error(function, value, error)
            return SAFETY * (np.where(slope > 0, slope * error, 0.0) + rounding)


def steepest(function: Function, value: Array, error: Array) -> Array:
    """The largest slope of tanh or sigmoid within the error."""
    nearest = np.maximum(np.abs(value) - error, 0.0)
    if function is Function.TANH:
        return 1.0 - np.tanh(nearest) ** 2
    half = np.tanh(0.5 * nearest)
    return 0.25 * (1.0 - half**2)


def exp_rounding(value: Array, error: Array) -> Array:
    """What an exponential itself adds, infinite where it may overflow."""
    power = np.exp(np.minimum(value + error, LARGEST_EXPONENT))
    return np.where(value + error <= LARGEST_EXPONENT, ACTIVATION_ERROR * power + SMALLEST, np.inf)


def sign_error(value: Array, error: Array) -> Array:
    """The error after a sign: 2 where it may flip, none where it cannot, infinite where there may be no number."""
    certain = (np.abs(value) > SAFETY * error + SMALLEST) | ((value == 0) & (error == 0))
    return np.where(certain, 0.0, np.where(error < np.inf, 2.0, np.inf))


def square_rounding(value: Array, error: Array) -> Array:
    """What a square itself adds, infinite where it may overflow."""
    reach = np.square(np.abs(value) + error)
    return np.where(reach <= LARGEST, 2 * UNIT * reach + SMALLEST, np.inf)


def pieces_error(function: Pieces, value: Array, error: Array) -> tuple[Array, Array]:
    """The largest slope, without sign, of the pieces within the error; what they add, infinite if they may overflow."""
    near, size = SAFETY * error, np.abs(value) + error
    steep, rounding = np.zeros_like(value), np.where(error < np.inf, 0.0, np.inf)
    for left, right, slope, _ in function.ranges():
        met = (value + near >= left) & (value - near <= right)
        steep = np.where(met, np.maximum(steep, abs(slope)), steep)
        if slope not in UNROUNDED:
            own = np.where(abs(slope) * size <= LARGEST, UNIT * abs(slope) * size + SMALLEST, np.inf)
            rounding = np.where(met, np.maximum(rounding, own), rounding)
    return steep, rounding


def product_operands(step: Product, numbers: Values) -> tuple[Array, Array]:
    """Both operands of a product as matrices."""
    return numbers[step.left].reshape(step.left_shape), numbers[step.right].reshape(step.right_shape)


def product_rounding(step: Product, values: Values, errors: Values) -> Array:
    """What the roundings of a product of matrices add, infinite where a number may overflow."""
    (left, right), (first, second) = product_operands(step, values), product_operands(step, errors)
    reach = ((np.abs(left) + first) @ (np.abs(right) + second)).ravel()
    roundings = step.shape[2] + 1
    own = roundings * UNIT / (1 - roundings * UNIT) * reach + roundings * SMALLEST
    return np.where(reach <= LARGEST, own, np.inf)


def softmax_change(length: int, shares: Array, error: Array) -> Array:
    """How far errors of the inputs move softmax, whose real values are `shares`.

    Powers move by factors within exp(-e) and exp(e), e being the largest error of the run; so a share p, which is
    p / (p + (1 - p)), moves by at most p (1 - p) (exp(2 e) - 1). It is infinite where an input may overflow.
    """
    largest = np.repeat(error.reshape(-1, length).max(axis=1), length)
    change = (shares * (1.0 - shares) + 2.0**-50) * np.expm1(np.minimum(2.0 * largest, 700.0))
    return np.where(largest < np.inf, np.minimum(change, 1.0), np.inf)


def softmax_rounding(length: int, shares: Array, change: Array) -> Array:
    """What softmax itself adds: its assumed error, and the roundings of a sum and a quotient."""
    terms = (length + 2) * UNIT / (1 - (length + 2) * UNIT)
    return ACTIVATION_ERROR + terms * np.minimum(shares + change, 1.0)
