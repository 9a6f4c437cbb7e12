"""Would a suite notice a verifier that lies? What verifiers that are wrong on purpose say of it, summed up."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from soundbench.cover import cover
from soundbench.exercised import CONTROL_KINDS, EXERCISING_KINDS, exercised_instances
from soundbench.ground_truth import Expected, GroundTruth, TwinKind
from soundbench.standing import Counting, Measured, measure
from soundbench.trial import Suspect, Trial


@dataclass(frozen=True, slots=True)
class Power:
    """What a suite catches: every suspect, by fault from the strongest on.

    `counted` are the instances that can catch: the armed members of pairs that the sound verifier exercises. `controls`
    are the armed members of the other pairs whose scaled twin it proves. `chosen` are counted instances that catch all
    faults that are caught; `is_smallest` says that no fewer do.
    """

    instances: int
    counted: tuple[str, ...]
    controls: tuple[str, ...]
    measured: tuple[Measured, ...]
    chosen: tuple[str, ...]
    is_smallest: bool

    def by_fault(self) -> Mapping[str, Sequence[Measured]]:
        """The suspects of each fault, from the strongest on."""
        return by_fault(self.measured)

    def faults(self) -> Mapping[str, Measured]:
        """For each fault the suspect by which it stands."""
        return {fault: standing_for(rows) for fault, rows in self.by_fault().items()}


def measure_power(
    ground_truth: Mapping[str, GroundTruth],
    trials: Sequence[Trial],
    suspects: Sequence[Suspect],
    crude: Collection[str] = (),
) -> Power:
    """Sum up the trials, in the order in which they count as run; of each fault the strongest suspect comes first.

    `crude` names the faults that count however little they agree with the sound verifier.
    """
    counted = counted_instances(ground_truth, trials)
    controls = [each for each in counted_instances(ground_truth, trials, CONTROL_KINDS) if each not in counted]
    violated, holding = (
        frozenset(name for name, truth in ground_truth.items() if truth.expected is expected)
        for expected in (Expected.VIOLATED, Expected.HOLDS)
    )
    touched = frozenset(suspect.fault for trial in trials for suspect in trial.replies)
    counting = Counting(frozenset(counted), frozenset(controls), violated, holding, frozenset(crude), touched)
    measured = [measure(suspect, trials, counting) for suspect in suspects]
    standing = [standing_for(rows) for rows in by_fault(measured).values()]
    found = cover([frozenset(each.caught) for each in standing if each.caught])
    chosen = tuple(each for each in counted if each in found.members)
    return Power(len(trials), counted, tuple(controls), tuple(measured), chosen, found.is_smallest)


def by_fault(measured: Sequence[Measured]) -> Mapping[str, Sequence[Measured]]:
    """Suspects by their faults."""
    found: dict[str, list[Measured]] = {}
    for each in measured:
        found.setdefault(each.suspect.fault, []).append(each)
    return found


def standing_for(rows: Sequence[Measured]) -> Measured:
    """Of the suspects of a fault, from the strongest on, the one by which it stands: the first that is caught.

    If none is, it is the strongest.
    """
    return next((each for each in rows if each.caught), rows[0])


def counted_instances(
    ground_truth: Mapping[str, GroundTruth], trials: Sequence[Trial], kinds: Collection[TwinKind] = EXERCISING_KINDS
) -> tuple[str, ...]:
    """The armed instances on which a false proof means something: of pairs that the sound verifier exercises.

    The kind of the twin decides, on whichever track a pair is; other `kinds` are counted on their own.
    """
    return exercised_instances({trial.instance: trial.sound.claim for trial in trials}, ground_truth, kinds)


def recorded(ground_truth: Mapping[str, GroundTruth], power: Power, trials: Sequence[Trial]) -> dict[str, GroundTruth]:
    """The ground truth with the faults that every tried instance catches.

    Of faults that were not measured, and of instances that were not tried, it says as before.
    """
    caught = {fault: frozenset(each.caught) for fault, each in power.faults().items()}
    tried = {trial.instance for trial in trials}

    def catches(name: str, known: tuple[str, ...]) -> tuple[str, ...]:
        if name not in tried:
            return known
        new = {fault for fault, names in caught.items() if name in names}
        return tuple(sorted(new.union(known) - (caught.keys() - new)))

    return {name: replace(truth, catches=catches(name, truth.catches)) for name, truth in ground_truth.items()}
