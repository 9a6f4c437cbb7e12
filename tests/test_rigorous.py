"""Ball arithmetic encloses the real value of a network, and nothing much besides."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import Layer, build, random_attention, random_mixture, random_network, random_point, read

from soundbench.errors import InputError
from soundbench.graph import (
    ABS,
    NEG,
    Activation,
    Affine,
    Elementary,
    Function,
    Graph,
    Pieces,
    Sum,
    apply_float64,
    evaluate_float64,
)
from soundbench.rigorous import PRECISION_BITS, apply, evaluate, evaluate_tensors, exact, larger, relu, softmax

SEEDS = range(40)


def evaluate_exactly(graph: Graph, point: Sequence[Fraction]) -> list[Fraction]:
    """The outputs in exact rational arithmetic, for networks without Tanh and Sigmoid."""
    values = {graph.input: list(point)}
    for step in graph.steps:
        match step:
            case Affine():
                source = values[step.input]
                rows = zip(step.matrix.tolist(), step.bias.tolist(), strict=True)
                values[step.output] = [
                    sum((Fraction(weight) * value for weight, value in zip(row, source, strict=True)), Fraction(bias))
                    for row, bias in rows
                ]
            case Sum():
                columns = zip(step.bias.tolist(), *(values[name] for name in step.inputs), strict=True)
                values[step.output] = [sum(terms, Fraction(bias)) for bias, *terms in columns]
            case Activation():
                assert step.function is Function.RELU
                values[step.output] = [max(value, Fraction(0)) for value in values[step.input]]
    return values[graph.output]


class TestNetworks:
    @pytest.mark.parametrize("seed", SEEDS)
    def test_enclosures_hold_the_exact_value(self, seed):
        random = np.random.default_rng(seed)
        graph = read(random_network(random, ["Relu"]))
        point = random_point(random, np.full(graph.input_count, -4.0), np.full(graph.input_count, 4.0))
        is_exact = all(step.matrix_radius is None for step in graph.steps if isinstance(step, Affine))
        for (low, high), value in zip(evaluate(graph, point), evaluate_exactly(graph, point), strict=True):
            assert low <= value <= high
            assert high - low <= Fraction(1, 10**30 if is_exact else 10**9) * max(1, abs(value))

    @pytest.mark.parametrize("make", [random_network, random_attention])
    @pytest.mark.parametrize("seed", SEEDS)
    def test_they_are_close_to_float64(self, seed, make):
        random = np.random.default_rng(seed)
        graph = read(make(random))
        point = random_point(random, np.full(graph.input_count, -4.0), np.full(graph.input_count, 4.0))
        near = evaluate_float64(graph, np.array([[float(value) for value in point]]))[graph.output][0]
        for (low, high), value in zip(evaluate(graph, point), near.tolist(), strict=True):
            assert low - Fraction(1, 10**9) <= Fraction(value) <= high + Fraction(1, 10**9)

    @pytest.mark.parametrize("seed", SEEDS)
    def test_products_hold_the_exact_value(self, seed):
        random = np.random.default_rng(seed)
        shape = (2, int(random.integers(1, 4)), int(random.integers(1, 4)))
        graph = read(build(shape, [Layer("Transpose", (None,), {"perm": [0, 2, 1]}), Layer("MatMul", ("X", None))]))
        point = random_point(random, np.full(graph.input_count, -4.0), np.full(graph.input_count, 4.0))
        matrices = np.array(point, dtype=object).reshape(shape)
        exactly = np.concatenate([(each @ each.T).ravel() for each in matrices])
        for (low, high), value in zip(evaluate(graph, point), exactly, strict=True):
            assert low <= value <= high
            assert high - low <= Fraction(1, 10**30)

    def test_a_ninth_is_a_ninth(self):
        attributes = {"kernel_shape": [3, 3]}
        graph = read(build((1, 1, 3, 3), [Layer("AveragePool", (None,), attributes)]))
        ((low, high),) = evaluate(graph, [Fraction(1)] + [Fraction(0)] * 8)
        assert low <= Fraction(1, 9) <= high
        assert high - low < Fraction(1, 10**15)

    def test_a_product_with_alpha_is_the_real_product(self):
        alpha, weight = np.float64(np.float32(0.1)), np.array([[0.1]])
        graph = read(build((1, 1), [Layer("Gemm", (None, weight), {"alpha": float(alpha)})]))
        ((low, high),) = evaluate(graph, [Fraction(1)])
        real = Fraction(float(alpha)) * Fraction(0.1)
        assert Fraction(float(alpha * 0.1)) != real
        assert low <= real <= high

    def test_what_cancels_in_float64_does_not_cancel_here(self):
        weights = np.array([[1e8], [-1e8], [1.0]], dtype=np.float32)
        graph = read(build((1, 3), [Layer("MatMul", (None, weights))]))
        tiny = Fraction(1, 2**60)
        point = [1 + tiny, Fraction(1), tiny]
        ((low, high),) = evaluate(graph, point)
        assert low <= (Fraction(10**8) + 1) * tiny <= high
        assert high - low <= Fraction(1, 10**30)

    def test_a_needle_is_seen_at_its_tip_and_nowhere_else(self):
        centre = Fraction(float(np.float32(0.3)))
        steep = np.array([[1e5, -1e5]], dtype=np.float32)
        shift = np.array([-1e5 * float(centre), 1e5 * float(centre)])
        layers = [
            Layer("Gemm", (None, steep, shift)),
            Layer("Relu"),
            Layer("Gemm", (None, -np.ones((2, 1), np.float32), np.ones(1, np.float32))),
            Layer("Relu"),
        ]
        graph = read(build((1, 1), layers))
        for offset, height in ((Fraction(0), 1), (Fraction(1, 200_000), Fraction(1, 2)), (Fraction(1, 99_000), 0)):
            ((low, high),) = evaluate(graph, [centre + offset])
            assert abs(low - height) < Fraction(1, 10**9)
            assert high - low <= Fraction(1, 10**30)

    def test_values_that_no_float_holds(self):
        layers = [Layer("Gemm", (None, np.full((1, 1), 3e38, np.float32)))] * 12
        graph = read(build((1, 1), layers))
        ((low, high),) = evaluate(graph, [Fraction(1, 3)])
        assert low <= Fraction(float(np.float32(3e38))) ** 12 / 3 <= high

    def test_every_tensor_is_enclosed(self):
        graph = read(build((1, 2), [Layer("Relu"), Layer("Add", (None, "X"))]))
        with ctx.workprec(PRECISION_BITS):
            balls = evaluate_tensors(graph, [Fraction(-1, 3), Fraction(2)])
        assert {name: len(each) for name, each in balls.items()} == {"X": 2, "T0": 2, "T1": 2}

    @pytest.mark.parametrize("seed", SEEDS)
    def test_mixtures_are_close_to_float64_where_no_sign_is_open(self, seed):
        random = np.random.default_rng(seed)
        graph = read(random_mixture(random))
        point = random_point(random, np.full(graph.input_count, -4.0), np.full(graph.input_count, 4.0))
        near = evaluate_float64(graph, np.array([[float(value) for value in point]]))[graph.output][0]
        for (low, high), value in zip(evaluate(graph, point), near.tolist(), strict=True):
            slack = Fraction(1, 10**9) * max(1, abs(Fraction(value)))
            assert low - slack <= Fraction(value) <= high + slack

    def test_a_value_that_is_too_large_is_refused(self):
        graph = read(build((1, 1), [Layer("Exp"), Layer("Exp")]))
        assert evaluate(graph, [Fraction(3)])[0][0] > 10**8
        with pytest.raises(InputError, match="too large to be computed"):
            evaluate(graph, [Fraction(20)])


LEAKY, CLIP = Pieces((0.0,), ((0.1, 0.0), (1.0, 0.0))), Pieces((-1.0, 0.5), ((0.0, -1.0), (1.0, 0.0), (0.0, 0.5)))
PIECES = {
    ABS: abs,
    NEG: lambda x: -x,
    LEAKY: lambda x: x if x > 0 else Fraction(0.1) * x,
    CLIP: lambda x: min(max(x, Fraction(-1)), Fraction(1, 2)),
    Elementary.SIGN: lambda x: Fraction((x > 0) - (x < 0)),
    Elementary.SQUARE: lambda x: x * x,
}


class TestFunctions:
    @pytest.mark.parametrize("function", PIECES, ids=str)
    @given(middle=st.floats(-3, 3), radius=st.floats(0, 2), share=st.fractions(-1, 1))
    def test_the_value_at_every_point_of_a_ball_is_enclosed(self, function, middle, radius, share):
        point = Fraction(middle) + share * Fraction(radius)
        with ctx.workprec(PRECISION_BITS):
            found = apply(function, arb(middle, radius))
            assert exact(found.lower()) <= PIECES[function](point) <= exact(found.upper())
            alone = apply(function, arb(middle))
            assert exact(alone.lower()) <= PIECES[function](Fraction(middle)) <= exact(alone.upper())
            assert exact(alone.upper()) - exact(alone.lower()) <= Fraction(1, 10**40)

    @pytest.mark.parametrize("function", [*PIECES, Elementary.EXP], ids=str)
    @pytest.mark.parametrize("ends", [(-0.5, 2.0), (0.25, 3.0), (-3.0, -0.25), (-2.0, 2.0)])
    def test_a_wide_ball_has_no_wild_hull(self, function, ends):
        points = np.linspace(*ends, 200)
        values = apply_float64(function, np.array([*points, 0.0]) if ends[0] < 0 < ends[1] else points)
        with ctx.workprec(PRECISION_BITS):
            found = apply(function, arb(ends[0]).union(arb(ends[1])))
            slack = 1e-6 + (float(np.ptp(values)) if function is Elementary.SQUARE else 0.0)
            assert float(found.lower()) >= values.min() - slack
            assert float(found.upper()) <= values.max() + slack

    @given(st.fractions(-80, 80))
    @settings(deadline=None)
    def test_exponentials(self, value):
        with ctx.workprec(400):
            real = (arb(value.numerator) / value.denominator).exp()
        with ctx.workprec(PRECISION_BITS):
            assert apply(Elementary.EXP, arb(value.numerator) / value.denominator).contains(real)

    @pytest.mark.parametrize("ends", [(-1e9, -1e8), (-1e300, 3.0), (-1e9, 1e9), (1e8, 1e9), (2.0, 1e300)])
    def test_exponentials_of_what_is_far_out(self, ends):
        with ctx.workprec(PRECISION_BITS):
            found = apply(Elementary.EXP, arb(ends[0]).union(arb(ends[1])))
            assert not found > arb(ends[0]).exp()
            assert not found < arb(min(ends[1], 700)).exp()

    @given(st.lists(st.tuples(st.floats(-2, 2), st.floats(0, 1)), min_size=2, max_size=2))
    def test_the_larger_of_two_balls(self, pairs):
        with ctx.workprec(PRECISION_BITS):
            found = larger(*(arb(*pair) for pair in pairs))
            for sides in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
                ends = [Fraction(mid) + side * Fraction(rad) for (mid, rad), side in zip(pairs, sides, strict=True)]
                assert exact(found.lower()) <= max(ends) <= exact(found.upper())
            first, second = (arb(middle) for middle, _ in pairs)
            assert exact(larger(first, second)) == max(Fraction(middle) for middle, _ in pairs)

    @given(st.fractions(-50, 50))
    @settings(deadline=None)
    def test_tanh_and_sigmoid_agree_with_exponentials(self, value):
        with ctx.workprec(400):
            x = arb(value.numerator) / value.denominator
            tanh, sigmoid = 1 - 2 / ((2 * x).exp() + 1), 1 / (1 + (-x).exp())
        with ctx.workprec(PRECISION_BITS):
            ball = arb(value.numerator) / value.denominator
            assert apply(Function.TANH, ball).contains(tanh)
            assert apply(Function.SIGMOID, ball).contains(sigmoid)

    @given(st.floats(-2, 2), st.floats(0, 1))
    def test_relu_of_a_ball_holds_the_relu_of_its_ends(self, middle, radius):
        with ctx.workprec(PRECISION_BITS):
            found = relu(arb(middle, radius))
            low, high = exact(found.lower()), exact(found.upper())
        ends = [Fraction(middle) - Fraction(radius), Fraction(middle) + Fraction(radius)]
        left, right = (max(end, Fraction(0)) for end in ends)
        assert left - Fraction(1, 10**7) <= low <= left
        assert right <= high <= right + Fraction(1, 10**7)

    @given(st.lists(st.fractions(-50, 50), min_size=1, max_size=5), st.floats(0, 2))
    @settings(deadline=None)
    def test_softmax_agrees_with_exponentials(self, values, radius):
        with ctx.workprec(400):
            powers = [(arb(value.numerator) / value.denominator).exp() for value in values]
            shares = [power / sum(powers, start=arb(0)) for power in powers]
        with ctx.workprec(PRECISION_BITS):
            balls = [arb(value.numerator) / value.denominator for value in values]
            found, wide = softmax(balls), softmax([ball + arb(0, radius) for ball in balls])
            for share, narrow, around in zip(shares, found, wide, strict=True):
                assert narrow.overlaps(share)
                assert exact(narrow.upper()) - exact(narrow.lower()) < Fraction(1, 10**30)
                assert around.overlaps(share)

    @pytest.mark.parametrize("radius", [0.0, 1e6, 1e20, 1e300])
    def test_softmax_of_wide_balls_is_finite(self, radius):
        with ctx.workprec(PRECISION_BITS):
            for ball in softmax([arb(0, radius), arb(-1e20, radius), arb(3)]):
                assert ball.is_finite()
                assert -1e-6 <= ball.lower() <= ball.upper() <= 1 + 1e-6

    @pytest.mark.parametrize("function", [Function.TANH, Function.SIGMOID])
    @pytest.mark.parametrize("radius", [0.5, 2.0, 50.0, 1e6, 1e20, 1e80, 1e300])
    @pytest.mark.parametrize("middle", [0.0, 30.0, -1e20])
    def test_a_wide_ball_stays_within_the_limits(self, function, radius, middle):
        with ctx.workprec(PRECISION_BITS):
            found = apply(function, arb(middle, radius))
            least = -1 if function is Function.TANH else 0
            assert found.is_finite()
            assert found.lower() >= least - 1e-6
            assert found.upper() <= 1 + 1e-6
            for end in (arb(middle) - radius, arb(middle) + radius):
                assert found.overlaps(apply(function, end))

    def test_relu_is_exact_on_either_side(self):
        assert exact(relu(arb(-1, 0.5))) == 0
        assert exact(relu(arb(3))) == 3

    @given(st.floats(allow_nan=False, allow_infinity=False))
    def test_the_exact_value_of_a_float(self, value):
        assert exact(arb(value)) == Fraction(value)
