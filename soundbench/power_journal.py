"""What is kept of a measurement of power that is not finished: a line for every instance that has been tried.

The file is named after what makes two measurements the same, so that the same command goes on. One process writes it.
"""

import contextlib
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from soundbench.claim import Claim
from soundbench.instance import Instance
from soundbench.json_lines import append_line, read_lines
from soundbench.lock import open_locked
from soundbench.suite import sha256
from soundbench.trial import Reply, Suspect, Trial


class PowerJournal:
    """An open journal; `trials` holds what has been tried, by the name of the instance."""

    def __init__(self, path: Path, descriptor: int, trials: dict[str, Trial]) -> None:
        """Use `open_power_journal` instead."""
        self.path, self.trials, self._descriptor = path, trials, descriptor

    def append(self, trial: Trial) -> None:
        """Add a trial; once this returns it survives a crash of the machine."""
        replies = [
            {"fault": suspect.fault, "strength": suspect.strength, "claim": reply.claim, "seconds": reply.seconds}
            for suspect, reply in trial.replies.items()
        ]
        sound = {"claim": trial.sound.claim, "seconds": trial.sound.seconds}
        append_line(self.path, self._descriptor, {"instance": trial.instance, "sound": sound, "faulty": replies})
        self.trials[trial.instance] = trial


@contextlib.contextmanager
def open_power_journal(folder: Path, identity: Sequence[object]) -> Iterator[PowerJournal]:
    """Start or go on with a journal in a folder, which need not exist; `identity` is made of JSON.

    Raises:
        InputError: it cannot be written, is damaged, or another process writes it.
    """
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    path = folder / f"power-{digest[:12]}.jsonl"
    with open_locked(path, f"{path}: another process measures the same; wait for it, or end it") as descriptor:
        trials = read_lines(path, descriptor, parse_line, "remove the file to start anew")
        yield PowerJournal(path, descriptor, {trial.instance: trial for trial in trials})


def parse_line(line: bytes) -> Trial | None:
    """A trial, or None if the line is damaged."""
    try:
        entry = json.loads(line)
        replies = {
            Suspect(str(each["fault"]), float(each["strength"])): Reply(Claim(each["claim"]), float(each["seconds"]))
            for each in entry["faulty"]
        }
        sound = Reply(Claim(entry["sound"]["claim"]), float(entry["sound"]["seconds"]))
        return Trial(str(entry["instance"]), sound, replies)
    except (ValueError, TypeError, KeyError):
        return None


def asked(instances: Sequence[Instance]) -> list[list[object]]:
    """What instances ask, whatever is known of the answers: their names, timeouts, and the SHA-256 of their files.

    Raises:
        InputError: a file cannot be read.
    """
    files = [(each.onnx, each.vnnlib, *([each.vnnlib2] if each.vnnlib2 else [])) for each in instances]
    digests = {path: sha256(path) for path in {path for paths in files for path in paths}}
    return [
        [each.name, each.timeout_seconds, *(digests[path] for path in paths)]
        for each, paths in zip(instances, files, strict=True)
    ]
