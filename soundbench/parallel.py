"""Several long tasks side by side, each in a process of its own, which tell what they do.

Each process has a pipe of its own: however one ends, it holds nothing that another waits for. Tasks must not fork: a
process counts as ended once nobody can write to its pipe.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from soundbench.errors import SoundbenchError

# What ends the one that starts processes; each of these ends as it does.
INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Message:
    """What task number `task` tells: progress, its result, or the error that ended it (the last that it says)."""

    task: int
    content: Any
    is_last: bool = False


class TaskDied(SoundbenchError):
    """A process ended without a word: it was killed, or ran out of memory."""


Task = Callable[[Callable[[Any], None]], Any]


@dataclass(frozen=True, slots=True, eq=False)
class _Running:
    """A process, the number of its task, and where its messages arrive."""

    task: int
    process: BaseProcess
    messages: Connection


def run_parallel(tasks: Sequence[Task], jobs: int) -> Iterator[Message]:
    """Run picklable tasks, `jobs` at a time, and yield what they tell as it comes.

    A task gets a function to tell its progress with, from one thread. The last message of each has its result, or the
    `SoundbenchError` that it raised; any other exception is an error of that task too. However this ends, no process is
    left.
    """
    waiting, running = list(enumerate(tasks)), dict[object, _Running]()
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                with _interrupts_put_off():
                    begun = _start(*waiting.pop(0))
                    running[begun.messages] = begun
            for ready in wait([each.messages for each in running.values()]):
                message = _next(running[ready])
                if message.is_last:
                    running.pop(ready).process.join()
                yield message
    finally:
        _end(running.values())


@contextlib.contextmanager
def _interrupts_put_off() -> Iterator[None]:
    """Ctrl-C and its like within this block count after it: a process half started would complain, or be left."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []
    handlers = {number: signal.signal(number, lambda number, _: arrived.append(number)) for number in INTERRUPTS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for late in arrived:
            signal.raise_signal(late)


def _start(number: int, task: Task) -> _Running:
    context = multiprocessing.get_context("spawn")
    messages, theirs = context.Pipe(duplex=False)
    # Closed here once the process has it: then its death is the end of what can be read.
    with theirs:
        process = context.Process(target=_run, args=(number, task, theirs), daemon=True)
        process.start()
    return _Running(number, process, messages)


def _next(sender: _Running) -> Message:
    """What a process that has something to say says next, or that it died, within a message or between two."""
    try:
        message: Message = sender.messages.recv()
    except (EOFError, OSError):
        sender.process.join()
        return Message(sender.task, TaskDied(f"its process ended with {sender.process.exitcode}"), is_last=True)
    return message


def _end(running: Collection[_Running]) -> None:
    for each in running:
        each.process.terminate()
    for each in running:
        each.process.join()


def _run(number: int, task: Task, messages: Connection) -> None:
    """What a process does; Ctrl-C and HUP are for the one that started it, which then ends this one."""
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    # Being ended is an exception, so that temporary folders are removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        last = task(lambda content: messages.send(Message(number, content)))
    except SoundbenchError as error:
        last = error
    except Exception as error:  # noqa: BLE001 (reported by the one that started it)
        last = SoundbenchError(f"{type(error).__name__}: {error}")
    messages.send(Message(number, last, is_last=True))


def _end_with_parent() -> None:
    """Wait for the process that started this one, however it ends, and end this one too."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
