"""What the reader sees, and the exit code."""

import io
from dataclasses import replace
from datetime import date

import pytest
from rich.console import Console

from soundbench.claim import Claim
from soundbench.ground_truth import Expected, TwinKind
from soundbench.instance import VariantKind
from soundbench.judge import Assessment
from soundbench.known_issues import KnownIssue, Listed, Standing
from soundbench.metrics import Finding, KnownFinding, Summary, TwinCount, VariantCount
from soundbench.report import exit_code, explain, render

CLEAR = Summary(
    verifier="marabou==2.0.0",
    version="2.0.0",
    instances=72,
    unsound=0,
    false_alarm=0,
    bad_witness=0,
    refuted=0,
    correct=44,
    unconfirmed=1,
    inconclusive=27,
    inconclusive_claims={Claim.UNKNOWN: 3, Claim.TIMEOUT: 17, Claim.ERROR: 2, Claim.UNSUPPORTED: 5},
    pairs=24,
    pairs_exercised=5,
    twins={
        TwinKind.SCALED: TwinCount(12, 11),
        TwinKind.MISALIGNED: TwinCount(10, 4),
        TwinKind.CROWD: TwinCount(14, 1),
    },
    violated=36,
    falsified=21,
    nearly_falsified=2,
    clean_verified_ratio=0.5,
    clean_falsified_ratio=0.0,
    unverifiable_verified_ratio=0.0,
    unverifiable_falsified_ratio=0.6,
    seconds=123.456,
    variants=VariantCount(0, 0, 0, 0),
    findings=(),
)
LIE = Finding("mlp-7", Claim.VERIFIED, Assessment.UNSOUND, Expected.VIOLATED, "run/findings/liar-mlp-7")
ALARM = Finding("mlp-8", Claim.FALSIFIED, Assessment.FALSE_ALARM, Expected.HOLDS, None)
REFUTATION = Finding("mlp-9", Claim.FALSIFIED, Assessment.REFUTED, Expected.HOLDS, None)
LIAR = replace(CLEAR, verifier="liar", version="1", unsound=2, false_alarm=1, findings=(LIE, LIE, ALARM))
FLIP = replace(LIE, assessment=Assessment.INCONSISTENT, variant=VariantKind.PERMUTED, but_falsified="mlp-7")
VARIED = replace(CLEAR, variants=VariantCount(count=400, findings=0, compared=61, inconsistent=0))
WAVERER = replace(VARIED, verifier="waverer", variants=VariantCount(400, 2, 61, 1), findings=(FLIP,))
IDLE = replace(CLEAR, verifier="idle", version="3", pairs_exercised=0)
ISSUE = KnownIssue("liar", "mlp-*", Assessment.UNSOUND, "filed\n as 1", date(2027, 3, 1))
KNOWN_LIAR = replace(LIAR, findings=(ALARM,), known=(KnownFinding(LIE, ISSUE), KnownFinding(LIE, ISSUE)))
REFUTER = replace(CLEAR, verifier="hero", version="4", refuted=1, findings=(REFUTATION,))


def printed(*summaries: Summary, width: int = 80, **options) -> str:
    stream = io.StringIO()
    render(summaries, Console(file=stream, width=width, **options))
    return stream.getvalue()


def row(text: str, label: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.strip().startswith(label))
    return line.strip().removeprefix(label).split()


class TestExitCode:
    @pytest.mark.parametrize(
        ("summaries", "min_exercised", "code"),
        [
            ((CLEAR,), 1, 0),
            ((CLEAR,), 5, 0),
            ((CLEAR,), 6, 4),
            ((CLEAR, IDLE), 1, 4),
            ((CLEAR, IDLE), 0, 0),
            ((CLEAR, LIAR, IDLE), 1, 1),
            ((LIAR, REFUTER, IDLE), 1, 3),
            ((REFUTER,), 0, 3),
            ((VARIED,), 1, 0),
            ((VARIED, WAVERER), 1, 1),
            ((replace(WAVERER, findings=(FLIP, REFUTATION)),), 1, 3),
        ],
    )
    def test_the_gravest_wins(self, summaries, min_exercised, code):
        assert exit_code(summaries, min_exercised) == code

    def test_a_finding_on_the_track_tight_is_one_and_a_pair_exercised_there_is_not(self):
        assert exit_code((replace(CLEAR, tight=LIAR),), 1) == 1
        assert exit_code((replace(CLEAR, tight=REFUTER),), 1) == 3
        assert exit_code((replace(IDLE, tight=CLEAR),), 1) == 4
        assert exit_code((replace(CLEAR, tight=IDLE),), 1) == 0

    def test_an_inconsistent_claim_is_a_finding(self):
        flip = replace(ALARM, assessment=Assessment.INCONSISTENT)
        assert exit_code((replace(CLEAR, findings=(flip,)),), 1) == 1


