"""How a pair of networks is made: boxes, a base, needles, their twins, and the certificates of all of it."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from soundbench.architecture import Layers
from soundbench.base import View, train_base
from soundbench.bounds import interval_tensors
from soundbench.boxes import LabelledBoxes, intervals_of, robustness_property
from soundbench.certificate import (
    centre_of,
    check_foreign,
    check_kind,
    hiding_certificate,
    is_well_hidden,
    position_of,
    required_slack,
    witness_certificate,
)
from soundbench.errors import CertificateError
from soundbench.export import save_onnx, to_onnx
from soundbench.front import Domain, Front, draw_front
from soundbench.fronts import FRONTS
from soundbench.graph import Array, Function, Graph, evaluate_float64, read_graph
from soundbench.ground_truth import Expected, GroundTruth, Hiding, Proof, Role, Track, TwinKind
from soundbench.instance import Property, Region
from soundbench.matrix import Cell
from soundbench.meaning import meaning_digest
from soundbench.needle import Carry, Needle, misalignment_for
from soundbench.operators import lower
from soundbench.placement import (
    CERTIFIED_REACH,
    Place,
    Placement,
    draw_apart,
    draw_boxes,
    half_widths_for,
    place,
)
from soundbench.planted import PlantedInstance, built
from soundbench.prove import Hints, interval_slacks, search, slacks
from soundbench.recipe import NO_FRONT, Network, Recipe
from soundbench.scale import SCALES, Scale
from soundbench.specification import FORMS, Question, gain_allowed, gain_needed
from soundbench.trigger import Shape, Trigger
from soundbench.weave import Woven, weave

# A twin's gain, as a share of the proven base margin: below one, so that it holds; high, so that it is not trivial.
SCALED_SHARE = 0.7
# What intervals must prove of the base where a scaled twin is wanted, as a share of what backward bounds do.
LEAST_SCALED = 0.3
CROWD_SHARE = 0.75
# So many of its inputs are read by those that crowd around a needle.
DECOY_READS = 8
# What is left of a misaligned needle's peak, as a share of the proven base margin.
MISALIGNED_SHARE = 0.4
MOST_BOXES = 150
# A proof that must use up more of the room than this would be a long search.
ROOM_SHARE = 0.8
# The data of a front reach beyond the boxes by this share of what those span together.
DOMAIN_ROOM = 0.02
# Points of each box that the base's margin may be watched at while it is trained.
SAMPLES = 128
# Where a proof may cut beside the center of a misaligned row, in units of the needle's half-width.
CUTS = (0.0, 0.5, -0.5, 1.0, -1.0, 2.0, -2.0)

# What to try where a cell cannot be built.
HINT = (
    "another seed, or, in the recipe, more inputs or a larger margin for this network, fewer boxes, or a hardness "
    "with a smaller crowd or fewer moved_rows"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to plant: a cell of a recipe."""

    recipe: Recipe
    cell: Cell

    @property
    def name(self) -> str:
        """The cell's name."""
        return self.cell.name

    @property
    def network(self) -> Network:
        """What the networks look like."""
        return self.cell.network

    @property
    def track(self) -> Track:
        """The main track if the recipe asks for witnesses hidden well enough."""
        return Track.MAIN if is_well_hidden(self.recipe.chance, self.recipe.queries) else Track.SHALLOW


@dataclass(frozen=True, slots=True, eq=False)
class PlannedBox:
    """One box: its pair's name, what it tries, its property, where in which region the witness is, and its needles.

    The needles come armed and disarmed, the witness's own first; `room` is the slack that a proof of the twin can
    hope for, in logits: probabilities move by less.
    """

    name: str
    trigger: Trigger
    property: Property
    region: Region
    placement: Placement
    armed: tuple[Needle, ...]
    disarmed: tuple[Needle, ...]
    room: float


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """What both networks of a pair have: a base that reads the inputs, and the front through which it does."""

    base: Layers
    front: Front | None


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """A network as woven, as written, and as read back from the file."""

    woven: Woven
    onnx: Path
    graph: Graph


def plant(plan: Plan, seed: Sequence[int], folder: Path) -> tuple[PlantedInstance, ...]:
    """Build and certify one pair of networks in `folder`; failures are retried with fresh randomness.

    Raises:
        PlantingFailed: no attempt succeeded; the message says why the last one failed.
    """
    return built(plan.name, seed, lambda random: attempt_to_plant(plan, random, folder), HINT)


