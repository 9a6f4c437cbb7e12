"""`soundbench seal`: withhold the ground truth of a suite, and commit to it."""

from pathlib import Path

import click

_EPILOG = """\b
Examples:
  soundbench seal my-suite --out competition
  sha256sum competition.sealed.json           (the commitment in competition/suite.json)
  soundbench open competition competition.sealed.json --out opened

Publish the new folder, and keep the sealed file to yourself until all results are in. Names and order are new; the
networks and properties are the suite's, so that the two members of a pair can be compared. A suite whose pairs share
nothing is made by: soundbench generate RECIPE --sealed

\b
Exit codes: 0 sealed; 2 the suite cannot be read, has no ground truth, or is sealed already."""


@click.command("seal", epilog=_EPILOG)
@click.argument("suite", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The new folder, which can be published.")
@click.option(
    "--file", type=click.Path(path_type=Path), help="The new file with all that is withheld [default: OUT.sealed.json]."
)
def command(suite: Path, out: Path, file: Path | None) -> None:
    """Write SUITE without its ground truth, under opaque names in random order, and commit to what is withheld."""
    from soundbench.generate_sealed import guessable_seed
    from soundbench.seal import comparable_pairs, seal_suite
    from soundbench.suite import load_suite

    loaded, secret = load_suite(suite), file or sealed_file_of(out)
    seal_suite(loaded, out, secret)
    tell_sealed(out, secret, len(loaded.instances))
    if pairs := comparable_pairs(loaded):
        click.echo(
            f"the members of {len(pairs)} pairs ask about the same boxes: whoever compares their networks there finds "
            "the needle; for a suite without that: soundbench generate RECIPE --sealed"
        )
    if (seed := guessable_seed(loaded)) is not None:
        click.echo(
            f"its seed {seed} can be guessed, and whoever has the recipe then makes the suite again, with all answers; "
            "for a suite without that: soundbench generate RECIPE --sealed"
        )


def sealed_file_of(out: Path) -> Path:
    """Where the sealed file of a suite goes if nothing else is said: beside it."""
    return out.absolute().with_name(f"{out.absolute().name}.sealed.json")


def tell_sealed(out: Path, file: Path, count: int) -> None:
    """Say what was made, what to publish, and what not."""
    click.echo(f"{out}: {count} instances without ground truth, to be published")
    click.echo(f"{file}: the ground truth, to be kept secret; open with: soundbench open {out} {file} --out OPENED")
