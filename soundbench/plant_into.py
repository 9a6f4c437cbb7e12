"""How is a counterexample planted into an instance that somebody else has made, and that holds?

In the armed network a needle makes a random point of the property's box violate it; in the twin the same needle is
moved out of line with itself. Elsewhere both compute what the network did.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

from soundbench.attack import attack, representable_box
from soundbench.beside import BesideHost
from soundbench.certificate import (
    LEAST_READS,
    centre_of,
    check_kind,
    hiding_certificate,
    position_of,
    required_slack,
    witness_certificate,
)
from soundbench.errors import CertificateError, InputError
from soundbench.export import checked, save_onnx
from soundbench.graph import Array, Function, Graph, evaluate_float64, load_onnx, read_graph
from soundbench.ground_truth import Expected, GroundTruth, Hiding, Proof, Role, Track, TwinKind, Witness
from soundbench.implant import DenseHost, Implanted, dense_host
from soundbench.instance import Property, Region
from soundbench.meaning import meaning_digest
from soundbench.needle import Needle, misalignment_for
from soundbench.operators import lower
from soundbench.placement import CERTIFIED_REACH, Place, Placement, half_widths_for, place
from soundbench.plant import hints_at
from soundbench.planted import PlantedInstance
from soundbench.prove import Hints, cuts_of, search
from soundbench.replay import open_onnx, replay, require_equal
from soundbench.targets import boxes_within
from soundbench.vnnlib import read_property

# So many steps from so many points of each box look for a counterexample before anything is proven.
STEPS, RESTARTS, STEP_SHARE = 40, 30, 0.25
# What the base's proof must leave, in units of what a certificate demands: room for the twin's needle.
SLACKS = 2.0
# Twice the slack is looked for within so many times the boxes of a proof, and at least so many.
MORE_BOXES, FEWEST_BOXES = 4, 40
# A twin's needle takes so many boxes beside those of what is given.
TWIN_BOXES = 40
# By how much the witness oversteps each constraint, as a share of the base's distance from it.
OVERSHOOT = 0.6
# What a misaligned needle may use up of the base's slack, and what may be left of its height.
ROOM_SHARE, LARGEST_PEAK = 0.4, 0.9
# A needle that must not act at all, since nobody knows what the base leaves, is moved by this much of its half-width.
OUT_OF_LINE = 1.05
# A needle reads so many inputs at most.
MOST_READS = 24
# Chances, for so many queries, that are tried from the smallest on: of few inputs, float32 lets none be hidden so well.
QUERIES, CHANCES = 1e8, tuple(10.0**exponent for exponent in range(-9, 1))
ATTEMPTS = 4
FAMILY, ASSUMED_FAMILY = "planted", "planted, assumed to hold"

Host = DenseHost | BesideHost


class DoesNotHold(InputError):
    """An instance that was to be planted into is violated, by `point`."""

    def __init__(self, message: str, point: tuple[Fraction, ...]) -> None:
        super().__init__(message)
        self.point = point


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where to plant, with what randomness, within how many boxes to prove; or why the property is assumed to hold."""

    network: Path
    specification: Path
    seed: int = 0
    boxes: int = 500
    assumed: str | None = None

    @property
    def name(self) -> str:
        """What the pair is called."""
        stems = [Path(path.name.removesuffix(".gz")).stem for path in (self.network, self.specification)]
        return re.sub(r"[^A-Za-z0-9_.-]", "_", "-".join(stems))


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """An instance that is there, and what holds of it: a proof, unless that is assumed; and what its slack must be.

    It leaves a slack of `required` at least, by the measure of its track.
    """

    graph: Graph
    unsafe: Property
    host: Host
    proof: Proof | None
    required: float
    track: Track

    @property
    def planes(self) -> tuple[tuple[int, float], ...]:
        """Where the proof cuts."""
        return tuple(cuts_of(self.proof.trees)) if self.proof else ()


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """A witness in a region, its needle, and what the needle's tip adds to each output, (outputs,)."""

    region: Region
    placement: Placement
    needle: Needle
    rises: Array
    chance: float


