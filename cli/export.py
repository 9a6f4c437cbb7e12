"""`soundbench export`: write a suite in the form of others."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from soundbench.suite import Suite

_EPILOG = """\b
Examples:
  soundbench export competition --format vnncomp2026 --out vnncomp
  python vnncomp/generate_properties.py 2026
  soundbench import vnncomp --out again
  soundbench export my-suite --format hf --out dataset        (pip install 'soundbench[parquet]')

\b
vnncomp2026: a benchmark's folder, both versions of VNN-LIB, gzipped; its generate_properties.py SEED chooses the
instances, as many as fit into six hours.
hf: a dataset as that of SoundnessBench on Hugging Face, with certified witnesses; the suite itself lies in it, too.

\b
Exit codes: 0 written; 2 the suite cannot be read, or not be written in that form."""


@click.command("export", epilog=_EPILOG)
@click.argument("suite", type=click.Path(path_type=Path))
@click.option("--format", "kind", type=click.Choice(["vnncomp2026", "hf"]), required=True, help="In whose form.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The new folder.")
def command(suite: Path, kind: str, out: Path) -> None:
    """Write SUITE in the form of a VNN-COMP benchmark, or of a dataset on Hugging Face."""
    from soundbench.suite import load_suite

    loaded = load_suite(suite)
    _FORMS[kind](loaded, out)
    if loaded.ground_truth:
        click.echo(
            f"{out}: holds the ground truth; for a competition, export what `soundbench seal` makes of the suite"
        )


def _vnncomp(suite: "Suite", out: Path) -> None:
    from soundbench.vnncomp_export import MOST_HOURS, export_vnncomp

    hours = export_vnncomp(suite, out)
    click.echo(f"{out}: {len(suite.instances)} instances, with timeouts of {hours:.1f} h in all")
    if hours > MOST_HOURS:
        click.echo(
            f"{out}: VNN-COMP takes {MOST_HOURS:g} h; choose for a seed: python {out}/generate_properties.py SEED"
        )


def _hf(suite: "Suite", out: Path) -> None:
    from soundbench.hf_export import export_hf

    splits = export_hf(suite, out)
    click.echo(f"{out}: {len(suite.instances)} instances in {splits} splits, and the suite itself in {out}/suite")


_FORMS: dict[str, Callable[["Suite", Path], None]] = {"vnncomp2026": _vnncomp, "hf": _hf}
