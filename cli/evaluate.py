"""`soundbench evaluate`: run verifiers on a suite, judge what they claim, and report."""

import contextlib
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from soundbench.level import Level

from .again import again
from .errors import INTERRUPTED
from .json_file import check_writable, write_json
from .numbers import POSITIVE
from .options import LEVEL, SUITE, TIMEOUT
from .shipped import core_suite

if TYPE_CHECKING:
    from soundbench.execute import Executor, Job, TaskLimits
    from soundbench.readable import Readable
    from soundbench.run import Run
    from soundbench.suite import Suite
    from soundbench.verifier import Verifier

_EPILOG = """\b
Examples:
  soundbench evaluate reference
  soundbench evaluate reference marabou --timeout 5 --jobs 2
  soundbench evaluate my_verifier:MyVerifier --level smoke --budget 10    (on every commit)
  soundbench evaluate marabou -o marabou.tightening=sbt --out runs/sbt
  soundbench evaluate vnncomp:path/to/tool/vnncomp_scripts --suite my-suite
  soundbench evaluate mypackage.mymodule:MyVerifier --json summary.json
  soundbench evaluate reference --fault child-lost --level smoke    (wrong on purpose)
  soundbench evaluate marabou --variants --limit 10
  soundbench evaluate reference marabou --executor ray --ray-address head:6379
  soundbench evaluate my_verifier:MyVerifier --allow known-issues.toml

\b
Exit codes: 0 no finding; 1 a finding (not one that --allow names); 2 wrong usage, a verifier is not installed, or an
instance cannot be read (the others run); 3 the harness failed or our ground truth was refuted; 4 no finding, but too
few pairs exercised; 130 stopped (start it again to go on)."""


@click.command("evaluate", epilog=_EPILOG)
@click.argument("verifiers", nargs=-1, required=True, metavar="VERIFIER...")
@SUITE
@TIMEOUT
@click.option(
    "--cpu-time",
    type=POSITIVE,
    metavar="SECONDS",
    help="Limit of a task's CPU time, all its processes together [default: none].",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="How many tasks run at once, fewer where their cores, memory or GPUs do not fit [default: 1].",
)
@click.option(
    "--memory",
    type=POSITIVE,
    metavar="GIB",
    help="Memory limit of a task, and what it takes up of 80 % of this machine's [default: what its verifier needs, or "
    "its share].",
)
@LEVEL
@click.option(
    "--budget",
    type=POSITIVE,
    metavar="MINUTES",
    help="Start no task after so many minutes; the report says how to go on.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="NAME[@STRENGTH]",
    help="Run the verifier reference with this fault put in, instead of as it is; all: with each in turn.",
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
    "--allow",
    "allow_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A list of known issues, whose findings do not make this command fail.",
)
@click.option(
    "-o",
    "--option",
    "settings",
    multiple=True,
    metavar="NAME.option=value",
    help="Set an option of a verifier, or what a task of it needs: NAME.cores, NAME.memory (GiB), NAME.gpus.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="The run's folder [default: runs/TIME]; an unfinished run goes on."
)
@click.option(
    "--executor",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Run the tasks on this machine, or on a Ray cluster, on all its cores unless --jobs says how many.",
)
@click.option(
    "--ray-address",
    metavar="ADDRESS",
    help="The cluster's head, HOST:PORT, or auto for one that runs here [default: a new one on this machine alone].",
)
@click.option(
    "--backend",
    type=click.Choice(["benchexec"]),
    help="Let BenchExec (without containers) watch over every task, instead of ourselves.",
)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the summary to this file.")
def command(
    verifiers: tuple[str, ...],
    suite_folder: Path | None,
    timeout: float | None,
    cpu_time: float | None,
    jobs: int | None,
    memory: float | None,
    level: str,
    budget: float | None,
    faults: tuple[str, ...],
    limit: int | None,
    with_variants: bool,
    min_exercised: int,
    allow_file: Path | None,
    settings: tuple[str, ...],
    out: Path | None,
    executor: str,
    ray_address: str | None,
    backend: str | None,
    json_file: Path | None,
) -> None:
    """Run verifiers on a suite and judge what they claim.

    VERIFIER is NAME, NAME==VERSION, vnncomp:FOLDER, or MODULE:CLASS for a class of your own. See
    `soundbench verifiers list`.
    """
    from rich.console import Console

    from soundbench.allowance import allow, count_others
    from soundbench.evaluate import (
        check_installed,
        judge_run,
        missing_jobs,
        summarise_run,
        variants_of,
        versions_of,
    )
    from soundbench.execute import TaskLimits
    from soundbench.known_issues import read_known_issues
    from soundbench.level import chosen
    from soundbench.metrics import to_json
    from soundbench.readable import Readable
    from soundbench.registry import resolve_all
    from soundbench.report import exit_code, render
    from soundbench.run import identify, open_run
    from soundbench.suite import load_suite

    found = resolve_all(_with_faults(verifiers, faults), settings)
    if executor == "local":
        check_installed(found)
    check_writable(json_file)
    issues = read_known_issues(allow_file) if allow_file else ()
    suite = load_suite(suite_folder or core_suite())
    instances = chosen(suite, Level(level))
    readable = Readable()
    readable.check_first(instances[:limit])
    folder = out or Path("runs", time.strftime("%Y-%m-%dT%H-%M-%S"))
    memory_bytes = None if memory is None else int(memory * 2**30)
    go_on = again(out, folder)
    with (
        _executor(executor, ray_address, backend, found) as chosen_executor,
        open_run(folder, identify(suite, found, timeout, memory_bytes, Level(level), cpu_time, backend)) as run,
    ):
        if with_variants:
            click.echo(f"{folder}: makes and checks variants", err=True)
        varied = instances[:limit] if with_variants else ()
        variants, names = variants_of(suite, varied, run), {instance.name for instance in varied}
        todo = missing_jobs([*instances[:limit], *(each for each in variants if each.name in names)], found, run)
        if run.results:
            click.echo(f"{folder}: keeps {len(run.results)} results of an earlier start; {len(todo)} to run", err=True)
        limits = TaskLimits(timeout, memory_bytes, cpu_time)
        left = _run_all(run, todo, jobs, limits, readable, budget, chosen_executor, go_on)
        run.write_unreadable(readable.unreadable)
        run.write_tables(suite)
        judgements = judge_run(run, suite, variants)
        summaries = summarise_run(run, suite, versions_of(found), judgements, variants)
    summaries = allow(summaries, judgements, issues, datetime.now(UTC).date())
    render(summaries, Console())
    _tell_of_suite(suite, level, len(instances))
    if left:
        click.echo(f"{left} of {len(todo)} tasks were not started within {budget:g} min; go on with: {go_on}")
    _tell_unreadable(len(readable.unreadable), folder)
    if others := count_others(summaries, issues):
        click.echo(f"{allow_file}: {others} of its {len(issues)} entries are about other verifiers or versions")
    click.echo(f"run folder: {folder}")
    write_json(json_file, [to_json(summary) for summary in summaries])
    sys.exit(exit_code(summaries, min_exercised, len(readable.unreadable)))


