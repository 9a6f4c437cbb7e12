"""How is a counterexample planted into an instance that somebody else has made, and that holds?

In the armed network a needle makes a random point of the property's box violate it; in the twin that needle is
disarmed. Elsewhere both compute what the network did. A third instance asks the armed network about a part of the box
without needles.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from soundbench.assumption import assumption_certificate, check_same
from soundbench.certificate import (
    centre_of,
    check_kind,
    hiding_certificate,
    is_well_hidden,
    position_of,
    required_slack,
    witness_certificate,
)
from soundbench.clean_part import without_needles
from soundbench.errors import CertificateError, InputError
from soundbench.export import checked, save_onnx
from soundbench.given import SLACKS, Given, Host, Wanted, examine
from soundbench.graph import Array, Graph, evaluate_float64, read_graph
from soundbench.ground_truth import Expected, GroundTruth, Hiding, Proof, Role, Track, TwinKind
from soundbench.implant import Implanted
from soundbench.instance import Property, Region
from soundbench.meaning import meaning_digest
from soundbench.needle import Needle
from soundbench.placement import CERTIFIED_REACH, NoRoom, Place, Placement, half_widths_for, place
from soundbench.plant import CROWD_SHARE, SCALED_SHARE, draw_decoys, hints_at
from soundbench.planted import PlantedInstance
from soundbench.prove import Hints, search
from soundbench.room import room_in_intervals, room_in_proof, steepest

# A proof takes so many boxes for each leaf of the given one, and beside that.
BOXES_PER_LEAF, MORE_BOXES = 8, 40
# By how much the witness oversteps each constraint, as a multiple of the base's distance from it. Rounding grows with
# the needle, too, so that a larger one gains little.
OVERSHOOT = 3.0
# A misaligned needle acts nowhere: one of its sides is moved by this much of its half-width.
OUT_OF_LINE = 1.05
# So many needles are a crowd.
CROWD = 4
# A needle reads so many inputs at most.
MOST_READS = 24
# Chances, for so many queries, that are tried from the smallest on: of few inputs, float32 lets none be hidden so well.
QUERIES, CHANCES = 1e8, tuple(10.0**exponent for exponent in range(-9, 1))
# On the track tight, whose certificates ask for none, the violation is so many times what rounding can move: any two
# float32 runs, in whatever order each sums up, differ by at most twice that.
TIGHT_MARGIN_PER_ERROR = 4.0
# A twin that is assumed to hold is compared with what was given at so many points.
COMPARED = 10
ATTEMPTS = 4
FAMILY, ASSUMED_FAMILY = "planted", "planted, assumed to hold"


@dataclass(frozen=True, slots=True, eq=False)
class Spot:
    """Where to plant: a witness in a region, by which track's margins, and with which chance to be found."""

    region: Region
    placement: Placement
    track: Track
    chance: float


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """What to plant at a spot: the needles of the armed network, the witness's own first, and those of the twin.

    A needle's tip adds its gain times `rises` (outputs,) to the outputs. `room` is the slack that a proof of the twin
    can hope for.
    """

    spot: Spot
    rises: Array
    armed: tuple[Needle, ...]
    disarmed: tuple[Needle, ...]
    room: float


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """A network with needles, as written and as read back from the file."""

    implanted: Implanted
    onnx: Path
    graph: Graph


def plant_into(wanted: Wanted, folder: Path, tell: Callable[[str], None]) -> tuple[PlantedInstance, ...]:
    """Plant a pair, its networks in `folder`: the armed member, its twin, and a clean instance if there is room.

    `tell` is told, in a few words, what comes next.

    Raises:
        DoesNotHold: a counterexample was found.
        InputError: a file cannot be read, an operator not be carried, no proof was found, or no needle.
    """
    given = examine(wanted, tell)
    tell("plant a needle")
    make = planted if given.proof is not None else planted_by_assumption
    reason: Exception | None = None
    for attempt in range(ATTEMPTS):
        random = np.random.default_rng([wanted.seed, attempt])
        region = given.unsafe.regions[int(random.integers(len(given.unsafe.regions)))]
        placement = place(Place.INTERIOR, region, MOST_READS, random)
        for spot in (Spot(region, placement, track, chance) for track in given.tracks for chance in CHANCES):
            try:
                return make(wanted, given, spot, folder, random)
            except (CertificateError, NoRoom) as error:
                reason = error
    raise InputError(
        f"{wanted.network}: no needle was found that can be certified (the last one: {reason}); try --seed"
    )


