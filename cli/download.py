"""`soundbench download`: fetch a benchmark by its name, and make a suite of it."""

import contextlib
import os
import sys
from pathlib import Path

import click

from soundbench.errors import InputError
from soundbench.vnncomp_folder import VERSIONS

_EPILOG = """\b
Examples:
  soundbench download soundnessbench --out soundnessbench
  soundbench download vnncomp2026/soundnessbench_2026
  soundbench download vnncomp2026/acasxu_2023 --revision COMMIT
  soundbench download https://example.org/benchmark.zip --sha256 HASH
  soundbench download --list

What was fetched once is taken from the cache, so that the same command works without a connection. Which commit a
branch or tag is, is asked each time; without a connection, what was said last counts, and is told with its date.

\b
Exit codes: 0 written, though some instances may be left out, each with the reason; 2 nothing has that name, it cannot
be fetched, or is not what it should be."""


@click.command("download", epilog=_EPILOG)
@click.argument("name", required=False)
@click.option("--list", "lists", is_flag=True, help="List the names that are known.")
@click.option("--out", type=click.Path(path_type=Path), help="The new suite's folder [default: as NAME ends].")
@click.option("--revision", help="A branch, tag or commit [default: the newest].")
@click.option("--mirror", metavar="URL", help="Fetch from there instead [default for the hub: HF_ENDPOINT].")
@click.option("--sha256", metavar="HASH", help="What the archive must have.")
@click.option("--vnnlib", "version", type=click.Choice(VERSIONS), help="The version to take where there are both.")
@click.option(
    "--fresh", is_flag=True, help="Fetch anew what is in the cache already, and replace it once all has come."
)
@click.option(
    "--cache",
    type=click.Path(path_type=Path),
    help="Keep what is fetched there [default: the user's; for the hub: HF_HOME].",
)
def command(
    name: str | None,
    lists: bool,
    out: Path | None,
    revision: str | None,
    mirror: str | None,
    sha256: str | None,
    version: str | None,
    fresh: bool,
    cache: Path | None,
) -> None:
    """Fetch the benchmark NAME and make a suite of it, as `soundbench import` does.

    NAME is soundnessbench, a benchmark of VNN-COMP such as vnncomp2026/acasxu_2023, the address of an archive or of a
    benchmark's folder, or an archive here. No script in it is run, and no pickle is loaded. Each network is run
    once in ONNX Runtime, on zeros, in a process of its own with limits of time and memory.
    """
    from soundbench.known_benchmarks import REPOSITORIES, known_names

    if lists:
        click.echo("\n".join(known_names()))
        click.echo(f"and any other of a year, as YEAR/NAME; years: {', '.join(REPOSITORIES)}", err=True)
        return
    if name is None:
        raise InputError("name what to download, or list what there is: soundbench download --list")
    import platformdirs

    from soundbench.download import Wish, at_hand, short_name
    from soundbench.generate import check_new

    from .import_suite import import_folder
    from .progress import files

    folder = out or Path(short_name(name))
    check_new(folder)
    place = cache or platformdirs.user_cache_path("soundbench") / "download"
    wish = Wish(name, place, revision, mirror, version, sha256, fresh)
    if not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # which the hub's client reads when it is imported
    with contextlib.ExitStack() as stack:
        with files() as done:
            here = stack.enter_context(at_hand(wish, done))
        if here.revision:
            click.echo(f"revision: {here.revision}")
        for line in here.left_out:
            click.echo(f"left out: {line}")
        if import_folder(here.folder, folder, here.origin, version).left_out:
            click.echo("what came damaged is fetched again with --fresh")
