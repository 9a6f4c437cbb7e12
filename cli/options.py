"""Options that mean the same to several commands: `@SUITE`, `@LEVEL` and `@TIMEOUT`, as click's decorators."""

from pathlib import Path

import click

from soundbench.level import Level

from .numbers import POSITIVE

SUITE = click.option(
    "--suite", "suite_folder", type=click.Path(path_type=Path), help="A suite's folder [default: the core suite]."
)
LEVEL = click.option(
    "--level",
    type=click.Choice([level.value for level in Level]),
    default=Level.STANDARD.value,
    show_default=True,
    help="smoke: a few pairs with every value of every factor; thorough: the track tight as well.",
)
TIMEOUT = click.option("--timeout", type=POSITIVE, help="Seconds for every instance, instead of its own timeout.")
