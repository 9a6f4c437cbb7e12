"""How are many tasks run? Each is one verifier on one instance, in a thread that waits for its process."""

import contextlib
import math
import os
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from queue import SimpleQueue

from soundbench.instance import Instance
from soundbench.keeper import Keeper, StopSignal
from soundbench.verifier import Execution, Verifier

_MEMORY_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Job:
    """One task to run: a verifier on an instance."""

    verifier: Verifier
    instance: Instance


def always() -> bool:
    """No reason not to start a job."""
    return True


def within(minutes: float | None) -> Callable[[], bool]:
    """A function that says whether so many minutes from now are not over yet; None stands for no end."""
    end = time.monotonic() + (math.inf if minutes is None else 60.0 * minutes)
    return lambda: time.monotonic() < end


def execute(
    jobs: Sequence[Job],
    workers: int,
    *,
    timeout_seconds: float | None,
    memory_bytes: int | None,
    cpu_seconds: float | None = None,
    may_start: Callable[[], bool] = always,
    make_keeper: Callable[[], Keeper] = Keeper,
) -> Generator[tuple[Job, Execution], None, None]:
    """Start the jobs in their order, `workers` at a time, and yield each as it ends, in any order.

    `timeout_seconds` replaces the instances' own timeouts; `memory_bytes` and `cpu_seconds` are limits of one job. A
    job that `may_start` forbids when its turn comes is left out. `make_keeper` says who watches over processes. Closing
    the generator, or an exception in it, ends every process that still runs.
    """

    def answer(job: Job) -> Execution | None:
        if not may_start():
            return None
        keeper = idle.get()
        try:
            return job.verifier.answer(
                job.instance,
                timeout_seconds=timeout_seconds,
                cpu_seconds=cpu_seconds,
                memory_bytes=memory_bytes,
                keeper=keeper,
                stop=stop,
            )
        finally:
            idle.put(keeper)

    with contextlib.ExitStack() as stack:
        stop = stack.enter_context(StopSignal())
        idle: SimpleQueue[Keeper] = SimpleQueue()
        for _ in range(workers):
            idle.put(stack.enter_context(make_keeper()))
        pool = stack.enter_context(ThreadPoolExecutor(workers))
        try:
            futures: dict[Future[Execution | None], Job] = {pool.submit(answer, job): job for job in jobs}
            for future in as_completed(list(futures)):
                # Forgotten once yielded, or the logs of a long run would pile up in memory.
                job, execution = futures.pop(future), future.result()
                if execution is not None:
                    yield job, execution
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)


def fair_memory_bytes(workers: int) -> int:
    """The memory limit of one job where the user gave none: its share of most of this machine's memory."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return int(_MEMORY_SHARE * total / workers)
