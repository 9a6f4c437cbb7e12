"""Tiny networks to attack, with a counterexample that is obvious, impossible, or hidden."""

from dataclasses import replace

import numpy as np
import torch
from small_networks import unsafe_set
from small_suite import BOXES, GROUND_TRUTH, small_suite

from soundbench.battery import battery
from soundbench.graph import Activation, Affine, Function, Graph
from soundbench.suite import Row, write_suite
from soundbench.targets import targets_of

CPU = torch.device("cpu")
# Light, but every attack is in it.
BATTERY = battery(4, 500, with_library=True)


def dense(name, source, matrix, bias):
    matrix = np.array(matrix, dtype=np.float64)
    return Affine(name, source, matrix, np.array(bias, dtype=np.float64), np.ones(len(matrix), dtype=np.int64))


def linear(matrix, bias=None):
    """Y = matrix @ X + bias."""
    matrix = np.array(matrix, dtype=np.float64)
    outputs, inputs = matrix.shape
    step = dense("y", "x", matrix, np.zeros(outputs) if bias is None else bias)
    return Graph("x", "y", (1, inputs), {"x": inputs, "y": outputs}, (step,))


def pyramid(center, radius):
    """Y = relu(1 - sum |x - center| / radius), flat but for a pyramid around the center."""
    count, eye, c = len(center), np.eye(len(center)), np.array(center)
    steps = (
        dense("sides", "x", np.vstack([eye, -eye]), np.concatenate([-c, c])),
        Activation("active", "sides", Function.RELU),
        dense("tip", "active", np.full((1, 2 * count), -1.0 / radius), [1.0]),
        Activation("y", "tip", Function.RELU),
    )
    sizes = {"x": count, "sides": 2 * count, "active": 2 * count, "tip": 1, "y": 1}
    return Graph("x", "y", (1, count), sizes, steps)


def box_of(count, lower, upper, *outputs, y=1):
    bounds = [f"(and (>= X_{index} {lower}) (<= X_{index} {upper}))" for index in range(count)]
    return unsafe_set(count, y, *bounds, *outputs)


def targets(graph, *properties, together=False):
    return targets_of(graph, [(f"i{n}", unsafe) for n, unsafe in enumerate(properties)], CPU, together=together)


def obvious_suite(root, **truth):
    """A suite of three instances, of which `armed` is violated at once; `truth` changes what is known of it."""
    small_suite(root)
    rows = [Row("network.onnx", f"{name}.vnnlib", 20.0) for name in BOXES]
    known = {**GROUND_TRUTH, "armed": replace(GROUND_TRUTH["armed"], **truth)}
    write_suite(root, rows, known, {"name": "obvious", "version": "1"})
    return root
