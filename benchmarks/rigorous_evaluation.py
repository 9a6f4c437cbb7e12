"""How long does it take to evaluate a network of 350,000 weights rigorously, at one point?

    taskset -c 0 python benchmarks/rigorous_evaluation.py [--repeats 5]

Measured is `soundbench.rigorous.evaluate`, and beside it the reading of the network from its file.
"""

import argparse
import itertools
import statistics
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
from page import load_average, machine, markdown_table, publish

from soundbench.architecture import Activate, Dense, Layer
from soundbench.export import save_onnx, to_onnx
from soundbench.graph import Function, read_graph
from soundbench.rigorous import evaluate

WIDTHS = (50, 500, 500, 150, 2)
WEIGHTS = sum(inputs * outputs for inputs, outputs in itertools.pairwise(WIDTHS))


def layers(function: Function, random: np.random.Generator) -> list[Layer]:
    """Dense layers with random weights and an activation function between them."""
    made: list[Layer] = []
    for number, (inputs, outputs) in enumerate(itertools.pairwise(WIDTHS)):
        if made:
            made.append(Activate(f"active{number}", function))
        weights = random.normal(0.0, inputs**-0.5, (outputs, inputs))
        made.append(Dense(f"dense{number}", weights, random.normal(0.0, 0.1, outputs)))
    return made


def measure(function: Function, repeats: int) -> list[str]:
    """A row: medians, and how tight the enclosure is."""
    random = np.random.default_rng(0)
    point = [Fraction(value) for value in random.uniform(-1, 1, WIDTHS[0]).astype(np.float32).tolist()]
    reading, evaluating, cpu = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "network.onnx")
        save_onnx(to_onnx(layers(function, random), (WIDTHS[0],), WIDTHS[-1]), path)
        for _ in range(repeats):
            started = time.perf_counter()
            graph = read_graph(path)
            reading.append(time.perf_counter() - started)
            started, used = time.perf_counter(), time.process_time()
            outputs = evaluate(graph, point)
            evaluating.append(time.perf_counter() - started)
            cpu.append(time.process_time() - used)
    widest = max(float(upper - lower) for lower, upper in outputs)
    medians = (f"{statistics.median(values):.2f}" for values in (evaluating, cpu, reading))
    return [str(function), f"{WEIGHTS:,}", *medians, f"{widest:.0e}"]


def main() -> None:
    """Measure, print, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    load = load_average()
    header = ["network", "weights", "evaluate, median s", "median CPU s", "read the file, median s", "widest enclosure"]
    table = markdown_table(header, [measure(function, repeats) for function in Function])
    shape = "-".join(map(str, WIDTHS))
    body = f"{table}\n\nDense layers {shape} with random weights, {repeats} repeats. {machine(load)}"
    publish("Rigorous evaluation of a larger network", "taskset -c 0 python benchmarks/rigorous_evaluation.py", body)


if __name__ == "__main__":
    main()
