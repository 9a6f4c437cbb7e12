"""`soundbench score`: judge results that were made elsewhere."""

import csv
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from soundbench.errors import InputError

from .json_file import check_writable, write_json, writing

if TYPE_CHECKING:
    from soundbench.found_results import FoundResults
    from soundbench.suite import Suite
    from soundbench.vnncomp_points import Judged, Points

_EPILOG = """\b
Examples:
  soundbench score my-suite vnncomp2025_results/neuralsat/2025_my_benchmark
  soundbench score my-suite one/results.csv other=two/results.csv --json summary.json
  soundbench score my-suite results.csv --out scores/1 --rows rows.csv

\b
Exit codes, as of evaluate: 0 no finding; 1 a finding; 2 a file cannot be read, or the results are of something else;
3 our ground truth was refuted; 4 no finding, but too few pairs exercised."""

# How many instances of a difference are named.
NAMED = 3
COLUMNS = ("verifier", "instance", "claim", "raw", "expected", "assessment", "remark", "reason")
POINT_COLUMNS = ("vnncomp_points", "our_points", "difference")


@click.command("score", epilog=_EPILOG)
@click.argument("suite", type=click.Path(path_type=Path))
@click.argument("results", nargs=-1, required=True, metavar="[NAME=]RESULTS...")
@click.option(
    "--category",
    metavar="NAME",
    help="Take the rows of this benchmark alone, where a table has several [default: all].",
)
@click.option("--out", type=click.Path(path_type=Path), help="A folder for the evidence of findings [default: none].")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the summary, as evaluate does.")
@click.option("--rows", "rows_file", type=click.Path(path_type=Path), help="Write a table with every judgement.")
@click.option(
    "--min-exercised",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="Pairs that a verifier must exercise to have passed.",
)
def command(
    suite: Path,
    results: tuple[str, ...],
    category: str | None,
    out: Path | None,
    json_file: Path | None,
    rows_file: Path | None,
    min_exercised: int,
) -> None:
    """Judge results on SUITE that were made elsewhere, and compare with VNN-COMP's points.

    RESULTS is a results.csv in VNN-COMP's form, or its folder; counterexamples are looked for beside it. Several are
    several verifiers, called as their folders are, or NAME.
    """
    from rich.console import Console

    from soundbench.found_results import find_all
    from soundbench.judge import NEW_WITNESS
    from soundbench.metrics import to_json
    from soundbench.places import places_of
    from soundbench.report import exit_code, render
    from soundbench.score import judge_results, summarise_results
    from soundbench.suite import load_suite
    from soundbench.vnncomp_points import points

    from .progress import steps

    for file in (json_file, rows_file):
        check_writable(file)
    loaded = load_suite(suite)
    places = places_of(loaded)
    found = find_all(results, places, category)
    _check_names(found)
    with steps(len({instance.onnx for instance in loaded.instances})) as done:
        scored = judge_results(loaded, found, done)
    judged = scored.judged
    for name, reason in scored.unreadable.items():
        click.echo(f"{name} is not judged, since it cannot be read: {reason}", err=True)
    summaries = summarise_results(loaded, found, [each.judgement for each in judged], out)
    render(summaries, Console())
    of_all = points(judged)
    _print_points(found, of_all)
    _print_gaps(loaded, found)
    if scored.unreadable:
        click.echo(f"instances that count for and against nobody, since they cannot be read: {len(scored.unreadable)}")
    new = len({each.judgement.result.instance for each in judged if NEW_WITNESS in (each.judgement.remark or "")})
    if new and loaded.commitment is None:
        again = shlex.join(["soundbench", "witness", "add", str(suite), *(str(each.table) for each in found)])
        click.echo(f"instances without ground truth whose counterexamples replay: {new}; add them with: {again}")
    write_json(json_file, [to_json(summary) for summary in summaries])
    _write_rows(rows_file, judged, of_all)
    sys.exit(exit_code(summaries, min_exercised, len(scored.unreadable)))


def _check_names(found: "Sequence[FoundResults]") -> None:
    """Refuse two verifiers of one name."""
    names = [each.verifier for each in found]
    twice = next((each for each in found if names.count(each.verifier) > 1), None)
    if twice is not None:
        raise InputError(f"{twice.table}: another verifier is called {twice.verifier}, too; name this one: NAME=PATH")


def _print_points(found: "Sequence[FoundResults]", of_all: "Sequence[Points]") -> None:
    """The points, and the reason for every difference."""
    from soundbench.vnncomp_points import differences

    click.echo("\nPoints as VNN-COMP 2026 gives them, and by our ground truth:")
    for each in found:
        own = [point for point in of_all if point.verifier == each.verifier]
        click.echo(f"  {each.verifier}: {sum(point.vnncomp for point in own)} and {sum(point.ours for point in own)}")
    for (verifier, there, here, reason), names in differences(of_all).items():
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        click.echo(f"  {verifier}, {there:+d} and {here:+d}: {reason} ({', '.join(names[:NAMED])}{more})")


def _print_gaps(suite: "Suite", found: "Sequence[FoundResults]") -> None:
    """What the tables lack, or have too much of."""
    for each in found:
        missing = len(suite.instances) - len(each.rows)
        several = sum(len(rows) > 1 for rows in each.rows.values())
        for number, words in (
            (missing, f"instances without a row, of the suite's {len(suite.instances)}"),
            (several, "instances with several rows, of which verdicts that differ count as an error"),
            (each.foreign, "rows of other instances, passed over"),
        ):
            if number:
                click.echo(f"{each.table}: {words}: {number}")


def _write_rows(path: Path | None, judged: "Sequence[Judged]", of_all: "Sequence[Points]") -> None:
    """Write the table of judgements, if one is wanted."""
    if path is None:
        return
    with writing(path) as partial:
        with partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([*COLUMNS, *POINT_COLUMNS])
            for each, point in zip(judged, of_all, strict=True):
                judgement, result = each.judgement, each.judgement.result
                said = (result.verifier, result.instance, result.claim, result.raw)
                made = (judgement.expected, judgement.assessment, judgement.remark, judgement.reason)
                writer.writerow([*said, *made, point.vnncomp, point.ours, point.difference])
        partial.replace(path)
