"""What does a list of known issues excuse? Findings that it names do not make a run fail; they are kept apart."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date

from soundbench.judge import ACCUSATIONS, Judgement
from soundbench.known_issues import KnownIssue, Listed, Standing
from soundbench.metrics import Finding, KnownFinding, Summary


def allow(
    summaries: Sequence[Summary], judgements: Sequence[Judgement], issues: Sequence[KnownIssue], today: date
) -> tuple[Summary, ...]:
    """The summaries of these judgements with every known finding moved from `findings` to `known`.

    An entry that has expired moves nothing. Those about a verifier are listed in its summary, with what became of them.
    """
    ran: dict[str, set[str]] = {}
    for judgement in judgements:
        ran.setdefault(judgement.result.verifier, set()).add(judgement.result.instance)
    return tuple(_allow(each, ran.get(each.verifier, set()), issues, today) for each in summaries)


def count_others(summaries: Sequence[Summary], issues: Sequence[KnownIssue]) -> int:
    """How many entries are about none of the verifiers of a run."""
    return sum(not any(issue.is_about(each.verifier, each.version) for each in summaries) for issue in issues)


def _allow(summary: Summary, ran: Collection[str], issues: Sequence[KnownIssue], today: date) -> Summary:
    own = [issue for issue in issues if issue.is_about(summary.verifier, summary.version)]
    valid = [issue for issue in own if not issue.has_expired(today)]
    everything = [*summary.findings, *(summary.tight.findings if summary.tight else ())]

    def standing(issue: KnownIssue) -> Standing:
        if issue.has_expired(today):
            return Standing.EXPIRED
        if any(_covers(issue, finding) for finding in everything):
            return Standing.MATCHED
        return Standing.UNMATCHED if any(map(issue.names, ran)) else Standing.NOT_RUN

    return replace(
        _split(summary, valid),
        known_issues=tuple(Listed(issue, standing(issue)) for issue in own),
        tight=None if summary.tight is None else _split(summary.tight, valid),
    )


def _split(summary: Summary, issues: Sequence[KnownIssue]) -> Summary:
    """The findings that are known, by the first entry that covers them, and the others."""
    excuses = [(finding, [issue for issue in issues if _covers(issue, finding)]) for finding in summary.findings]
    return replace(
        summary,
        findings=tuple(finding for finding, found in excuses if not found),
        known=tuple(KnownFinding(finding, found[0]) for finding, found in excuses if found),
    )


def _covers(issue: KnownIssue, finding: Finding) -> bool:
    return (
        finding.assessment in ACCUSATIONS and finding.assessment == issue.assessment and issue.names(finding.instance)
    )
