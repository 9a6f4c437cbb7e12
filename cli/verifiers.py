"""`soundbench verifiers`: which there are, how to install one or get rid of it, and whether it works."""

import sys
import tempfile
from pathlib import Path

import click

from .numbers import POSITIVE

_EPILOG = """\b
Examples:
  soundbench verifiers list
  soundbench verifiers install marabou
  soundbench verifiers check marabou
  soundbench verifiers doctor"""


@click.group("verifiers", epilog=_EPILOG)
def command() -> None:
    """List, install, check and remove verifiers."""


@command.command("list")
def list_command() -> None:
    """List the verifiers that can be named, a line a version: whether it is installed, and where.

    Of those that are `untested` no real answer has been seen: their adapters follow what is written about them.
    """
    from soundbench.registry import known_verifiers, resolve, verifier_class

    for name in known_verifiers():
        kind = verifier_class(name)
        if kind.argument is not None:
            _print_row(f"{name}:{kind.argument}", "", "" if kind.is_tested else "untested", kind.summary)
            continue
        for version in kind.versions or (None,):
            found = resolve(name if version is None else f"{name}=={version}")
            is_installed, location = found.is_installed(), found.location()
            state = "installed" if is_installed else "not installed"
            where = f" ({location})" if is_installed and location else ""
            states = [state] if kind.is_tested else [state, "untested"]
            _print_row(name, found.version(), ", ".join(states), f"{kind.summary}{where}")
    _print_row("MODULE:CLASS", "", "", "a class of your own")


@command.command("install")
@click.argument("verifier")
@click.option("--dry-run", is_flag=True, help="Only print what would be done.")
def install_command(verifier: str, dry_run: bool) -> None:
    """Install VERIFIER: marabou, marabou==2.0.0, vnncomp:FOLDER."""
    from soundbench.errors import InputError
    from soundbench.registry import resolve

    found = resolve(verifier)
    if dry_run:
        click.echo("\n".join(found.recipe()) or f"{found.label} comes without an installation")
        return
    if not found.is_installed() and (lacking := found.missing()):
        raise InputError(f"{found.label} cannot be installed; it lacks {'; '.join(lacking)}")
    click.echo(f"installing {found.label} ...", err=True)
    click.echo(f"{found.label} is installed in {found.install()}")


@command.command("remove")
@click.argument("verifier")
def remove_command(verifier: str) -> None:
    """Remove the installation of VERIFIER."""
    from soundbench.registry import resolve

    found = resolve(verifier)
    click.echo(f"{found.label} is removed from {found.remove()}")


@command.command("doctor")
def doctor_command() -> None:
    """Tell what each verifier lacks on this machine, and how to get it."""
    from soundbench.registry import known_verifiers, verifier_class

    for name in known_verifiers():
        kind = verifier_class(name)
        if kind.argument is not None:
            page = f", from {kind.facts.home}" if kind.facts else ""
            click.echo(f"{name:<22}not installed by soundbench{page}: name it as {name}:{kind.argument}")
            continue
        verifier = kind()
        lacking = list(verifier.missing())
        if not verifier.is_installed():
            lacking.append(f"not installed: soundbench verifiers install {name}")
        for line in lacking or ["ready"]:
            click.echo(f"{name:<22}{line}")


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
    click.echo(f"{name:<28}{version:<12}{state:<25}{summary}")
