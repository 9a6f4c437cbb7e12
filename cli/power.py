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
    from soundbench.power import Suspect
    from soundbench.power_journal import PowerJournal

# So many instances a process: it takes a second to start.
CHUNK = 8

_EPILOG = """\b
Examples:
  soundbench power --level smoke --jobs 2                  (the suite that ships)
  soundbench power my-suite --faults child-lost --faults bias-lost
  soundbench power --list
  soundbench power --level thorough --json power.json --plot power.png
  soundbench power my-suite --record          (then my-suite's level smoke catches all of it)
  soundbench power --verifier marabou --level smoke --timeout 5

\b
Exit codes: 0 nothing escapes; 1 a fault escapes at its greatest strength, or none is caught; 2 wrong usage, or the
suite cannot be read; 130 stopped (start it again to go on)."""


@click.command("power", epilog=_EPILOG)
@click.argument("suite_folder", metavar="[SUITE]", type=click.Path(path_type=Path), required=False)
@click.option(
    "--faults",
    multiple=True,
    metavar="NAME",
    default=("all",),
    show_default=True,
    help="A fault of the reference verifier, or of what --verifier is given; may be repeated.",
)
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

    A fault is live where the faulty verifier says verified and the sound one does not. It is caught if that is an armed
    instance whose twin the sound verifier proves. Faults come in strengths; a weaker one is run where the next stronger
    one is live. Those of --verifier are in the files that it gets, and in how its answer is read.
    """
    from rich.console import Console

    from soundbench import __version__
    from soundbench.level import chosen
    from soundbench.power import measure_power, recorded
    from soundbench.power_journal import open_power_journal
    from soundbench.power_report import draw, exit_code, render, to_json
    from soundbench.suite import load_suite, replace_ground_truth

    if timeout is not None and verifier is None:
        raise click.UsageError("--timeout is for --verifier; the reference verifier ends by --nodes")
    if record and suite_folder is None:
        raise click.UsageError("--record writes into the suite: name it; the one that ships is not written to unnamed")
    panel = _reference(faults, nodes) if verifier is None else _corrupted(verifier, faults, timeout)
    if listed:
        for words in panel.listed:
            click.echo(words)
        return
    for file in (json_file, plot):
        check_writable(file)
    suite = load_suite(suite_folder or core_suite())
    instances = chosen(suite, Level(level))[:limit]
    everyone = panel.suspects
    identity = [__version__, suite.digest, [[each.fault, each.strength] for each in everyone], *panel.identity]
    with open_power_journal(out, identity) as journal:
        todo = [each for each in instances if each.name not in journal.trials]
        _try_all(journal, todo, panel, jobs)
        trials = [journal.trials[each.name] for each in instances]
    power = measure_power(suite.ground_truth, trials, everyone)
    render(power, Console())
    write_json(json_file, to_json(power))
    if record:
        replace_ground_truth(suite.root, recorded(suite.ground_truth, power, trials))
    if plot is not None:
        draw(power, suite.ground_truth, plot)
    sys.exit(exit_code(power))


@dataclass(frozen=True, slots=True)
class Panel:
    """Who is tried: the suspects, a line about each fault, what else makes two measurements the same, and the task."""

    suspects: "Sequence[Suspect]"
    listed: Sequence[str]
    identity: Sequence[object]
    task: "Callable[[tuple[Instance, ...]], Task]"


def _reference(faults: Sequence[str], nodes: int) -> Panel:
    """The reference verifier with its faults."""
    from soundbench.verifiers.reference.faults import faults_named
    from soundbench.verifiers.reference.panel import Budget, TryFaults, suspects

    known = faults_named(faults)
    names = tuple(fault.name for fault in known)
    lines = [f"{fault.name}: {fault.summary} {fault.origin}" for fault in known]
    return Panel(suspects(known), lines, [nodes], lambda chunk: TryFaults(chunk, names, Budget(nodes)))


def _corrupted(label: str, faults: Sequence[str], timeout: float | None) -> Panel:
    """A verifier that is installed, with what may go wrong around it."""
    from soundbench.verifiers.corruption_panel import TryCorruptions
    from soundbench.verifiers.corruptions import corruptions_named

    from soundbench.evaluate import check_installed
    from soundbench.power import Suspect
    from soundbench.registry import resolve

    known = corruptions_named(faults)
    verifier = resolve(label)
    check_installed([verifier])
    names = tuple(each.name for each in known)
    lines = [f"{each.name}: {each.summary} Like {each.modelled_on}." for each in known]
    everyone = [Suspect(each.name, strength) for each in known for strength in each.strengths]
    identity = [label, verifier.version(), timeout]
    return Panel(everyone, lines, identity, lambda chunk: TryCorruptions(chunk, label, names, timeout))


def _try_all(journal: "PowerJournal", instances: "Sequence[Instance]", panel: Panel, jobs: int) -> None:
    """Try what is missing, a few instances a process, and keep each trial as it comes; when stopped, say so."""
    from soundbench.errors import SoundbenchError
    from soundbench.parallel import run_parallel
    from soundbench.power import Trial

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
