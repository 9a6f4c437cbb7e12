"""What is a run on disk? A folder that tells what was run, and holds a line for every task that has ended.

    run.json                        what makes the run what it is, and where and when it started
    results.jsonl                   a line a finished task, appended and flushed to disk at once
    results.csv                     VNN-COMP's six columns, written from the lines above; where several verifiers
                                    ran, one file each: results-<verifier>.csv
    unreadable.json                 what was left out since no claim on it could be judged, and why; if there is any
    logs/ counterexamples/ findings/
    variants/                       the files of instances' variants, where those are run

Only one process writes a run. Started again, it goes on with what is missing.
"""

import contextlib
import csv
import hashlib
import io
import json
import os
import platform
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from soundbench import __version__
from soundbench.answer import RESULT_WORD
from soundbench.claim import Claim, Ending, EndReason, TaskResult
from soundbench.errors import InputError
from soundbench.instance import Instance, VariantKind, subject
from soundbench.json_lines import append_line, read_lines
from soundbench.level import Level
from soundbench.lock import open_locked
from soundbench.suite import Suite
from soundbench.verifier import Verifier

UNREADABLE = "unreadable.json"
_SCHEMA = 1
_NAME_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Identity:
    """What two runs must have in common for one to go on with the other's results."""

    suite: str
    suite_digest: str
    verifiers: tuple[Mapping[str, Any], ...]
    timeout_seconds: float | None
    memory_bytes: int | None
    level: Level
    cpu_seconds: float | None = None
    backend: str | None = None


def identify(
    suite: Suite,
    verifiers: Sequence[Verifier],
    timeout_seconds: float | None,
    memory_bytes: int | None,
    level: Level = Level.STANDARD,
    cpu_seconds: float | None = None,
    backend: str | None = None,
) -> Identity:
    """The identity of a run of these verifiers on the suite; limits are None where the user gave none.

    `backend` is who watches over them, None for ourselves.
    """
    described = (
        {
            "verifier": each.label,
            "version": each.version(),
            "settings": {**each.settings, **each.needs.unlike(type(each).needs)},
        }
        for each in verifiers
    )
    name = f"{suite.name} {suite.version}"
    return Identity(name, suite.digest, tuple(described), timeout_seconds, memory_bytes, level, cpu_seconds, backend)


@dataclass(frozen=True, slots=True)
class Record:
    """What a run's folder says of it: what makes it what it is, and where and when it was started."""

    identity: Identity
    started: Mapping[str, Any]


class Run:
    """An open run folder; `results` holds what has ended so far."""

    def __init__(self, folder: Path, descriptor: int, results: Sequence[TaskResult]) -> None:
        """Use `open_run` instead."""
        self.folder = folder
        self.results = list(results)
        self._descriptor = descriptor

    def append(self, result: TaskResult) -> None:
        """Add a result; once this returns it survives a crash of the machine."""
        append_line(self.folder, self._descriptor, asdict(result))
        self.results.append(result)

    def save(self, kind: str, verifier: str, instance: Instance, text: str) -> str:
        """Write a text of a task; its path below the run folder."""
        path = Path(kind, file_name(verifier), instance.variant or "", f"{file_name(instance.name)}.txt")
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(target, text)
        return str(path)

    def write_unreadable(self, unreadable: Mapping[Instance, str]) -> None:
        """Write what was left out since no claim on it could be judged, and why; where there is nothing, no file."""
        path = self.folder / UNREADABLE
        reasons = {subject(each.name, each.variant): reason for each, reason in unreadable.items()}
        if reasons:
            _write(path, json.dumps(reasons, indent=2) + "\n")
        else:
            path.unlink(missing_ok=True)

    def write_tables(self, suite: Suite) -> None:
        """Write each verifier's results as a VNN-COMP results.csv, in the suite's order, without variants."""
        results = [each for each in self.results if each.variant is None]
        verifiers = list(dict.fromkeys(result.verifier for result in results))
        for verifier in verifiers:
            name = "results.csv" if len(verifiers) == 1 else f"results-{file_name(verifier)}.csv"
            _write(self.folder / name, results_table(suite, [each for each in results if each.verifier == verifier]))


@contextlib.contextmanager
def open_run(folder: Path, identity: Identity) -> Iterator[Run]:
    """Start a run in a new or empty folder, or go on with the same run.

    Raises:
        InputError: the folder holds something else, another run, or one that is still going on, or cannot be
            written.
    """
    path = folder / "results.jsonl"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check_folder(folder)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror}; choose another --out") from error
    with open_locked(path, f"{folder}: this run is going on in another process; wait for it, or end it") as descriptor:
        _check_identity(folder, identity)
        results = read_lines(path, descriptor, _parse_line, "remove that line, or choose another --out")
        yield Run(folder, descriptor, results)


