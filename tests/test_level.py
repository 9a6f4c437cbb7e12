"""What a level runs, and that what covers most comes first."""

from dataclasses import replace
from pathlib import Path

import pytest
from described import with_factors
from hypothesis import given
from hypothesis import strategies as st
from planted import CLEAN
from soundbench.cli.shipped import core_suite
from soundbench.verifiers.reference.faults import FAULTS

from soundbench.coverage import pairs_of, values_of
from soundbench.errors import InputError
from soundbench.ground_truth import Expected, GroundTruth, Leaf, Proof, Role, Split, Track, TwinKind
from soundbench.instance import Instance
from soundbench.level import Level, chosen, covering, groups, ordered
from soundbench.recipe import read_recipe
from soundbench.suite import Suite, load_suite

ARMED = GroundTruth(Expected.VIOLATED, "planted", "mlp", Role.ARMED)
HOLDS = GroundTruth(Expected.HOLDS, "planted", "mlp", Role.TWIN)
FACTORS = ("form", "place", "hardness")


def suite_of(*pairs, others=()):
    """Pairs are (factors, track, kind, leaves of the twin's proof); others are (name, ground truth)."""
    truth = {}
    for index, (factors, track, kind, leaves) in enumerate(pairs):
        shared = {"pair": f"p{index}", "track": track, "factors": factors, "twin_kind": kind}
        tree = Leaf(0, {})
        for _ in range(leaves - 1):
            tree = Split(0, 0.5, Leaf(0, {}), tree)
        truth[f"p{index}-armed"] = replace(ARMED, **shared)
        truth[f"p{index}-twin"] = replace(HOLDS, **shared, proof=Proof(1e-4, 1.0, 0.1, (tree,)))
    truth |= dict(others)
    known = {name: each for name, each in truth.items() if each is not None}
    instances = tuple(Instance(name, Path("a.onnx"), Path(f"{name}.vnnlib"), 1.0) for name in truth)
    return Suite(Path("suite"), "suite", "1", instances, known, "digest")


def names(instances):
    return [each.name for each in instances]


def simple(**factors):
    return factors, Track.MAIN, TwinKind.CROWD, 1


pairs = st.tuples(
    st.fixed_dictionaries({name: st.sampled_from(["easy", "hard", "c", "d"]) for name in FACTORS}),
    st.sampled_from(Track),
    st.sampled_from(TwinKind),
    st.integers(1, 3),
)
clean = [replace(HOLDS, role=Role.CLEAN, track=track) for track in (Track.MAIN, Track.TIGHT)]
others = st.lists(st.sampled_from([None, HOLDS, *clean]), max_size=3).map(
    lambda truths: [(f"other{index}", truth) for index, truth in enumerate(truths)]
)
suites = st.builds(lambda some, rest: suite_of(*some, others=rest), st.lists(pairs, max_size=8), others)


def is_armed_on_main(truth):
    return truth.role is Role.ARMED and truth.track is Track.MAIN


def values_on_main(suite):
    armed = [each for each in suite.ground_truth.values() if is_armed_on_main(each)]
    return {value for each in armed for value in each.factors.items()}


