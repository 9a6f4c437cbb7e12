"""Whom does `soundbench power` try, and how are they tried?"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .errors import INTERRUPTED

if TYPE_CHECKING:
    from soundbench.instance import Instance
    from soundbench.parallel import Task
    from soundbench.suite import Suite
    from soundbench.trial import Strengths, Suspect, Trial

# So many instances a process: it takes a second to start.
CHUNK = 8


@dataclass(frozen=True, slots=True)
class Panel:
    """Who is tried: the suspects, and the words that ask for them.

    `crude` are the faults that count however little they agree with the sound verifier. `identity` is what else makes
    two measurements the same. `task` tries suspects on instances, by the words that ask for them; `touches` tells
    whether that can make a difference to an instance.
    """

    suspects: "Sequence[Suspect]"
    words: tuple[str, ...]
    crude: frozenset[str]
    identity: Sequence[object]
    task: "Callable[[tuple[Instance, ...], tuple[str, ...]], Task]"
    touches: "Callable[[Instance, tuple[str, ...]], bool]"


def fault_lines(names: Sequence[str], label: str | None) -> list[str]:
    """What each fault does, and like which real mistake: of the reference verifier, or else around another one."""
    if label is None:
        from soundbench.verifiers.reference.faults import faults_named

        return [f"{each.name}: {each.summary} {each.origin}" for each in faults_named(names)]
    from soundbench.verifiers.corruptions import corruptions_named

    from soundbench.registry import resolve

    resolve(label)
    return [f"{each.name}: {each.summary} Like {each.modelled_on}." for each in corruptions_named(names)]


def reference_panel(names: Sequence[str], nodes: int, all_strengths: bool) -> Panel:
    """The reference verifier with its faults."""
    from soundbench.verifiers.reference.faults import FAULTS, faults_named
    from soundbench.verifiers.reference.panel import Budget, TryFaults, touches

    from soundbench.source_digest import source_digest
    from soundbench.trial import suspects_of

    known, budget = faults_named(names), Budget(nodes)
    return Panel(
        suspects_of(known, FAULTS),
        _words(names, known, all_strengths),
        frozenset(each.name for each in known if each.misreads_status),
        [budget.nodes, budget.seconds, source_digest("soundbench.verifiers.reference")],
        lambda chunk, words: TryFaults(chunk, words, budget),
        touches,
    )


def corrupted_panel(label: str, names: Sequence[str], timeout: float | None, all_strengths: bool) -> Panel:
    """A verifier that is installed, with what may go wrong around it."""
    from soundbench.verifiers.corruption_panel import TryCorruptions, touches
    from soundbench.verifiers.corruptions import CORRUPTIONS, corruptions_named

    from soundbench.evaluate import check_installed
    from soundbench.registry import resolve
    from soundbench.source_digest import source_digest
    from soundbench.trial import suspects_of

    known = corruptions_named(names)
    verifier = resolve(label)
    check_installed([verifier])
    modules = (f"soundbench.verifiers.{each}" for each in ("corrupted", "corruptions", "corruption_panel"))
    return Panel(
        suspects_of(known, CORRUPTIONS),
        _words(names, known, all_strengths),
        frozenset(each.name for each in known if each.misreads_status),
        [label, verifier.version(), timeout, source_digest(*modules), source_digest(type(verifier).__module__)],
        lambda chunk, words: TryCorruptions(chunk, label, words, timeout),
        lambda instance, words: touches(instance, verifier, words),
    )


def _words(names: Sequence[str], known: "Sequence[Strengths]", all_strengths: bool) -> tuple[str, ...]:
    """What a task is told to try: the faults by their names, or every strength of them on its own."""
    from soundbench.trial import every_strength

    if all_strengths:
        return every_strength(known)
    return tuple(each.name for each in known) if "all" in names else tuple(names)


def tried(
    panel: Panel, words: tuple[str, ...], suite: "Suite", instances: "Sequence[Instance]", out: Path, jobs: int
) -> "list[Trial]":
    """The trials of instances of a suite: what is missing in the journal is run, a few instances a process.

    When stopped, say how to go on.
    """
    from soundbench import __version__
    from soundbench.errors import SoundbenchError
    from soundbench.parallel import run_parallel
    from soundbench.power_journal import asked, open_power_journal
    from soundbench.trial import Trial

    from .progress import steps

    with open_power_journal(out, [__version__, asked(suite.instances), words, *panel.identity]) as journal:
        todo = [each for each in instances if each.name not in journal.trials]
        tasks = [panel.task(tuple(todo[start : start + CHUNK]), words) for start in range(0, len(todo), CHUNK)]
        try:
            with steps(len(todo)) as done:
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
        return [journal.trials[each.name] for each in instances]
