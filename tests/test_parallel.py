import multiprocessing
import os
import signal
import time
from functools import partial

import pytest

from soundbench.errors import InputError, SoundbenchError
from soundbench.parallel import Message, TaskDied, run_parallel


def count(number, tell):
    for value in range(number):
        tell(value)
    return f"counted to {number}"


def fail(error, tell):
    tell("begun")
    raise error


def kill_itself(tell):
    tell("begun")
    time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGKILL)


def sleep_in(folder, tell):
    """Leaves a file where it was, which is removed at the end, whatever that is."""
    place = folder / str(os.getpid())
    place.touch()
    try:
        tell("begun")
        time.sleep(600)
    finally:
        place.unlink()


def by_task(messages):
    told = {}
    for message in messages:
        told.setdefault(message.task, []).append(message)
    return told


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_every_task_tells_what_it_does_in_order_and_its_result_last(jobs):
    told = by_task(run_parallel([partial(count, number) for number in range(4)], jobs))
    for number in range(4):
        expected = [
            *(Message(number, value) for value in range(number)),
            Message(number, f"counted to {number}", is_last=True),
        ]
        assert told[number] == expected


def test_a_failed_task_does_not_stop_the_others():
    tasks = [
        partial(fail, InputError("wrong")),
        partial(count, 2),
        partial(fail, ZeroDivisionError("by zero")),
        kill_itself,
    ]
    last = {number: messages[-1] for number, messages in by_task(run_parallel(tasks, 2)).items()}
    assert all(message.is_last for message in last.values())
    assert isinstance(last[0].content, InputError)
    assert last[1].content == "counted to 2"
    assert isinstance(last[2].content, SoundbenchError)
    assert str(last[2].content) == "ZeroDivisionError: by zero"
    assert isinstance(last[3].content, TaskDied)


def test_no_process_is_left_when_the_caller_stops(tmp_path):
    messages = run_parallel([partial(sleep_in, tmp_path)] * 3, 2)
    next(messages)
    next(messages)
    assert len(list(tmp_path.iterdir())) == 2
    messages.close()
    assert not list(tmp_path.iterdir())
    assert not multiprocessing.active_children()
