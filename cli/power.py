"""`soundbench power`: which verifiers that are wrong on purpose does a suite catch?"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from soundbench.level import Level

from .errors import INTERRUPTED
from .json_file import check_writable, write_json
from .numbers import POSITIVE
from .shipped import core_suite

if TYPE_CHECKING:
    from soundbench.instance import Instance
    from soundbench.parallel import Task
    from soundbench.power_journal import PowerJournal
    from soundbench.trial import Strengths, Suspect

# So many instances a process: it takes a second to start.
CHUNK = 8

_EPILOG = """\b
Examples:
  soundbench power --level smoke --jobs 2                  (the suite that ships)
  soundbench power my-suite --faults child-lost --faults bias-lost@0.1
  soundbench power --list
  soundbench power --level thorough --json power.json --plot power.png
  soundbench power my-suite --record          (then my-suite's level smoke catches all of it)
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

\b
How a fault stands, the first of these that is true:
  too crude      live, and agrees on less than 80 % of the instances, of which there are 10 or more; a fault that only
                 takes a way of ending for verified is never too crude
  caught         on one instance or more
  controls only  on no better instances than those
  escapes        live elsewhere only
  false alarms   live nowhere, and says falsified where nothing is known to be violated and the sound verifier does not
  only looser    live nowhere, and some claims are others, none of them wrong as far as is known
  equivalent     live nowhere, and all claims are the same
  not run        (weaker strengths, in --json) the next stronger one nowhere answers otherwise than the sound verifier
  not exercised  nothing in the suite has what it touches

Weaker strengths are run only where the next stronger one answers otherwise than the sound verifier: what is less wrong
should show in fewer places. That is an assumption, and --all-strengths does without it.

\b
Exit codes: 0 some fault is caught, and none is too crude, escapes, or is caught on controls only; 1 otherwise; 2 wrong
usage, or the suite cannot be read; 130 stopped (start it again to go on)."""


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
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Folder of the file in which answers are kept; the same command goes on with it.",
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

    from soundbench import __version__
    from soundbench.level import chosen
    from soundbench.power import measure_power, recorded
    from soundbench.power_journal import asked, open_power_journal
    from soundbench.power_report import draw, exit_code, render, to_json
    from soundbench.suite import load_suite, replace_ground_truth

    if timeout is not None and verifier is None:
        raise click.UsageError("--timeout is for --verifier; the reference verifier ends by --nodes")
    if record and suite_folder is None:
        raise click.UsageError("--record writes into the suite: name it; the one that ships is not written to unnamed")
    names = list(dict.fromkeys(faults))
    panel = (
        _reference(names, nodes, all_strengths)
        if verifier is None
        else _corrupted(verifier, names, timeout, all_strengths)
    )
    if listed:
        for words in panel.listed:
            click.echo(words)
        return
    for file in (json_file, plot):
        check_writable(file)
    suite = load_suite(suite_folder or core_suite())
    instances = chosen(suite, Level(level))[:limit]
    with open_power_journal(out, [__version__, asked(suite.instances), *panel.identity]) as journal:
        todo = [each for each in instances if each.name not in journal.trials]
        _try_all(journal, todo, panel, jobs)
        trials = [journal.trials[each.name] for each in instances]
    power = measure_power(suite.ground_truth, trials, panel.suspects, panel.crude)
    render(power, Console())
    write_json(json_file, to_json(power))
    if record:
        replace_ground_truth(suite.root, recorded(suite.ground_truth, power, trials))
    if plot is not None:
        draw(power, suite.ground_truth, plot)
    sys.exit(exit_code(power))


@dataclass(frozen=True, slots=True)
class Panel:
    """Who is tried: the suspects, a line about each fault, what else makes two measurements the same, and the task.

    `crude` are the faults that count however little they agree with the sound verifier.
    """

    suspects: "Sequence[Suspect]"
    listed: Sequence[str]
    crude: frozenset[str]
    identity: Sequence[object]
    task: "Callable[[tuple[Instance, ...]], Task]"


def _reference(names: Sequence[str], nodes: int, all_strengths: bool) -> Panel:
    """The reference verifier with its faults."""
    from soundbench.verifiers.reference.faults import FAULTS, faults_named
    from soundbench.verifiers.reference.panel import Budget, TryFaults

    from soundbench.source_digest import source_digest
    from soundbench.trial import suspects_of

    known, budget = faults_named(names), Budget(nodes)
    words = _words(names, known, all_strengths)
    return Panel(
        suspects_of(known, FAULTS),
        [f"{each.name}: {each.summary} {each.origin}" for each in known],
        frozenset(each.name for each in known if each.misreads_status),
        [words, budget.nodes, budget.seconds, source_digest("soundbench.verifiers.reference")],
        lambda chunk: TryFaults(chunk, words, budget),
    )


def _corrupted(label: str, names: Sequence[str], timeout: float | None, all_strengths: bool) -> Panel:
    """A verifier that is installed, with what may go wrong around it."""
    from soundbench.verifiers.corruption_panel import TryCorruptions
    from soundbench.verifiers.corruptions import CORRUPTIONS, corruptions_named

    from soundbench.evaluate import check_installed
    from soundbench.registry import resolve
    from soundbench.source_digest import source_digest
    from soundbench.trial import suspects_of

    known = corruptions_named(names)
    verifier = resolve(label)
    check_installed([verifier])
    words = _words(names, known, all_strengths)
    modules = (f"soundbench.verifiers.{each}" for each in ("corrupted", "corruptions", "corruption_panel"))
    return Panel(
        suspects_of(known, CORRUPTIONS),
        [f"{each.name}: {each.summary} Like {each.modelled_on}." for each in known],
        frozenset(each.name for each in known if each.misreads_status),
        [words, label, verifier.version(), timeout, source_digest(*modules)],
        lambda chunk: TryCorruptions(chunk, label, words, timeout),
    )


def _words(names: Sequence[str], known: "Sequence[Strengths]", all_strengths: bool) -> tuple[str, ...]:
    """What a task is told to try: the faults by their names, or every strength of them on its own."""
    from soundbench.trial import every_strength

    if all_strengths:
        return every_strength(known)
    return tuple(each.name for each in known) if "all" in names else tuple(names)


def _try_all(journal: "PowerJournal", instances: "Sequence[Instance]", panel: Panel, jobs: int) -> None:
    """Try what is missing, a few instances a process, and keep each trial as it comes; when stopped, say so."""
    from soundbench.errors import SoundbenchError
    from soundbench.parallel import run_parallel
    from soundbench.trial import Trial

    from .progress import steps

    chunks = [tuple(instances[start : start + CHUNK]) for start in range(0, len(instances), CHUNK)]
    tasks = [panel.task(chunk) for chunk in chunks]
    try:
        with steps(len(instances)) as done:
            for message in run_parallel(tasks, jobs):
                match message.content:
                    case Trial() as trial:
                        journal.append(trial)
                        live = sum(trial.is_live(suspect) for suspect in trial.replies)
                        done(f"{trial.instance} {trial.sound.claim}, {len(trial.replies)} faulty runs, {live} live")
                    case SoundbenchError() as error:
                        raise error
    except KeyboardInterrupt:
        click.echo(f"{journal.path}: keeps {len(journal.trials)} trials; start the same command to go on", err=True)
        sys.exit(INTERRUPTED)
