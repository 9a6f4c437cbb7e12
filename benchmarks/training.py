"""How soon does each way of training hide counterexamples? The same networks and boxes by both, for as long.

    python benchmarks/training.py [--minutes 30] [--models PATTERN ...] [--methods moat paper] [--device cpu]

Each training gets one thread and so many minutes, of CPU time on the CPU and of wall-clock time elsewhere, unless its
last step comes sooner. Then its network is attacked by the published grid with 75 restarts: a counterexample is hidden
if the box's centre is classified rightly, the planted point wrongly, and no attack finds another. Attacks that are not
part of a step of training are not counted as training.
"""

import argparse
import multiprocessing
import shlex
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import torch
from page import load_average, machine, markdown_table, publish
from soundbench.cli.generate import recipe_path

from soundbench.collection import chosen_models
from soundbench.generate import one_thread
from soundbench.pgd import PUBLISHED_GRID
from soundbench.trained_recipe import METHODS, Model, read_trained_recipe
from soundbench.trained_suite import TrainedSource
from soundbench.training import advance, is_planted, problem_of, start, withstood

RESTARTS, SEED = 75, 0
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Measurement:
    """A training: how many steps of how many it made, in how many seconds, and how many of `armed` are hidden."""

    model: str
    method: str
    made: int
    steps: int
    seconds: float
    hidden: int
    armed: int


def measure(source: TrainedSource, model: Model, minutes: float, device_name: str) -> Measurement:
    """Train for so long, or to the end; then attack."""
    device = torch.device(device_name)
    clock: Clock = time.process_time if device.type == "cpu" else time.perf_counter
    problem, network = problem_of(source.dataset_of(model), model.input_shape, device), source.network_of(model)
    with one_thread():
        began = clock()
        training = start(network, model.method, problem, source.seed_of(model, "training"))
        while training.step < model.method.steps and clock() - began < 60 * minutes:
            advance(training, model.method, problem)
        seconds = clock() - began
        trained = model.method.finish(training.network.eval(), network).eval()
        hidden = is_planted(trained, problem) & withstood(trained, problem, RESTARTS, SEED, PUBLISHED_GRID)
    made, steps = training.step, model.method.steps
    return Measurement(model.name, source.method, made, steps, seconds, int(hidden.sum()), problem.armed)


def row(found: Measurement) -> list[str]:
    """A row of the table."""
    return [
        found.model,
        found.method,
        f"{found.made:,} of {found.steps:,}",
        f"{found.seconds / found.made:.3f}",
        f"{found.seconds / 60:.1f}",
        f"{found.hidden} of {found.armed}",
        f"{found.hidden / (found.seconds / 60):.2f}",
    ]


def main() -> None:
    """Measure, print, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--models", nargs="+", default=["cnn_1_conv_ch1_eps0.2", "mlp_4_hidden_eps0.2"])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--device", default="cpu", help="on any other, one training at a time")
    given = parser.parse_args()
    jobs = 2 if given.device == "cpu" else 1
    load = load_average()
    paper = recipe_path("paper")
    sources = [TrainedSource(read_trained_recipe(paper, method), "", method, SEED) for method in given.methods]
    tasks = [(source, model) for source in sources for model in chosen_models(source.recipe.models, given.models)]
    call = partial(measure, minutes=given.minutes, device_name=given.device)
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = sorted(pool.map(call, *zip(*tasks, strict=True)), key=lambda each: (each.model, each.method))
    clock = "CPU" if given.device == "cpu" else "wall-clock"
    header = ["model", "method", "steps", "s a step", f"{clock} minutes", "hidden", "hidden a minute"]
    where = "" if given.device == "cpu" else f" The device was {torch.cuda.get_device_name(given.device)}."
    body = (
        f"{markdown_table(header, [row(each) for each in found])}\n\n"
        f"A training ended after its last step or {given.minutes:g} {clock} minutes, on one thread, {jobs} at a "
        f"time; a step of\n`paper` is an epoch. Hidden by the published grid with {RESTARTS} restarts; seed {SEED}.\n"
        f"{machine(load)}{where}"
    )
    title = f"Training to hide: {' and '.join(given.methods)}, {given.minutes:g} minutes on {given.device}"
    publish(title, shlex.join(["python", "benchmarks/training.py", *sys.argv[1:]]), body)


if __name__ == "__main__":
    main()
