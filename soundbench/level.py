"""How much of a suite is run, and in which order? What covers most comes first, so that a short run sees much.

A pair of instances covers the values of its factors; where a suite records none, its trigger. It also covers the faults
of verifiers that it is known to catch, if none that does is easier, and its twin takes more to prove than an interval
bound.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from soundbench.coverage import Pair, Value, pairs_of, values_of
from soundbench.errors import InputError
from soundbench.ground_truth import GroundTruth, Role, Track, TwinKind, track_of
from soundbench.instance import Instance
from soundbench.suite import Suite

# From the easiest on; one of another name is taken for the middle.
HARDNESS = ("easy", "medium", "hard")
# What stands in the place of a factor where a value is a fault that is caught.
FAULT = "fault"


class Level(StrEnum):
    """How much is run.

    `smoke` is a few pairs of the main track that have every value of every factor, and, with some of the shallow one
    where need be, catch every fault that any whose twin is not scaled is known to catch; and the clean boxes of their
    networks, on which a verifier that finds fault with everything shows. `standard` is all but the track `tight`,
    `thorough` everything.
    """

    SMOKE = "smoke"
    STANDARD = "standard"
    THOROUGH = "thorough"


@dataclass(frozen=True, slots=True)
class Group:
    """The instances of a pair; the values, and pairs of values, that they cover; and how hard they are, in numbers."""

    instances: tuple[Instance, ...]
    values: frozenset[Value]
    meetings: frozenset[Pair]
    effort: tuple[int, ...]


def chosen(suite: Suite, level: Level) -> tuple[Instance, ...]:
    """The instances of a level, in the order in which they are to run.

    Raises:
        InputError: the level is `smoke`, and the suite's main track has no pair.
    """
    if level is Level.SMOKE:
        candidates = groups(suite, on(suite, Track.MAIN))
        beyond = of_more_faults(groups(suite, on(suite, Track.SHALLOW)), candidates)
        smallest = [each for group in covering([*candidates, *beyond]) for each in group.instances]
        if not smallest:
            raise InputError(f"{suite.root}: has no pair for --level smoke to choose; use --level standard")
        return (*smallest, *clean_boxes(suite, smallest))
    last = in_order(suite, on(suite, Track.TIGHT)) if level is Level.THOROUGH else []
    return (*in_order(suite, on(suite, Track.MAIN, Track.SHALLOW)), *last)


def on(suite: Suite, *tracks: Track) -> list[Instance]:
    """The instances on these tracks."""
    return [each for each in suite.instances if track_of(suite.ground_truth, each.name) in tracks]


def clean_boxes(suite: Suite, instances: Sequence[Instance]) -> list[Instance]:
    """The clean instances of the networks that some instances have."""
    networks, truth = {each.onnx for each in instances}, suite.ground_truth
    known = (each for each in on(suite, Track.MAIN, Track.SHALLOW) if each.name in truth and each.onnx in networks)
    return [each for each in known if truth[each.name].role is Role.CLEAN]


def in_order(suite: Suite, instances: Sequence[Instance]) -> list[Instance]:
    """Pairs first, by how much they cover; then the others as they are."""
    pairs = [each for group in ordered(groups(suite, instances)) for each in group.instances]
    paired = set(pairs)
    return [*pairs, *(each for each in instances if each not in paired)]


def groups(suite: Suite, instances: Sequence[Instance]) -> list[Group]:
    """The instances of every pair that has an armed member, in the suite's order."""
    pairs: dict[str, list[Instance]] = {}
    for instance in instances:
        truth = suite.ground_truth.get(instance.name)
        if truth is not None and truth.pair is not None:
            pairs.setdefault(truth.pair, []).append(instance)
    found: list[tuple[Group, tuple[str, ...]]] = []
    for members in pairs.values():
        truths = [suite.ground_truth[member.name] for member in members]
        armed = next((truth for truth in truths if truth.role is Role.ARMED), None)
        if armed is not None:
            covered = {factor: (value,) for factor, value in (armed.factors or {"trigger": armed.trigger}).items()}
            values, meetings = frozenset(values_of(covered)), frozenset(pairs_of(covered))
            caught = () if armed.twin_kind is TwinKind.SCALED else armed.catches
            found.append((Group(tuple(members), values, meetings, effort(armed, truths)), caught))
    return [with_faults(group, caught, found) for group, caught in found]


def with_faults(group: Group, caught: Sequence[str], every: Sequence[tuple[Group, Sequence[str]]]) -> Group:
    """The group, covering also the faults that it catches and no group of an easier kind does."""
    rank, *_ = group.effort
    easier = {fault for other, faults in every for fault in faults if other.effort[0] < rank}
    return replace(group, values=group.values | {(FAULT, fault) for fault in caught if fault not in easier})


def of_more_faults(candidates: Sequence[Group], known: Sequence[Group]) -> list[Group]:
    """The groups that catch a fault that none of those known does, covering such faults alone."""
    caught = {value for group in known for value in group.values}
    more = [replace(group, values=faults_of(group) - caught, meetings=frozenset()) for group in candidates]
    return [group for group in more if group.values]


def faults_of(group: Group) -> frozenset[Value]:
    """What a group covers for catching it."""
    return frozenset(value for value in group.values if value[0] == FAULT)


def effort(armed: GroundTruth, members: Sequence[GroundTruth]) -> tuple[int, ...]:
    """How hard a pair is: by its name for it, whether its twin is a mere control, and by the size of its proof."""
    hardness = armed.factors.get("hardness", "medium")
    rank = HARDNESS.index(hardness) if hardness in HARDNESS else HARDNESS.index("medium")
    leaves = sum(truth.proof.leaves for truth in members if truth.proof is not None)
    return rank, int(armed.twin_kind is TwinKind.SCALED), leaves


def covering(candidates: Sequence[Group]) -> Iterator[Group]:
    """As few of the groups as have every value, as a greedy choice finds them."""
    seen: set[Value] = set()
    for group in ordered(candidates):
        if group.values <= seen:
            return
        seen |= group.values
        yield group


def ordered(candidates: Sequence[Group]) -> Iterator[Group]:
    """Each next one has most values that none before has, then most pairs of values; of equals it is the easiest."""
    seen: set[Value] = set()
    met: set[Pair] = set()
    waiting = [(*gain(group, seen, met), group.effort, index) for index, group in enumerate(candidates)]
    heapq.heapify(waiting)
    while waiting:
        *known, effort, index = heapq.heappop(waiting)
        group = candidates[index]
        # What a group adds can only have become less since it was counted.
        now = gain(group, seen, met)
        if list(now) != known:
            heapq.heappush(waiting, (*now, effort, index))
            continue
        seen |= group.values
        met |= group.meetings
        yield group


def gain(group: Group, seen: set[Value], met: set[Pair]) -> tuple[int, int]:
    """How many values and pairs of values a group adds, negative, so that the least is the best."""
    return -len(group.values - seen), -len(group.meetings - met)
