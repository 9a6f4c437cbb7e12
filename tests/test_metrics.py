"""The counts, the ratios, and what it takes to exercise a pair."""

import json
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundbench.claim import Claim, Ending, EndReason, TaskResult
from soundbench.consistency import Contradiction
from soundbench.ground_truth import Expected, GroundTruth, Role, Track, TwinKind
from soundbench.instance import VariantKind
from soundbench.judge import FINDINGS, Assessment, Judgement, Outcome, assess
from soundbench.metrics import Finding, TwinCount, VariantCount, summarise, to_json
from soundbench.replay import Replay

POINT = (Fraction(0),)
STRICT = Replay(POINT, POINT, True, True, True, False, "violating")
NEAR = Replay(POINT, POINT, False, True, True, False, "near")


def armed(pair: str | None = "p") -> GroundTruth:
    return GroundTruth(Expected.VIOLATED, "planted", "mlp", Role.ARMED, pair)


def twin(kind: TwinKind = TwinKind.CROWD, pair: str = "p") -> GroundTruth:
    return GroundTruth(Expected.HOLDS, "planted", "mlp", Role.TWIN, pair, kind)


CLEAN = GroundTruth(Expected.HOLDS, "planted", "mlp", Role.CLEAN)


def judged(instance: str, claim: Claim, truth: GroundTruth | None, replay: Replay | None = None) -> Judgement:
    expected = truth.expected if truth else Expected.UNKNOWN
    outcome = Outcome.STRICT if replay is STRICT else Outcome.TOLERANCE if replay else Outcome.ABSENT
    assessment, remark = assess(claim, outcome, expected)
    ending = Ending(EndReason.EXIT, 0, None, 1.5, 1.0, 0)
    result = TaskResult("tool", "1.0", instance, claim, "", ending, None, None)
    return Judgement(result, expected, assessment, remark, "because", replay)


def summary_of(*rows, evidence=None):
    """Rows are (instance, claim, ground truth[, replay])."""
    truths = {row[0]: row[2] for row in rows if row[2] is not None}
    return summarise("tool", "1.0", [judged(*row) for row in rows], truths, evidence or {})


def on_variant(judgement: Judgement) -> Judgement:
    """The same judgement, of a variant."""
    return replace(judgement, result=replace(judgement.result, variant=VariantKind.PERMUTED))


class TestPairs:
    @pytest.mark.parametrize("kind", [TwinKind.MISALIGNED, TwinKind.CROWD])
    @pytest.mark.parametrize(
        ("on_armed", "on_twin", "exercised"),
        [
            (Claim.FALSIFIED, Claim.VERIFIED, 1),
            (Claim.VERIFIED, Claim.VERIFIED, 1),
            (Claim.TIMEOUT, Claim.VERIFIED, 1),
            (Claim.UNKNOWN, Claim.VERIFIED, 1),
            (Claim.ERROR, Claim.VERIFIED, 0),
            (Claim.UNSUPPORTED, Claim.VERIFIED, 0),
            (Claim.FALSIFIED, Claim.TIMEOUT, 0),
            (Claim.FALSIFIED, Claim.UNKNOWN, 0),
            (Claim.FALSIFIED, Claim.FALSIFIED, 0),
        ],
    )
    def test_exercised(self, kind, on_armed, on_twin, exercised):
        found = summary_of(("a", on_armed, armed()), ("t", on_twin, twin(kind)))
        assert (found.pairs, found.pairs_exercised) == (1, exercised)

    def test_a_scaled_twin_exercises_nothing(self):
        found = summary_of(("a", Claim.FALSIFIED, armed()), ("t", Claim.VERIFIED, twin(TwinKind.SCALED)))
        assert (found.pairs, found.pairs_exercised) == (0, 0)

    def test_one_twin_of_several_is_enough(self):
        found = summary_of(
            ("a", Claim.TIMEOUT, armed()),
            ("s", Claim.VERIFIED, twin(TwinKind.SCALED)),
            ("m", Claim.VERIFIED, twin(TwinKind.MISALIGNED)),
            ("c", Claim.TIMEOUT, twin(TwinKind.CROWD)),
        )
        assert (found.pairs, found.pairs_exercised) == (1, 1)

    def test_pairs_do_not_mix(self):
        found = summary_of(
            ("a1", Claim.ERROR, armed("p")),
            ("t1", Claim.VERIFIED, twin(pair="p")),
            ("a2", Claim.FALSIFIED, armed("q")),
            ("t2", Claim.TIMEOUT, twin(pair="q")),
        )
        assert (found.pairs, found.pairs_exercised) == (2, 0)

    def test_a_pair_needs_both_members(self):
        found = summary_of(("t", Claim.VERIFIED, twin()), ("a", Claim.FALSIFIED, armed(None)))
        assert found.pairs == 0

    def test_a_twin_whose_ground_truth_was_refuted_exercises_nothing(self):
        truths = {"a": armed(), "t": twin()}
        withdrawn = judged("t", Claim.VERIFIED, None)
        found = summarise("tool", "1.0", [judged("a", Claim.TIMEOUT, armed()), withdrawn], truths, {})
        assert (found.pairs, found.pairs_exercised, found.twins[TwinKind.CROWD].proven) == (1, 0, 0)