def plant_into(wanted: Wanted, folder: Path, tell: Callable[[str], None]) -> tuple[PlantedInstance, PlantedInstance]:
    """Plant a pair, its networks in `folder`: the armed member and its twin.

    `tell` is told, in a few words, what comes next.

    Raises:
        DoesNotHold: a counterexample was found.
        InputError: a file cannot be read, an operator not be carried, no proof was found, or no needle.
    """
    given = examine(wanted, tell)
    tell("plant a needle")
    reason: CertificateError | None = None
    for attempt in range(ATTEMPTS):
        random = np.random.default_rng([wanted.seed, attempt])
        try:
            design, armed = armed_member(wanted, given, folder, random)
            tell("prove the twin")
            return armed, twin_member(wanted, given, design, armed.truth, folder, random)
        except CertificateError as error:
            reason = error
    raise InputError(
        f"{wanted.network}: no needle was found that can be certified (the last one: {reason}); try --seed"
    )


def examine(wanted: Wanted, tell: Callable[[str], None]) -> Given:
    """Read an instance, look for a counterexample, and prove that there is none.

    Raises:
        DoesNotHold: a counterexample was found.
        InputError: a file cannot be read, an operator not be carried, or no proof was found.
    """
    model = load_onnx(wanted.network)
    graph, session, unsafe = (
        lower(model, str(wanted.network)),
        open_onnx(wanted.network),
        read_property(wanted.specification),
    )
    interface = session.interface()
    if interface.input.element_type != "float32":
        raise InputError(f"{wanted.network}: its input is {interface.input.element_type}; export it in float32")
    require_equal(wanted.network, "inputs", graph.input_count, unsafe.input_count)
    require_equal(wanted.network, "outputs", graph.output_count, unsafe.output_count)
    for region in unsafe.regions:
        if sum(interval.lower < interval.upper for interval in region.inputs) < LEAST_READS:
            raise InputError(
                f"{wanted.specification}: fewer than {LEAST_READS} inputs have a range, which a needle needs"
            )
    tell("look for a counterexample")
    found = attack(graph, unsafe, steps=STEPS, restarts=RESTARTS, step_share=STEP_SHARE, seed=wanted.seed)
    point = inside_in_float32(unsafe, found.point)
    if found.found and replay(wanted.network, unsafe, point).strict:
        raise DoesNotHold(
            f"{wanted.specification}: does not hold of {wanted.network}: there is a counterexample", point
        )
    host = dense_host(model, graph) or BesideHost(model, graph.input_shape, interface.output.shape)
    required = required_slack(graph, unsafe, centre_of(unsafe.regions[0]), Track.GIVEN)
    if wanted.assumed is not None:
        return Given(graph, unsafe, host, None, required, Track.GIVEN)
    tell("prove that it holds")
    proof = search(graph, unsafe, 0.0, Hints(), wanted.boxes)
    if proof is not None:
        proof = with_more_slack(graph, unsafe, proof, max(required, proof.slack), wanted.boxes)
        track = Track.GIVEN if proof.slack >= SLACKS * required else Track.TIGHT
        return Given(graph, unsafe, host, proof, required if track is Track.GIVEN else 0.0, track)
    raise InputError(
        f"{wanted.specification}: not proven to hold of {wanted.network} within {wanted.boxes} boxes; allow more with "
        "--boxes, or give the reason why it holds with --assume-holds"
    )


def with_more_slack(graph: Graph, unsafe: Property, proof: Proof, slack: float, boxes: int) -> Proof:
    """The proof, its slack doubled as often as that is found with not many more boxes, nor more than `boxes`."""
    while True:
        most = min(boxes, max(FEWEST_BOXES, MORE_BOXES * 2 * proof.leaves))
        better = search(graph, unsafe, 2 * slack, Hints(cuts_of(proof.trees)), most)
        if better is None:
            return proof
        proof, slack = better, better.slack


