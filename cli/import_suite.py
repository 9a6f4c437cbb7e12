"""`soundbench import`: make a suite of a benchmark in VNN-COMP's form."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from soundbench.errors import InputError, one_line
from soundbench.vnncomp_folder import VERSIONS

from .witness import add_from_results

if TYPE_CHECKING:
    from soundbench.import_suite import Imported, Origin

_EPILOG = """\b
Examples:
  soundbench import vnncomp2026_benchmarks/benchmarks/acasxu_2023 --out acasxu
  soundbench import my-benchmark --out my-suite --results vnncomp2025_results/neuralsat/2025_my_benchmark
  soundbench import SoundnessBench/data --out published --published-clean 10

\b
Exit codes: 0 written, though some may be left out, each with the reason; 2 the folder cannot be read, or no instance
of it; 3 a counterexample refutes what is proven, which cannot be."""


@click.command("import", epilog=_EPILOG)
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The new suite's folder.")
@click.option(
    "--results",
    multiple=True,
    metavar="PATH",
    help="A results.csv, or its folder: counterexamples beside it become witnesses [default: PATH's, if there].",
)
@click.option(
    "--vnnlib", "version", type=click.Choice(VERSIONS), help="The version to take where there are both [default: 1.0]."
)
@click.option(
    "--published-clean",
    type=click.IntRange(min=0),
    metavar="N",
    help="The last N instances of each folder were published as clean: noted as their family, and not believed.",
)
def command(path: Path, out: Path, results: tuple[str, ...], version: str | None, published_clean: int | None) -> None:
    """Make a suite of the folder PATH: an instances.csv, and the networks and properties that it lists, gzipped or not.

    The ground truth of all instances is unknown, until a counterexample of one is certified: see `soundbench witness`.
    What `soundbench export` has written becomes the suite again that it was.
    """
    from soundbench.import_suite import origin_of
    from soundbench.vnncomp_export import is_exported, restore

    if is_exported(path):
        suite = restore(path, out)
        click.echo(f"{out}: {len(suite.instances)} instances, with the ground truth that they were exported with")
    else:
        import_folder(path, out, origin_of(path, published_clean), version)
    if results:
        add_from_results(out, results)
    elif (path / "results.csv").is_file():
        try:
            add_from_results(out, [str(path / "results.csv")])
        except InputError as error:
            click.echo(f"left aside: {one_line(error)}")


def import_folder(path: Path, out: Path, origin: "Origin", version: str | None) -> "Imported":
    """Import a folder, and say what came of it."""
    from soundbench.import_suite import import_suite
    from soundbench.vnncomp_folder import read_folder

    from .progress import steps

    with steps(len(read_folder(path, version))) as done:
        imported = import_suite(path, out, origin, version, done)
    for line in imported.left_out:
        click.echo(f"left out: {line}")
    click.echo(f"{out}: {imported.count} instances of unknown ground truth")
    return imported
