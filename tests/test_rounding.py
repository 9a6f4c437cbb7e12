"""The float32 error bound covers ONNX Runtime and every other order of summation, and is no wild guess."""

import itertools
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import onnx
import pytest
from given_networks import acas
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import (
    CASES,
    Layer,
    build,
    random_attention,
    random_mixture,
    random_network,
    random_point,
    read,
    run_float32,
    surrounded_node,
)

from soundbench import rounding
from soundbench.carried_errors import (
    Spread,
    carry_maximum,
    carry_selection,
    linearised,
    partial_sums,
    softmax_curvature,
)
from soundbench.graph import (
    ABS,
    NEG,
    Activation,
    Affine,
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
    apply_float64,
    softmax_float64,
)
from soundbench.rigorous import evaluate
from soundbench.rounding import float32_error, is_deep, is_wide
from soundbench.step_errors import activation_error, softmax_change, step_error

SEEDS = range(40)
LEAKY = [Pieces((0.0,), ((slope, 0.0), (1.0, 0.0))) for slope in (0.0, 0.1, 2.5)]
CLIP = Pieces((-1.0, 0.5), ((0.0, -1.0), (1.0, 0.0), (0.0, 0.5)))
FUNCTIONS: list[Elementwise] = [*Function, *Elementary, ABS, NEG, *LEAKY, CLIP]
pytestmark = pytest.mark.filterwarnings("error")


def gemm(*rows: Sequence[float], bias: Sequence[float] | None = None) -> Layer:
    """A layer with one row of weights an output."""
    matrix = np.array(rows, dtype=np.float32)
    operands = (None, matrix) if bias is None else (None, matrix, np.array(bias, dtype=np.float32))
    return Layer("Gemm", operands, {"transB": 1})


def reshape(*target: int) -> Layer:
    """A layer of another shape."""
    return Layer("Reshape", (None, np.array(target, dtype=np.int64)))


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
            case Selection():
                values[step.output] = np.concatenate([values[name] for name in step.inputs])[step.order]
            case Maximum():
                values[step.output] = values[step.input][step.groups].max(axis=1)
            case Product():
                left, right = values[step.left].reshape(step.left_shape), values[step.right].reshape(step.right_shape)
                terms = left[..., None] * right[:, None]
                terms = terms[:, :, random.permutation(terms.shape[2])]
                values[step.output] = np.cumsum(terms, axis=2, dtype=np.float32)[:, :, -1].ravel()
            case Softmax():
                values[step.output] = softmax_float64(step.length, values[step.input]).astype(np.float32)
    return [Fraction(value) for value in values[graph.output].tolist()]