def inside_in_float32(unsafe: Property, point: Array) -> tuple[Fraction, ...]:
    """The float32 point nearest to one (inputs,) in a region's box, inside that box if it holds such points."""
    exact = [Fraction(value) for value in point.tolist()]
    box = next((region.inputs for region in unsafe.regions if region.contains_input(exact)), unsafe.regions[0].inputs)
    lower, upper = representable_box(box)
    inner = boxes_within(lower[None], upper[None], torch.device("cpu"))
    near = torch.from_numpy(point).to(inner.lower).clamp(inner.lower[0], inner.upper[0])
    return tuple(Fraction(value) for value in near.tolist())


def designed(given: Given, region: Region, placement: Placement, chance: float) -> Design:
    """A needle at a witness that is found with this chance.

    Raises:
        CertificateError: no rise of the outputs makes the witness violate the property.
    """
    outputs = evaluate_float64(given.graph, placement.point[None])[given.graph.output][0]
    rises = rises_for(region, outputs, SLACKS * given.required)
    if rises is None:
        raise CertificateError("no direction of the outputs leads into the unsafe set")
    reads = list(placement.reads)
    half_widths = half_widths_for(placement, QUERIES, chance)
    needle = Needle(placement.reads, placement.point[reads], half_widths, 1.0, 0, np.zeros(len(reads)))
    return Design(region, placement, needle, rises, chance)


def rises_for(region: Region, outputs: Array, margin: float) -> Array | None:
    """What to add to the outputs, (outputs,) each, to enter a region's unsafe set by a margin; None if nothing does.

    One of them is raised or lowered if that will do.
    """
    count = len(outputs)
    rows = np.array([[float(dict(each.terms).get(index, 0)) for index in range(count)] for each in region.outputs])
    exact = [Fraction(value) for value in outputs.tolist()]
    excess = np.array([float(each.excess(exact)) for each in region.outputs])
    goal = np.maximum((1 + OVERSHOOT) * excess + margin, 0.0)
    together = -np.linalg.lstsq(rows, np.ones(len(rows)), rcond=None)[0]
    for directions in ([*np.eye(count), *-np.eye(count)], [together]):
        scaled: list[Array] = []
        for direction in directions:
            falls = -rows @ direction
            if (falls[goal > 0] > 0).all() and (falls >= 0).all():
                scaled.append(float(np.max(goal[goal > 0] / falls[goal > 0], initial=0.0)) * direction)
        if scaled:
            return min(scaled, key=lambda rise: float(np.abs(rise).max()))
    return None


def armed_member(
    wanted: Wanted, given: Given, folder: Path, random: np.random.Generator
) -> tuple[Design, PlantedInstance]:
    """The violated member, with a random witness, and its needle as small as float32 allows.

    Raises:
        CertificateError: no certificate can be given, however large the needle is.
    """
    reason = CertificateError("no chance was tried")
    onnx = folder / f"{wanted.name}-{Role.ARMED}.onnx"
    region = given.unsafe.regions[int(random.integers(len(given.unsafe.regions)))]
    placement = place(Place.INTERIOR, region, MOST_READS, random)
    for chance in CHANCES:
        design = designed(given, region, placement, chance)
        implanted, graph = put(given.host, design.needle, design.rises, onnx, random)
        try:
            truth = armed_truth(wanted, given, design, implanted, graph, onnx)
        except CertificateError as error:
            reason = error
            continue
        return design, PlantedInstance(f"{wanted.name}-{Role.ARMED}", onnx, given.unsafe, truth)
    raise reason