def attempt_to_plant(plan: Plan, random: np.random.Generator, folder: Path) -> tuple[PlantedInstance, ...]:
    """One attempt, all randomness from `random`."""
    drawn, body, graph = draw(plan, Shape.CUBE, random)
    boxes = [plan_box(plan, index, drawn, graph, random) for index in range(len(plan.cell.triggers))]
    armed = write(plan, body, [box.armed for box in boxes], folder / f"{plan.cell.name}-armed.onnx", random)
    twin = write(plan, body, [box.disarmed for box in boxes], folder / f"{plan.cell.name}-twin.onnx", random)
    hidings = [hide(plan, box, armed, tip) for box, tip in zip(boxes, own_tips(boxes), strict=True)]
    instances = []
    for index, box in enumerate(boxes):
        check_foreign(armed.graph, box.property, [*hidings[:index], *hidings[index + 1 :]])
        instances += [armed_instance(plan, box, armed, hidings[index]), twin_instance(plan, box, twin)]
    clean = robustness_property(drawn, len(boxes), plan.network.classes)
    return (*instances, clean_instance(plan, clean, armed))


def draw(plan: Plan, clean: Shape, random: np.random.Generator) -> tuple[LabelledBoxes, Body, Graph]:
    """Draw the boxes of the triggers and then a clean one of the given shape, a body for them, and its bare network."""
    network, triggers = plan.network, plan.cell.triggers
    inputs = math.prod(network.input_shape)
    spreads = np.array([shape.spread(inputs, random) for shape in (*(each.shape for each in triggers), clean)])
    spreads = spreads.reshape(-1, *network.input_shape)
    scale = SCALES[plan.cell.scale](inputs, random)
    drawn = scale.boxes(draw_boxes(spreads, network.radius, network.classes, random))
    front = front_for(network, drawn, random)
    view = view_of(drawn, front, scale, random)
    base = scale.base(train_base(network.architecture, view, network.margin, int(random.integers(2**31))))
    body = Body(base, front)
    return drawn, body, bare(plan, body, random)


def own_tips(boxes: Sequence[PlannedBox]) -> list[int]:
    """Which of all boxes' needles is each box's own, armed or disarmed."""
    return [int(number) for number in np.cumsum([0, *(len(box.armed) for box in boxes[:-1])])]


def front_for(network: Network, drawn: LabelledBoxes, random: np.random.Generator) -> Front | None:
    """The network's front, for inputs in and around the boxes.

    Raises:
        NoWayBack: none was drawn from which the inputs come back well.
    """
    if network.front == NO_FRONT:
        return None
    lower, upper = drawn.lower.min(axis=0).ravel(), drawn.upper.max(axis=0).ravel()
    room = DOMAIN_ROOM * (upper - lower)
    return draw_front(FRONTS[network.front], Domain(network.input_shape, lower - room, upper + room), random)


def view_of(drawn: LabelledBoxes, front: Front | None, scale: Scale, random: np.random.Generator) -> View:
    """The boxes as the base is to see them, through a front if there is one."""
    lower, upper = (side.reshape(len(side), -1) for side in (drawn.lower, drawn.upper))
    points = lower + random.random((SAMPLES, *lower.shape)) * (upper - lower)
    if front is None:
        carry = scale.carry(Carry(np.eye(lower.shape[1]), np.zeros(lower.shape[1])))
        return View(carry, lower, upper, points, drawn.labels)
    name = front.graph.output
    known = [interval_tensors(front.graph, *box, {}) for box in zip(lower, upper, strict=True)]
    low, high = (
        np.array([side[name] for side in sides])
        for sides in zip(*((each.lower, each.upper) for each in known), strict=True)
    )
    samples = evaluate_float64(front.graph, points.reshape(-1, lower.shape[1]))[name]
    return View(scale.carry(front.mixed), low, high, samples.reshape(SAMPLES, len(lower), -1), drawn.labels)


def bare(plan: Plan, body: Body, random: np.random.Generator) -> Graph:
    """The network without needles."""
    network = plan.network
    woven = weave(network.architecture, body.base, body.front, [], random)
    return lower(to_onnx(woven.layers, network.input_shape, network.classes), plan.cell.name)


