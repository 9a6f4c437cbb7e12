"""What does the reader see? A table, the findings, and what they mean in plain words."""

from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from soundbench.errors import one_line
from soundbench.ground_truth import TwinKind
from soundbench.judge import Assessment
from soundbench.known_issues import Listed, Standing
from soundbench.metrics import INCONCLUSIVE_CLAIMS, Finding, KnownFinding, Summary

FINDING_WORDS = {
    Assessment.UNSOUND: "unsound claim",
    Assessment.FALSE_ALARM: "false alarm",
    Assessment.BAD_WITNESS: "bad witness",
    Assessment.INCONSISTENT: "inconsistent claim",
}
# The row that is there only where some verifier has such findings.
KNOWN = "known findings"


def exit_code(summaries: Sequence[Summary], min_exercised: int, unreadable: int = 0) -> int:
    """The exit code of `evaluate` and `score`.

    3 if our ground truth was refuted, else 1 if there is a finding that is not known already, else 2 if so many as
    `unreadable` instances could not be judged, else 4 if some verifier exercised fewer than `min_exercised` pairs, the
    track `tight` not counted, else 0.
    """
    everything = [*summaries, *tight_of(summaries)]
    if any(_count_refuted(summary) for summary in everything):
        return 3
    if any(summary.findings for summary in everything):
        return 1
    if unreadable:
        return 2
    if any(summary.pairs_exercised < min_exercised for summary in summaries):
        return 4
    return 0


def render(summaries: Sequence[Summary], console: Console) -> None:
    """Print the table (a column a verifier), a line a finding, and a line a verifier that says what it means.

    Before all that the same of the track `tight`, which is no part of the score. `console` decides about colours: rich
    drops them where its output is not a terminal.
    """
    if tight := tight_of(summaries):
        console.print("Apart, the track tight, whose margins are small on purpose:")
        _render_part(tight, console)
        console.print()
        console.print("All other instances:")
    _render_part(summaries, console)


def columns_of(summaries: Sequence[Summary]) -> list[Mapping[str, Text]]:
    """The table, a column a verifier: what stands in each row."""
    has_pairs = any(twin.count for summary in summaries for twin in summary.twins.values())
    columns = [_pair_cells(summary) if has_pairs else _ratio_cells(summary) for summary in summaries]
    if any(summary.variants.count for summary in summaries):
        columns = [{**cells, **_variant_cells(each)} for cells, each in zip(columns, summaries, strict=True)]
    left_out = () if any(summary.known for summary in summaries) else (KNOWN,)
    return [{label: cell for label, cell in cells.items() if label not in left_out} for cells in columns]


def _render_part(summaries: Sequence[Summary], console: Console) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("", no_wrap=True)
    for summary in summaries:
        table.add_column(Text(name_of(summary)), justify="right", overflow="fold")
    columns = columns_of(summaries)
    for label in columns[0] if columns else ():
        table.add_row(label, *(column[label] for column in columns))
    console.print(table)
    console.print()
    for summary in summaries:
        for finding in summary.findings:
            console.print(Text(_describe(summary, finding), style="red"), soft_wrap=True)
        for known in summary.known:
            console.print(Text(_describe_known(summary, known), style="yellow"), soft_wrap=True)
        for listed in summary.known_issues:
            if line := _describe_listed(listed):
                console.print(Text(line, style="yellow"), soft_wrap=True)
    # A verifier that exercised nothing has passed nothing, and that comes first.
    for summary in sorted(summaries, key=lambda each: each.pairs_exercised > 0):
        console.print(Text(explain(summary)), soft_wrap=True)


def tight_of(summaries: Sequence[Summary]) -> list[Summary]:
    """What is reported apart."""
    return [summary.tight for summary in summaries if summary.tight is not None]


def explain(summary: Summary) -> str:
    """What a verifier's result means, in one line of plain words."""
    name = name_of(summary)
    refuted = _count_refuted(summary)
    if refuted:
        return (
            f"{name} refuted our ground truth on {_count(refuted, 'instance')}: the suite is wrong "
            "there, nobody is accused on it, and its makers should hear of it."
        )
    new, known = _count_findings(summary.findings), _count_findings([each.finding for each in summary.known])
    if new or known:
        counts = ", and ".join(filter(None, (new, f"{known} known already" if known else "")))
        claims = f"made {counts}"
        if any(each.evidence for each in (*summary.findings, *(known.finding for known in summary.known))):
            claims += ", each with a folder of evidence"
    else:
        claims = f"made no unsound claim on {_count(summary.violated, 'violated instance')}"
        if summary.variants.count:
            compared = _count(summary.variants.compared, "instance")
            claims += f", and did not contradict itself on {compared} that it answered more than once"
    exercised, pairs = summary.pairs_exercised, _count(summary.pairs, "pair")
    if not summary.pairs:
        return f"{name} {claims}; the suite has no pair that could show how much that means."
    if not exercised:
        return f"{name} exercised none of {pairs}, so it has passed nothing; it {claims}."
    if exercised == summary.pairs:
        return f"{name} {claims}; it exercised {'all of ' if exercised > 1 else ''}{pairs}."
    rest = f"the other {summary.pairs - exercised} say nothing about it"
    return f"{name} {claims}; it exercised {exercised} of {pairs}, so {rest}."


