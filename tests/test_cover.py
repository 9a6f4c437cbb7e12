"""Smallest sets that meet several sets, beside trying all of them."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundbench.cover import smallest_cover

FAMILIES = st.lists(st.frozensets(st.sampled_from("abcdef"), min_size=1), max_size=7)


@given(FAMILIES)
def test_no_smaller_set_meets_all(family: list[frozenset[str]]):
    found = smallest_cover(family)
    assert all(found & each for each in family)
    smaller = itertools.combinations("abcdef", max(len(found) - 1, 0))
    assert not found or not any(all(set(choice) & each for each in family) for choice in smaller)


def test_an_empty_set_is_met_by_nothing():
    with pytest.raises(ValueError, match="met by nothing"):
        smallest_cover([frozenset("a"), frozenset()])
