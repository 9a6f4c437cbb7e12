"""What known issues excuse: exactly the findings that they name, and never a refuted ground truth."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_report import ALARM, CLEAR, FLIP, LIE, REFUTATION

from soundbench.allowance import allow, count_others
from soundbench.claim import Claim, Ending, EndReason, TaskResult
from soundbench.ground_truth import Expected
from soundbench.judge import ACCUSATIONS, Assessment, Judgement
from soundbench.known_issues import KnownIssue, Standing
from soundbench.metrics import Finding, to_json
from soundbench.report import exit_code

TODAY, TOMORROW, YESTERDAY = date(2027, 3, 2), date(2027, 3, 3), date(2027, 3, 1)
FINDINGS = (LIE, ALARM, FLIP)
LIAR = replace(CLEAR, verifier="liar", version="1", findings=FINDINGS)
ENDING = Ending(EndReason.EXIT, 0, None, 1.0, 1.0, 1)


def known(finding, *, verifier="liar", expires=TODAY):
    return KnownIssue(verifier, finding.instance, finding.assessment, "https://example.org/1", expires)


def judged(*instances, verifier="liar"):
    """Judgements of which only verifier and instance matter here."""
    results = [TaskResult(verifier, "1", name, Claim.UNKNOWN, "unknown", ENDING, None, None) for name in instances]
    return [Judgement(each, Expected.HOLDS, Assessment.INCONCLUSIVE, None, "", None) for each in results]


@pytest.mark.parametrize(
    ("summary", "issues", "code"),
    [
        (LIAR, [], 1),
        (LIAR, [known(LIE), known(ALARM), known(FLIP)], 0),
        (LIAR, [known(LIE), known(ALARM)], 1),
        (LIAR, [known(LIE, expires=YESTERDAY), known(ALARM), known(FLIP)], 1),
        (LIAR, [known(LIE, expires=TOMORROW), known(ALARM), known(FLIP)], 0),
        (LIAR, [known(LIE, verifier="liar==2"), known(ALARM), known(FLIP)], 1),
        (LIAR, [known(LIE, verifier="liar==1"), known(ALARM), known(FLIP)], 0),
        (replace(LIAR, pairs_exercised=0, findings=(LIE,)), [known(LIE)], 4),
        (replace(LIAR, findings=(LIE, REFUTATION)), [known(LIE)], 3),
        (replace(LIAR, findings=(LIE, REFUTATION)), [known(LIE), known(REFUTATION)], 3),
        (replace(CLEAR, verifier="liar", tight=replace(LIAR, findings=(LIE,))), [], 1),
        (replace(CLEAR, verifier="liar", tight=replace(LIAR, findings=(LIE,))), [known(LIE)], 0),
    ],
)
def test_the_exit_code_is_that_of_what_is_not_known(summary, issues, code):
    assert exit_code(allow([summary], judged(), issues, TODAY), 1) == code


@pytest.mark.parametrize(
    ("issue", "standing"),
    [
        (known(LIE), Standing.MATCHED),
        (known(LIE, expires=YESTERDAY), Standing.EXPIRED),
        (replace(known(LIE), assessment=Assessment.BAD_WITNESS), Standing.UNMATCHED),
        (replace(known(LIE), instance="*"), Standing.MATCHED),
        (replace(known(LIE), instance="mended"), Standing.UNMATCHED),
        (replace(known(LIE), instance="mended", expires=YESTERDAY), Standing.EXPIRED),
        (replace(known(LIE), instance="of another suite"), Standing.NOT_RUN),
    ],
)
def test_what_becomes_of_an_entry(issue, standing):
    judgements = [*judged("mlp-7", "mended"), *judged("of another suite", verifier="other")]
    (summary,) = allow([LIAR], judgements, [issue], TODAY)
    assert [each.standing for each in summary.known_issues] == [standing]


def test_an_entry_that_matches_on_the_track_tight_alone_matches():
    (summary,) = allow([replace(CLEAR, verifier="liar", tight=LIAR)], judged("mlp-7"), [known(LIE)], TODAY)
    assert [each.standing for each in summary.known_issues] == [Standing.MATCHED]
    assert [each.finding for each in summary.tight.known] == [LIE]


def test_entries_of_other_verifiers_are_counted():
    issues = [known(LIE), known(LIE, verifier="liar==2"), known(LIE, verifier="other")]
    assert count_others([LIAR], issues) == 2
    assert count_others([LIAR, replace(CLEAR, verifier="other")], issues) == 1


def test_the_summary_for_programs_tells_why_a_finding_is_known():
    (summary,) = allow([LIAR], judged("mlp-7"), [known(LIE)], TODAY)
    content = to_json(summary)
    (entry,) = content["known"]
    assert (entry["finding"]["instance"], entry["issue"]["reason"]) == ("mlp-7", "https://example.org/1")
    assert entry["issue"]["expires"] == "2027-03-02"
    assert [each["standing"] for each in content["known_issues"]] == ["matched"]


NAMES = st.sampled_from(["a", "b", "c"])
MADE = st.builds(
    Finding,
    NAMES,
    st.just(Claim.VERIFIED),
    st.sampled_from([*sorted(ACCUSATIONS), Assessment.REFUTED]),
    st.just(Expected.VIOLATED),
    st.none(),
)
ISSUES = st.builds(
    KnownIssue,
    st.sampled_from(["liar", "liar==1", "liar==2", "other"]),
    st.sampled_from(["a", "b", "[ab]", "*"]),
    st.sampled_from(sorted(ACCUSATIONS)),
    st.just("r"),
    st.sampled_from([YESTERDAY, TODAY, TOMORROW]),
)


@given(st.lists(MADE), st.lists(ISSUES, max_size=5))
def test_every_finding_stays_and_one_is_known_only_by_an_entry_that_says_so(findings, issues):
    (summary,) = allow([replace(LIAR, findings=tuple(findings))], judged("a"), issues, TODAY)
    moved = [each.finding for each in summary.known]
    assert sorted([*summary.findings, *moved], key=repr) == sorted(findings, key=repr)
    for each in summary.known:
        assert each.issue in issues
        assert each.issue.verifier in ("liar", "liar==1")
        assert each.issue.expires >= TODAY
        assert each.issue.assessment == each.finding.assessment != Assessment.REFUTED
        assert each.issue.names(each.finding.instance)
    fit = [each for each in issues if each.verifier in ("liar", "liar==1") and each.expires >= TODAY]
    for finding in summary.findings:
        assert not any(each.assessment == finding.assessment and each.names(finding.instance) for each in fit)


@given(st.lists(MADE), st.lists(ISSUES, max_size=5))
def test_an_entry_is_said_to_match_if_leaving_it_out_with_its_like_changes_what_counts(findings, issues):
    summary = replace(LIAR, findings=tuple(findings))
    (allowed,) = allow([summary], judged("a", "b", "c"), issues, TODAY)
    for listed in allowed.known_issues:
        (alone,) = allow([summary], judged("a"), [listed.issue], TODAY)
        assert bool(alone.known) is (listed.standing is Standing.MATCHED)
