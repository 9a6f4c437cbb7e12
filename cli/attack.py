"""`soundbench attack`: attack every instance of a suite, and record what each attack reached."""

import contextlib
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from soundbench.errors import InputError

from .errors import INTERRUPTED
from .shipped import core_suite

_EPILOG = """\b
Examples:
  soundbench attack my-suite
  soundbench attack my-suite --restarts 1000 --device cuda
  soundbench attack my-suite --only pgd --only "pgd 0.25x100" --without-library
  soundbench attack --out core-attacked            (the suite that ships)

\b
Started again after it was stopped, the same command goes on.
The records are written to the suite's ground_truth.json, or to a copy in the folder that --out names.

\b
Exit codes: 0 every armed instance survived; 1 one was found, or an instance of unknown ground truth is violated;
2 wrong usage; 3 our ground truth was refuted; 130 stopped. The auditor's finds on armed instances do not count."""


@click.command("attack", epilog=_EPILOG)
@click.argument("suite", type=click.Path(path_type=Path), required=False)
@click.option("--restarts", type=click.IntRange(min=1), default=75, show_default=True, help="Descents in every box.")
@click.option(
    "--points",
    type=click.IntRange(min=1),
    default=200_000,
    show_default=True,
    help="Random corners, and uniform points, in every box.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Where all randomness starts.")
@click.option("--device", default="cpu", show_default=True, metavar="NAME", help="cpu, cuda or cuda:N.")
@click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    help="Run these attacks or groups: pgd, corners, uniform, apgd, square, auditor.",
)
@click.option("--without-library", is_flag=True, help="Leave out APGD and Square, which need a library.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write the suite with its records to this new folder instead."
)
def command(
    suite: Path | None,
    restarts: int,
    points: int,
    seed: int,
    device: str,
    only: tuple[str, ...],
    without_library: bool,
    out: Path | None,
) -> None:
    """Attack SUITE's instances, and record in its ground truth what each attack reached.

    The attacks are the published grid of PGD, random corners and points, APGD, Square, and an auditor that reads
    weights.
    """
    from rich.console import Console

    from soundbench.attack_journal import open_journal
    from soundbench.attack_report import exit_code, render
    from soundbench.attack_suite import attack_suite, check_recordable, find_device, identity, record
    from soundbench.battery import battery, chosen
    from soundbench.suite import load_suite

    from .progress import shares

    if suite is None and out is None:
        raise InputError("the suite that ships stays as it is; name a folder for a copy of it with --out, or a SUITE")
    with_library = not without_library and (not only or bool({"apgd", "square"} & set(only)))
    attacks = chosen(battery(restarts, points, with_library=with_library), only)
    where = find_device(device)
    loaded = load_suite(suite or core_suite())
    check_recordable(loaded, out)
    with open_journal(out or loaded.root, identity(loaded, restarts, points, seed, where)) as journal:
        if journal.done:
            click.echo(f"{journal.path}: keeps {len(journal.done)} parts of an earlier start", err=True)
        with _going_on_later(), shares() as done:
            records = attack_suite(loaded, attacks, seed, where, journal, done)
        record(loaded, records, out)
        journal.remove()
    render(loaded.ground_truth, records, Console())
    click.echo(f"recorded in {out or loaded.root}")
    sys.exit(exit_code(loaded.ground_truth, records))


@contextlib.contextmanager
def _going_on_later() -> Iterator[None]:
    """When stopped, say how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"stopped; go on with: {shlex.join(['soundbench', *sys.argv[1:]])}", err=True)
        sys.exit(INTERRUPTED)
