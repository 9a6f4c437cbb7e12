"""Who attacks a network: projected gradient descent, which shows that planted counterexamples are hidden.

The method is PGD (Madry et al. 2018, Towards deep learning models resistant to adversarial attacks) with uniform
starts; it descends the largest excess over a region's constraints, which is positive until all are satisfied, and
halves steps that fail (Croce and Hein 2020, Reliable evaluation of adversarial robustness).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from soundbench.graph import (
    Activation,
    Affine,
    Array,
    Elementary,
    Elementwise,
    Function,
    Graph,
    Indices,
    Maximum,
    Pieces,
    Product,
    Selection,
    Softmax,
    Step,
    Sum,
    evaluate_float64,
)
from soundbench.instance import Interval, Property, Region

if TYPE_CHECKING:
    from torch import Generator, Tensor, device, dtype

# Restarts begin with these shares of the largest step in turn: long steps cross the box, short ones keep to a slope.
STEP_SIZES = (1.0, 0.25, 0.0625, 0.015625)


@dataclass(frozen=True, slots=True, eq=False)
class AttackResult:
    """The best point that an attack reached.

    `margin` is by how much `point` (inputs,) violates the property in float64: the smallest shortfall below the
    thresholds of a region's constraints, negative where one is missed, -inf if no point could be tried. `found` says
    that the point lies in the region's box, exactly, and its float64 outputs in the unsafe set. `queries` counts the
    points at which the attack saw value and gradient.
    """

    margin: float
    point: Array
    queries: int
    found: bool


def attack(graph: Graph, unsafe: Property, *, steps: int, restarts: int, step_share: float, seed: int) -> AttackResult:
    """Search every region for a counterexample; stop at the first region that has one.

    Each of `restarts` uniform starts a region takes `steps` sign-gradient steps of at most `step_share` times the
    box's width, halved whenever one leads to nothing better; all in float64. The result depends on the arguments only.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    best = AttackResult(-math.inf, np.zeros(graph.input_count), 0, found=False)
    queries = 0
    for region in unsafe.regions:
        lower, upper = representable_box(region.inputs)
        if (lower > upper).any():
            continue
        descent = Descent(lower, upper, steps, restarts, step_share)
        points = descend(graph, region, descent, generator)
        queries += restarts * (steps + 1)
        candidate = judged(graph, region, points)
        if candidate.margin > best.margin or candidate.found:
            best = candidate
        if best.found:
            break
    return AttackResult(best.margin, best.point, queries, best.found)


@dataclass(frozen=True, slots=True, eq=False)
class Descent:
    """A box to descend in, float64 bounds of shape (inputs,), and how."""

    lower: Array
    upper: Array
    steps: int
    restarts: int
    step_share: float


def descend(graph: Graph, region: Region, descent: Descent, generator: "Generator") -> Array:
    """The point of every restart at which the excess was smallest, shape (restarts, inputs)."""
    import torch

    network = network_in_torch(graph)
    excess = excess_in_torch(region, graph.output_count)
    lower, upper = torch.from_numpy(descent.lower), torch.from_numpy(descent.upper)
    width = upper - lower
    sizes = torch.tensor(STEP_SIZES, dtype=torch.float64).repeat(descent.restarts)[: descent.restarts]
    step = descent.step_share * sizes[:, None] * width
    start = torch.rand((descent.restarts, len(width)), generator=generator, dtype=torch.float64)
    points = lower + start * width
    best_points, best = points, torch.full((descent.restarts,), torch.inf, dtype=torch.float64)
    direction = torch.zeros_like(points)
    for _ in range(descent.steps + 1):
        points = points.clamp(lower, upper).requires_grad_()
        reached = excess(network(points))
        (gradient,) = torch.autograd.grad(reached.sum(), points)
        better = (reached < best).detach()
        best = torch.where(better, reached.detach(), best)
        best_points = torch.where(better[:, None], points.detach(), best_points)
        direction = torch.where(better[:, None], gradient.sign(), direction)
        # A step that leads to nothing better is taken back and halved.
        step = torch.where(better[:, None], step, 0.5 * step)
        points = best_points - step * direction
    found: Array = best_points.numpy()
    return found


def network_in_torch(graph: Graph) -> "Callable[[Tensor], Tensor]":
    """The network as a function of a float64 batch, (points, inputs) -> (points, outputs)."""
    import torch

    tensors = tensors_in_torch(graph, torch.float64, torch.device("cpu"))
    return lambda points: tensors(points)[graph.output]


