"""Does a verifier contradict itself? It does if it answers one question, in other words, the other way round."""

from collections.abc import Sequence
from dataclasses import dataclass

from soundbench.claim import Claim
from soundbench.judge import Assessment, Judgement


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two claims of one verifier, on an instance and a variant of it or on two variants, of which one is wrong."""

    verified: Judgement
    falsified: Judgement


def contradictions(judgements: Sequence[Judgement]) -> tuple[Contradiction, ...]:
    """The contradictions in all verifiers' judgements, at most one a verifier and instance.

    Of several claims the first is taken, and of those that are `falsified` rather one whose counterexample replays.
    Nobody is accused where our ground truth is refuted, since a variant may then not mean what we think.
    """
    refuted = {each.result.instance for each in judgements if each.assessment is Assessment.REFUTED}
    found = []
    for group in _by_question(judgements):
        verified = [each for each in group if each.result.claim is Claim.VERIFIED]
        falsified = sorted(filter(_is_falsified, group), key=lambda each: each.replay is None)
        if verified and falsified and verified[0].result.instance not in refuted:
            found.append(Contradiction(verified[0], falsified[0]))
    return tuple(found)


def count_compared(judgements: Sequence[Judgement]) -> int:
    """On how many instances a verifier might have contradicted itself: those with two claims that could."""
    decided = [each for each in judgements if each.result.claim is Claim.VERIFIED or _is_falsified(each)]
    return sum(len(group) > 1 for group in _by_question(decided))


def _by_question(judgements: Sequence[Judgement]) -> list[list[Judgement]]:
    """The judgements of each verifier on each instance and its variants."""
    groups: dict[tuple[str, str], list[Judgement]] = {}
    for judgement in judgements:
        groups.setdefault((judgement.result.verifier, judgement.result.instance), []).append(judgement)
    return list(groups.values())


def _is_falsified(judgement: Judgement) -> bool:
    """Whether a claim is `falsified`, and its own counterexample, if it has one, does not speak against it.

    A counterexample that does not replay is a finding by itself. One that replays only within the tolerance, or to
    within rounding, is excused here as everywhere, unless the instance is known to be violated.
    """
    if judgement.result.claim is not Claim.FALSIFIED:
        return False
    return judgement.assessment is Assessment.CORRECT or not (judgement.counterexample or "").strip()
