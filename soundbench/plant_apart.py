"""How are pairs planted whose members nobody can compare? Each in a network of its own, with boxes and base of its own.

The two networks of a cell look alike: in each of them a coin decides for every box whether it is armed there and
disarmed in the other, or the other way round; and each has a clean box of a shape, form and notation that others have.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np

from soundbench.boxes import LabelledBoxes, intervals_of
from soundbench.certificate import check_foreign
from soundbench.graph import Graph, read_graph
from soundbench.ground_truth import Hiding
from soundbench.instance import Property
from soundbench.plant import (
    HINT,
    Plan,
    armed_instance,
    clean_instance,
    draw,
    hide,
    hints_at,
    own_tips,
    plan_box,
    twin_instance,
    write,
)
from soundbench.plant_tight import TightPlan, armed_truth, save, twin_truth
from soundbench.planted import PlantedInstance, built
from soundbench.specification import FORMS, Question
from soundbench.tight import TIGHT
from soundbench.trigger import Trigger

# What the randomness of a cell is for: its first network, its second, and the coins.
FIRST, SECOND, COINS = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Apart:
    """A pair of networks to plant so that nobody can compare them."""

    plan: Plan | TightPlan

    @property
    def name(self) -> str:
        """The pair's name."""
        return self.plan.name


def plant_apart(apart: Apart, seed: Sequence[int], folder: Path) -> tuple[PlantedInstance, ...]:
    """Build and certify two networks in `folder`, each until it succeeds; failures are retried with fresh randomness.

    Raises:
        PlantingFailed: no attempt succeeded; the message says why the last one failed.
    """
    plan = apart.plan
    instances: list[PlantedInstance] = []
    if isinstance(plan, TightPlan):
        for number, plant_one in ((FIRST, tight_armed), (SECOND, tight_twin)):
            build = partial(plant_one, plan, folder)
            instances += built(plan.name, (*seed, number), build, "another seed")
        return tuple(instances)
    coins = np.random.default_rng([*seed, COINS]).random(len(plan.cell.triggers)) < 0.5
    for number, is_armed in ((FIRST, coins), (SECOND, ~coins)):
        onnx = folder / f"{plan.cell.name}-{number}.onnx"
        instances += built(plan.name, (*seed, number), partial(half, plan, is_armed.tolist(), onnx), HINT)
    return tuple(instances)


def half(plan: Plan, is_armed: Sequence[bool], onnx: Path, random: np.random.Generator) -> tuple[PlantedInstance, ...]:
    """One attempt at a network, written to `onnx`, with a needle in every box, armed or not, and a clean box."""
    like = plan.cell.triggers[int(random.integers(len(plan.cell.triggers)))]
    drawn, body, base = draw(plan, like.shape, random)
    boxes = [plan_box(plan, index, drawn, base, random) for index in range(len(plan.cell.triggers))]
    needles = [box.armed if armed else box.disarmed for box, armed in zip(boxes, is_armed, strict=True)]
    written = write(plan, body, needles, onnx, random)
    hidings: dict[int, Hiding] = {}
    for index, tip in enumerate(own_tips(boxes)):
        if is_armed[index]:
            planes = tuple(hints_at(boxes[index].armed, {}).planes)
            hidings[index] = replace(hide(plan, boxes[index], written, tip), planes=planes)
    instances = []
    for index, box in enumerate(boxes):
        if is_armed[index]:
            others = [hiding for other, hiding in hidings.items() if other != index]
            check_foreign(written.graph, box.property, others)
            instances.append(armed_instance(plan, box, written, hidings[index]))
        else:
            twin = twin_instance(plan, box, written)
            instances.append(with_needle_at(twin, box.placement.exact_point))
    clean = clean_instance(plan, clean_property(plan, like, drawn, base, random), written)
    return (*instances, replace(clean, name=f"{onnx.stem}-clean", notation=like.notation))


def clean_property(
    plan: Plan, like: Trigger, drawn: LabelledBoxes, base: Graph, random: np.random.Generator
) -> Property:
    """What is asked of the last box: the same as of others."""
    network, index = plan.network, len(plan.cell.triggers)
    question = Question(base, intervals_of(drawn, index), drawn.labels[index], network.classes, network.room)
    return FORMS[like.form](question, random).property


def tight_armed(plan: TightPlan, folder: Path, random: np.random.Generator) -> tuple[PlantedInstance, ...]:
    """One attempt at the violated member of a pair of the track `tight`."""
    draft, onnx = TIGHT[plan.kind](random), folder / f"{plan.name}-{FIRST}.onnx"
    save(draft, draft.armed, onnx)
    return (PlantedInstance(f"{plan.name}-armed", onnx, draft.property, armed_truth(plan, draft, onnx)),)


def tight_twin(plan: TightPlan, folder: Path, random: np.random.Generator) -> tuple[PlantedInstance, ...]:
    """One attempt at the member of such a pair that holds."""
    draft, onnx = TIGHT[plan.kind](random), folder / f"{plan.name}-{SECOND}.onnx"
    save(draft, draft.twin, onnx)
    twin = PlantedInstance(f"{plan.name}-twin", onnx, draft.property, twin_truth(plan, draft, read_graph(onnx)))
    return (with_needle_at(twin, draft.placement.exact_point),)


def with_needle_at(twin: PlantedInstance, point: tuple[Fraction, ...]) -> PlantedInstance:
    """A twin that says where its needle is, since the armed member of its pair has it elsewhere."""
    return replace(twin, truth=replace(twin.truth, needle_at=point))
