"""Which claims contradict each other, and which do not."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundbench.claim import Claim, Ending, EndReason, TaskResult
from soundbench.consistency import contradictions, count_compared
from soundbench.ground_truth import Expected
from soundbench.instance import VariantKind
from soundbench.judge import Judgement, Outcome, assess, withdraw_refuted
from soundbench.replay import Replay

POINT = (Fraction(0),)
REPLAYS = {
    Outcome.STRICT: Replay(POINT, POINT, True, True, True, False, "violating"),
    Outcome.TOLERANCE: Replay(POINT, POINT, False, True, True, False, "near"),
    Outcome.ROUNDING: Replay(POINT, POINT, False, False, False, True, "blurred"),
    Outcome.FAILED: Replay(POINT, POINT, False, False, False, False, "wrong"),
    Outcome.ABSENT: None,
}
PERMUTED, RESCALED = VariantKind.PERMUTED, VariantKind.RESCALED


def judged(claim, variant=None, *, outcome=Outcome.STRICT, expected=Expected.UNKNOWN, verifier="tool", instance="one"):
    assessment, remark = assess(claim, outcome, expected)
    ending = Ending(EndReason.EXIT, 0, None, 1.0, 1.0, 0)
    result = TaskResult(verifier, "1", instance, claim, "", ending, None, None, variant=variant)
    falsified = claim is Claim.FALSIFIED
    text = "((X_0 0.0))" if falsified and outcome is not Outcome.ABSENT else None
    replay = REPLAYS[outcome] if falsified else None
    return Judgement(result, expected, assessment, remark, "because", replay, text)


def contradicted(*judgements):
    """The variants of which one is said to be verified, the other falsified."""
    return [(each.verified.result.variant, each.falsified.result.variant) for each in contradictions(judgements)]


def test_a_flip_between_an_instance_and_its_variant():
    assert contradicted(judged(Claim.VERIFIED), judged(Claim.FALSIFIED, PERMUTED)) == [(None, PERMUTED)]
    assert contradicted(judged(Claim.FALSIFIED), judged(Claim.VERIFIED, PERMUTED)) == [(PERMUTED, None)]


def test_a_flip_between_two_variants():
    given_up = judged(Claim.TIMEOUT)
    assert contradicted(given_up, judged(Claim.VERIFIED, PERMUTED), judged(Claim.FALSIFIED, RESCALED)) == [
        (PERMUTED, RESCALED)
    ]


def test_one_flip_an_instance_with_the_best_evidence():
    found = contradicted(
        judged(Claim.VERIFIED),
        judged(Claim.VERIFIED, VariantKind.REORDERED),
        judged(Claim.FALSIFIED, PERMUTED, outcome=Outcome.ABSENT),
        judged(Claim.FALSIFIED, RESCALED),
    )
    assert found == [(None, RESCALED)]


@pytest.mark.parametrize("claim", [Claim.UNKNOWN, Claim.TIMEOUT, Claim.ERROR, Claim.UNSUPPORTED])
@pytest.mark.parametrize("other", [Claim.VERIFIED, Claim.FALSIFIED])
def test_giving_up_contradicts_nothing(claim, other):
    assert not contradicted(judged(claim), judged(other, PERMUTED))


@pytest.mark.parametrize(
    ("outcome", "expected", "counts"),
    [
        (Outcome.STRICT, Expected.VIOLATED, True),
        (Outcome.TOLERANCE, Expected.VIOLATED, True),
        (Outcome.ROUNDING, Expected.VIOLATED, True),
        (Outcome.FAILED, Expected.VIOLATED, False),
        (Outcome.ABSENT, Expected.VIOLATED, True),
        (Outcome.TOLERANCE, Expected.HOLDS, False),
        (Outcome.ROUNDING, Expected.HOLDS, False),
        (Outcome.FAILED, Expected.HOLDS, False),
        (Outcome.ABSENT, Expected.HOLDS, True),
        (Outcome.STRICT, Expected.UNKNOWN, True),
        (Outcome.TOLERANCE, Expected.UNKNOWN, False),
        (Outcome.ROUNDING, Expected.UNKNOWN, False),
        (Outcome.FAILED, Expected.UNKNOWN, False),
        (Outcome.ABSENT, Expected.UNKNOWN, True),
    ],
)
def test_which_counterexamples_count(outcome, expected, counts):
    pair = (
        judged(Claim.VERIFIED, expected=expected),
        judged(Claim.FALSIFIED, PERMUTED, outcome=outcome, expected=expected),
    )
    assert bool(contradicted(*pair)) == counts
    assert count_compared(pair) == counts


def test_verifiers_and_instances_do_not_mix():
    assert not contradicted(judged(Claim.VERIFIED), judged(Claim.FALSIFIED, PERMUTED, verifier="other"))
    assert not contradicted(judged(Claim.VERIFIED), judged(Claim.FALSIFIED, PERMUTED, instance="two"))


def test_nobody_is_accused_where_our_ground_truth_is_refuted():
    holds = {"expected": Expected.HOLDS}
    theirs = judged(Claim.FALSIFIED, PERMUTED, verifier="hero", **holds)
    own = judged(Claim.VERIFIED, **holds), judged(Claim.FALSIFIED, PERMUTED, outcome=Outcome.ABSENT, **holds)
    assert len(contradicted(*own)) == 1
    assert not contradicted(*withdraw_refuted([*own, theirs]))


@pytest.mark.parametrize(
    ("claims", "count"),
    [
        ([], 0),
        ([Claim.VERIFIED], 0),
        ([Claim.VERIFIED, Claim.TIMEOUT], 0),
        ([Claim.TIMEOUT, Claim.ERROR], 0),
        ([Claim.VERIFIED, Claim.VERIFIED], 1),
        ([Claim.FALSIFIED, Claim.VERIFIED, Claim.VERIFIED], 1),
    ],
)
def test_compared_are_instances_with_two_claims_that_might_differ(claims, count):
    judgements = [judged(claim, variant) for claim, variant in zip(claims, [None, *VariantKind], strict=False)]
    assert count_compared(judgements) == count


judgements = st.lists(
    st.builds(
        judged,
        st.sampled_from(Claim),
        st.sampled_from([None, *VariantKind]),
        outcome=st.sampled_from(Outcome),
        expected=st.sampled_from(Expected),
        verifier=st.sampled_from("ab"),
        instance=st.sampled_from("xy"),
    ),
    max_size=8,
)


@given(judgements)
def test_whoever_contradicts_himself_might_have(judgements):
    found = contradictions(judgements)
    assert len({(each.verified.result.verifier, each.verified.result.instance) for each in found}) == len(found)
    for each in found:
        assert (each.verified.result.claim, each.falsified.result.claim) == (Claim.VERIFIED, Claim.FALSIFIED)
        assert each.verified.result.verifier == each.falsified.result.verifier
        assert each.verified.result.instance == each.falsified.result.instance
    assert len(found) <= count_compared(judgements)


@given(judgements)
def test_the_order_decides_nothing_but_which_claims_are_shown(judgements):
    def who(order):
        return {(each.verified.result.verifier, each.verified.result.instance) for each in contradictions(order)}

    assert who(judgements) == who(judgements[::-1])
