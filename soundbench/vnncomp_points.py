"""How many points does VNN-COMP 2026 give, how many would our ground truth give, and why are they not the same?

Both give 10 for what is right and take 150 for what is wrong. VNN-COMP takes `violated` for right if the tool's own
counterexample replays in ONNX Runtime, strictly or with inputs up to 1e-4 outside, and for wrong if not. It takes
`holds` for wrong if the counterexample of some tool replays strictly, and for right if not.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from soundbench.claim import Claim
from soundbench.instance import Property
from soundbench.judge import ACCUSATIONS, Assessment, Judgement
from soundbench.replay import TOLERANCE

RIGHT, WRONG = 10, -150
VERDICTS = (Claim.VERIFIED, Claim.FALSIFIED)


class Shown(StrEnum):
    """What VNN-COMP's check, ONNX Runtime alone, makes of a counterexample."""

    STRICT = "strict"
    TOLERANCE = "tolerance"
    INVALID = "invalid"
    ABSENT = "absent"


# Why a claim `violated` may get other points there than here, by what became of its counterexample.
FALSIFIED = {
    Shown.STRICT: "ONNX Runtime alone decides there; here it must be a counterexample over the real numbers, too",
    Shown.TOLERANCE: "inputs up to 1e-4 outside are right there; here only if the instance is violated anyway",
    Shown.INVALID: "the counterexample is wrong there, but by rounding alone, of which nobody is accused here",
    Shown.ABSENT: "violated without a counterexample is wrong there; here the ground truth decides, if there is one",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """A result that we have judged, what VNN-COMP makes of its counterexample, and the instance's timeout."""

    judgement: Judgement
    shown: Shown
    timeout_seconds: float

    @property
    def is_late(self) -> bool:
        """Whether it is a verdict that came after the timeout."""
        result = self.judgement.result
        return result.claim in VERDICTS and result.ending.wall_seconds > self.timeout_seconds


@dataclass(frozen=True, slots=True)
class Points:
    """The points of one result there and here, and why they differ; None if they do not."""

    verifier: str
    instance: str
    vnncomp: int
    ours: int
    difference: str | None


def shown(judgement: Judgement, unsafe: Property) -> Shown:
    """What VNN-COMP makes of a result's counterexample."""
    replay = judgement.replay
    if judgement.result.claim is not Claim.FALSIFIED or not (judgement.counterexample or "").strip():
        return Shown.ABSENT
    if replay is None or not replay.outputs:
        return Shown.INVALID
    if replay.strict or unsafe.is_violated_by(replay.point, replay.outputs):
        return Shown.STRICT
    return Shown.TOLERANCE if unsafe.is_violated_by(replay.point, replay.outputs, TOLERANCE) else Shown.INVALID


def points(judged: Sequence[Judged]) -> tuple[Points, ...]:
    """The points of all verifiers' results, in order: a counterexample that one of them shows counts against others."""
    refuted = {each.judgement.result.instance for each in judged if each.shown is Shown.STRICT and not each.is_late}
    return tuple(_points(each, each.judgement.result.instance in refuted) for each in judged)


def differences(of_all: Sequence[Points]) -> Mapping[tuple[str, int, int, str], Sequence[str]]:
    """The instances of every difference, by verifier, points there, points here, and reason."""
    groups: dict[tuple[str, int, int, str], list[str]] = defaultdict(list)
    for each in of_all:
        if each.difference is not None:
            groups[each.verifier, each.vnncomp, each.ours, each.difference].append(each.instance)
    return groups


def _points(judged: Judged, is_refuted: bool) -> Points:
    judgement = judged.judgement
    there, here = _vnncomp(judged, is_refuted), _ours(judgement)
    reason = None if there == here else _difference(judged, there)
    return Points(judgement.result.verifier, judgement.result.instance, there, here, reason)


def _vnncomp(judged: Judged, is_refuted: bool) -> int:
    claim = judged.judgement.result.claim
    if judged.is_late or claim not in VERDICTS:
        return 0
    if claim is Claim.VERIFIED:
        return WRONG if is_refuted else RIGHT
    return RIGHT if judged.shown in (Shown.STRICT, Shown.TOLERANCE) else WRONG


def _ours(judgement: Judgement) -> int:
    if judgement.assessment is Assessment.CORRECT:
        return RIGHT
    return WRONG if judgement.assessment in ACCUSATIONS else 0


def _difference(judged: Judged, there: int) -> str:
    """Why the points differ, in half a line."""
    if judged.is_late:
        return "it came after the timeout, which ends a run there; a claim stays a claim here"
    if judged.judgement.result.claim is Claim.VERIFIED:
        return _difference_of_verified(judged.judgement.assessment, there)
    if judged.judgement.assessment is Assessment.REFUTED:
        return "right there; here it refutes the ground truth, which its makers have to explain"
    return FALSIFIED[judged.shown]


def _difference_of_verified(assessment: Assessment, there: int) -> str:
    if assessment is Assessment.UNSOUND:
        return "no tool showed a valid counterexample, which decides there; a certified witness decides here"
    if assessment is Assessment.CORRECT:
        return "a counterexample that ONNX Runtime alone confirms decides there; a proof decides here"
    if there == RIGHT:
        return "right there, as no tool showed a valid counterexample; nothing is proven of the instance here"
    return "a tool's counterexample decides there; here it decides once it is certified: soundbench witness add"
