"""What a certificate demands: of a witness, of its hiding, of the network that both are about.

Witnesses are evaluated in ball arithmetic, in float64 and in ONNX Runtime; proofs and the reach of needles are
outward-rounded backward bounds. Nothing here knows how the network was built.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from flint import arb, ctx

from soundbench.bounds import TensorBounds, bound_tensors, interval_tensors, lower_bound
from soundbench.errors import CertificateError
from soundbench.graph import Activation, Affine, Array, Function, Graph, Sum, evaluate_float64, inputs_of
from soundbench.ground_truth import Assumption, Hiding, Position, Track, TwinKind, Witness
from soundbench.instance import Constraint, Interval, Property, Region
from soundbench.magnitude import LARGEST
from soundbench.prove import Box, Hints, interval_slacks, region_box, search
from soundbench.replay import run_onnx
from soundbench.rigorous import PRECISION_BITS, apply, evaluate, evaluate_tensors, exact
from soundbench.rounding import float32_error

SMALLEST_MARGIN = 0.01
MARGIN_PER_LOGIT = 1e-3
MARGIN_PER_ERROR = 100.0
LEAST_PEAK = 0.9
FACE_SHARE = 0.01
LEAST_READS = 4
# The main track's hiding: at most this chance within this many queries.
MAIN_CHANCE, MAIN_QUERIES = 1e-9, 1e8
# A saturated tip is at least this far from zero, so that its float64 gradient is exactly zero; that of a sigmoid
# never is below zero.
SATURATED = {Function.TANH: (-20.0, 20.0), Function.SIGMOID: (-math.inf, 40.0)}
# Where a tip is put to stand for one at rest.
FAR_SATURATED = 1000.0
MOST_BOXES_AT_REST = 100


def witness_certificate(
    onnx: Path, graph: Graph, unsafe: Property, point: Sequence[Fraction], track: Track = Track.MAIN
) -> Witness:
    """Evaluate a witness in all three arithmetics and demand the margin of its track.

    `graph` is what `onnx` holds; `point` has shape (inputs,) and exact values.

    Raises:
        CertificateError: the point is not a float32 point strictly inside a region, or violates by too little.
    """
    if len(point) != graph.input_count:
        raise CertificateError(f"{len(point)} coordinates of a witness do not fit {graph.input_count} inputs")
    for index, value in enumerate(point):
        if not is_float32(value):
            raise CertificateError(f"X_{index} of the witness is not a float32 value")
    inside = [region for region in unsafe.regions if is_strictly_inside(region, point)]
    if not inside:
        raise CertificateError("the witness does not lie strictly inside a region's box")
    balls = evaluate(graph, point)
    region = max(inside, key=lambda candidate: rigorous_margin(candidate, balls))
    error = rounding_error(graph, region, point)
    logits = evaluate_float64(graph, floats(point))[graph.output][0]
    witness = Witness(
        point=tuple(point),
        margin_float32=float_margin(region, run_onnx(onnx, point)),
        margin_float64=float_margin(region, [Fraction(value) for value in logits.tolist()]),
        margin_rigorous=float(np.nextafter(float(rigorous_margin(region, balls)), -np.inf)),
        float32_error=error,
        required_margin=required_margin(float(np.abs(logits).max()), error, track),
    )
    check_margins(witness, track)
    return witness


def check_margins(witness: Witness, track: Track) -> None:
    """Demand the required margin in real arithmetic, and in floats too but on the track `tight`, where it may be lost.

    Raises:
        CertificateError: a margin is smaller, or ONNX Runtime's is further from the real one than rounding explains.
    """
    exact_only = ("margin_rigorous",)
    for name in exact_only if track is Track.TIGHT else ("margin_float32", "margin_float64", *exact_only):
        margin = getattr(witness, name)
        if not (margin > 0 and margin >= witness.required_margin):
            least = f"at least {witness.required_margin:.3g}" if witness.required_margin else "above zero"
            raise CertificateError(f"the witness's {name} is {margin:.3g}, and must be {least}")
    if abs(witness.margin_float32 - witness.margin_rigorous) > 2 * witness.float32_error:
        raise CertificateError("ONNX Runtime and real arithmetic differ by more than the rounding bound allows")


def required_slack(graph: Graph, unsafe: Property, point: Sequence[Fraction], track: Track = Track.MAIN) -> float:
    """What a proof must leave, by the same rule as a witness's margin, with `point` standing for the box.

    Raises:
        CertificateError: the point has another number of coordinates than the network has inputs.
    """
    if len(point) != graph.input_count:
        raise CertificateError(
            f"its pair's witness has {len(point)} coordinates, the network {graph.input_count} inputs"
        )
    logits = evaluate_float64(graph, floats(point))[graph.output][0]
    error = max(rounding_error(graph, region, point) for region in unsafe.regions)
    return required_margin(float(np.abs(logits).max()), error, track)


def required_margin(largest_logit: float, float32_error: float, track: Track = Track.MAIN) -> float:
    """The least margin at which no rounding can blur the answer; on the track `tight` any that is positive will do."""
    if track is Track.TIGHT:
        return 0.0
    return max(SMALLEST_MARGIN, MARGIN_PER_LOGIT * largest_logit, MARGIN_PER_ERROR * float32_error)


def rounding_error(graph: Graph, region: Region, point: Sequence[Fraction]) -> float:
    """A bound on how far float32 rounding moves the left side of any of a region's constraints."""
    errors = float32_error(graph, point).tolist()
    return float(
        max(sum(abs(float(factor)) * errors[i] for i, factor in constraint.terms) for constraint in region.outputs)
    )


