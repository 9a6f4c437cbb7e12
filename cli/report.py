"""`soundbench report`: what came of runs that are over, on the terminal or as a page."""

import shlex
from pathlib import Path

import click

from .json_file import check_writable, write_json
from .shipped import core_suite

_EPILOG = """\b
Examples:
  soundbench report runs/demo
  soundbench report runs/neuralsat runs/marabou --out docs/results.md

\b
Exit codes: 0 reported, whatever the findings; 2 a folder holds no run, or one of another suite."""


@click.command("report", epilog=_EPILOG)
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option(
    "--suite", "suite_folder", type=click.Path(path_type=Path), help="Their suite's folder [default: the core suite]."
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write a page in Markdown, and tables and evidence beside it."
)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the summaries to this file.")
def command(runs: tuple[Path, ...], suite_folder: Path | None, out: Path | None, json_file: Path | None) -> None:
    """Judge finished runs again, and report on all their verifiers side by side.

    RUN is a folder that `soundbench evaluate` has written. Nothing is run but the replay of findings.
    """
    from rich.console import Console

    from soundbench.metrics import to_json
    from soundbench.past_run import judge_past_run
    from soundbench.report import render
    from soundbench.results_page import write_page
    from soundbench.run import UNREADABLE
    from soundbench.suite import load_suite

    check_writable(json_file)
    suite = load_suite(suite_folder or core_suite())
    past = [judge_past_run(run, suite) for run in runs]
    summaries = [summary for run in past for summary in run.summaries]
    render(summaries, Console())
    for left_out in (run / UNREADABLE for run in runs):
        if left_out.exists():
            click.echo(f"{left_out}: instances that were not run, since no claim on them could be judged")
    if out is not None:
        of_suite = [] if suite_folder is None else ["--suite", str(suite_folder)]
        again = shlex.join(["soundbench", "report", *map(str, runs), *of_suite, "--out", str(out)])
        write_page(past, suite, out, again)
        click.echo(f"{out}: written")
    write_json(json_file, [to_json(summary) for summary in summaries])