def plan_box(plan: Plan, index: int, drawn: LabelledBoxes, base: Graph, random: np.random.Generator) -> PlannedBox:
    """Draw a witness and design the needles of box `index`."""
    network, trigger = plan.network, plan.cell.triggers[index]
    question = Question(base, intervals_of(drawn, index), drawn.labels[index], network.classes, network.room)
    asked = FORMS[trigger.form](question, random)
    unsafe, target = asked.property, asked.target
    placement = place(trigger.place, unsafe.regions[asked.region], trigger.hardness.reads, random)
    proven = gain_allowed(base, unsafe, target, partial(slacks, slopes={}))
    if not 0.5 * network.margin <= proven < np.inf:
        raise CertificateError(f"the base lets an output rise by {proven:.3g} only")
    margin = gain_needed(base, unsafe, asked.region, target, placement.point)
    if not margin < np.inf:
        raise CertificateError("no rise of one output makes the base violate the property")
    reads = list(placement.reads)
    half_widths = half_widths_for(placement, plan.recipe.queries, plan.recipe.chance)
    gain = trigger.hardness.overshoot * margin
    own = Needle(placement.reads, placement.point[reads], half_widths, gain, target, np.zeros(len(reads)))
    armed: tuple[Needle, ...]
    disarmed: tuple[Needle, ...]
    match trigger.twin:
        case TwinKind.SCALED:
            easy = gain_allowed(base, unsafe, target, interval_slacks)
            if not easy >= LEAST_SCALED * proven:
                raise CertificateError(f"intervals let an output rise by {easy:.3g} only, bounds by {proven:.3g}")
            armed, disarmed, left = (own,), (replace(own, gain=SCALED_SHARE * easy),), 1 - SCALED_SHARE
        case TwinKind.MISALIGNED:
            peak = MISALIGNED_SHARE * proven / gain
            twin = replace(
                own, misalignment=misalignment(network, len(reads), trigger.hardness.moved_rows, peak, random)
            )
            armed, disarmed, left = (own,), (twin,), 1 - MISALIGNED_SHARE
        case TwinKind.CROWD:
            weak = replace(own, gain=CROWD_SHARE * proven)
            decoys = draw_decoys(weak, placement, trigger.hardness.crowd - 1, random)
            armed, disarmed, left = (own, *decoys), (weak, *decoys), 1 - CROWD_SHARE
    name = f"{plan.cell.name}-{index + 1}-{trigger.twin}"
    return PlannedBox(name, trigger, unsafe, unsafe.regions[asked.region], placement, armed, disarmed, left * proven)


def misalignment(network: Network, reads: int, rows: int, peak: float, random: np.random.Generator) -> Array:
    """A misalignment of so many random rows that leaves at most `peak` of the needle."""
    # Of bumps that saturate, one that is low enough keeps the tip at rest; several a little lower take long to prove.
    rows = rows if network.activation is Function.RELU else 1
    moved = np.zeros(reads)
    moved[random.choice(reads, rows, replace=False)] = misalignment_for(network.activation, rows, min(peak, 0.9))
    return moved


def draw_decoys(needle: Needle, placement: Placement, count: int, random: np.random.Generator) -> tuple[Needle, ...]:
    """Needles like this one that read some of its inputs; every two supports, its own included, lie apart in one."""
    rows = np.sort(random.choice(len(needle.reads), min(DECOY_READS, len(needle.reads)), replace=False))
    reads = tuple(needle.reads[row] for row in rows.tolist())
    half_widths, own = needle.half_widths[rows], needle.center[rows]
    lower, upper = placement.inner_lower[list(reads)], placement.inner_upper[list(reads)]

    def draw() -> Array:
        return random.uniform(lower, upper).astype(np.float32).astype(np.float64) / half_widths

    like = replace(needle, reads=reads, half_widths=half_widths, misalignment=np.zeros(len(reads)))
    apart = draw_apart(draw, [own / half_widths], count, 4.0)
    return tuple(replace(like, center=center * half_widths) for center in apart)


def write(
    plan: Plan, body: Body, needles: Sequence[Sequence[Needle]], path: Path, random: np.random.Generator
) -> Written:
    """Weave all boxes' needles into the body, write the network, and read it back as everyone else will."""
    network = plan.network
    woven = weave(network.architecture, body.base, body.front, [needle for box in needles for needle in box], random)
    save_onnx(to_onnx(woven.layers, network.input_shape, network.classes), path)
    return Written(woven, path, read_graph(path))


def hide(plan: Plan, box: PlannedBox, armed: Written, tip: int) -> Hiding:
    """The certificate that the witness's needle is hidden."""
    placement, own = box.placement, box.armed[0]
    reads = list(own.reads)
    tensor, neuron = armed.woven.tips[tip]
    claimed = Hiding(
        tensor=tensor,
        neuron=neuron,
        reads=own.reads,
        half_widths=tuple((own.half_widths * CERTIFIED_REACH).tolist()),
        prior_lower=tuple(placement.inner_lower[reads].tolist()),
        prior_upper=tuple(placement.inner_upper[reads].tolist()),
        pinned=placement.pinned,
        queries=plan.recipe.queries,
        chance=plan.recipe.chance,
        slopes=armed.woven.slopes,
    )
    planes = hints_at(box.armed, armed.woven.slopes).planes
    return hiding_certificate(armed.graph, box.property, placement.exact_point, claimed, planes)