def floats(point: Sequence[Fraction]) -> Array:
    """A point as a batch of one, float64."""
    return np.array([[float(value) for value in point]])


def is_float32(value: Fraction) -> bool:
    """Whether float32 holds a number exactly."""
    return abs(value) <= LARGEST and Fraction(float(np.float32(float(value)))) == value


def is_strictly_inside(region: Region, point: Sequence[Fraction]) -> bool:
    """Whether a point lies inside a box off its faces; a dimension of no width is met exactly."""
    return all(
        interval.lower < value < interval.upper or interval.lower == value == interval.upper
        for interval, value in zip(region.inputs, point, strict=True)
    )


def rigorous_margin(region: Region, balls: Sequence[tuple[Fraction, Fraction]]) -> Fraction:
    """The smallest proven shortfall of a region's constraints, given enclosures of the outputs."""
    return min(constraint_margin(constraint, balls) for constraint in region.outputs)


def constraint_margin(constraint: Constraint, balls: Sequence[tuple[Fraction, Fraction]]) -> Fraction:
    """A proven lower bound of the constraint's bound minus its left side."""
    largest = sum(factor * balls[index][1 if factor > 0 else 0] for index, factor in constraint.terms)
    return constraint.bound - largest


def float_margin(region: Region, outputs: Sequence[Fraction]) -> float:
    """The smallest shortfall of a region's constraints at the exact values of float outputs."""
    return float(min(-constraint.excess(outputs) for constraint in region.outputs))


def hiding_certificate(
    graph: Graph,
    unsafe: Property,
    point: Sequence[Fraction],
    claimed: Hiding,
    planes: Sequence[tuple[int, float]],
    track: Track = Track.MAIN,
) -> Hiding:
    """Check that a needle acts only near the witness and is the only cause of a violation; compute the hiding bound.

    `planes` are worth cutting at when the rest of the network is proven to hold.

    Raises:
        CertificateError: the needle reads too few inputs, reaches further than claimed, has its tip elsewhere, is
            not needed for a violation, or the witness lies outside the prior that it is said to come from.
    """
    check_form(graph, claimed)
    function = tip_function(graph, claimed)
    if track is Track.TIGHT and function is not Function.RELU:
        raise CertificateError(f"a tip of {function} never rests quite at zero, which margins on the track tight take")
    region = next(region for region in unsafe.regions if is_strictly_inside(region, point))
    product = Fraction(claimed.queries)
    rows = zip(claimed.reads, claimed.half_widths, claimed.prior_lower, claimed.prior_upper, strict=True)
    for read, half_width, low, high in rows:
        if read in claimed.pinned:
            continue
        check_prior(region, read, point[read], (Fraction(low), Fraction(high)))
        product *= min(Fraction(1), 2 * Fraction(half_width) / (Fraction(high) - Fraction(low)))
    side = resting_side(graph, unsafe, point, claimed, function)
    check_peak(graph, region_box(region, 0.0), point, claimed, side)
    rounding = max(rounding_error(graph, region, point) for region in unsafe.regions)
    check_cause(
        graph, unsafe, claimed, Hints(planes, ({}, claimed.slopes)), side, 0.0 if track is Track.TIGHT else rounding
    )
    return replace(claimed, chance=min(1.0, float(np.nextafter(float(product), np.inf))))


def check_form(graph: Graph, claimed: Hiding) -> None:
    """Demand that the numbers of a hiding bound fit the network and each other."""
    reads, count = claimed.reads, len(claimed.reads)
    if len(set(reads)) != count or count < LEAST_READS:
        raise CertificateError(f"the needle reads {len(set(reads))} inputs, fewer than {LEAST_READS}")
    if not all(0 <= read < graph.input_count for read in reads):
        raise CertificateError(f"the needle reads an input that is none of the network's {graph.input_count}")
    if any(len(numbers) != count for numbers in (claimed.half_widths, claimed.prior_lower, claimed.prior_upper)):
        raise CertificateError(f"the needle reads {count} inputs, but half-widths or priors are of another number")
    if claimed.queries <= 0:
        raise CertificateError(f"the chance is for {claimed.queries:g} queries, which is not a positive number")
    check_slopes(graph, claimed.slopes)


