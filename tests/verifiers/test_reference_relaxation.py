"""The lines of an activation contain it, in exact arithmetic, on intervals chosen to be hard."""

from collections.abc import Iterator

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soundbench.verifiers.reference.intervals import INTERVAL, Bounds
from soundbench.verifiers.reference.network import (
    Activation,
    Exp,
    LeakyRelu,
    Reciprocal,
    Relu,
    Sigmoid,
    Sign,
    Square,
    Tanh,
)
from soundbench.verifiers.reference.relaxation import LOWER_LINE, STEEP_LOWER_LINE, UPPER_LINE
from soundbench.verifiers.reference.rounding import FLOAT64_UNIT
from soundbench.verifiers.reference.s_shaped_lines import tanh_lower_intercept

PRECISE = mpmath.MPContext()
PRECISE.dps = 60
EXACT = {
    Relu: lambda _, x: max(x, PRECISE.mpf(0)),
    LeakyRelu: lambda node, x: x if x > 0 else PRECISE.mpf(node.slope) * x,
    Sign: lambda _, x: PRECISE.sign(x),
    Exp: lambda _, x: PRECISE.exp(x),
    Square: lambda _, x: x * x,
    Reciprocal: lambda _, x: 1 / x,
    Tanh: lambda _, x: PRECISE.tanh(x),
    Sigmoid: lambda _, x: 1 / (1 + PRECISE.exp(-x)),
}
SLOPES = [-1.0, -0.3, 0.0, 1e-30, float(np.float32(0.01)), float(np.float32(0.3)), 1.0, 1.5, 1e20]
ACTIVATIONS: list[Activation] = [
    *(kind(0) for kind in (Relu, Sign, Exp, Square, Reciprocal, Tanh, Sigmoid)),
    *(LeakyRelu(0, slope) for slope in SLOPES),
]
every_activation = pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
HARD = [
    (0.0, 0.0),
    (-1.0, 1.0),
    (-0.0, 5e-324),
    (-5e-324, 5e-324),
    (-1e-200, 1e-300),
    (1.0, 1.0),
    (1.0, float(np.nextafter(1.0, 2.0))),
    (-1e-9, 1e-9),
    (-1e-3, 50.0),
    (-50.0, 1e-3),
    (-0.5, 20.0),
    (19.0, 19.5),
    (20.0, 21.0),
    (-40.0, 40.0),
    (-745.0, 2.0),
    (400.0, 800.0),
    (-1e4, -30.0),
    (-1e6, 1e6),
    (-1e100, 1e100),
    (-1e100, -1e99),
    (0.0, 1e100),
    (-3.0, 1e-16),
    (0.549306144334, 0.549306144335),
    (-2.0, 2.0000000001),
]


def grid(lower: float, upper: float) -> Iterator[mpmath.mpf]:
    """Points of the interval, dense around zero and around both ends."""
    yield from (PRECISE.mpf(lower), PRECISE.mpf(upper))
    even = np.linspace(0, 1, 33).tolist()
    yield from (PRECISE.mpf(lower) + (PRECISE.mpf(upper) - PRECISE.mpf(lower)) * step for step in even)
    for exponent in range(-60, 12, 3):
        for around in (0.0, lower, upper):
            for sign in (-1, 1):
                point = PRECISE.mpf(around) + sign * PRECISE.mpf(2) ** (exponent / 2)
                if lower <= point <= upper:
                    yield point


def check(activation: Activation, lower: float, upper: float) -> None:
    """The lines and the bounds contain the function; or they are not numbers, and are refused where it would matter."""
    kind, low, high = type(activation), np.array([lower]), np.array([upper])
    with np.errstate(all="ignore"):
        below = [table[kind](activation, low, high) for table in (LOWER_LINE, STEEP_LOWER_LINE)]
        above = UPPER_LINE[kind](activation, low, high)
        bounds = INTERVAL[kind](activation, (Bounds(low, high),), FLOAT64_UNIT)
    usable = np.isfinite([*np.concatenate([*below, above]), bounds.lower, bounds.upper]).all()
    assert usable or (kind is Exp and upper > 700) or (kind is Reciprocal and lower <= 0) or upper - lower > 1e75
    if not usable:
        return
    slope, intercept = (PRECISE.mpf(float(part[0])) for part in above)
    lower_lines = [[PRECISE.mpf(float(part[0])) for part in line] for line in below]
    for point in grid(lower, upper):
        value = EXACT[kind](activation, point)
        assert slope * point + intercept >= value
        for lower_slope, lower_intercept in lower_lines:
            assert lower_slope * point + lower_intercept <= value
        assert float(bounds.lower[0]) <= value <= float(bounds.upper[0])


