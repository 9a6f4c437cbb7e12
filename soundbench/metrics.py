"""What do a verifier's judgements add up to? The counts and ratios of a report and of `--json`.

The four ratios are those of SoundnessBench (arXiv 2412.03154): shares of claims, whether or not a
counterexample came with them. Its *unverifiable* instances have a planted counterexample (our role `armed`);
its *clean* ones have none (our roles `clean` and `twin`).
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Any

from soundbench.claim import Claim
from soundbench.consistency import Contradiction, count_compared
from soundbench.exercised import is_exercised, pairs_of
from soundbench.ground_truth import Expected, GroundTruth, Role, Track, TwinKind, track_of
from soundbench.instance import VariantKind, subject
from soundbench.judge import FINDINGS, Assessment, Judgement
from soundbench.known_issues import KnownIssue, Listed

INCONCLUSIVE_CLAIMS = (Claim.UNKNOWN, Claim.TIMEOUT, Claim.ERROR, Claim.UNSUPPORTED)


@dataclass(frozen=True, slots=True)
class TwinCount:
    """How many twins of one kind were run, and how many of them the verifier proved."""

    count: int
    proven: int


@dataclass(frozen=True, slots=True)
class VariantCount:
    """How many variants of instances were run, and what came of them.

    `findings` are those on a variant by itself. `compared` instances have two claims or more that might contradict each
    other, those on variants included; on `inconsistent` of them two do.
    """

    count: int
    findings: int
    compared: int
    inconsistent: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding of a summary; `evidence` is the folder that holds it, None where none was written.

    `variant` is the variant that the claim is about, None for the instance itself. Where the assessment is
    `inconsistent`, the claim is `verified`, and `but_falsified` says what the verifier says the opposite of.
    """

    instance: str
    claim: Claim
    assessment: Assessment
    expected: Expected
    evidence: str | None
    variant: VariantKind | None = None
    but_falsified: str | None = None

    @property
    def subject(self) -> str:
        """What the claim is about, for people."""
        return subject(self.instance, self.variant)


@dataclass(frozen=True, slots=True)
class KnownFinding:
    """A finding that is no news, and the entry of a list of known issues that says so."""

    finding: Finding
    issue: KnownIssue


@dataclass(frozen=True, slots=True)
class Summary:
    """One verifier on one suite. Counts are of instances that were judged; `seconds` is wall-clock in total.

    Variants count in `variants` alone, but `findings` lists all, except those that are `known` by a list of known
    issues (see `soundbench.allowance`); `known_issues` are the list's entries about this verifier.

    `pairs` have an armed member and a twin that takes more than a bound at the root (`misaligned` or `crowd`).
    `pairs_exercised` of them had such a twin proven, and an answer on the armed member that is neither `error`
    nor `unsupported`. `falsified` of the `violated` instances have a counterexample that replays strictly, and
    `nearly_falsified` one that replays to within the tolerance or rounding only.
    `tight` is the same for the instances of that track, which count nowhere else; None where none was judged.
    Ratios are None where there is no instance to count. Every kind of twin and every inconclusive claim has its
    key, also at zero.
    """

    verifier: str
    version: str
    instances: int
    unsound: int
    false_alarm: int
    bad_witness: int
    refuted: int
    correct: int
    unconfirmed: int
    inconclusive: int
    inconclusive_claims: Mapping[Claim, int]
    pairs: int
    pairs_exercised: int
    twins: Mapping[TwinKind, TwinCount]
    violated: int
    falsified: int
    nearly_falsified: int
    clean_verified_ratio: float | None
    clean_falsified_ratio: float | None
    unverifiable_verified_ratio: float | None
    unverifiable_falsified_ratio: float | None
    seconds: float
    variants: VariantCount
    findings: tuple[Finding, ...]
    known: tuple[KnownFinding, ...] = ()
    known_issues: tuple[Listed, ...] = ()
    tight: "Summary | None" = None


def summarise(
    verifier: str,
    version: str,
    judgements: Sequence[Judgement],
    ground_truth: Mapping[str, GroundTruth],
    evidence: Mapping[str, str],
    inconsistent: Mapping[Contradiction, str | None] = MappingProxyType({}),
) -> Summary:
    """Sum up one verifier's judgements, at most one an instance and variant, and its contradictions.

    Those of the track `tight` are summed up apart.

    `ground_truth` is by instance name, and `evidence` (the findings' folders) by subject; either may lack some. The
    folders of contradictions are in `inconsistent`.
    """
    names = {each.result.instance for each in judgements}
    tight = {name for name in names if track_of(ground_truth, name) is Track.TIGHT}

    def part(names: Collection[str]) -> Summary:
        own = [each for each in judgements if each.result.instance in names]
        both = {each: folder for each, folder in inconsistent.items() if each.verified.result.instance in names}
        return _summarise(verifier, version, own, ground_truth, evidence, both)

    return replace(part(names - tight), tight=part(tight) if tight else None)