@given(suites)
def test_smoke_has_every_value_of_the_main_track_in_as_few_pairs_as_there_are_values(suite):
    values = values_on_main(suite)
    if not values:
        with pytest.raises(InputError, match=r"^suite: has no pair for --level smoke"):
            chosen(suite, Level.SMOKE)
        return
    run = [suite.ground_truth[each.name] for each in chosen(suite, Level.SMOKE)]
    found = [truth for truth in run if truth.role is not Role.CLEAN]
    assert run[: len(found)] == found
    assert {value for truth in found for value in truth.factors.items()} == values
    assert all(truth.track is Track.MAIN for truth in found)
    assert [truth.role for truth in found] == [Role.ARMED, Role.TWIN] * (len(found) // 2)
    assert len(found) // 2 <= len(values)


@given(suites)
def test_standard_is_all_but_the_track_tight_and_thorough_has_that_last(suite):
    tight = {name for name, truth in suite.ground_truth.items() if truth.track is Track.TIGHT}
    standard, thorough = names(chosen(suite, Level.STANDARD)), names(chosen(suite, Level.THOROUGH))
    assert sorted(standard) == sorted(set(names(suite.instances)) - tight)
    assert thorough[: len(standard)] == standard
    assert sorted(thorough) == sorted(names(suite.instances))


@given(suites)
def test_the_members_of_a_pair_stay_together_and_come_before_all_others(suite):
    standard = names(chosen(suite, Level.STANDARD))
    paired = [name for name in standard if name.startswith("p")]
    assert standard[: len(paired)] == paired
    assert [name.partition("-")[0] for name in paired[::2]] == [name.partition("-")[0] for name in paired[1::2]]


def slow_order(candidates):
    """The same choice, from all candidates each time."""
    left, seen, met, order = list(candidates), set(), set(), []
    while left:
        best = min(left, key=lambda each: (-len(each.values - seen), -len(each.meetings - met), each.effort))
        left.remove(best)
        seen |= best.values
        met |= best.meetings
        order.append(best)
    return order


@given(suites)
def test_the_order_is_the_greedy_one(suite):
    candidates = groups(suite, suite.instances)
    assert list(ordered(candidates)) == slow_order(candidates)


@given(suites)
def test_what_a_level_runs_does_not_depend_on_where_it_starts(suite):
    """Smoke is the beginning of the order of the main track."""
    candidates = groups(suite, suite.instances)
    smoke = list(covering(candidates))
    assert list(ordered(candidates))[: len(smoke)] == smoke


def test_more_values_go_before_more_pairs_of_values_and_these_before_the_easier():
    suite = suite_of(
        simple(form="a", place="a", hardness="easy"),
        simple(form="a", place="a", hardness="easy"),
        simple(form="b", place="b", hardness="hard"),
        simple(form="b", place="a", hardness="hard"),
    )
    order = [name for name in names(chosen(suite, Level.STANDARD)) if name.endswith("armed")]
    assert order == ["p0-armed", "p2-armed", "p3-armed", "p1-armed"]
    assert names(chosen(suite, Level.SMOKE)) == ["p0-armed", "p0-twin", "p2-armed", "p2-twin"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("hard", TwinKind.CROWD, 1), ("easy", TwinKind.CROWD, 1)),
        (("hard", TwinKind.CROWD, 1), ("own", TwinKind.CROWD, 1)),
        (("own", TwinKind.CROWD, 1), ("easy", TwinKind.SCALED, 3)),
        (("easy", TwinKind.SCALED, 1), ("easy", TwinKind.MISALIGNED, 3)),
        (("easy", TwinKind.CROWD, 3), ("easy", TwinKind.CROWD, 1)),
    ],
)
def test_of_two_that_cover_the_same_the_easier_is_first(first, second):
    rows = [
        ({"form": "a", "hardness": hardness}, Track.MAIN, kind, leaves) for hardness, kind, leaves in (first, second)
    ]
    assert names(chosen(suite_of(*rows), Level.STANDARD))[0] == "p1-armed"


def test_smoke_of_the_suite_that_ships_has_every_value_of_its_recipe():
    suite = load_suite(core_suite())
    recipe = read_recipe(core_suite().parent / "core.toml")
    found = [suite.ground_truth[each.name] for each in chosen(suite, Level.SMOKE)]
    expected = {(factor, value) for factor, values in recipe.values.items() for value in values}
    # Corners are on a track of their own.
    covered = {value for truth in found if truth.track is Track.MAIN for value in truth.factors.items()}
    assert covered == expected - {("place", "corner")}
    armed = sum(truth.role is Role.ARMED for truth in found)
    assert len(recipe.networks) <= armed <= len(recipe.networks) + len(FAULTS)
    assert sum(truth.role is Role.CLEAN for truth in found) <= armed


def test_where_nothing_is_recorded_the_trigger_is_covered():
    recorded = load_suite(core_suite())
    suite = replace(
        recorded, ground_truth={name: replace(truth, factors={}) for name, truth in recorded.ground_truth.items()}
    )
    found = [suite.ground_truth[each.name] for each in chosen(suite, Level.SMOKE)]
    armed = [truth.trigger for truth in suite.ground_truth.values() if is_armed_on_main(truth)]
    assert sorted(truth.trigger for truth in found if is_armed_on_main(truth)) == sorted(set(armed))