def assert_runs_are_covered(model: onnx.ModelProto, random: np.random.Generator, scale: float) -> None:
    """ONNX Runtime, and every order of summation, lie within the bound at a random point of that size."""
    graph = read(model)
    point = random_point(random, np.full(graph.input_count, -scale), np.full(graph.input_count, scale))
    errors = float32_error(graph, point).tolist()
    for run in [run_float32(model, point), *(run_permuted(graph, point, random) for _ in range(2))]:
        for error, deviation in zip(errors, deviations(graph, point, run), strict=True):
            assert is_covered(error, deviation)


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

    @pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0])
    @pytest.mark.parametrize("seed", SEEDS)
    def test_attention(self, seed, scale):
        random = np.random.default_rng(seed)
        model = random_attention(random)
        graph = read(model)
        point = random_point(random, np.full(graph.input_count, -scale), np.full(graph.input_count, scale))
        errors = float32_error(graph, point).tolist()
        for error, deviation in zip(errors, deviations(graph, point, run_float32(model, point)), strict=True):
            assert is_covered(error, deviation)

    @pytest.mark.parametrize("seed", SEEDS)
    def test_products_in_any_order(self, seed):
        random = np.random.default_rng(seed)
        layers = [gemm(*random.normal(size=(9, 4))), reshape(3, 3), Layer("MatMul", (None, None)), Layer("Softmax")]
        model = build((1, 4), [*layers, reshape(1, 9), gemm(*random.normal(size=(2, 9)))])
        graph = read(model)
        point = random_point(random, np.full(4, -2.0), np.full(4, 2.0))
        errors = float32_error(graph, point).tolist()
        for run in [run_float32(model, point), *(run_permuted(graph, point, random) for _ in range(5))]:
            for error, deviation in zip(errors, deviations(graph, point, run), strict=True):
                assert is_covered(error, deviation)

    @pytest.mark.parametrize("seed", range(10))
    def test_a_normalization_that_cancels(self, seed):
        random = np.random.default_rng(seed)
        mean = random.uniform(100, 200, 3).astype(np.float32)
        constants = [random.uniform(1, 2, 3).astype(np.float32) for _ in range(2)]
        layers = [Layer("BatchNormalization", (None, *constants, mean, np.full(3, 0.01, np.float32)))]
        model = build((1, 3), layers)
        graph = read(model)
        point = random_point(random, mean - 1e-3, mean + 1e-3)
        run = run_float32(model, point)
        for error, deviation in zip(float32_error(graph, point).tolist(), deviations(graph, point, run), strict=True):
            assert is_covered(error, deviation)

    @pytest.mark.parametrize("seed", range(10))
    @pytest.mark.parametrize("size", [2, 25, 500])
    def test_onnxruntimes_own_softmax(self, seed, size):
        random = np.random.default_rng(seed)
        model = build((1, size), [Layer("Softmax")])
        graph = read(model)
        point = random_point(random, np.full(size, -(10.0 ** (seed % 3))), np.full(size, 10.0 ** (seed % 3)))
        errors = float32_error(graph, point).tolist()
        for error, deviation in zip(errors, deviations(graph, point, run_float32(model, point)), strict=True):
            assert is_covered(error, deviation)
            assert deviation <= Fraction(error) / 4

    @given(seed=st.integers(0, 2**32 - 1), power=st.floats(-8, 3))
    @settings(deadline=None)
    def test_no_change_of_its_inputs_moves_softmax_further(self, seed, power):
        random = np.random.default_rng(seed)
        values = random.normal(size=6) * 10 ** random.uniform(-1, 2)
        error = np.abs(random.normal(size=6)) * 10**power
        shares = softmax_float64(3, values)
        change, curved = softmax_change(3, shares, error), softmax_curvature(3, shares, error)
        for _ in range(20):
            moved = random.choice([-1, 0, 1], 6) * error
            move = softmax_float64(3, values + moved) - shares
            along = moved - np.repeat((shares * moved).reshape(2, 3).sum(axis=1), 3)
            assert (np.abs(move) <= change + 1e-12).all()
            assert (np.abs(move - shares * along) <= curved + 1e-12).all()

    @given(values=st.lists(st.floats(-5, 5), min_size=1, max_size=8), power=st.floats(-6, 2))
    @settings(deadline=None)
    def test_nor_any_function(self, values, power):
        value, error = np.array(values), np.full(len(values), 10.0**power)
        for function in FUNCTIONS:
            slope, rest = linearised(function, value, error)
            whole = activation_error(function, value, error)
            for share in np.linspace(-1, 1, 9):
                move = apply_float64(function, value + share * error) - apply_float64(function, value)
                assert (np.abs(move - slope * share * error) <= rest + 1e-12 * (1 + np.abs(move))).all()
                assert (np.abs(move) <= whole + 1e-12).all()

    @pytest.mark.parametrize("operator", CASES)
    @pytest.mark.parametrize("scale", [1e-3, 1.0, 10.0])
    def test_every_operator(self, operator, scale):
        for seed in range(6):
            random = np.random.default_rng(seed)
            assert_runs_are_covered(surrounded_node(operator, random), random, scale)

    @pytest.mark.parametrize("narrow", [rounding.NARROW, 0])
    @given(seed=st.integers(0, 2**32 - 1), power=st.floats(-3, 1))
    @settings(deadline=None, max_examples=60)
    def test_mixtures(self, narrow, seed, power):
        random = np.random.default_rng(seed)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rounding, "NARROW", narrow)
            assert_runs_are_covered(random_mixture(random), random, 10**power)

    @pytest.mark.parametrize("seed", range(10))
    def test_onnxruntimes_own_exponential(self, seed):
        random = np.random.default_rng(seed)
        values = [*random.uniform(-110, 87.99, 500), *random.normal(size=200), 0.0, -1e-30, -1e4]
        point = tuple(map(float32, values))
        model = build((1, len(values)), [Layer("Exp")])
        graph = read(model)
        errors, found = float32_error(graph, point).tolist(), deviations(graph, point, run_float32(model, point))
        for error, deviation in zip(errors, found, strict=True):
            assert is_covered(error, deviation)
            assert deviation <= Fraction(error) / 4

    @pytest.mark.parametrize("seed", range(10))
    @pytest.mark.parametrize("exponent", [np.float32(2), np.int64(2), np.full(700, 2, np.float32)])
    def test_onnxruntimes_own_squares(self, seed, exponent):
        random = np.random.default_rng(seed)
        point = tuple(map(float32, random.normal(size=700) * 10 ** random.uniform(-20, 14, 700)))
        model = build((1, 700), [Layer("Pow", (None, exponent))])
        graph = read(model)
        errors, found = float32_error(graph, point).tolist(), deviations(graph, point, run_float32(model, point))
        for error, deviation in zip(errors, found, strict=True):
            assert is_covered(error, deviation)

    @pytest.mark.parametrize("alpha", [0.1, 0.7, 3.3])
    def test_a_slope_rounds_once(self, alpha):
        random = np.random.default_rng(0)
        model = build((1, 500), [Layer("LeakyRelu", (None,), {"alpha": alpha})])
        graph = read(model)
        point = random_point(random, np.full(500, -1.0), np.full(500, 1.0))
        found = deviations(graph, point, run_float32(model, point))
        assert any(found)
        for error, deviation in zip(float32_error(graph, point).tolist(), found, strict=True):
            assert is_covered(error, deviation)

    @given(seed=st.integers(0, 2**32 - 1), power=st.floats(-3, 1))
    @settings(deadline=None)
    def test_no_change_of_its_members_moves_a_maximum_further(self, seed, power):
        random = np.random.default_rng(seed)
        step = Maximum("M", "X", random.integers(0, 5, (4, 3)))
        value, error = random.normal(size=5), random.exponential(size=5) * 10**power
        whole = step_error(step, {"X": value}, {"X": error})
        spread = carry_maximum(step, value, error, Spread(np.zeros(5), {"X": np.eye(5)}))
        for _ in range(30):
            moved = random.choice([-1, 0, 1], 5) * error
            move = (value + moved)[step.groups].max(axis=1) - value[step.groups].max(axis=1)
            assert (np.abs(move) <= whole + 1e-12).all()
            assert (np.abs(move - spread.paths["X"] @ moved) <= spread.fresh + 1e-12).all()

    @pytest.mark.parametrize("seed", range(10))
    def test_a_selection_moves_as_its_inputs_do(self, seed):
        random = np.random.default_rng(seed)
        step = Selection("S", ("A", "B", "A"), random.integers(0, 10, 20))
        paths = {"A": random.normal(size=(3, 2)), "B": random.normal(size=(4, 2))}
        fresh = {name: random.random(len(path)) for name, path in paths.items()}
        spreads = {name: Spread(fresh[name], {"X": path}) for name, path in paths.items()}
        found = carry_selection(step, spreads)
        assert (found.fresh == np.concatenate([fresh[name] for name in step.inputs])[step.order]).all()
        assert (found.paths["X"] == np.vstack([paths[name] for name in step.inputs])[step.order]).all()

    @pytest.mark.parametrize(
        "layer",
        [
            Layer("Abs"),
            Layer("Neg"),
            Layer("Sign"),
            Layer("Relu"),
            Layer("Clip", (None, np.float32(-0.3), np.float32(0.7))),
            Layer("LeakyRelu", (None,), {"alpha": 1.0}),
            Layer("MaxPool", (None,), {"kernel_shape": [2, 3], "pads": [1, 1, 1, 1]}),
            Layer("Concat", (None, None), {"axis": 2}),
        ],
        ids=lambda layer: layer.operator,
    )
    def test_what_rounds_nothing(self, layer):
        random = np.random.default_rng(0)
        model = build((1, 1, 8, 9), [layer])
        graph = read(model)
        point = random_point(random, np.full(72, -1.0), np.full(72, 1.0))
        assert not any(deviations(graph, point, run_float32(model, point)))
        assert float32_error(graph, point).tolist() == [0.0] * graph.output_count

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

    @pytest.mark.parametrize("seed", range(5))
    def test_deep_networks_are_sharpened(self, monkeypatch, seed, tmp_path):
        random = np.random.default_rng(seed)
        model = onnx.load(acas(tmp_path / "net.onnx", seed=seed, depth=6, width=50))
        graph = read(model)
        assert is_deep(graph)
        assert not is_wide(graph)
        assert not is_deep(read(onnx.load(acas(tmp_path / "net.onnx", depth=5))))
        point = random_point(random, np.full(5, -1.0), np.full(5, 1.0))
        sharp = float32_error(graph, point)
        for run in [run_permuted(graph, point, random) for _ in range(5)]:
            for error, deviation in zip(sharp.tolist(), deviations(graph, point, run), strict=True):
                assert is_covered(error, deviation)
        monkeypatch.setattr(rounding, "FEW_STEPS", 10)
        assert (10 * sharp < float32_error(graph, point)).all()

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

    @pytest.mark.parametrize(
        "last",
        [
            *map(Layer, ["Relu", "Tanh", "Sigmoid", "Abs", "Neg", "Sign", "Exp", "LeakyRelu"]),
            Layer("Add", (None, None)),
            Layer("Clip", (None, np.float32(-1), np.float32(1))),
            Layer("Pow", (None, np.float32(2))),
            Layer("Concat", (None,), {"axis": 0}),
        ],
        ids=lambda layer: layer.operator,
    )
    def test_values_beyond_float32_have_no_bound(self, last):
        # The terms cancel in real arithmetic, but not where the first of them is infinite already.
        layers = [gemm([1e38]), gemm([1e30], [-1e30]), gemm([1.0, 1.0]), last]
        assert float32_error(read(build((1, 1), layers)), [Fraction(1)]).tolist() == [np.inf]

    @pytest.mark.parametrize(
        ("layer", "value"),
        [
            (Layer("Exp"), 88.01),
            (Layer("Exp"), 1e4),
            (Layer("Pow", (None, np.float32(2))), 1e20),
            (Layer("LeakyRelu", (None,), {"alpha": 1e30}), -1e10),
            (Layer("Mul", (None, None)), 1e20),
        ],
        ids=str,
    )
    def test_functions_beyond_float32_have_no_bound(self, layer, value):
        assert float32_error(read(build((1, 1), [layer])), [float32(value)]).tolist() == [np.inf]

    def test_exponentials_that_vanish(self):
        model = build((1, 2), [Layer("Exp"), gemm([1e30, 1e30])])
        graph = read(model)
        point = (float32(-95.0), float32(-1e4))
        (deviation,) = deviations(graph, point, run_float32(model, point))
        assert is_covered(float(float32_error(graph, point)[0]), deviation)

    def test_sums_beyond_float32_have_no_bound(self):
        graph = read(build((1, 1), [Layer("Add", (None, None))]))
        assert float32_error(graph, [float32(3e38)]).tolist() == [np.inf]