class TestTable:
    def test_a_column_a_verifier(self):
        text = printed(CLEAR, LIAR)
        assert row(text, "pairs exercised") == ["5/24", "5/24"]
        assert row(text, "findings") == ["0", "3"]
        assert row(text, "unsound") == ["0", "2"]
        assert row(text, "false alarm") == ["0", "1"]
        assert row(text, "correct") == ["44", "44"]
        assert row(text, "timeout") == ["17", "17"]
        assert row(text, "unsupported") == ["5", "5"]
        assert row(text, "scaled twins proven") == ["11/12", "11/12"]
        assert row(text, "crowd twins proven") == ["1/14", "1/14"]
        assert row(text, "counterexamples found") == ["21/36", "21/36"]
        assert row(text, "only to within rounding") == ["2/36", "2/36"]
        assert row(text, "seconds") == ["123.5", "123.5"]

    def test_pairs_come_first(self):
        assert printed(CLEAR).splitlines()[1].startswith("pairs exercised")

    def test_a_suite_without_pairs_is_told_in_the_papers_four_metrics(self):
        twins = {kind: replace(count, proven=0, count=0) for kind, count in CLEAR.twins.items()}
        nothing = replace(CLEAR, pairs=0, pairs_exercised=0, twins=twins)
        plain = replace(nothing, clean_verified_ratio=0.954, clean_falsified_ratio=None)
        text = printed(plain)
        assert row(text, "clean verified") == ["95.4", "%"]
        assert row(text, "clean falsified") == ["-"]
        assert row(text, "unverifiable verified") == [f"{100 * plain.unverifiable_verified_ratio:.1f}", "%"]
        assert row(text, "unverifiable falsified") == [f"{100 * plain.unverifiable_falsified_ratio:.1f}", "%"]
        assert "pairs exercised" not in text
        assert "twins" not in text
        assert "clean verified" not in printed(CLEAR)
        mixed = printed(CLEAR, plain)
        assert row(mixed, "pairs exercised") == ["5/24", "0/0"]
        assert "clean verified" not in mixed
        assert row(printed(plain, CLEAR), "pairs exercised") == ["0/0", "5/24"]

    def test_a_run_of_scaled_twins_alone_is_told_in_pairs(self):
        assert row(printed(replace(CLEAR, pairs=0, pairs_exercised=0)), "scaled twins proven") == ["11/12"]

    def test_variants_are_told_where_some_verifier_ran_them(self):
        assert "variants" not in printed(CLEAR, LIAR)
        text = printed(CLEAR, WAVERER)
        assert row(text, "variants") == ["0", "400"]
        assert row(text, "findings on them") == ["0", "2"]
        assert row(text, "instances compared") == ["0", "61"]
        assert row(text, "inconsistent") == ["0", "1"]
        assert row(text, "instances ") == ["72", "72"]

    def test_an_inconsistent_claim_is_told_with_both_sides(self):
        assert (
            "inconsistent: waverer 2.0.0 says verified of mlp-7 (permuted) but falsified of mlp-7 "
            "(ground truth: violated) -> run/findings/liar-mlp-7"
        ) in printed(WAVERER)

    def test_plain_text_where_it_is_not_a_terminal(self):
        text = printed(CLEAR, LIAR)
        assert text.isascii()
        assert text.isprintable() or set(text) - set(filter(str.isprintable, text)) == {"\n"}

    def test_colours_on_a_terminal(self):
        assert "\x1b[" in printed(LIAR, force_terminal=True, color_system="standard")

    def test_names_are_not_markup(self):
        assert "vnncomp:[bold]/x 2" in printed(replace(CLEAR, verifier="vnncomp:[bold]/x", version="2"))

    def test_findings_are_told_with_their_folders(self):
        text = printed(LIAR, width=40)
        assert "unsound: liar 1 says verified of mlp-7 (ground truth: violated) -> run/findings/liar-mlp-7" in text
        assert "false-alarm: liar 1 says falsified of mlp-8 (ground truth: holds)" in text

    def test_who_exercised_nothing_is_told_first(self):
        lines = printed(CLEAR, LIAR, IDLE, width=300).splitlines()[-3:]
        assert [line.split()[0] for line in lines] == ["idle", "marabou==2.0.0", "liar"]