def test_of_two_pairs_with_one_trigger_the_control_is_left_out():
    suite = suite_of(({}, Track.MAIN, TwinKind.SCALED, 1), ({}, Track.MAIN, TwinKind.CROWD, 3))
    assert {truth.trigger for truth in suite.ground_truth.values()} == {"mlp"}
    assert names(chosen(suite, Level.SMOKE)) == ["p1-armed", "p1-twin"]


def test_a_suite_with_factors_on_disk(tiny_suite, tmp_path):
    suite = load_suite(with_factors(tiny_suite, tmp_path / "suite"))
    assert len(chosen(suite, Level.SMOKE)) == 7
    assert names(chosen(suite, Level.SMOKE))[-1] == CLEAN
    assert names(chosen(suite, Level.STANDARD))[-1] == CLEAN


def test_a_twin_alone_is_no_pair():
    suite = suite_of(simple(form="a"), others=[("lonely", replace(HOLDS, pair="q"))])
    assert names(chosen(suite, Level.SMOKE)) == ["p0-armed", "p0-twin"]
    assert names(chosen(suite, Level.STANDARD))[-1] == "lonely"


def test_groups_cover_what_their_armed_member_records():
    (group,) = groups(suite_of(simple(form="a", place="b")), suite_of(simple(form="a", place="b")).instances)
    covered = {"form": ("a",), "place": ("b",)}
    assert (group.values, group.meetings) == (set(values_of(covered)), pairs_of(covered))


def test_the_level_smoke_catches_what_any_pair_is_known_to_catch():
    """The first pair has every value, so that only what the third catches makes it a part."""
    suite = suite_of(*(simple(form="a", place="b") for _ in range(3)))
    assert names(chosen(suite, Level.SMOKE)) == ["p0-armed", "p0-twin"]
    catching = {**suite.ground_truth, "p2-armed": replace(suite.ground_truth["p2-armed"], catches=("child-lost",))}
    assert names(chosen(replace(suite, ground_truth=catching), Level.SMOKE)) == ["p2-armed", "p2-twin"]
    both = {**catching, "p1-armed": replace(suite.ground_truth["p1-armed"], catches=("bias-lost",))}
    found = names(chosen(replace(suite, ground_truth=both), Level.SMOKE))
    assert found == ["p1-armed", "p1-twin", "p2-armed", "p2-twin"]


def test_a_fault_that_only_the_shallow_track_catches_is_caught_there():
    rows = [({"form": "a"}, track, TwinKind.CROWD, 1) for track in (Track.MAIN, Track.SHALLOW, Track.SHALLOW)]
    suite = suite_of(*rows)
    assert names(chosen(suite, Level.SMOKE)) == ["p0-armed", "p0-twin"]
    truth = {**suite.ground_truth, "p2-armed": replace(suite.ground_truth["p2-armed"], catches=("child-lost",))}
    caught_there = names(chosen(replace(suite, ground_truth=truth), Level.SMOKE))
    assert sorted(caught_there) == ["p0-armed", "p0-twin", "p2-armed", "p2-twin"]
    truth["p0-armed"] = replace(truth["p0-armed"], catches=("child-lost",))
    assert names(chosen(replace(suite, ground_truth=truth), Level.SMOKE)) == ["p0-armed", "p0-twin"]


def test_a_fault_counts_for_the_easiest_pairs_that_catch_it_and_not_for_scaled_ones():
    hardness = ("easy", "hard", "easy", "hard")
    suite = suite_of(*(simple(form="a", hardness=each) for each in hardness))
    truth = dict(suite.ground_truth)
    for number, caught in ((1, ("bias-lost", "child-lost")), (2, ("bias-lost",)), (3, ("bias-lost", "axis-order"))):
        truth[f"p{number}-armed"] = replace(truth[f"p{number}-armed"], catches=caught)
    truth["p3-armed"] = replace(truth["p3-armed"], twin_kind=TwinKind.SCALED)
    known = groups(replace(suite, ground_truth=truth), suite.instances)
    found = [{fault for kind, fault in group.values if kind == "fault"} for group in known]
    assert found == [set(), {"child-lost"}, {"bias-lost"}, set()]