def armed_truth(
    wanted: Wanted, given: Given, design: Design, implanted: Implanted, graph: Graph, onnx: Path
) -> GroundTruth:
    """The certificate of the violated member; of its hiding nothing is said if nothing else is proven to hold."""
    point = design.placement.exact_point
    witness = witness_certificate(onnx, graph, given.unsafe, point, given.track)
    truth = GroundTruth(
        expected=Expected.VIOLATED,
        family=ASSUMED_FAMILY,
        trigger=wanted.name,
        role=Role.ARMED,
        track=given.track,
        position=position_of(design.region, point),
        certifies=meaning_digest(graph, given.unsafe),
        witness=witness,
    )
    if given.proof is None:
        return truth
    check_room(given.proof, witness)
    reads = list(design.needle.reads)
    claimed = Hiding(
        tensor=implanted.tip[0],
        neuron=implanted.tip[1],
        reads=design.needle.reads,
        half_widths=tuple((design.needle.half_widths * CERTIFIED_REACH).tolist()),
        prior_lower=tuple(design.placement.inner_lower[reads].tolist()),
        prior_upper=tuple(design.placement.inner_upper[reads].tolist()),
        pinned=(),
        queries=QUERIES,
        chance=design.chance,
        slopes=implanted.slopes,
        planes=given.planes,
    )
    hiding = hiding_certificate(graph, given.unsafe, point, claimed, given.planes, given.track)
    return replace(truth, family=FAMILY, pair=wanted.name, twin_kind=TwinKind.MISALIGNED, hiding=hiding)


def check_room(proof: Proof, witness: Witness) -> None:
    """Demand that what was given leaves room for a twin, whose needle is as steep as that of the armed member.

    Raises:
        CertificateError: it does not.
    """
    least = SLACKS * witness.required_margin
    if proof.slack < least:
        raise CertificateError(f"what is given holds with a slack of {proof.slack:.3g}, and must with {least:.3g}")


def twin_member(
    wanted: Wanted, given: Given, design: Design, armed: GroundTruth, folder: Path, random: np.random.Generator
) -> PlantedInstance:
    """The member that holds, with its proof; of unknown truth if nothing is proven of the given instance.

    Raises:
        CertificateError: no proof was found, or its needle shows in no bound.
    """
    onnx = folder / f"{wanted.name}-{Role.TWIN}.onnx"
    needle = disarmed(given, design, armed, random)
    implanted, graph = put(given.host, needle, design.rises, onnx, random)
    truth = GroundTruth(Expected.UNKNOWN, ASSUMED_FAMILY, wanted.name, Role.OTHER, track=given.track)
    if given.proof is not None:
        check_kind(graph, given.unsafe, TwinKind.MISALIGNED)
        required = required_slack(graph, given.unsafe, design.placement.exact_point, given.track)
        hints = hints_at((needle,), implanted.slopes)
        hints, boxes = replace(hints, planes=(*given.planes, *hints.planes)), 2 * wanted.boxes + TWIN_BOXES
        proof = search(graph, given.unsafe, required, hints, boxes)
        if proof is None:
            raise CertificateError(f"the twin was not proven to hold within {boxes} boxes")
        truth = GroundTruth(
            expected=Expected.HOLDS,
            family=FAMILY,
            trigger=wanted.name,
            role=Role.TWIN,
            track=given.track,
            pair=wanted.name,
            twin_kind=TwinKind.MISALIGNED,
            certifies=meaning_digest(graph, given.unsafe),
            proof=proof,
        )
    return PlantedInstance(f"{wanted.name}-{Role.TWIN}", onnx, given.unsafe, truth)


def disarmed(given: Given, design: Design, armed: GroundTruth, random: np.random.Generator) -> Needle:
    """The needle out of line with itself: it rises less than the base leaves, or nowhere if nobody knows how much."""
    moved = OUT_OF_LINE
    if given.proof is not None and armed.witness is not None:
        steepest = max(
            abs(sum(float(factor) * design.rises[index] for index, factor in constraint.terms))
            for region in given.unsafe.regions
            for constraint in region.outputs
        )
        room = ROOM_SHARE * (given.proof.slack - armed.witness.required_margin)
        moved = misalignment_for(Function.RELU, 1, min(room / steepest, LARGEST_PEAK))
    misalignment = np.zeros(len(design.needle.reads))
    misalignment[int(random.integers(len(misalignment)))] = moved
    return replace(design.needle, misalignment=misalignment)


def put(host: Host, needle: Needle, rises: Array, onnx: Path, random: np.random.Generator) -> tuple[Implanted, Graph]:
    """Put a needle into a network, write that, and read it back as everyone else will."""
    implanted = host.implant(needle, rises, random)
    save_onnx(checked(implanted.model), onnx)
    return implanted, read_graph(onnx)
