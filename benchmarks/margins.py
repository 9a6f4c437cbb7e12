"""What does the margin look like around a hidden counterexample? A picture, of the networks in trained suites.

    python benchmarks/margins.py SUITE [SUITE ...] [--out docs/margins.png]

Along segments from each witness to random points and corners of its box, the lead of the right logit is drawn over the
distance from the witness: the median of all segments, and from the smallest to the largest.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from soundbench.graph import Graph, evaluate_float64, read_graph
from soundbench.ground_truth import Role, Witness
from soundbench.instance import Property
from soundbench.suite import Suite, load_suite
from soundbench.vnnlib import read_property

SEGMENTS, STEPS = 200, 400
OUT = Path(__file__).parent.parent / "docs" / "margins.png"
Array = NDArray[np.float64]


def segments(unsafe: Property, witness: Witness, random: np.random.Generator) -> tuple[Array, Array]:
    """Points (segments * steps, inputs) from the witness outwards, and their distances from it in radii."""
    inputs = unsafe.regions[0].inputs
    lower, upper = (np.array([float(getattr(interval, side)) for interval in inputs]) for side in ("lower", "upper"))
    start = np.array([float(value) for value in witness.point])
    share = random.random((SEGMENTS, len(start)))
    share[SEGMENTS // 2 :] = share[SEGMENTS // 2 :].round()
    way = lower + share * (upper - lower) - start
    radius = (upper - lower).max() / 2
    length = np.linalg.norm(way, axis=1) / radius
    reach = np.minimum(1.0, length.min() / length)
    steps = np.linspace(0, 1, STEPS)
    points = start + steps[None, :, None] * (reach[:, None] * way)[:, None, :]
    return points.reshape(-1, len(start)), steps * length.min()


def margins(graph: Graph, unsafe: Property, points: Array) -> Array:
    """The lead of the right logit, (points,)."""
    (constraint,) = unsafe.regions[0].outputs
    outputs = evaluate_float64(graph, points)[graph.output]
    lead: Array = sum((float(factor) * outputs[:, index] for index, factor in constraint.terms), np.zeros(len(points)))
    return lead


def draw(axis: plt.Axes, suite: Suite, random: np.random.Generator) -> None:
    """One network's witnesses, a curve each."""
    for instance in suite.instances:
        truth = suite.ground_truth[instance.name]
        if truth.role is not Role.ARMED or truth.witness is None:
            continue
        unsafe = read_property(instance.vnnlib)
        points, distance = segments(unsafe, truth.witness, random)
        found = margins(read_graph(instance.onnx), unsafe, points).reshape(SEGMENTS, STEPS)
        (line,) = axis.plot(distance, np.median(found, axis=0), linewidth=1)
        axis.fill_between(distance, found.min(axis=0), found.max(axis=0), alpha=0.08, color=line.get_color())
    axis.axhline(0, color="black", linewidth=0.8)
    axis.set(title=suite.name, xlabel="distance from the witness, in radii of the box", ylabel="margin")


def main() -> None:
    """Draw, and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    random = np.random.default_rng(0)
    figure, axes = plt.subplots(1, len(arguments.suites), figsize=(5 * len(arguments.suites), 3.6), squeeze=False)
    for axis, folder in zip(axes[0], arguments.suites, strict=True):
        draw(axis, load_suite(folder), random)
    figure.tight_layout()
    figure.savefig(arguments.out, dpi=100)
    print(f"{arguments.out}: written")


if __name__ == "__main__":
    main()
