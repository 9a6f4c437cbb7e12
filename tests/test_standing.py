"""How a suspect stands: what counts as caught, what is told apart from it, and what is harmless in which way."""

from dataclasses import replace

import pytest
from trials import OTHER, STRONG, TRUTH, UNKNOWN_TRUTH, VERIFIED, WEAK, measured, standing, trial, trials

from soundbench.claim import Claim
from soundbench.ground_truth import Expected, Track, TwinKind
from soundbench.standing import LEAST_INSTANCES, Standing
from soundbench.trial import Reply, Trial

SCALED = {name: replace(truth, twin_kind=truth.twin_kind and TwinKind.SCALED) for name, truth in TRUTH.items()}


def test_verified_of_an_armed_instance_is_caught():
    assert standing(trials(armed=VERIFIED)) is Standing.CAUGHT


@pytest.mark.parametrize("track", Track)
def test_the_twins_kind_decides_on_every_track(track: Track):
    for truth, expected in ((TRUTH, Standing.CAUGHT), (SCALED, Standing.CONTROLS_ONLY)):
        on_track = {name: replace(each, track=track) for name, each in truth.items()}
        assert standing(trials(armed=VERIFIED), truth=on_track) is expected


def test_verified_of_an_armed_instance_whose_twin_is_scaled_is_told_apart():
    found = measured(trials(armed=VERIFIED), truth=SCALED)
    assert found.standing is Standing.CONTROLS_ONLY
    assert (found.caught, found.on_controls, found.seconds) == ((), ("armed",), None)


def test_a_pair_with_a_scaled_and_another_twin_is_no_control():
    truth = {**TRUTH, "second twin": replace(SCALED["second twin"], pair="p")}
    found = measured([*trials(armed=VERIFIED), trial("second twin", Claim.VERIFIED)], truth=truth)
    assert (found.caught, found.on_controls) == (("armed",), ())


def test_verified_where_there_is_nothing_to_catch_escapes():
    """Of a clean box of which nobody knows."""
    assert standing(trials(clean=VERIFIED), truth=UNKNOWN_TRUTH) is Standing.ESCAPES


def test_a_right_proof_that_the_sound_verifier_has_not_found_is_no_escape():
    assert measured(trials(clean=VERIFIED)).live == ("clean",)
    assert standing(trials(clean=VERIFIED)) is Standing.LOOSER


def long_run(agreeing: int, instances: int = LEAST_INSTANCES, suspect: str = "strong") -> list[Trial]:
    """One pair that catches, and clean boxes, on some of which the suspect says otherwise."""
    others = instances - 2
    claims = [Claim.TIMEOUT] * (agreeing - 1) + [Claim.UNKNOWN] * (others - agreeing + 1)
    clean = [trial(f"clean {number}", Claim.TIMEOUT, **{suspect: claim}) for number, claim in enumerate(claims)]
    return [trial("armed", Claim.TIMEOUT, **{suspect: Claim.VERIFIED}), trial("twin", Claim.VERIFIED), *clean]


def test_who_agrees_on_less_than_four_in_five_is_too_crude_and_caught_nowhere():
    assert standing(long_run(8)) is Standing.CAUGHT
    found = measured(long_run(7))
    assert (found.standing, found.agreement) == (Standing.TOO_CRUDE, 0.7)
    assert (found.live, found.caught, found.on_controls, found.seconds) == (("armed",), (), (), None)


def test_a_fault_that_cannot_help_it_may_be_crude():
    assert standing(long_run(7), crude=("swap",)) is Standing.TOO_CRUDE
    assert standing(long_run(7), crude=("lost",)) is Standing.CAUGHT


def test_of_few_instances_nobody_is_too_crude():
    assert standing(long_run(3, LEAST_INSTANCES - 1)) is Standing.CAUGHT


def test_who_is_live_nowhere_is_not_called_crude():
    tried = [trial("twin", Claim.VERIFIED, strong=Claim.TIMEOUT)] * LEAST_INSTANCES
    assert standing(tried) is Standing.LOOSER


def test_agreement_is_over_all_instances_and_over_those_on_which_it_was_run():
    tried = trials(armed=VERIFIED, twin={"strong": Claim.VERIFIED})
    strong, other = measured(tried), measured(tried, OTHER)
    assert (strong.agreement, strong.agreement_where_run, strong.run) == (pytest.approx(2 / 3), 0.5, 2)
    assert (other.agreement, other.agreement_where_run, other.run) == (1.0, None, 0)
    assert measured([]).agreement is None


# --- live nowhere

SAYS = {claim: {"strong": claim} for claim in Claim}


def test_the_same_claims_are_equivalent():
    same = trials(armed=SAYS[Claim.FALSIFIED], twin=SAYS[Claim.VERIFIED], clean=SAYS[Claim.TIMEOUT])
    assert standing(same) is Standing.EQUIVALENT


@pytest.mark.parametrize("claim", [Claim.UNKNOWN, Claim.TIMEOUT, Claim.ERROR, Claim.UNSUPPORTED])
def test_weaker_claims_are_only_looser(claim: Claim):
    assert standing(trials(armed=SAYS[claim], twin=SAYS[claim])) is Standing.LOOSER


@pytest.mark.parametrize("expected", Expected)
def test_falsified_of_what_is_not_known_to_be_violated_is_a_false_alarm(expected: Expected):
    truth = {**TRUTH, "clean": replace(TRUTH["clean"], expected=expected)}
    is_right = expected is Expected.VIOLATED
    found = measured(trials(clean=SAYS[Claim.FALSIFIED]), truth=truth)
    assert found.standing is (Standing.LOOSER if is_right else Standing.FALSE_ALARMS)
    assert found.false_alarms == (() if is_right else ("clean",))


def test_falsified_where_the_sound_verifier_says_so_too_is_its_own_matter():
    tried = [trial("clean", Claim.FALSIFIED, strong=Claim.FALSIFIED)]
    assert standing(tried) is Standing.EQUIVALENT


def test_who_is_caught_is_caught_whatever_else_it_says():
    found = measured(trials(armed=VERIFIED, twin=SAYS[Claim.FALSIFIED]))
    assert (found.standing, found.false_alarms) == (Standing.CAUGHT, ("twin",))


def test_what_is_never_run_is_not_exercised():
    assert standing(trials(armed=VERIFIED), OTHER) is Standing.NOT_EXERCISED


def test_a_weaker_strength_that_was_not_run_is_told_from_one_that_nothing_touches():
    assert standing(trials(armed=SAYS[Claim.FALSIFIED]), WEAK) is Standing.NOT_RUN
    assert standing(trials(), WEAK) is Standing.NOT_EXERCISED
    assert standing(trials(armed={"weak": Claim.FALSIFIED}), WEAK) is Standing.EQUIVALENT


@pytest.mark.parametrize("claim", [each for each in Claim if each is not Claim.VERIFIED])
def test_whatever_else_a_suspect_says_of_an_armed_instance_is_no_lie(claim: Claim):
    found = standing(trials(armed=SAYS[claim]))
    assert found is (Standing.EQUIVALENT if claim is Claim.FALSIFIED else Standing.LOOSER)


@pytest.mark.parametrize("claim", [Claim.TIMEOUT, Claim.FALSIFIED, Claim.ERROR])
def test_where_the_twin_is_not_proven_nothing_is_caught(claim: Claim):
    tried = [replace(each, sound=Reply(claim, 1.0)) if each.instance == "twin" else each for each in trials()]
    lying = [replace(each, replies={STRONG: Reply(Claim.VERIFIED, 1.0)}) for each in tried]
    assert standing(lying) is Standing.ESCAPES
