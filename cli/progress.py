"""What a command shows while it goes on: a bar on a terminal, a line a step elsewhere; both on standard error."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from soundbench.claim import TaskResult

if TYPE_CHECKING:
    from soundbench.training import Status


@contextmanager
def steps(total: int) -> Iterator[Callable[[str], None]]:
    """A function that is told, in a few words, of every step as it is done."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _plain_lines(console, total)
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda words: bar.update(task, advance=1, description=words)


@contextmanager
def files() -> Iterator[Callable[[str], None]]:
    """A function that is told of every file as it has come; how many there will be is not known."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda words: console.print(f"fetched: {words}", markup=False, highlight=False, soft_wrap=True)
        return
    columns = (TimeElapsedColumn(), TextColumn("{task.completed} fetched: {task.description}", markup=False))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda words: bar.update(task, advance=1, description=words)


@contextmanager
def results(total: int) -> Iterator[Callable[[TaskResult], None]]:
    """A function that is told of every result as it comes."""
    with steps(total) as done:
        yield lambda result: done(
            f"{result.verifier} {result.subject} {result.claim} ({result.ending.wall_seconds:.1f} s)"
        )


@contextmanager
def shares() -> Iterator[Callable[[str, float], None]]:
    """A function that is told, in a few words, of every part as it is done, and what share of the whole it is."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _plain_shares(console)
        return
    columns = (BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.description}", markup=False), console=console, transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda words, share: bar.update(task, advance=share, description=words)


def _plain_shares(console: Console) -> Callable[[str, float], None]:
    done, started = 0.0, time.monotonic()

    def show(words: str, share: float) -> None:
        nonlocal done
        done = min(1.0, done + share)
        seconds = (time.monotonic() - started) * (1 - done) / max(done, 1e-9)
        line = f"[{100 * done:3.0f} %] {words}, about {timedelta(seconds=round(seconds))} left"
        console.print(line, markup=False, highlight=False, soft_wrap=True)

    return show


def _plain_lines(console: Console, total: int) -> Callable[[str], None]:
    shown = 0

    def show(words: str) -> None:
        nonlocal shown
        shown += 1
        console.print(f"[{shown}/{total}] {words}", markup=False, highlight=False, soft_wrap=True)

    return show


@contextmanager
def trainings() -> "Iterator[Callable[[str, Status | str | None], None]]":
    """A function that is told where the training of a model stands, or with None that it is over."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _plain_trainings(console)
        return
    name = TextColumn("{task.fields[name]}", markup=False)
    columns = (name, BarColumn(), TextColumn("{task.description}", markup=False))
    bars: dict[str, TaskID] = {}
    with Progress(*columns, console=console, transient=True) as progress:

        def show(name: str, status: "Status | str | None") -> None:
            if status is None:
                if name in bars:
                    progress.remove_task(bars.pop(name))
                return
            if name not in bars:
                total = None if isinstance(status, str) else status.steps
                bars[name] = progress.add_task("", total=total, name=name)
            step = None if isinstance(status, str) else status.step
            progress.update(bars[name], completed=step, description=_where(status))

        yield show


def _plain_trainings(console: Console) -> "Callable[[str, Status | str | None], None]":
    def show(name: str, status: "Status | str | None") -> None:
        if status is not None:
            console.print(f"{name}: {_where(status)}", markup=False, highlight=False, soft_wrap=True)

    return show


def _where(status: "Status | str") -> str:
    if isinstance(status, str):
        return status
    speed = status.steps_made / max(status.seconds, 1e-9)
    left = timedelta(seconds=round((status.steps - status.step) / speed))
    return (
        f"step {status.step} of {status.steps}, loss {status.loss:.3g}, hidden {status.hidden} of {status.armed}, "
        f"{speed:.1f} steps/s, at most {left} left"
    )
