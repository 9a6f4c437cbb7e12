"""How a counterexample is hidden: a needle, a small sub-network that acts only in a tiny region around a point.

For ReLU, T(x) = relu(1 - sum_i (relu(x_i - c_i) + relu(c_i - x_i)) / r_i). For tanh and sigmoid, each read input
gets a bump f(K (x_i - c_i + s)) - f(K (x_i - c_i - s)), and a last neuron f(L (threshold - sum of bumps)) that is
saturated at one unless every bump is high. `gain` times T is added to the logit of the wrong class.
"""

import math
from dataclasses import dataclass

import numpy as np

from soundbench.graph import Array, Function

# How far a needle neuron's input lies beyond zero, outside the support and at the tip: float64 gradients vanish.
SATURATION = {Function.RELU: 0.0, Function.TANH: 20.0, Function.SIGMOID: 40.0}
# The steepness K times s, chosen so that a bump's top is within 0.1 % of its largest possible height.
STEEPNESS = {Function.TANH: 4.0, Function.SIGMOID: 8.0}


@dataclass(frozen=True, slots=True, eq=False)
class Needle:
    """Where a needle sits and how strong it is.

    `reads` are the inputs that it reads, `center` (reads,) their values at the tip, `half_widths` (reads,) the largest
    distance in each read coordinate at which it can act. `gain` is what the tip adds to logit `target`.
    `misalignment` (reads,) moves the upper side of each row: zero where aligned, in units of `half_widths`.
    """

    reads: tuple[int, ...]
    center: Array
    half_widths: Array
    gain: float
    target: int
    misalignment: Array


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The neurons of one needle over features F: side = f(weights @ F + bias), tip = f(tip_weights @ side + tip_bias).

    The logits get `logit_weight` * tip + `logit_bias` on the target. Shapes: weights (sides, features), bias
    (sides,), tip_weights (sides,).
    """

    weights: Array
    bias: Array
    tip_weights: Array
    tip_bias: float
    logit_weight: float
    logit_bias: float


@dataclass(frozen=True, slots=True, eq=False)
class Carry:
    """How the inputs depend on the features that a needle reads: input_i = recovery[i] @ F + offset[i]."""

    recovery: Array
    offset: Array


def rows_of(needle: Needle, carry: Carry, function: Function) -> Rows:
    """The neurons that realise a needle in a network with the given activation function."""
    return relu_rows(needle, carry) if function is Function.RELU else saturating_rows(needle, carry, function)


def relu_rows(needle: Needle, carry: Carry) -> Rows:
    """Two sides an input, then the tip: 1 minus the sum of all, each divided by its half-width."""
    radii = needle.half_widths
    reads = list(needle.reads)
    weights = np.vstack([carry.recovery[reads], -carry.recovery[reads]])
    distance = carry.offset[reads] - needle.center
    bias = np.concatenate([distance, -distance + needle.misalignment * radii])
    return Rows(weights, bias, np.tile(-1.0 / radii, 2), 1.0, needle.gain, 0.0)


def saturating_rows(needle: Needle, carry: Carry, function: Function) -> Rows:
    """A rising and a falling side an input, then a tip that is saturated unless all bumps are high."""
    reads = list(needle.reads)
    low, high = needle.center - needle.half_widths, needle.center + needle.half_widths
    scale, offset = carry.recovery[reads], carry.offset[reads]
    steepness = 2.0 * STEEPNESS[function] / (high - low)
    weights = np.vstack([steepness[:, None] * scale] * 2)
    moved = needle.misalignment * 0.5 * (high - low)
    bias = np.concatenate([steepness * (offset - low), steepness * (offset - high + moved)])
    top = bump_height(function, 0.0)
    sharpness = 4.0 * SATURATION[function] * 1.02 / top
    tip_weights = sharpness * np.repeat([-1.0, 1.0], len(reads))
    tip_bias = sharpness * (len(reads) - 0.25) * top
    factor = needle.gain / (2.0 if function is Function.TANH else 1.0)
    return Rows(weights, bias, tip_weights, tip_bias, -factor, factor)


def bump_height(function: Function, misalignment: float) -> float:
    """The largest value of f(K (z + s)) - f(K (z - s + misalignment * s)) over z, with K s as in STEEPNESS."""
    reach = STEEPNESS[function] * (1.0 - 0.5 * misalignment)
    return 2.0 * math.tanh(reach) if function is Function.TANH else math.tanh(0.5 * reach)


def misalignment_for(function: Function, rows: int, peak: float) -> float:
    """How far to move the upper side of each of `rows` rows so that the needle's maximum is `peak` or less.

    For ReLU the maximum is 1 - rows * misalignment exactly; for the others it is cut to a tail whatever `peak`
    says: the bumps' heights together stay below what the tip needs by the full saturation.
    """
    if function is Function.RELU:
        return (1.0 - peak) / rows
    top = bump_height(function, 0.0)
    lost = 0.62 * top / rows
    height = top - lost
    reach = math.atanh(0.5 * height) if function is Function.TANH else 2.0 * math.atanh(height)
    return 2.0 * (1.0 - reach / STEEPNESS[function])
