"""`soundbench witness`: make ground truth of counterexamples that somebody has found."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from soundbench.errors import InputError, one_line

if TYPE_CHECKING:
    from soundbench.suite import Suite
    from soundbench.witness_added import Tried

_EPILOG = """\b
Examples:
  soundbench witness add my-suite results/my-tool/model_property_7.counterexample.gz
  soundbench witness add my-suite found.txt --instance property_7
  soundbench witness add my-suite vnncomp2025_results/neuralsat/2025_my_benchmark/results.csv"""

_ADD_EPILOG = """\b
Exit codes: 0 every counterexample is certified; 1 some are not, each with the reason; 2 a file or the suite cannot be
read; 3 one is certified of an instance that is proven to hold."""


@click.group("witness", epilog=_EPILOG)
def command() -> None:
    """Make ground truth of counterexamples that somebody has found."""


@command.command("add", epilog=_ADD_EPILOG)
@click.argument("suite", type=click.Path(path_type=Path))
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--instance", metavar="NAME", help="The instance that FILE is of [default: told by its name].")
def add(suite: Path, files: tuple[str, ...], instance: str | None) -> None:
    """Add the counterexamples in FILE to the ground truth of SUITE, as far as they are certified.

    FILE is a counterexample in the form of either version of VNN-LIB, gzipped or not; or a results.csv, or its folder,
    with counterexamples beside it. Instances whose counterexample is certified are violated from then on.
    """
    from soundbench.suite import load_suite
    from soundbench.witness_added import instance_of

    tables = [each for each in files if Path(each).is_dir() or each.endswith((".csv", ".csv.gz"))]
    single = [Path(each) for each in files if each not in tables]
    if instance is not None and (tables or len(single) != 1):
        raise InputError("--instance: names the instance of one counterexample; leave it out, or name one FILE")
    if single:
        loaded = load_suite(suite)
        if instance is not None and instance not in {each.name for each in loaded.instances}:
            raise InputError(f"--instance: {suite} has no instance {instance!r}; its names are those of vnnlib/")
        tried = _add(loaded, [(instance or instance_of(loaded, file), file) for file in single])
        for each in tried:
            if isinstance(each.refusal, InputError):
                raise each.refusal
    else:
        tried = ()
    if tables:
        tried += add_from_results(suite, tables)
    sys.exit(1 if any(each.refusal for each in tried) else 0)


def add_from_results(folder: Path, results: Sequence[str]) -> "tuple[Tried, ...]":
    """Add the counterexamples beside tables of results to a suite's ground truth, and say what came of each."""
    from soundbench.found_results import find_all
    from soundbench.places import places_of
    from soundbench.suite import load_suite
    from soundbench.witness_added import counterexamples_of

    suite = load_suite(folder)
    places = places_of(suite)
    return _add(suite, counterexamples_of(find_all(results, places)))


def _add(suite: "Suite", files: "Sequence[tuple[str, Path]]") -> "tuple[Tried, ...]":
    from soundbench.witness_added import add_witnesses

    from .progress import steps

    with steps(len(files)) as done:
        tried = add_witnesses(suite, files, done)
    for each in tried:
        if each.refusal is not None:
            click.echo(f"not certified: {one_line(each.refusal)} ({each.file})")
    new, known = sum(each.is_new for each in tried), sum(not (each.is_new or each.refusal) for each in tried)
    click.echo(
        f"{suite.root}: new witnesses: {new}; of instances that have one: {known}; "
        f"not certified: {len(tried) - new - known}"
    )
    return tried
