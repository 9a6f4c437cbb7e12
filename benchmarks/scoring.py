"""How fast are results judged that were made elsewhere?

    python benchmarks/scoring.py [--rows 10000]

Verifiers that claim a counterexample of every instance: `judge_results` reads each counterexample, gzipped as VNN-COMP
keeps them, replays it in ONNX Runtime and in rigorous arithmetic, and judges it. Networks are dense, 10-20-20-2.
"""

import argparse
import csv
import gzip
import json
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
from page import load_average, machine, markdown_table, publish

from soundbench.architecture import Activate, Dense
from soundbench.counterexample import format_counterexample
from soundbench.export import save_onnx, to_onnx
from soundbench.found_results import find_results
from soundbench.graph import Function
from soundbench.import_suite import import_suite, origin_of
from soundbench.instance import Constraint, Interval, Property, Region
from soundbench.places import places_of
from soundbench.score import judge_results
from soundbench.suite import Suite, load_suite
from soundbench.vnnlib_writing import format_property

WIDTHS = (10, 20, 20, 2)
NETWORKS, VERIFIERS = 10, 10


def write_benchmark(folder: Path, instances: int) -> None:
    """Networks with random weights, each with so many random boxes, in VNN-COMP's form."""
    random = np.random.default_rng(0)
    (folder / "onnx").mkdir(parents=True)
    (folder / "vnnlib").mkdir()
    lines = []
    for number in range(NETWORKS):
        layers: list[Dense | Activate] = []
        for place in range(len(WIDTHS) - 1):
            weights = random.normal(0.0, WIDTHS[place] ** -0.5, (WIDTHS[place + 1], WIDTHS[place]))
            layers.append(Dense(f"dense{place}", weights, random.normal(0.0, 0.1, WIDTHS[place + 1])))
            layers.append(Activate(f"active{place}", Function.RELU))
        save_onnx(to_onnx(layers[:-1], (WIDTHS[0],), WIDTHS[-1]), folder / "onnx" / f"net{number}.onnx")
        for index in range(instances):
            name = f"vnnlib/p{number}_{index}.vnnlib"
            centre = [Fraction(float(np.float32(x))) for x in random.uniform(-1, 1, WIDTHS[0])]
            box = tuple(Interval(x - Fraction(1, 8), x + Fraction(1, 8)) for x in centre)
            unsafe = Property(WIDTHS[0], WIDTHS[-1], (Region(box, (Constraint(((0, Fraction(1)),), Fraction(10)),)),))
            (folder / name).write_text(format_property(unsafe))
            lines.append(f"onnx/net{number}.onnx,{name},100\n")
    (folder / "instances.csv").write_text("".join(lines))


def write_results(suite: Suite, folder: Path, seed: int) -> Path:
    """A verifier's table, with a counterexample of every instance beside it."""
    from soundbench.vnnlib import read_property

    random = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    rows = []
    for instance in suite.instances:
        box = read_property(instance.vnnlib).regions[0].inputs
        shares = random.uniform(0.1, 0.9, len(box))
        point = [
            Fraction(float(np.float32(float(each.lower) + share * float(each.upper - each.lower))))
            for each, share in zip(box, shares, strict=True)
        ]
        text = format_counterexample(point, [0.5, 0.5])
        name = f"{instance.onnx.stem}_{instance.name}.counterexample.gz"
        (folder / name).write_bytes(gzip.compress(text.encode()))
        files = [f"/elsewhere/onnx/{instance.onnx.name}", f"/elsewhere/vnnlib/{instance.vnnlib.name}"]
        rows.append(["bench", *files, "0.1", "sat", "1.0"])
    with (folder / "results.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder


def measure(rows: int) -> list[list[str]]:
    """A row of the table: what was judged, and how long it took."""
    instances = rows // (NETWORKS * VERIFIERS)
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root)
        write_benchmark(folder / "bench", instances)
        import_suite(folder / "bench", folder / "suite", origin_of(folder / "bench"), None, lambda _: None)
        suite = load_suite(folder / "suite")
        tables = [write_results(suite, folder / f"tool{number}", number) for number in range(VERIFIERS)]
        started, used = time.perf_counter(), time.process_time()
        places = places_of(suite)
        found = [find_results(str(table), places) for table in tables]
        read = time.perf_counter() - started
        judged = judge_results(suite, found, lambda _: None).judged
        seconds, cpu = time.perf_counter() - started, time.process_time() - used
    counts = json.dumps({each.judgement.remark: 0 for each in judged})
    if len(judged) != rows or counts != json.dumps({"new-witness": 0}):
        sys.exit("not every counterexample was replayed, so its time means nothing")
    numbers = [f"{rows:,}", str(NETWORKS), str(VERIFIERS), f"{read:.1f}", f"{seconds:.1f}", f"{cpu:.1f}"]
    return [[*numbers, f"{rows / seconds:,.0f}", f"{rows / cpu:,.0f}"]]


def main() -> None:
    """Measure, print, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    rows = parser.parse_args().rows
    load = load_average()
    header = ["rows", "networks", "verifiers", "tables read, s", "all judged, s", "CPU s", "rows a s", "rows a CPU s"]
    table = markdown_table(header, measure(rows))
    shape = "-".join(map(str, WIDTHS))
    body = f"{table}\n\nEvery row has a counterexample that replays; networks are {shape}, ReLU. {machine(load)}"
    publish("Scoring results made elsewhere", "python benchmarks/scoring.py", body)


if __name__ == "__main__":
    main()
