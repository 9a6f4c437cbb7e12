"""What does the harness cost per instance, beyond starting the verifier's process?

    python benchmarks/harness_overhead.py [--instances 200]

A verifier that answers at once runs bare (`subprocess.run`), by a shell script in the manner of VNN-COMP's organisers
(a time limit, clocks, the result file's first line into a table), by BenchExec (its program `runexec`, and its class
`RunExecutor` in one process, both without containers), through `Verifier.answer` (private copies, limits, log, answer,
nothing left alive), and through a whole run (threads, results flushed to disk; the start of its keeper included),
twenty instances at a time and in turn, so that all see the same load. BenchExec is needed: `pip install benchexec`.
"""

import argparse
import importlib.util
import logging
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from page import load_average, machine, publish

from soundbench.claim import Claim
from soundbench.evaluate import run_jobs
from soundbench.execute import Job, TaskLimits
from soundbench.instance import Instance
from soundbench.keeper import Keeper
from soundbench.run import identify, open_run
from soundbench.suite import Suite
from soundbench.verifier import Task, Verifier

NETWORK_BYTES = 200_000
PROPERTY_BYTES = 5_000
GIBIBYTE = 1 << 30
ROUND = 20
SECONDS = 60


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


SHELL_RUNNER = """
echo no_result_in_file > "$1/out.txt"
start=$(date +%s.%N)
timeout --kill-after=1 60 /bin/sh -c 'echo unsat > "$1"' sh "$1/out.txt" > "$1/log.txt" 2>&1
code=$?
end=$(date +%s.%N)
seconds=$(awk "BEGIN { print $end - $start }")
if [ $code -ne 0 ]; then result=error_exit_code_$code; else result=$(head -n 1 "$1/out.txt"); fi
echo "overhead,a.onnx,a.vnnlib,0,$result,$seconds" >> "$1/results.csv"
"""


def measure(rounds: int) -> dict[str, list[float]]:
    """Seconds an instance, for each way to run it, averaged over each round."""
    verifier = AnswersAtOnce()
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root)
        (folder / "a.onnx").write_bytes(bytes(NETWORK_BYTES))
        (folder / "a.vnnlib").write_bytes(b" " * PROPERTY_BYTES)
        instance = Instance("a", folder / "a.onnx", folder / "a.vnnlib", float(SECONDS))
        suite = Suite(folder, "overhead", "1", (instance,), {}, "")

        def bare() -> None:
            for _ in range(ROUND):
                subprocess.run(command(folder / "result"), check=True)

        def shell() -> None:
            for _ in range(ROUND):
                subprocess.run(["/bin/bash", "-c", SHELL_RUNNER, "bash", str(folder)], check=True)

        def runexec() -> None:
            program = [sys.executable, "-m", "benchexec.runexecutor", "--quiet", "--no-container"]
            limits = ["--walltimelimit", str(SECONDS), "--memlimit", str(GIBIBYTE)]
            files = ["--dir", str(folder), "--output", str(folder / "output.log"), "--"]
            for _ in range(ROUND):
                said = subprocess.run(
                    [*program, *limits, *files, *command(folder / "runexec")],
                    check=True,
                    capture_output=True,
                    text=True,
                )
                require("returnvalue=0" in said.stdout.splitlines(), said.stderr)

        executor = run_executor()

        def run_executors() -> None:
            for _ in range(ROUND):
                ended = executor.execute_run(
                    command(folder / "RunExecutor"),
                    str(folder / "output.log"),
                    walltimelimit=SECONDS,
                    memlimit=GIBIBYTE,
                    workingDir=str(folder),
                )
                require(ended["exitcode"].value == 0, str(ended))

        with open_run(folder / "run", identify(suite, [verifier], None, None)) as run, Keeper() as keeper:

            def answer() -> None:
                for _ in range(ROUND):
                    verifier.answer(instance, memory_bytes=GIBIBYTE, keeper=keeper)

            def whole() -> None:
                jobs = [Job(verifier, instance)] * ROUND
                list(run_jobs(run, jobs, 1, TaskLimits(memory_bytes=GIBIBYTE)))

            ways = {
                "bare process": bare,
                "shell runner": shell,
                "runexec": runexec,
                "RunExecutor in one process": run_executors,
                "Verifier.answer": answer,
                "whole run": whole,
            }
            seconds = [[timed(way) / ROUND for way in ways.values()] for _ in range(rounds)]
            check(folder, [result.claim for result in run.results])
    return dict(zip(ways, map(list, zip(*seconds, strict=True)), strict=True))


def run_executor() -> Any:  # noqa: ANN401 (BenchExec has no types)
    """BenchExec's class; what it warns of at every run is left out."""
    from benchexec.runexecutor import RunExecutor

    logging.disable(logging.WARNING)
    return RunExecutor(use_namespaces=False)


def check(folder: Path, claims: Sequence[Claim]) -> None:
    """Make sure that what was measured has worked."""
    rows = (folder / "results.csv").read_text().splitlines()
    answers = {row.split(",")[4] for row in rows} | {
        (folder / name).read_text().strip() for name in ("result", "runexec", "RunExecutor")
    }
    require(answers == {"unsat"} and set(claims) == {Claim.VERIFIED}, "an answer is lost")


def require(has_worked: bool, problem: str) -> None:
    """End the measurement if something went wrong, so that its time means nothing."""
    if not has_worked:
        sys.exit(f"a runner has failed: {problem}")


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
    if importlib.util.find_spec("benchexec") is None:
        sys.exit("BenchExec is not installed; run: pip install benchexec")
    rounds = -(-parser.parse_args().instances // ROUND)
    load = load_average()
    body = (
        f"{table(measure(rounds))}\n\n{rounds} rounds of {ROUND} instances each, in turn. `runexec` is the program of "
        f"BenchExec {version('benchexec')}, started anew for\neach instance, and `RunExecutor` its class, which runs "
        f"all of them in one process; both without containers, with the\ncgroups of this machine. {machine(load)}"
    )
    publish("Harness overhead", "python benchmarks/harness_overhead.py", body)


if __name__ == "__main__":
    main()
