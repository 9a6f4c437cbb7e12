"""How are many tasks run? Each is one verifier on one instance, in a thread that waits for its process."""

import os
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from soundbench.instance import Instance
from soundbench.process import StopSignal
from soundbench.verifier import Execution, Verifier

_MEMORY_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Job:
    """One task to run: a verifier on an instance."""

    verifier: Verifier
    instance: Instance


def execute(
    jobs: Sequence[Job], workers: int, *, timeout_seconds: float | None, memory_bytes: int | None
) -> Generator[tuple[Job, Execution], None, None]:
    """Run the jobs, `workers` at a time, and yield each as it ends, in any order.

    `timeout_seconds` replaces the instances' own timeouts; `memory_bytes` is the limit of one job. Closing the
    generator, or an exception in it, ends every process that still runs.
    """
    with StopSignal() as stop, ThreadPoolExecutor(workers) as pool:
        try:
            futures: dict[Future[Execution], Job] = {
                pool.submit(
                    job.verifier.answer,
                    job.instance,
                    timeout_seconds=timeout_seconds,
                    memory_bytes=memory_bytes,
                    stop=stop,
                ): job
                for job in jobs
            }
            for future in as_completed(list(futures)):
                # Forgotten once yielded, or the logs of a long run would pile up in memory.
                yield futures.pop(future), future.result()
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)


def fair_memory_bytes(workers: int) -> int:
    """The memory limit of one job where the user gave none: its share of most of this machine's memory."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return int(_MEMORY_SHARE * total / workers)
