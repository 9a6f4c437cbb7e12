"""`soundbench evaluate`: run verifiers on a suite, judge what they claim, and report."""

import contextlib
import json
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from soundbench.errors import InputError

from .errors import INTERRUPTED
from .numbers import POSITIVE
from .shipped import core_suite

if TYPE_CHECKING:
    from soundbench.execute import Job
    from soundbench.metrics import Summary
    from soundbench.run import Run

_EPILOG = """\b
Examples:
  soundbench evaluate reference
  soundbench evaluate reference marabou --timeout 5 --jobs 2
  soundbench evaluate marabou -o marabou.tightening=sbt --out runs/sbt
  soundbench evaluate vnncomp:path/to/tool/vnncomp_scripts --suite my-suite
  soundbench evaluate mypackage.mymodule:MyVerifier --json summary.json
  soundbench evaluate marabou --variants --limit 10

\b
Exit codes: 0 no finding; 1 a finding; 2 wrong usage, or a verifier is not installed; 3 the harness failed or our
ground truth was refuted; 4 no finding, but too few pairs exercised; 130 stopped (start it again to go on)."""


@click.command("evaluate", epilog=_EPILOG)
@click.argument("verifiers", nargs=-1, required=True, metavar="VERIFIER...")
@click.option(
    "--suite", "suite_folder", type=click.Path(path_type=Path), help="A suite's folder [default: the core suite]."
)
@click.option(
    "--timeout",
    type=POSITIVE,
    help="Seconds for every instance, instead of its own timeout.",
)
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="How many tasks run at once.")
@click.option(
    "--memory",
    type=POSITIVE,
    metavar="GIB",
    help="Memory limit of a task [default: its share of 80 % of this machine's].",
)
@click.option("--limit", type=click.IntRange(min=1), help="Run the suite's first N instances only.")
@click.option(
    "--variants",
    "with_variants",
    is_flag=True,
    help="Run every instance in other words, too; who then contradicts himself is inconsistent.",
)
@click.option(
    "--min-exercised",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="Pairs that a verifier must exercise to have passed.",
)
@click.option(
    "-o", "--option", "settings", multiple=True, metavar="NAME.option=value", help="Set an option of a verifier."
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="The run's folder [default: runs/TIME]; an unfinished run goes on."
)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the summary to this file.")
def command(
    verifiers: tuple[str, ...],
    suite_folder: Path | None,
    timeout: float | None,
    jobs: int,
    memory: float | None,
    limit: int | None,
    with_variants: bool,
    min_exercised: int,
    settings: tuple[str, ...],
    out: Path | None,
    json_file: Path | None,
) -> None:
    """Run verifiers on a suite and judge what they claim.

    VERIFIER is NAME, NAME==VERSION, vnncomp:FOLDER, or MODULE:CLASS for a class of your own. See
    `soundbench verifiers list`.
    """
    from rich.console import Console

    from soundbench.evaluate import (
        check_installed,
        check_readable,
        judge_run,
        missing_jobs,
        summarise_run,
        variants_of,
    )
    from soundbench.registry import resolve_all
    from soundbench.report import exit_code, render
    from soundbench.run import identify, open_run
    from soundbench.suite import load_suite

    found = resolve_all(verifiers, settings)
    check_installed(found)
    _check_writable(json_file)
    suite = load_suite(suite_folder or core_suite())
    check_readable(suite.instances[:limit])
    folder = out or Path("runs", time.strftime("%Y-%m-%dT%H-%M-%S"))
    memory_bytes = None if memory is None else int(memory * 2**30)
    with open_run(folder, identify(suite, found, timeout, memory_bytes)) as run:
        if with_variants:
            click.echo(f"{folder}: makes and checks variants", err=True)
        variants = variants_of(suite, suite.instances[:limit] if with_variants else (), run)
        todo = missing_jobs(suite, found, limit, run, variants if with_variants else ())
        if run.results:
            click.echo(f"{folder}: keeps {len(run.results)} results of an earlier start; {len(todo)} to run", err=True)
        _run_all(run, todo, jobs, timeout, memory_bytes, is_named=out is not None)
        run.write_tables(suite)
        summaries = summarise_run(run, suite, found, judge_run(run, suite, variants), variants)
    render(summaries, Console())
    click.echo(f"run folder: {folder}")
    if json_file is not None:
        _write_json(json_file, summaries)
    sys.exit(exit_code(summaries, min_exercised))


def _run_all(
    run: "Run",
    todo: Sequence["Job"],
    workers: int,
    timeout: float | None,
    memory_bytes: int | None,
    *,
    is_named: bool,
) -> None:
    """Run what is missing; when stopped, say how to go on."""
    from soundbench.evaluate import run_jobs
    from soundbench.execute import fair_memory_bytes

    from .progress import results as shown_results

    limit_bytes = fair_memory_bytes(workers) if memory_bytes is None else memory_bytes
    results = run_jobs(run, todo, workers, timeout_seconds=timeout, memory_bytes=limit_bytes)
    done = 0
    try:
        with shown_results(len(todo)) as show, contextlib.closing(results):
            for result in results:
                done += 1
                show(result)
    except KeyboardInterrupt:
        again = ["soundbench", *sys.argv[1:], *([] if is_named else ["--out", str(run.folder)])]
        click.echo(
            f"stopped with {len(todo) - done} of {len(todo)} tasks left; go on with: {shlex.join(again)}", err=True
        )
        sys.exit(INTERRUPTED)


def _check_writable(path: Path | None) -> None:
    """Know before anything runs whether the summary can be written."""
    if path is None:
        return
    if path.is_dir():
        raise InputError(f"{path}: cannot be written: it is a folder; name a file with --json")
    with _writing(path) as partial:
        partial.touch()
        partial.unlink()


def _write_json(path: Path, summaries: Sequence["Summary"]) -> None:
    from soundbench.metrics import to_json

    with _writing(path) as partial:
        partial.write_text(json.dumps([to_json(summary) for summary in summaries], indent=2) + "\n")
        partial.replace(path)


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[Path]:
    """A name beside a file, to be written and then renamed; errors speak of the file."""
    try:
        yield path.with_name(f".{path.name}.partial")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}; name another file with --json") from error
