"""What does the harness cost per instance, beyond starting the verifier's process?

    python benchmarks/harness_overhead.py [--instances 200]

A verifier that answers at once runs bare (`subprocess.run`), through `Verifier.answer` (private copies, limits, log,
answer), and through a whole run (threads, results flushed to disk), in turn, so that all three see the same load.
"""

import argparse
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from page import load_average, machine, publish

from soundbench.evaluate import run_jobs
from soundbench.execute import Job
from soundbench.instance import Instance
from soundbench.run import identify, open_run
from soundbench.suite import Suite
from soundbench.verifier import Task, Verifier

NETWORK_BYTES = 200_000
PROPERTY_BYTES = 5_000
GIBIBYTE = 1 << 30


class AnswersAtOnce(Verifier):
    """Writes its answer and exits."""

    name = "answers-at-once"

    def command(self, task: Task) -> list[str]:
        """A shell is the quickest process to start that can write a file."""
        return command(task.result)

    def version(self) -> str:
        """Any will do."""
        return "1"


def command(result: Path) -> list[str]:
    """Write `unsat` to a file."""
    return ["/bin/sh", "-c", 'echo unsat > "$1"', "sh", str(result)]


def measure(instances: int) -> dict[str, list[float]]:
    """Seconds an instance, for each way to run it."""
    verifier = AnswersAtOnce()
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root)
        (folder / "a.onnx").write_bytes(bytes(NETWORK_BYTES))
        (folder / "a.vnnlib").write_bytes(b" " * PROPERTY_BYTES)
        instance = Instance("a", folder / "a.onnx", folder / "a.vnnlib", 60.0)
        suite = Suite(folder, "overhead", "1", (instance,), {}, "")

        def bare() -> None:
            subprocess.run(command(folder / "result"), check=True)

        def answer() -> None:
            verifier.answer(instance, memory_bytes=GIBIBYTE)

        with open_run(folder / "run", identify(suite, [verifier], None, None)) as run:

            def whole() -> None:
                list(run_jobs(run, [Job(verifier, instance)], 1, timeout_seconds=None, memory_bytes=GIBIBYTE))

            ways = {"bare process": bare, "Verifier.answer": answer, "whole run": whole}
            rounds = [[timed(way) for way in ways.values()] for _ in range(instances)]
    return dict(zip(ways, map(list, zip(*rounds, strict=True)), strict=True))


def timed(function: Callable[[], None]) -> float:
    """Seconds that a call takes."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def table(seconds: dict[str, list[float]]) -> str:
    """The medians as a Markdown table, and what each way costs beyond the bare process."""
    bare = seconds["bare process"]
    lines = ["| one instance through | median ms | beyond the bare process, median ms |", "|---|---|---|"]
    for name, values in seconds.items():
        extra = statistics.median(value - base for value, base in zip(values, bare, strict=True))
        cell = "" if values is bare else f"{1000 * extra:.1f}"
        lines.append(f"| {name} | {1000 * statistics.median(values):.1f} | {cell} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instances", type=int, default=200)
    instances = parser.parse_args().instances
    load = load_average()
    body = f"{table(measure(instances))}\n\n{instances} instances each, in turn. {machine(load)}"
    publish("Harness overhead", "python benchmarks/harness_overhead.py", body)


if __name__ == "__main__":
    main()