def results_table(suite: Suite, results: Sequence[TaskResult]) -> str:
    """One verifier's results as a VNN-COMP results.csv, in the suite's order, without variants."""
    by_instance = {each.instance: each for each in results if each.variant is None}
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    for instance in suite.instances:
        result = by_instance.get(instance.name)
        if result is None:
            continue
        paths = (os.path.relpath(path, suite.root) for path in (instance.onnx, instance.vnnlib))
        prepare, run = (f"{seconds:.3f}" for seconds in (result.prepare_seconds, result.ending.wall_seconds))
        writer.writerow([suite.name, *paths, prepare, RESULT_WORD[result.claim], run])
    return table.getvalue()


def read_record(folder: Path) -> Record:
    """What the folder of a run says of it; its identity opens it again.

    Raises:
        InputError: the folder holds no run.
    """
    found = _read_description(folder)
    try:
        if found is None:
            raise TypeError
        kept: dict[str, Any] = {each.name: found.get(each.name) for each in fields(Identity)}
        verifiers = tuple(_read_verifier(each) for each in found["verifiers"])
        identity = Identity(**{**kept, "verifiers": verifiers, "level": Level(found["level"])})
        _demand(isinstance(identity.suite, str) and isinstance(identity.suite_digest, str))
        for limit in (identity.timeout_seconds, identity.cpu_seconds, identity.memory_bytes):
            _demand(limit is None or (isinstance(limit, int | float) and not isinstance(limit, bool)))
        started = {name: found["started"][name] for name in _circumstances()}
        _demand(all(isinstance(each, str | int) for each in started.values()) and isinstance(started["at"], str))
        return Record(identity, started)
    except (TypeError, KeyError, ValueError):
        raise InputError(f"{folder}: holds no run of this version of soundbench; name one of evaluate's") from None


def _read_verifier(fields: Any) -> Mapping[str, Any]:  # noqa: ANN401 (any JSON value)
    """What a run says of one of its verifiers."""
    _demand(isinstance(fields["verifier"], str) and isinstance(fields["version"], str))
    _demand(isinstance(fields["settings"], dict))
    return {name: fields[name] for name in ("verifier", "version", "settings")}


def _demand(holds: bool) -> None:
    """Raise a ValueError unless this holds."""
    if not holds:
        raise ValueError


def file_name(text: str) -> str:
    """A file name for a verifier or an instance; different texts get different names."""
    plain = re.sub(r"[^A-Za-z0-9.=_-]+", "_", text).lstrip(".")[:_NAME_LIMIT]
    if plain and plain == text:
        return text
    return f"{plain}-{hashlib.sha256(text.encode(errors='surrogateescape')).hexdigest()[:8]}"


def _check_folder(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    if "run.json" not in names and names - {"results.jsonl"}:
        raise InputError(f"{folder}: holds files but no run; choose another --out")


def _check_identity(folder: Path, identity: Identity) -> None:
    path = folder / "run.json"
    wanted: dict[str, Any] = json.loads(json.dumps(asdict(identity)))
    if not path.exists():
        _write(path, json.dumps({"schema": _SCHEMA, **wanted, "started": _circumstances()}, indent=2) + "\n")
        return
    found = _read_description(folder)
    if found is None:
        raise InputError(f"{path}: is no run of this version of soundbench; choose another --out")
    for key, value in wanted.items():
        if found.get(key) != value:
            raise InputError(
                f"{folder}: holds another run ({key} was {_show(found.get(key))}, is {_show(value)} now); "
                "choose another --out"
            )


def _read_description(folder: Path) -> dict[str, Any] | None:
    """What run.json says; None if it is none of ours."""
    try:
        found = json.loads((folder / "run.json").read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("schema") == _SCHEMA else None


def _circumstances() -> dict[str, Any]:
    """Where and when: told to the reader, no part of the run's identity."""
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "soundbench": __version__,
        "python": platform.python_version(),
        "host": platform.node(),
        "platform": platform.platform(),
        "processors": os.cpu_count(),
    }


def _show(value: Any) -> str:  # noqa: ANN401 (any JSON value)
    return json.dumps(value) if value is not None else "not set"


def _parse_line(line: bytes) -> TaskResult | None:
    try:
        fields = json.loads(line)
        fields["claim"] = Claim(fields["claim"])
        ending = fields["ending"]
        fields["ending"] = Ending(**{**ending, "reason": EndReason(ending["reason"])})
        if fields.get("variant") is not None:
            fields["variant"] = VariantKind(fields["variant"])
        return TaskResult(**fields)
    except (ValueError, TypeError, KeyError):
        return None


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(text.encode(errors="replace"))
    partial.replace(path)
