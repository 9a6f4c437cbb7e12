"""The float32 error bound covers ONNX Runtime and every other order of summation, and is no wild guess."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from random_networks import Layer, build, random_network, random_point, read, run_float32

from soundbench.graph import Activation, Affine, Function, Graph, Sum, apply_float64
from soundbench.rigorous import evaluate
from soundbench.rounding import float32_error
from soundbench.step_errors import activation_error

SEEDS = range(40)
pytestmark = pytest.mark.filterwarnings("error")


def gemm(*rows: Sequence[float], bias: Sequence[float] | None = None) -> Layer:
    """A layer with one row of weights an output."""
    matrix = np.array(rows, dtype=np.float32)
    operands = (None, matrix) if bias is None else (None, matrix, np.array(bias, dtype=np.float32))
    return Layer("Gemm", operands, {"transB": 1})


def deviations(graph: Graph, point: Sequence[Fraction], run: Sequence[Fraction]) -> list[Fraction]:
    """How far a run's outputs surely lie from the real ones."""
    pairs = zip(evaluate(graph, point), run, strict=True)
    return [max(low - value, value - high, Fraction(0)) for (low, high), value in pairs]


def is_covered(error: float, deviation: Fraction) -> bool:
    """Whether a bound covers a deviation, exactly."""
    return error == np.inf or Fraction(error) >= deviation


def run_permuted(graph: Graph, point: Sequence[Fraction], random: np.random.Generator) -> list[Fraction]:
    """The outputs in float32 with every sum taken one number at a time in a random order."""
    values = {graph.input: np.array([float(value) for value in point], dtype=np.float32)}
    for step in graph.steps:
        match step:
            case Affine():
                products = step.matrix.astype(np.float32) * values[step.input]
                terms = np.column_stack([products, step.bias.astype(np.float32)])
                terms = terms[:, random.permutation(terms.shape[1])]
                values[step.output] = np.cumsum(terms, axis=1, dtype=np.float32)[:, -1]
            case Sum():
                total = step.bias.astype(np.float32)
                for name in random.permutation(step.inputs):
                    total = total + values[name]
                values[step.output] = total
            case Activation():
                values[step.output] = apply_float64(step.function, values[step.input]).astype(np.float32)
    return [Fraction(value) for value in values[graph.output].tolist()]


def float32(value: float) -> Fraction:
    """The nearest float32."""
    return Fraction(float(np.float32(value)))


class TestCoverage:
    @pytest.mark.parametrize("scale", [1e-3, 1.0, 100.0])
    @pytest.mark.parametrize("seed", SEEDS)
    def test_onnxruntime_lies_within_it(self, seed, scale):
        random = np.random.default_rng(seed)
        model = random_network(random)
        graph = read(model)
        point = random_point(random, np.full(graph.input_count, -scale), np.full(graph.input_count, scale))
        errors = float32_error(graph, point).tolist()
        runs = [run_float32(model, point), *(run_permuted(graph, point, random) for _ in range(3))]
        for run in runs:
            for error, deviation in zip(errors, deviations(graph, point, run), strict=True):
                assert is_covered(error, deviation)

    @pytest.mark.parametrize("seed", SEEDS)
    def test_large_cancellations(self, seed):
        random = np.random.default_rng(seed)
        weights = random.uniform(0.5, 1, 20) * 1e8
        layers = [gemm(*random.normal(size=(40, 6))), gemm([*weights, *-weights]), Layer("Relu"), gemm([1e5])]
        layers[0] = gemm(*np.vstack([layers[0].operands[1][:20]] * 2) + random.normal(size=(40, 6)) * 1e-8)
        model = build((1, 6), layers)
        graph = read(model)
        point = random_point(random, np.full(6, -1.0), np.full(6, 1.0))
        for run in (run_float32(model, point), run_permuted(graph, point, random)):
            assert is_covered(float(float32_error(graph, point)[0]), deviations(graph, point, run)[0])

    @pytest.mark.parametrize("steepness", [1e3, 1e5, 1e7])
    @pytest.mark.parametrize("offset", [0.0, 1e-7, 1e-5, 1e-3])
    def test_a_needle(self, steepness, offset):
        centre = float(float32(0.3))
        shift = float(float32(steepness)) * centre
        layers = [
            gemm([steepness, 1], [-steepness, 1], bias=[-shift, shift]),
            Layer("Relu"),
            gemm([-1, -1], bias=[1]),
            Layer("Relu"),
            gemm([10.0]),
        ]
        model = build((1, 2), layers)
        graph = read(model)
        point = (float32(centre + offset), float32(1e-6))
        (error,), (deviation,) = float32_error(graph, point), deviations(graph, point, run_float32(model, point))
        assert is_covered(float(error), deviation)

    @pytest.mark.parametrize("function", [Function.TANH, Function.SIGMOID])
    def test_onnxruntimes_own_functions(self, function):
        values = np.concatenate([np.linspace(-30, 30, 1201), np.linspace(-0.01, 0.01, 201), [1e-30, 1e4, -1e4]])
        point = tuple(map(float32, values))
        model = build((1, len(values)), [Layer(function.name.title())])
        graph = read(model)
        found = deviations(graph, point, run_float32(model, point))
        for error, deviation in zip(float32_error(graph, point).tolist(), found, strict=True):
            assert is_covered(error, deviation)
            # This build uses a quarter of what is allowed at most, so that others may differ.
            assert deviation <= Fraction(error) / 4

    @pytest.mark.parametrize("seed", range(10))
    def test_sums_alone(self, seed):
        random = np.random.default_rng(seed)
        numbers = [np.float32(value) for value in random.normal(size=4) * [1e-7, 1e-3, 1, 30]]
        model = build((1, 1), [Layer("Add", (None, number)) for number in numbers])
        graph = read(model)
        point = (float32(random.normal()),)
        (deviation,) = deviations(graph, point, run_float32(model, point))
        assert is_covered(float(float32_error(graph, point)[0]), deviation)

    @pytest.mark.parametrize("function", [Function.TANH, Function.SIGMOID])
    def test_the_steepest_slope_within_the_error_counts(self, function):
        values, errors = np.array([5.0, -5.0, 1.0]), np.array([5.0, 7.0, 0.5])
        for side in (-1, 1):
            change = np.abs(apply_float64(function, values + side * errors) - apply_float64(function, values))
            assert (activation_error(function, values, errors) >= change).all()

    def test_the_distance_of_the_real_point_is_covered(self):
        model = build((1, 2), [gemm([1e3, 2.0], [-1.0, 1.0]), Layer("Tanh")])
        graph = read(model)
        real = (Fraction(1, 3) / 1000, Fraction(1, 7))
        cast = tuple(float32(float(value)) for value in real)
        moved = [there - here for there, here in zip(real, cast, strict=True)]
        run = run_float32(model, cast)
        for error, deviation in zip(float32_error(graph, cast, moved), deviations(graph, real, run), strict=True):
            assert is_covered(float(error), deviation)
        far = [Fraction(1, 10), Fraction(0)]
        assert (float32_error(graph, cast, far) >= [0.1, 0.01]).all()


