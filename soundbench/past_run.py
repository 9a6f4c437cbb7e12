"""What came of runs that are over? They are judged again, from their folders and the suite alone."""

from dataclasses import dataclass
from pathlib import Path

from soundbench.errors import InputError
from soundbench.evaluate import judge_run, summarise_run, variants_of
from soundbench.judge import Judgement
from soundbench.metrics import Summary
from soundbench.run import Record, open_run, read_record
from soundbench.suite import Suite


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run's folder, what it says of itself, and what came of it; `summaries` are in the order of its verifiers."""

    folder: Path
    record: Record
    judgements: tuple[Judgement, ...]
    summaries: tuple[Summary, ...]


def judge_past_run(folder: Path, suite: Suite) -> PastRun:
    """Judge a run again; findings' folders that are missing are written.

    Raises:
        InputError: the folder holds no run, or one of another suite, or one that is going on, or cannot be read.
    """
    record = read_record(folder)
    if record.identity.suite_digest != suite.digest:
        raise InputError(f"{folder}: is a run of the suite {record.identity.suite}, not of {suite.root}; name --suite")
    versions = {each["verifier"]: each["version"] for each in record.identity.verifiers}
    with open_run(folder, record.identity) as run:
        variants = variants_of(suite, (), run)
        judgements = judge_run(run, suite, variants)
        return PastRun(folder, record, judgements, summarise_run(run, suite, versions, judgements, variants))