def planted(
    wanted: Wanted, given: Given, spot: Spot, folder: Path, random: np.random.Generator
) -> tuple[PlantedInstance, ...]:
    """A pair and a clean instance.

    Raises:
        CertificateError: a certificate cannot be given.
        NoRoom: the needles of a crowd do not fit beside each other.
    """
    design = designed(wanted, given, spot, random)
    armed = write(given.host, design, design.armed, folder / f"{wanted.name}-{Role.ARMED}.onnx", random)
    witness = witness_truth(wanted, given, design, armed)
    twin = write(given.host, design, design.disarmed, folder / f"{wanted.name}-{Role.TWIN}.onnx", random)
    required = required_slack(twin.graph, given.unsafe, spot.placement.exact_point, spot.track)
    if required > design.room:
        raise CertificateError(f"a twin must hold with a slack of {required:.3g}, but has {design.room:.3g} at most")
    truth = with_hiding(wanted, given, design, armed, witness)
    proven = twin_truth(wanted, given, design, twin, truth.track)
    return (
        PlantedInstance(f"{wanted.name}-{Role.ARMED}", armed.onnx, given.unsafe, truth),
        PlantedInstance(f"{wanted.name}-{Role.TWIN}", twin.onnx, given.unsafe, proven),
        *clean_instances(wanted, given, design, armed, truth.track),
    )


def planted_by_assumption(
    wanted: Wanted, given: Given, spot: Spot, folder: Path, random: np.random.Generator
) -> tuple[PlantedInstance, ...]:
    """The armed member, and a twin that holds if what is given does: that its needle acts nowhere is proven, no more.

    Raises:
        CertificateError: a certificate cannot be given.
    """
    design = designed(wanted, given, spot, random)
    armed = write(given.host, design, design.armed, folder / f"{wanted.name}-{Role.ARMED}.onnx", random)
    witness = witness_truth(wanted, given, design, armed)
    twin = write(given.host, design, design.disarmed, folder / f"{wanted.name}-{Role.TWIN}.onnx", random)
    check_same(given.graph, twin.graph, [spot.placement.exact_point, *points_of(spot, random)])
    truth = GroundTruth(
        expected=Expected.UNKNOWN,
        family=ASSUMED_FAMILY,
        trigger=wanted.name,
        role=Role.OTHER,
        track=spot.track,
        certifies=meaning_digest(twin.graph, given.unsafe),
        assumption=assumption_certificate(
            twin.graph, given.unsafe, wanted.assumed or "", twin.implanted.tips[0], twin.implanted.slopes
        ),
    )
    return (
        PlantedInstance(f"{wanted.name}-{Role.ARMED}", armed.onnx, given.unsafe, witness),
        PlantedInstance(f"{wanted.name}-{Role.TWIN}", twin.onnx, given.unsafe, truth),
    )


def points_of(spot: Spot, random: np.random.Generator) -> list[tuple[Fraction, ...]]:
    """Some random points of a region's box, (inputs,) each."""
    lower, upper = spot.placement.inner_lower, spot.placement.inner_upper
    return [tuple(map(Fraction, random.uniform(lower, upper).tolist())) for _ in range(COMPARED)]


def designed(wanted: Wanted, given: Given, spot: Spot, random: np.random.Generator) -> Design:
    """Needles of which the witness's own reaches as far as its chance allows, and the others are as wide.

    Raises:
        CertificateError: no rise of the outputs makes the witness violate the property.
        NoRoom: the needles of a crowd do not fit beside each other.
    """
    placement = spot.placement
    outputs = evaluate_float64(given.graph, placement.point[None])[given.graph.output][0]
    rises = rises_for(spot.region, outputs, SLACKS * given.required if spot.track is not Track.TIGHT else 0.0)
    if rises is None:
        raise CertificateError("no direction of the outputs leads into the unsafe set")
    reads = list(placement.reads)
    half_widths = half_widths_for(placement, QUERIES, spot.chance)
    own = Needle(placement.reads, placement.point[reads], half_widths, 1.0, 0, np.zeros(len(reads)))
    room = given.proof.slack if given.proof else 0.0
    match wanted.twin:
        case TwinKind.MISALIGNED:
            moved = np.zeros(len(reads))
            moved[int(random.integers(len(reads)))] = OUT_OF_LINE
            return Design(spot, rises, (own,), (replace(own, misalignment=moved),), room)
        case TwinKind.SCALED:
            most = room_in_intervals(given.graph, given.unsafe, rises)
            weak = replace(own, gain=SCALED_SHARE * most)
            return Design(spot, rises, (own,), (weak,), (1 - SCALED_SHARE) * most * steepest(given.unsafe, rises))
        case TwinKind.CROWD:
            most = room_in_proof(given.graph, given.unsafe, given.proof, rises) if given.proof else 0.0
            weak = replace(own, gain=CROWD_SHARE * most)
            decoys = draw_decoys(weak, placement, CROWD - 1, random)
            room = (1 - CROWD_SHARE) * most * steepest(given.unsafe, rises)
            return Design(spot, rises, (own, *decoys), (weak, *decoys), room)


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


def write(host: Host, design: Design, needles: Sequence[Needle], onnx: Path, random: np.random.Generator) -> Written:
    """Put needles into a network, write that, and read it back as everyone else will."""
    implanted = host.implant(needles, design.rises, random)
    save_onnx(checked(implanted.model), onnx)
    return Written(implanted, onnx, read_graph(onnx))