def wide(random: np.random.Generator, function: str, width: int) -> onnx.ModelProto:
    """Three layers with the weights that torch starts from; the outputs are far below the hidden numbers."""
    sizes, layers = (8, width, width, 2), []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [gemm(*random.uniform(-1, 1, (outputs, inputs)) / np.sqrt(inputs)), Layer(function)]
    return build((1, 8), layers[:-1])


class TestWide:
    @pytest.mark.parametrize("function", ["Relu", "Tanh", "Sigmoid"])
    @pytest.mark.parametrize("seed", range(10))
    def test_every_order_of_summation_lies_within_it(self, seed, function):
        random = np.random.default_rng(seed)
        model = wide(random, function, 200)
        graph = read(model)
        assert is_wide(graph)
        point = random_point(random, np.full(8, -1.0), np.full(8, 1.0))
        errors = float32_error(graph, point).tolist()
        for run in [run_float32(model, point), *(run_permuted(graph, point, random) for _ in range(3))]:
            for error, deviation in zip(errors, deviations(graph, point, run), strict=True):
                assert is_covered(error, deviation)

    @pytest.mark.parametrize("function", ["Relu", "Tanh", "Sigmoid"])
    def test_it_is_sharper_than_magnitudes_alone(self, monkeypatch, function):
        random = np.random.default_rng(0)
        graph = read(wide(random, function, 400))
        point = random_point(random, np.full(8, -1.0), np.full(8, 1.0))
        sharp = float32_error(graph, point)
        monkeypatch.setattr(rounding, "NARROW", 10**9)
        assert (2 * sharp < float32_error(graph, point)).all()

    @pytest.mark.parametrize("seed", SEEDS)
    def test_narrow_networks_could_be_sharpened_too(self, monkeypatch, seed):
        random = np.random.default_rng(seed)
        model = random_network(random)
        graph = read(model)
        point = random_point(random, np.full(graph.input_count, -1.0), np.full(graph.input_count, 1.0))
        coarse = float32_error(graph, point)
        monkeypatch.setattr(rounding, "NARROW", 0)
        sharp = float32_error(graph, point)
        assert (sharp <= coarse).all()
        for run in [run_float32(model, point), *(run_permuted(graph, point, random) for _ in range(3))]:
            for error, deviation in zip(sharp.tolist(), deviations(graph, point, run), strict=True):
                assert is_covered(error, deviation)

    def test_the_distance_of_the_real_point_is_covered(self):
        random = np.random.default_rng(0)
        model = wide(random, "Tanh", 200)
        graph = read(model)
        real = tuple(Fraction(float(value)) for value in random.uniform(-1, 1, 8))
        cast = tuple(float32(float(value)) for value in real)
        moved = [there - here for there, here in zip(real, cast, strict=True)]
        run = run_float32(model, cast)
        for error, deviation in zip(float32_error(graph, cast, moved), deviations(graph, real, run), strict=True):
            assert is_covered(float(error), deviation)
        assert (float32_error(graph, cast, [Fraction(1, 10)] * 8) > float32_error(graph, cast, moved)).all()

    def test_values_beyond_float32_have_no_bound(self):
        model = build((1, 1), [gemm([1e38]), gemm(*[[1e30]] * 200), gemm([0.0] * 200)])
        assert float32_error(read(model), [Fraction(1)]).tolist() == [np.inf]

    def test_a_network_too_large_is_not_sharpened(self, monkeypatch):
        graph = read(wide(np.random.default_rng(0), "Relu", 200))
        monkeypatch.setattr(rounding, "LARGEST_PATH", 1000)
        assert not is_wide(graph)

    @given(terms=st.lists(st.integers(-9, 9), min_size=1, max_size=6), absent=st.integers(0, 3))
    def test_no_order_has_larger_partial_sums(self, terms, absent):
        bound = partial_sums(np.array([[*terms, *[0] * absent]], dtype=float), np.array([absent]))[0]
        for order in itertools.permutations(terms):
            assert np.abs(np.cumsum(order))[1:].sum() <= bound
            halves = np.cumsum(order[:3]), np.cumsum(order[3:])
            tree = [abs(sums[1:]).sum() for sums in halves]
            assert sum(tree) + (abs(sum(terms)) if len(terms) > 3 else 0) <= bound


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

    def test_a_sign_that_may_flip_has_two(self):
        values, errors = np.array([0.0, 0.0, 1e-9, -1e-9, 1.0, 1e-40]), np.array([0.0, 1e-8, 1e-8, 1e-8, 1e-8, 0.0])
        assert activation_error(Elementary.SIGN, values, errors).tolist() == [0, 2, 2, 2, 0, 2]

    def test_a_clipped_neuron_has_none(self):
        values, errors = np.array([-1.5, -1.01, 0.0, 0.6]), np.full(4, 0.05)
        assert activation_error(CLIP, values, errors) == pytest.approx([0, 0.05, 0.05, 0], rel=1e-5)

    def test_a_slope_scales_the_error(self):
        values, errors = np.array([-3.0, -0.01, 3.0]), np.full(3, 0.05)
        assert activation_error(LEAKY[1], values, errors) == pytest.approx([0.005, 0.05, 0.05], rel=1e-4)
        assert activation_error(LEAKY[2], values, errors) == pytest.approx([0.125, 0.125, 0.05], rel=1e-4)

    @pytest.mark.parametrize("layer", [Layer("MaxPool", (None,), {"kernel_shape": [1, 2]}), Layer("Abs")])
    def test_it_is_carried_through_what_is_certain(self, monkeypatch, layer):
        """Two branches that cancel: their errors are one and the same where nothing can switch."""
        layers = [
            gemm([300.0, 0], [0, 0.1]),
            reshape(1, 1, 1, 2),
            layer,
            Layer("Flatten"),
            gemm(*[[1.0] * (1 if layer.operator == "MaxPool" else 2)] * 2),
            gemm([1.0, -1.0]),
        ]
        graph = read(build((1, 2), layers))
        point = [float32(0.7), float32(-0.3)]
        coarse = float32_error(graph, point)
        monkeypatch.setattr(rounding, "NARROW", 0)
        assert (5 * float32_error(graph, point) < 4 * coarse).all()

    def test_a_neuron_that_is_surely_off_has_none(self):
        values, errors = np.array([-1.0, -1e-9, 0.0, 1.0]), np.full(4, 1e-8)
        assert activation_error(Function.RELU, values, errors).tolist() == [0.0, 1e-8, 1e-8, 1e-8]

    @pytest.mark.parametrize(("function", "slope"), [(Function.TANH, 1.0), (Function.SIGMOID, 0.25)])
    def test_a_steep_function_hands_the_error_on_and_a_saturated_one_does_not(self, function, slope):
        steep, saturated = activation_error(function, np.array([0.0, 30.0]), np.full(2, 0.1)).tolist()
        assert slope * 0.1 <= steep <= slope * 0.1 + 2e-6
        assert saturated <= 2e-6