def _summarise(
    verifier: str,
    version: str,
    judgements: Sequence[Judgement],
    ground_truth: Mapping[str, GroundTruth],
    evidence: Mapping[str, str],
    inconsistent: Mapping[Contradiction, str | None],
) -> Summary:
    findings = [_finding(each, evidence.get(each.result.subject)) for each in judgements if each.assessment in FINDINGS]
    findings += [_inconsistent(each, folder) for each, folder in inconsistent.items()]
    variants = VariantCount(
        count=sum(each.result.variant is not None for each in judgements),
        findings=sum(each.variant is not None and each.but_falsified is None for each in findings),
        compared=count_compared(judgements),
        inconsistent=len(inconsistent),
    )
    judgements = [each for each in judgements if each.result.variant is None]
    assessed = Counter(each.assessment for each in judgements)
    claimed = Counter(each.result.claim for each in judgements if each.assessment is Assessment.INCONCLUSIVE)
    violated = [each for each in judgements if each.expected is Expected.VIOLATED]
    by_role = _group_by_role(judgements, ground_truth)
    clean, unverifiable = by_role[Role.CLEAN] + by_role[Role.TWIN], by_role[Role.ARMED]
    claims = {each.result.instance: each.result.claim for each in judgements}
    proven = {each.result.instance for each in judgements if _is_proven(each)}
    pairs = pairs_of(claims, ground_truth).values()
    return Summary(
        verifier=verifier,
        version=version,
        instances=len(judgements),
        unsound=assessed[Assessment.UNSOUND],
        false_alarm=assessed[Assessment.FALSE_ALARM],
        bad_witness=assessed[Assessment.BAD_WITNESS],
        refuted=assessed[Assessment.REFUTED],
        correct=assessed[Assessment.CORRECT],
        unconfirmed=assessed[Assessment.UNCONFIRMED],
        inconclusive=assessed[Assessment.INCONCLUSIVE],
        inconclusive_claims={claim: claimed[claim] for claim in INCONCLUSIVE_CLAIMS},
        pairs=len(pairs),
        pairs_exercised=sum(is_exercised(pair, claims, proven) for pair in pairs),
        twins=_count_twins(by_role[Role.TWIN], ground_truth),
        violated=len(violated),
        falsified=sum(_is_falsified(each) for each in violated),
        nearly_falsified=sum(_is_nearly_falsified(each) for each in violated),
        clean_verified_ratio=_ratio(clean, Claim.VERIFIED),
        clean_falsified_ratio=_ratio(clean, Claim.FALSIFIED),
        unverifiable_verified_ratio=_ratio(unverifiable, Claim.VERIFIED),
        unverifiable_falsified_ratio=_ratio(unverifiable, Claim.FALSIFIED),
        seconds=sum(each.result.ending.wall_seconds for each in judgements),
        variants=variants,
        findings=tuple(findings),
    )


def to_json(summary: Summary) -> dict[str, Any]:
    """The summary as values that `json` can write, keys in the order of the fields."""
    return asdict(summary, dict_factory=_plain)


def _plain(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in pairs}


def _group_by_role(
    judgements: Sequence[Judgement], ground_truth: Mapping[str, GroundTruth]
) -> dict[Role, list[Judgement]]:
    groups: dict[Role, list[Judgement]] = {role: [] for role in Role}
    for judgement in judgements:
        truth = ground_truth.get(judgement.result.instance)
        groups[truth.role if truth else Role.OTHER].append(judgement)
    return groups


def _is_proven(judgement: Judgement) -> bool:
    return judgement.result.claim is Claim.VERIFIED and judgement.assessment is Assessment.CORRECT


def _is_falsified(judgement: Judgement) -> bool:
    replay = judgement.replay
    return judgement.result.claim is Claim.FALSIFIED and replay is not None and replay.strict


def _is_nearly_falsified(judgement: Judgement) -> bool:
    replay = judgement.replay
    near = replay is not None and not replay.strict and (replay.within_tolerance or replay.rounding)
    return judgement.result.claim is Claim.FALSIFIED and near


def _count_twins(twins: Sequence[Judgement], ground_truth: Mapping[str, GroundTruth]) -> dict[TwinKind, TwinCount]:
    kinds = [ground_truth[each.result.instance].twin_kind for each in twins]
    proven = Counter(kind for kind, each in zip(kinds, twins, strict=True) if _is_proven(each))
    return {kind: TwinCount(kinds.count(kind), proven[kind]) for kind in TwinKind}


def _ratio(judgements: Sequence[Judgement], claim: Claim) -> float | None:
    if not judgements:
        return None
    return sum(each.result.claim is claim for each in judgements) / len(judgements)


def _finding(judgement: Judgement, evidence: str | None) -> Finding:
    result = judgement.result
    return Finding(
        result.instance, result.claim, judgement.assessment, judgement.expected, evidence, variant=result.variant
    )


def _inconsistent(contradiction: Contradiction, evidence: str | None) -> Finding:
    finding = _finding(contradiction.verified, evidence)
    falsified = contradiction.falsified.result.subject
    return replace(finding, assessment=Assessment.INCONSISTENT, but_falsified=falsified)
