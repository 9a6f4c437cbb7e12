"""`soundbench suite`: what can be made of a suite that is there."""

from pathlib import Path

import click

_SURVIVORS_EPILOG = """\b
Examples:
  soundbench attack my-suite --restarts 1000
  soundbench suite survivors my-suite --out my-survivors

\b
Exit codes: 0 written; 2 the suite cannot be read, or no armed instance is left."""


_TRANSLATE_EPILOG = """\b
Examples:
  soundbench suite translate instances/trained/vit_ch1_eps0.2 --out my-suite
  soundbench certify my-suite

\b
Exit codes: 0 written; 2 the suite cannot be read, or has its properties in VNN-LIB 2.0 already."""


@click.group("suite", epilog="\b\nExamples:\n  soundbench suite survivors my-suite --out my-survivors")
def command() -> None:
    """Make another suite of one that is there."""


@command.command("survivors", epilog=_SURVIVORS_EPILOG)
@click.argument("suite", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The new suite's folder.")
def survivors(suite: Path, out: Path) -> None:
    """Write SUITE without the counterexamples that attacks have found.

    What was found is what the suite's ground truth records of `soundbench attack`, the auditor's finds left aside.
    Where the found instance is one of a pair, the other goes too.
    """
    from soundbench.suite import load_suite
    from soundbench.survivors import write_survivors

    loaded = load_suite(suite)
    left_out = write_survivors(loaded, out)
    for name in left_out:
        click.echo(f"left out: {name}")
    click.echo(f"{out}: {len(loaded.instances) - len(left_out)} of {len(loaded.instances)} instances")


@command.command("translate", epilog=_TRANSLATE_EPILOG)
@click.argument("suite", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The new suite's folder.")
def translate(suite: Path, out: Path) -> None:
    """Write SUITE with its properties in VNN-LIB 2.0 as well.

    Suites that `soundbench generate` makes have them in both versions.
    """
    from soundbench.suite import load_suite
    from soundbench.translation import translate_suite

    loaded = load_suite(suite)
    translate_suite(loaded, out)
    click.echo(f"{out}: {len(loaded.instances)} instances, in VNN-LIB 1.0 and 2.0")
