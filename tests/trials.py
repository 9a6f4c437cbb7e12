"""Trials of a suspect or two on the instances of the small suite, for tests of what is made of them."""

from dataclasses import replace

from small_suite import GROUND_TRUTH

from soundbench.claim import Claim
from soundbench.ground_truth import Expected
from soundbench.power import measure_power
from soundbench.standing import Measured, Standing
from soundbench.trial import Reply, Suspect, Trial

STRONG, WEAK, OTHER = Suspect("lost", 0.5), Suspect("lost", 0.1), Suspect("swap", 1.0)
SUSPECTS = (STRONG, WEAK, OTHER)
SOUND = {"armed": Claim.FALSIFIED, "twin": Claim.VERIFIED, "clean": Claim.TIMEOUT}
SECOND = {f"second {name}": replace(truth, pair="q") for name, truth in GROUND_TRUTH.items() if truth.pair}
TRUTH = {**GROUND_TRUTH, **SECOND}
# The clean box is known to hold; here nobody knows.
UNKNOWN_TRUTH = {**TRUTH, "clean": replace(TRUTH["clean"], expected=Expected.UNKNOWN)}
VERIFIED = {"strong": Claim.VERIFIED}


def trial(name: str, sound: Claim, **faulty: Claim) -> Trial:
    suspects = {"strong": STRONG, "weak": WEAK, "other": OTHER}
    return Trial(name, Reply(sound, 1.0), {suspects[each]: Reply(claim, 2.0) for each, claim in faulty.items()})


def trials(**faulty: dict[str, Claim]) -> list[Trial]:
    """Of the three instances of the small suite."""
    return [trial(name, sound, **faulty.get(name, {})) for name, sound in SOUND.items()]


def two_pairs() -> list[Trial]:
    """The first armed instance catches one fault, the second both."""
    return [
        trial("armed", Claim.FALSIFIED, strong=Claim.VERIFIED),
        trial("twin", Claim.VERIFIED),
        trial("second armed", Claim.TIMEOUT, strong=Claim.VERIFIED, other=Claim.VERIFIED),
        trial("second twin", Claim.VERIFIED),
    ]


def measured(tried: list[Trial], suspect: Suspect = STRONG, truth=TRUTH, crude=()) -> Measured:
    power = measure_power(truth, tried, SUSPECTS, crude)
    return next(each for each in power.measured if each.suspect == suspect)


def standing(tried: list[Trial], suspect: Suspect = STRONG, truth=TRUTH, crude=()) -> Standing:
    return measured(tried, suspect, truth, crude).standing
