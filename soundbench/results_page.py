"""How are results shown to the world? A page in Markdown, written from runs' folders, and the evidence beside it.

results.md           what was run, what came of it, why verifiers gave up, and every finding in words for its authors
results/*.csv        VNN-COMP's six columns, a file a verifier
results/findings/    the findings' folders, which replay with ONNX Runtime alone
"""

import itertools
import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from soundbench.errors import InputError, one_line
from soundbench.findings import FILE_NAMES
from soundbench.ground_truth import GroundTruth
from soundbench.judge import PROVEN, Judgement
from soundbench.level import Level, chosen
from soundbench.metrics import INCONCLUSIVE_CLAIMS, Finding, Summary
from soundbench.past_run import PastRun
from soundbench.report import columns_of, explain, name_of, tight_of
from soundbench.run import file_name, results_table
from soundbench.suite import Suite

_TEMPLATE = "results_page.md.jinja"
# Of the reasons why a verifier gave up, those that are told one by one.
_REASONS_SHOWN = 6
_REPLAY_SECONDS = 120
_OURS = "# Results\n\nThis page was written by `soundbench report "


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
    def level(self) -> Level:
        """How much was to be run."""
        return self.run.record.identity.level

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

    @property
    def proven(self) -> str:
        """What is proven of the instance, in words."""
        return PROVEN[self.judgement.expected]

    @property
    def fence(self) -> str:
        """What may stand around what its script says: it does not occur in there."""
        return "`" * max(3, 1 + max(map(len, re.findall("`+", self.replayed or "")), default=0))


def write_page(runs: Sequence[PastRun], suite: Suite, page: Path, command: str) -> None:
    """Write the page and, in a folder beside it of the same name, tables and evidence; what was there is replaced.

    `command` is what the page says it was written by.

    Raises:
        InputError: something cannot be written, or the folder beside it holds something else.
    """
    beside = page.with_suffix("")
    if beside == page:
        raise InputError(f"{page}: name a file that ends with .md, so that a folder can lie beside it")
    _check_ours(page, beside)
    entries = entries_of(runs)
    partial = beside.with_name(f".{beside.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        tables = {entry.name: _write_table(entry, suite, partial, beside.name) for entry in entries}
        sections = [_section(entry, each, suite, partial) for entry in entries for each in _findings_of(entry.summary)]
        text = _template().render(
            suite=suite,
            entries=entries,
            of_level={level: len(chosen(suite, level)) for level in {entry.level for entry in entries}},
            parts=_parts(entries),
            explained=[explain(entry.summary) for entry in entries],
            both_ways=_ran_both_ways(entries),
            tables=tables,
            sections=sections,
            folder=beside.name,
            command=command,
        )
        shutil.rmtree(beside, ignore_errors=True)
        partial.rename(beside)
        page.write_text(text)
    except OSError as error:
        raise InputError(f"{page}: cannot be written ({error}); name another --out") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def entries_of(runs: Sequence[PastRun]) -> list[Entry]:
    """Every verifier of the runs; where two bear one name, the run's folder stands behind it."""
    names = Counter(name_of(summary) for run in runs for summary in run.summaries)
    entries = []
    for run in runs:
        settings = {each["verifier"]: each["settings"] for each in run.record.identity.verifiers}
        for summary in run.summaries:
            name = name_of(summary)
            label = f"{name} ({run.folder})" if names[name] > 1 else name
            own = tuple(each for each in run.judgements if each.result.verifier == summary.verifier)
            entries.append(Entry(label, settings[summary.verifier], run, summary, own))
    return entries


def _findings_of(summary: Summary) -> tuple[Finding, ...]:
    return (*summary.findings, *(summary.tight.findings if summary.tight else ()))


def _ran_both_ways(entries: Sequence[Entry]) -> list[str]:
    """The verifiers that were run with their own attacks, and without."""
    ways: defaultdict[str, set[object]] = defaultdict(set)
    for entry in entries:
        ways[entry.summary.verifier.partition("[")[0]].add(entry.settings.get("attack"))
    return [name for name, each in ways.items() if {True, False} <= each]


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


def _check_ours(page: Path, beside: Path) -> None:
    """Make sure that nothing is overwritten but what an earlier report has left.

    Raises:
        InputError: there is something else.
    """
    is_ours = page.is_file() and page.read_text(errors="replace").startswith(_OURS)
    if page.exists() and not is_ours:
        raise InputError(f"{page}: is there, and no report; name another --out")
    if not is_ours and beside.exists() and (not beside.is_dir() or any(beside.iterdir())):
        raise InputError(f"{beside}: is there, and no report's folder; name another --out")


def _write_table(entry: Entry, suite: Suite, folder: Path, shown: str) -> str:
    """Write a verifier's results.csv; its path from the page, where the folder is `shown`."""
    name = f"{file_name(entry.name.replace(' ', '-'))}.csv"
    (folder / name).write_text(results_table(suite, [each.result for each in entry.judgements]))
    return f"{shown}/{name}"


def _section(entry: Entry, finding: Finding, suite: Suite, folder: Path) -> Section:
    judgement, truth = entry.judgement_of(finding), suite.ground_truth.get(finding.instance)
    if finding.evidence is None:
        return Section(entry.name, finding, judgement, truth, None, None)
    source = Path(finding.evidence)
    names = itertools.chain([source.name], (f"{source.name}-{number}" for number in itertools.count(2)))
    target = next(path for path in (folder / "findings" / name for name in names) if not path.exists())
    # Nothing but what a finding holds: the run's folder may be somebody else's.
    shutil.copytree(source, target, ignore=lambda _, found: [name for name in found if name not in FILE_NAMES])
    return Section(entry.name, finding, judgement, truth, f"findings/{target.name}", _replay(target))


def _replay(folder: Path) -> str | None:
    """What the folder's script prints, run by this interpreter; None where there is none to run."""
    script = folder / "replay.py"
    if not script.is_file():
        return None
    command = [sys.executable, "-I", str(script)]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=_REPLAY_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"(did not end within {_REPLAY_SECONDS} s)"
    return (ran.stdout + ran.stderr).strip()


def _template() -> Any:  # noqa: ANN401 (jinja2's template)
    # The page is Markdown, in which nothing is to be escaped as HTML is.
    environment = Environment(  # noqa: S701
        loader=PackageLoader("soundbench", "."), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"text": _text, "code": _code}
    return environment.get_template(_TEMPLATE)


def _text(text: object) -> str:
    """A text that ends neither its cell nor its line, and has no meaning as Markdown or HTML."""
    return re.sub(r"([\\|`<\[\]*&])", r"\\\1", _one_line(str(text)))


def _code(text: object) -> str:
    """A text as code: a tool's own words."""
    line = _one_line(str(text)).replace("`", "'").replace("|", "\\|")
    return f"`{line}`" if line else ""


def _one_line(text: str) -> str:
    return "".join(filter(str.isprintable, one_line(text)))[:200]
