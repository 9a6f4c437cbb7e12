"""How a pair of the track `tight` is made: drafted, written, and certified without any of the room that others have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from soundbench.architecture import Operation, Operations
from soundbench.certificate import (
    check_kind,
    hiding_certificate,
    position_of,
    required_slack,
    witness_certificate,
)
from soundbench.errors import CertificateError
from soundbench.export import save_onnx, to_onnx
from soundbench.graph import Graph, read_graph
from soundbench.ground_truth import Expected, GroundTruth, Hiding, Role, Track
from soundbench.meaning import meaning_digest
from soundbench.placement import CERTIFIED_REACH
from soundbench.plant import hints_at, prove
from soundbench.planted import PlantedInstance, built
from soundbench.recipe import Recipe
from soundbench.tight import INPUTS, TIGHT, Draft


@dataclass(frozen=True, slots=True)
class TightPlan:
    """What to plant: one pair of a kind."""

    recipe: Recipe
    kind: str
    number: int

    @property
    def name(self) -> str:
        """The pair's name."""
        return f"tight-{self.kind}-{self.number}"


def plant_tight(plan: TightPlan, seed: Sequence[int], folder: Path) -> tuple[PlantedInstance, ...]:
    """Build and certify one pair in `folder`; failures are retried with fresh randomness.

    Raises:
        PlantingFailed: no attempt succeeded; the message says why the last one failed.
    """

    def build(random: np.random.Generator) -> tuple[PlantedInstance, ...]:
        return attempt_to_plant(plan, TIGHT[plan.kind](random), folder)

    return built(plan.name, seed, build, "another seed")


def attempt_to_plant(plan: TightPlan, draft: Draft, folder: Path) -> tuple[PlantedInstance, ...]:
    """Write a draft, and certify both members."""
    armed, twin = (folder / f"{plan.name}-{role}.onnx" for role in (Role.ARMED, Role.TWIN))
    save(draft, draft.armed, armed)
    save(draft, draft.twin, twin)
    return (
        PlantedInstance(f"{plan.name}-armed", armed, draft.property, armed_truth(plan, draft, armed)),
        PlantedInstance(f"{plan.name}-twin", twin, draft.property, twin_truth(plan, draft, read_graph(twin))),
    )


def save(draft: Draft, operations: Sequence[Operation], path: Path) -> None:
    """Write one of a draft's networks."""
    save_onnx(to_onnx([Operations("outputs", tuple(operations))], (INPUTS,), draft.property.output_count), path)


def armed_truth(plan: TightPlan, draft: Draft, onnx: Path) -> GroundTruth:
    """The certificate of the violated member."""
    graph, point = read_graph(onnx), draft.placement.exact_point
    placement, reads = draft.placement, list(draft.needle.reads)
    claimed = Hiding(
        tensor=draft.tip,
        neuron=0,
        reads=draft.needle.reads,
        half_widths=tuple((draft.needle.half_widths * CERTIFIED_REACH).tolist()),
        prior_lower=tuple(placement.inner_lower[reads].tolist()),
        prior_upper=tuple(placement.inner_upper[reads].tolist()),
        pinned=(),
        queries=plan.recipe.queries,
        chance=plan.recipe.chance,
        slopes={},
    )
    witness = witness_certificate(onnx, graph, draft.property, point, Track.TIGHT)
    if not witness.margin_float32 > 0:
        raise CertificateError("float32 adds up in an order here in which ONNX Runtime sees no violation")
    return GroundTruth(
        expected=Expected.VIOLATED,
        role=Role.ARMED,
        position=position_of(draft.property.regions[0], point),
        certifies=meaning_digest(graph, draft.property),
        witness=witness,
        hiding=hiding_certificate(graph, draft.property, point, claimed, (), Track.TIGHT),
        **shared(plan, draft),
    )


def twin_truth(plan: TightPlan, draft: Draft, graph: Graph) -> GroundTruth:
    """The certificate of the member that holds."""
    required = required_slack(graph, draft.property, draft.placement.exact_point, Track.TIGHT)
    check_kind(graph, draft.property, draft.kind)
    return GroundTruth(
        expected=Expected.HOLDS,
        role=Role.TWIN,
        certifies=meaning_digest(graph, draft.property),
        proof=prove(graph, draft.property, required, hints_at((draft.disarmed,), {})),
        **shared(plan, draft),
    )


def shared(plan: TightPlan, draft: Draft) -> Mapping[str, Any]:
    """What the two members have in common."""
    return {
        "family": "planted",
        "trigger": f"tight/{plan.kind}",
        "track": Track.TIGHT,
        "pair": plan.name,
        "twin_kind": draft.kind,
    }
