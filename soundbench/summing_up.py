"""What comes of all judgements? Findings leave their evidence, and each verifier's judgements are summed up."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from soundbench.consistency import Contradiction, contradictions
from soundbench.findings import Exhibit, write_contradiction, write_finding
from soundbench.ground_truth import GroundTruth
from soundbench.judge import FINDINGS, Judgement
from soundbench.metrics import Summary, summarise


def sum_up(
    versions: Mapping[str, str],
    judgements: Sequence[Judgement],
    ground_truth: Mapping[str, GroundTruth],
    exhibit: Callable[[Judgement], Exhibit],
    folder: Path | None,
) -> tuple[Summary, ...]:
    """Sum up every verifier. Findings leave what `exhibit` makes of them in the folder, if there is one.

    `versions` are what the verifiers say of themselves, by label; what they said when they were run goes before.
    """
    contradicted, summaries = contradictions(judgements), []
    for verifier, version in versions.items():
        own = [each for each in judgements if each.result.verifier == verifier]
        findings = [each for each in own if each.assessment in FINDINGS]
        both = [each for each in contradicted if each.verified.result.verifier == verifier]
        evidence: dict[str, str] = {}
        folders: dict[Contradiction, str | None] = dict.fromkeys(both)
        if folder is not None:
            evidence = {each.result.subject: str(write_finding(folder, exhibit(each))) for each in findings}
            for each in both:
                folders[each] = str(write_contradiction(folder, exhibit(each.verified), exhibit(each.falsified)))
        ran = own[0].result.version if own else version
        summaries.append(summarise(verifier, ran, own, ground_truth, evidence, folders))
    return tuple(summaries)
