"""How strong may a needle be that is not to violate a property? As far as what holds without it leaves room."""

from collections.abc import Sequence
from math import inf

from soundbench.graph import Array, Graph
from soundbench.ground_truth import Proof
from soundbench.instance import Constraint, Property
from soundbench.prove import interval_slacks, leaves, region_box, slacks


def room_in_proof(graph: Graph, unsafe: Property, proof: Proof, rises: Array) -> float:
    """How many times `rises` (outputs,) may be added anywhere before a leaf of the proof refutes nothing any more."""
    room = inf
    for region, tree in zip(unsafe.regions, proof.trees, strict=True):
        for leaf, box in leaves(tree, region_box(region, proof.inflation)):
            refuted = [region.outputs[leaf.refutes]]
            room = min(room, times(slacks(graph, refuted, box, leaf.slopes), refuted, rises))
    return room


def room_in_intervals(graph: Graph, unsafe: Property, rises: Array) -> float:
    """How many times `rises` (outputs,) may be added before interval bounds at the root prove no more; 0 if never."""
    return min(
        times(interval_slacks(graph, region.outputs, region_box(region, 0.0)), region.outputs, rises)
        for region in unsafe.regions
    )


def times(found: Array, constraints: Sequence[Constraint], rises: Array) -> float:
    """How often rises may be added before the last of these slacks (constraints,) is used up."""
    pairs = zip(found.tolist(), (fall(each, rises) for each in constraints), strict=True)
    return max((slack / down if down > 0 else inf for slack, down in pairs if slack > 0), default=0.0)


def steepest(unsafe: Property, rises: Array) -> float:
    """How much slack rises (outputs,) take at most."""
    return max(fall(each, rises) for region in unsafe.regions for each in region.outputs)


def fall(constraint: Constraint, rises: Array) -> float:
    """By how much the left side of a constraint falls if rises (outputs,) are added."""
    return -sum(float(factor) * float(rises[index]) for index, factor in constraint.terms)
