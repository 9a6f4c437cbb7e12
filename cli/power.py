"""`soundbench power`: which verifiers that are wrong on purpose does a suite catch?"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from soundbench.level import Level

from .json_file import check_writable, write_json
from .numbers import POSITIVE
from .shipped import core_suite

if TYPE_CHECKING:
    from .power_panel import Panel

_EPILOG = """\b
Examples:
  soundbench power --level smoke --jobs 2                  (the suite that ships)
  soundbench power my-suite --faults child-lost --faults bias-lost@0.1
  soundbench power --list
  soundbench power --level thorough --json power.json --plot power.png
  soundbench power my-suite --record          (then my-suite's level smoke catches all of it)
  soundbench power --level smoke --search 2 --jobs 2       (are the others without effect?)
  soundbench power --verifier marabou --level smoke --timeout 5

\b
The table has a line a fault, about the greatest strength that is caught, or else the greatest:
  standing  see below
  run       on how many instances it was run: those that have what the fault touches
  agrees    on which share of all instances it says what the sound verifier says
  there     the same, of those on which it was run
  live      on how many it says verified, and the sound verifier does not
  caught    how many of these are armed, of pairs that the sound verifier exercises: it proves their misaligned or
            crowd twin, and answers on the armed member with neither error nor unsupported
  controls  how many are armed, of other pairs, whose scaled twin it proves
  seconds   what it takes to run the fault, in the suite's order, until it is caught
  weakest   the weakest strength that is caught
  search    with --search: an armed instance, of a suite with another seed, on which it is live; or on how many of those
            it was run in vain

\b
How a fault stands, the first of these that is true:
  too crude      live, and agrees on less than 80 % of the instances, of which there are 10 or more; a fault that only
                 takes a way of ending for verified is never too crude
  caught         on one instance or more
  controls only  on no better instances than those
  escapes        live on others that are not known to hold; below, live nowhere means on no such instance
  false alarms   live nowhere, and says falsified of an instance not known to be violated; the sound verifier does not
  only looser    live nowhere, and some claims are others, none of them wrong as far as is known
  equivalent     live nowhere, and all claims are the same
  not run        (weaker strengths, in --json) the next stronger one nowhere answers otherwise than the sound verifier
  not exercised  no instance that was run has what it touches

Weaker strengths are run only where the next stronger one answers otherwise than the sound verifier: what is less wrong
should show in fewer places. That is an assumption, and --all-strengths does without it.

\b
Exit codes: 0 some fault is caught, and none is too crude, escapes, is caught on controls only, or is revealed by
--search alone; 1 otherwise; 2 wrong usage, or the suite cannot be read; 130 stopped (start it again to go on)."""


@click.command("power", epilog=_EPILOG)
@click.argument("suite_folder", metavar="[SUITE]", type=click.Path(path_type=Path), required=False)
@click.option(
    "--faults",
    multiple=True,
    metavar="NAME[@STRENGTH]",
    default=("all",),
    show_default=True,
    help="A fault of the reference verifier, or of what --verifier is given, in this strength alone; may be repeated.",
)
@click.option("--all-strengths", is_flag=True, help="Run every strength wherever its fault touches something.")
@click.option(
    "--verifier",
    metavar="NAME",
    help="Instead of the reference verifier this one, as evaluate names it: what it is given, or says, is corrupted.",
)
@click.option(
    "--level",
    type=click.Choice([level.value for level in Level]),
    default=Level.STANDARD.value,
    show_default=True,
    help="How much of the suite is run, as for evaluate.",
)
@click.option(
    "--nodes",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="Sub-domains that the reference verifier may bound on an instance.",
)
@click.option("--timeout", type=POSITIVE, help="Seconds that --verifier has for an instance, in place of the suite's.")
@click.option(
    "--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="How many processes run at once."
)
@click.option("--limit", type=click.IntRange(min=1), help="Run the level's first N instances only.")
@click.option(
    "--search",
    "search_suites",
    type=click.IntRange(min=1),
    metavar="N",
    help="Make up to N suites with other seeds, and try what is live nowhere here on all of their armed instances.",
)
@click.option(
    "--recipe",
    help="What --search makes suites from, as for generate [default: the recipe that SUITE was made from].",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Folder in which answers are kept, and the suites of --search; the same command goes on with them.",
)
@click.option(
    "--list", "listed", is_flag=True, help="Say what each fault does, and like which real mistake; run nothing."
)
@click.option("--record", is_flag=True, help="Write what is caught into the ground truth, for the level smoke.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the measurement to this file.")
@click.option(
    "--plot", type=click.Path(path_type=Path), help="Draw faults and triggers to this file (needs matplotlib)."
)
def command(
    suite_folder: Path | None,
    faults: tuple[str, ...],
    all_strengths: bool,
    verifier: str | None,
    level: str,
    nodes: int,
    timeout: float | None,
    jobs: int,
    limit: int | None,
    search_suites: int | None,
    recipe: str | None,
    out: Path,
    listed: bool,
    record: bool,
    json_file: Path | None,
    plot: Path | None,
) -> None:
    """Run verifiers that are wrong on purpose on SUITE, and tell which of them it catches.

    A fault is live where the faulty verifier says verified and the sound one does not. It is caught where that means
    something: on armed members of pairs that the sound verifier exercises. Faults of --verifier are in the files that
    it gets, and in how its answer is read.
    """
    from rich.console import Console

    from soundbench.level import chosen
    from soundbench.power import measure_power, recorded
    from soundbench.power_report import check_drawable, draw, exit_code, render, to_json
    from soundbench.search import further_suites, wanted
    from soundbench.suite import load_suite, replace_ground_truth

    from .generate import recipe_path
    from .power_panel import fault_lines, tried
    from .power_search import search

    if timeout is not None and verifier is None:
        raise click.UsageError("--timeout is for --verifier; the reference verifier ends by --nodes")
    if record and suite_folder is None:
        raise click.UsageError("--record writes into the suite: name it; the one that ships is not written to unnamed")
    if record and (verifier is not None or limit is not None or any("@" in name for name in faults)):
        raise click.UsageError("--record is of the reference verifier, a whole level, and faults at every strength")
    if recipe is not None and search_suites is None:
        raise click.UsageError("--recipe is what --search makes suites from; say how many with --search N")
    if listed:
        for words in fault_lines(faults, verifier):
            click.echo(words)
        return
    panel = _panel(faults, verifier, nodes, timeout, all_strengths)
    for file in (json_file, plot):
        check_writable(file)
    if plot is not None:
        check_drawable(plot)
    suite = load_suite(suite_folder or core_suite())
    path = recipe_path(recipe) if recipe else None
    further = list(further_suites(suite, path, search_suites, out)) if search_suites else []
    trials = tried(panel, panel.words, suite, chosen(suite, Level(level))[:limit], out, jobs)
    power = measure_power(suite.ground_truth, trials, panel.suspects, panel.crude)
    found = search(panel, wanted(power), further, out, jobs) if further else None
    render(power, Console(), found)
    write_json(json_file, to_json(power, found))
    if record:
        replace_ground_truth(suite.root, recorded(suite.ground_truth, power, trials))
    if plot is not None:
        draw(power, suite.ground_truth, plot)
    sys.exit(exit_code(power, found))


def _panel(
    faults: tuple[str, ...], verifier: str | None, nodes: int, timeout: float | None, all_strengths: bool
) -> "Panel":
    """Who is tried: the reference verifier with faults, or another one corrupted."""
    from .power_panel import corrupted_panel, reference_panel

    names = list(dict.fromkeys(faults))
    if verifier is None:
        return reference_panel(names, nodes, all_strengths)
    return corrupted_panel(verifier, names, timeout, all_strengths)
