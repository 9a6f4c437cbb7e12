"""What does the reader see of a bisection? What each release made of the instances, and each finding's trail."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from soundbench.bisection import NOT_RUN, Bisection, Trail, outcome, version_of
from soundbench.judge import Assessment
from soundbench.metrics import Summary


def exit_code(bisection: Bisection) -> int:
    """3 if our ground truth was refuted, else 1 if some release leaves a finding, else 0."""
    if any(each.assessment is Assessment.REFUTED for each in bisection.judgements):
        return 3
    return 1 if bisection.trails else 0


def evidence_of(summaries: Sequence[Summary]) -> dict[tuple[str, str], str]:
    """The findings' folders by verifier, as it is labelled, and instance."""
    everything = [part for each in summaries for part in (each, each.tight) if part is not None]
    return {
        (part.verifier, finding.instance): finding.evidence
        for part in everything
        for finding in part.findings
        if finding.evidence is not None
    }


def lines(bisection: Bisection, evidence: Mapping[tuple[str, str], str]) -> list[str]:
    """The report; `evidence` is that of `evidence_of`."""
    told = [_release_line(bisection, each.label) for each in bisection.releases]
    for trail in bisection.trails:
        told += ["", *_trail_lines(trail, _folders(bisection, trail, evidence))]
    refuted = {each.result.instance for each in bisection.judgements if each.assessment is Assessment.REFUTED}
    told += [f"{name}: our ground truth is refuted there; its makers should hear of it" for name in sorted(refuted)]
    if not bisection.trails and not refuted:
        told += ["", "no finding in what was run"]
    return told


def to_json(bisection: Bisection, evidence: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    """The same as values that `json` can write."""
    return {
        "releases": {
            each.label: {"outcomes": dict(_counts(bisection, each.label)), "problem": bisection.broken.get(each.label)}
            for each in bisection.releases
        },
        "findings": [{**asdict(trail), "evidence": _folders(bisection, trail, evidence)} for trail in bisection.trails],
    }


def _folders(bisection: Bisection, trail: Trail, evidence: Mapping[tuple[str, str], str]) -> dict[str, str]:
    """The folders of a finding by the versions that were seen to leave it."""
    bad = [each for each in bisection.releases if trail.outcomes[version_of(each)] == trail.assessment]
    return {
        version_of(each): evidence[each.label, trail.instance]
        for each in bad
        if (each.label, trail.instance) in evidence
    }


def _counts(bisection: Bisection, label: str) -> Counter[str]:
    return Counter(outcome(each) for each in bisection.judgements if each.result.verifier == label)


def _release_line(bisection: Bisection, label: str) -> str:
    if label in bisection.broken:
        return f"{label}: left out: {bisection.broken[label]}"
    counts = _counts(bisection, label)
    total = counts.total()
    if not total:
        return f"{label}: not run"
    return f"{label}: {total} instance{'' if total == 1 else 's'}: " + ", ".join(
        f"{number} {word}" for word, number in counts.most_common()
    )


def _trail_lines(trail: Trail, folders: Mapping[str, str]) -> list[str]:
    grouped: dict[str, list[str]] = {}
    for version, word in trail.outcomes.items():
        grouped.setdefault(word, []).append(version)
    before = f"last good before {trail.last_good_before}" if trail.last_good_before else "no good one seen before"
    after = f"; first good after {trail.first_good_after}" if trail.first_good_after else ""
    bounds = f"first bad {trail.first_bad}, last bad {trail.last_bad}; {before}{after}"
    told = [f"{trail.assessment} on {trail.instance}: {bounds}"]
    told += [f"  {word:<14} {', '.join(versions)}" for word, versions in grouped.items()]
    told += [f"  evidence {version} -> {folder}" for version, folder in folders.items()]
    if NOT_RUN in grouped:
        told.append("  nothing is known of what was not run: a bug may have come and gone")
    return told
