"""How are results shown to the world? A page in Markdown, written from runs' folders, and the evidence beside it.

results.md           what was run, what came of it, why verifiers gave up, and every finding in words for its authors
results/*.csv        VNN-COMP's six columns, a file a verifier
results/findings/    the findings' folders, which replay with ONNX Runtime alone
"""

import os
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from soundbench.errors import InputError
from soundbench.ground_truth import GroundTruth
from soundbench.judge import Judgement
from soundbench.metrics import INCONCLUSIVE_CLAIMS, Finding, Summary
from soundbench.past_run import PastRun
from soundbench.report import columns_of, explain, name_of, tight_of
from soundbench.run import file_name
from soundbench.suite import Suite

_TEMPLATE = "results_page.md.jinja"
# Of the reasons why a verifier gave up, those that are told one by one.
_REASONS_SHOWN = 6
_REPLAY_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Entry:
    """One verifier in one run: its name on the page, what it ran with, and what came of it."""

    name: str
    settings: Mapping[str, Any]
    run: PastRun
    summary: Summary
    judgements: tuple[Judgement, ...]

    @property
    def instances(self) -> int:
        """How many of the suite's instances were run."""
        return len({each.result.instance for each in self.judgements})

    @property
    def limits(self) -> str:
        """The limits of a task, in words."""
        identity = self.run.record.identity
        wall = "the instance's own" if identity.timeout_seconds is None else f"{identity.timeout_seconds:g} s"
        cpu = "" if identity.cpu_seconds is None else f", {identity.cpu_seconds:g} s of CPU time"
        memory = "" if identity.memory_bytes is None else f", {identity.memory_bytes / 2**30:g} GiB"
        return f"{wall}{cpu}{memory}"

    @property
    def reasons(self) -> list[tuple[int, str, str]]:
        """Why it gave no answer: how often, what it claimed, and in which words of its own; the most frequent first."""
        given_up = (each.result for each in self.judgements if each.result.claim in INCONCLUSIVE_CLAIMS)
        counted = Counter((str(each.claim), _one_line(each.raw)) for each in given_up if each.variant is None)
        told = [(count, claim, words) for (claim, words), count in counted.most_common(_REASONS_SHOWN)]
        rest = counted.total() - sum(count for count, _, _ in told)
        return [*told, (rest, "", "(other reasons)")] if rest else told

    def judgement_of(self, finding: Finding) -> Judgement:
        """The judgement of the claim that the finding is about."""
        key = finding.instance, finding.variant
        return next(each for each in self.judgements if (each.result.instance, each.result.variant) == key)


@dataclass(frozen=True, slots=True)
class Section:
    """One finding of the verifier `name`; `evidence` is its folder beside the page, `replayed` what its script says."""

    name: str
    finding: Finding
    judgement: Judgement
    truth: GroundTruth | None
    evidence: str | None
    replayed: str | None


def write_page(runs: Sequence[PastRun], suite: Suite, page: Path, command: str) -> None:
    """Write the page and, in a folder beside it of the same name, tables and evidence; what was there is replaced.

    `command` is what the page says it was written by.

    Raises:
        InputError: something cannot be written, or the folder beside it holds something else.
    """
    beside = page.with_suffix("")
    if beside == page:
        raise InputError(f"{page}: name a file that ends with .md, so that a folder can lie beside it")
    entries = entries_of(runs)
    try:
        _empty(beside)
        tables = {entry.name: _copy_table(entry, beside) for entry in entries}
        sections = [_section(entry, each, suite, beside) for entry in entries for each in _findings_of(entry.summary)]
        text = _template().render(
            suite=suite,
            entries=entries,
            parts=_parts(entries),
            explained=[explain(entry.summary) for entry in entries],
            compared=_ran_both_ways(entries),
            tables=tables,
            sections=sections,
            command=command,
        )
        page.write_text(text)
    except OSError as error:
        raise InputError(f"{page}: cannot be written ({error}); name another --out") from None


def entries_of(runs: Sequence[PastRun]) -> list[Entry]:
    """Every verifier of the runs; where two bear one name, that of the run's folder stands behind it."""
    names = Counter(name_of(summary) for run in runs for summary in run.summaries)
    entries = []
    for run in runs:
        settings = {each["verifier"]: each["settings"] for each in run.record.identity.verifiers}
        for summary in run.summaries:
            name = name_of(summary)
            label = f"{name} ({run.folder.name})" if names[name] > 1 else name
            own = tuple(each for each in run.judgements if each.result.verifier == summary.verifier)
            entries.append(Entry(label, settings[summary.verifier], run, summary, own))
    return entries


