import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import random_attention, random_mixture, read
from small_networks import unsafe_set

from soundbench.attack import attack, network_in_torch, representable_box
from soundbench.graph import Activation, Affine, Function, Graph, Sum, evaluate_float64
from soundbench.instance import Interval, Property

unhurried = settings(deadline=None, max_examples=40)


def dense(name, source, matrix, bias):
    matrix = np.array(matrix, dtype=np.float64)
    return Affine(name, source, matrix, np.array(bias, dtype=np.float64), np.ones(len(matrix), dtype=np.int64))


def network(inputs, steps):
    sizes = {"x": inputs}
    for step in steps:
        match step:
            case Affine():
                sizes[step.output] = len(step.bias)
            case Sum():
                sizes[step.output] = len(step.bias)
            case Activation():
                sizes[step.output] = sizes[step.input]
    return Graph("x", steps[-1].output, (1, inputs), sizes, tuple(steps))


def bump(center, radius):
    """Y = relu(1 - sum |x - center| / radius), flat but for a pyramid around the center."""
    count = len(center)
    eye, c = np.eye(count), np.array(center)
    return network(
        count,
        [
            dense("sides", "x", np.vstack([eye, -eye]), np.concatenate([-c, c])),
            Activation("active", "sides", Function.RELU),
            dense("tip", "active", np.full((1, 2 * count), -1.0 / radius), [1.0]),
            Activation("y", "tip", Function.RELU),
        ],
    )


def box_of(count, lower, upper, *outputs, y=1):
    bounds = [f"(and (>= X_{index} {lower}) (<= X_{index} {upper}))" for index in range(count)]
    return unsafe_set(count, y, *bounds, *outputs)


def search(graph, unsafe, **dials):
    return attack(graph, unsafe, **{"steps": 100, "restarts": 200, "step_share": 0.1, "seed": 0, **dials})


def is_confirmed(graph, unsafe, result):
    """Whether the result is a counterexample by exact membership and by its float64 outputs."""
    outputs = evaluate_float64(graph, result.point[None])[graph.output][0]
    return unsafe.is_violated_by(
        [Fraction(value) for value in result.point.tolist()], [Fraction(value) for value in outputs.tolist()]
    )


def test_what_a_gradient_leads_to_is_found_from_one_start():
    """Violated on about 1 % of the box, the corner where x_0 + 2 x_1 - x_2 is largest."""
    graph = network(3, [dense("y", "x", [[1.0, 2.0, -1.0]], [0.0])])
    unsafe = box_of(3, -1, 1, "(>= Y_0 3.2)")
    points = np.random.default_rng(0).uniform(-1, 1, (100_000, 3))
    share = (evaluate_float64(graph, points)["y"] >= 3.2).mean()
    assert 0.002 < share < 0.02
    result = search(graph, unsafe, restarts=1)
    assert result.found
    assert result.margin == pytest.approx(0.8)
    assert is_confirmed(graph, unsafe, result)


def test_a_pyramid_on_one_percent_of_the_box_is_found_though_the_rest_is_flat():
    """No gradient tells of it, but some of many starts lie on its slope."""
    graph, unsafe = bump([0.3, -0.4], 0.14), box_of(2, -1, 1, "(>= Y_0 0.9)")
    result = search(graph, unsafe)
    assert result.found
    assert is_confirmed(graph, unsafe, result)
    assert np.abs(result.point - [0.3, -0.4]).sum() <= 0.1 * 0.14


def test_the_same_pyramid_in_ten_inputs_is_hidden():
    """So that failing says something: as wide in every input, but on 1e-11 of the box."""
    graph, unsafe = bump([0.3] * 10, 0.14), box_of(10, -1, 1, "(>= Y_0 0.9)")
    result = search(graph, unsafe)
    assert not result.found
    assert result.margin == pytest.approx(-0.9)


def test_the_higher_of_two_hills_is_found():
    """From most starts the gradient leads to the lower one, which is not enough."""
    low = bump([-0.5, -0.5], 1.0)
    high = [
        dense("sides2", "x", np.vstack([np.eye(2), -np.eye(2)]), [-0.7, -0.7, 0.7, 0.7]),
        Activation("active2", "sides2", Function.RELU),
        dense("tip2", "active2", np.full((1, 4), -2.0 / 0.3), [2.0]),
        Activation("y2", "tip2", Function.RELU),
    ]
    graph = network(2, [*low.steps, *high, Sum("sum", ("y", "y2"), np.zeros(1))])
    unsafe = box_of(2, -1, 1, "(>= Y_0 1.5)")
    result = search(graph, unsafe)
    assert result.found
    assert is_confirmed(graph, unsafe, result)


def test_all_constraints_of_a_region_must_be_met_at_once():
    graph = network(2, [dense("y", "x", [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]], np.zeros(3))])
    impossible = box_of(2, -1, 1, "(>= Y_0 0.5)", "(>= Y_1 0.5)", y=3)
    result = search(graph, impossible)
    assert not result.found
    assert result.margin == pytest.approx(-0.5, abs=1e-3)
    possible = box_of(2, -1, 1, "(>= Y_0 0.99)", "(<= Y_2 -0.99)", y=3)
    assert search(graph, possible, restarts=4).found


