"""The laws of who starts when: never over capacity, each task once, nobody passed over for ever."""

from hypothesis import given
from hypothesis import strategies as st

from soundbench.needs import Resources
from soundbench.schedule import Schedule

amounts = st.builds(Resources, st.integers(0, 3), st.integers(0, 8), st.integers(1, 4))
capacities = st.builds(Resources, st.integers(0, 3), st.integers(1, 8), st.integers(1, 4))
queues = st.lists(st.tuples(amounts, st.integers(0, 6)), max_size=4)


def made(queues):
    return Schedule([(needs, [(queue, task) for task in range(count)]) for queue, (needs, count) in enumerate(queues)])


def begin_all(schedule, capacity):
    """Start whatever fits."""
    begun = []
    while (one := schedule.begin(capacity)) is not None:
        begun.append(one)
    return begun


def used(running):
    return Resources(*map(sum, zip(*(each.taken for each in running), strict=True))) if running else Resources(0, 0, 0)


@given(queues, capacities, st.randoms(use_true_random=False))
def test_each_task_runs_once_in_the_order_of_its_queue_and_never_over_capacity(queues, capacity, random):
    schedule, running, started = made(queues), [], []
    while (begun := begin_all(schedule, capacity)) or running:
        running += begun
        started += [each.task for each in begun]
        assert all(part <= whole for part, whole in zip(used(running), capacity, strict=True))
        ended = random.choice(running)
        running.remove(ended)
        schedule.end(ended)
    for number, (_, count) in enumerate(queues):
        assert [task for task in started if task[0] == number] == [(number, task) for task in range(count)]


@given(queues, capacities, st.randoms(use_true_random=False))
def test_a_machine_with_nothing_to_do_starts_something(queues, capacity, random):
    schedule, left, running = made(queues), sum(count for _, count in queues), []
    while left:
        begun = begin_all(schedule, capacity)
        running += begun
        left -= len(begun)
        assert running
        ended = random.choice(running)
        running.remove(ended)
        schedule.end(ended)


@given(st.lists(st.just(Resources(0, 1, 1)), min_size=1, max_size=5), st.integers(1, 4))
def test_who_needs_the_same_takes_turns(needs, cores):
    schedule, order = made([(each, 4) for each in needs]), []
    capacity = Resources(0, 100, cores)
    while begun := begin_all(schedule, capacity):
        for each in begun:
            order.append(each.task[0])
            schedule.end(each)
    assert order == list(range(len(needs))) * 4


@given(amounts, st.lists(amounts, min_size=1, max_size=3), capacities)
def test_nobody_is_passed_over_for_ever(needs, others, capacity):
    """Others come without end, and the oldest task ends first.

    For each of the three resources that a task waits for, it waits for those who have it then, at most one a core.
    """
    schedule = made([*((each, 100) for each in others), (needs, 1)])
    running, waited = [], 0
    while True:
        running += begin_all(schedule, capacity)
        if any(each.task == (len(others), 0) for each in running):
            return
        waited += 1
        assert waited <= len(others) + 3 * capacity.cores
        schedule.end(running.pop(0))


def test_a_task_that_waits_for_the_gpu_leaves_the_cores_to_others():
    gpu, plain, capacity = Resources(1, 1, 1), Resources(0, 1, 1), Resources(1, 100, 2)
    schedule = made([(gpu, 2), (plain, 3)])
    first, second = begin_all(schedule, capacity)
    assert (first.task, second.task) == ((0, 0), (1, 0))
    schedule.end(second)
    (third,) = begin_all(schedule, capacity)
    assert third.task == (1, 1)
    schedule.end(first)
    (fourth,) = begin_all(schedule, capacity)
    assert fourth.task == (0, 1)


def test_small_tasks_do_not_keep_out_a_large_one():
    small, large, capacity = Resources(0, 2, 1), Resources(0, 8, 1), Resources(0, 8, 4)
    schedule = made([(small, 10), (large, 1)])
    first = begin_all(schedule, capacity)
    assert [each.task for each in first] == [(0, 0)]
    schedule.end(first[0])
    (second,) = begin_all(schedule, capacity)
    assert second.task == (1, 0)


def test_a_task_that_needs_more_than_there_is_runs_alone():
    schedule = made([(Resources(0, 99, 9), 1), (Resources(0, 1, 1), 2)])
    capacity = Resources(0, 8, 4)
    (alone,) = begin_all(schedule, capacity)
    assert alone.taken == Resources(0, 8, 4)
    schedule.end(alone)
    assert len(begin_all(schedule, capacity)) == 2


def test_what_has_become_less_than_is_taken_starts_nothing():
    schedule = made([(Resources(0, 1, 1), 4)])
    first = begin_all(schedule, Resources(0, 8, 3))
    assert begin_all(schedule, Resources(0, 8, 1)) == []
    for each in first:
        schedule.end(each)
    assert len(begin_all(schedule, Resources(0, 8, 1))) == 1
