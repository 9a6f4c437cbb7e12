"""What do verifiers that may be wrong say of an instance, beside a sound one?

Who makes such verifiers is no matter of this module.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from soundbench.claim import Claim
from soundbench.instance import Instance
from soundbench.verifier import Verifier


@dataclass(frozen=True, slots=True, order=True)
class Suspect:
    """A verifier with a fault, at a strength, which is a number of the fault's own."""

    fault: str
    strength: float


class Strengths(Protocol):
    """A fault of any kind: its name, and its strengths from the strongest on."""

    @property
    def name(self) -> str:
        """The fault's name."""

    @property
    def strengths(self) -> tuple[float, ...]:
        """From the strongest to the weakest."""


def suspects_of(asked: Sequence[Strengths], known: Sequence[Strengths]) -> tuple[Suspect, ...]:
    """The suspects that are asked for, each once, in the order in which they are known."""
    wanted = {Suspect(fault.name, strength) for fault in asked for strength in fault.strengths}
    everyone = (Suspect(fault.name, strength) for fault in known for strength in fault.strengths)
    return tuple(each for each in everyone if each in wanted)


def every_strength(faults: Sequence[Strengths]) -> tuple[str, ...]:
    """`NAME@STRENGTH` of every suspect among the faults."""
    return tuple(f"{fault.name}@{strength}" for fault in faults for strength in fault.strengths)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a verifier claimed of an instance, and the seconds that it took."""

    claim: Claim
    seconds: float


@dataclass(frozen=True, slots=True)
class Trial:
    """The replies to one instance: the sound verifier's, and those of the suspects that were run.

    A suspect that was not run is taken to answer as the sound verifier does: the instance has nothing that its fault
    touches, or the next stronger one does so.
    """

    instance: str
    sound: Reply
    replies: Mapping[Suspect, Reply]

    def reply(self, suspect: Suspect) -> Reply:
        """What a suspect says."""
        return self.replies.get(suspect, self.sound)

    def agrees(self, suspect: Suspect) -> bool:
        """Whether a suspect says what the sound verifier says."""
        return self.reply(suspect).claim is self.sound.claim

    def is_live(self, suspect: Suspect) -> bool:
        """Whether a suspect says verified where the sound verifier does not."""
        return self.says_alone(suspect, Claim.VERIFIED)

    def says_alone(self, suspect: Suspect, claim: Claim) -> bool:
        """Whether a suspect claims this, and the sound verifier does not."""
        return self.reply(suspect).claim is claim and self.sound.claim is not claim


def try_verifiers(
    instance: Instance, sound: Verifier, suspects: Mapping[Suspect, Verifier], timeout_seconds: float | None = None
) -> Trial:
    """The trial of an instance with verifiers of any kind, each run as `evaluate` runs it, one after the other.

    Raises:
        InputError: the instance's files cannot be read.
    """
    replies = {each: reply_of(verifier, instance, timeout_seconds) for each, verifier in suspects.items()}
    return Trial(instance.name, reply_of(sound, instance, timeout_seconds), replies)


def reply_of(verifier: Verifier, instance: Instance, timeout_seconds: float | None = None) -> Reply:
    """The reply of a verifier of any kind, run as `evaluate` runs it.

    Raises:
        InputError: the instance's files cannot be read.
    """
    execution = verifier.answer(instance, timeout_seconds=timeout_seconds)
    return Reply(execution.answer.claim, execution.ending.wall_seconds)
