"""The lines of an activation contain it, in exact arithmetic, on intervals chosen to be hard."""

from collections.abc import Iterator

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soundbench.verifiers.reference.intervals import INTERVAL, Bounds
from soundbench.verifiers.reference.network import Activation, Relu, Sigmoid, Tanh
from soundbench.verifiers.reference.relaxation import LOWER_LINE, STEEP_LOWER_LINE, UPPER_LINE, tanh_lower_intercept
from soundbench.verifiers.reference.rounding import FLOAT64_UNIT

PRECISE = mpmath.MPContext()
PRECISE.dps = 60
EXACT = {
    Relu: lambda x: max(x, PRECISE.mpf(0)),
    Tanh: PRECISE.tanh,
    Sigmoid: lambda x: 1 / (1 + PRECISE.exp(-x)),
}
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


def check(activation: type[Activation], lower: float, upper: float) -> None:
    low, high = np.array([lower]), np.array([upper])
    with np.errstate(all="ignore"):
        below = [table[activation](low, high) for table in (LOWER_LINE, STEEP_LOWER_LINE)]
        above = UPPER_LINE[activation](low, high)
        bounds = INTERVAL[activation](activation(0), (Bounds(low, high),), FLOAT64_UNIT)
    slope, intercept = (PRECISE.mpf(float(part[0])) for part in above)
    lower_lines = [[PRECISE.mpf(float(part[0])) for part in line] for line in below]
    for point in grid(lower, upper):
        value = EXACT[activation](point)
        assert slope * point + intercept >= value
        for lower_slope, lower_intercept in lower_lines:
            assert lower_slope * point + lower_intercept <= value
        assert float(bounds.lower[0]) <= value <= float(bounds.upper[0])


@pytest.mark.parametrize("activation", [Relu, Tanh, Sigmoid])
@pytest.mark.parametrize("interval", HARD)
def test_lines_contain_the_function_on_hard_intervals(activation: type[Activation], interval: tuple[float, float]):
    check(activation, *interval)


@pytest.mark.parametrize("activation", [Relu, Tanh, Sigmoid])
@given(
    centre=st.one_of(st.just(0.0), st.floats(-1, 1), st.floats(-60, 60)),
    left=st.floats(-12, 3),
    right=st.floats(-12, 3),
)
@settings(max_examples=25, deadline=None)
def test_lines_contain_the_function(activation: type[Activation], centre: float, left: float, right: float):
    check(activation, centre - 10**left, centre + 10**right)


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
    values = np.array([float(EXACT[activation](point)) for point in points[::100].tolist()])
    for table, sign in ((LOWER_LINE, 1), (UPPER_LINE, -1)):
        line = table[activation](*(np.array([end]) for end in interval))
        gaps = sign * (values - line.slope * points[::100] - line.intercept)
        assert 0 <= gaps.min() < 1e-3
