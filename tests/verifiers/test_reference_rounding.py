"""Bounds hold in exact arithmetic, where float64 is at its worst."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soundbench.verifiers.reference.bounding import bound_constraints, relax
from soundbench.verifiers.reference.failures import NumericError
from soundbench.verifiers.reference.intervals import Bounds
from soundbench.verifiers.reference.network import (
    Array,
    Dense,
    LeakyRelu,
    Maximum,
    Network,
    Node,
    Product,
    Relu,
    Scale,
    Select,
    Sign,
    Square,
    Sum,
    dense,
)
from soundbench.verifiers.reference.rounding import round_down, round_up
from soundbench.verifiers.reference.steps import DEFAULT
from soundbench.verifiers.reference.targets import Constraints

ROWS = np.array([[1.0, -1.0], [-1.0, 1.0], [1.0, 0.0], [-1.0, 0.0]])


def exact_outputs(network: Network, point: Array) -> list[Fraction]:
    """The network in rational arithmetic."""
    tensors = [[Fraction(value) for value in point.tolist()]]
    for node in network.nodes:
        match node:
            case Dense(source, weight, bias):
                rows = [[Fraction(entry) for entry in row] for row in weight.tolist()]
                shifts = [Fraction(entry) for entry in bias.tolist()]
                values = [
                    sum((a * b for a, b in zip(row, tensors[source], strict=True)), start=shift)
                    for row, shift in zip(rows, shifts, strict=True)
                ]
            case Scale(source, factor, bias):
                parts = zip(factor.tolist(), tensors[source], bias.tolist(), strict=True)
                values = [Fraction(a) * b + Fraction(c) for a, b, c in parts]
            case Sum(left, right):
                values = [a + b for a, b in zip(tensors[left], tensors[right], strict=True)]
            case Select(sources, order):
                joined = [value for source in sources for value in tensors[source]]
                values = [joined[cell] for cell in order.tolist()]
            case Maximum(source, groups):
                values = [max(tensors[source][cell] for cell in group) for group in groups.tolist()]
            case Product(left, right, (matrices, rows, inner, columns)):
                first = np.array(tensors[left], dtype=object).reshape(matrices, rows, inner)
                second = np.array(tensors[right], dtype=object).reshape(matrices, inner, columns)
                values = (first @ second).ravel().tolist()
            case Relu(source):
                values = [max(value, Fraction(0)) for value in tensors[source]]
            case LeakyRelu(source, slope):
                values = [value if value > 0 else Fraction(slope) * value for value in tensors[source]]
            case Square(source):
                values = [value * value for value in tensors[source]]
            case Sign(source):
                values = [Fraction((value > 0) - (value < 0)) for value in tensors[source]]
        tensors.append(values)
    return tensors[network.output]


def wild(random: np.random.Generator, *shape: int) -> Array:
    """float32 values over forty orders of magnitude, many of which nearly cancel."""
    values = random.normal(size=shape) * 10.0 ** random.integers(-20, 20, size=shape)
    repeated = np.where(random.integers(2, size=shape) > 0, values, -values.flat[0] * (1 + 1e-7 * random.normal()))
    return repeated.astype(np.float32).astype(np.float64)


def cancelling(random: np.random.Generator) -> Network:
    nodes = (
        Scale(0, wild(random, 3), wild(random, 3)),
        dense(1, wild(random, 4, 3), wild(random, 4)),
        Relu(2),
        dense(3, wild(random, 4, 4), wild(random, 4)),
        Sum(4, 2),
        Relu(5),
        dense(6, wild(random, 2, 4), wild(random, 2)),
    )
    return Network(3, 2, nodes, 7)


def curved(random: np.random.Generator) -> Network:
    """As `cancelling`, with the other nodes, whose values are rational too."""
    slope = float(random.choice([-1.0, 0.25, 3.0]) * float(np.float32(random.uniform(0.9, 1.1))))
    bent = [LeakyRelu(2, slope), Square(2), Sign(2), Relu(2)][random.integers(4)]
    nodes = (
        Scale(0, wild(random, 3), wild(random, 3)),
        dense(1, wild(random, 4, 3), wild(random, 4)),
        bent,
        Select((3, 2), random.integers(0, 8, 6)),
        Maximum(4, random.integers(0, 6, (4, 3))),
        Product(4, 5, (1, 3, 2, 2)),
        Sum(6, 4),
        Product(7, 7, (6, 1, 1, 1)),
        Maximum(8, random.integers(0, 6, (5, 2))),
        dense(9, wild(random, 2, 5), wild(random, 2)),
    )
    return Network(3, 2, nodes, 10)


def joined(random: np.random.Generator) -> Network:
    """Every tensor once more beside what is made of it: differences are where a wrong line shows."""
    nodes = (
        dense(0, tame(random, 4, 3), tame(random, 4)),
        Maximum(1, random.integers(0, 4, (3, 2))),
        [LeakyRelu(1, -0.5), LeakyRelu(1, 2.5), Square(1), Sign(1), Relu(1)][random.integers(5)],
        Product(1, 3, (2, 2, 1, 2)),
        Select((0, 1, 2, 3, 4), random.permutation(22)),
        dense(5, tame(random, 2, 22), tame(random, 2)),
    )
    return Network(3, 2, nodes, 6)


def tame(random: np.random.Generator, *shape: int) -> Array:
    """Small integers and their thirds, many of them zero."""
    values = random.choice([-2, -1, 0, 0, 1, 3], size=shape) / random.choice([1, 3])
    return values.astype(np.float32).astype(np.float64)


@pytest.mark.parametrize("build", [cancelling, curved, joined])
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_bounds_contain_exact_values_under_cancellation(build: Callable[[np.random.Generator], Network], seed: int):
    random = np.random.default_rng(seed)
    network, middle = build(random), wild(random, 3)
    width = np.abs(middle) * 10.0 ** random.integers(-17, 0, size=3) * random.integers(2, size=3)
    box = Bounds(middle - width, middle + width)
    threshold = random.normal(size=4)
    constraints = Constraints(ROWS, threshold, np.zeros(4, dtype=np.bool_))
    try:
        interval = relax(network, box, DEFAULT)[0].tensors[network.output]
        lower = bound_constraints(network, box, constraints, DEFAULT).lower
    except NumericError:
        return
    for point in [box.lower, box.upper, middle, *np.where(random.integers(2, size=(6, 3)), box.lower, box.upper)]:
        outputs = exact_outputs(network, point)
        for index, value in enumerate(outputs):
            assert float(interval.lower[index]) <= value <= float(interval.upper[index])
        for row, bound, least in zip(ROWS.tolist(), threshold.tolist(), lower.tolist(), strict=True):
            left = sum(Fraction(factor) * value for factor, value in zip(row, outputs, strict=True))
            assert left - Fraction(bound) >= Fraction(least)


def test_float64_alone_would_be_wrong():
    """What the slack is for: a plain dot product misses an exact value by a whole unit."""
    network = Network(3, 2, (dense(0, np.array([[2.0**60, 1, -(2.0**60)], [0, 0, 0]]), np.array([0.0, 0.5])),), 1)
    point = np.ones(3)
    constraints = Constraints(np.array([[1.0, -1.0]]), np.zeros(1), np.zeros(1, dtype=np.bool_))
    assert exact_outputs(network, point) == [1, Fraction(1, 2)]
    assert bound_constraints(network, Bounds(point, point), constraints, DEFAULT).lower[0] <= 0.5


@given(st.fractions())
def test_rounding_of_a_fraction_is_outwards_and_nearest(value: Fraction):
    below, above = round_down(value), round_up(value)
    assert Fraction(below) <= value <= Fraction(above)
    assert above <= np.nextafter(below, np.inf)


def test_numbers_beyond_float64_are_refused():
    with pytest.raises(NumericError):
        round_up(Fraction(10) ** 400)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
def test_unusable_weights_give_no_bound(value: float):
    weight = np.array([[value, 1.0], [1.0, 1.0]])
    nodes = tuple(dense(index, weight, np.zeros(2)) for index in range(3))
    constraints = Constraints(np.eye(2), np.zeros(2), np.zeros(2, dtype=np.bool_))
    with np.errstate(all="ignore"), pytest.raises(NumericError):
        bound_constraints(Network(2, 2, nodes, 3), Bounds(np.zeros(2), np.ones(2)), constraints, DEFAULT)


def lower_bounds(network: Network, box: Bounds, rows: Array) -> list[Fraction]:
    constraints = Constraints(rows, np.zeros(len(rows)), np.zeros(len(rows), dtype=np.bool_))
    return [Fraction(value) for value in bound_constraints(network, box, constraints, DEFAULT).lower.tolist()]


@pytest.mark.parametrize("node", [Select((0,), np.zeros(1001, int)), Maximum(0, np.zeros((1001, 1), int))])
@pytest.mark.parametrize("end", [1.0, -1.0])
def test_additions_that_lose_terms(node: Node, end: float):
    """One large coefficient, and a thousand that are each lost beside it."""
    row = np.array([1.0, *[0.99 * 2.0**-53] * 1000])
    point, exact = Bounds(np.array([end]), np.array([end])), sum(map(Fraction, row.tolist())) * Fraction(end)
    found = lower_bounds(Network(1, 1001, (node,), 1), point, np.array([row, -row]))
    assert found[0] <= exact <= -found[1]


def test_products_that_cancel_but_for_rounding():
    """The same products summed in two orders."""
    for seed in range(20):
        random = np.random.default_rng(seed)
        order = np.concatenate([np.arange(50), random.permutation(50)])
        nodes = (Select((0,), order), Select((0,), order), Product(1, 2, (2, 1, 50, 1)))
        point = random.normal(size=50)
        found = lower_bounds(Network(50, 2, nodes, 3), Bounds(point, point), np.array([[1.0, -1.0], [-1.0, 1.0]]))
        assert max(found) <= 0


def test_a_maximum_is_its_member_only_where_no_other_can_win():
    """The largest of two less the first, which has the greatest lower and the greatest upper bound: up to 1.5."""
    nodes = (
        Maximum(0, np.array([[0, 1]])),
        Select((1, 0), np.array([0, 1])),
        dense(2, np.array([[-1.0, 1.0]]), np.zeros(1)),
    )
    network, rows = Network(2, 1, nodes, 3), np.array([[1.0]])
    assert lower_bounds(network, Bounds(np.array([-1.0, -2.0]), np.array([1.0, 0.5])), rows)[0] <= Fraction(-3, 2)
    (certain,) = lower_bounds(network, Bounds(np.array([-1.0, -2.0]), np.array([1.0, -1.0])), rows)
    assert Fraction(-1, 10**12) <= certain <= 0


def test_the_members_of_a_maximum_in_doubt_are_bounded_more_tightly():
    """Over [-1, 1] the first member is x - x, which intervals do not know to be zero; the second is 1 / 2."""
    nodes = (
        dense(0, np.array([[1.0], [-1.0]]), np.zeros(2)),
        dense(1, np.array([[1.0, 1.0], [0.0, 0.0]]), np.array([0.0, 0.5])),
        Maximum(2, np.array([[0, 1]])),
    )
    tensors = relax(Network(1, 1, nodes, 3), Bounds(-np.ones(1), np.ones(1)), DEFAULT)[0].tensors
    assert np.abs(tensors[2].upper[0]) < 1e-9
    assert tensors[3].upper == pytest.approx([0.5])
