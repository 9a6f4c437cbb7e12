"""VNN-COMP's points beside ours: every way in which they can differ has its reason."""

from fractions import Fraction

import pytest
from small_networks import unsafe_set, write_network

from soundbench.claim import Claim, Ending, EndReason, TaskResult
from soundbench.ground_truth import Expected, GroundTruth, Role, Witness
from soundbench.instance import Instance
from soundbench.judge import judge
from soundbench.vnncomp_points import Judged, Shown, differences, points, shown

BOX = ("(>= X_0 0.0)", "(<= X_0 1.0)")
UNSAFE = unsafe_set(1, 1, *BOX, "(>= Y_0 0.75)")
WITNESS = Witness((Fraction(7, 8),), 0.125, 0.125, 0.125, 0.0, 0.01)
VALID, NEAR, INVALID, NEITHER = "((X_0 0.875))", "((X_0 1.00005))", "((X_0 0.25))", "gibberish"
# X + 1e9 - 1e9 is 0 in float32, and X over the reals.
ROUNDED = unsafe_set(1, 1, *BOX, "(<= Y_0 0.5)")


@pytest.fixture
def instance(tmp_path):
    return Instance("one", write_network(tmp_path / "n.onnx", [[1.0]]), tmp_path / "one.vnnlib", 5.0)


@pytest.fixture
def absorbing(tmp_path):
    return Instance("one", write_network(tmp_path / "a.onnx", [[1.0]], shift=[1e9, -1e9]), tmp_path / "a.vnnlib", 5.0)


def truth(expected):
    witness = WITNESS if expected is Expected.VIOLATED else None
    return GroundTruth(expected, "small", "small", Role.OTHER, witness=witness)


def judged(instance, expected, claim, text=None, *, verifier="tool", unsafe=UNSAFE, seconds=1.0):
    ending = Ending(EndReason.EXIT, None, None, seconds, 0.0, 0)
    result = TaskResult(verifier, "", instance.name, claim, claim.value, ending, None, None)
    judgement = judge(result, instance, unsafe, truth(expected), text)
    return Judged(judgement, shown(judgement, unsafe), instance.timeout_seconds)


@pytest.mark.parametrize(
    ("expected", "claim", "text", "there", "ours", "reason"),
    [
        (Expected.VIOLATED, Claim.VERIFIED, None, 10, -150, "no tool showed a valid counterexample"),
        (Expected.HOLDS, Claim.VERIFIED, None, 10, 10, None),
        (Expected.UNKNOWN, Claim.VERIFIED, None, 10, 0, "nothing is proven of the instance here"),
        (Expected.VIOLATED, Claim.FALSIFIED, VALID, 10, 10, None),
        (Expected.UNKNOWN, Claim.FALSIFIED, VALID, 10, 10, None),
        (Expected.HOLDS, Claim.FALSIFIED, VALID, 10, 0, "it refutes the ground truth"),
        (Expected.VIOLATED, Claim.FALSIFIED, NEAR, 10, 10, None),
        (Expected.UNKNOWN, Claim.FALSIFIED, NEAR, 10, 0, "up to 1e-4 outside are right there"),
        (Expected.VIOLATED, Claim.FALSIFIED, INVALID, -150, -150, None),
        (Expected.HOLDS, Claim.FALSIFIED, NEITHER, -150, -150, None),
        (Expected.UNKNOWN, Claim.FALSIFIED, NEITHER, -150, -150, None),
        (Expected.VIOLATED, Claim.FALSIFIED, None, -150, 10, "without a counterexample is wrong there"),
        (Expected.HOLDS, Claim.FALSIFIED, " ", -150, -150, None),
        (Expected.UNKNOWN, Claim.FALSIFIED, None, -150, 0, "without a counterexample is wrong there"),
        (Expected.VIOLATED, Claim.TIMEOUT, None, 0, 0, None),
        (Expected.HOLDS, Claim.ERROR, None, 0, 0, None),
    ],
)
def test_one_tool_alone(instance, expected, claim, text, there, ours, reason):
    (found,) = points([judged(instance, expected, claim, text)])
    assert (found.vnncomp, found.ours) == (there, ours)
    assert reason in found.difference if reason else found.difference is None


def test_a_counterexample_that_one_tool_shows_counts_against_all(instance):
    shows = judged(instance, Expected.VIOLATED, Claim.FALSIFIED, VALID, verifier="a")
    denies = judged(instance, Expected.VIOLATED, Claim.VERIFIED, verifier="b")
    assert [(each.vnncomp, each.ours) for each in points([denies, shows])] == [(-150, -150), (10, 10)]
    nearly = judged(instance, Expected.VIOLATED, Claim.FALSIFIED, NEAR, verifier="a")
    assert points([denies, nearly])[0].vnncomp == 10


def test_what_nobody_has_certified_accuses_nobody_here(instance):
    shows = judged(instance, Expected.UNKNOWN, Claim.FALSIFIED, VALID, verifier="a")
    denies = judged(instance, Expected.UNKNOWN, Claim.VERIFIED, verifier="b")
    _, found = points([shows, denies])
    assert (found.vnncomp, found.ours) == (-150, 0)
    assert "here it decides once it is certified: soundbench witness add" in found.difference


def test_what_comes_late_counts_for_nothing_there(instance):
    late = judged(instance, Expected.VIOLATED, Claim.FALSIFIED, VALID, verifier="a", seconds=5.1)
    denies = judged(instance, Expected.VIOLATED, Claim.VERIFIED, verifier="b")
    found = points([late, denies])
    assert [(each.vnncomp, each.ours) for each in found] == [(0, 10), (10, -150)]
    assert "it came after the timeout" in found[0].difference


def test_rounding(absorbing):
    """ONNX Runtime alone finds a violation at 0.75, which over the real numbers is none."""
    on_unknown = judged(absorbing, Expected.UNKNOWN, Claim.FALSIFIED, "((X_0 0.75))", unsafe=ROUNDED)
    denies = judged(absorbing, Expected.HOLDS, Claim.VERIFIED, verifier="b", unsafe=ROUNDED)
    assert on_unknown.shown is Shown.STRICT
    first, second = points([on_unknown, denies])
    assert (first.vnncomp, first.ours, second.vnncomp, second.ours) == (10, 0, -150, 10)
    assert "over the real numbers, too" in first.difference
    assert "a proof decides here" in second.difference
    hidden = unsafe_set(1, 1, *BOX, "(>= Y_0 0.5)")
    missed = judged(absorbing, Expected.UNKNOWN, Claim.FALSIFIED, "((X_0 0.75))", unsafe=hidden)
    (found,) = points([missed])
    assert (missed.shown, found.vnncomp, found.ours) == (Shown.INVALID, -150, 0)
    assert "by rounding alone" in found.difference


def test_differences_are_grouped_by_reason(instance):
    of_all = points([judged(instance, Expected.UNKNOWN, Claim.VERIFIED, verifier=name) for name in ("a", "a", "b")])
    assert [(key[:3], len(names)) for key, names in differences(of_all).items()] == [
        (("a", 10, 0), 2),
        (("b", 10, 0), 1),
    ]