def armed_instance(plan: Plan, box: PlannedBox, armed: Written, hiding: Hiding) -> PlantedInstance:
    """The violated member of a pair, with its certified witness."""
    if hiding.chance > plan.recipe.chance and box.trigger.place is not Place.CORNER:
        raise CertificateError(f"an attack's chance is bounded by {hiding.chance:.3g} only")
    truth = GroundTruth(
        expected=Expected.VIOLATED,
        role=Role.ARMED,
        position=position_of(box.region, box.placement.exact_point),
        certifies=meaning_digest(armed.graph, box.property),
        witness=witness_certificate(armed.onnx, armed.graph, box.property, box.placement.exact_point),
        hiding=hiding,
        **pair_facts(plan, box),
    )
    return PlantedInstance(f"{box.name}-armed", armed.onnx, box.property, truth, box.trigger.notation)


def twin_instance(plan: Plan, box: PlannedBox, twin: Written) -> PlantedInstance:
    """The member of a pair that holds, with its proof."""
    hints = hints_at(box.disarmed, twin.woven.slopes)
    required = required_slack(twin.graph, box.property, box.placement.exact_point)
    if required > ROOM_SHARE * box.room:
        raise CertificateError(f"a twin must hold with a slack of {required:.3g}, but has {box.room:.3g} at most")
    check_kind(twin.graph, box.property, box.trigger.twin)
    truth = GroundTruth(
        expected=Expected.HOLDS,
        role=Role.TWIN,
        certifies=meaning_digest(twin.graph, box.property),
        proof=prove(twin.graph, box.property, required, hints),
        **pair_facts(plan, box),
    )
    return PlantedInstance(f"{box.name}-twin", twin.onnx, box.property, truth, box.trigger.notation)


def clean_instance(plan: Plan, clean: Property, armed: Written) -> PlantedInstance:
    """A box of the armed network without a needle, with its proof."""
    required = required_slack(armed.graph, clean, centre_of(clean.regions[0]))
    truth = GroundTruth(
        expected=Expected.HOLDS,
        family="planted",
        trigger=plan.network.name,
        role=Role.CLEAN,
        track=plan.track,
        certifies=meaning_digest(armed.graph, clean),
        proof=prove(armed.graph, clean, required, hints_at((), armed.woven.slopes)),
    )
    return PlantedInstance(f"{plan.cell.name}-clean", armed.onnx, clean, truth)


def pair_facts(plan: Plan, box: PlannedBox) -> Mapping[str, Any]:
    """What the two members of a pair share."""
    return {
        "family": "planted",
        "trigger": f"{plan.network.name}/{box.trigger.form}/{box.trigger.place}",
        "track": Track.SHALLOW if box.trigger.place is Place.CORNER else plan.track,
        "pair": box.name,
        "twin_kind": box.trigger.twin,
        "factors": {"network": plan.network.name, "scale": plan.cell.scale, **box.trigger.factors},
    }


def prove(graph: Graph, unsafe: Property, required: float, hints: Hints) -> Proof:
    """A proof that the property holds, with the slack required.

    Raises:
        CertificateError: none was found.
    """
    proof = search(graph, unsafe, required, hints, MOST_BOXES)
    if proof is None:
        raise CertificateError(f"no proof that the property holds was found within {MOST_BOXES} boxes")
    return proof


def hints_at(needles: Sequence[Needle], slopes: Mapping[str, str]) -> Hints:
    """Where a proof should cut: between two needles of a crowd, or beside the moved rows of a misaligned one."""
    planes: list[tuple[int, float]] = []
    for first, second in itertools.combinations(needles, 2):
        ends = [dict(zip(needle.reads, needle.center.tolist(), strict=True)) for needle in (first, second)]
        shared = sorted(ends[0].keys() & ends[1].keys(), key=lambda read: -abs(ends[0][read] - ends[1][read]))
        planes += [(read, 0.5 * (ends[0][read] + ends[1][read])) for read in shared[:3]]
    for needle in needles:
        moved = np.flatnonzero(needle.misalignment).tolist()
        centers, half_widths = needle.center.tolist(), needle.half_widths.tolist()
        planes += [(needle.reads[row], centers[row] + cut * half_widths[row]) for cut in CUTS for row in moved]
    return Hints(tuple(planes), ({}, slopes) if slopes else ({},))