class TestRange:
    def test_products_that_float32_cannot_hold(self):
        # 1e-30 * 1e-30 vanishes in float32; the weights after it make the loss visible.
        model = build((1, 1), [gemm([1e-30]), gemm([1e30]), gemm([1e30])])
        graph = read(model)
        point = (float32(1e-30),)
        (deviation,) = deviations(graph, point, run_float32(model, point))
        assert deviation > Fraction(9, 10) * Fraction(1e-30) ** 2 * 10**60
        assert is_covered(float(float32_error(graph, point)[0]), deviation)

    def test_tiny_averages(self):
        model = build((1, 1, 3, 3), [Layer("AveragePool", (None,), {"kernel_shape": [3, 3]})])
        graph = read(model)
        point = (float32(1e-45),) * 4 + (Fraction(0),) * 5
        (deviation,) = deviations(graph, point, run_float32(model, point))
        assert is_covered(float(float32_error(graph, point)[0]), deviation)

    @pytest.mark.parametrize("last", [Layer("Relu"), Layer("Tanh"), Layer("Sigmoid"), Layer("Add", (None, None))])
    def test_values_beyond_float32_have_no_bound(self, last):
        # The terms cancel in real arithmetic, but not where the first of them is infinite already.
        layers = [gemm([1e38]), gemm([1e30], [-1e30]), gemm([1.0, 1.0]), last]
        assert float32_error(read(build((1, 1), layers)), [Fraction(1)]).tolist() == [np.inf]

    def test_sums_beyond_float32_have_no_bound(self):
        graph = read(build((1, 1), [Layer("Add", (None, None))]))
        assert float32_error(graph, [float32(3e38)]).tolist() == [np.inf]


class TestTightness:
    def test_it_is_no_wild_guess(self):
        ratios = []
        for seed in range(30):
            random = np.random.default_rng(seed)
            model = random_network(random)
            graph = read(model)
            points = [random_point(random, [-1.0] * graph.input_count, [1.0] * graph.input_count) for _ in range(5)]
            worst = max(max(deviations(graph, point, run_float32(model, point))) for point in points)
            allowed = max(float(float32_error(graph, point).max()) for point in points)
            ratios.append(allowed / float(worst) if worst else 1.0)
        assert np.median(ratios) < 100
        assert max(ratios) < 1e4

    def test_what_float32_holds_exactly_has_almost_no_error(self):
        graph = read(build((1, 2), [gemm([1.0, 2.0]), Layer("Relu")]))
        assert float32_error(graph, [Fraction(1), Fraction(2)])[0] < 1e-5

    def test_a_neuron_that_is_surely_off_has_none(self):
        values, errors = np.array([-1.0, -1e-9, 0.0, 1.0]), np.full(4, 1e-8)
        assert activation_error(Function.RELU, values, errors).tolist() == [0.0, 1e-8, 1e-8, 1e-8]

    @pytest.mark.parametrize(("function", "slope"), [(Function.TANH, 1.0), (Function.SIGMOID, 0.25)])
    def test_a_steep_function_hands_the_error_on_and_a_saturated_one_does_not(self, function, slope):
        steep, saturated = activation_error(function, np.array([0.0, 30.0]), np.full(2, 0.1)).tolist()
        assert slope * 0.1 <= steep <= slope * 0.1 + 2e-6
        assert saturated <= 2e-6
