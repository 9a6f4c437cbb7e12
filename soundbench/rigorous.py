"""A network's value at one point in ball arithmetic: proven enclosures of every tensor over the real numbers.

Weights are the exact reals that their floats denote. Arithmetic: python-flint's `arb` (Johansson 2017, Arb:
efficient arbitrary-precision midpoint-radius interval arithmetic).
"""

import functools
from collections.abc import Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from flint import arb, arb_mat, ctx, fmpq

from soundbench.errors import InputError
from soundbench.graph import (
    Activation,
    Affine,
    Array,
    Elementary,
    Elementwise,
    Function,
    Graph,
    Maximum,
    Pieces,
    Product,
    Selection,
    Softmax,
    Sum,
)

PRECISION_BITS = 160
# The exponential of more than that, or its reciprocal, would fill memory as an exact number.
LARGEST_EXPONENT = 1e5
# How many numbers of a network's matrices are kept as balls, which take ten times their memory.
MOST_KEPT = 1_000_000

Balls = list[Any]


def evaluate(
    graph: Graph, point: Sequence[Fraction], matrices: Mapping[str, Any] = MappingProxyType({})
) -> tuple[tuple[Fraction, Fraction], ...]:
    """Proven lower and upper bound of every output at `point` (shape (inputs,), exact values).

    `matrices` are those of affine steps where the caller has them already: see `affine_matrices`.
    """
    with ctx.workprec(PRECISION_BITS):
        balls = evaluate_tensors(graph, point, matrices)[graph.output]
        return tuple((exact(ball.lower()), exact(ball.upper())) for ball in balls)


def affine_matrices(graph: Graph) -> Mapping[str, Any]:
    """The matrices of a network's affine steps, by output, to be used at many points; none if they take much memory."""
    steps = [step for step in graph.steps if isinstance(step, Affine)]
    if sum(step.matrix.size for step in steps) > MOST_KEPT:
        return {}
    return {step.output: matrix_of_balls(step.matrix, step.matrix_radius) for step in steps}


def evaluate_tensors(
    graph: Graph, point: Sequence[Fraction], matrices: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Balls]:
    """Enclosures (`arb`) of every tensor at `point`, at the precision in force."""
    values: dict[str, Balls] = {graph.input: [arb(fmpq(x.numerator, x.denominator)) for x in point]}
    for step in graph.steps:
        match step:
            case Affine():
                column = arb_mat(len(values[step.input]), 1, values[step.input])
                matrix = matrices.get(step.output)
                if matrix is None:
                    matrix = matrix_of_balls(step.matrix, step.matrix_radius)
                product = matrix * column
                shift = list_of_balls(step.bias, step.bias_radius)
                values[step.output] = [product[row, 0] + ball for row, ball in enumerate(shift)]
            case Sum():
                columns = zip(step.bias.tolist(), *(values[name] for name in step.inputs), strict=True)
                values[step.output] = [sum(terms, start=arb(bias)) for bias, *terms in columns]
            case Activation():
                values[step.output] = [apply(step.function, ball) for ball in values[step.input]]
            case Selection():
                joined = [ball for name in step.inputs for ball in values[name]]
                values[step.output] = [joined[index] for index in step.order.tolist()]
            case Maximum():
                source = values[step.input]
                values[step.output] = [
                    functools.reduce(larger, (source[index] for index in group)) for group in step.groups.tolist()
                ]
            case Product():
                values[step.output] = multiply(step, values[step.left], values[step.right])
            case Softmax():
                runs = range(0, len(values[step.input]), step.length)
                values[step.output] = [
                    ball for first in runs for ball in softmax(values[step.input][first : first + step.length])
                ]
    return values


def multiply(step: Product, left: Balls, right: Balls) -> Balls:
    """Products of matrices of balls, one by one."""
    _, rows, inner, columns = step.shape
    pairs = zip(matrices(left, rows, inner), matrices(right, inner, columns), strict=True)
    return [ball for first, second in pairs for ball in (first * second).entries()]


def matrices(balls: Balls, rows: int, columns: int) -> Balls:
    """The matrices that lie one after another in a flat list of balls."""
    size = rows * columns
    return [arb_mat(rows, columns, balls[first : first + size]) for first in range(0, len(balls), size)]


