"""`soundbench open`: put the ground truth of a sealed suite back, if it is the one that the suite has committed to."""

from pathlib import Path

import click

_EPILOG = """\b
Examples:
  soundbench open competition competition.sealed.json --out opened
  soundbench certify opened

Instances keep the names that they were published under, so results of the sealed suite are results of the opened one.

\b
Exit codes: 0 opened; 1 the sealed file or the suite is not what was committed to; 2 one of them cannot be read, or they
do not belong together."""


@click.command("open", epilog=_EPILOG)
@click.argument("suite", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The new folder of the suite when open.")
def command(suite: Path, file: Path, out: Path) -> None:
    """Write the sealed SUITE with the ground truth in FILE, after checking that it is the one promised."""
    from soundbench.seal import open_suite
    from soundbench.suite import load_suite

    loaded = load_suite(suite)
    open_suite(loaded, file, out)
    click.echo(
        f"{out}: {len(loaded.instances)} instances with the ground truth that {suite} has committed to; "
        f"check its certificates with: soundbench certify {out}"
    )