class TestCounts:
    def test_twins_by_kind(self):
        found = summary_of(
            ("s", Claim.VERIFIED, twin(TwinKind.SCALED)),
            ("m1", Claim.VERIFIED, twin(TwinKind.MISALIGNED)),
            ("m2", Claim.TIMEOUT, twin(TwinKind.MISALIGNED)),
        )
        assert found.twins == {
            TwinKind.SCALED: TwinCount(1, 1),
            TwinKind.MISALIGNED: TwinCount(2, 1),
            TwinKind.CROWD: TwinCount(0, 0),
        }

    def test_falsified_takes_a_strict_replay(self):
        found = summary_of(
            ("a", Claim.FALSIFIED, armed(), STRICT),
            ("b", Claim.FALSIFIED, armed(), NEAR),
            ("c", Claim.FALSIFIED, armed()),
            ("d", Claim.VERIFIED, armed(), STRICT),  # here the replay is of our own witness
            ("e", Claim.FALSIFIED, None, STRICT),
        )
        assert (found.falsified, found.nearly_falsified, found.violated) == (1, 1, 4)

    def test_inconclusive_claims_are_kept_apart(self):
        found = summary_of(
            ("a", Claim.TIMEOUT, armed()),
            ("b", Claim.TIMEOUT, twin()),
            ("c", Claim.ERROR, CLEAN),
            ("d", Claim.UNSUPPORTED, None),
        )
        assert found.inconclusive_claims == {
            Claim.UNKNOWN: 0,
            Claim.TIMEOUT: 2,
            Claim.ERROR: 1,
            Claim.UNSUPPORTED: 1,
        }
        assert found.seconds == 6.0

    def test_findings_carry_their_evidence(self):
        found = summary_of(
            ("a", Claim.VERIFIED, armed()),
            ("b", Claim.VERIFIED, twin()),
            ("c", Claim.FALSIFIED, CLEAN),
            evidence={"a": "findings/tool-a"},
        )
        assert found.findings == (
            Finding("a", Claim.VERIFIED, Assessment.UNSOUND, Expected.VIOLATED, "findings/tool-a"),
            Finding("c", Claim.FALSIFIED, Assessment.FALSE_ALARM, Expected.HOLDS, None),
        )

    rows = st.lists(
        st.tuples(
            st.sampled_from(Claim),
            st.sampled_from([armed(), twin(), twin(TwinKind.SCALED), CLEAN, None]),
            st.sampled_from([STRICT, NEAR, None]),
        )
    )

    @given(rows)
    def test_every_instance_is_counted_once(self, rows):
        found = summary_of(*((f"i{index}", *row) for index, row in enumerate(rows)))
        kinds = (
            found.unsound,
            found.false_alarm,
            found.bad_witness,
            found.refuted,
            found.correct,
            found.unconfirmed,
            found.inconclusive,
        )
        assert sum(kinds) == found.instances == len(rows)
        assert sum(found.inconclusive_claims.values()) == found.inconclusive
        assert len(found.findings) == sum(kinds[:4])
        assert {each.assessment for each in found.findings} <= FINDINGS
        assert 0 <= found.pairs_exercised <= found.pairs


class TestVariants:
    def test_they_count_apart(self):
        plain = [judged("a", Claim.FALSIFIED, armed(), STRICT), judged("t", Claim.TIMEOUT, twin())]
        more = [on_variant(judged("a", Claim.VERIFIED, armed())), on_variant(judged("t", Claim.VERIFIED, twin()))]
        truths = {"a": armed(), "t": twin()}
        before, after = (summarise("tool", "1.0", each, truths, {}) for each in (plain, plain + more))
        assert before.variants == VariantCount(0, 0, 0, 0)
        assert after.variants == VariantCount(count=2, findings=1, compared=1, inconsistent=0)
        assert replace(after, variants=before.variants, findings=()) == before

    def test_findings_name_their_variant_and_carry_its_evidence(self):
        lie = on_variant(judged("a", Claim.VERIFIED, armed()))
        found = summarise("tool", "1.0", [lie], {"a": armed()}, {"a": "wrong", "a (permuted)": "right"})
        assert found.findings == (
            Finding("a", Claim.VERIFIED, Assessment.UNSOUND, Expected.VIOLATED, "right", VariantKind.PERMUTED),
        )

    def test_contradictions_come_last(self):
        verified, falsified = on_variant(judged("a", Claim.VERIFIED, None)), judged("a", Claim.FALSIFIED, None)
        both = {Contradiction(verified, falsified): "folder"}
        found = summarise("tool", "1.0", [falsified, verified], {}, {}, both)
        assert found.variants == VariantCount(count=1, findings=0, compared=1, inconsistent=1)
        (finding,) = found.findings
        assert (finding.assessment, finding.evidence) == (Assessment.INCONSISTENT, "folder")
        assert (finding.subject, finding.but_falsified) == ("a (permuted)", "a")

    def test_those_of_the_track_tight_are_apart(self):
        truths = {"a": armed("p"), "b": replace(armed("q"), track=Track.TIGHT)}
        sides = {
            name: (judged(name, Claim.FALSIFIED, truth), on_variant(judged(name, Claim.VERIFIED, truth)))
            for name, truth in truths.items()
        }
        both = {Contradiction(verified, falsified): name for name, (falsified, verified) in sides.items()}
        judgements = [each for side in sides.values() for each in side]
        found = summarise("tool", "1.0", judgements, truths, {}, both)
        for part, name in ((found, "a"), (found.tight, "b")):
            assert part.variants == VariantCount(count=1, findings=1, compared=1, inconsistent=1)
            assert [each.instance for each in part.findings] == [name, name]
            assert part.findings[-1].evidence == name


