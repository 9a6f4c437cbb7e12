"""A pair is exercised by who proves its misaligned or crowd twin, and can answer on its armed member."""

from dataclasses import replace

import pytest
from small_suite import GROUND_TRUTH

from soundbench.claim import Claim
from soundbench.exercised import CONTROL_KINDS, EXERCISING_KINDS, Members, exercised_instances, pairs_of
from soundbench.ground_truth import Expected, TwinKind

CLAIMS = {"armed": Claim.TIMEOUT, "twin": Claim.VERIFIED, "clean": Claim.VERIFIED}


def with_kind(kind: TwinKind) -> dict:
    return {**GROUND_TRUTH, "twin": replace(GROUND_TRUTH["twin"], twin_kind=kind)}


def test_the_kinds_of_twins_are_told_apart():
    assert {*EXERCISING_KINDS, *CONTROL_KINDS} == set(TwinKind)
    for kind in TwinKind:
        by_kinds = [exercised_instances(CLAIMS, with_kind(kind), kinds) for kinds in (EXERCISING_KINDS, CONTROL_KINDS)]
        assert by_kinds == ([(), ("armed",)] if kind is TwinKind.SCALED else [("armed",), ()])


@pytest.mark.parametrize("claim", [each for each in Claim if each is not Claim.VERIFIED])
def test_the_twin_has_to_be_proven(claim: Claim):
    assert exercised_instances({**CLAIMS, "twin": claim}, GROUND_TRUTH) == ()


@pytest.mark.parametrize("claim", Claim)
def test_the_armed_member_has_to_be_answered(claim: Claim):
    is_answered = claim not in (Claim.ERROR, Claim.UNSUPPORTED)
    assert exercised_instances({**CLAIMS, "armed": claim}, GROUND_TRUTH) == (("armed",) if is_answered else ())


def test_verified_of_a_twin_that_is_not_known_to_hold_proves_nothing():
    truth = {**GROUND_TRUTH, "twin": replace(GROUND_TRUTH["twin"], expected=Expected.UNKNOWN)}
    assert exercised_instances(CLAIMS, truth) == ()


def test_a_twin_of_another_pair_does_not_count():
    truth = {**GROUND_TRUTH, "twin": replace(GROUND_TRUTH["twin"], pair="q")}
    assert pairs_of(CLAIMS, truth) == {}
    assert exercised_instances(CLAIMS, truth) == ()


def test_a_pair_has_its_armed_members_and_twins():
    assert pairs_of(CLAIMS, GROUND_TRUTH) == {"p": Members(("armed",), ("twin",))}
    assert pairs_of(["clean", "armed"], GROUND_TRUTH) == {}


def test_nothing_is_known_of_an_instance_without_ground_truth():
    assert exercised_instances(CLAIMS, {}) == ()
