"""How does a verifier answer an instance, as it is and corrupted? Each is run as `evaluate` runs it, in turn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from soundbench.claim import Claim
from soundbench.instance import Instance
from soundbench.registry import resolve
from soundbench.trial import Reply, Suspect, Trial, reply_of
from soundbench.verifier import Verifier

from .corruptions import Corruption, corruption_of


def try_corruptions(
    instance: Instance, verifier: Verifier, corruptions: Sequence[Corruption], timeout_seconds: float | None = None
) -> Trial:
    """The answers of a verifier as it is, and of each corrupted one where that can make a difference.

    A weaker strength of a corruption is run only where the next stronger one answers otherwise than the verifier as it
    is, which takes for granted that it does so nowhere else. What the verifier cannot read, or stumbles over, it is not
    asked again.

    Raises:
        InputError: the instance's files cannot be read.
    """
    replies: dict[Suspect, Reply] = {}
    trial = Trial(instance.name, reply_of(verifier, instance, timeout_seconds), replies)
    if trial.sound.claim in (Claim.ERROR, Claim.UNSUPPORTED):
        return trial
    for corruption in corruptions:
        for strength in corruption.strengths:
            corrupted, suspect = corruption.put_in(verifier, strength), Suspect(corruption.name, strength)
            if not corrupted.touches(instance, trial.sound.claim):
                break
            replies[suspect] = reply_of(corrupted, instance, timeout_seconds)
            if trial.agrees(suspect):
                break
    return trial


def touches(instance: Instance, verifier: Verifier, corruptions: Sequence[str]) -> bool:
    """Whether one of these corruptions (see `corruption_of`) can make a difference to an instance, by some claim.

    Raises:
        InputError: the instance's files cannot be read.
    """
    known = (corruption_of(words) for words in corruptions)
    corrupted = [each.put_in(verifier, each.strengths[0]) for each in known]
    return any(each.touches(instance, claim) for each in corrupted for claim in Claim)


@dataclass(frozen=True, slots=True)
class TryCorruptions:
    """A task for `run_parallel`: it tells the trial of each instance.

    All go by their names, or as `NAME@STRENGTH` (see `corruption_of`), since words can be sent.
    """

    instances: tuple[Instance, ...]
    verifier: str
    corruptions: tuple[str, ...]
    timeout_seconds: float | None

    def __call__(self, tell: Callable[[Trial], None]) -> None:
        """Try one instance after the other."""
        verifier, corruptions = resolve(self.verifier), [corruption_of(words) for words in self.corruptions]
        for instance in self.instances:
            tell(try_corruptions(instance, verifier, corruptions, self.timeout_seconds))