class TestRatios:
    def test_by_planted_or_not(self):
        found = summary_of(
            ("a", Claim.VERIFIED, armed()),
            ("b", Claim.FALSIFIED, armed()),
            ("c", Claim.FALSIFIED, armed()),
            ("d", Claim.TIMEOUT, armed()),
            ("e", Claim.VERIFIED, twin()),
            ("f", Claim.VERIFIED, CLEAN),
            ("g", Claim.FALSIFIED, CLEAN),
            ("h", Claim.TIMEOUT, CLEAN),
            ("i", Claim.VERIFIED, None),
        )
        assert found.unverifiable_verified_ratio == 1 / 4
        assert found.unverifiable_falsified_ratio == 2 / 4
        assert found.clean_verified_ratio == 2 / 4
        assert found.clean_falsified_ratio == 1 / 4

    def test_nothing_to_count_is_none(self):
        found = summary_of(("i", Claim.VERIFIED, None))
        assert found.clean_verified_ratio is None
        assert found.clean_falsified_ratio is None
        assert found.unverifiable_verified_ratio is None
        assert found.unverifiable_falsified_ratio is None


class TestTight:
    ROWS = (("a", Claim.VERIFIED, armed()), ("t", Claim.VERIFIED, twin()), ("c", Claim.TIMEOUT, CLEAN))

    def test_it_counts_nowhere_else(self):
        hard = [
            ("tight-a", Claim.VERIFIED, replace(armed("q"), track=Track.TIGHT)),
            ("tight-t", Claim.VERIFIED, replace(twin(pair="q"), track=Track.TIGHT)),
        ]
        alone, mixed = summary_of(*self.ROWS), summary_of(*hard, *self.ROWS)
        assert alone.tight is None
        assert replace(mixed, tight=None) == alone
        assert mixed.tight == summary_of(
            *((name, claim, replace(truth, track=Track.MAIN)) for name, claim, truth in hard)
        )
        assert [finding.instance for finding in mixed.tight.findings] == ["tight-a"]

    def test_shallow_ones_count_as_they_are(self):
        shallow = [(name, claim, replace(truth, track=Track.SHALLOW)) for name, claim, truth in self.ROWS]
        assert summary_of(*shallow) == summary_of(*self.ROWS)


def test_json():
    found = summary_of(("a", Claim.VERIFIED, armed()), ("t", Claim.TIMEOUT, twin()), evidence={"a": "findings/tool-a"})
    assert json.loads(json.dumps(to_json(found))) == {
        "verifier": "tool",
        "version": "1.0",
        "instances": 2,
        "unsound": 1,
        "false_alarm": 0,
        "bad_witness": 0,
        "refuted": 0,
        "correct": 0,
        "unconfirmed": 0,
        "inconclusive": 1,
        "inconclusive_claims": {"unknown": 0, "timeout": 1, "error": 0, "unsupported": 0},
        "pairs": 1,
        "pairs_exercised": 0,
        "twins": {
            "scaled": {"count": 0, "proven": 0},
            "misaligned": {"count": 0, "proven": 0},
            "crowd": {"count": 1, "proven": 0},
        },
        "violated": 1,
        "falsified": 0,
        "nearly_falsified": 0,
        "clean_verified_ratio": 0.0,
        "clean_falsified_ratio": 0.0,
        "unverifiable_verified_ratio": 1.0,
        "unverifiable_falsified_ratio": 0.0,
        "seconds": 3.0,
        "variants": {"count": 0, "findings": 0, "compared": 0, "inconsistent": 0},
        "findings": [
            {
                "instance": "a",
                "claim": "verified",
                "assessment": "unsound",
                "expected": "violated",
                "evidence": "findings/tool-a",
                "variant": None,
                "but_falsified": None,
            }
        ],
        "known": [],
        "known_issues": [],
        "tight": None,
    }
