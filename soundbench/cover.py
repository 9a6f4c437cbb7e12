"""What is a small set that has a member of each of several sets? A smallest one, if that is not too much work."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Member = TypeVar("Member", bound=Hashable)

# How many memberships are looked up at most before a greedy choice must do: a second or two.
MOST_WORK = 5_000_000


class TooMuchWork(Exception):
    """A smallest set has not been found within the work allowed."""


class Work:
    """So much work may be done."""

    def __init__(self, most: int) -> None:
        self._left = most

    def spend(self, cost: int) -> None:
        """Take so much of it.

        Raises:
            TooMuchWork: that is more than is left.
        """
        self._left -= cost
        if self._left < 0:
            raise TooMuchWork


@dataclass(frozen=True, slots=True)
class Cover(Generic[Member]):
    """A set that meets all sets; `is_smallest` says that no smaller one does."""

    members: frozenset[Member]
    is_smallest: bool


def cover(sets: Sequence[frozenset[Member]], most_work: int = MOST_WORK) -> Cover[Member]:
    """A smallest set that meets every one of the sets, or a small one if that is too much work.

    Raises:
        ValueError: one of them is empty.
    """
    if frozenset() in sets:
        raise ValueError("an empty set is met by nothing")
    try:
        return Cover(smallest_cover(sets, most_work), is_smallest=True)
    except TooMuchWork:
        return Cover(greedy_cover(sets), is_smallest=False)


def smallest_cover(sets: Sequence[frozenset[Member]], most_work: int = MOST_WORK) -> frozenset[Member]:
    """A smallest set that meets every one of the sets, none of which may be empty.

    By trying sizes from the least on, the set with fewest members first: quick if some sets are small.

    Raises:
        TooMuchWork: it was not found within the work allowed.
    """
    wanted, work = minimal(sets), Work(most_work)
    sizes = (cover_within(wanted, size, work) for size in range(len(wanted) + 1))
    return next(found for found in sizes if found is not None)


def greedy_cover(sets: Sequence[frozenset[Member]]) -> frozenset[Member]:
    """A set that meets every one of the sets: the next member is always one that meets most of what is left."""
    found, wanted = frozenset[Member](), list(sets)
    while wanted:
        member = useful(frozenset[Member]().union(*wanted), wanted)[0]
        found, wanted = found | {member}, [each for each in wanted if member not in each]
    return found


def cover_within(wanted: Sequence[frozenset[Member]], size: int, work: Work) -> frozenset[Member] | None:
    """A set of at most so many members that meets all; None if there is none.

    Raises:
        TooMuchWork: it was not found within what is left of the work.
    """
    if not wanted:
        return frozenset()
    work.spend(sum(map(len, wanted)))
    if size < disjoint(wanted):
        return None
    for member in useful(min(wanted, key=len), wanted):
        rest = cover_within([each for each in wanted if member not in each], size - 1, work)
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