def witness_truth(wanted: Wanted, given: Given, design: Design, armed: Written) -> GroundTruth:
    """The certificate of the violated member, its hiding aside.

    Raises:
        CertificateError: the margins are too small.
    """
    point, track = design.spot.placement.exact_point, design.spot.track
    witness = witness_certificate(armed.onnx, armed.graph, given.unsafe, point, track)
    least = TIGHT_MARGIN_PER_ERROR * witness.float32_error
    if not min(witness.margin_float32, witness.margin_float64, witness.margin_rigorous) >= least:
        raise CertificateError(f"the witness must violate by {least:.3g}, four times what rounding can move")
    return GroundTruth(
        expected=Expected.VIOLATED,
        family=ASSUMED_FAMILY,
        trigger=wanted.name,
        role=Role.ARMED,
        track=track,
        position=position_of(design.spot.region, point),
        certifies=meaning_digest(armed.graph, given.unsafe),
        witness=witness,
    )


def with_hiding(wanted: Wanted, given: Given, design: Design, armed: Written, truth: GroundTruth) -> GroundTruth:
    """The certificate of the violated member, with its hiding; where that is good enough, it is of the main track.

    Raises:
        CertificateError: the property may be violated elsewhere, too.
    """
    spot, own = design.spot, design.armed[0]
    placement, reads, slopes = spot.placement, list(own.reads), armed.implanted.slopes
    planes = (*hints_at(design.armed, slopes).planes, *given.planes)
    claimed = Hiding(
        tensor=armed.implanted.tips[0][0],
        neuron=armed.implanted.tips[0][1],
        reads=own.reads,
        half_widths=tuple((own.half_widths * CERTIFIED_REACH).tolist()),
        prior_lower=tuple(placement.inner_lower[reads].tolist()),
        prior_upper=tuple(placement.inner_upper[reads].tolist()),
        pinned=(),
        queries=QUERIES,
        chance=spot.chance,
        slopes=slopes,
        planes=planes,
    )
    hiding = hiding_certificate(armed.graph, given.unsafe, placement.exact_point, claimed, planes, spot.track)
    if spot.track is Track.SHALLOW and is_well_hidden(hiding.chance, hiding.queries):
        truth = replace(truth, track=Track.MAIN)
    return replace(truth, family=FAMILY, pair=wanted.name, twin_kind=wanted.twin, hiding=hiding)


def twin_truth(wanted: Wanted, given: Given, design: Design, twin: Written, track: Track) -> GroundTruth:
    """The certificate of the member that holds.

    Raises:
        CertificateError: no proof was found, or the twin is not of its kind.
    """
    check_kind(twin.graph, given.unsafe, wanted.twin)
    proof = proven(wanted, given, design, twin, given.unsafe, design.spot.placement.exact_point)
    return GroundTruth(
        expected=Expected.HOLDS,
        role=Role.TWIN,
        pair=wanted.name,
        twin_kind=wanted.twin,
        certifies=meaning_digest(twin.graph, given.unsafe),
        proof=proof,
        **facts(wanted, track),
    )


def clean_instances(
    wanted: Wanted, given: Given, design: Design, armed: Written, track: Track
) -> tuple[PlantedInstance, ...]:
    """What is asked of the armed network in a part of the box without needles; none if there is no such part.

    Raises:
        CertificateError: no proof was found.
    """
    clean = without_needles(given.unsafe, design.spot.region, design.armed)
    if clean is None:
        return ()
    truth = GroundTruth(
        expected=Expected.HOLDS,
        role=Role.CLEAN,
        certifies=meaning_digest(armed.graph, clean),
        proof=proven(wanted, given, design, armed, clean, centre_of(clean.regions[0])),
        **facts(wanted, track),
    )
    return (PlantedInstance(f"{wanted.name}-{Role.CLEAN}", armed.onnx, clean, truth),)


def facts(wanted: Wanted, track: Track) -> Mapping[str, Any]:
    """What all that is proven to hold has in common."""
    return {"family": FAMILY, "trigger": wanted.name, "track": track}


def proven(
    wanted: Wanted, given: Given, design: Design, written: Written, unsafe: Property, point: Sequence[Fraction]
) -> Proof:
    """A proof with the slack that is demanded with `point` standing for the box.

    Raises:
        CertificateError: none was found.
    """
    required = required_slack(written.graph, unsafe, point, design.spot.track)
    hints = hints_at(design.disarmed, written.implanted.slopes)
    boxes = BOXES_PER_LEAF * (given.proof.leaves if given.proof else 0) + MORE_BOXES
    # A crowd is taken apart first; of a needle that acts nowhere the slopes show that.
    own = (hints.planes, given.planes) if wanted.twin is TwinKind.CROWD else (given.planes, hints.planes)
    proof = search(written.graph, unsafe, required, Hints((*own[0], *own[1]), hints.slopes), boxes)
    if proof is None:
        raise CertificateError(f"what is to hold was not proven to within {boxes} boxes")
    return proof
