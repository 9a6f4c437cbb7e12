"""How a training is saved so that it can be continued: one safetensors file, with the rest as JSON in its header."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from soundbench.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """The state of a training after `step` steps; `identity` names the recipe and seed that it belongs to.

    `streak` is how many checks in a row all planted points withstood; `log` has a line for every check.
    """

    identity: str
    step: int
    streak: int
    log: Sequence[Mapping[str, float]]
    tensors: Mapping[str, Tensor]

    def part(self, name: str) -> dict[str, Tensor]:
        """The tensors whose names begin with `name` and a dot, without that."""
        return {
            key.removeprefix(f"{name}."): value for key, value in self.tensors.items() if key.startswith(f"{name}.")
        }


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Replace the checkpoint at once, so that a run that is killed leaves the old one or the new one."""
    from safetensors.torch import save_file

    facts = {name: getattr(checkpoint, name) for name in ("identity", "step", "streak", "log")}
    # Memory that two tensors share cannot be saved.
    tensors = {key: value.detach().cpu().clone().contiguous() for key, value in checkpoint.tensors.items()}
    partial = path.with_name(f".{path.name}.partial")
    save_file(tensors, partial, metadata={"training": json.dumps(facts)})
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.replace(path)


def load_checkpoint(path: Path, identity: str) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        InputError: it cannot be read, or belongs to another recipe or seed.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {})["training"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (no mapping)
        found = Checkpoint(
            str(facts["identity"]), int(facts["step"]), int(facts["streak"]), list(facts["log"]), tensors
        )
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a readable checkpoint ({error}); remove it to train from the start") from None
    if found.identity != identity:
        raise InputError(
            f"{path}: a checkpoint of another recipe or seed; remove it to train from the start, or name another folder"
        )
    return found