@pytest.mark.parametrize("wanted", [0, 1, 2])
def test_every_disjunct_is_attacked(wanted):
    """Only one of three can be reached."""
    graph = network(2, [dense("y", "x", [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], np.zeros(3))])
    bounds = ["5.0", "5.0", "5.0"]
    bounds[wanted] = "0.9"
    cases = " ".join(f"(and (>= Y_{index} {bound}))" for index, bound in enumerate(bounds))
    unsafe = box_of(2, -1, 1, f"(or {cases})", y=3)
    result = search(graph, unsafe, restarts=4, steps=50)
    assert result.found
    assert result.queries == 4 * 51 * (wanted + 1)
    assert is_confirmed(graph, unsafe, result)


def test_each_region_is_searched_in_its_own_box():
    graph = network(1, [dense("y", "x", [[1.0]], [0.0])])
    cases = "(and (>= X_0 -3.0) (<= X_0 -2.0) (>= Y_0 2.5)) (and (>= X_0 2.0) (<= X_0 3.0) (>= Y_0 2.5))"
    unsafe = unsafe_set(1, 1, f"(or {cases})")
    result = search(graph, unsafe, restarts=4)
    assert result.found
    assert 2.5 <= result.point[0] <= 3.0


@pytest.mark.parametrize("function", Function)
def test_the_functions_and_sums_of_a_graph_are_those_of_float64(function):
    """The margin reported is that of numpy's evaluation, though torch found the point."""
    random = np.random.default_rng(3)
    steps = [
        dense("a", "x", random.normal(size=(6, 3)), random.normal(size=6)),
        Activation("b", "a", function),
        dense("c", "b", random.normal(size=(3, 6)), random.normal(size=3)),
        Sum("d", ("c", "x"), random.normal(size=3)),
        dense("y", "d", random.normal(size=(2, 3)), random.normal(size=2)),
    ]
    graph, unsafe = network(3, steps), box_of(3, -1, 1, "(>= (- Y_0 Y_1) 1000.0)", y=2)
    result = search(graph, unsafe, restarts=50)
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, 21)] * 3), axis=-1).reshape(-1, 3)
    outputs = evaluate_float64(graph, grid)["y"]
    assert result.margin >= (outputs[:, 0] - outputs[:, 1] - 1000).max() - 1e-6


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("make", [random_attention, random_mixture])
def test_a_network_in_torch_is_that_of_float64(make, seed):
    random = np.random.default_rng(seed)
    graph = read(make(random))
    points = random.uniform(-2, 2, (7, graph.input_count))
    outputs = network_in_torch(graph)(torch.from_numpy(points)).numpy()
    assert outputs == pytest.approx(evaluate_float64(graph, points)[graph.output], rel=1e-10, abs=1e-10)


numbers = st.floats(-2, 2, allow_subnormal=False)


@unhurried
@given(weights=st.lists(numbers, min_size=6, max_size=6), threshold=numbers, seed=st.integers(0, 99))
def test_found_means_confirmed_and_the_best_point_is_in_the_box(weights, threshold, seed):
    graph = network(
        2,
        [
            dense("a", "x", np.reshape(weights[:4], (2, 2)), [0.1, -0.1]),
            Activation("b", "a", Function.RELU),
            dense("y", "b", [weights[4:]], [0.0]),
        ],
    )
    unsafe = box_of(2, "-0.3", "0.7", f"(>= Y_0 {threshold:.17f})")
    result = search(graph, unsafe, steps=5, restarts=6, seed=seed)
    again = search(graph, unsafe, steps=5, restarts=6, seed=seed)
    assert (again.margin, again.queries, again.found) == (result.margin, result.queries, result.found)
    assert np.array_equal(again.point, result.point)
    assert result.queries == 36
    assert result.found == is_confirmed(graph, unsafe, result)
    assert unsafe.regions[0].contains_input([Fraction(value) for value in result.point.tolist()])
    (output,) = evaluate_float64(graph, result.point[None])["y"][0]
    assert result.margin == pytest.approx(output - float(f"{threshold:.17f}"), abs=1e-12)


def test_a_strict_constraint_is_not_met_by_equality():
    graph = network(1, [dense("y", "x", [[0.0]], [1.0])])
    assert search(graph, box_of(1, 0, 1, "(>= Y_0 1.0)")).found
    result = search(graph, box_of(1, 0, 1, "(> Y_0 1.0)"))
    assert result.margin == 0.0
    assert not result.found


THIRD = Fraction(1, 3)
fractions = st.fractions(-2, 2)


@given(lower=fractions, width=fractions.map(abs), lower_open=st.booleans(), upper_open=st.booleans())
def test_the_float64_points_of_an_interval_are_all_in_it(lower, width, lower_open, upper_open):
    interval = Interval(lower, lower + width, lower_open, upper_open)
    (low,), (high,) = representable_box([interval])
    if low <= high:
        assert interval.contains(Fraction(low))
        assert interval.contains(Fraction(high))
    assert not interval.contains(Fraction(math.nextafter(low, -math.inf)))
    assert not interval.contains(Fraction(math.nextafter(high, math.inf)))


def test_a_box_without_a_float64_point_is_not_attacked():
    graph = network(1, [dense("y", "x", [[1.0]], [0.0])])
    (region,) = box_of(1, 0, 1, "(>= Y_0 -9.0)").regions
    no_point = Property(1, 1, (type(region)((Interval(THIRD, THIRD),), region.outputs),))
    result = search(graph, no_point)
    assert (result.found, result.queries, result.margin) == (False, 0, -math.inf)
