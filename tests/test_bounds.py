"""Bounds hold at every point, exactly: no tolerance, whatever the rounding."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from bounded import (
    METHODS,
    ROWS,
    assert_bounds_hold,
    check_box,
    enclosures,
    gemm,
    is_below,
    points_of,
    random_box,
    random_slopes,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import Layer, build, random_attention, random_network, read

from soundbench.bounds import bound_tensors, interval_tensors, lower_bound
from soundbench.graph import (
    ABS,
    NEG,
    Activation,
    Affine,
    Elementary,
    Function,
    Graph,
    Maximum,
    Pieces,
    Product,
    Selection,
    Step,
    Sum,
    evaluate_float64,
)

SEEDS = range(40)
pytestmark = pytest.mark.filterwarnings("error")


class TestRandomNetworks:
    @pytest.mark.parametrize("seed", SEEDS)
    def test_bounds_hold_everywhere(self, seed):
        random = np.random.default_rng(seed)
        graph = read(random_network(random))
        lower, upper = random_box(random, graph.input_count)
        points = list(points_of(random, graph, lower, upper))
        for method in METHODS:
            for slopes in ({}, random_slopes(random, graph)):
                known = method(graph, lower, upper, slopes)
                found = lower_bound(graph, graph.output, ROWS, known)
                assert np.isfinite(found).all()
                assert_bounds_hold(graph, known, ROWS, found, points[:: 1 if slopes else 3])

    @pytest.mark.parametrize("seed", SEEDS)
    def test_a_point_is_bounded_by_its_value(self, seed):
        random = np.random.default_rng(seed)
        graph = read(random_network(random))
        point = random.uniform(-2, 2, graph.input_count)
        value = evaluate_float64(graph, point[None])[graph.output][0] @ ROWS.T
        known = bound_tensors(graph, point, point, {})
        assert value == pytest.approx(lower_bound(graph, graph.output, ROWS, known), abs=1e-9)

    @pytest.mark.parametrize("seed", SEEDS)
    def test_backward_bounds_are_no_looser_than_intervals(self, seed):
        random = np.random.default_rng(seed)
        graph = read(random_network(random))
        lower, upper = random_box(random, graph.input_count)
        tight, loose = (method(graph, lower, upper, {}) for method in METHODS)
        for step in graph.steps:
            if isinstance(step, Activation):
                assert (tight.lower[step.input] >= loose.lower[step.input]).all()
                assert (tight.upper[step.input] <= loose.upper[step.input]).all()

    def test_they_are_exact_where_nothing_is_relaxed(self):
        graph = read(build((1, 2), [gemm([1, 1], [1, -1]), gemm([1, 1])]))
        known = bound_tensors(graph, np.array([-1.0, -1.0]), np.array([1.0, 1.0]), {})
        (found,) = lower_bound(graph, "T1", np.ones((1, 1)), known)
        assert found == pytest.approx(-2.0, abs=1e-12)
        assert known.lower["T1"] == pytest.approx(-4.0, abs=1e-12)


class TestAttention:
    @pytest.mark.parametrize("seed", SEEDS)
    def test_bounds_hold_everywhere(self, seed):
        random = np.random.default_rng(seed)
        graph = read(random_attention(random))
        lower, upper = random_box(random, graph.input_count)
        points = list(points_of(random, graph, lower, upper))
        for method in METHODS:
            known = method(graph, lower, upper, {})
            found = lower_bound(graph, graph.output, ROWS, known)
            assert np.isfinite(found).all()
            assert_bounds_hold(graph, known, ROWS, found, points)

    @pytest.mark.parametrize("seed", SEEDS)
    def test_a_point_is_bounded_by_its_value(self, seed):
        random = np.random.default_rng(seed)
        graph = read(random_attention(random))
        point = random.uniform(-2, 2, graph.input_count)
        value = evaluate_float64(graph, point[None])[graph.output][0] @ ROWS.T
        known = bound_tensors(graph, point, point, {})
        assert value == pytest.approx(lower_bound(graph, graph.output, ROWS, known), rel=1e-7, abs=1e-7)

    def test_backward_bounds_are_tighter(self):
        random = np.random.default_rng(0)
        graph = read(random_attention(random))
        end = np.full(graph.input_count, 0.1)
        tight, loose = (lower_bound(graph, graph.output, ROWS, each(graph, -end, end, {})) for each in METHODS)
        assert (tight >= loose).all()
        assert (tight > loose + 1e-3).any()

    @given(seed=st.integers(0, 2**32 - 1), power=st.floats(-3, 3))
    @settings(deadline=None, max_examples=50)
    def test_products_hold_at_every_sign(self, seed, power):
        random = np.random.default_rng(seed)
        layers = [
            gemm(*random.normal(size=(4, 3))),
            Layer("Reshape", (None, np.array([2, 2]))),
            Layer("MatMul", (None, None)),
        ]
        graph = read(
            build((1, 3), [*layers, Layer("Reshape", (None, np.array([1, 4]))), gemm([1, -1, 2, -2], [1, 1, 0, 0])])
        )
        lower, upper = (ends * 10**power for ends in random_box(random, 3))
        known = interval_tensors(graph, lower, upper, {})
        found = lower_bound(graph, graph.output, ROWS, known)
        assert_bounds_hold(graph, known, ROWS, found, list(points_of(random, graph, lower, upper)))

    @given(seed=st.integers(0, 2**32 - 1), power=st.floats(-6, 6))
    @settings(deadline=None, max_examples=50)
    def test_softmax_holds_at_every_size(self, seed, power):
        random = np.random.default_rng(seed)
        graph = read(build((1, 4), [Layer("Softmax"), gemm([1, -1, 2, -2], [1, 1, 0, 0])]))
        lower, upper = (ends * 10**power for ends in random_box(random, 4))
        known = interval_tensors(graph, lower, upper, {})
        assert (known.lower["T0"] >= 0).all()
        assert (known.upper["T0"] <= 1).all()
        found = lower_bound(graph, graph.output, ROWS, known)
        assert_bounds_hold(graph, known, ROWS, found, list(points_of(random, graph, lower, upper)))

    def test_the_ends_of_softmax_are_reached(self):
        graph = read(build((1, 2), [Layer("Softmax")]))
        known = interval_tensors(graph, np.array([-1.0, 0.0]), np.array([1.0, 0.5]), {})
        assert known.lower["T0"][0] == pytest.approx(1 / (1 + np.exp(1.5)), abs=1e-8)
        assert known.upper["T0"][0] == pytest.approx(1 / (1 + np.exp(-1.0)), abs=1e-8)

    @pytest.mark.parametrize("end", [1e20, 1e300, np.inf])
    def test_softmax_of_a_huge_box(self, end):
        graph = read(build((1, 2), [Layer("Softmax")]))
        known = interval_tensors(graph, np.full(2, -end), np.full(2, end), {})
        assert (known.lower["T0"].tolist(), known.upper["T0"].tolist()) == ([0, 0], [1, 1])

    def test_a_permutation_is_carried_back(self):
        layers = [Layer("Transpose"), Layer("Reshape", (None, np.array([1, 6]))), gemm([1, 2, 3, 4, 5, 6])]
        graph = read(build((2, 3), layers))
        point = np.arange(6.0)
        known = bound_tensors(graph, point, point, {})
        (found,) = lower_bound(graph, graph.output, np.ones((1, 1)), known)
        assert found == pytest.approx(point.reshape(2, 3).T.ravel() @ np.arange(1, 7))


class TestStructure:
    LOWER, UPPER = np.array([-1.0, 0.5]), np.array([2.0, 0.75])

    def corners(self) -> list[tuple[Fraction, ...]]:
        ends = list(zip(self.LOWER.tolist(), self.UPPER.tolist(), strict=True))
        return [(Fraction(first), Fraction(second)) for first in (*ends[0], 0.25) for second in (*ends[1], 0.625)]

    @pytest.mark.parametrize("layer", ["Identity", "Relu", "Tanh", "Sigmoid"])
    def test_a_tensor_added_to_itself(self, layer):
        layers = [gemm([1, -2], [3, 1]), Layer(layer), Layer("Add", (None, None)), gemm([1, -1])]
        check_box(read(build((1, 2), layers)), self.LOWER, self.UPPER, self.corners())

    def test_a_difference_that_cancels_is_seen_to_cancel(self):
        layers = [gemm([1, 0], [0, 1]), gemm([-1, 0], [0, -1]), Layer("Add", (None, "T0")), gemm([1, 1])]
        graph = read(build((1, 2), layers))
        known = bound_tensors(graph, self.LOWER, self.UPPER, {})
        found = lower_bound(graph, graph.output, np.array([[1.0], [-1.0]]), known)
        assert found == pytest.approx([0, 0], abs=1e-12)
        check_box(graph, self.LOWER, self.UPPER, self.corners())

    @pytest.mark.parametrize("function", ["Relu", "Tanh", "Sigmoid"])
    def test_a_residual_network(self, function):
        layers = [
            gemm([1, -2], [3, 1]),
            Layer(function),
            gemm([1, 2], [-2, 1]),
            Layer("Add", (None, "T0")),
            Layer(function),
            Layer("Add", (None, "T1")),
            Layer("Add", (None, "X")),
            gemm([1, -1]),
        ]
        check_box(read(build((1, 2), layers)), self.LOWER, self.UPPER, self.corners())

    def test_a_constant_is_added_on_the_way_back(self):
        layers = [Layer("Add", (None, np.array([[10, 20]], np.float32))), gemm([1, 1])]
        graph = read(build((1, 2), layers))
        known = interval_tensors(graph, self.LOWER, self.UPPER, {})
        assert lower_bound(graph, graph.output, np.ones((1, 1)), known) == pytest.approx([29.5])

    def test_bounds_of_the_input_itself(self):
        graph = read(build((1, 2), [Layer("Flatten")]))
        known = bound_tensors(graph, self.LOWER, self.UPPER, {})
        found = lower_bound(graph, graph.output, np.eye(2), known)
        assert (found <= self.LOWER).all()
        assert found == pytest.approx(self.LOWER)

    def test_a_tensor_that_nothing_reads(self):
        layers = [Layer("Relu"), gemm([1, 1]), Layer("Add", ("T0", "T0")), gemm([1, -1])]
        check_box(read(build((1, 2), layers)), self.LOWER, self.UPPER, self.corners())

    def test_slopes_choose_the_bound(self):
        # relu(z) + relu(1 - z) >= 1, which only the lines z and 1 - z show.
        layers = [gemm([1], [-1], bias=[0, 1]), Layer("Relu"), gemm([1, 1])]
        graph = read(build((1, 1), layers))

        def least(slopes: str) -> float:
            known = bound_tensors(graph, np.array([-4.0]), np.array([4.0]), {"T1": slopes})
            return float(lower_bound(graph, "T2", np.ones((1, 1)), known)[0])

        assert least("11") == pytest.approx(1, abs=1e-12)
        assert least("00") == pytest.approx(0, abs=1e-12)
        assert least("10") == pytest.approx(0, abs=1e-12)


def needle(centre: float, steepness: float) -> list[Layer]:
    """relu(1 - steepness * |x - c|) in float32 weights."""
    shift = float(np.float32(steepness)) * centre
    return [
        gemm([steepness], [-steepness], bias=[-shift, shift]),
        Layer("Relu"),
        gemm([-1, -1], bias=[1]),
        Layer("Relu"),
    ]


class TestRounding:
    """Cases in which plain float64 would be wrong."""

    @pytest.mark.parametrize("seed", range(20))
    def test_large_cancellations_at_a_point(self, seed):
        random = np.random.default_rng(seed)
        weights = random.uniform(0.5, 1, 12) * 1e8
        layers = [gemm(*random.normal(size=(12, 6))), gemm([*weights, *-weights]), Layer("Relu"), gemm([1e5])]
        layers[0] = gemm(*np.vstack([layers[0].operands[1]] * 2) + random.normal(size=(24, 6)) * 1e-8)
        graph = read(build((1, 6), layers))
        point = random.uniform(-1, 1, 6)
        check_box(graph, point, point, [tuple(map(Fraction, point.tolist()))])

    def test_plain_float64_would_be_wrong(self):
        wrong = 0
        for seed in range(20):
            random = np.random.default_rng(seed)
            weights = random.uniform(0.5, 1, 12) * 1e8
            graph = read(build((1, 12), [gemm([*weights[:6], *-weights[6:]])]))
            point = random.uniform(-1, 1, 12)
            ((low, _),) = enclosures(graph, tuple(map(Fraction, point.tolist())))[graph.output]
            wrong += Fraction(float(evaluate_float64(graph, point[None])[graph.output][0, 0])) > low
            check_box(graph, point, point, [tuple(map(Fraction, point.tolist()))])
        assert wrong > 5

    @pytest.mark.parametrize("steepness", [1e3, 1e5, 1e7])
    @pytest.mark.parametrize("width", [0.0, 1e-12, 1e-6, 1e-4, 0.5])
    def test_a_needle(self, steepness, width):
        centre = float(np.float32(0.3))
        graph = read(build((1, 1), [*needle(centre, steepness), gemm([1e8])]))
        lower, upper = np.array([centre - width]), np.array([centre + width / 3])
        points = [(Fraction(x),) for x in (centre, *lower.tolist(), *upper.tolist()) if lower[0] <= x <= upper[0]]
        check_box(graph, lower, upper, points)

    @pytest.mark.parametrize("sign", [1.0, -1.0])
    @pytest.mark.parametrize("function", [None, "Tanh", "Sigmoid", "Relu"])
    def test_terms_that_a_sum_loses(self, function, sign):
        # Every term after the first is just below half a unit in the last place of the sum.
        row = [sign, *[sign * 0.99 * 2.0**-53] * 1000]
        after = [gemm(row)] if function is None else [Layer(function), gemm(row)]
        graph = read(build((1, 1001), [Layer("Add", (None, np.float32(0))), *after]))
        for width in (0.0, 1.0):
            end = np.full(1001, 100.0 if function in ("Tanh", "Sigmoid") else 1.0)
            check_box(graph, end - width, end, [tuple(map(Fraction, end.tolist()))])

    def test_lost_terms_are_lost_in_float64(self):
        row = np.array([1.0, *[0.99 * 2.0**-53] * 1000])
        assert Fraction(float(row @ np.ones(1001))) < sum(map(Fraction, row.tolist())) - Fraction(1, 2**51)

    @pytest.mark.parametrize("counted", [0, 1])
    def test_an_average_of_nine(self, counted):
        # The sum of nine thirds of a ninth each is not what float64 says.
        attributes = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": counted}
        layers = [Layer("AveragePool", (None,), attributes), Layer("Flatten"), gemm([1e8, -3e7, 1e8] * 3)]
        graph = read(build((1, 1, 3, 3), layers))
        point = np.full(9, 0.1)
        known = bound_tensors(graph, point, point, {})
        size = [4, 6, 4, 6, 9, 6, 4, 6, 4]
        share = [Fraction(count, 9) if counted else Fraction(1) for count in size]
        weights = [Fraction(float(np.float32(each))) for each in [1e8, -3e7, 1e8] * 3]
        value = Fraction(0.1) * sum(weight * each for weight, each in zip(weights, share, strict=True))
        low, high = lower_bound(graph, graph.output, np.array([[1.0], [-1.0]]), known)
        assert is_below(low, value)
        assert is_below(high, -value)

    def test_coefficients_that_vanish_on_the_way_back(self):
        # Large, then small: as coefficients of the middle tensor the small weights are below what float64 holds.
        up, down = [gemm([1e38])] * 7, [gemm([1e-44])] * 7
        for sign in (1.0, -1.0):
            graph = read(build((1, 1), [*up, *down, gemm([sign * 1e-30])]))
            box = np.array([1e25]), np.array([2e25])
            check_box(graph, *box, [(Fraction(float(end[0])),) for end in box])

    def test_slopes_that_vanish_on_the_way_back(self):
        # The chord of a ReLU on [-1e20, 1e-300] has a slope of 1e-320.
        layers = [gemm([1]), Layer("Relu"), gemm([-1])]
        check_box(read(build((1, 1), layers)), np.array([-1e20]), np.array([1e-300]), [(Fraction(1e-300),)])

    @pytest.mark.parametrize("seed", range(60))
    def test_weights_of_every_size(self, seed):
        random = np.random.default_rng(seed)
        size = inputs = int(random.integers(1, 3))
        layers = []
        rising, depth = bool(random.integers(2)), int(random.integers(2, 16))
        for level in range(depth):
            outputs = int(random.integers(1, 4))
            centre = 37 if (level < depth // 2) == rising else -44
            powers = random.uniform(-44, 38, (outputs, size)) if seed % 3 == 0 else centre + random.uniform(-1, 1)
            signs = random.choice([-1, 1], (outputs, size))
            bias = 10 ** random.uniform(-44, 38, outputs) * random.choice([-1, 0, 1], outputs)
            layers.append(gemm(*signs * 10.0**powers, bias=bias if random.random() < 0.3 else None))
            if random.random() < 0.6:
                layers.append(Layer(str(random.choice(["Relu", "Tanh", "Sigmoid"], p=[0.8, 0.1, 0.1]))))
            size = outputs
        graph = read(build((1, inputs), [*layers, gemm([1.0] * size)]))
        middle = random.uniform(-1, 1, inputs) * 10 ** random.uniform(-3, 30)
        half = np.abs(middle) * 10 ** random.uniform(-8, 0)
        lower, upper = middle - half, middle + half
        corners = [np.where(random.random(inputs) < 0.5, lower, upper) for _ in range(3)]
        check_box(graph, lower, upper, [tuple(map(Fraction, corner.tolist())) for corner in corners])


def steps_graph(*steps: Step, size: int = 1) -> Graph:
    """A network of one input tensor X, every tensor of one size."""
    sizes = {"X": size} | {step.output: size for step in steps}
    return Graph("X", steps[-1].output, (1, size), sizes, steps)


def affine(output: str, source: str, weight: float, bias: float = 0.0) -> Affine:
    """output = weight * source + bias."""
    return Affine(output, source, np.array([[weight]]), np.array([bias]), np.array([2]))


BAD = [np.inf, -np.inf, np.nan]
LEAKY, CLIP = Pieces((0.0,), ((0.1, 0.0), (1.0, 0.0))), Pieces((-1.0, 0.5), ((0.0, -1.0), (1.0, 0.0), (0.0, 0.5)))
FUNCTIONS = [*Function, *Elementary, ABS, NEG, LEAKY, CLIP]
UNKNOWN: dict[str, Callable[[float], Affine]] = {
    "weight": lambda value: affine("T0", "X", value),
    "bias": lambda value: affine("T0", "X", 1.0, value),
}


class TestExactNumbers:
    """Weights that are known up to a radius only."""

    @pytest.mark.parametrize("function", [None, *FUNCTIONS])
    def test_every_weight_within_the_radius_is_covered(self, function):
        radius = np.array([[0.25]]), np.array([0.125])
        first = Affine("A", "X", np.array([[1.0]]), np.array([0.5]), np.array([2]), *radius)
        middle = Sum("B", ("A",), np.zeros(1)) if function is None else Activation("B", "A", function)
        graph = steps_graph(first, middle, affine("C", "B", 3.0))
        for lower, upper in ((2.0, 2.0), (-1.0, 2.0), (-2.0, -1.0)):
            rows = np.array([[1.0], [-1.0]])
            for method in METHODS:
                known = method(graph, np.array([lower]), np.array([upper]), {})
                found = lower_bound(graph, "C", rows, known)
                for weight, bias in ((0.75, 0.375), (0.75, 0.625), (1.25, 0.375), (1.25, 0.625)):
                    one = steps_graph(affine("A", "X", weight, bias), middle, affine("C", "B", 3.0))
                    points = [(Fraction(lower),), (Fraction(upper),)]
                    assert_bounds_hold(one, known, rows, found, points)

    def test_a_sum_adds_its_bias_once(self):
        total = Sum("B", ("A", "X"), np.array([5.0]))
        check_box(steps_graph(affine("A", "X", 2.0), total), np.ones(1), np.ones(1), [(Fraction(1),)])
        known = bound_tensors(steps_graph(affine("A", "X", 2.0), total), np.ones(1), np.ones(1), {})
        assert known.lower["B"] == pytest.approx(8.0)


class TestOverflow:
    @pytest.mark.parametrize("function", FUNCTIONS)
    @pytest.mark.parametrize("value", BAD)
    @pytest.mark.parametrize("place", UNKNOWN)
    @pytest.mark.parametrize("method", METHODS)
    def test_a_number_that_is_none_proves_nothing(self, method, place, value, function):
        graph = steps_graph(
            UNKNOWN[place](value), Activation("T1", "T0", function), Sum("T2", ("T1", "T0"), np.zeros(1))
        )
        known = method(graph, np.array([-1.0]), np.array([1.0]), {})
        found = lower_bound(graph, "T2", np.array([[1.0], [-1.0]]), known)
        assert found.tolist() == [-np.inf, -np.inf]

    @pytest.mark.parametrize("value", BAD)
    @pytest.mark.parametrize("place", UNKNOWN)
    @pytest.mark.parametrize("method", METHODS)
    def test_nor_does_a_maximum_of_it(self, method, place, value):
        graph = Graph(
            "X",
            "T3",
            (1, 1),
            {"X": 1, "T0": 1, "T1": 2, "T2": 1, "T3": 1},
            (
                UNKNOWN[place](value),
                Selection("T1", ("X", "T0"), np.array([0, 1])),
                Maximum("T2", "T1", np.array([[0, 1]])),
                Sum("T3", ("T2", "T0"), np.zeros(1)),
            ),
        )
        known = method(graph, np.array([-1.0]), np.array([1.0]), {})
        found = lower_bound(graph, "T3", np.array([[1.0], [-1.0]]), known)
        assert found.tolist() == [-np.inf, -np.inf]

    @pytest.mark.parametrize("value", BAD)
    @pytest.mark.parametrize("place", UNKNOWN)
    @pytest.mark.parametrize("method", METHODS)
    def test_nor_does_a_product_of_it(self, method, place, value):
        graph = steps_graph(
            UNKNOWN[place](value), Product("T1", "T0", "X", (1, 1, 1, 1)), Sum("T2", ("T1",), np.zeros(1))
        )
        known = method(graph, np.array([-1.0]), np.array([1.0]), {})
        found = lower_bound(graph, "T2", np.array([[1.0], [-1.0]]), known)
        assert found.tolist() == [-np.inf, -np.inf]

    @pytest.mark.parametrize("function", FUNCTIONS)
    @pytest.mark.parametrize("weights", [(1e200, 1e200), (1e308, 1e308), (-1e200, 1e200)])
    def test_values_beyond_float64(self, weights, function):
        steps = [affine(f"A{index}", f"A{index - 1}" if index else "X", each) for index, each in enumerate(weights)]
        steps += [Activation("T", "A1", function), affine("B0", "T", 1e-200), affine("B1", "B0", 1e-200)]
        graph = steps_graph(*steps)
        for lower, upper in ((1.0, 2.0), (-2.0, -1.0), (-1.0, 1.0)):
            points = [(Fraction(lower),), (Fraction(upper),)]
            check_box(graph, np.array([lower]), np.array([upper]), points)

    def test_a_sum_beyond_float64(self):
        graph = steps_graph(affine("A", "X", 1.5e308), Sum("B", ("A", "A"), np.zeros(1)), affine("C", "B", 0.5))
        for end in (1.0, -1.0):
            check_box(graph, np.array([end]), np.array([end]), [(Fraction(end),)])

    def test_the_largest_box(self):
        most = np.finfo(np.float64).max
        graph = read(build((1, 1), [gemm([1.0]), Layer("Relu"), gemm([1.0])]))
        check_box(graph, np.array([-most]), np.array([most]), [(Fraction(most),), (Fraction(-most),)])

    @pytest.mark.parametrize("function", FUNCTIONS)
    def test_an_endless_box(self, function):
        graph = steps_graph(affine("A", "X", 1.0), Activation("B", "A", function), affine("C", "B", 2.0))
        for lower, upper in ((-np.inf, np.inf), (0.0, np.inf), (-np.inf, 0.0)):
            points = [(Fraction(value),) for value in (-50, 0, 50) if lower <= value <= upper]
            check_box(graph, np.array([lower]), np.array([upper]), points)