def _with_faults(labels: tuple[str, ...], faults: tuple[str, ...]) -> tuple[str, ...]:
    """The verifiers, with a faulty one for each fault in the place of the reference verifier."""
    if not faults:
        return labels
    from soundbench.verifiers.reference.faults import FAULTS

    from soundbench.errors import InputError

    if "reference" not in labels:
        raise InputError("--fault is for the verifier reference, which is not among those to run; name it too")
    names = [fault.name for fault in FAULTS] if "all" in faults else dict.fromkeys(faults)
    faulty = tuple(f"faulty:{name}" for name in names)
    return tuple(each for label in labels for each in (faulty if label == "reference" else (label,)))


def _tell_of_suite(suite: "Suite", level: str, instances: int) -> None:
    """Say how much of the suite the level has, and what claims are judged by where the ground truth is withheld."""
    if instances < len(suite.instances):
        click.echo(f"level {level}: {instances} of the suite's {len(suite.instances)} instances")
    if suite.commitment is not None and not suite.ground_truth:
        click.echo(
            "the suite is sealed: claims are judged by replaying counterexamples alone, and --min-exercised 0 asks for "
            "no pairs; judge them again once it is opened"
        )


def _tell_unreadable(count: int, folder: Path) -> None:
    """Say how many instances were not run, if any, since they cannot be read."""
    from soundbench.run import UNREADABLE

    if count:
        instances = "instance" if count == 1 else "instances"
        click.echo(f"{count} {instances} not run, since no claim could be judged there: {folder / UNREADABLE}")


def _starter(readable: "Readable", minutes: float | None) -> Callable[["Job"], bool]:
    """Says whether a job may start: within so many minutes from now, and if claims on its instance can be judged."""
    from soundbench.execute import within

    is_time = within(minutes)

    def may_start(job: "Job") -> bool:
        return is_time() and readable.allows(job.instance, partial(click.echo, err=True))

    return may_start


def _executor(
    kind: str, ray_address: str | None, backend: str | None, verifiers: Sequence["Verifier"]
) -> contextlib.AbstractContextManager["Executor"]:
    """Where the tasks run, and who watches over them: known to work before anything runs."""
    from soundbench.execute import execute

    if kind == "ray":
        if backend is not None:
            raise click.UsageError("--backend is for tasks on this machine; leave it out, or --executor ray.")
        from soundbench.cluster import connected

        return connected(ray_address, verifiers)
    if ray_address is not None:
        raise click.UsageError("--ray-address is for --executor ray; add that, or leave it out.")
    if backend is None:
        return contextlib.nullcontext(execute)
    from soundbench.benchexec_keeper import BenchExecKeeper, check_benchexec

    check_benchexec()
    return contextlib.nullcontext(partial(execute, make_keeper=BenchExecKeeper))


def _run_all(
    run: "Run",
    todo: Sequence["Job"],
    cores: int | None,
    limits: "TaskLimits",
    readable: "Readable",
    minutes: float | None,
    executor: "Executor",
    go_on: str,
) -> int:
    """Run what is missing, and count what was not started in so many minutes; when stopped, say how to go on: `go_on`.

    Of what cannot be read nothing is started, nor counted.
    """
    from soundbench.evaluate import run_jobs

    from .progress import results as shown_results

    results = run_jobs(run, todo, cores, limits, may_start=_starter(readable, minutes), executor=executor)
    left = len(todo)
    try:
        with shown_results(len(todo)) as show, contextlib.closing(results):
            for result in results:
                left -= 1
                show(result)
    except KeyboardInterrupt:
        click.echo(f"stopped with {left} of {len(todo)} tasks left; go on with: {go_on}", err=True)
        sys.exit(INTERRUPTED)
    return left - sum(job.instance in readable.unreadable for job in todo)
