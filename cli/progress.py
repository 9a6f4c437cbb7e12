"""What a run shows while it goes on: a bar on a terminal, a line a task elsewhere; both on standard error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from soundbench.claim import TaskResult

Show = Callable[[TaskResult], None]


@contextmanager
def progress(total: int) -> Iterator[Show]:
    """A function that is told of every result as it comes."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _plain_lines(console, total)
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda result: bar.update(task, advance=1, description=_describe(result))


def _plain_lines(console: Console, total: int) -> Show:
    shown = 0

    def show(result: TaskResult) -> None:
        nonlocal shown
        shown += 1
        line = f"[{shown}/{total}] {_describe(result)} ({result.ending.wall_seconds:.1f} s)"
        console.print(line, markup=False, highlight=False, soft_wrap=True)

    return show


def _describe(result: TaskResult) -> str:
    return f"{result.verifier} {result.instance} {result.claim}"
