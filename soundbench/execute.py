"""How are many tasks run? Each is one verifier on one instance, in a thread that waits for its process."""

import contextlib
import math
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Protocol

from soundbench.errors import InputError
from soundbench.instance import Instance
from soundbench.keeper import Keeper, StopSignal
from soundbench.machine import gpus_for_tasks, memory_for_tasks
from soundbench.needs import Resources
from soundbench.schedule import Begun, Schedule
from soundbench.verifier import Execution, Verifier


@dataclass(frozen=True, slots=True)
class Job:
    """One task to run: a verifier on an instance."""

    verifier: Verifier
    instance: Instance


@dataclass(frozen=True, slots=True)
class TaskLimits:
    """What the user lets every task use; None is the instance's own timeout, any CPU time, what its verifier needs."""

    timeout_seconds: float | None = None
    memory_bytes: int | None = None
    cpu_seconds: float | None = None


Executions = Generator[tuple[Job, Execution], None, None]


def always(job: Job) -> bool:  # noqa: ARG001 (the signature of `may_start`)
    """No reason not to start a job."""
    return True


def within(minutes: float | None) -> Callable[[], bool]:
    """A function that says whether so many minutes from now are not over yet; None stands for no end."""
    end = time.monotonic() + (math.inf if minutes is None else 60.0 * minutes)
    return lambda: time.monotonic() < end


class Executor(Protocol):
    """Runs jobs: `execute` on this machine, `soundbench.cluster` on many."""

    def __call__(
        self,
        jobs: Sequence[Job],
        cores: int | None,
        limits: TaskLimits,
        *,
        may_start: Callable[[Job], bool] = always,
    ) -> Executions:
        """Start the jobs of each verifier in their order, the verifiers in turn, and yield each as it ends.

        As many run at once as fit in so many `cores`, with what they need of memory and GPUs (see
        `soundbench.schedule`); None stands for as many as the executor thinks right. A job that `may_start` forbids
        when its turn comes is left out, and one for which it raises an error ends all. Closing the generator, or an
        exception in it, ends every process that still runs.

        Raises:
            InputError: a verifier needs what there is not.
        """


def execute(
    jobs: Sequence[Job],
    cores: int | None,
    limits: TaskLimits,
    *,
    may_start: Callable[[Job], bool] = always,
    make_keeper: Callable[[], Keeper] = Keeper,
) -> Executions:
    """Run the jobs on this machine, by default one at a time: see `Executor`; keepers come from `make_keeper`."""
    gpus, workers = gpus_for_tasks(), cores or 1
    capacity = Resources(len(gpus), memory_for_tasks(), workers)

    def needs(verifier: Verifier) -> Resources:
        return verifier.needs.resources(limits.memory_bytes, capacity.memory_bytes // workers)

    def limit_bytes(verifier: Verifier) -> int:
        own = needs(verifier).memory_bytes
        return own if limits.memory_bytes is not None else min(own, capacity.memory_bytes)

    def answer(job: Job, own_gpus: Sequence[str]) -> Execution | None:
        if not may_start(job):
            return None
        keeper = idle.get()
        try:
            return job.verifier.answer(
                job.instance,
                timeout_seconds=limits.timeout_seconds,
                cpu_seconds=limits.cpu_seconds,
                memory_bytes=limit_bytes(job.verifier),
                gpus=own_gpus,
                keeper=keeper,
                stop=stop,
            )
        finally:
            idle.put(keeper)

    schedule = in_turns(jobs, needs)
    check_gpus(jobs, capacity.gpus, "this machine has")
    with contextlib.ExitStack() as stack:
        stop = stack.enter_context(StopSignal())
        idle: SimpleQueue[Keeper] = SimpleQueue()
        for _ in range(workers):
            idle.put(stack.enter_context(make_keeper()))
        pool = stack.enter_context(ThreadPoolExecutor(workers))
        running = _Running(schedule, capacity, gpus, pool, answer)
        try:
            running.start()
            for _ in jobs:
                job, execution = running.next()
                if execution is not None:
                    yield job, execution
        finally:
            stop.set()
            running.close()


def in_turns(jobs: Sequence[Job], needs: Callable[[Verifier], Resources]) -> Schedule[Job]:
    """The jobs by verifier, each of which takes turns with the others."""
    queues: dict[str, list[Job]] = {}
    for job in jobs:
        queues.setdefault(job.verifier.label, []).append(job)
    return Schedule([(needs(queue[0].verifier), queue) for queue in queues.values()])


def check_gpus(jobs: Sequence[Job], count: int, place: str) -> None:
    """Make sure that there are as many GPUs as any verifier needs for one task; `place` says where.

    Raises:
        InputError: there are fewer.
    """
    for verifier in {job.verifier.label: job.verifier for job in jobs}.values():
        needed = verifier.needs.gpus
        if needed > count:
            raise InputError(
                f"{verifier.label} needs {needed} GPUs a task, but {place} {count}; set -o {verifier.name}.gpus=N, "
                "or run it where there are more"
            )


class _Running:
    """What runs in the pool's threads; whatever ends starts what has room then."""

    def __init__(
        self,
        schedule: Schedule[Job],
        capacity: Resources,
        gpus: Sequence[str],
        pool: ThreadPoolExecutor,
        answer: Callable[[Job, Sequence[str]], Execution | None],
    ) -> None:
        self._schedule, self._capacity, self._pool, self._answer = schedule, capacity, pool, answer
        self._free_gpus = list(gpus)
        self._lock, self._is_closed = threading.Lock(), False
        self._ended: SimpleQueue[Future[tuple[Job, Execution | None]]] = SimpleQueue()

    def start(self) -> None:
        """Start all that has room now."""
        with self._lock:
            while not self._is_closed and (begun := self._schedule.begin(self._capacity)) is not None:
                gpus = [self._free_gpus.pop(0) for _ in range(begun.taken.gpus)]
                self._pool.submit(self._run, begun, gpus).add_done_callback(self._ended.put)

    def next(self) -> tuple[Job, Execution | None]:
        """Wait for the next that ends, and forget it, or the logs of a long run would pile up in memory."""
        return self._ended.get().result()

    def close(self) -> None:
        """Start nothing more, and wait for what runs."""
        with self._lock:
            self._is_closed = True
        self._pool.shutdown(cancel_futures=True)

    def _run(self, begun: Begun[Job], gpus: Sequence[str]) -> tuple[Job, Execution | None]:
        try:
            return begun.task, self._answer(begun.task, gpus)
        finally:
            with self._lock:
                self._schedule.end(begun)
                self._free_gpus += gpus
            self.start()
