"""Every cell of the table of assessments, and the way from a claim to its cell."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_networks import unsafe_set, write_network

from soundbench.claim import Claim, Ending, EndReason, TaskResult
from soundbench.errors import HarnessError, InputError
from soundbench.ground_truth import Expected, GroundTruth, Role, Witness
from soundbench.instance import Instance
from soundbench.judge import (
    FINDINGS,
    Assessment,
    Judgement,
    Outcome,
    assess,
    judge,
    replay_witness,
    withdraw_refuted,
)

# claim, replay of its counterexample | on violated | on holds | on unknown; the remark stands in brackets.
TABLE = """
verified              | unsound                | correct                 | unconfirmed
falsified strict      | correct                | ground-truth-refuted    | correct [new-witness]
falsified tolerance   | correct [tolerance]    | unconfirmed [tolerance] | unconfirmed [tolerance]
falsified rounding    | correct [rounding]     | unconfirmed [rounding]  | unconfirmed [rounding]
falsified failed      | bad-witness            | false-alarm             | bad-witness
falsified no-witness  | correct [no-witness]   | false-alarm             | unconfirmed [no-witness]
unknown               | inconclusive           | inconclusive            | inconclusive
timeout               | inconclusive           | inconclusive            | inconclusive
error                 | inconclusive           | inconclusive            | inconclusive
unsupported           | inconclusive           | inconclusive            | inconclusive
"""
COLUMNS = (Expected.VIOLATED, Expected.HOLDS, Expected.UNKNOWN)


def cells():
    for line in TABLE.strip().splitlines():
        head, *columns = (part.strip() for part in line.split("|"))
        claim, *outcome = head.split()
        outcomes = [Outcome(each) for each in outcome] or list(Outcome)
        for expected, cell in zip(COLUMNS, columns, strict=True):
            assessment, _, remark = cell.rstrip("]").partition(" [")
            for each in outcomes:
                yield Claim(claim), each, expected, Assessment(assessment), remark or None


claims, outcomes, labels = st.sampled_from(Claim), st.sampled_from(Outcome), st.sampled_from(Expected)


class TestTable:
    @pytest.mark.parametrize(("claim", "outcome", "expected", "assessment", "remark"), list(cells()))
    def test_cell(self, claim, outcome, expected, assessment, remark):
        assert assess(claim, outcome, expected) == (assessment, remark)

    def test_no_cell_is_missing(self):
        written = {cell[:3] for cell in cells()}
        assert written == {(c, o, e) for c in Claim for o in Outcome for e in Expected}

    @given(claims, outcomes, labels)
    def test_unsound_is_only_a_proof_of_what_is_violated(self, claim, outcome, expected):
        assessment, _ = assess(claim, outcome, expected)
        unsound = claim is Claim.VERIFIED and expected is Expected.VIOLATED
        assert (assessment is Assessment.UNSOUND) == unsound

    @given(claims, outcomes, labels)
    def test_only_a_strict_replay_refutes_us(self, claim, outcome, expected):
        assessment, _ = assess(claim, outcome, expected)
        refutes = claim is Claim.FALSIFIED and outcome is Outcome.STRICT and expected is Expected.HOLDS
        assert (assessment is Assessment.REFUTED) == refutes

    @given(outcomes, labels)
    def test_a_counterexample_that_is_not_strict_is_never_correct_without_a_remark(self, outcome, expected):
        assessment, remark = assess(Claim.FALSIFIED, outcome, expected)
        if assessment is Assessment.CORRECT and outcome is not Outcome.STRICT:
            assert remark == outcome

    @given(claims, outcomes)
    def test_without_ground_truth_only_a_failed_replay_accuses(self, claim, outcome):
        assessment, _ = assess(claim, outcome, Expected.UNKNOWN)
        failed = claim is Claim.FALSIFIED and outcome is Outcome.FAILED
        assert (assessment in FINDINGS) == failed

    @given(st.sampled_from([Claim.UNKNOWN, Claim.TIMEOUT, Claim.ERROR, Claim.UNSUPPORTED]), outcomes, labels)
    def test_giving_up_is_never_a_verdict(self, claim, outcome, expected):
        assert assess(claim, outcome, expected) == (Assessment.INCONCLUSIVE, None)


# Y_0 = X_0 on [0, 1]; unsafe where Y_0 >= 0.75 (violated), or where Y_0 >= 2 (holds).
BOX = ("(>= X_0 0.0)", "(<= X_0 1.0)")
VIOLATED = unsafe_set(1, 1, *BOX, "(>= Y_0 0.75)")
HOLDS = unsafe_set(1, 1, *BOX, "(>= Y_0 2.0)")
VALID = "((X_0 0.875)\n(Y_0 0.875))"
TOO_HIGH = "((X_0 1.00005))"
HARMLESS = "((X_0 0.25))"
FAR_OUTSIDE = "((X_0 3.0))"
# The same in the form of VNN-LIB 2.0.
VALID_2 = "X float32 [1,1]\n0.875\nY float32 [1,1]\n0.875\n"
TOO_HIGH_2 = VALID_2.replace("0.875", "1.00005")
HARMLESS_2 = VALID_2.replace("0.875", "0.25")


def truth(expected: Expected, point: float | None = None) -> GroundTruth:
    witness = None if point is None else Witness((Fraction(point),), 0.1, 0.1, 0.1, 1e-6, 0.01)
    return GroundTruth(expected, "planted", "mlp/interior", Role.ARMED, witness=witness)


def result(claim: Claim, verifier: str = "tool", instance: str = "one") -> TaskResult:
    ending = Ending(EndReason.EXIT, 0, None, 1.0, 1.0, 0)
    return TaskResult(verifier, "1.0", instance, claim, "raw", ending, None, None)


@pytest.fixture
def instance(tmp_path):
    path = write_network(tmp_path / "identity.onnx", [[1.0]])
    return Instance("one", path, tmp_path / "one.vnnlib", 5.0)


class TestJudge:
    @pytest.mark.parametrize(
        ("unsafe", "known", "text", "assessment", "remark"),
        [
            (VIOLATED, truth(Expected.VIOLATED, 1.0), VALID, Assessment.CORRECT, None),
            (VIOLATED, truth(Expected.VIOLATED, 1.0), TOO_HIGH, Assessment.CORRECT, "tolerance"),
            (VIOLATED, truth(Expected.VIOLATED, 1.0), HARMLESS, Assessment.BAD_WITNESS, None),
            (VIOLATED, truth(Expected.VIOLATED, 1.0), FAR_OUTSIDE, Assessment.BAD_WITNESS, None),
            (VIOLATED, truth(Expected.VIOLATED, 1.0), None, Assessment.CORRECT, "no-witness"),
            (VIOLATED, truth(Expected.VIOLATED, 1.0), " \n", Assessment.CORRECT, "no-witness"),
            (VIOLATED, truth(Expected.HOLDS), VALID, Assessment.REFUTED, None),
            (VIOLATED, truth(Expected.HOLDS), TOO_HIGH, Assessment.UNCONFIRMED, "tolerance"),
            (HOLDS, truth(Expected.HOLDS), VALID, Assessment.FALSE_ALARM, None),
            (HOLDS, truth(Expected.HOLDS), FAR_OUTSIDE, Assessment.FALSE_ALARM, None),
            (HOLDS, truth(Expected.HOLDS), None, Assessment.FALSE_ALARM, None),
            (VIOLATED, None, VALID, Assessment.CORRECT, "new-witness"),
            (VIOLATED, truth(Expected.UNKNOWN), VALID, Assessment.CORRECT, "new-witness"),
            (VIOLATED, None, TOO_HIGH, Assessment.UNCONFIRMED, "tolerance"),
            (VIOLATED, None, HARMLESS, Assessment.BAD_WITNESS, None),
            (VIOLATED, None, None, Assessment.UNCONFIRMED, "no-witness"),
            (VIOLATED, truth(Expected.VIOLATED, 1.0), VALID_2, Assessment.CORRECT, None),
            (VIOLATED, truth(Expected.HOLDS), TOO_HIGH_2, Assessment.UNCONFIRMED, "tolerance"),
            (VIOLATED, None, HARMLESS_2, Assessment.BAD_WITNESS, None),
        ],
    )
    def test_falsified(self, instance, unsafe, known, text, assessment, remark):
        found = judge(result(Claim.FALSIFIED), instance, unsafe, known, text)
        assert (found.assessment, found.remark) == (assessment, remark)
        assert found.expected is (known.expected if known else Expected.UNKNOWN)
        assert found.reason

    @pytest.mark.parametrize(
        "text",
        [
            "((X_0 0.875)(X_1 0.5))",
            "((Y_0 0.875))",
            "((X_0 nan))",
            "((X_0 inf))",
            "((X_0 0.875",
            "gibberish",
            VALID_2.partition("Y")[0],
            VALID_2.replace("X float32 [1,1]", "X float32 [1]"),
            VALID_2.replace("0.875", "nan"),
        ],
    )
    def test_a_counterexample_that_cannot_be_read_does_not_replay(self, instance, text):
        found = judge(result(Claim.FALSIFIED), instance, VIOLATED, truth(Expected.VIOLATED, 1.0), text)
        assert (found.assessment, found.replay, found.counterexample) == (Assessment.BAD_WITNESS, None, text)
        assert found.reason

    def test_arithmetics_that_part_accuse_nobody(self, instance, tmp_path):
        absorbing = write_network(tmp_path / "absorbing.onnx", [[1.0]], shift=[1e9, -1e9])
        instance = replace(instance, onnx=absorbing)
        low = unsafe_set(1, 1, *BOX, "(<= Y_0 0.5)")
        found = judge(result(Claim.FALSIFIED), instance, low, truth(Expected.VIOLATED, 0.0), VALID)
        assert (found.assessment, found.remark) == (Assessment.CORRECT, "rounding")
        found = judge(result(Claim.FALSIFIED), instance, low, truth(Expected.HOLDS), VALID)
        assert (found.assessment, found.remark) == (Assessment.UNCONFIRMED, "rounding")

    def test_an_operator_without_exact_meaning_is_remarked(self, instance, tmp_path):
        instance = replace(instance, onnx=write_network(tmp_path / "erf.onnx", [[1.0]], then=["Erf"]))
        low = unsafe_set(1, 1, *BOX, "(>= Y_0 0.5)")
        found = judge(result(Claim.FALSIFIED), instance, low, truth(Expected.VIOLATED, 1.0), VALID)
        assert (found.assessment, found.remark) == (Assessment.CORRECT, "onnxruntime-only")
        found = judge(result(Claim.FALSIFIED), instance, low, truth(Expected.VIOLATED, 1.0), TOO_HIGH)
        assert (found.assessment, found.remark) == (Assessment.CORRECT, "tolerance, onnxruntime-only")
        found = judge(result(Claim.VERIFIED), instance, low, truth(Expected.VIOLATED, 1.0), None)
        assert (found.assessment, found.remark) == (Assessment.UNSOUND, "onnxruntime-only")

    @pytest.mark.parametrize(
        ("known", "assessment"),
        [
            (truth(Expected.VIOLATED, 0.875), Assessment.UNSOUND),
            (truth(Expected.HOLDS), Assessment.CORRECT),
            (truth(Expected.UNKNOWN), Assessment.UNCONFIRMED),
            (None, Assessment.UNCONFIRMED),
        ],
    )
    def test_verified(self, instance, known, assessment):
        found = judge(result(Claim.VERIFIED), instance, VIOLATED, known, None)
        assert found.assessment is assessment
        assert (found.replay is not None) == (assessment is Assessment.UNSOUND)

    def test_unsound_shows_our_witness(self, instance):
        found = judge(result(Claim.VERIFIED), instance, VIOLATED, truth(Expected.VIOLATED, 0.875), None)
        assert found.replay.point == (Fraction(7, 8),)
        assert found.reason == "verified, but at our witness the input is in the box and Y_0 = 0.875 >= 0.75"

    @pytest.mark.parametrize("point", [0.25, 3.0, 1.00005])
    def test_a_witness_of_ours_that_does_not_replay_accuses_us(self, instance, point):
        found = judge(result(Claim.VERIFIED), instance, VIOLATED, truth(Expected.VIOLATED, point), None)
        assert found.assessment is Assessment.REFUTED
        assert found.reason.startswith("our own witness does not replay")

    def test_a_replay_at_hand_is_used(self, instance):
        known = truth(Expected.VIOLATED, 0.875)
        own = replay_witness(instance, VIOLATED, known)
        gone = replace(instance, onnx=instance.onnx.with_name("gone.onnx"))
        found = judge(result(Claim.VERIFIED), gone, VIOLATED, known, None, witness_replay=own)
        assert (found.assessment, found.replay) == (Assessment.UNSOUND, own)

    def test_violated_without_a_witness_is_our_failure(self, instance):
        with pytest.raises(HarnessError, match=r"one: .*no witness"):
            judge(result(Claim.VERIFIED), instance, VIOLATED, truth(Expected.VIOLATED), None)

    @pytest.mark.parametrize("claim", [Claim.UNKNOWN, Claim.TIMEOUT, Claim.ERROR, Claim.UNSUPPORTED])
    def test_a_counterexample_beside_another_claim_is_not_looked_at(self, instance, claim):
        found = judge(result(claim), instance, VIOLATED, truth(Expected.HOLDS), VALID)
        assert (found.assessment, found.replay) == (Assessment.INCONCLUSIVE, None)

    @pytest.mark.parametrize("text", [VALID, VALID_2])
    def test_a_network_that_is_gone_is_a_users_error(self, instance, text):
        gone = replace(instance, onnx=instance.onnx.with_name("gone.onnx"))
        with pytest.raises(InputError, match=r"gone\.onnx"):
            judge(result(Claim.FALSIFIED), gone, VIOLATED, None, text)


class TestWithdrawal:
    @pytest.fixture
    def refuting(self, instance):
        return judge(result(Claim.FALSIFIED), instance, VIOLATED, truth(Expected.HOLDS), VALID)

    def verdict(self, assessment: Assessment, claim: Claim, instance: str = "one") -> Judgement:
        return Judgement(result(claim, "other", instance), Expected.HOLDS, assessment, None, "because", None, None)

    def test_nobody_is_accused_or_credited_on_a_refuted_instance(self, refuting):
        alarm = self.verdict(Assessment.FALSE_ALARM, Claim.FALSIFIED)
        proof = self.verdict(Assessment.CORRECT, Claim.VERIFIED)
        silence = self.verdict(Assessment.INCONCLUSIVE, Claim.TIMEOUT)
        after = withdraw_refuted([alarm, proof, refuting, silence])
        assert [each.assessment for each in after] == [
            Assessment.UNCONFIRMED,
            Assessment.UNCONFIRMED,
            Assessment.REFUTED,
            Assessment.INCONCLUSIVE,
        ]
        assert after[0].remark == "ground-truth-refuted"

    def test_other_instances_are_left_alone(self, refuting):
        alarm = self.verdict(Assessment.FALSE_ALARM, Claim.FALSIFIED, "two")
        assert withdraw_refuted([alarm, refuting]) == (alarm, refuting)

    def test_a_replayed_counterexample_stands_whatever_becomes_of_our_witness(self, instance):
        known = truth(Expected.VIOLATED, 0.25)
        found = judge(result(Claim.FALSIFIED, "finder"), instance, VIOLATED, known, VALID)
        blamed = judge(result(Claim.VERIFIED), instance, VIOLATED, known, None)
        assert blamed.assessment is Assessment.REFUTED
        assert withdraw_refuted([found, blamed]) == (found, blamed)
