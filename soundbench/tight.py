"""The track `tight`: pairs whose answers hang on the last digits, or on how float32 adds up, and are certified exactly.

Each kind is one function. Networks are small and their numbers dyadic, so that real arithmetic has no doubts: the
needle's top is 1 exactly. A verifier that tolerates a violation, or that trusts float32, answers wrongly here; that is
why none of it counts for the main score.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from soundbench.architecture import INPUT, Operation
from soundbench.graph import Array, Function
from soundbench.ground_truth import TwinKind
from soundbench.instance import Constraint, Interval, Property, Region
from soundbench.needle import Carry, Needle, rows_of
from soundbench.placement import Place, Placement, place

INPUTS = 24
# Half of a box's width, and the needle's half-width: both powers of two, the latter small enough to be hidden.
HALF_WIDTH, NEEDLE_HALF_WIDTH = 2.0**-3, 2.0**-6
# Where the boxes' middles are multiples of, and what is added to inputs so that neurons are active for good.
STEP, LIFT = 2.0**-6, 2.0
# What the needle's output is compared with.
THRESHOLD = 1.5
# Half of a common tolerance, relative to the threshold; and float32's last digit there.
RELATIVE, LAST_DIGIT = 2.0**-21, 2.0**-23
# How much is added and taken away again where the order of a sum matters, in how many pairs, and the room beside it.
CANCELLED, CANCELLING, ROOM = 2.0**20, 3, 0.25
# Between what, in size, a sigmoid's input lies that is saturated: its exponential overflows in float32.
SATURATED = (100.0, 200.0)
# What a misaligned needle's top is cut down to, as a share of the threshold.
MISALIGNED = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """A pair to be: operations of the armed network and of its twin, the needle in each, and what is asked of both.

    `tip` is the tensor that the needle's activation reads; the needle is its first neuron.
    """

    armed: tuple[Operation, ...]
    twin: tuple[Operation, ...]
    needle: Needle
    disarmed: Needle
    tip: str
    property: Property
    placement: Placement
    kind: TwinKind


@dataclass(frozen=True, slots=True, eq=False)
class Further:
    """Neurons beside the needle: active ones, relu(x[reads] + LIFT), and what they add to each of the two outputs."""

    reads: tuple[int, ...]
    weights: Array


Make = Callable[[np.random.Generator], Draft]


def relative(random: np.random.Generator) -> Draft:
    """A violation of half a millionth of the threshold, and a twin that holds by as little."""
    return near_threshold(RELATIVE * THRESHOLD, random)


def last_digit(random: np.random.Generator) -> Draft:
    """A violation of one unit in float32's last place, and a twin that holds by as little."""
    return near_threshold(LAST_DIGIT, random)


def near_threshold(distance: float, random: np.random.Generator) -> Draft:
    """The armed needle's gain is above the threshold by so much, the twin's below it."""
    unsafe, placement, needle = question(random, THRESHOLD + distance)
    twin = replace(needle, gain=THRESHOLD - distance)
    further = alive(random)
    return Draft(
        network(needle, further), network(twin, further), needle, twin, "tips", unsafe, placement, TwinKind.SCALED
    )


def summation(random: np.random.Generator) -> Draft:
    """Large numbers that cancel out in real arithmetic, and in float32 as the order of summation will have it."""
    unsafe, placement, needle = question(random, THRESHOLD + ROOM)
    peak = MISALIGNED * THRESHOLD / needle.gain
    twin = replace(needle, misalignment=np.where(np.arange(INPUTS) == random.integers(INPUTS), 1.0 - peak, 0.0))
    own, reads = alive(random), random.choice(INPUTS, CANCELLING, replace=False)
    weights = CANCELLED * random.permutation(np.repeat([1.0, -1.0], CANCELLING))
    ranks = {sign: itertools.cycle(reads.tolist()) for sign in (1.0, -1.0)}
    cancelling = tuple(next(ranks[float(np.sign(weight))]) for weight in weights)
    further = Further(own.reads + cancelling, np.hstack([own.weights, np.vstack([np.zeros(len(weights)), weights])]))
    return Draft(
        network(needle, further), network(twin, further), needle, twin, "tips", unsafe, placement, TwinKind.MISALIGNED
    )


