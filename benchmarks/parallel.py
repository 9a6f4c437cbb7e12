"""How much faster do two jobs finish a suite than one, where every task computes?

    python benchmarks/parallel.py [--rounds 5] [--tasks 12]

A verifier that computes for a while and does nothing else runs with one job and with two; beside it the same processes
without soundbench, one and two at a time, each in a session of its own as well: what the machine has to give at that
moment. All in turn, so that they see the same load.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from page import load_average, machine, markdown_table, publish

from soundbench.claim import Claim
from soundbench.evaluate import run_jobs
from soundbench.execute import Job, TaskLimits
from soundbench.instance import Instance
from soundbench.run import identify, open_run
from soundbench.suite import Suite
from soundbench.verifier import Task, Verifier

GIBIBYTE = 1 << 30
# About half a second on one core.
COMPUTE = "sum(number * number for number in range(6_000_000)); open({!r}, 'w').write('unsat')"


class Computes(Verifier):
    """Computes, writes its answer and exits."""

    name = "computes"

    def command(self, task: Task) -> list[str]:
        """One process, one thread."""
        return command(str(task.result))

    def version(self) -> str:
        """Any will do."""
        return "1"


def command(result: str) -> list[str]:
    """Compute, and write `unsat` to a file."""
    return [sys.executable, "-I", "-S", "-c", COMPUTE.format(result)]


@dataclass(frozen=True, slots=True)
class Took:
    """Wall-clock and CPU seconds, those of ended child processes included."""

    wall: float
    cpu: float


def timed(function: Callable[[], None]) -> Took:
    """What a call takes."""
    started, before = time.perf_counter(), os.times()
    function()
    wall, after = time.perf_counter() - started, os.times()
    return Took(wall, sum(after[:4]) - sum(before[:4]))


def bare(tasks: int, jobs: int) -> None:
    """The processes without soundbench."""

    def run(_: int) -> None:
        subprocess.run(command(os.devnull), check=True, start_new_session=True)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(run, range(tasks)))


def evaluated(tasks: int, jobs: int) -> None:
    """A run, from its start to its last result."""
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root)
        for name in ("a.onnx", "a.vnnlib"):
            (folder / name).write_text(name)
        instance = Instance("a", folder / "a.onnx", folder / "a.vnnlib", 60.0)
        suite, verifier = Suite(folder, "parallel", "1", (instance,), {}, ""), Computes()
        with open_run(folder / "run", identify(suite, [verifier], None, None)) as run:
            todo = [Job(verifier, instance)] * tasks
            results = list(run_jobs(run, todo, jobs, TaskLimits(memory_bytes=GIBIBYTE)))
    if [result.claim for result in results] != [Claim.VERIFIED] * tasks:
        sys.exit("an answer was lost, so the time means nothing")


def row(name: str, one: list[Took], two: list[Took]) -> list[str]:
    """Medians of both, and of the ratio of each round."""
    ratios = [first.wall / second.wall for first, second in zip(one, two, strict=True)]
    seconds = [statistics.median(took.wall for took in all_took) for all_took in (one, two)]
    cpu = [statistics.median(took.cpu for took in all_took) for all_took in (one, two)]
    return [
        name,
        *(f"{value:.2f}" for value in (*seconds, *cpu)),
        f"{statistics.median(ratios):.2f}",
        f"{min(ratios):.2f} to {max(ratios):.2f}",
    ]


def main() -> None:
    """Measure, print, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tasks", type=int, default=12)
    given, load = parser.parse_args(), load_average()
    ways = {"bare processes": bare, "soundbench": evaluated}
    took: dict[tuple[str, int], list[Took]] = {(name, jobs): [] for name in ways for jobs in (1, 2)}
    for _ in range(given.rounds):
        for (name, jobs), values in took.items():
            values.append(timed(lambda way=ways[name], jobs=jobs: way(given.tasks, jobs)))
    header = ["", "one job, s", "two jobs, s", "CPU s", "CPU s", "one / two", "in the rounds"]
    table = markdown_table(header, [row(name, took[name, 1], took[name, 2]) for name in ways])
    body = f"{table}\n\n{given.tasks} tasks, {given.rounds} rounds, in turn; medians. {machine(load)}"
    publish("Two jobs on two cores", "python benchmarks/parallel.py", body)


if __name__ == "__main__":
    main()
