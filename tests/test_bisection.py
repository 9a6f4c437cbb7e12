"""Which releases are run to find since when a verifier is wrong, and what is said of them."""

import fake_releases
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_suite import small_suite

from soundbench.bisection import Seen, bisect_releases, next_release
from soundbench.bisection_report import exit_code, lines
from soundbench.evaluate import run_jobs
from soundbench.execute import TaskLimits
from soundbench.judge import Assessment
from soundbench.releases import releases
from soundbench.run import identify, open_run

BAD, GOOD, NEITHER = Seen.BAD, Seen.GOOD, Seen.NEITHER
TRUTHS = st.lists(st.sampled_from(Seen), min_size=1, max_size=40)


def explored(truth):
    """What was seen at the end, if releases behave so, and how many of them ran."""
    seen = [None] * len(truth)
    seen[0], seen[-1] = truth[0], truth[-1]
    while (index := next_release(seen)) is not None:
        assert seen[index] is None
        seen[index] = truth[index]
    return seen, sum(each is not None for each in seen)


@given(st.integers(0, 60), st.integers(1, 60))
def test_a_bug_that_came_to_stay_is_found_in_few_steps(before, after):
    seen, count = explored([GOOD] * before + [BAD] * after)
    assert seen.index(BAD) == before
    if before:
        assert seen[before - 1] is GOOD
    assert count <= 2 + (before + after).bit_length()


@given(st.integers(1, 60), st.integers(0, 60))
def test_a_bug_that_was_mended_is_found_in_few_steps(bad, good):
    seen, count = explored([BAD] * bad + [GOOD] * good)
    assert max(index for index, each in enumerate(seen) if each is BAD) == bad - 1
    assert count <= 2 + (bad + good).bit_length()


@given(TRUTHS)
def test_next_to_what_is_bad_everything_has_run_up_to_what_is_good(truth):
    """Whatever releases do: nothing between the first bad one and the last good one before it is left to guess."""
    seen, _ = explored(truth)
    if BAD not in (truth[0], truth[-1]):
        assert seen.count(None) == max(0, len(truth) - 2)
        return
    first, last = seen.index(BAD), len(seen) - 1 - seen[::-1].index(BAD)
    before = max((index for index in range(first) if seen[index] is GOOD), default=-1)
    after = min((index for index in range(last, len(seen)) if seen[index] is GOOD), default=len(seen))
    assert None not in seen[before + 1 : first]
    assert None not in seen[last + 1 : after]


def test_nothing_is_run_where_nothing_is_bad():
    assert next_release([GOOD, None, None, GOOD]) is None
    assert next_release([NEITHER, None, GOOD]) is None
    assert next_release([]) is None


@pytest.fixture
def bisect(tmp_path, monkeypatch):
    """Bisects a class of `fake_releases` on the small suite; what was run, and what came of it."""
    suite = small_suite(tmp_path / "suite")

    def bisect(kind, names=("armed", "twin", "clean"), between=".."):
        monkeypatch.setattr(kind, "installed", set(kind.installed))
        found = releases(f"fake_releases:{kind.__name__}", between=between)
        instances = [each for each in suite.instances if each.name in names]
        ran, told = [], []
        with open_run(tmp_path / kind.name, identify(suite, found, None, None)) as run:

            def run_all(jobs):
                for result in run_jobs(run, jobs, 2, TaskLimits(memory_bytes=1 << 30)):
                    ran.append((result.version, result.instance))

            return bisect_releases(run, suite, found, instances, run_all, told.append), ran, told

    return bisect


def versions_run(ran, instance="armed"):
    return {version for version, name in ran if name == instance}


def test_the_first_bad_release_and_the_last_good_one(bisect):
    bisection, ran, _ = bisect(fake_releases.Slipped)
    (trail,) = bisection.trails
    assert (trail.instance, trail.assessment) == ("armed", Assessment.UNSOUND)
    assert (trail.first_bad, trail.last_bad) == ("1.3", "1.11")
    assert (trail.last_good_before, trail.first_good_after) == ("1.2", None)
    assert len(versions_run(ran)) <= 6
    assert versions_run(ran, "twin") == {"1.0", "1.11"}
    assert {version for version, word in trail.outcomes.items() if word != "not run"} == versions_run(ran)


