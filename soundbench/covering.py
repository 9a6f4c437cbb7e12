"""Rows of factor values such that every two values of different factors meet in at least one row.

Greedy, after AETG (Cohen et al. 1997, The AETG system): each row starts from values that are wanted together, or from a
pair that no row has yet, and takes for every other factor the value that adds most pairs; of several such rows the best
is kept.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from soundbench.errors import InputError

CANDIDATES = 20

# A value of a factor; two of different factors; and a value for each factor.
Level = tuple[str, str]
Pair = frozenset[Level]
Row = Mapping[str, str]


class NoRow(InputError):
    """Two values may meet, but no row has both: the other factors' values forbid it."""


@dataclass(frozen=True, slots=True)
class Factors:
    """The values of every factor, and the pairs of values that cannot meet."""

    values: Mapping[str, Sequence[str]]
    forbidden: frozenset[Pair] = frozenset()

    def pairs(self) -> Iterator[Pair]:
        """Every two values of different factors that can meet."""
        for (first, ones), (second, others) in itertools.combinations(self.values.items(), 2):
            for pair in (frozenset({(first, one), (second, other)}) for one in ones for other in others):
                if pair not in self.forbidden:
                    yield pair


def pairs_of(row: Row) -> frozenset[Pair]:
    """The pairs of values that meet in a row."""
    return frozenset(frozenset(pair) for pair in itertools.combinations(row.items(), 2))


def cover(factors: Factors, random: np.random.Generator, wanted: Sequence[Row] = ()) -> list[Row]:
    """Rows in which all pairs meet that can; first, for each of those `wanted`, one that has its values.

    Raises:
        NoRow: some two values can meet, or are wanted together, but not with any values of the other factors.
    """
    missing = dict.fromkeys(factors.pairs())
    rows: list[Row] = []

    def add(seed: Row) -> None:
        candidates = [row for row in (extend(seed, factors, missing, random) for _ in range(CANDIDATES)) if row]
        if not candidates:
            values = " and ".join(f"{factor} {value}" for factor, value in sorted(seed.items()))
            raise NoRow(
                f"{values} cannot meet: what they may not meet leaves no value of another factor; forbid that too"
            )
        best = max(candidates, key=lambda row: sum(pair in missing for pair in pairs_of(row)))
        for pair in pairs_of(best):
            missing.pop(pair, None)
        rows.append(best)

    for seed in wanted:
        add(seed)
    while missing:
        add(dict(next(iter(missing))))
    return rows


def extend(seed: Row, factors: Factors, missing: Mapping[Pair, None], random: np.random.Generator) -> Row | None:
    """A row with these values, the others chosen in random order for the missing pairs they add; None if stuck."""
    if pairs_of(seed) & factors.forbidden:
        return None
    row = dict(seed)
    others = [factor for factor in factors.values if factor not in row]
    for factor in (others[index] for index in random.permutation(len(others))):
        allowed = [
            value
            for value in factors.values[factor]
            if not any(frozenset({(factor, value), level}) in factors.forbidden for level in row.items())
        ]
        if not allowed:
            return None
        gains = [sum(frozenset({(factor, value), level}) in missing for level in row.items()) for value in allowed]
        ties = [value for value, gain in zip(allowed, gains, strict=True) if gain == max(gains)]
        row[factor] = ties[int(random.integers(len(ties)))]
    return {factor: row[factor] for factor in factors.values}
