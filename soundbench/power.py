"""Would a suite notice a verifier that lies? What verifiers that are wrong on purpose say of its instances, summed up.

Who makes such verifiers is no matter of this module: it takes their answers beside a sound one's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from soundbench.claim import Claim
from soundbench.cover import smallest_cover
from soundbench.ground_truth import Expected, GroundTruth, Role
from soundbench.instance import Instance
from soundbench.verifier import Verifier


@dataclass(frozen=True, slots=True, order=True)
class Suspect:
    """A verifier with a fault, at a strength, which is a number of the fault's own."""

    fault: str
    strength: float


@dataclass(frozen=True, slots=True)
class Reply:
    """What a verifier claimed of an instance, and the seconds that it took."""

    claim: Claim
    seconds: float


@dataclass(frozen=True, slots=True)
class Trial:
    """The replies to one instance: the sound verifier's, and those of the suspects that were run.

    A suspect that was not run is known to answer as the sound verifier does.
    """

    instance: str
    sound: Reply
    replies: Mapping[Suspect, Reply]

    def reply(self, suspect: Suspect) -> Reply:
        """What a suspect says."""
        return self.replies.get(suspect, self.sound)

    def is_live(self, suspect: Suspect) -> bool:
        """Whether a suspect says verified where the sound verifier does not."""
        return self.reply(suspect).claim is Claim.VERIFIED and self.sound.claim is not Claim.VERIFIED


def try_verifiers(
    instance: Instance, sound: Verifier, suspects: Mapping[Suspect, Verifier], timeout_seconds: float | None = None
) -> Trial:
    """The trial of an instance with verifiers of any kind, each run as `evaluate` runs it, one after the other.

    Raises:
        InputError: the instance's files cannot be read.
    """
    replies = {each: reply_of(verifier, instance, timeout_seconds) for each, verifier in suspects.items()}
    return Trial(instance.name, reply_of(sound, instance, timeout_seconds), replies)


def reply_of(verifier: Verifier, instance: Instance, timeout_seconds: float | None = None) -> Reply:
    """The reply of a verifier of any kind, run as `evaluate` runs it.

    Raises:
        InputError: the instance's files cannot be read.
    """
    execution = verifier.answer(instance, timeout_seconds=timeout_seconds)
    return Reply(execution.answer.claim, execution.ending.wall_seconds)


class Standing(StrEnum):
    """What a suite has to say of a suspect.

    It is caught where it says verified of an armed instance that counts. It escapes if it is live, but not there. It is
    harmless if it was run, and is not live on any instance: equivalent to the sound verifier on this suite, or worse at
    proving. It is not exercised if no instance has what its fault touches.
    """

    CAUGHT = "caught"
    ESCAPES = "escapes"
    HARMLESS = "harmless"
    NOT_EXERCISED = "not exercised"


@dataclass(frozen=True, slots=True)
class Measured:
    """How a suspect fared, over all instances: on which it was run, is live, and is caught.

    `agreement` is the share of all instances of which it says what the sound verifier says. `seconds` is what it takes
    to run it, in the suite's order, until it is caught; None if it is not.
    """

    suspect: Suspect
    run: int
    agreement: float
    live: tuple[str, ...]
    caught: tuple[str, ...]
    seconds: float | None

    @property
    def standing(self) -> Standing:
        """What that comes to."""
        if self.caught:
            return Standing.CAUGHT
        if self.live:
            return Standing.ESCAPES
        return Standing.HARMLESS if self.run else Standing.NOT_EXERCISED


@dataclass(frozen=True, slots=True)
class Power:
    """What a suite catches: every suspect, by fault from the strongest on; `counted` are the instances that can catch.

    `smallest` is a smallest set of instances that catches every fault that is caught at its greatest strength.
    """

    instances: int
    counted: tuple[str, ...]
    measured: tuple[Measured, ...]
    smallest: tuple[str, ...]

    def by_fault(self) -> Mapping[str, Sequence[Measured]]:
        """The suspects of each fault, from the strongest on."""
        found: dict[str, list[Measured]] = {}
        for each in self.measured:
            found.setdefault(each.suspect.fault, []).append(each)
        return found


def measure_power(
    ground_truth: Mapping[str, GroundTruth], trials: Sequence[Trial], suspects: Sequence[Suspect]
) -> Power:
    """Sum up the trials, in the order in which they count as run; of each fault the strongest suspect comes first."""
    counted = counted_instances(ground_truth, trials)
    measured = tuple(measure(suspect, trials, frozenset(counted)) for suspect in suspects)
    strongest = {each.suspect.fault: each for each in reversed(measured)}
    smallest = smallest_cover([frozenset(each.caught) for each in strongest.values() if each.caught])
    return Power(len(trials), counted, measured, tuple(each for each in counted if each in smallest))


def measure(suspect: Suspect, trials: Sequence[Trial], counted: frozenset[str]) -> Measured:
    """How one suspect fared, where only some instances count."""
    live = tuple(trial.instance for trial in trials if trial.is_live(suspect))
    caught = tuple(name for name in live if name in counted)
    agreeing = sum(trial.reply(suspect).claim is trial.sound.claim for trial in trials)
    seconds = None
    if caught:
        last = [trial.instance for trial in trials].index(caught[0])
        seconds = sum(trial.reply(suspect).seconds for trial in trials[: last + 1])
    run = sum(suspect in trial.replies for trial in trials)
    return Measured(suspect, run, agreeing / max(len(trials), 1), live, caught, seconds)


def recorded(ground_truth: Mapping[str, GroundTruth], power: Power, trials: Sequence[Trial]) -> dict[str, GroundTruth]:
    """The ground truth with what every tried instance catches, at its strongest.

    Of faults that were not measured, and of instances that were not tried, it says as before.
    """
    caught = {fault: frozenset(rows[0].caught) for fault, rows in power.by_fault().items()}
    tried = {trial.instance for trial in trials}

    def catches(name: str, known: tuple[str, ...]) -> tuple[str, ...]:
        if name not in tried:
            return known
        new = {fault for fault, names in caught.items() if name in names}
        return tuple(sorted(new.union(known) - (caught.keys() - new)))

    return {name: replace(truth, catches=catches(name, truth.catches)) for name, truth in ground_truth.items()}


def counted_instances(ground_truth: Mapping[str, GroundTruth], trials: Sequence[Trial]) -> tuple[str, ...]:
    """The armed instances that the sound verifier can tell from their twins, where a false proof means something.

    It proves the twin, of whichever kind, and answers the armed one with neither `error` nor `unsupported`.
    """
    claims = {trial.instance: trial.sound.claim for trial in trials}
    proven = {
        ground_truth[name].pair
        for name, claim in claims.items()
        if name in ground_truth and ground_truth[name].expected is Expected.HOLDS and claim is Claim.VERIFIED
    }
    return tuple(
        name
        for name, claim in claims.items()
        if name in ground_truth
        and ground_truth[name].role is Role.ARMED
        and ground_truth[name].pair is not None
        and ground_truth[name].pair in proven
        and claim not in (Claim.ERROR, Claim.UNSUPPORTED)
    )
