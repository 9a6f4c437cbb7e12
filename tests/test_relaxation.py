"""Lines enclose the activation functions on every interval, checked in ball arithmetic, and closely enough."""

import math
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import example, given, settings
from hypothesis import strategies as st

from soundbench.graph import ABS, NEG, Elementary, Elementwise, Function, Pieces
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


def leaky(slope: float) -> Pieces:
    """A ReLU with a slope below zero."""
    return Pieces((0.0,), ((slope, 0.0), (1.0, 0.0)))


def clip(low: float, high: float) -> Pieces:
    """What lies between two ends."""
    return Pieces((low, high), ((0.0, low), (1.0, 0.0), (0.0, high)))


OTHERS = [
    *Elementary,
    ABS,
    NEG,
    leaky(0.0),
    leaky(float(np.float32(0.1))),
    leaky(1.0),
    leaky(2.5),
    leaky(1e-40),
    leaky(1e38),
    clip(-1.0, 1.0),
    clip(0.0, 6.0),
    clip(-3.0, -0.25),
    clip(0.5, 0.5),
    Pieces((1.0,), ((1.0, 0.0), (0.0, 1.0))),
    Pieces((-0.5,), ((0.0, -0.5), (1.0, 0.0))),
    Pieces((), ((1.0, 0.0),)),
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


def lines_of(function: Elementwise, lower: float, upper: float, slopes: str | None = None) -> list[float]:
    """Lower slope and intercept, upper slope and intercept."""
    lines = enclose(function, np.array([lower]), np.array([upper]), slopes)
    four = (lines.lower_slope, lines.lower_intercept, lines.upper_slope, lines.upper_intercept)
    return [float(each[0]) for each in four]


def height(function: Elementwise, x: float, slope: float, intercept: float):
    """How far the line lies above the function, as a ball."""
    return arb(slope) * arb(x) + arb(intercept) - apply(function, arb(x))


def assert_enclosed(function: Elementwise, lower: float, upper: float, slopes: str | None = None) -> None:
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


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("function", OTHERS, ids=str)
class TestOtherFunctions:
    @pytest.mark.parametrize("ends", INTERVALS)
    def test_hard_intervals(self, function, ends):
        assert_enclosed(function, *ends)

    @given(ends=intervals)
    @settings(max_examples=40, deadline=None)
    def test_any_interval(self, function, ends):
        assert_enclosed(function, *ends)

    @given(ends=intervals)
    @settings(max_examples=40, deadline=None)
    def test_values_are_bounded_closely(self, function, ends):
        (low,), (high,) = bound_values(function, *(np.array([end]) for end in ends))
        knots = function.knots if isinstance(function, Pieces) else ()
        points = [*grid(*ends), *(knot for knot in knots if ends[0] <= knot <= ends[1])]
        with ctx.workprec(600):
            values = [apply(function, arb(x)) for x in points]
            assert not any(value < low or value > high for value in values)
            # Exponentials beyond float64, and of what may as well be endless, have no bound.
            if all(abs(end) < 700 for end in ends) or function is not Elementary.EXP:
                size = max(abs(float(value)) for value in values)
                assert min(map(float, values)) - low <= 1e-14 * size + 1e-300
                assert high - max(map(float, values)) <= 1e-14 * size + 1e-300

    @pytest.mark.parametrize("ends", INTERVALS)
    def test_values_on_hard_intervals(self, function, ends):
        (low,), (high,) = bound_values(function, *(np.array([end]) for end in ends))
        with ctx.workprec(600):
            assert not any(apply(function, arb(x)) < low or apply(function, arb(x)) > high for x in grid(*ends))

    @pytest.mark.parametrize("ends", UNKNOWN)
    def test_nothing_is_claimed_of_unknown_inputs_that_does_not_hold(self, function, ends):
        low_slope, low_intercept, high_slope, high_intercept = lines_of(function, *ends)
        least = ends[0] if math.isfinite(ends[0]) else -1e6
        most = ends[1] if math.isfinite(ends[1]) else 1e6
        for x in (least, most, 0.0, -30.0, 30.0):
            if least <= x <= most:
                assert not height(function, x, low_slope, low_intercept) > 0
                assert not height(function, x, high_slope, high_intercept) < 0

    @given(ends=st.tuples(*[st.floats(-9, 9)] * 2).map(lambda ends: (min(ends), max(ends))))
    @settings(max_examples=60, deadline=None)
    def test_a_line_touches_the_function_but_for_rounding(self, function, ends):
        low_slope, low_intercept, high_slope, high_intercept = lines_of(function, *ends)
        middle = 0.5 * (ends[0] + ends[1])
        knots = function.knots if isinstance(function, Pieces) else ()
        points = [*ends, middle, *(knot for knot in knots if ends[0] <= knot <= ends[1])]
        with ctx.workprec(600):
            size = 1e-13 * (1 + max(abs(float(apply(function, arb(x)))) + abs(x) * abs(high_slope) for x in points))
            assert min(float(height(function, x, high_slope, high_intercept)) for x in points) <= size
            assert max(float(height(function, x, low_slope, low_intercept)) for x in points) >= -size


class TestPieces:
    @given(st.floats(-1e6, -1e-6), st.floats(1e-6, 1e6))
    def test_a_convex_function_lies_below_its_chord(self, lower, upper):
        for function in (ABS, leaky(0.1)):
            *_, slope, intercept = lines_of(function, lower, upper)
            left, right = (abs(lower), upper) if function is ABS else (0.1 * lower, upper)
            assert slope == pytest.approx((right - left) / (upper - lower), rel=1e-9, abs=1e-12)
            assert slope * lower + intercept == pytest.approx(left, rel=1e-9, abs=1e-9 * upper)

    @pytest.mark.parametrize(
        ("ends", "found"),
        [
            ((-3, -1), (0, -1, 0, -1)),
            ((-0.5, 0.5), (1, 0, 1, 0)),
            ((1, 4), (0, 1, 0, 1)),
            # Above, the chord; below, what lies along the middle, since it leaves less than the level of the left end.
            ((-1.5, 0.5), (1, 0, 0.75, 0.125)),
            ((-3, 3), (0.5, -0.5, 0.5, 0.5)),
        ],
    )
    def test_a_clip(self, ends, found):
        assert lines_of(clip(-1.0, 1.0), *ends) == pytest.approx(found, abs=1e-12)

    def test_a_known_piece_is_exact(self):
        assert lines_of(leaky(0.3), -2, 0) == [0.3, 0, 0.3, 0]
        assert lines_of(leaky(0.3), 0, 2) == [1, 0, 1, 0]
        assert lines_of(NEG, -math.inf, math.inf) == [-1, 0, -1, 0]

    @pytest.mark.parametrize(("ends", "level"), [((0.5, 2), (1, 1)), ((-2, -1), (-1, -1)), ((0, 0), (0, 0))])
    def test_a_known_sign_is_exact(self, ends, level):
        assert lines_of(Elementary.SIGN, *ends) == [0, level[0], 0, level[1]]

    @pytest.mark.parametrize(("ends", "level"), [((-1, 2), (-1, 1)), ((0, 2), (0, 1)), ((-1, 0), (-1, 0))])
    def test_an_open_sign_is_level(self, ends, level):
        assert lines_of(Elementary.SIGN, *ends) == [0, level[0], 0, level[1]]


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
