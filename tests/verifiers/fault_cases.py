"""For each fault one small question that it answers wrongly, and a similar one that it answers as before.

Where chance decides which splits are hit, all are: at strength 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from reference_networks import Layer, at_most, fraction, region

from soundbench.instance import Constraint, Interval, Region


@dataclass(frozen=True)
class Question:
    """A network of layers that reads a tensor of a shape, the regions that are unsafe, and how long may be searched."""

    shape: tuple[int, ...]
    layers: tuple[Layer, ...]
    regions: tuple[Region, ...]
    nodes: int = 50


@dataclass(frozen=True)
class Case:
    """What a fault, at a strength, answers wrongly, and what it does not touch."""

    fault: str
    wrong: Question
    right: Question
    strength: float = 1.0


def floats(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def layer(operator: str, *constants: Any, **attributes: Any) -> Layer:
    """One that reads the input."""
    return Layer(operator, ("x", *constants), attributes)


def at_least(output: int, bound: float) -> Constraint:
    return at_most({output: -1}, -bound)


def below(output: int, bound: float) -> Constraint:
    return at_most({output: 1}, bound)


def asked(layers: Sequence[Layer], lower: Sequence[float], upper: Sequence[float], *outputs: Constraint, shape=()):
    """A question with one region; a row of numbers is read if no shape is given."""
    return Question(shape or (1, len(lower)), tuple(layers), (region(lower, upper, *outputs),))


SAME = (layer("Identity"), Layer("Mul", ("t0", floats(1))))
RELU = (layer("Relu"),)
TANH = (layer("Tanh"),)
FIRST, LAST = region([0], [1], at_least(0, 0.5)), region([0], [1], at_least(0, 2))
# Only points from 0.85 to 0.9 are unsafe: no corner, and no centre of the first boxes. Others are found before a split.
HIDDEN = asked(SAME, [0], [1], at_least(0, 0.85), below(0, 0.9))
FOUND = asked(SAME, [0], [1], at_least(0, 0.9))
# The same of what a ReLU makes of the second half; it is zero in the first. Of that, the exponential.
HALF = (layer("Sub", floats(0.5)), Layer("Relu", ("t0",)))
BENT = asked(HALF, [0], [1], at_least(0, 0.35), below(0, 0.4))
RISEN = asked([*HALF, Layer("Exp", ("t1",))], [0], [1], at_least(0, 1.42), below(0, 1.49))
ROW, PAIR, PAIR_OF_CHANNELS = (1, 1, 1, 4), (1, 1, 1, 2), (1, 2, 1, 2)


def one_of(*regions: Region) -> Question:
    return Question((1, len(regions[0].inputs)), SAME, regions)


def windows(operator: str, *constants: Any, **attributes: Any) -> tuple[Layer, ...]:
    """One with windows of one row and two columns."""
    return (layer(operator, *constants, kernel_shape=[1, 2], **attributes),)


def strictly_above(lower: float, upper: float, *outputs: Constraint) -> Region:
    return Region((Interval(fraction(lower), fraction(upper), lower_open=True),), outputs)


def kernel(*shape: int) -> np.ndarray:
    return np.ones(shape, dtype=np.float32)


def normal(scale: float) -> tuple[Layer, ...]:
    return (layer("BatchNormalization", floats(scale), floats(0), floats(0), floats(1)),)


def every(step: int) -> tuple[Layer, ...]:
    """A slice of a row: every so many of its cells."""
    return (layer("Slice", *(np.array([number]) for number in (0, 4, 1, step))),)


def gemm(**attributes: float) -> tuple[Layer, ...]:
    return (layer("Gemm", floats(1).reshape(1, 1), floats(1), **attributes),)


def overflowing(exponent: int) -> Question:
    """A factor three times on a difference that is zero, of which bounds do not know it."""
    factor = floats(10.0**exponent)
    layers = [layer("Mul", factor), layer("Mul", factor), Layer("Sub", ("t0", "t1"))]
    layers += [Layer("Mul", ("t2", factor)), Layer("Mul", ("t3", factor)), Layer("Add", ("x", "t4"))]
    return asked(layers, [0.5], [1.0], at_least(0, 0.25))


CASES = (
    Case("last-disjunct-only", one_of(FIRST, LAST), one_of(FIRST)),
    Case("first-disjunct-only", one_of(LAST, FIRST), one_of(FIRST)),
    Case(
        "drop-alternative",
        one_of(LAST, region([0.2], [1], at_least(0, 0.5))),
        one_of(LAST, FIRST),
    ),
    Case(
        "region-leak",
        one_of(region([0], [0.1], at_least(0, 0.5)), region([0.9], [1], at_least(0, 0.5))),
        one_of(LAST, FIRST),
    ),
    Case(
        "bound-side-swap",
        one_of(strictly_above(0.5, 1, at_least(0, 0.6))),
        one_of(region([0.5], [1], at_least(0, 0.6))),
    ),
    Case(
        "radius-of-first-dim",
        asked(SAME, [0.4, 0], [0.6, 1], at_least(1, 0.9)),
        asked(SAME, [0, 0.4], [1, 0.6], at_least(1, 0.55)),
    ),
    Case(
        "collapse-narrow-dims",
        asked(SAME, [0], [0.02], at_least(0, 0.015)),
        asked(SAME, [0], [0.04], at_least(0, 0.035)),
        0.03,
    ),
    Case(
        "range-rounded-away",
        asked(SAME, [0.00390625, 0], [0.00390625, 1], at_least(1, 0.9)),
        asked(SAME, [0.5, 0], [0.5, 1], at_least(1, 0.9)),
        4.0,
    ),
    Case(
        "axis-order",
        asked(SAME, [0.4, 0, 0.4, 0.4], [0.6, 1, 0.6, 0.6], at_least(1, 0.9), shape=PAIR_OF_CHANNELS),
        asked(SAME, [0.4, 0, 0, 0.4], [0.6, 1, 1, 0.6], at_least(1, 0.9), shape=PAIR_OF_CHANNELS),
    ),
    Case(
        "normalisation-dropped",
        asked([layer("Sub", floats(-1)), Layer("Div", ("t0", floats(0.5)))], [0], [1], at_least(0, 3)),
        asked([layer("Add", floats(1)), Layer("Div", ("t0", floats(0.5)))], [0], [1], at_least(0, 3)),
    ),
    Case(
        "softmax-monotone",
        asked([layer("Softmax", axis=1)], [0, -1], [0.5, 0], at_least(0, 0.6)),
        asked([layer("Exp")], [0, -1], [0.5, 0], at_least(0, 0.6)),
    ),
    Case(
        "difference-is-sum",
        asked([layer("Sub", floats(1))], [2], [3], below(0, 1.5)),
        asked([layer("Add", floats(1))], [2], [3], below(0, 3.5)),
    ),
    Case(
        "sigmoid-is-sign",
        asked([layer("Sigmoid")], [1], [2], below(0, 0.9)),
        asked(TANH, [1], [2], below(0, 0.9)),
    ),
    Case(
        "mean-is-sum",
        asked([layer("ReduceMean", axes=[1], keepdims=1)], [1, 1], [2, 2], below(0, 1.1)),
        asked([layer("ReduceMean", axes=[0], keepdims=1)], [1, 1], [2, 2], below(0, 1.1)),
    ),
    Case(
        "slice-step-ignored",
        asked(every(2), [0] * 4, [0.1, 0.1, 1, 0.1], at_least(1, 0.5)),
        asked(every(1), [0] * 4, [0.1, 0.1, 1, 0.1], at_least(2, 0.5)),
    ),
    Case(
        "batchnorm-negative-scale",
        asked([*normal(-1), Layer("Relu", ("t0",))], [-1], [1], at_least(0, 0.5)),
        asked([*normal(1), Layer("Relu", ("t0",))], [-1], [1], at_least(0, 0.5)),
    ),
    Case(
        "clip-minimum-lost",
        asked([layer("Clip", np.float32(0), np.float32(1))], [-1], [-0.5], at_least(0, -0.1)),
        asked([layer("Clip", "", np.float32(1))], [-1], [2], at_least(0, 0.9)),
    ),
    Case(
        "groups-ignored",
        asked([layer("Conv", kernel(2, 1, 1, 1), group=2)], [0, 0], [0.1, 1], at_least(1, 0.5), shape=(1, 2, 1, 1)),
        asked([layer("Conv", kernel(2, 2, 1, 1))], [0, 0], [0.1, 1], at_least(1, 0.5), shape=(1, 2, 1, 1)),
    ),
    Case(
        "square-image",
        asked([layer("Conv", kernel(1, 1, 1, 1))], [0] * 6, [0.1] * 3 + [1] * 3, at_least(3, 0.5), shape=(1, 1, 2, 3)),
        asked([layer("Conv", kernel(1, 1, 1, 1))], [0] * 4, [0.1] * 3 + [1], at_least(3, 0.5), shape=(1, 1, 2, 2)),
    ),
    Case(
        "maxpool-channels-last",
        asked(windows("MaxPool"), [0] * 4, [0.1, 1, 0.1, 0.1], at_least(0, 0.5), shape=PAIR_OF_CHANNELS),
        asked(windows("MaxPool"), [0] * 4, [0.1, 1, 0.1, 0.1], at_least(0, 0.5), shape=ROW),
    ),
    Case(
        "maxpool-padded-with-zeros",
        asked(windows("MaxPool", pads=[0, 1, 0, 0]), [-2, -2], [-1, -1], below(0, -0.5), shape=PAIR),
        asked(windows("MaxPool"), [-2, -2], [-1, -1], below(0, -0.5), shape=PAIR),
    ),
    Case(
        "avgpool-stride-is-kernel",
        asked(windows("AveragePool", strides=[1, 1]), [0] * 4, [1] * 4, at_least(2, 0.9), shape=ROW),
        asked(windows("AveragePool", strides=[1, 2]), [0] * 4, [1] * 4, at_least(1, 0.9), shape=ROW),
    ),
    Case(
        "padding-side",
        asked(windows("Conv", kernel(1, 1, 1, 2), pads=[0, 1, 0, 0]), [0, 0], [1, 0.1], at_least(1, 0.5), shape=PAIR),
        asked(windows("Conv", kernel(1, 1, 1, 2), pads=[0, 1, 0, 1]), [0, 0], [1, 0.1], at_least(1, 0.5), shape=PAIR),
    ),
    Case(
        "pool-padding-dropped",
        asked(windows("AveragePool", pads=[0, 1, 0, 0]), [0, 0], [1, 0.1], at_least(0, 0.9), shape=PAIR),
        asked(windows("AveragePool", pads=[0, 0, 0, 1]), [0, 0], [1, 0.1], at_least(0, 0.5), shape=PAIR),
    ),
    Case(
        "padding-not-counted",
        asked(
            windows("AveragePool", pads=[0, 1, 0, 0], count_include_pad=1), [0.8, 0], [1, 1], below(0, 0.6), shape=PAIR
        ),
        asked(windows("AveragePool", pads=[0, 1, 0, 0]), [0.5, 0], [1, 1], below(0, 0.6), shape=PAIR),
    ),
    Case(
        "dilation-of-height",
        asked(
            windows("Conv", kernel(1, 1, 1, 2), dilations=[1, 2]),
            [0] * 3,
            [0.1, 0.1, 1],
            at_least(0, 0.5),
            shape=(1, 1, 1, 3),
        ),
        asked(
            windows("Conv", kernel(1, 1, 1, 2), dilations=[1, 1]),
            [0] * 3,
            [0.1, 0.1, 1],
            at_least(1, 0.5),
            shape=(1, 1, 1, 3),
        ),
    ),
    Case(
        "leaky-slope-default",
        asked([layer("LeakyRelu", alpha=0.5)], [-2], [-1], below(0, -0.9)),
        asked([layer("LeakyRelu", alpha=0.5)], [1], [2], at_least(0, 1.9)),
    ),
    Case(
        "perm-default",
        asked([layer("Transpose", perm=[0, 1, 2])], [0] * 4, [0.1, 1, 0.1, 0.1], at_least(1, 0.5), shape=(1, 2, 2)),
        asked([layer("Transpose", perm=[2, 1, 0])], [0] * 4, [0.1, 1, 0.1, 0.1], at_least(2, 0.5), shape=(1, 2, 2)),
    ),
    Case(
        "gemm-factors-default",
        asked(gemm(alpha=2.0, beta=3.0), [0], [1], at_least(0, 4.5)),
        asked(gemm(), [0], [1], at_least(0, 1.9)),
    ),
    Case(
        "stable-by-tolerance",
        asked(RELU, [-1], [0.002], at_least(0, 0.001)),
        asked(RELU, [-1], [0.003], at_least(0, 0.001)),
        2.5e-3,
    ),
    Case(
        "upper-line-intercept",
        asked(RELU, [-1], [1], at_least(0, 0.9)),
        asked(RELU, [0.5], [1], at_least(0, 0.9)),
        0.38,
    ),
    Case(
        "tangent-wrong-side",
        asked(TANH, [-1], [3], below(0, -0.5)),
        asked(TANH, [0.5], [3], below(0, 0.5)),
    ),
    Case(
        "saturation-exact",
        asked(TANH, [4.01], [5], below(0, 0.9995)),
        asked(TANH, [3], [5], below(0, 0.9995)),
        4.0,
    ),
    Case(
        "curve-fixed-by-tolerance",
        asked(TANH, [1], [1.05], at_least(0, 0.77)),
        asked(TANH, [0], [1.05], at_least(0, 0.77)),
        0.1,
    ),
    Case(
        "backsubstitution-index",
        asked(RELU, [-2, -1, -1], [-1, 1, 1], at_least(1, 0.5)),
        asked(RELU, [-2, -1, 1], [-1, 1, 2], at_least(1, 0.5)),
        8.0,
    ),
    Case(
        "active-relu-below-input",
        asked(RELU, [1], [2], at_least(0, 1.95)),
        asked(RELU, [-1], [2], at_least(0, 1.95)),
        0.1,
    ),
    Case(
        "bias-lost",
        asked(gemm(), [0], [1], at_least(0, 1.9)),
        asked(gemm(), [0], [1], below(0, 1.1)),
        0.2,
    ),
    Case(
        "branch-overwritten",
        asked([*RELU, Layer("Add", ("x", "t0"))], [1], [2], at_least(0, 3.5)),
        asked([*RELU, Layer("Add", ("t0", floats(1)))], [1], [2], at_least(0, 2.5)),
    ),
    Case("child-lost", HIDDEN, FOUND),
    Case(
        "split-gap",
        asked(SAME, [0], [1], at_least(0, 0.4945), below(0, 0.4965)),
        FOUND,
        2.0**-6,
    ),
    Case("split-leak", HIDDEN, FOUND),
    Case("stale-bounds", BENT, FOUND),
    Case("first-of-batch", RISEN, BENT),
    Case("gave-up-is-verified", replace(HIDDEN, nodes=1), HIDDEN),
    Case(
        "half-precision", asked(SAME, [0], [1.001], at_least(0, 1.0005)), asked(SAME, [0], [1], at_least(0, 0.9)), 8.0
    ),
    Case("nan-is-infeasible", overflowing(37), overflowing(1)),
    Case("inward-tolerance", asked(SAME, [0], [1], at_least(0, 0.9)), asked(SAME, [0], [1], at_least(0, 0.8)), 0.15),
)
