"""Lines enclose the activation functions on every interval, checked in ball arithmetic, and closely enough."""

import math
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import example, given, settings
from hypothesis import strategies as st

from soundbench.graph import Function
from soundbench.relaxation import bound_values, enclose, tanh_intercept
from soundbench.rigorous import apply

TINY = 5e-324
INTERVALS = [
    (-1.0, 1.0),
    (-3.0, 0.5),
    (-0.5, 3.0),
    (-1e-3, 5.0),
    (-5.0, 1e-3),
    (0.0, 0.0),
    (1.0, 1.0),
    (-2.5, -2.5),
    (0.0, 1.0),
    (-1.0, 0.0),
    (0.5, 2.0),
    (-2.0, -0.5),
    (0.5, 0.5 + 1e-10),
    (1.0, math.nextafter(1.0, 2.0)),
    (-math.nextafter(1.0, 2.0), -1.0),
    (-TINY, TINY),
    (0.0, TINY),
    (-TINY, 0.0),
    (TINY, 3 * TINY),
    (-3 * TINY, -TINY),
    (1e-310, 3e-310),
    (-1e-300, -1e-301),
    (-1e-8, 1e-8),
    (-1e-9, 2.0),
    (-1e3, 1e3),
    (-1e3, 1e-6),
    (-1e-6, 1e3),
    (19.9, 20.1),
    (-20.1, -19.9),
    (17.0, 25.0),
    (-30.0, 30.0),
    (39.0, 41.0),
    (40.0, 1e3),
    (-1e3, -40.0),
    (-745.0, 0.01),
    (-1e300, 1e300),
    (-1e-300, 1e300),
    (1e300, 1.7e308),
    (-1.7e308, 1.7e308),
]
UNKNOWN = [
    (-math.inf, math.inf),
    (-math.inf, 1.0),
    (-1.0, math.inf),
    (1.0, math.inf),
    (-math.inf, -1.0),
    (math.nan, math.nan),
    (math.nan, 1.0),
    (-1.0, math.nan),
    (math.nan, -1.0),
    (1.0, math.nan),
]
intervals = st.tuples(*[st.floats(-50, 50, width=64) | st.floats(-1e-6, 1e-6) | st.floats(-1e9, 1e9)] * 2).map(
    lambda ends: (min(ends), max(ends))
)


def grid(lower: float, upper: float) -> list[float]:
    """Floats of the interval: both ends and their neighbours, an even grid, and what lies close to zero."""
    spread = [(1 - share) * lower + share * upper for share in np.linspace(0, 1, 41).tolist()]
    near_zero = [sign * 10.0**power for sign in (-1, 1) for power in range(-12, 3)]
    near_ends = [math.nextafter(lower, math.inf), math.nextafter(upper, -math.inf), 0.0, -TINY, TINY]
    return [x for x in (lower, upper, *spread, *near_zero, *near_ends) if lower <= x <= upper]


def lines_of(function: Function, lower: float, upper: float, slopes: str | None = None) -> list[float]:
    """Lower slope and intercept, upper slope and intercept."""
    lines = enclose(function, np.array([lower]), np.array([upper]), slopes)
    four = (lines.lower_slope, lines.lower_intercept, lines.upper_slope, lines.upper_intercept)
    return [float(each[0]) for each in four]


def height(function: Function, x: float, slope: float, intercept: float):
    """How far the line lies above the function, as a ball."""
    return arb(slope) * arb(x) + arb(intercept) - apply(function, arb(x))


def assert_enclosed(function: Function, lower: float, upper: float, slopes: str | None = None) -> None:
    low_slope, low_intercept, high_slope, high_intercept = lines_of(function, lower, upper, slopes)
    with ctx.workprec(600):
        for x in grid(lower, upper):
            assert not height(function, x, low_slope, low_intercept) > 0, x
            assert not height(function, x, high_slope, high_intercept) < 0, x


