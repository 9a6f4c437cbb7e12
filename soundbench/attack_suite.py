"""Who attacks a whole suite: every attack of a battery on every instance, in parts that are kept as they end."""

import functools
import itertools
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import torch

from soundbench import __version__
from soundbench.attack_journal import Journal, Key, Outcome
from soundbench.battery import Attack
from soundbench.certify import by_network
from soundbench.errors import InputError
from soundbench.generate import check_new, folder_to_be, one_thread
from soundbench.graph import Affine, read_graph
from soundbench.ground_truth import AttackRecord
from soundbench.instance import Instance, Property
from soundbench.pgd import Reached, seeded
from soundbench.replay import NonFiniteOutputError, open_onnx
from soundbench.suite import GROUND_TRUTH, MANIFEST, Suite, copy_files, read_json, replace_ground_truth
from soundbench.targets import Targets, targets_of
from soundbench.vnnlib import read_property

# What a query of a single point costs on top of its multiplications, in multiplications.
OVERHEAD = 4e6


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A network of a suite, by its path there, and the boxes of its instances: one a region, and one for several."""

    path: str
    instances: tuple[Instance, ...]
    properties: tuple[Property, ...]
    each: Targets | None
    together: Targets | None


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an attack on a network: some restarts in some of its boxes."""

    number: int
    first: int
    count: int
    boxes: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """An attack on the boxes of a network that it is for."""

    network: Network
    targets: Targets
    attack: Attack

    def key(self, part: Part) -> Key:
        """What a part goes by in the journal."""
        return self.network.path, self.attack.name, part.number

    def parts(self) -> list[Part]:
        """As many restarts at once as memory allows, and as may be lost."""
        count, attack, most_points = len(self.targets), self.attack, self.targets.most_points
        size = 1 if attack.one_box else min(count, most_points)
        most = attack.per_chunk if attack.splits else min(attack.per_chunk, max(1, most_points // size))
        return [
            Part(number, first, min(most, attack.restarts - first), tuple(range(start, min(start + size, count))))
            for number, (start, first) in enumerate(
                itertools.product(range(0, count, size), range(0, attack.restarts, most))
            )
        ]

    def cost(self, part: Part) -> float:
        """About how long a part takes, in multiplications."""
        graph = self.targets.graph
        weights = sum(step.matrix.size for step in graph.steps if isinstance(step, Affine))
        queries = len(part.boxes) * part.count * self.attack.queries(graph)
        return self.attack.rounds * OVERHEAD + queries * weights


# Told what is done, in a few words, and how much of the whole that was.
Progress = Callable[[str, float], None]


def find_device(name: str) -> torch.device:
    """The device of a name such as `cpu`, `cuda` or `cuda:1`.

    Raises:
        InputError: there is no such device, or torch cannot use it.
    """
    try:
        device = torch.device(name)
        if device.type not in ("cpu", "cuda"):
            raise InputError(f"--device: {name!r} is neither cpu nor cuda")
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"--device: {name!r} cannot be used ({reason}); use --device cpu") from None
    return device


def identity(suite: Suite, restarts: int, points: int, seed: int, device: torch.device) -> list[object]:
    """What two runs of attacks must have in common for one to go on with the other's parts: JSON.

    Which attacks are chosen does not count, so that one may go on with more of them; nor does the ground truth, which
    no attack reads.
    """
    files = read_json(suite.root / MANIFEST)["files"]
    attacked = {name: digest for name, digest in files.items() if name != GROUND_TRUTH}
    return [__version__, torch.__version__, attacked, restarts, points, seed, device.type]


def attack_suite(
    suite: Suite, attacks: Sequence[Attack], seed: int, device: torch.device, journal: Journal, progress: Progress
) -> Mapping[str, tuple[AttackRecord, ...]]:
    """Attack every instance; what the journal holds already is not done again. Records are by instance name.

    The same seed gives the same records on one machine and device. An instance whose boxes hold no float64 point has
    no records, and attacks on several regions have none of an instance that has not several in one box.
    """
    networks = [read_network(suite, group, device) for group in by_network(suite)]
    jobs = [
        Job(network, targets, attack)
        for network in networks
        for attack in attacks
        if (targets := network.together if attack.together else network.each) is not None
    ]
    total = sum(job.cost(part) for job in jobs for part in job.parts() if job.key(part) not in journal.done)
    records: dict[str, list[AttackRecord]] = {}
    # One thread: sums have one order, and small networks are slower with several.
    with one_thread():
        for job in jobs:
            reached = attack_network(job, seed, journal, lambda words, cost: progress(words, cost / total))
            for name, each in records_of(job, seed, reached):
                records.setdefault(name, []).append(each)
    return {name: tuple(each) for name, each in records.items()}


def read_network(suite: Suite, group: Sequence[Instance], device: torch.device) -> Network:
    """Read a network and the properties of its instances.

    Raises:
        InputError: one cannot be read, or they do not fit.
    """
    graph = read_graph(group[0].onnx)
    properties = tuple(read_property(instance.vnnlib) for instance in group)
    for instance, unsafe in zip(group, properties, strict=True):
        if (unsafe.input_count, unsafe.output_count) != (graph.input_count, graph.output_count):
            raise InputError(
                f"{instance.vnnlib}: speaks of other numbers of inputs or outputs than {group[0].onnx.name}"
            )
    named = list(zip((instance.name for instance in group), properties, strict=True))
    path = group[0].onnx.relative_to(suite.root.resolve()).as_posix()
    each, together = targets_of(graph, named, device), targets_of(graph, named, device, together=True)
    return Network(path, tuple(group), properties, each, together)


def attack_network(job: Job, seed: int, journal: Journal, progress: Progress) -> Mapping[int, Outcome]:
    """One attack on all boxes of a network; a box that one part finds is left out of the next."""
    reached: dict[int, Outcome] = {}
    every = job.parts()
    for part in every:
        key = job.key(part)
        if key not in journal.done:
            left = [box for box in part.boxes if not (box in reached and reached[box].found)]
            journal.append(key, attack_part(job, part, left, seed))
            words = f" (part {part.number + 1} of {len(every)})" if len(every) > 1 else ""
            progress(f"{job.network.path} {job.attack.name}{words}", job.cost(part))
        for box, outcome in journal.done[key].items():
            reached[box] = merged(reached[box], outcome) if box in reached else outcome
    return reached


def attack_part(job: Job, part: Part, left: Sequence[int], seed: int) -> Mapping[int, Outcome]:
    """What a part of an attack reached in each of the boxes that are left."""
    if not left:
        return {}
    reached = job.attack.run(job.targets.take(left), part.first, part.count, seeded(seed, *job.key(part)))
    outcomes = ((box, outcome_of(job.targets, box, reached, place)) for place, box in enumerate(left))
    return {box: outcome for box, outcome in outcomes if outcome is not None}


def outcome_of(targets: Targets, box: int, reached: Reached, place: int) -> Outcome | None:
    """What was reached in a box, judged in float64; None if nothing was looked at there, or no margin was finite."""
    point = reached.point[place].detach().cpu()
    result = targets.judge(point, box)
    queries = int(reached.queries[place])
    if not queries or not math.isfinite(result.margin):
        return None
    return Outcome(-result.margin, tuple(point.tolist()), queries, result.found)


def merged(first: Outcome, second: Outcome) -> Outcome:
    """The stronger of two, with the queries of both."""
    best = min(first, second, key=lambda outcome: (not outcome.found, outcome.margin))
    return replace(best, queries=first.queries + second.queries)


def records_of(job: Job, seed: int, reached: Mapping[int, Outcome]) -> Iterator[tuple[str, AttackRecord]]:
    """One record an instance, of what was reached in its boxes."""
    for instance, unsafe in zip(job.network.instances, job.network.properties, strict=True):
        outcomes = [outcome for box, outcome in reached.items() if job.targets.names[box] == instance.name]
        if outcomes:
            best = functools.reduce(merged, outcomes)
            yield (
                instance.name,
                AttackRecord(
                    attack=job.attack.name,
                    seed=seed,
                    restarts=job.attack.restarts,
                    queries=best.queries,
                    margin=best.margin,
                    found=best.found,
                    replays=replays(instance, unsafe, best.point) if best.found else None,
                ),
            )


def replays(instance: Instance, unsafe: Property, point: Sequence[float]) -> bool:
    """Whether a point (inputs,) violates the property in ONNX Runtime, cast to the network's own type."""
    session = open_onnx(instance.onnx)
    values = [Fraction(value) for value in point]
    try:
        return unsafe.is_violated_by(session.cast(values), session.run(values))
    except NonFiniteOutputError:
        return False


def check_recordable(suite: Suite, out: Path | None) -> None:
    """Know before anything runs whether the records can be written: to the suite, or to a copy of it in `out`.

    Raises:
        InputError: they cannot.
    """
    if not suite.ground_truth:
        raise InputError(f"{suite.root}: has no {GROUND_TRUTH}, in which attacks are recorded; get the suite with it")
    if out is not None:
        check_new(out)
    elif not os.access(suite.root, os.W_OK | os.X_OK):
        raise InputError(f"{suite.root}: cannot be written; name a folder for a copy of it with --out")


def record(suite: Suite, records: Mapping[str, Sequence[AttackRecord]], out: Path | None) -> None:
    """Write the records to the suite, or to a copy of it in the new folder `out`.

    They replace those of the same attacks; others are kept.

    Raises:
        InputError: a file cannot be written.
    """
    truth = {
        name: replace(known, attacks=joined(known.attacks, records.get(name, ())))
        for name, known in suite.ground_truth.items()
    }
    if out is None:
        replace_ground_truth(suite.root, truth)
        return
    with folder_to_be(out) as folder:
        copy_files(suite.root, (MANIFEST, *read_json(suite.root / MANIFEST)["files"]), folder)
        replace_ground_truth(folder, truth)


def joined(old: Sequence[AttackRecord], new: Sequence[AttackRecord]) -> tuple[AttackRecord, ...]:
    """Old and new records, one an attack."""
    by_attack = {record.attack: record for record in (*old, *new)}
    return tuple(by_attack.values())
