"""A run that is killed at any moment loses what was in flight, no more; the same command finishes it."""

import csv
import hashlib
import json
import os
import random
import time
from pathlib import Path

import pytest
from killed_runs import JOBS, start

SECONDS = 120.0


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A run that nobody disturbed, and how long it took."""
    folder = prepared(tmp_path_factory.mktemp("runs") / "undisturbed")
    finish(folder)
    started = time.monotonic()
    again = prepared(folder.parent / "timed")
    finish(again)
    return folder, time.monotonic() - started


def prepared(folder: Path) -> Path:
    (folder / "scratch").mkdir(parents=True)
    return folder


def finish(folder: Path) -> None:
    process = start(folder)
    process.join(SECONDS)
    assert process.exitcode == 1, (folder / "output").read_text()


def lines(folder: Path) -> list[bytes]:
    """The whole lines of the results so far."""
    path = folder / "run" / "results.jsonl"
    return [line for line in path.read_bytes().splitlines(True) if line.endswith(b"\n")] if path.exists() else []


def outcome(folder: Path) -> dict[str, object]:
    """All that a run comes to, without what was measured of time and memory."""
    results = {}
    for line in lines(folder):
        fields = json.loads(line)
        ending = fields.pop("ending")
        del fields["prepare_seconds"]
        key = (fields["verifier"], fields["instance"], fields["variant"])
        assert key not in results
        results[key] = (fields, ending["reason"], ending["exit_code"])
    summaries = json.loads((folder / "summary.json").read_text())
    for summary in summaries:
        del summary["seconds"]
    run = folder / "run"
    tables = {path.name: [(*row[:3], row[4]) for row in csv.reader(path.open())] for path in run.glob("*.csv")}
    measured = {"run.json", "results.jsonl", *tables}
    texts = {
        str(path.relative_to(run)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in run.rglob("*")
        if path.is_file() and path.name not in measured
    }
    return {"results": results, "summaries": summaries, "tables": tables, "texts": texts}


def users(folder: Path) -> list[str]:
    """The processes that name the folder in their environment."""
    found = []
    for path in Path("/proc").iterdir():
        try:
            if path.name.isdecimal() and os.fsencode(folder) in (path / "environ").read_bytes():
                found.append((path / "cmdline").read_text())
        except OSError:
            continue
    return found


def is_clean(folder: Path) -> bool:
    """Whether nothing of a killed run is left, within a generous while."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if not users(folder / "scratch") and not [*(folder / "scratch").iterdir()]:
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("kills", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_a_run_killed_at_random_moments_comes_to_the_same(undisturbed, kills):
    whole, seconds = undisturbed
    moments, left, number = random.Random(kills), kills, 0
    while left:
        folder, number = prepared(whole.parent / f"killed-{kills}-{number}"), number + 1
        own, before = 0, []
        while left:
            process = start(folder)
            process.join(moments.uniform(0.0, seconds))
            if process.exitcode is not None:
                break
            process.kill()
            process.join()
            left, own = left - 1, own + 1
            now = lines(folder)
            assert now[: len(before)] == before
            assert is_clean(folder)
            before = now
        finish(folder)
        assert lines(folder)[: len(before)] == before
        assert outcome(folder) == outcome(whole)
        started = len((folder / "starts").read_text().splitlines())
        assert started <= len(lines(folder)) + own * JOBS
