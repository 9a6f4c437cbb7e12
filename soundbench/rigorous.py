"""A network's value at one point in ball arithmetic: proven enclosures of every tensor over the real numbers.

Weights are the exact reals that their floats denote. Arithmetic: python-flint's `arb` (Johansson 2017, Arb:
efficient arbitrary-precision midpoint-radius interval arithmetic).
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from flint import arb, arb_mat, ctx, fmpq

from soundbench.graph import Activation, Affine, Array, Function, Graph, Permutation, Product, Softmax, Sum

PRECISION_BITS = 160

Balls = list[Any]


def evaluate(graph: Graph, point: Sequence[Fraction]) -> tuple[tuple[Fraction, Fraction], ...]:
    """Proven lower and upper bound of every output at `point` (shape (inputs,), exact values)."""
    with ctx.workprec(PRECISION_BITS):
        balls = evaluate_tensors(graph, point)[graph.output]
        return tuple((exact(ball.lower()), exact(ball.upper())) for ball in balls)


def evaluate_tensors(graph: Graph, point: Sequence[Fraction]) -> dict[str, Balls]:
    """Enclosures (`arb`) of every tensor at `point`, at the precision in force."""
    values: dict[str, Balls] = {graph.input: [arb(fmpq(x.numerator, x.denominator)) for x in point]}
    for step in graph.steps:
        match step:
            case Affine():
                column = arb_mat(len(values[step.input]), 1, values[step.input])
                product = matrix_of_balls(step.matrix, step.matrix_radius) * column
                shift = list_of_balls(step.bias, step.bias_radius)
                values[step.output] = [product[row, 0] + ball for row, ball in enumerate(shift)]
            case Sum():
                columns = zip(step.bias.tolist(), *(values[name] for name in step.inputs), strict=True)
                values[step.output] = [sum(terms, start=arb(bias)) for bias, *terms in columns]
            case Activation():
                values[step.output] = [apply(step.function, ball) for ball in values[step.input]]
            case Permutation():
                values[step.output] = [values[step.input][index] for index in step.order.tolist()]
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


def apply(function: Function, ball: Any) -> Any:  # noqa: ANN401  (python-flint ships no types)
    """An activation function on a ball."""
    match function:
        case Function.RELU:
            return relu(ball)
        case Function.TANH:
            return tanh(ball)
        case Function.SIGMOID:
            return (tanh(ball / 2) + 1) / 2


def tanh(ball: Any) -> Any:  # noqa: ANN401
    """The hull of tanh at a ball's ends, since tanh is monotone: `arb.tanh` of a wide ball is useless or NaN."""
    return ball.lower().tanh().union(ball.upper().tanh())


def relu(ball: Any) -> Any:  # noqa: ANN401
    """max(0, x) on a ball: exact on either side of zero, the hull where the ball contains it."""
    if ball >= 0:
        return ball
    return arb(0) if ball <= 0 else ball.max(arb(0))


def matrix_of_balls(matrix: Array, radius: Array | None) -> Any:  # noqa: ANN401
    """A matrix of balls with the given float64 midpoints and radii."""
    rows, columns = matrix.shape
    return arb_mat(rows, columns, list_of_balls(matrix, radius))


def list_of_balls(numbers: Array, radius: Array | None) -> Balls:
    """Balls with the given float64 midpoints and radii, in row-major order."""
    flat = numbers.ravel().tolist()
    return flat if radius is None else [arb(*pair) for pair in zip(flat, radius.ravel().tolist(), strict=True)]


def exact(ball: Any) -> Fraction:  # noqa: ANN401
    """The exact value of a ball of radius zero."""
    mantissa, exponent = (int(part) for part in ball.mid().man_exp())
    return Fraction(mantissa) * Fraction(2) ** exponent