def saturated(random: np.random.Generator) -> Draft:
    """As `last_digit`, beside sigmoids so far from zero that their exponentials overflow, and their values do not."""
    draft = near_threshold(LAST_DIGIT, random)
    low, high = SATURATED
    shift = random.choice([-1.0, 1.0], INPUTS) * np.rint(random.uniform(low, high, INPUTS))
    far = (
        Operation("far", "Add", (INPUT, shift)),
        Operation("steps", "Sigmoid", ("far",)),
        # A sigmoid is 0 or 1 here but for less than 1e-43: the weights of those at 1 add up to nothing.
        Operation("offsets", "Gemm", ("steps", balanced((shift > 0).tolist(), random)), {"transB": 1}),
    )

    def beside(operations: Sequence[Operation]) -> tuple[Operation, ...]:
        last = replace(operations[-1], name="bare")
        return (*far, *operations[:-1], last, Operation("outputs", "Add", ("bare", "offsets")))

    return replace(draft, armed=beside(draft.armed), twin=beside(draft.twin))


def balanced(is_high: Sequence[bool], random: np.random.Generator) -> Array:
    """Weights (2, inputs) of which those of the inputs in `is_high` add up to zero in each row, exactly."""
    weights = np.rint(random.uniform(-8, 8, (2, len(is_high))))
    high = np.flatnonzero(is_high)
    if high.size:
        weights[:, high[0]] -= weights[:, high].sum(axis=1)
    return weights


TIGHT: Mapping[str, Make] = {make.__name__: make for make in (relative, last_digit, summation, saturated)}


def question(random: np.random.Generator, gain: float) -> tuple[Property, Placement, Needle]:
    """A box, in it a witness with its needle, and the property that the second output reaches the threshold."""
    middle = STEP * np.rint(random.uniform(-16, 16, INPUTS))
    ends = zip((middle - HALF_WIDTH).tolist(), (middle + HALF_WIDTH).tolist(), strict=True)
    inputs = tuple(Interval(Fraction(low), Fraction(high)) for low, high in ends)
    region = Region(inputs, (Constraint(((1, Fraction(-1)),), Fraction(-THRESHOLD)),))
    placement = place(Place.INTERIOR, region, INPUTS, random)
    half_widths = np.full(INPUTS, NEEDLE_HALF_WIDTH)
    needle = Needle(placement.reads, placement.point, half_widths, gain, 1, np.zeros(INPUTS))
    return Property(INPUTS, 2, (region,)), placement, needle


def alive(random: np.random.Generator) -> Further:
    """Neurons that move the first output, and not the second."""
    reads = tuple(random.choice(INPUTS, 4, replace=False).tolist())
    weights = STEP * np.rint(random.uniform(-64, 64, 4))
    return Further(reads, np.vstack([weights, np.zeros(4)]))


def network(needle: Needle, further: Further) -> tuple[Operation, ...]:
    """Three dense layers: the needle's sides, its tip, the outputs; the further neurons run beside them."""
    count = len(further.reads)
    rows = rows_of(needle, Carry(np.eye(INPUTS), np.zeros(INPUTS)), Function.RELU)
    lifted = np.eye(INPUTS)[list(further.reads)]
    sides = np.vstack([rows.weights / NEEDLE_HALF_WIDTH, lifted])
    side_bias = np.concatenate([rows.bias / NEEDLE_HALF_WIDTH, np.full(count, LIFT)])
    tips = np.zeros((1 + count, len(sides)))
    tips[0, : len(rows.bias)] = rows.tip_weights * NEEDLE_HALF_WIDTH
    tips[1:, len(rows.bias) :] = np.eye(count)
    outputs = np.hstack([np.array([[0.0], [needle.gain]]), further.weights])
    # What the lift adds to the outputs is taken off again.
    offset = -LIFT * further.weights.sum(axis=1)
    return (
        Operation("sides", "Gemm", (INPUT, sides, side_bias), {"transB": 1}),
        Operation("sides_active", "Relu", ("sides",)),
        Operation("tips", "Gemm", ("sides_active", tips, np.eye(1 + count)[0]), {"transB": 1}),
        Operation("tips_active", "Relu", ("tips",)),
        Operation("outputs", "Gemm", ("tips_active", outputs, offset), {"transB": 1}),
    )
