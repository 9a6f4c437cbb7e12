"""How does `soundbench power --search` look for what a suite does not reveal? In suites that it makes."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .errors import INTERRUPTED
from .power_panel import Panel, tried

if TYPE_CHECKING:
    from soundbench.search import Further, Search
    from soundbench.suite import Suite
    from soundbench.trial import Suspect


def search(panel: Panel, suspects: "Sequence[Suspect]", suites: "Sequence[Further]", out: Path, jobs: int) -> "Search":
    """Look for suspects in one suite after the other, until all have been seen; make the suites that are missing."""
    from soundbench.search import Search, armed_instances, gone_on

    found = Search(dict.fromkeys(suspects, 0), {}, (), 0)
    for further in suites:
        words = tuple(f"{each.fault}@{each.strength}" for each in suspects if each not in found.seen)
        if not words:
            break
        suite = _made(further, jobs)
        armed = armed_instances(suite)
        touched = [each for each in armed if panel.touches(each, words)]
        found = gone_on(found, further, len(armed), tried(panel, words, suite, touched, out, jobs))
    return found


def _made(further: "Further", jobs: int) -> "Suite":
    """A further suite, which is made if it is not there; when stopped, say so."""
    from soundbench.generate import generate
    from soundbench.suite import load_suite

    from .progress import steps

    if not further.is_there:
        click.echo(f"{further.folder}: makes a suite with seed {further.source.seed}", err=True)
        try:
            with steps(len(further.source.plans)) as done:
                generate(further.source, further.folder, done, jobs)
        except KeyboardInterrupt:
            click.echo(f"{further.folder}: not made; start the same command to go on", err=True)
            sys.exit(INTERRUPTED)
    return load_suite(further.folder)