def _pair_cells(summary: Summary) -> Mapping[str, Text]:
    """One verifier's column on a suite of pairs: what stands in each row."""
    exercised = Text(f"{summary.pairs_exercised}/{summary.pairs}", style="" if summary.pairs_exercised else "yellow")
    proven = {
        f"{kind} twins proven": Text(f"{summary.twins[kind].proven}/{summary.twins[kind].count}") for kind in TwinKind
    }
    return {"pairs exercised": exercised, **_claim_cells(summary), **proven, **_last_cells(summary)}


def _ratio_cells(summary: Summary) -> Mapping[str, Text]:
    """One verifier's column on a suite without pairs, like the paper's: its four metrics take their place."""
    ratios = {
        "clean verified": summary.clean_verified_ratio,
        "clean falsified": summary.clean_falsified_ratio,
        "unverifiable verified": summary.unverifiable_verified_ratio,
        "unverifiable falsified": summary.unverifiable_falsified_ratio,
    }
    metrics = {label: Text("-" if ratio is None else f"{100 * ratio:.1f} %") for label, ratio in ratios.items()}
    return {**_claim_cells(summary), **metrics, **_last_cells(summary)}


def _claim_cells(summary: Summary) -> Mapping[str, Text]:
    """How many claims are of which kind."""
    return {
        "findings": Text(str(len(summary.findings)), style="bold red" if summary.findings else "green"),
        # The kinds below count both.
        KNOWN: Text(str(len(summary.known)), style="yellow" if summary.known else ""),
        "  unsound": Text(str(summary.unsound)),
        "  false alarm": Text(str(summary.false_alarm)),
        "  bad witness": Text(str(summary.bad_witness)),
        "  ground truth refuted": Text(str(summary.refuted)),
        "instances": Text(str(summary.instances)),
        "  correct": Text(str(summary.correct)),
        "  unconfirmed": Text(str(summary.unconfirmed)),
        **{f"  {claim}": Text(str(summary.inconclusive_claims[claim])) for claim in INCONCLUSIVE_CLAIMS},
    }


def _last_cells(summary: Summary) -> Mapping[str, Text]:
    """Counterexamples and time."""
    return {
        "counterexamples found": Text(f"{summary.falsified}/{summary.violated}"),
        "  only to within rounding": Text(f"{summary.nearly_falsified}/{summary.violated}"),
        "seconds": Text(f"{summary.seconds:.1f}"),
    }


def _variant_cells(summary: Summary) -> Mapping[str, Text]:
    """What came of variants, which count nowhere above but among the findings."""
    variants = summary.variants
    return {
        "variants": Text(str(variants.count)),
        "  findings on them": Text(str(variants.findings)),
        "  instances compared": Text(str(variants.compared)),
        "  inconsistent": Text(str(variants.inconsistent)),
    }


def _describe(summary: Summary, finding: Finding) -> str:
    where = f" -> {finding.evidence}" if finding.evidence else ""
    opposite = f" but falsified of {finding.but_falsified}" if finding.but_falsified else ""
    return (
        f"{finding.assessment}: {name_of(summary)} says {finding.claim} of {finding.subject}{opposite} "
        f"(ground truth: {finding.expected}){where}"
    )


def _describe_known(summary: Summary, known: KnownFinding) -> str:
    return f"known until {known.issue.expires}, {_describe(summary, known.finding)}; {one_line(known.issue.reason)}"


def _describe_listed(listed: Listed) -> str | None:
    """What its author should hear of an entry of a list; None if that is nothing."""
    issue = listed.issue
    entry = f"known issue ({issue.assessment}, {issue.verifier}, {issue.instance})"
    match listed.standing:
        case Standing.EXPIRED:
            return f"{entry} has expired on {issue.expires} and does not count any more; set a new date, or remove it"
        case Standing.UNMATCHED:
            return f"{entry} matches no finding of this run; remove it if the bug is gone"
        case Standing.NOT_RUN:
            return f"{entry} is about no instance of this run"
        case Standing.MATCHED:
            return None


def _count_refuted(summary: Summary) -> int:
    """On how many instances our ground truth is refuted, be it by a variant."""
    return len({each.instance for each in summary.findings if each.assessment is Assessment.REFUTED})


def _count_findings(findings: Sequence[Finding]) -> str:
    """How many findings of each kind, such as '2 unsound claims and 1 false alarm'; empty if there is none."""
    found = Counter(finding.assessment for finding in findings)
    counts = [_count(number, FINDING_WORDS[kind]) for kind, number in found.items()]
    return " and ".join(filter(None, (", ".join(counts[:-1]), *counts[-1:])))


def _count(number: int, noun: str) -> str:
    plural = "es" if noun.endswith("s") else "s"
    return f"{number} {noun}{'' if number == 1 else plural}"


def name_of(summary: Summary) -> str:
    """The verifier with its version, unless the name has it already (`marabou==2.0.0`)."""
    if f"=={summary.version}" in summary.verifier or not summary.version:
        return summary.verifier
    return f"{summary.verifier} {summary.version}"
