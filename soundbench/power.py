"""Would a suite notice a verifier that lies? What verifiers that are wrong on purpose say of its instances, summed up.

Who makes such verifiers, and runs them, is no matter of this module: it takes their answers beside a sound one's.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from soundbench.claim import Claim


@dataclass(frozen=True, slots=True, order=True)
class Suspect:
    """A verifier with a fault, at a strength, which is a number of the fault's own."""

    fault: str
    strength: float


@dataclass(frozen=True, slots=True)
class Reply:
    """What a verifier claimed of an instance, and the seconds that it took."""

    claim: Claim
    seconds: float


@dataclass(frozen=True, slots=True)
class Trial:
    """The replies to one instance: the sound verifier's, and those of the faulty ones that may differ from it."""

    instance: str
    sound: Reply
    replies: Mapping[Suspect, Reply]