class TestTight:
    MIXED = replace(CLEAR, tight=replace(LIAR, pairs=4, pairs_exercised=3))

    def test_it_has_a_report_of_its_own_before_the_other(self):
        text = printed(self.MIXED, width=300)
        apart, _, rest = text.partition("All other instances:\n")
        assert apart.startswith("Apart, the track tight, whose margins are small on purpose:\n")
        assert row(apart, "pairs exercised") == ["3/4"]
        assert "unsound: liar 1 says verified of mlp-7" in apart
        assert "it exercised 3 of 4 pairs" in apart
        assert rest == printed(CLEAR, width=300)

    def test_only_those_that_have_any_are_told_of(self):
        apart, _, rest = printed(self.MIXED, IDLE, width=300).partition("All other instances:\n")
        assert "idle" not in apart
        assert rest == printed(CLEAR, IDLE, width=300)
        assert "tight" not in printed(CLEAR, IDLE)


class TestMeaning:
    def test_clear(self):
        assert explain(CLEAR) == (
            "marabou==2.0.0 made no unsound claim on 36 violated instances; it exercised 5 of 24 pairs, "
            "so the other 19 say nothing about it."
        )

    def test_consistent(self):
        assert explain(VARIED).startswith(
            "marabou==2.0.0 made no unsound claim on 36 violated instances, and did not contradict itself on "
            "61 instances that it answered more than once; it exercised 5 of 24 pairs"
        )

    def test_inconsistent(self):
        assert explain(WAVERER).startswith("waverer 2.0.0 made 1 inconsistent claim, each with a folder")

    def test_a_ground_truth_refuted_by_a_variant_accuses_us(self):
        assert "refuted our ground truth on 1 instance:" in explain(replace(VARIED, findings=(REFUTATION, REFUTATION)))

    def test_exercised_nothing_has_passed_nothing(self):
        assert explain(IDLE) == (
            "idle 3 exercised none of 24 pairs, so it has passed nothing; "
            "it made no unsound claim on 36 violated instances."
        )

    def test_findings_are_counted(self):
        assert explain(LIAR).startswith("liar 1 made 2 unsound claims and 1 false alarm, each with a folder")

    def test_three_kinds_of_findings(self):
        bad = replace(ALARM, assessment=Assessment.BAD_WITNESS)
        text = explain(replace(CLEAR, findings=(LIE, ALARM, bad, bad)))
        assert "made 1 unsound claim, 1 false alarm and 2 bad witnesses" in text

    def test_all_pairs(self):
        assert explain(replace(CLEAR, pairs_exercised=24)).endswith("it exercised all of 24 pairs.")
        assert explain(replace(CLEAR, pairs=1, pairs_exercised=1)).endswith("it exercised 1 pair.")

    def test_no_pairs(self):
        text = explain(replace(CLEAR, pairs=0, pairs_exercised=0))
        assert "no pair" in text
        assert "passed nothing" not in text

    def test_a_refuted_ground_truth_accuses_us(self):
        text = explain(REFUTER)
        assert "hero 4 refuted our ground truth on 1 instance" in text
        assert "nobody is accused" in text

    def test_what_is_known_is_counted_apart(self):
        assert "liar 1 made 1 false alarm, and 2 unsound claims known already, each with" in explain(KNOWN_LIAR)
        assert "liar 1 made 2 unsound claims known already, each with" in explain(replace(KNOWN_LIAR, findings=()))


class TestKnown:
    def test_the_row_is_there_where_some_verifier_has_such_findings(self):
        text = printed(CLEAR, KNOWN_LIAR, width=200)
        assert row(text, "findings") == ["0", "1"]
        assert row(text, "known findings") == ["0", "2"]
        assert "known findings" not in printed(CLEAR, LIAR, width=200)

    def test_it_is_shown_in_a_line_with_its_reason_and_folder(self):
        (first, _) = (line for line in printed(KNOWN_LIAR).splitlines() if line.startswith("known until"))
        assert first == (
            "known until 2027-03-01, unsound: liar 1 says verified of mlp-7 (ground truth: violated) -> "
            "run/findings/liar-mlp-7; filed as 1"
        )

    @pytest.mark.parametrize(
        ("standing", "words"),
        [
            (Standing.EXPIRED, "has expired on 2027-03-01"),
            (Standing.UNMATCHED, "matches no finding of this run"),
            (Standing.NOT_RUN, "is about no instance of this run"),
            (Standing.MATCHED, None),
        ],
    )
    def test_what_became_of_an_entry_is_told_unless_it_did_its_work(self, standing, words):
        text = printed(replace(CLEAR, known_issues=(Listed(ISSUE, standing),)))
        lines = [line for line in text.splitlines() if line.startswith("known issue (unsound, liar, mlp-*)")]
        assert len(lines) == (words is not None)
        assert all(words in line for line in lines)
