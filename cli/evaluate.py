"""`soundbench evaluate`: run verifiers on a suite, judge what they claim, and report."""

import contextlib
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from soundbench.level import Level

from .errors import INTERRUPTED
from .json_file import check_writable, write_json
from .numbers import POSITIVE
from .shipped import core_suite

if TYPE_CHECKING:
    from soundbench.execute import Job
    from soundbench.run import Run

_EPILOG = """\b
Examples:
  soundbench evaluate reference
  soundbench evaluate reference marabou --timeout 5 --jobs 2
  soundbench evaluate my_verifier:MyVerifier --level smoke --budget 10    (on every commit)
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
@click.option(
    "--cpu-time",
    type=POSITIVE,
    metavar="SECONDS",
    help="Limit of a task's CPU time, all its processes together [default: none].",
)
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="How many tasks run at once.")
@click.option(
    "--memory",
    type=POSITIVE,
    metavar="GIB",
    help="Memory limit of a task [default: its share of 80 % of this machine's].",
)
@click.option(
    "--level",
    type=click.Choice([level.value for level in Level]),
    default=Level.STANDARD.value,
    show_default=True,
    help="smoke: a few pairs with every value of every factor; thorough: the track tight as well.",
)
@click.option(
    "--budget",
    type=POSITIVE,
    metavar="MINUTES",
    help="Start no task after so many minutes; the report says how to go on.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Run the level's first N instances only.")
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
    cpu_time: float | None,
    jobs: int,
    memory: float | None,
    level: str,
    budget: float | None,
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
    from soundbench.execute import within
    from soundbench.level import chosen
    from soundbench.metrics import to_json
    from soundbench.registry import resolve_all
    from soundbench.report import exit_code, render
    from soundbench.run import identify, open_run
    from soundbench.suite import load_suite

    found = resolve_all(verifiers, settings)
    check_installed(found)
    check_writable(json_file)
    suite = load_suite(suite_folder or core_suite())
    instances = chosen(suite, Level(level))
    check_readable(instances[:limit])
    folder = out or Path("runs", time.strftime("%Y-%m-%dT%H-%M-%S"))
    memory_bytes = None if memory is None else int(memory * 2**30)
    again = shlex.join(["soundbench", *sys.argv[1:], *([] if out else ["--out", str(folder)])])
    with open_run(folder, identify(suite, found, timeout, memory_bytes, Level(level), cpu_time)) as run:
        if with_variants:
            click.echo(f"{folder}: makes and checks variants", err=True)
        varied = instances[:limit] if with_variants else ()
        variants = variants_of(suite, varied, run)
        asked = [each for each in variants if each.name in {instance.name for instance in varied}]
        todo = missing_jobs([*instances[:limit], *asked], found, run)
        if run.results:
            click.echo(f"{folder}: keeps {len(run.results)} results of an earlier start; {len(todo)} to run", err=True)
        left = _run_all(run, todo, jobs, timeout, memory_bytes, cpu_time, within(budget), again)
        run.write_tables(suite)
        summaries = summarise_run(run, suite, found, judge_run(run, suite, variants), variants)
    render(summaries, Console())
    if len(instances) < len(suite.instances):
        click.echo(f"level {level}: {len(instances)} of the suite's {len(suite.instances)} instances")
    if suite.commitment is not None and not suite.ground_truth:
        click.echo(
            "the suite is sealed: claims are judged by replaying counterexamples alone, and --min-exercised 0 asks for "
            "no pairs; judge them again once it is opened"
        )
    if left:
        click.echo(f"{left} of {len(todo)} tasks were not started within {budget:g} min; go on with: {again}")
    click.echo(f"run folder: {folder}")
    write_json(json_file, [to_json(summary) for summary in summaries])
    sys.exit(exit_code(summaries, min_exercised))


def _run_all(
    run: "Run",
    todo: Sequence["Job"],
    workers: int,
    timeout: float | None,
    memory_bytes: int | None,
    cpu_seconds: float | None,
    may_start: Callable[[], bool],
    again: str,
) -> int:
    """Run what is missing, and count what was not started; when stopped, say how to go on: `again`."""
    from soundbench.evaluate import run_jobs
    from soundbench.execute import fair_memory_bytes

    from .progress import results as shown_results

    limit_bytes = fair_memory_bytes(workers) if memory_bytes is None else memory_bytes
    results = run_jobs(
        run,
        todo,
        workers,
        timeout_seconds=timeout,
        memory_bytes=limit_bytes,
        cpu_seconds=cpu_seconds,
        may_start=may_start,
    )
    left = len(todo)
    try:
        with shown_results(len(todo)) as show, contextlib.closing(results):
            for result in results:
                left -= 1
                show(result)
    except KeyboardInterrupt:
        click.echo(f"stopped with {left} of {len(todo)} tasks left; go on with: {again}", err=True)
        sys.exit(INTERRUPTED)
    return left
