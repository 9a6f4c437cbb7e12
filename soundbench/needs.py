"""What does a task of a verifier take of a machine? Cores, memory and GPUs: declared by its class, set by the user."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

from soundbench.errors import InputError
from soundbench.option import Option, OptionValue, read_options

# No machine has more.
_MOST_GIB = 2.0**20


class Resources(NamedTuple):
    """What a machine has for tasks, or what one takes of it; the scarcest first."""

    gpus: int
    memory_bytes: int
    cores: int


@dataclass(frozen=True, slots=True)
class Needs:
    """What a task needs; without `memory` (GiB, 0 for none) it gets a share of the machine's by its cores."""

    cores: int = 1
    memory: float = 0.0
    gpus: int = 0

    def resources(self, memory_bytes: int | None, share_bytes: int) -> Resources:
        """The resources of a task; `memory_bytes` goes before its own need, which goes before its `share_bytes`."""
        own = int(self.memory * 2**30) or share_bytes * self.cores
        return Resources(self.gpus, own if memory_bytes is None else memory_bytes, self.cores)

    def unlike(self, other: "Needs") -> dict[str, OptionValue]:
        """What differs from other needs, by name."""
        theirs = asdict(other)
        return {name: value for name, value in asdict(self).items() if value != theirs[name]}


def split_options(own: Sequence[Option], given: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """What the user gave, apart: a verifier's own options, and needs, which every verifier has besides."""
    needs = asdict(Needs()).keys() - {option.name for option in own}
    return (
        {name: text for name, text in given.items() if name not in needs},
        {name: text for name, text in given.items() if name in needs},
    )


def read_needs(verifier: str, declared: Needs, given: Mapping[str, str]) -> Needs:
    """The needs of a verifier's tasks: what was given, or what its class declares.

    Raises:
        InputError: a value is no number, or one that no task can need.
    """
    options = [
        Option("cores", declared.cores, "how many cores a task needs"),
        Option("memory", float(declared.memory), "how much memory a task needs, in GiB; 0 for a share by its cores"),
        Option("gpus", declared.gpus, "how many GPUs a task needs"),
    ]
    values = read_options(verifier, options, given)
    needs = Needs(cores=int(values["cores"]), memory=float(values["memory"]), gpus=int(values["gpus"]))
    if needs.cores < 1:
        raise InputError(f"option {verifier}.cores: a task needs 1 core at least, not {needs.cores}")
    if needs.gpus < 0:
        raise InputError(f"option {verifier}.gpus: a task cannot need {needs.gpus} GPUs")
    if not 0 <= needs.memory <= _MOST_GIB:
        raise InputError(f"option {verifier}.memory: a task cannot need {needs.memory} GiB")
    return needs
