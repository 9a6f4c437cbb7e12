"""Which values of which factors do instances have, and which two values never meet in one?"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from soundbench.ground_truth import Role

# The values of an instance: of most factors one, of some (the operators of its network) several.
Values = Mapping[str, Collection[str]]
# A factor with one of its values; and two of different factors, in alphabetical order.
Value = tuple[str, str]
Pair = tuple[Value, Value]
# How many instances of each role have each value of each factor.
Counts = Mapping[str, Mapping[str, Mapping[Role, int]]]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far a suite covers the pairs of values of `factors`, each with all the values it has in the suite.

    `met` pairs occur together in some armed instance; of the others, those of `forbidden` cannot, and `missing` do not.
    """

    factors: Mapping[str, Sequence[str]]
    met: int
    missing: tuple[Pair, ...]
    forbidden: tuple[Pair, ...]


def values_of(instance: Values) -> list[Value]:
    """All values of an instance."""
    return [(factor, value) for factor, values in instance.items() for value in values]


def pair_of(one: Value, other: Value) -> Pair:
    """Two values in alphabetical order."""
    return (one, other) if one <= other else (other, one)


def pairs_of(instance: Values) -> set[Pair]:
    """Every two values of different factors that meet in an instance."""
    return {pair_of(one, other) for one, other in combinations(values_of(instance), 2) if one[0] != other[0]}


def all_values(instances: Iterable[Values]) -> dict[str, list[str]]:
    """Every factor, in order of appearance, with every value that some instance has, in alphabetical order."""
    found: dict[str, set[str]] = {}
    for instance in instances:
        for factor, values in instance.items():
            found.setdefault(factor, set()).update(values)
    return {factor: sorted(values) for factor, values in found.items()}


def cover(instances: Iterable[Values], armed: Iterable[Values], excused: Collection[Pair]) -> Coverage:
    """Which pairs of the values of `instances` meet in those of them that are armed; `excused` ones need not."""
    factors = all_values(instances)
    met: set[Pair] = set().union(*map(pairs_of, armed))
    missing: list[Pair] = []
    forbidden: list[Pair] = []
    for (first, ones), (second, others) in combinations(factors.items(), 2):
        for one, other in product(ones, others):
            pair = pair_of((first, one), (second, other))
            if pair not in met:
                (forbidden if pair in excused else missing).append(pair)
    return Coverage(factors, len(met), tuple(missing), tuple(forbidden))


def count(instances: Iterable[tuple[Role, Values]]) -> Counts:
    """How many instances of each role have each value of each factor."""
    every = list(instances)
    counted = Counter((value, role) for role, values in every for value in values_of(values))
    return {
        factor: {value: {role: counted[(factor, value), role] for role in Role} for value in values}
        for factor, values in all_values(values for _, values in every).items()
    }
