"""What is kept of a battery that is not finished: one line for every part of it that has ended.

The file lies beside the suite that will hold the records, is named after what makes two runs the same, and is removed
once the records are written. Only one process writes it.
"""

import contextlib
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from soundbench.json_lines import append_line, read_lines
from soundbench.lock import open_locked


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attack reached in one box: the smallest margin, in float64, and the point (inputs,) where."""

    margin: float
    point: tuple[float, ...]
    queries: int
    found: bool


# Network, attack, number of the part.
Key = tuple[str, str, int]


class Journal:
    """An open journal; `done` holds what each finished part reached, by number of the box."""

    def __init__(self, path: Path, descriptor: int, done: dict[Key, Mapping[int, Outcome]]) -> None:
        """Use `open_journal` instead."""
        self.path, self.done, self._descriptor = path, done, descriptor

    def append(self, key: Key, reached: Mapping[int, Outcome]) -> None:
        """Add a part; once this returns it survives a crash of the machine."""
        network, attack, part = key
        boxes = {str(box): asdict(outcome) for box, outcome in reached.items()}
        entry = {"network": network, "attack": attack, "part": part, "boxes": boxes}
        append_line(self.path, self._descriptor, entry)
        self.done[key] = reached

    def remove(self) -> None:
        """Remove the file, of which nothing is needed any more."""
        self.path.unlink(missing_ok=True)


@contextlib.contextmanager
def open_journal(folder: Path, identity: Sequence[object]) -> Iterator[Journal]:
    """Start or go on with the journal of the suite in `folder`, which need not exist; `identity` is made of JSON.

    Raises:
        InputError: it cannot be written, is damaged, or another process writes it.
    """
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    place = folder.absolute()
    path = place.with_name(f"{place.name}.attacks-{digest[:12]}.jsonl")
    with open_locked(path, f"{path}: these attacks go on in another process; wait for it, or end it") as descriptor:
        yield Journal(path, descriptor, dict(read_lines(path, descriptor, parse_line, "remove the file to start anew")))


def parse_line(line: bytes) -> tuple[Key, Mapping[int, Outcome]] | None:
    """A finished part, or None if the line is damaged."""
    try:
        entry = json.loads(line)
        boxes = {int(box): decode_outcome(fields) for box, fields in entry["boxes"].items()}
        return (str(entry["network"]), str(entry["attack"]), int(entry["part"])), boxes
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def decode_outcome(fields: Mapping[str, Any]) -> Outcome:
    """Read what was reached in a box."""
    outcome = Outcome(**{**fields, "point": tuple(float(value) for value in fields["point"])})
    if not math.isfinite(outcome.margin) or not isinstance(outcome.found, bool) or not isinstance(outcome.queries, int):
        raise ValueError("not an outcome")
    return outcome