def tensors_in_torch(
    graph: Graph,
    dtype: "dtype",
    device: "device",
    replaced: "Mapping[Elementwise, Callable[[Tensor], Tensor]] | None" = None,
) -> "Callable[[Tensor], dict[str, Tensor]]":
    """Every tensor of the network as a function of a batch of that type there: (points, inputs) -> (points, size).

    `replaced` gives other functions for activations, such as ones with other gradients.
    """
    import torch

    used = {step.function for step in graph.steps if isinstance(step, Activation)}
    functions = {function: function_in_torch(function) for function in used} | dict(replaced or {})
    constants = {step.output: [tensor_of(array, dtype, device) for array in arrays_of(step)] for step in graph.steps}

    def forward(points: "Tensor") -> "dict[str, Tensor]":
        values = {graph.input: points}
        for step in graph.steps:
            match step:
                case Affine():
                    matrix, bias = constants[step.output]
                    values[step.output] = torch.addmm(bias, values[step.input], matrix.T)
                case Sum():
                    (bias,) = constants[step.output]
                    values[step.output] = sum((values[name] for name in step.inputs), start=bias)
                case Activation():
                    values[step.output] = functions[step.function](values[step.input])
                case Selection():
                    (order,) = constants[step.output]
                    values[step.output] = torch.hstack([values[name] for name in step.inputs])[:, order]
                case Maximum():
                    (groups,) = constants[step.output]
                    values[step.output] = values[step.input][:, groups].amax(dim=2)
                case Product():
                    left = values[step.left].reshape(-1, *step.left_shape)
                    values[step.output] = (left @ values[step.right].reshape(-1, *step.right_shape)).flatten(1)
                case Softmax():
                    runs = values[step.input].reshape(len(points), -1, step.length)
                    values[step.output] = torch.softmax(runs, dim=2).flatten(1)
        return values

    return forward


def function_in_torch(function: Elementwise) -> "Callable[[Tensor], Tensor]":
    """A function of one number in torch."""
    import torch

    match function:
        case Function.RELU:
            return torch.relu
        case Function.TANH:
            return torch.tanh
        case Function.SIGMOID:
            return torch.sigmoid
        case Elementary.EXP:
            return torch.exp
        case Elementary.SIGN:
            return torch.sign
        case Elementary.SQUARE:
            return torch.square
        case Pieces():
            return partial(pieces_in_torch, function)


def pieces_in_torch(function: Pieces, values: "Tensor") -> "Tensor":
    """A function of straight pieces in torch, any shape."""
    import torch

    found = torch.full_like(values, torch.nan)
    for left, _, slope, constant in function.ranges():
        found = torch.where(values >= left, slope * values if slope else constant, found)
    return found


def tensor_of(array: "Array | Indices", dtype: "dtype", device: "device") -> "Tensor":
    """Numbers as that type, indices as they are."""
    import torch

    tensor = torch.from_numpy(np.array(array)).to(device)
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


def arrays_of(step: Step) -> tuple[Array | Indices, ...]:
    """The constant numbers of a step."""
    match step:
        case Affine():
            return step.matrix, step.bias
        case Sum():
            return (step.bias,)
        case Selection():
            return (step.order,)
        case Maximum():
            return (step.groups,)
        case Activation() | Product() | Softmax():
            return ()


def excess_in_torch(region: Region, output_count: int) -> "Callable[[Tensor], Tensor]":
    """By how much the outputs miss the region's constraints, (points, outputs) -> (points,): the largest miss."""
    import torch

    rows, bounds = np.zeros((len(region.outputs), output_count)), np.zeros(len(region.outputs))
    for row, constraint in enumerate(region.outputs):
        bounds[row] = float(constraint.bound)
        for index, factor in constraint.terms:
            rows[row, index] = float(factor)
    matrix, thresholds = torch.from_numpy(rows), torch.from_numpy(bounds)

    def excess(outputs: "Tensor") -> "Tensor":
        return (outputs @ matrix.T - thresholds).amax(dim=1)

    return excess


def judged(graph: Graph, region: Region, points: Array) -> AttackResult:
    """The best of the points (points, inputs) by its exact float64 outputs; `queries` is left at zero."""
    outputs = evaluate_float64(graph, points)[graph.output]
    rows = [[Fraction(value) for value in row] for row in outputs.tolist()]
    margins = [min(-constraint.excess(row) for constraint in region.outputs) for row in rows]
    index = max(range(len(margins)), key=margins.__getitem__)
    point = [Fraction(value) for value in points[index].tolist()]
    found = region.contains_input(point) and all(each.is_satisfied(rows[index]) for each in region.outputs)
    return AttackResult(float(margins[index]), points[index], 0, found)


def representable_box(inputs: Sequence[Interval]) -> tuple[Array, Array]:
    """The smallest and the largest float64 point in a box, shape (inputs,) each; crossed where it has none."""
    lower = [above(interval.lower, is_open=interval.lower_open) for interval in inputs]
    upper = [-above(-interval.upper, is_open=interval.upper_open) for interval in inputs]
    return np.array(lower), np.array(upper)


def above(value: Fraction, *, is_open: bool) -> float:
    """The smallest float64 that is at least `value`, or greater than it if the end is open."""
    nearest = float(value)
    if Fraction(nearest) < value or (is_open and Fraction(nearest) == value):
        return math.nextafter(nearest, math.inf)
    return nearest
