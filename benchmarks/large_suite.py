"""How soon does a run of a suite of 10,000 instances start, or go on, and how much memory does the harness take?

    python benchmarks/large_suite.py [--instances 10000] [--repeats 5]

A suite of small networks, each in a file of its own, is generated. `soundbench evaluate` runs a verifier on it that
answers at once and leaves the time at which it was started: once from the beginning, stopped after its first task;
then again from half of the results; once to the end; and once more when there is nothing left to run.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from page import load_average, machine, markdown_table, publish

from soundbench.ground_truth import Expected, GroundTruth, Role
from soundbench.suite import Row, write_suite

INPUTS, OUTPUTS = 5, 2
VERIFIER = """
from soundbench.verifier import Task, Verifier

SCRIPT = 'date +%s.%N >> "$2"; echo unsat > "$1"'


class AnswersAtOnce(Verifier):
    name = "answers-at-once"

    def command(self, task: Task) -> list[str]:
        return ["/bin/sh", "-c", SCRIPT, "sh", str(task.result), {starts!r}]
"""
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds to the first task (or the end), wall-clock and the harness's own CPU, and its peak of memory in MB."""

    wall: float
    cpu: float
    megabytes: float


def generate(root: Path, count: int) -> None:
    """A suite of small ReLU networks with positive weights, whose first output is never below -1."""
    for name in ("onnx", "vnnlib"):
        (root / name).mkdir(parents=True)
    declared = [f"(declare-const X_{index} Real)" for index in range(INPUTS)]
    declared += [f"(declare-const Y_{index} Real)" for index in range(OUTPUTS)]
    box = [f"(assert (>= X_{index} 0.0))\n(assert (<= X_{index} 1.0))" for index in range(INPUTS)]
    text = "\n".join([*declared, *box, "(assert (<= Y_0 -1.0))\n"])
    random, rows, truth = np.random.default_rng(0), [], {}
    for number in range(count):
        row = Row(f"onnx/{number}.onnx", f"vnnlib/{number}.vnnlib", 10.0)
        onnx.save(network(random), root / row.onnx)
        (root / row.vnnlib).write_text(text)
        rows.append(row)
        truth[row.name] = GroundTruth(Expected.HOLDS, "large", "large", Role.CLEAN)
    write_suite(root, rows, truth, {"name": "large", "version": "1"})


def network(random: np.random.Generator) -> onnx.ModelProto:
    """Y = relu(X W)."""
    weights = numpy_helper.from_array(random.random((INPUTS, OUTPUTS)).astype(np.float32), "W")
    nodes = [helper.make_node("MatMul", ["X", "W"], ["H"]), helper.make_node("Relu", ["H"], ["Y"])]
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size])]
        for name, size in (("X", INPUTS), ("Y", OUTPUTS))
    ]
    graph = helper.make_graph(nodes, "large", *ends, [weights])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


class Start:
    """A run of the command line, in a process of its own."""

    def __init__(self, folder: Path, out: str) -> None:
        self._starts = folder / "starts"
        self._starts.unlink(missing_ok=True)
        self._results = folder / out / "results.jsonl"
        program = [sys.executable, "-P", "-c", "from soundbench.cli import main; main()"]
        words = ["evaluate", "large:AnswersAtOnce", "--suite", "suite", "--out", out, "--min-exercised", "0"]
        self._began = time.time()
        with (folder / "output").open("wb") as output:
            self._process = subprocess.Popen([*program, *words], cwd=folder, stdout=output, stderr=output)

    def until_first_task(self) -> Took:
        """Wait until a task has started."""
        while not (self._starts.exists() and "\n" in (text := self._starts.read_text())):
            if self._process.poll() is not None:
                sys.exit("the run ended before its first task, so its time means nothing")
            time.sleep(0.01)
        process = Path("/proc", str(self._process.pid))
        fields = (process / "stat").read_text().rpartition(")")[2].split()
        peak = next(line for line in (process / "status").read_text().splitlines() if line.startswith("VmHWM"))
        first = float(text.split()[0])
        return Took(first - self._began, sum(map(int, fields[11:13])) / CLOCK_TICKS, int(peak.split()[1]) / 1000)

    def until(self, results: int) -> None:
        """Wait until there are so many results."""
        while not self._results.exists() or self._results.read_bytes().count(b"\n") < results:
            time.sleep(0.2)

    def stop(self) -> None:
        """Stop it as Ctrl-C does, to which a job in the background may be deaf."""
        self._process.send_signal(signal.SIGTERM)
        if self._process.wait() != 130:
            sys.exit("the run could not be stopped, so its time means nothing")

    def until_end(self) -> Took:
        """Wait until it is over."""
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        if self._process.returncode != 0:
            sys.exit("the run failed, so its time means nothing")
        return Took(time.time() - self._began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000)


def measure(folder: Path, count: int, repeats: int) -> dict[str, list[Took]]:
    """What each kind of start took."""
    generate(folder / "suite", count)
    (folder / "large.py").write_text(VERIFIER.format(starts=str(folder / "starts")))
    took: dict[str, list[Took]] = {"a new run, to its first task": [], "half of a run, to its next task": []}
    for number in range(repeats):
        start = Start(folder, f"new-{number}")
        took["a new run, to its first task"].append(start.until_first_task())
        start.stop()
    start = Start(folder, "run")
    start.until(count // 2)
    start.stop()
    for _ in range(repeats):
        start = Start(folder, "run")
        took["half of a run, to its next task"].append(start.until_first_task())
        start.stop()
    took["the other half, to the end"] = [Start(folder, "run").until_end()]
    took["a complete run, its report"] = [Start(folder, "run").until_end() for _ in range(repeats)]
    return took


def main() -> None:
    """Measure, print, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instances", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=5)
    given, load = parser.parse_args(), load_average()
    with tempfile.TemporaryDirectory() as folder:
        took = measure(Path(folder), given.instances, given.repeats)
    rows = [
        [
            name,
            *(f"{statistics.median(getattr(each, field) for each in values):.2f}" for field in ("wall", "cpu")),
            f"{max(each.megabytes for each in values):.0f}",
        ]
        for name, values in took.items()
    ]
    table = markdown_table(["", "s", "CPU s", "MB at most"], rows)
    body = (
        f"{table}\n\n{given.instances:,} instances, each with a network of its own; medians of {given.repeats}, where a"
        f" start could be repeated. CPU seconds to the end are of all processes. {machine(load)}"
    )
    publish("A suite of 10,000 instances", "python benchmarks/large_suite.py", body)


if __name__ == "__main__":
    main()