@pytest.mark.parametrize("function", Function)
class TestEnclosure:
    @pytest.mark.parametrize("ends", INTERVALS)
    def test_hard_intervals(self, function, ends):
        for slopes in (None, "0", "1", "a"):
            assert_enclosed(function, *ends, slopes)

    @given(ends=intervals)
    @settings(max_examples=60, deadline=None)
    def test_any_interval(self, function, ends):
        assert_enclosed(function, *ends)

    @pytest.mark.parametrize("ends", INTERVALS)
    def test_values_are_bounded_closely(self, function, ends):
        found = bound_values(function, *(np.array([end]) for end in ends))
        low, high = (Fraction(float(each[0])) for each in found)
        with ctx.workprec(600):
            bottom, top = (apply(function, arb(end)) for end in ends)
            for bound, value, side in ((low, bottom, 1), (high, top, -1)):
                distance = side * (value - arb(bound.numerator) / bound.denominator)
                assert not distance < 0
                assert distance <= 1e-15

    @pytest.mark.parametrize("ends", INTERVALS)
    def test_no_line_is_much_looser_than_a_level_one(self, function, ends):
        low_slope, low_intercept, high_slope, high_intercept = lines_of(function, *ends)
        with ctx.workprec(600):
            room = apply(function, arb(ends[1])) - apply(function, arb(ends[0]))
            if function is not Function.RELU and ends[0] < 0 < ends[1]:
                # Across zero, a line that touches near one end may rise by the whole width at the other.
                room = room + arb(ends[1]) - arb(ends[0])
            room = room * (1 + 1e-9) + 1e-15
            for x in grid(*ends):
                assert height(function, x, high_slope, high_intercept) <= room, x
                assert -height(function, x, low_slope, low_intercept) <= room, x

    @pytest.mark.parametrize("middle", [-3.0, -1.0, -0.2, 0.0, 0.3, 1.0, 4.0])
    @pytest.mark.parametrize("width", [1e-6, 1e-3, 0.1, 1.0])
    def test_lines_close_in_on_a_smooth_function(self, function, middle, width):
        if function is Function.RELU and abs(middle) < width:
            return
        ends = (middle - width / 2, middle + width / 2)
        low_slope, low_intercept, high_slope, high_intercept = lines_of(function, *ends)
        with ctx.workprec(600):
            for x in grid(*ends):
                # The second derivative of tanh is at most 0.77, so that a chord or tangent is off by 0.4 width^2.
                assert height(function, x, high_slope, high_intercept) <= 0.4 * width**2 + 1e-15
                assert -height(function, x, low_slope, low_intercept) <= 0.4 * width**2 + 1e-15

    @pytest.mark.parametrize("ends", UNKNOWN)
    def test_nothing_is_claimed_of_unknown_inputs_that_does_not_hold(self, function, ends):
        with np.errstate(invalid="ignore"):
            low_slope, low_intercept, high_slope, high_intercept = lines_of(function, *ends)
        least = ends[0] if math.isfinite(ends[0]) else -1e6
        most = ends[1] if math.isfinite(ends[1]) else 1e6
        for x in (least, most, 0.0, -30.0, 30.0):
            if least <= x <= most:
                # A line with a number that is not known says nothing; every comparison with it is false.
                assert not height(function, x, low_slope, low_intercept) > 1e-12
                assert not height(function, x, high_slope, high_intercept) < -1e-12


class TestRelu:
    @given(st.floats(-1e6, -1e-6), st.floats(1e-6, 1e6))
    def test_the_upper_line_is_the_chord(self, lower, upper):
        *_, slope, intercept = lines_of(Function.RELU, lower, upper)
        assert slope == pytest.approx(upper / (upper - lower), rel=1e-12)
        assert intercept == pytest.approx(-lower * upper / (upper - lower), rel=1e-9, abs=1e-15 * upper)

    @pytest.mark.parametrize(
        ("slopes", "found"), [("00", [0, 0]), ("11", [1, 1]), ("aa", [0, 1]), ("1a", [1, 1]), (None, [0, 1])]
    )
    def test_slopes_choose_the_lower_line(self, slopes, found):
        lines = enclose(Function.RELU, np.array([-2.0, -1.0]), np.array([1.0, 2.0]), slopes)
        assert lines.lower_slope.tolist() == found
        assert lines.lower_intercept.tolist() == [0, 0]

    @pytest.mark.parametrize("slopes", ["00", "11", "aa", None])
    def test_slopes_do_not_touch_neurons_of_known_sign(self, slopes):
        lines = enclose(Function.RELU, np.array([-2.0, 0.0]), np.array([0.0, 2.0]), slopes)
        assert lines.lower_slope.tolist() == lines.upper_slope.tolist() == [0, 1]
        assert lines.lower_intercept.tolist() == lines.upper_intercept.tolist() == [0, 0]


class TestTanhIntercept:
    @given(st.floats(0, 1), intervals)
    @example(1e-24, (-60.0, 60.0))
    @example(1.0, (-1.0, 1.0))
    @example(math.nextafter(1.0, 0.0), (-1.0, 1.0))
    @settings(max_examples=60, deadline=None)
    def test_it_holds_for_any_slope_and_touches(self, slope, ends):
        intercept = tanh_intercept(slope, *ends)
        with ctx.workprec(600):
            heights = [height(Function.TANH, x, slope, intercept) for x in grid(*ends)]
            assert not any(each < 0 for each in heights)
            if 0 < slope < 1:
                peak = (1 - arb(slope)).sqrt().atanh()
                touching = arb(min(max(float(peak), ends[0]), ends[1]))
                heights.append(arb(slope) * touching + intercept - touching.tanh())
            size = 1 + abs(intercept)
            assert min(float(each) for each in heights) <= 1e-12 * size
