"""How does a suspect stand: what has a suite to say of one verifier that may be wrong?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from soundbench.claim import Claim
from soundbench.trial import Suspect, Trial

# Who answers otherwise than the sound verifier on more than a fifth of the instances would be noticed without a suite.
LEAST_AGREEMENT = 0.8
# Of fewer instances a share says too little for that.
LEAST_INSTANCES = 10


class Standing(StrEnum):
    """What a suite has to say of a suspect; the first of these that is true of it.

    Where it is live (it says verified, and the sound verifier does not):

    - too crude: it agrees with the sound verifier on less than 80 % of the instances, of which there are 10 or more;
    - caught: some of the instances are armed members of pairs that the sound verifier exercises;
    - controls only: or at least of pairs whose scaled twin it proves;
    - escapes: none are, though some are not known to hold.

    Where it is live on no instance, or only on some that hold:

    - false alarms: it says falsified of an instance that is not known to be violated, and the sound verifier does not;
    - only looser: some claims are others, none of them wrong as far as is known;
    - equivalent: all claims are the same;
    - not run: nobody has run it, since the next stronger one answers as the sound verifier does;
    - not exercised: nobody has run it, since no instance has what its fault touches.
    """

    TOO_CRUDE = "too crude"
    CAUGHT = "caught"
    CONTROLS_ONLY = "controls only"
    ESCAPES = "escapes"
    FALSE_ALARMS = "false alarms"
    LOOSER = "only looser"
    EQUIVALENT = "equivalent"
    NOT_RUN = "not run"
    NOT_EXERCISED = "not exercised"


HARMLESS = frozenset(
    {Standing.FALSE_ALARMS, Standing.LOOSER, Standing.EQUIVALENT, Standing.NOT_RUN, Standing.NOT_EXERCISED}
)
"""How a suspect may stand that is not known to prove anything wrongly."""


@dataclass(frozen=True, slots=True)
class Measured:
    """How a suspect fared.

    `run` is on how many instances it was run. `agreement` is the share of all instances of which it says what the sound
    verifier says, `agreement_where_run` that of those on which it was run; None if there are none. `live`, `caught`,
    `on_controls` and `false_alarms` are the instances that `Standing` speaks of; one that is too crude is caught on
    none. `seconds` is what it takes to run it, in the suite's order, until it is caught; None if it is not.
    """

    suspect: Suspect
    standing: Standing
    run: int
    agreement: float | None
    agreement_where_run: float | None
    live: tuple[str, ...]
    caught: tuple[str, ...]
    on_controls: tuple[str, ...]
    false_alarms: tuple[str, ...]
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Counting:
    """By which rules suspects are measured.

    `counted` are the armed members of the pairs that the sound verifier exercises, `controls` those of the other pairs
    whose scaled twin it proves. `violated` and `holding` are the instances that are known to be so. `crude` are the
    faults that cannot help being crude, and `touched` those that have been run on some instance.
    """

    counted: frozenset[str]
    controls: frozenset[str]
    violated: frozenset[str]
    holding: frozenset[str]
    crude: frozenset[str]
    touched: frozenset[str]


def measure(suspect: Suspect, trials: Sequence[Trial], counting: Counting) -> Measured:
    """How a suspect fared in the trials, which are in the order in which they count as run."""
    where_run = [trial for trial in trials if suspect in trial.replies]
    agreement = _agreement(suspect, trials)
    can_be_crude = len(trials) >= LEAST_INSTANCES and suspect.fault not in counting.crude
    is_crude = can_be_crude and agreement is not None and agreement < LEAST_AGREEMENT
    live = tuple(trial.instance for trial in where_run if trial.is_live(suspect))
    caught = () if is_crude else tuple(name for name in live if name in counting.counted)
    falsified = (trial.instance for trial in where_run if trial.says_alone(suspect, Claim.FALSIFIED))
    facts = Measured(
        suspect=suspect,
        standing=Standing.TOO_CRUDE,
        run=len(where_run),
        agreement=agreement,
        agreement_where_run=_agreement(suspect, where_run),
        live=live,
        caught=caught,
        on_controls=() if is_crude else tuple(name for name in live if name in counting.controls),
        false_alarms=tuple(name for name in falsified if name not in counting.violated),
        seconds=_seconds(suspect, trials, caught[0]) if caught else None,
    )
    if is_crude and live:
        return facts
    is_wrong = not counting.holding.issuperset(live)
    return replace(facts, standing=_of_live(facts) if is_wrong else _of_harmless(facts, counting))


def _of_live(facts: Measured) -> Standing:
    """How a suspect stands that is live where that may be wrong, and not too crude."""
    if facts.caught:
        return Standing.CAUGHT
    return Standing.CONTROLS_ONLY if facts.on_controls else Standing.ESCAPES


def _of_harmless(facts: Measured, counting: Counting) -> Standing:
    """How a suspect stands that says verified, where the sound verifier does not, only of what holds, or nowhere."""
    if not facts.run:
        return Standing.NOT_RUN if facts.suspect.fault in counting.touched else Standing.NOT_EXERCISED
    if facts.false_alarms:
        return Standing.FALSE_ALARMS
    return Standing.EQUIVALENT if facts.agreement_where_run == 1.0 else Standing.LOOSER


def _agreement(suspect: Suspect, trials: Sequence[Trial]) -> float | None:
    return sum(trial.agrees(suspect) for trial in trials) / len(trials) if trials else None


def _seconds(suspect: Suspect, trials: Sequence[Trial], until: str) -> float:
    """What a suspect takes for all instances up to this one."""
    last = [trial.instance for trial in trials].index(until)
    return sum(trial.reply(suspect).seconds for trial in trials[: last + 1])
