"""How does a verifier answer an instance, as it is and corrupted? Each is run as `evaluate` runs it, in turn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from soundbench.claim import Claim
from soundbench.instance import Instance
from soundbench.power import Reply, Suspect, Trial, reply_of
from soundbench.registry import resolve
from soundbench.verifier import Verifier

from .corruptions import Corruption, corruptions_named


def try_corruptions(
    instance: Instance, verifier: Verifier, corruptions: Sequence[Corruption], timeout_seconds: float | None = None
) -> Trial:
    """The answers of a verifier as it is, and of each corrupted one where that can make a difference.

    A weaker strength is run only where the next stronger one is live. What the verifier cannot read, or stumbles over,
    it is not asked again.

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
            if not trial.is_live(suspect):
                break
    return trial


@dataclass(frozen=True, slots=True)
class TryCorruptions:
    """A task for `run_parallel`: it tells the trial of each instance; all go by name, since names can be sent."""

    instances: tuple[Instance, ...]
    verifier: str
    corruptions: tuple[str, ...]
    timeout_seconds: float | None

    def __call__(self, tell: Callable[[Trial], None]) -> None:
        """Try one instance after the other."""
        verifier, corruptions = resolve(self.verifier), corruptions_named(self.corruptions)
        for instance in self.instances:
            tell(try_corruptions(instance, verifier, corruptions, self.timeout_seconds))
