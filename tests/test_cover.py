"""Small sets that meet several sets, beside trying all of them."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundbench.cover import TooMuchWork, cover, greedy_cover, smallest_cover

FAMILIES = st.lists(st.frozensets(st.sampled_from("abcdef"), min_size=1), max_size=7)


@given(FAMILIES)
def test_no_smaller_set_meets_all(family: list[frozenset[str]]):
    found = cover(family)
    assert found.is_smallest
    assert all(found.members & each for each in family)
    smaller = itertools.combinations("abcdef", max(len(found.members) - 1, 0))
    assert not found.members or not any(all(set(choice) & each for each in family) for choice in smaller)


@given(FAMILIES, st.integers(0, 60))
def test_with_less_work_a_set_that_meets_all_is_found_and_is_not_said_to_be_smallest(family, most_work: int):
    found = cover(family, most_work)
    assert all(found.members & each for each in family)
    assert found.is_smallest or found.members == greedy_cover(family)
    assert not found.is_smallest or len(found.members) == len(smallest_cover(family))


@given(FAMILIES)
def test_no_member_of_a_greedy_choice_meets_nothing_new(family: list[frozenset[str]]):
    assert len(greedy_cover(family)) <= len(set(family))
    assert all(greedy_cover(family) & each for each in family)


def test_a_suite_of_many_instances_and_faults_ends_with_what_the_work_allows():
    """Forty random sets of two hundred instances: to be sure of a smallest choice takes far too long."""
    draw = random.Random(0)
    family = [frozenset(draw.sample(range(200), 12)) for _ in range(40)]
    with pytest.raises(TooMuchWork):
        smallest_cover(family, 100_000)
    found = cover(family, 100_000)
    assert not found.is_smallest
    assert all(found.members & each for each in family)


def test_an_empty_set_is_met_by_nothing():
    with pytest.raises(ValueError, match="met by nothing"):
        cover([frozenset("a"), frozenset()])