def test_no_activation_is_left_out():
    assert {type(activation) for activation in ACTIVATIONS} == set(UPPER_LINE) == set(LOWER_LINE) == set(EXACT)


@every_activation
@pytest.mark.parametrize("interval", HARD)
def test_lines_contain_the_function_on_hard_intervals(activation: Activation, interval: tuple[float, float]):
    check(activation, *interval)


@pytest.mark.parametrize("lower", [0.0, -1.0, -1e-300])
def test_a_reciprocal_of_what_may_not_be_positive_has_no_bounds(lower: float):
    low, high = np.array([lower]), np.array([2.0])
    with np.errstate(all="ignore"):
        found = [table[Reciprocal](Reciprocal(0), low, high).intercept for table in (LOWER_LINE, UPPER_LINE)]
        found.append(INTERVAL[Reciprocal](Reciprocal(0), (Bounds(low, high),), FLOAT64_UNIT).upper)
    assert np.isnan(found).all()


@every_activation
@given(
    centre=st.one_of(st.just(0.0), st.floats(-1, 1), st.floats(-60, 60)),
    left=st.floats(-12, 3),
    right=st.floats(-12, 3),
)
@settings(max_examples=25, deadline=None)
def test_lines_contain_the_function(activation: Activation, centre: float, left: float, right: float):
    check(activation, centre - 10**left, centre + 10**right)


@given(lower=st.floats(-60, 8), width=st.floats(-20, 8))
@settings(max_examples=60, deadline=None)
def test_lines_contain_reciprocals_of_positive_numbers(lower: float, width: float):
    check(Reciprocal(0), 10**lower, 10**lower + 10**width)


@given(
    slope=st.one_of(st.floats(0, 1), st.floats(-300, 0).map(lambda power: 10**power)), interval=st.sampled_from(HARD)
)
@settings(max_examples=40, deadline=None)
def test_any_slope_gets_an_intercept_that_stays_below_tanh(slope: float, interval: tuple[float, float]):
    with np.errstate(all="ignore"):
        found = tanh_lower_intercept(np.array([slope]), *(np.array([end]) for end in interval))
    intercept = PRECISE.mpf(float(found[0]))
    assert all(PRECISE.mpf(slope) * point + intercept <= PRECISE.tanh(point) for point in grid(*interval))


@pytest.mark.parametrize("activation", [Tanh, Sigmoid])
@pytest.mark.parametrize("interval", [(-1.0, 3.0), (-5.0, 5.0), (0.5, 4.0), (-4.0, -0.5), (-20.0, 30.0)])
def test_lines_of_s_shaped_functions_are_tight(activation: type[Activation], interval: tuple[float, float]):
    points = np.linspace(*interval, 20001)
    values = np.array([float(EXACT[activation](activation(0), point)) for point in points[::100].tolist()])
    for table, sign in ((LOWER_LINE, 1), (UPPER_LINE, -1)):
        line = table[activation](activation(0), *(np.array([end]) for end in interval))
        gaps = sign * (values - line.slope * points[::100] - line.intercept)
        assert 0 <= gaps.min() < 1e-3


CURVED = [
    (Exp(0), (-1.0, 2.0)),
    (Exp(0), (-30.0, -20.0)),
    (Square(0), (-3.0, 2.0)),
    (Square(0), (1.0, 2.0)),
    (Reciprocal(0), (1.0, 9.0)),
    (LeakyRelu(0, -1.0), (-2.0, 3.0)),
    (LeakyRelu(0, 0.25), (-3.0, 2.0)),
    (LeakyRelu(0, 4.0), (-3.0, 2.0)),
    (Sign(0), (-1.0, 3.0)),
    (Sign(0), (-3.0, 1.0)),
]


@pytest.mark.parametrize(("activation", "interval"), CURVED)
def test_lines_touch_what_they_bound(activation: Activation, interval: tuple[float, float]):
    points = [PRECISE.mpf(point) for point in [*np.linspace(*interval, 1001), -1e-30, 1e-30, 0.0]]
    points = [point for point in points if interval[0] <= point <= interval[1]]
    values = [EXACT[type(activation)](activation, point) for point in points]
    size = float(max(values) - min(values))
    for table, sign in ((LOWER_LINE, 1), (UPPER_LINE, -1)):
        line = table[type(activation)](activation, *(np.array([end]) for end in interval))
        slope, intercept = (float(part[0]) for part in line)
        gaps = [sign * (value - slope * point - intercept) for value, point in zip(values, points, strict=True)]
        assert 0 <= min(gaps) < 1e-3 * size
