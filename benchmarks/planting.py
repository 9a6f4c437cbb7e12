"""How long does it take to plant? Every cell of the core recipe, and a network of the published size, on one core.

    taskset -c 0 python benchmarks/planting.py [--seeds 3]

Measured is `plant`: the base is trained, both networks of a pair are woven, written and read back, and every witness,
proof and hiding bound in them is certified. Failed attempts, which are repeated with fresh randomness, count.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx
from page import load_average, machine, markdown_table, publish
from soundbench.cli.generate import recipe_path

from soundbench.generate import one_thread, plans
from soundbench.plant import Plan, plant
from soundbench.recipe import Recipe, read_recipe

PUBLISHED = Path(__file__).with_name("published.toml")


@dataclass(frozen=True, slots=True)
class Measurement:
    """One call of `plant`: seconds, how many instances it made, and how many weights a network of it has."""

    wall_seconds: float
    cpu_seconds: float
    instances: int
    weights: int


def measure(plan: Plan, seed: Sequence[int]) -> Measurement:
    """Plant once, in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = time.perf_counter(), time.process_time()
        instances = plant(plan, seed, Path(folder))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return Measurement(wall, cpu, len(instances), weights_in(instances[0].onnx))


def weights_in(path: Path) -> int:
    """The number of weights and biases in a network."""
    total = 0
    for tensor in onnx.load(path).graph.initializer:
        count = 1
        for size in tensor.dims:
            count *= size
        total += count
    return total


def rows(recipe: Recipe, seeds: int) -> list[list[str]]:
    """A row for every cell: medians over its positions and the seeds."""
    table = []
    for cell in recipe.cells:
        own = [(index, plan) for index, plan in enumerate(plans(recipe)) if plan.cell is cell]
        found = [measure(plan, (seed, index)) for seed in range(seeds) for index, plan in own]
        wall, cpu = ([getattr(each, name) for each in found] for name in ("wall_seconds", "cpu_seconds"))
        kinds = ", ".join(dict.fromkeys(cell.twins))
        table.append(
            [
                f"{recipe.name}: {cell.name}",
                f"{len(cell.twins)} ({kinds})",
                f"{found[0].weights:,}",
                f"{statistics.median(wall):.1f}",
                f"{statistics.median(cpu):.1f}",
                f"{max(cpu):.1f}",
                str(len(found)),
            ]
        )
        print(*table[-1], sep="  ", flush=True)
    return table


def main() -> None:
    """Measure, print, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    seeds = parser.parse_args().seeds
    load = load_average()
    with one_thread():
        table = [row for path in (recipe_path("core"), PUBLISHED) for row in rows(read_recipe(path), seeds)]
    header = ["cell", "armed boxes", "weights", "median s", "median CPU s", "most CPU s", "measured"]
    body = (
        f"{markdown_table(header, table)}\n\n"
        "From nothing to certified: the base is trained, both networks of a pair are woven and written, and all their\n"
        "witnesses, proofs and hiding bounds are certified; failed attempts count.\n"
        f"One torch thread, seeds 0 to {seeds - 1}. {machine(load)}"
    )
    publish("Planting a pair of networks", "taskset -c 0 python benchmarks/planting.py", body)


if __name__ == "__main__":
    main()
