"""`soundbench suite`: what is in a suite, and what can be made of one."""

import sys
from pathlib import Path

import click

from .json_file import check_writable, write_json
from .shipped import core_suite

_DESCRIBE_EPILOG = """\b
Examples:
  soundbench suite describe                    (the suite that ships)
  soundbench suite describe my-suite --json coverage.json

\b
Exit codes: 0 described, whatever it covers; 2 the suite cannot be read; 3 our ground truth was refuted."""

_SURVIVORS_EPILOG = """\b
Examples:
  soundbench attack my-suite --restarts 1000
  soundbench suite survivors my-suite --out my-survivors

\b
Exit codes: 0 written; 2 the suite cannot be read, or no armed instance is left."""

_EPILOG = """\b
Examples:
  soundbench suite describe my-suite
  soundbench suite survivors my-suite --out my-survivors"""

_TRANSLATE_EPILOG = """\b
Examples:
  soundbench suite translate instances/trained/vit_ch1_eps0.2 --out my-suite
  soundbench certify my-suite

\b
Exit codes: 0 written; 2 the suite cannot be read, or has its properties in VNN-LIB 2.0 already."""


@click.group("suite", epilog=_EPILOG)
def command() -> None:
    """Look into a suite, or make another of it."""


@command.command("describe", epilog=_DESCRIBE_EPILOG)
@click.argument("suite", type=click.Path(path_type=Path), required=False)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the description to this file.")
def describe_suite(suite: Path | None, json_file: Path | None) -> None:
    """Say what SUITE covers: operators, properties, boxes, and where counterexamples lie.

    All of it is read from the files themselves. Where the suite records what its recipe meant, that is compared with
    them, and every two values of its factors that never meet in an armed instance are listed.
    """
    from rich.console import Console

    from soundbench.description import describe
    from soundbench.description_report import exit_code, render, to_json
    from soundbench.suite import load_suite

    check_writable(json_file)
    description = describe(load_suite(suite or core_suite()))
    render(description, Console())
    write_json(json_file, to_json(description))
    sys.exit(exit_code(description))


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
