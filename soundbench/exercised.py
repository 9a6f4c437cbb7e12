"""Which pairs has a verifier exercised? Only there do its answers on the armed member say something about it.

A pair is exercised by who proves its misaligned or crowd twin, and answers on the armed member with neither `error` nor
`unsupported`. A scaled twin is a mere control: an interval bound at the root proves it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from soundbench.claim import Claim
from soundbench.ground_truth import Expected, GroundTruth, Role, TwinKind

EXERCISING_KINDS = (TwinKind.MISALIGNED, TwinKind.CROWD)
CONTROL_KINDS = (TwinKind.SCALED,)


@dataclass(frozen=True, slots=True)
class Members:
    """The names of a pair's armed members, and of its twins."""

    armed: tuple[str, ...]
    twins: tuple[str, ...]


def pairs_of(
    names: Iterable[str], ground_truth: Mapping[str, GroundTruth], kinds: Collection[TwinKind] = EXERCISING_KINDS
) -> Mapping[str, Members]:
    """Of these instances the members of every pair that has an armed one and a twin of these kinds, by pair."""
    armed, twins = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    for name in names:
        truth = ground_truth.get(name)
        if truth is None or truth.pair is None:
            continue
        if truth.role is Role.ARMED:
            armed[truth.pair].append(name)
        elif truth.role is Role.TWIN and truth.twin_kind in kinds:
            twins[truth.pair].append(name)
    return {pair: Members(tuple(armed[pair]), tuple(twins[pair])) for pair in armed if pair in twins}


def is_exercised(pair: Members, claims: Mapping[str, Claim], proven: Collection[str]) -> bool:
    """Whether a verifier that claims this, and has proven these twins, has exercised a pair."""
    answered = all(claims[name] not in (Claim.ERROR, Claim.UNSUPPORTED) for name in pair.armed)
    return answered and any(name in proven for name in pair.twins)


def exercised_instances(
    claims: Mapping[str, Claim], ground_truth: Mapping[str, GroundTruth], kinds: Collection[TwinKind] = EXERCISING_KINDS
) -> tuple[str, ...]:
    """The armed members of the pairs that a verifier with these claims exercises by twins of these kinds, in order."""
    claimed = [name for name, claim in claims.items() if claim is Claim.VERIFIED and name in ground_truth]
    proven = frozenset(name for name in claimed if ground_truth[name].expected is Expected.HOLDS)
    pairs = pairs_of(claims, ground_truth, kinds).values()
    armed = {name for pair in pairs if is_exercised(pair, claims, proven) for name in pair.armed}
    return tuple(name for name in claims if name in armed)