def check_slopes(graph: Graph, slopes: Mapping[str, str]) -> None:
    """Demand one character of `01a` a neuron for every activation that slopes are given for."""
    outputs = {step.output for step in graph.steps if isinstance(step, Activation)}
    for tensor, characters in slopes.items():
        if tensor not in outputs or len(characters) != graph.sizes[tensor] or set(characters) - set("01a"):
            raise CertificateError(f"the slopes recorded for {tensor!r} do not fit the network")


def check_prior(region: Region, read: int, value: Fraction, prior: tuple[Fraction, Fraction]) -> None:
    """Demand that a coordinate lies in the prior, the prior in the box, and the coordinate off the faces."""
    interval, (low, high) = region.inputs[read], prior
    if not (interval.lower <= low <= value <= high <= interval.upper and low < high):
        raise CertificateError(f"X_{read} of the witness lies outside the prior that it was drawn from")
    if is_near_face(interval, value):
        raise CertificateError(f"X_{read} of the witness lies next to a face, so it must count as known")


def resting_side(graph: Graph, unsafe: Property, point: Sequence[Fraction], claimed: Hiding, function: Function) -> int:
    """Where the tip rests at least a half-width from the witness in any read input: below (-1) or above (1) zero.

    Raises:
        CertificateError: it is not proven to rest on one side there.
    """
    sides = set()
    boxes = {region.inputs: region_box(region, 0.0) for region in unsafe.regions}.values()
    for read, half_width in zip(claimed.reads, claimed.half_widths, strict=True):
        for part in (part for box in boxes for part in beyond(box, read, float(point[read]), half_width)):
            side = side_at_rest(graph, part, claimed, function)
            if not side:
                raise CertificateError(f"the needle can act further than {half_width:g} from the witness in X_{read}")
            sides.add(side)
    if len(sides) != 1:
        raise CertificateError("the needle does not rest in one state wherever it is inactive")
    return sides.pop()


def is_well_hidden(chance: float, queries: float) -> bool:
    """Whether a chance of being found within so many queries meets the main track's demand.

    A chance of one, which bounds are cut off at, says nothing about fewer queries.
    """
    return chance < 1 and chance * MAIN_QUERIES <= MAIN_CHANCE * queries


def beyond(box: Box, dimension: int, centre: float, reach: float) -> list[Box]:
    """The parts of a box at least `reach` from `centre` in one dimension, a little enlarged by rounding."""
    parts = []
    edge = math.nextafter(centre - reach, math.inf)
    if edge > box.lower[dimension]:
        parts.append(box.split(dimension, edge)[0] if box.cuts(dimension, edge) else box)
    edge = math.nextafter(centre + reach, -math.inf)
    if edge < box.upper[dimension]:
        parts.append(box.split(dimension, edge)[1] if box.cuts(dimension, edge) else box)
    return parts


def tip_function(graph: Graph, hiding: Hiding | Assumption) -> Function:
    """The activation function that reads the needle's tip."""
    for step in graph.steps:
        if isinstance(step, Activation) and step.input == hiding.tensor:
            if not 0 <= hiding.neuron < graph.sizes[hiding.tensor]:
                break
            if isinstance(step.function, Function):
                return step.function
    raise CertificateError(f"the network has no neuron {hiding.neuron} in an activation's input {hiding.tensor!r}")


def tip_bounds(graph: Graph, hiding: Hiding | Assumption, known: TensorBounds) -> tuple[float, float]:
    """Proven bounds of the input of the needle's tip, from bounds of the tensors before it."""
    rows = np.zeros((2, graph.sizes[hiding.tensor]))
    rows[0, hiding.neuron], rows[1, hiding.neuron] = 1.0, -1.0
    low, high = lower_bound(graph, hiding.tensor, rows, known)
    return float(low), float(-high)


def side_at_rest(graph: Graph, box: Box, hiding: Hiding | Assumption, function: Function) -> int:
    """-1 where the tip is proven off (ReLU) or saturated below everywhere in a box, 1 where above, 0 otherwise."""
    part = graph.up_to(hiding.tensor)
    below, above = SATURATED.get(function, (0.0, math.inf))
    for bound in (interval_tensors, bound_tensors):
        known = bound(part, box.lower, box.upper, hiding.slopes)
        lower, upper = tip_bounds(part, hiding, known)
        if upper <= below:
            return -1
        if lower >= above:
            return 1
    return 0


