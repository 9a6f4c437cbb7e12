"""`soundbench bisect`: since which release a verifier answers wrongly."""

import contextlib
import sys
import time
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from soundbench.errors import InputError
from soundbench.level import Level

from .again import again
from .errors import INTERRUPTED
from .json_file import check_writable, write_json
from .options import LEVEL, SUITE, TIMEOUT
from .shipped import core_suite

if TYPE_CHECKING:
    from soundbench.bisection import Bisection
    from soundbench.execute import Job
    from soundbench.instance import Instance
    from soundbench.run import Run
    from soundbench.suite import Suite
    from soundbench.verifier import Verifier

_EPILOG = """\b
Examples:
  soundbench bisect marabou --level smoke --timeout 10
  soundbench bisect marabou --only 'tanh-far-*' --versions 1.0.0..2.0.0
  soundbench bisect my_verifier:MyVerifier --dry-run

\b
Exit codes: 0 no finding; 1 a finding; 2 wrong usage, or no release can be installed; 3 the harness failed or our
ground truth was refuted; 130 stopped (start it again to go on)."""


@click.command("bisect", epilog=_EPILOG)
@click.argument("name", metavar="VERIFIER")
@SUITE
@LEVEL
@click.option("--only", multiple=True, metavar="INSTANCE", help="Instances of the level to run, or patterns of names.")
@click.option("--versions", default="..", metavar="A..B", help="Releases from A to B; either may be left out.")
@TIMEOUT
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="How many tasks run at once.")
@click.option(
    "-o", "--option", "settings", multiple=True, metavar="NAME.option=value", help="Set an option of every release."
)
@click.option("--dry-run", is_flag=True, help="Only print what would be installed and run.")
@click.option("--out", type=click.Path(path_type=Path), help="The run's folder [default: runs/bisect-TIME].")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the report to this file.")
def command(
    name: str,
    suite_folder: Path | None,
    level: str,
    only: tuple[str, ...],
    versions: str,
    timeout: float | None,
    jobs: int,
    settings: tuple[str, ...],
    dry_run: bool,
    out: Path | None,
    json_file: Path | None,
) -> None:
    """Find out since which release VERIFIER answers wrongly, and until which.

    The oldest and the newest release run on all instances; of those in between, what a finding makes necessary, on its
    instance alone. What is not installed is, when it is needed. Stopped, the same command goes on with its --out.
    """
    from soundbench.bisection_report import evidence_of, exit_code, lines, to_json
    from soundbench.evaluate import summarise_run, versions_of
    from soundbench.level import chosen
    from soundbench.readable import Readable
    from soundbench.releases import releases
    from soundbench.run import identify, open_run
    from soundbench.suite import load_suite

    found = releases(name, settings, versions)
    check_writable(json_file)
    suite = load_suite(suite_folder or core_suite())
    instances = _matching(chosen(suite, Level(level)), only)
    readable = Readable()
    for instance in instances:
        readable.check(instance)
    if dry_run:
        _print_plan(found, len(instances))
        return
    folder = out or Path("runs", time.strftime("bisect-%Y-%m-%dT%H-%M-%S"))
    with open_run(folder, identify(suite, found, timeout, None, Level(level))) as run:
        try:
            bisection = _bisect(run, suite, found, instances, timeout, jobs)
        except KeyboardInterrupt:
            click.echo(f"stopped; go on with: {again(out, folder)}", err=True)
            sys.exit(INTERRUPTED)
        run.write_tables(suite)
        summaries = summarise_run(run, suite, versions_of(found), bisection.judgements)
    evidence = evidence_of(summaries)
    click.echo("\n".join(lines(bisection, evidence)))
    click.echo(f"run folder: {folder}")
    write_json(json_file, to_json(bisection, evidence))
    sys.exit(exit_code(bisection))


def _matching(instances: "Sequence[Instance]", patterns: Sequence[str]) -> "list[Instance]":
    """The instances with one of these names or patterns; all if there are none."""
    for pattern in patterns:
        if not any(fnmatchcase(each.name, pattern) for each in instances):
            raise InputError(f"--only: no instance of this level matches {pattern!r}; see the suite's instances.csv")
    return [each for each in instances if not patterns or any(fnmatchcase(each.name, one) for one in patterns)]


def _bisect(
    run: "Run",
    suite: "Suite",
    found: "Sequence[Verifier]",
    instances: "Sequence[Instance]",
    timeout: float | None,
    workers: int,
) -> "Bisection":
    from soundbench.bisection import bisect_releases
    from soundbench.evaluate import run_jobs
    from soundbench.execute import TaskLimits

    from .progress import results as shown_results

    def run_all(jobs: "Sequence[Job]") -> None:
        results = run_jobs(run, jobs, workers, TaskLimits(timeout))
        with shown_results(len(jobs)) as show, contextlib.closing(results):
            for result in results:
                show(result)

    bisection = bisect_releases(run, suite, found, instances, run_all, partial(click.echo, err=True))
    if len(bisection.broken) == len(found):
        problems = "; ".join(f"{label}: {reason}" for label, reason in bisection.broken.items())
        raise InputError(f"no release can be installed: {problems}")
    return bisection


def _print_plan(found: "Sequence[Verifier]", instances: int) -> None:
    """What would be done, a line a step; what is installed only if it is needed is said to be so."""
    ends = list(dict.fromkeys([found[0].label, found[-1].label]))
    for verifier in found:
        if verifier.is_installed():
            click.echo(f"{verifier.label} is installed")
            continue
        when = "is installed first" if verifier.label in ends else "is installed if a finding makes it necessary"
        lacking = "; ".join(verifier.missing())
        click.echo(f"{verifier.label} {when}" + (f", for which this machine lacks {lacking}" if lacking else ""))
        for step in verifier.recipe():
            click.echo(f"  {step}")
    click.echo(f"{' and '.join(ends)} run on {instances} instance{'' if instances == 1 else 's'}")
    if between := len(found) - len(ends):
        click.echo(f"for each finding up to {between} of the releases in between run on its instance, halving them")
