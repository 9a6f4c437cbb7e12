"""`soundbench verifiers`: which there are, how to install one, and whether it works."""

import sys
import tempfile
from pathlib import Path

import click

from .numbers import POSITIVE

_EPILOG = """\b
Examples:
  soundbench verifiers list
  soundbench verifiers install marabou
  soundbench verifiers check marabou"""


@click.group("verifiers", epilog=_EPILOG)
def command() -> None:
    """List, install and check verifiers."""


@command.command("list")
def list_command() -> None:
    """List the verifiers that can be named, and which of them are installed."""
    from soundbench.registry import known_verifiers, verifier_class

    for name in known_verifiers():
        kind = verifier_class(name)
        if kind.argument is not None:
            _print_row(f"{name}:{kind.argument}", "", "", kind.summary)
        else:
            verifier = kind()
            _print_row(name, verifier.version(), "" if verifier.is_installed() else "not installed", kind.summary)
    _print_row("MODULE:CLASS", "", "", "a class of your own")


@command.command("install")
@click.argument("verifier")
def install_command(verifier: str) -> None:
    """Install VERIFIER: marabou, marabou==2.0.0, vnncomp:FOLDER."""
    from soundbench.registry import resolve

    found = resolve(verifier)
    click.echo(f"installing {found.label} ...", err=True)
    click.echo(f"{found.label} is installed in {found.install()}")


@command.command("check")
@click.argument("verifier")
@click.option("--timeout", type=POSITIVE, default=60.0, show_default=True, help="Seconds.")
@click.option("-o", "--option", "settings", multiple=True, metavar="NAME.option=value", help="Set an option of it.")
def check_command(verifier: str, timeout: float, settings: tuple[str, ...]) -> None:
    """Run VERIFIER on three tiny instances with known answers.

    One is violated, one holds, and one has an operator that does not exist. Exits with 1 if it answers wrongly,
    or cannot answer at all.
    """
    from soundbench.check import check_verifier
    from soundbench.evaluate import check_installed
    from soundbench.registry import resolve_all

    found = resolve_all([verifier], settings)
    check_installed(found)
    passed = True
    with tempfile.TemporaryDirectory(prefix="soundbench-check-") as folder:
        for result in check_verifier(found[0], Path(folder), timeout):
            click.echo(f"{'ok  ' if result.passed else 'FAIL'} {result.instance}: {result.claim} ({result.reason})")
            if not result.passed:
                click.echo(f"     it says: {result.raw}")
                click.echo("".join(f"     | {line}\n" for line in result.log.splitlines()[-10:]), nl=False)
            passed &= result.passed
    sys.exit(0 if passed else 1)


def _print_row(name: str, version: str, state: str, summary: str) -> None:
    click.echo(f"{name:<16}{version:<12}{state:<15}{summary}")
