"""Whether bounds hold: at random points of a box, at its corners, and where searches end; in exact arithmetic."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from flint import ctx
from random_networks import Layer

from soundbench.bounds import TensorBounds, bound_tensors, interval_tensors, lower_bound
from soundbench.graph import Activation, Graph, evaluate_float64
from soundbench.rigorous import PRECISION_BITS, evaluate_tensors, exact

Array = Any
METHODS = [bound_tensors, interval_tensors]
LARGE = Fraction(10) ** 10_000
ROWS = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0], [1.0, -1.0], [-0.3, 0.7]])


def gemm(*rows: Sequence[float], bias: Sequence[float] | None = None) -> Layer:
    """A layer with one row of weights an output."""
    matrix = np.array(rows, dtype=np.float32)
    operands = (None, matrix) if bias is None else (None, matrix, np.array(bias, dtype=np.float32))
    return Layer("Gemm", operands, {"transB": 1})


def random_box(random: np.random.Generator, size: int) -> tuple[Array, Array]:
    """A box of any width, some dimensions without any."""
    middle = random.uniform(-2, 2, size)
    half = 10 ** random.uniform(-6, 0.5, size) * (random.random(size) < 0.85)
    return middle - half, middle + half


def random_slopes(random: np.random.Generator, graph: Graph) -> dict[str, str]:
    """A slope for every neuron of some activations."""
    return {
        step.output: "".join(random.choice(list("01a"), graph.sizes[step.output]))
        for step in graph.steps
        if isinstance(step, Activation) and random.random() < 0.8
    }


def points_of(random: np.random.Generator, graph: Graph, lower: Array, upper: Array) -> Iterator[tuple[Fraction, ...]]:
    """Random points and corners of a box, and the ends of local searches from a corner, one for each row of ROWS."""
    size = len(lower)
    starts = [random.uniform(lower, upper), random.uniform(lower, upper), lower, upper]
    starts += [np.where(random.random(size) < 0.5, lower, upper) for _ in range(2)]
    for start in starts:
        yield tuple(map(Fraction, np.clip(start, lower, upper).tolist()))
    for row in ROWS:
        best = starts[-1]
        for dimension in random.permutation(size)[:6]:
            tried = np.repeat(best[None], 5, axis=0)
            tried[:, dimension] = np.linspace(lower[dimension], upper[dimension], 5)
            best = tried[np.argmin(evaluate_float64(graph, tried)[graph.output] @ row)]
        yield tuple(map(Fraction, np.clip(best, lower, upper).tolist()))


def enclosures(graph: Graph, point: Sequence[Fraction]) -> dict[str, list[tuple[Fraction, Fraction]]]:
    """Proven bounds of every tensor's real values at a point."""
    with ctx.workprec(4 * PRECISION_BITS):
        balls = evaluate_tensors(graph, point)
        # What is not known at a point contradicts no bound.
        return {
            name: [(exact(ball.lower()), exact(ball.upper())) if ball.is_finite() else (-LARGE, LARGE) for ball in each]
            for name, each in balls.items()
        }


def is_below(bound: float, value: Fraction) -> bool:
    """Whether a lower bound is at most an exact value; one that is NaN or plus infinity is not."""
    return bound == -np.inf or (np.isfinite(bound) and Fraction(bound) <= value)


def assert_bounds_hold(
    graph: Graph, known: TensorBounds, rows: Array, found: Array, points: Sequence[tuple[Fraction, ...]]
) -> None:
    """Every tensor's bounds and the bounds of `rows @ output` hold at every point."""
    for point in points:
        real = enclosures(graph, point)
        for name, balls in real.items():
            for (low, high), least, most in zip(
                balls, known.lower[name].tolist(), known.upper[name].tolist(), strict=True
            ):
                assert is_below(least, high), name
                assert is_below(-most, -low), name
        for row, bound in zip(rows.tolist(), found.tolist(), strict=True):
            terms = zip(row, real[graph.output], strict=True)
            assert is_below(bound, sum(Fraction(factor) * ball[factor > 0] for factor, ball in terms))


def check_box(graph: Graph, lower: Array, upper: Array, points: Sequence[tuple[Fraction, ...]]) -> None:
    """Bounds of a network of one output, both ways and by both methods."""
    rows = np.array([[1.0], [-1.0]])
    for method in METHODS:
        known = method(graph, lower, upper, {})
        found = lower_bound(graph, graph.output, rows, known)
        assert_bounds_hold(graph, known, rows, found, points)
