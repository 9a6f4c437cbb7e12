"""Pairs of values are counted as they occur: each one is met, missing or forbidden, and never two of these."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from soundbench.coverage import Coverage, all_values, count, cover, pair_of, pairs_of
from soundbench.ground_truth import Role

FACTORS = ("form", "place", "operator")
instances = st.fixed_dictionaries(
    {}, optional={name: st.frozensets(st.sampled_from("abc"), min_size=1) for name in FACTORS}
)
suites = st.lists(instances, max_size=6)


def every_pair(factors):
    return {
        pair_of((first, one), (second, other))
        for (first, ones), (second, others) in combinations(factors.items(), 2)
        for one in ones
        for other in others
    }


@given(suites, suites, st.data())
def test_every_pair_is_met_or_missing_or_forbidden(armed, others, data):
    everywhere = [*armed, *others]
    pairs = sorted(every_pair(all_values(everywhere)))
    forbidden = set(data.draw(st.lists(st.sampled_from(pairs)))) if pairs else set()
    found = cover(everywhere, armed, forbidden)
    met = set(pairs) - set(found.missing) - set(found.forbidden)
    assert met == {pair for instance in armed for pair in pairs_of(instance)}
    assert found.met == len(met)
    assert len(pairs) == found.met + len(found.missing) + len(found.forbidden)
    assert set(found.forbidden) <= forbidden
    assert not set(found.missing) & forbidden


@given(suites)
def test_what_one_more_instance_meets_is_missing_no_more(armed):
    for index in range(len(armed)):
        before, after = cover(armed, armed[:index], ()), cover(armed, armed[: index + 1], ())
        assert set(before.missing) - set(after.missing) == pairs_of(armed[index]) - set().union(
            *(pairs_of(each) for each in armed[:index])
        )


def test_a_small_suite():
    armed = [{"form": ["any"], "place": ["face"]}, {"form": ["all"], "place": ["edge"]}]
    twins = [{"form": ["any"], "place": ["deep"]}]
    assert cover([*armed, *twins], armed, {(("form", "any"), ("place", "edge"))}) == Coverage(
        factors={"form": ["all", "any"], "place": ["deep", "edge", "face"]},
        met=2,
        missing=(
            (("form", "all"), ("place", "deep")),
            (("form", "all"), ("place", "face")),
            (("form", "any"), ("place", "deep")),
        ),
        forbidden=((("form", "any"), ("place", "edge")),),
    )


def test_values_are_counted_by_role():
    table = count([(Role.ARMED, {"form": ["any"], "operator": ["Conv", "Relu"]}), (Role.TWIN, {"form": ["any"]})])
    assert table == {
        "form": {"any": {Role.ARMED: 1, Role.TWIN: 1, Role.CLEAN: 0, Role.OTHER: 0}},
        "operator": {
            "Conv": {Role.ARMED: 1, Role.TWIN: 0, Role.CLEAN: 0, Role.OTHER: 0},
            "Relu": {Role.ARMED: 1, Role.TWIN: 0, Role.CLEAN: 0, Role.OTHER: 0},
        },
    }


def test_two_values_of_one_factor_are_no_pair():
    assert pairs_of({"operator": ["Conv", "Relu"]}) == set()
