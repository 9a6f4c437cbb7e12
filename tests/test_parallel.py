import multiprocessing
import os
import signal
import threading
import time
from functools import partial

import pytest
from processes import is_running

import soundbench.parallel
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


def write_much(tell):
    """More than a pipe takes at once, so that it is still writing while nobody reads."""
    tell(os.getpid())
    tell(bytes(10_000_000))
    time.sleep(600)


def sleep_in(folder, tell):
    """Leaves a file where it was, which is removed at the end, whatever that is."""
    place = folder / str(os.getpid())
    place.touch()
    try:
        tell("begun")
        time.sleep(600)
    finally:
        place.unlink()


def tell_function(tell):
    tell(lambda: None)


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


def in_time(job, seconds=60):
    """What a job gives that must not hang."""
    results = []
    thread = threading.Thread(target=lambda: results.append(job()), daemon=True)
    thread.start()
    thread.join(seconds)
    assert results, "it hangs"
    return results[0]


def test_one_that_is_killed_while_it_writes_does_not_stop_the_others():
    messages = run_parallel([write_much, partial(count, 3), partial(count, 2)], 2)
    begun = [next(messages)]
    while begun[-1].task != 0:
        begun.append(next(messages))
    time.sleep(0.5)
    os.kill(begun[-1].content, signal.SIGKILL)
    told = in_time(lambda: by_task([*begun, *messages]))
    assert [message.is_last for message in told[0]] == [False, True]
    assert isinstance(told[0][1].content, TaskDied)
    assert str(told[0][1].content) == "its process ended with -9"
    assert told[1][-1] == Message(1, "counted to 3", is_last=True)
    assert told[2][-1] == Message(2, "counted to 2", is_last=True)


def test_one_that_is_writing_ends_when_the_caller_stops():
    messages = run_parallel([write_much], 1)
    process = next(messages).content
    time.sleep(0.5)
    assert in_time(lambda: messages.close() or "closed") == "closed"
    assert not is_running(process)


def test_what_cannot_be_sent_is_that_task_s_error():
    told = by_task(run_parallel([tell_function, partial(count, 1)], 1))
    assert isinstance(told[0][-1].content, SoundbenchError)
    assert "pickle" in str(told[0][-1].content)
    assert told[1][-1].content == "counted to 1"


def test_no_process_is_left_when_the_caller_stops(tmp_path):
    messages = run_parallel([partial(sleep_in, tmp_path)] * 3, 2)
    next(messages)
    next(messages)
    assert len(list(tmp_path.iterdir())) == 2
    messages.close()
    assert not list(tmp_path.iterdir())
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("number", soundbench.parallel.INTERRUPTS)
def test_an_interrupt_while_a_process_starts_counts_once_it_is_there(monkeypatch, tmp_path, number):
    """And so that process is ended like the others."""
    start, begun = soundbench.parallel._start, []

    def interrupted(*given):
        signal.raise_signal(number)
        begun.append(start(*given))
        return begun[-1]

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("soundbench.parallel._start", interrupted)
    before = signal.signal(number, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            list(run_parallel([partial(sleep_in, tmp_path)], 1))
        assert signal.getsignal(number) is interrupt
    finally:
        signal.signal(number, before)
    assert [each.process.is_alive() for each in begun] == [False]
