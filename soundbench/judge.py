"""How is a claim judged? By what is proven of the instance, and by replaying the counterexample."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

from soundbench.assignment import is_assignment, parse_assignment
from soundbench.claim import Claim, TaskResult
from soundbench.counterexample import parse_counterexample
from soundbench.errors import HarnessError, InputError
from soundbench.ground_truth import Expected, GroundTruth
from soundbench.instance import Instance, Property
from soundbench.replay import Replay, open_onnx, replay


class Assessment(StrEnum):
    """What we make of a claim."""

    CORRECT = "correct"
    UNSOUND = "unsound"
    BAD_WITNESS = "bad-witness"
    FALSE_ALARM = "false-alarm"
    REFUTED = "ground-truth-refuted"
    UNCONFIRMED = "unconfirmed"
    INCONCLUSIVE = "inconclusive"
    INCONSISTENT = "inconsistent"


FINDINGS = frozenset(
    {
        Assessment.UNSOUND,
        Assessment.BAD_WITNESS,
        Assessment.FALSE_ALARM,
        Assessment.INCONSISTENT,
        Assessment.REFUTED,
    }
)
# Those that accuse a verifier, not us.
ACCUSATIONS = FINDINGS - {Assessment.REFUTED}


class Outcome(StrEnum):
    """What came of replaying the counterexample of a claim `falsified`; the value is the remark it leaves."""

    STRICT = "strict"
    TOLERANCE = "tolerance"
    ROUNDING = "rounding"
    FAILED = "failed"
    ABSENT = "no-witness"


ONNXRUNTIME_ONLY = "onnxruntime-only"
NEW_WITNESS = "new-witness"

_Cell = tuple[Assessment, str | None]

_FALSIFIED: Mapping[tuple[Outcome, Expected], _Cell] = {
    (Outcome.STRICT, Expected.VIOLATED): (Assessment.CORRECT, None),
    (Outcome.STRICT, Expected.HOLDS): (Assessment.REFUTED, None),
    (Outcome.STRICT, Expected.UNKNOWN): (Assessment.CORRECT, NEW_WITNESS),
    (Outcome.TOLERANCE, Expected.VIOLATED): (Assessment.CORRECT, Outcome.TOLERANCE.value),
    (Outcome.TOLERANCE, Expected.HOLDS): (Assessment.UNCONFIRMED, Outcome.TOLERANCE.value),
    (Outcome.TOLERANCE, Expected.UNKNOWN): (Assessment.UNCONFIRMED, Outcome.TOLERANCE.value),
    # The arithmetics part by rounding alone: not valid, but nobody can be accused of it.
    (Outcome.ROUNDING, Expected.VIOLATED): (Assessment.CORRECT, Outcome.ROUNDING.value),
    (Outcome.ROUNDING, Expected.HOLDS): (Assessment.UNCONFIRMED, Outcome.ROUNDING.value),
    (Outcome.ROUNDING, Expected.UNKNOWN): (Assessment.UNCONFIRMED, Outcome.ROUNDING.value),
    (Outcome.FAILED, Expected.VIOLATED): (Assessment.BAD_WITNESS, None),
    (Outcome.FAILED, Expected.HOLDS): (Assessment.FALSE_ALARM, None),
    (Outcome.FAILED, Expected.UNKNOWN): (Assessment.BAD_WITNESS, None),
    (Outcome.ABSENT, Expected.VIOLATED): (Assessment.CORRECT, Outcome.ABSENT.value),
    (Outcome.ABSENT, Expected.HOLDS): (Assessment.FALSE_ALARM, None),
    (Outcome.ABSENT, Expected.UNKNOWN): (Assessment.UNCONFIRMED, Outcome.ABSENT.value),
}
_VERIFIED: Mapping[Expected, _Cell] = {
    Expected.VIOLATED: (Assessment.UNSOUND, None),
    Expected.HOLDS: (Assessment.CORRECT, None),
    Expected.UNKNOWN: (Assessment.UNCONFIRMED, None),
}
PROVEN = {
    Expected.VIOLATED: "proven to be violated",
    Expected.HOLDS: "proven to hold",
    Expected.UNKNOWN: "of unknown ground truth",
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """A claim with our assessment of it and, in `reason`, one line that says why.

    `replay` is of the verifier's counterexample if it claimed `falsified`, and of our own witness if it
    claimed `verified` on a violated instance. `counterexample` is the verifier's text, as it gave it.
    `remark` holds words that narrow the assessment down (`tolerance`, `rounding`, `no-witness`,
    `new-witness`, `onnxruntime-only`), joined by ', '.
    """

    result: TaskResult
    expected: Expected
    assessment: Assessment
    remark: str | None
    reason: str
    replay: Replay | None
    counterexample: str | None = None


def assess(claim: Claim, outcome: Outcome, expected: Expected) -> tuple[Assessment, str | None]:
    """The table: a claim, what its counterexample came to (used for `falsified` only), and what is proven."""
    if claim is Claim.VERIFIED:
        return _VERIFIED[expected]
    if claim is Claim.FALSIFIED:
        return _FALSIFIED[outcome, expected]
    return Assessment.INCONCLUSIVE, None


def judge(
    result: TaskResult,
    instance: Instance,
    unsafe: Property,
    truth: GroundTruth | None,
    counterexample_text: str | None,
    *,
    witness_replay: Replay | None = None,
) -> Judgement:
    """Judge one result; `truth` is None where nothing is known of the instance.

    Before anybody is called unsound, our own witness is replayed; `witness_replay` is that replay where the
    caller has it already (`replay_witness`). If it is not strict, the ground truth is refuted instead.

    Raises:
        InputError: the network cannot be read or run.
        HarnessError: the ground truth says `violated` without a witness.
    """
    expected = truth.expected if truth else Expected.UNKNOWN
    if result.claim is Claim.FALSIFIED:
        return _judge_falsified(result, instance, unsafe, expected, counterexample_text)
    if result.claim is Claim.VERIFIED and truth and expected is Expected.VIOLATED:
        own = witness_replay or replay_witness(instance, unsafe, truth)
        return _judge_unsound(result, own)
    assessment, remark = assess(result.claim, Outcome.ABSENT, expected)
    reason = f"{result.claim} where the instance is {PROVEN[expected]}"
    return Judgement(result, expected, assessment, remark, reason, None)


def replay_witness(instance: Instance, unsafe: Property, truth: GroundTruth) -> Replay:
    """Replay the witness recorded for an instance.

    Raises:
        HarnessError: there is none.
    """
    if truth.witness is None:
        raise HarnessError(f"{instance.name}: its ground truth is violated, but has no witness; certify the suite")
    return replay(instance.onnx, unsafe, truth.witness.point)


def withdraw_refuted(judgements: Sequence[Judgement]) -> tuple[Judgement, ...]:
    """Stop accusing anybody, and crediting a proof, on instances whose ground truth a judgement has refuted.

    All verifiers' judgements go in together, since one verifier's counterexample refutes the label for all.
    """
    refuted = {each.result.instance for each in judgements if each.assessment is Assessment.REFUTED}
    return tuple(_withdraw(each) if each.result.instance in refuted else each for each in judgements)


def _judge_falsified(
    result: TaskResult, instance: Instance, unsafe: Property, expected: Expected, text: str | None
) -> Judgement:
    found: Replay | None = None
    if text is None or not text.strip():
        outcome, reason = Outcome.ABSENT, "it claims a counterexample, but gives none"
    else:
        if is_assignment(text):
            read = partial(parse_assignment, text, open_onnx(instance.onnx).interface())
        else:
            read = partial(parse_counterexample, text, unsafe.input_count)
        try:
            point = read(f"counterexample of {result.verifier}")
        except InputError as error:
            outcome, reason = Outcome.FAILED, str(error)
        else:
            found = replay(instance.onnx, unsafe, point)
            outcome, reason = _outcome(found), found.reason
    assessment, remark = assess(Claim.FALSIFIED, outcome, expected)
    return Judgement(result, expected, assessment, _with_doubt(remark, found), reason, found, text)


def _judge_unsound(result: TaskResult, own: Replay) -> Judgement:
    assessment, remark = assess(Claim.VERIFIED, Outcome.ABSENT, Expected.VIOLATED)
    reason = f"verified, but at our witness {own.reason}"
    if not own.strict:
        assessment, reason = Assessment.REFUTED, f"our own witness does not replay: {own.reason}"
    return Judgement(result, Expected.VIOLATED, assessment, _with_doubt(remark, own), reason, own)


def _outcome(found: Replay) -> Outcome:
    if found.strict:
        return Outcome.STRICT
    if found.within_tolerance:
        return Outcome.TOLERANCE
    return Outcome.ROUNDING if found.rounding else Outcome.FAILED


def _with_doubt(remark: str | None, found: Replay | None) -> str | None:
    """The remark, and that rigorous arithmetic had no say in a replay that succeeded."""
    alone = found is not None and found.within_tolerance and found.rigorous is None
    return ", ".join(filter(None, (remark, ONNXRUNTIME_ONLY if alone else None))) or None


def _withdraw(judgement: Judgement) -> Judgement:
    proven = judgement.replay is not None and judgement.replay.strict
    if judgement.assessment in (Assessment.REFUTED, Assessment.INCONCLUSIVE):
        return judgement
    if judgement.assessment is Assessment.CORRECT and proven:
        return judgement
    return replace(judgement, assessment=Assessment.UNCONFIRMED, remark=Assessment.REFUTED.value)
