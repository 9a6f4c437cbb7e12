"""Pairwise covering designs: every pair that may meet does, and none that may not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundbench.covering import Factors, NoRow, cover, pairs_of

SIZES = st.lists(st.integers(1, 6), min_size=2, max_size=5)


def factors(sizes, forbidden=frozenset()):
    return Factors({f"f{i}": tuple(f"v{j}" for j in range(size)) for i, size in enumerate(sizes)}, forbidden)


@settings(max_examples=60)
@given(sizes=SIZES, seed=st.integers(0, 2**31), data=st.data())
def test_every_pair_that_may_meet_does_and_no_other(sizes, seed, data):
    everything = list(factors(sizes).pairs())
    forbidden = frozenset(data.draw(st.lists(st.sampled_from(everything), max_size=3)))
    given_factors = factors(sizes, forbidden)
    try:
        rows = cover(given_factors, np.random.default_rng(seed))
    except NoRow:
        assert forbidden
        return
    met = set().union(*(pairs_of(row) for row in rows))
    assert met == set(given_factors.pairs())
    for row in rows:
        assert list(row) == list(given_factors.values)
        assert not pairs_of(row) & forbidden


@settings(max_examples=60)
@given(sizes=SIZES, seed=st.integers(0, 2**31), data=st.data())
def test_what_is_wanted_comes_first_and_costs_no_more_rows_than_itself(sizes, seed, data):
    given_factors = factors(sizes)
    draws = [st.sampled_from([None, *values]) for values in given_factors.values.values()]
    drawn = data.draw(st.lists(st.tuples(*draws), max_size=4))
    wanted = [
        {name: value for name, value in zip(given_factors.values, values, strict=True) if value} for values in drawn
    ]
    rows = cover(given_factors, np.random.default_rng(seed), wanted)
    for seed_row, row in zip(wanted, rows, strict=False):
        assert seed_row.items() <= row.items()
    assert len(rows) >= len(wanted)
    assert set().union(*(pairs_of(row) for row in rows)) == set(given_factors.pairs())
    # Every row beyond those adds a pair that none before it has.
    met = set().union(*(pairs_of(row) for row in rows[: len(wanted)]))
    for row in rows[len(wanted) :]:
        assert pairs_of(row) - met
        met |= pairs_of(row)


def test_what_is_wanted_but_forbidden_is_named():
    forbidden = frozenset({frozenset({("f0", "v0"), ("f1", "v1")})})
    with pytest.raises(NoRow, match=r"^f0 v0 and f1 v1 cannot meet"):
        cover(factors([2, 2, 2], forbidden), np.random.default_rng(0), [{"f0": "v0", "f1": "v1"}])


def test_it_is_near_the_least_number_of_rows():
    rows = cover(factors([25, 8, 6, 6, 3]), np.random.default_rng(0))
    assert 200 <= len(rows) <= 250


def test_the_same_seed_gives_the_same_rows():
    first, second = (cover(factors([5, 4, 3]), np.random.default_rng(3)) for _ in range(2))
    assert first == second


def test_a_pair_that_fits_into_no_row_is_named():
    forbidden = frozenset(frozenset({("f0", "v0"), ("f2", value)}) for value in ("v0", "v1"))
    with pytest.raises(NoRow, match=r"^f0 v0 and f1 v0 cannot meet: .*; forbid that too$"):
        cover(factors([2, 2, 2], forbidden), np.random.default_rng(0))