def _findings_of(summary: Summary) -> tuple[Finding, ...]:
    return (*summary.findings, *(summary.tight.findings if summary.tight else ()))


def _ran_both_ways(entries: Sequence[Entry]) -> bool:
    """Whether a verifier was run with its own attacks, and without."""
    ways: defaultdict[str, set[object]] = defaultdict(set)
    for entry in entries:
        ways[entry.summary.verifier.partition("[")[0]].add(entry.settings.get("attack"))
    return any({True, False} <= each for each in ways.values())


def _parts(entries: Sequence[Entry]) -> list[tuple[str, list[list[str]]]]:
    """The tables of numbers, each with its title: all instances but the track tight, and that."""
    names = {id(entry.summary): entry.name for entry in entries}
    apart = {id(entry.summary.tight): entry.name for entry in entries if entry.summary.tight}
    parts = [("", [entry.summary for entry in entries], names)]
    if tight := tight_of([entry.summary for entry in entries]):
        parts.append(("The track `tight`, whose margins are small on purpose", tight, apart))
    return [
        (title, _rows([given[id(each)] for each in summaries], columns_of(summaries)))
        for title, summaries, given in parts
    ]


def _rows(names: Sequence[str], columns: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """A table's rows, the header first."""
    labels = list(columns[0]) if columns else []
    return [["", *names], *([label.strip(), *(column[label].plain for column in columns)] for label in labels)]


def _empty(folder: Path) -> None:
    """Remove what an earlier page left, and nothing else."""
    if folder.is_dir():
        strangers = sorted(each.name for each in folder.iterdir() if each.name != "findings" and each.suffix != ".csv")
        if strangers:
            raise InputError(f"{folder}: holds {strangers[0]}, which no page has put there; name another --out")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)


def _copy_table(entry: Entry, beside: Path) -> str:
    """Copy a verifier's results.csv; its path from the page."""
    folder, own = entry.run.folder, f"results-{file_name(entry.summary.verifier)}.csv"
    source = folder / own if (folder / own).is_file() else folder / "results.csv"
    target = beside / f"{file_name(entry.name.replace(' ', '-'))}.csv"
    shutil.copyfile(source, target)
    return f"{beside.name}/{target.name}"


def _section(entry: Entry, finding: Finding, suite: Suite, beside: Path) -> Section:
    judgement, truth = entry.judgement_of(finding), suite.ground_truth.get(finding.instance)
    if finding.evidence is None:
        return Section(entry.name, finding, judgement, truth, None, None)
    folder = Path(finding.evidence)
    target = beside / "findings" / folder.name
    number = 1
    while target.exists():
        number += 1
        target = beside / "findings" / f"{folder.name}-{number}"
    shutil.copytree(folder, target)
    return Section(entry.name, finding, judgement, truth, os.path.relpath(target, beside.parent), _replay(target))


def _replay(folder: Path) -> str | None:
    """What the folder's script prints, run by this interpreter; None where there is none to run."""
    script = folder / "replay.py"
    if not script.is_file():
        return None
    ran = subprocess.run(
        [sys.executable, "-I", str(script)], capture_output=True, text=True, timeout=_REPLAY_SECONDS, check=False
    )
    return (ran.stdout + ran.stderr).strip()


def _template() -> Any:  # noqa: ANN401 (jinja2's template)
    # The page is Markdown, in which nothing is to be escaped as HTML is.
    environment = Environment(  # noqa: S701
        loader=PackageLoader("soundbench", "."), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"cell": _cell, "code": _code}
    return environment.get_template(_TEMPLATE)


def _cell(text: object) -> str:
    """A text for a table's cell, in which it can neither end the cell nor the line."""
    return _one_line(str(text)).replace("|", "\\|")


def _code(text: str) -> str:
    """A tool's own words, in which nothing is Markdown."""
    return f"`{_cell(text).replace('`', chr(39))}`" if text.strip() else ""


def _one_line(text: str) -> str:
    return "".join(filter(str.isprintable, " ".join(text.split())))[:200]
