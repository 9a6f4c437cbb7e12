"""What is a smallest set that has a member of each of several sets?"""

from collections.abc import Hashable, Sequence
from typing import TypeVar

Member = TypeVar("Member", bound=Hashable)


def smallest_cover(sets: Sequence[frozenset[Member]]) -> frozenset[Member]:
    """A smallest set that meets every one of the sets, none of which may be empty.

    By trying sizes from the least on, the set with fewest members first: quick if some sets are small.
    """
    wanted = minimal(sets)
    for size in range(len(wanted) + 1):
        found = cover_within(wanted, size)
        if found is not None:
            return found
    raise ValueError("an empty set is met by nothing")


def cover_within(wanted: Sequence[frozenset[Member]], size: int) -> frozenset[Member] | None:
    """A set of at most so many members that meets all; None if there is none."""
    if not wanted:
        return frozenset()
    if size < disjoint(wanted):
        return None
    for member in useful(min(wanted, key=len), wanted):
        rest = cover_within([each for each in wanted if member not in each], size - 1)
        if rest is not None:
            return rest | {member}
    return None


def minimal(sets: Sequence[frozenset[Member]]) -> list[frozenset[Member]]:
    """The sets without those that are met whenever another one is."""
    distinct = list(dict.fromkeys(sets))
    return [each for each in distinct if not any(other < each for other in distinct)]


def disjoint(sets: Sequence[frozenset[Member]]) -> int:
    """How many sets, of those that a greedy choice finds, share no member: as many members are needed at least."""
    count, used = 0, frozenset[Member]()
    for each in sorted(sets, key=len):
        if used.isdisjoint(each):
            count, used = count + 1, used | each
    return count


def useful(candidates: frozenset[Member], wanted: Sequence[frozenset[Member]]) -> list[Member]:
    """The candidates that meet most come first; one that meets no other sets than another does is left out."""
    met = {member: frozenset(n for n, each in enumerate(wanted) if member in each) for member in candidates}
    kept: dict[frozenset[int], Member] = {}
    for member in sorted(met, key=lambda each: (-len(met[each]), str(each))):
        if not any(met[member] <= other for other in kept):
            kept[met[member]] = member
    return list(kept.values())