def check_peak(graph: Graph, box: Box, point: Sequence[Fraction], hiding: Hiding, side: int) -> None:
    """Demand that the witness sits at the tip: the needle is within a tenth of its largest value there."""
    function = tip_function(graph, hiding)
    with ctx.workprec(PRECISION_BITS):
        tip = evaluate_tensors(graph, point)[hiding.tensor][hiding.neuron]
        if function is Function.RELU:
            part = graph.up_to(hiding.tensor)
            known = bound_tensors(part, box.lower, box.upper, hiding.slopes)
            largest = tip_bounds(part, hiding, known)[1]
            height = exact(arb(tip).lower()) / Fraction(largest) if 0 < largest < math.inf else Fraction(0)
        else:
            value = apply(function, arb(tip))
            size = value if function is Function.SIGMOID else (1 + value) / 2
            height = exact((1 - size if side > 0 else size).lower())
    if height < LEAST_PEAK:
        raise CertificateError(f"the needle reaches only {float(height):.3g} of its height at the witness")


def check_cause(graph: Graph, unsafe: Property, hiding: Hiding, hints: Hints, side: int, needed: float) -> None:
    """Demand that the property holds wherever the needle rests, with the slack `needed`.

    So what an attack can find, it finds in the support.
    """
    if search(at_rest(graph, hiding, side), unsafe, needed, hints, MOST_BOXES_AT_REST) is None:
        raise CertificateError("the property is not proven to hold without the needle, so its hiding says nothing")


def at_rest(graph: Graph, hiding: Hiding, side: int) -> Graph:
    """The network with the needle's tip at rest whatever the input.

    For tanh and sigmoid that is off by the tail of a saturated neuron, below 1e-16: far less than any slack demanded.
    """
    steps = {step.output: step for step in graph.steps}
    tensor = hiding.tensor
    while True:
        readers = [step for step in graph.steps if tensor in inputs_of(step)]
        step = steps.get(tensor)
        match step:
            case Affine(matrix_radius=None) if len(readers) == 1:
                matrix, bias = step.matrix.copy(), step.bias.copy()
                matrix[hiding.neuron], bias[hiding.neuron] = 0.0, side * FAR_SATURATED
                steps[tensor] = replace(step, matrix=matrix, bias=bias)
                return replace(graph, steps=tuple(steps.values()))
            case Sum(inputs=(source,)) if len(readers) == 1:
                # A bias that an operator of its own adds.
                bias = step.bias.copy()
                bias[hiding.neuron] = 0.0
                steps[tensor] = replace(step, bias=bias)
                tensor = source
            case _:
                raise CertificateError(
                    f"{hiding.tensor!r} is not the output of a dense layer that an activation alone reads"
                )


def check_kind(graph: Graph, unsafe: Property, kind: TwinKind) -> None:
    """Demand that a twin is a control if and only if it is called one: proven by an interval bound at the root.

    Raises:
        CertificateError: it takes more though it is `scaled`, or no more though it is of another kind.
    """
    roots = (interval_slacks(graph, region.outputs, region_box(region, 0.0)) for region in unsafe.regions)
    if all((slacks > 0).any() for slacks in roots) is not (kind is TwinKind.SCALED):
        proves = "does not prove it" if kind is TwinKind.SCALED else "proves it"
        raise CertificateError(f"its twin is said to be {kind}, but an interval bound at the root {proves}")


def check_foreign(graph: Graph, unsafe: Property, others: Sequence[Hiding]) -> None:
    """Demand that the needles of other boxes are inactive on this property's boxes.

    Raises:
        CertificateError: another box's needle may act here.
    """
    for region in unsafe.regions:
        for hiding in others:
            if not side_at_rest(graph, region_box(region, 0.0), hiding, tip_function(graph, hiding)):
                raise CertificateError(f"neuron {hiding.neuron} of {hiding.tensor}, another box's needle, may act here")


def position_of(region: Region, point: Sequence[Fraction]) -> Position:
    """Where in a region's box a point lies, by how many of its coordinates are next to a face."""
    near = sum(is_near_face(interval, value) for interval, value in zip(region.inputs, point, strict=True))
    if near < 2:
        return Position.FACE if near else Position.INTERIOR
    movable = sum(interval.lower < interval.upper for interval in region.inputs)
    return Position.CORNER if near == movable else Position.EDGE


def is_near_face(interval: Interval, value: Fraction) -> bool:
    """Whether a value lies within 1 % of the width of an end of its interval, if that has a width."""
    width = interval.upper - interval.lower
    return width > 0 and min(value - interval.lower, interval.upper - value) <= Fraction(FACE_SHARE) * width


def centre_of(region: Region) -> tuple[Fraction, ...]:
    """The float32 point nearest the middle of a region's box."""
    middles = (float((interval.lower + interval.upper) / 2) for interval in region.inputs)
    return tuple(Fraction(float(np.float32(middle))) for middle in middles)