def test_a_bug_that_was_mended(bisect):
    bisection, _, _ = bisect(fake_releases.Recovered)
    (trail,) = bisection.trails
    assert (trail.first_bad, trail.last_bad) == ("1.0", "2.0")
    assert (trail.last_good_before, trail.first_good_after) == (None, "2.1")


def test_a_bug_that_comes_and_goes_is_not_said_to_have_been_there_all_along(bisect):
    bisection, ran, _ = bisect(fake_releases.Relapsed)
    (trail,) = bisection.trails
    assert (trail.first_bad, trail.last_bad) == ("1", "3")
    assert trail.outcomes == {"1": "unsound", "2": "not run", "3": "unsound"}
    assert "2" not in versions_run(ran)


def test_releases_that_are_neither_are_passed_over_and_told(bisect):
    bisection, ran, told = bisect(fake_releases.Patchy)
    (trail,) = bisection.trails
    assert trail.outcomes == {
        "1": "not installed",
        "2": "correct",
        "3": "error",
        "4": "not installed",
        "5": "unknown",
        "6": "unsound",
        "7": "unsound",
    }
    assert (trail.first_bad, trail.last_bad, trail.last_good_before) == ("6", "7", "2")
    assert bisection.broken.keys() == {"fake_releases:Patchy==1", "fake_releases:Patchy==4"}
    assert "installs fake_releases:Patchy==2" in told
    assert "installs fake_releases:Patchy==6" in told
    assert any(line.startswith("fake_releases:Patchy==4 is left out: ") for line in told)
    assert len(ran) == len(set(ran))


def test_two_findings_have_a_trail_each(bisect):
    bisection, _, _ = bisect(fake_releases.Changed)
    trails = {(each.instance, each.assessment): each for each in bisection.trails}
    assert trails.keys() == {
        ("armed", Assessment.UNSOUND),
        ("twin", Assessment.FALSE_ALARM),
        ("clean", Assessment.FALSE_ALARM),
    }
    assert trails["armed", Assessment.UNSOUND].last_good_before == "2"
    assert trails["twin", Assessment.FALSE_ALARM].first_good_after == "2"


def test_a_bug_between_two_sound_releases_is_not_looked_for(bisect):
    bisection, ran, _ = bisect(fake_releases.Sound)
    assert bisection.trails == ()
    assert {version for version, _ in ran} == {"1", "3"}


def test_started_again_it_runs_nothing_and_says_the_same(bisect):
    first, _, _ = bisect(fake_releases.Slipped)
    again, ran, told = bisect(fake_releases.Slipped)
    assert (again.trails, ran, told) == (first.trails, [], [])


def test_it_goes_on_with_more_instances(bisect):
    _, first, _ = bisect(fake_releases.Slipped, names=("twin",))
    bisection, more, _ = bisect(fake_releases.Slipped)
    assert not set(first) & set(more)
    assert len(bisection.trails) == 1


def test_one_release_alone_is_run_once(bisect):
    bisection, ran, _ = bisect(fake_releases.Slipped, between="1.5..1.5")
    assert [each.outcomes for each in bisection.trails] == [{"1.5": "unsound"}]
    assert len(ran) == 3


def test_where_no_release_can_be_installed_nothing_runs(bisect):
    bisection, ran, _ = bisect(fake_releases.Uninstallable)
    assert (bisection.judgements, ran) == ((), [])
    assert len(bisection.broken) == 2


def test_where_our_ground_truth_is_refuted_nobody_is_accused(bisect, tmp_path):
    """By the release that finds a counterexample where there should be none; the other gives none for it."""
    path = tmp_path / "suite" / "twin.vnnlib"
    path.write_text(path.read_text().replace("0.25", "1"))
    bisection, _, _ = bisect(fake_releases.Changed, names=("twin",), between="1..2")
    assert bisection.trails == ()
    assert exit_code(bisection) == 3
    assert "twin: our ground truth is refuted there; its makers should hear of it" in lines(bisection, {})
