"""Bounds of every operator hold at every point, exactly, whatever its attributes."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from bounded import METHODS, ROWS, assert_bounds_hold, points_of, random_box
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import CASES, Layer, build, random_mixture, read, surrounded_node

from soundbench.bounds import bound_tensors, lower_bound
from soundbench.graph import (
    Activation,
    Affine,
    Graph,
    Maximum,
    Product,
    Selection,
    Softmax,
    evaluate_float64,
    inputs_of,
)

pytestmark = pytest.mark.filterwarnings("error")


class TestOperators:
    """Every operator, with whatever attributes and shapes its table draws."""

    @pytest.mark.parametrize("operator", CASES)
    @given(seed=st.integers(0, 2**32 - 1))
    @settings(deadline=None, max_examples=6)
    def test_bounds_hold_everywhere(self, operator, seed):
        random = np.random.default_rng(seed)
        graph = read(surrounded_node(operator, random))
        lower, upper = random_box(random, graph.input_count)
        points = list(points_of(random, graph, lower, upper))
        for method in METHODS:
            known = method(graph, lower, upper, {})
            found = lower_bound(graph, graph.output, ROWS, known)
            # Only an exponential leaves the range of float64 from such boxes.
            assert np.isfinite(found).all() or operator == "Exp"
            assert_bounds_hold(graph, known, ROWS, found, points)

    @pytest.mark.parametrize("operator", sorted(set(CASES) - {"Sign"}))
    def test_a_point_is_bounded_by_its_value(self, operator):
        for seed in range(5):
            random = np.random.default_rng(seed)
            graph = read(surrounded_node(operator, random))
            point = random.uniform(-2, 2, graph.input_count)
            value = evaluate_float64(graph, point[None])[graph.output][0] @ ROWS.T
            known = bound_tensors(graph, point, point, {})
            assert value == pytest.approx(lower_bound(graph, graph.output, ROWS, known), rel=1e-7, abs=1e-7)

    @given(seed=st.integers(0, 2**32 - 1))
    @settings(deadline=None, max_examples=40)
    def test_bounds_of_mixtures_hold_everywhere(self, seed):
        random = np.random.default_rng(seed)
        graph = read(random_mixture(random))
        lower, upper = random_box(random, graph.input_count)
        points = list(points_of(random, graph, lower, upper))
        for method in METHODS:
            known = method(graph, lower, upper, {})
            found = lower_bound(graph, graph.output, ROWS, known)
            assert_bounds_hold(graph, known, ROWS, found, points)

    def test_backward_bounds_of_mixtures_are_no_looser_and_often_tighter(self):
        tighter = 0
        for seed in range(40):
            random = np.random.default_rng(seed)
            graph = read(random_mixture(random))
            middle = random.uniform(-1, 1, graph.input_count)
            tight, loose = (method(graph, middle - 0.1, middle + 0.1, {}) for method in METHODS)
            for step in graph.steps:
                for name in inputs_of(step) if isinstance(step, Activation | Maximum | Product | Softmax) else ():
                    ends = ((tight.lower[name], loose.lower[name]), (-tight.upper[name], -loose.upper[name]))
                    assert all((one >= other - 1e-9 * (1 + np.abs(other))).all() for one, other in ends)
                    tighter += any((one > other + 1e-6 * (1 + np.abs(other))).any() for one, other in ends)
        assert tighter >= 10


class TestMaximum:
    POOL = Layer("MaxPool", (None,), {"kernel_shape": [1, 2]})

    def least(self, lower: Sequence[float], upper: Sequence[float]) -> list[float]:
        """The lower bounds of rows of the maximum of two numbers, and of the first number less that."""
        layers = [self.POOL, Layer("Slice", ("X", np.array([0]), np.array([1]), np.array([3])))]
        graph = read(build((1, 1, 1, 2), [*layers, Layer("Sub", (None, "T0"))]))
        known = bound_tensors(graph, np.array(lower), np.array(upper), {})
        return [float(lower_bound(graph, name, np.array([[1.0]]), known)[0]) for name in ("T0", "T2")]

    def test_it_is_at_least_the_member_that_surely_is_large(self):
        assert self.least([-1, 0.5], [1, 2]) == pytest.approx([0.5, -3.0], abs=1e-12)

    def test_it_is_the_member_that_dominates(self):
        assert self.least([1, -3], [2, 0.5]) == pytest.approx([1.0, 0.0], abs=1e-12)

    def test_overlapping_windows_share_a_winner(self):
        # Both maxima are the middle number, whose coefficients add up to nothing.
        steps = (
            Maximum("M", "X", np.array([[0, 1], [1, 2]])),
            Affine("D", "M", np.array([[1.0, -1.0]]), np.zeros(1), np.array([3])),
        )
        graph = Graph("X", "D", (1, 3), {"X": 3, "M": 2, "D": 1}, steps)
        known = bound_tensors(graph, np.array([-1.0, 2.0, -1.0]), np.array([1.0, 9.0, 1.0]), {})
        found = lower_bound(graph, "D", np.array([[1.0], [-1.0]]), known)
        assert found == pytest.approx([0, 0], abs=1e-12)

    @given(seed=st.integers(0, 2**32 - 1))
    @settings(deadline=None, max_examples=25)
    def test_coefficients_of_every_size_are_added_up(self, seed):
        random = np.random.default_rng(seed)
        groups = random.integers(0, 3, (int(random.integers(2, 40)), 2))
        steps = (
            Maximum("M", "X", groups),
            Selection("S", ("M", "X", "M"), random.integers(0, 2 * len(groups) + 3, 50)),
        )
        graph = Graph("X", "S", (1, 3), {"X": 3, "M": len(groups), "S": 50}, steps)
        lower, upper = random_box(random, 3)
        rows = random.normal(size=(4, 50)) * 10 ** random.uniform(-12, 12, (4, 50))
        for method in METHODS:
            known = method(graph, lower, upper, {})
            found = lower_bound(graph, "S", rows, known)
            points = [lower, upper, *(np.where(random.random(3) < 0.5, lower, upper) for _ in range(4))]
            assert_bounds_hold(graph, known, rows, found, [tuple(map(Fraction, point.tolist())) for point in points])

    def test_additions_that_lose_terms(self):
        """One large coefficient, and a thousand that each are lost beside it."""
        row = np.array([[1.0, *[0.99 * 2.0**-53] * 1000]])
        zeros = np.zeros((1001, 1), dtype=int)
        for step in (Selection("S", ("X",), zeros[:, 0]), Maximum("S", "X", zeros)):
            graph = Graph("X", "S", (1, 1), {"X": 1, "S": 1001}, (step,))
            for end in (np.ones(1), -np.ones(1)):
                known = bound_tensors(graph, end, end, {})
                rows = np.vstack([row, -row])
                found = lower_bound(graph, "S", rows, known)
                assert_bounds_hold(graph, known, rows, found, [(Fraction(float(end[0])),)])
