"""Several long tasks side by side, each in a process of its own, which tell what they do."""

import multiprocessing
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import Any

from soundbench.errors import SoundbenchError

# How long to wait for a message before looking whether a process has died.
PATIENCE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Message:
    """What task number `task` tells: progress, its result, or the error that ended it (the last that it says)."""

    task: int
    content: Any
    is_last: bool = False


class TaskDied(SoundbenchError):
    """A process ended without a word: it was killed, or ran out of memory."""


Task = Callable[[Callable[[Any], None]], Any]


def run_parallel(tasks: Sequence[Task], jobs: int) -> Iterator[Message]:
    """Run picklable tasks, `jobs` at a time, and yield what they tell as it comes.

    A task gets a function to tell its progress with. The last message of each has its result, or the
    `SoundbenchError` that it raised; any other exception is an error of that task too. However this ends, no process
    is left.
    """
    context = multiprocessing.get_context("spawn")
    messages = context.Queue()
    waiting, running = list(enumerate(tasks)), dict[int, BaseProcess]()
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                number, task = waiting.pop(0)
                process = context.Process(target=_run, args=(number, task, messages), daemon=True)
                process.start()
                running[number] = process
            message = _next(messages, running)
            if message is not None:
                if message.is_last:
                    running.pop(message.task).join()
                yield message
    finally:
        _end(running)


def _next(messages: Any, running: Mapping[int, BaseProcess]) -> Message | None:  # noqa: ANN401 (a queue)
    """The next message, that of a death, or None after a while."""
    try:
        message: Message = messages.get(timeout=PATIENCE_SECONDS)
    except queue.Empty:
        for number, process in running.items():
            if not process.is_alive():
                # Its last words may have arrived in between.
                if not messages.empty():
                    return None
                return Message(number, TaskDied(f"its process ended with {process.exitcode}"), is_last=True)
        return None
    return message


def _end(running: Mapping[int, BaseProcess]) -> None:
    for process in running.values():
        process.terminate()
    for process in running.values():
        process.join()


def _run(number: int, task: Task, messages: Any) -> None:  # noqa: ANN401 (a queue)
    """What a process does; Ctrl-C and HUP are for the one that started it, which then ends this one."""
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    # Being ended is an exception, so that temporary folders are removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        last = task(lambda content: messages.put(Message(number, content)))
    except SoundbenchError as error:
        last = error
    except Exception as error:  # noqa: BLE001 (reported by the one that started it)
        last = SoundbenchError(f"{type(error).__name__}: {error}")
    messages.put(Message(number, last, is_last=True))


def _end_with_parent() -> None:
    """Wait for the process that started this one, however it ends, and end this one too."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