def softmax(run: Balls) -> Balls:
    """The hulls of softmax at the ends of the balls: an element grows with its own input and falls with the others."""
    largest = max(run, key=lambda ball: float(ball.mid())).mid()
    lows = [(ball.lower() - largest).exp() for ball in run]
    highs = [(ball.upper() - largest).exp() for ball in run]
    return [hull(share(lows, highs, index), share(highs, lows, index)) for index in range(len(run))]


def share(own: Balls, others: Balls, index: int) -> Any:  # noqa: ANN401
    """The part that one of `own` has in the sum of it and the rest of `others`."""
    return own[index] / sum(others[:index] + others[index + 1 :], start=own[index])


def hull(low: Any, high: Any) -> Any:  # noqa: ANN401
    """A ball around two parts of a whole; all from none to the whole if either is unknown."""
    joined = low.union(high)
    return joined if joined.is_finite() else arb(0.5, 0.5)


def apply(function: Elementwise, ball: Any) -> Any:  # noqa: ANN401  (python-flint ships no types)
    """A function of one number on a ball."""
    match function:
        case Function.RELU:
            return relu(ball)
        case Function.TANH:
            return tanh(ball)
        case Function.SIGMOID:
            return (tanh(ball / 2) + 1) / 2
        case Elementary.EXP:
            return exponential(ball)
        case Elementary.SIGN:
            return sign(ball)
        case Elementary.SQUARE:
            return ball * ball
        case Pieces():
            return pieces(function, ball)


def tanh(ball: Any) -> Any:  # noqa: ANN401
    """The hull of tanh at a ball's ends, since tanh is monotone: `arb.tanh` of a wide ball is useless or NaN."""
    return ball.lower().tanh().union(ball.upper().tanh())


def relu(ball: Any) -> Any:  # noqa: ANN401
    """max(0, x) on a ball: exact on either side of zero, the hull where the ball contains it."""
    if ball >= 0:
        return ball
    return arb(0) if ball <= 0 else ball.max(arb(0))


def exponential(ball: Any) -> Any:  # noqa: ANN401
    """The hull of the exponentials of a ball's ends; only that it is small, or nothing, of what is far out."""
    low, high = ball.lower(), ball.upper()
    if not (ball.is_finite() and high <= LARGEST_EXPONENT):
        return arb(0, float("inf"))
    return (arb(0) if low < -LARGEST_EXPONENT else low.exp()).union(high.max(arb(-LARGEST_EXPONENT)).exp())


def larger(first: Any, second: Any) -> Any:  # noqa: ANN401
    """The maximum of two balls: one of them where that is certain, the hull where not."""
    if first >= second:
        return first
    return second if first <= second else first.max(second)


def sign(ball: Any) -> Any:  # noqa: ANN401
    """-1, 0 or 1 where that is certain, and all from -1 to 1 where not."""
    if ball == 0:
        return arb(0)
    if ball > 0:
        return arb(1)
    return arb(-1) if ball < 0 else arb(0, 1)


def pieces(function: Pieces, ball: Any) -> Any:  # noqa: ANN401
    """The piece in whose range the ball lies; across knots the hull of the ends and of what is at the knots."""
    for left, right, slope, constant in function.ranges():
        if left <= ball <= right:
            return slope * ball if slope else arb(constant)
    inner = [arb(knot) for knot in function.knots if not (ball < knot or ball > knot)]
    if not (inner and ball.is_finite()):
        return arb(0, float("inf"))
    return functools.reduce(arb.union, (pieces(function, point) for point in (ball.lower(), *inner, ball.upper())))


def matrix_of_balls(matrix: Array, radius: Array | None) -> Any:  # noqa: ANN401
    """A matrix of balls with the given float64 midpoints and radii."""
    rows, columns = matrix.shape
    return arb_mat(rows, columns, list_of_balls(matrix, radius))


def list_of_balls(numbers: Array, radius: Array | None) -> Balls:
    """Balls with the given float64 midpoints and radii, in row-major order."""
    flat = numbers.ravel().tolist()
    return flat if radius is None else [arb(*pair) for pair in zip(flat, radius.ravel().tolist(), strict=True)]


def exact(ball: Any) -> Fraction:  # noqa: ANN401
    """The exact value of a ball of radius zero.

    Raises:
        InputError: it is infinite, or no number: a network's value is too large to be known.
    """
    if not ball.is_finite():
        raise InputError("a value in the network is too large to be computed at this point; choose a smaller one")
    mantissa, exponent = (int(part) for part in ball.mid().man_exp())
    return Fraction(mantissa << exponent) if exponent >= 0 else Fraction(mantissa, 1 << -exponent)
