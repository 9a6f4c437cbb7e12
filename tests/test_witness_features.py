"""Where a witness lies is told from the point and its box alone."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_networks import unsafe_set

from soundbench.ground_truth import Hiding
from soundbench.instance import Interval, Region
from soundbench.witness_features import is_at_middle, is_border, place_among, violated_regions, witness_features

CUBE = [(0.0, 1.0)] * 4
FACE, EDGE = "at a face", "inside"


def exact(values):
    return tuple(Fraction(float(np.float32(value))) for value in values)


def told(box, point, hiding=None, shape=(1, 4)):
    region = Region(tuple(Interval(Fraction(low), Fraction(high)) for low, high in box), ())
    return witness_features(region, exact(point), hiding, shape)


def drawn_from(*priors, pinned=()):
    """A hiding bound of a needle that reads the first inputs; of each, the prior."""
    lower, upper = zip(*priors, strict=True)
    reads = tuple(range(len(priors)))
    return Hiding("tip", 0, reads, (0.01,) * len(priors), lower, upper, pinned, 1e8, 1e-9, {})


@pytest.mark.parametrize(
    ("point", "position"),
    [
        ([0.3, 0.3, 0.3, 0.3], "interior"),
        ([0.3, 0.005, 0.3, 0.3], "face"),
        ([0.3, 0.995, 0.3, 0.001], "edge"),
        ([0.005, 0.995, 0.005, 0.005], "corner"),
    ],
)
def test_position(point, position):
    assert told(CUBE, point)["position"] == position


def test_inputs_of_no_width_do_not_count():
    assert told([(0, 1), (2, 2), (0, 1)], [0.005, 2, 0.995])["position"] == "corner"
    assert told([(2, 2)], [2]) == {}


@pytest.mark.parametrize(
    ("point", "middles", "split"),
    [
        ([0.3, 0.3, 0.3, 0.3], "none", "below"),
        ([0.7, 0.3, 0.3, 0.3], "none", "above"),
        ([0.3, 0.3, 0.5, 0.3], "one", "on the plane"),
        ([0.5, 0.3, 0.5, 0.3], "several", "on the plane"),
    ],
)
def test_middles_of_a_cube(point, middles, split):
    found = told(CUBE, point)
    assert (found["coordinates at the middle"], found["first split"]) == (middles, split)


@pytest.mark.parametrize(
    ("point", "middles", "split"),
    [([0.5, 0.4], "one", "below"), ([0.5, 1.6], "one", "above"), ([0.4, 1.0], "one", "on the plane")],
)
def test_the_first_split_is_of_the_widest_input(point, middles, split):
    found = told([(0, 1), (0, 2)], point)
    assert (found["coordinates at the middle"], found["first split"]) == (middles, split)


def test_the_narrowest_input():
    assert "narrowest input" not in told(CUBE, [0.005, 0.3, 0.3, 0.3])
    assert told([(0, 1), (0, 0.1)], [0.3, 0.0999])["narrowest input"] == "at a face"
    assert told([(0, 1), (0, 0.1)], [0.999, 0.05])["narrowest input"] == "inside"


WHOLE, UPPER, LOWER = (0.1, 0.9), (0.5, 0.9), (0.1, 0.5)


@pytest.mark.parametrize(
    ("hiding", "prior"),
    [
        (drawn_from(WHOLE, WHOLE, WHOLE, WHOLE), "whole box"),
        (drawn_from(WHOLE, UPPER, WHOLE, UPPER), "upper halves"),
        (drawn_from(WHOLE, UPPER, WHOLE, LOWER), "halves"),
        (drawn_from(LOWER, WHOLE, WHOLE, WHOLE), "halves"),
        (drawn_from(LOWER, WHOLE, WHOLE, WHOLE, pinned=(0,)), "whole box"),
        (drawn_from(WHOLE, WHOLE, WHOLE), None),
        (drawn_from(WHOLE, UPPER, WHOLE), "upper halves"),
        (None, None),
    ],
)
def test_what_it_was_drawn_from(hiding, prior):
    assert told(CUBE, [0.6, 0.6, 0.6, 0.6], hiding).get("prior") == prior


def test_priors_that_do_not_fit_are_no_reason_to_fail():
    broken = Hiding("tip", 0, (7, -1, 2, 1), (), (0.5,), (), (), 1e8, 1e-9, {})
    assert "prior" not in told(CUBE, [0.6] * 4, broken)


IMAGE = [(0.0, 1.0)] * 24


@pytest.mark.parametrize(
    ("shape", "index", "where"),
    [
        ((1, 2, 3, 4), 0, "at the border"),
        ((1, 2, 3, 4), 5, "inside"),
        ((1, 2, 3, 4), 7, "at the border"),
        ((1, 2, 3, 4), 12 + 6, "inside"),
        ((1, 24), 0, None),
        ((1, 24, 1, 1), 0, None),
    ],
)
def test_a_pixel_at_a_face(shape, index, where):
    point = [0.3] * 24
    assert "pixel at a face" not in told(IMAGE, point, shape=shape)
    point[index] = 0.999
    assert told(IMAGE, point, shape=shape).get("pixel at a face") == where


@given(st.integers(1, 4), st.integers(2, 6), st.integers(2, 6))
def test_the_border_is_what_a_smaller_image_lacks(channels, rows, columns):
    image = np.ones((channels, rows, columns), dtype=bool)
    image[:, 1:-1, 1:-1] = False
    assert [is_border(index, rows, columns) for index in range(image.size)] == image.ravel().tolist()


float32 = st.floats(-1000, 1000, width=32)


@given(float32, st.floats(2.0**-10, 100, width=32))
def test_the_middle_rounded_to_float32_is_the_middle(low, width):
    high = float(np.float32(low + width))
    interval = Interval(Fraction(low), Fraction(high))
    middle = np.float32((low + high) / 2)
    assert is_at_middle(interval, Fraction(float(middle)))
    assert not is_at_middle(interval, Fraction(float(middle)) + Fraction(width) / 100)


def test_numbers_beyond_float32_are_at_no_middle():
    huge = Interval(Fraction(-1), Fraction(10) ** 60)
    with pytest.raises(OverflowError):
        is_at_middle(huge, Fraction(0))


UNSAFE = unsafe_set(
    1, 2, "(or (and (<= 0 X_0) (<= X_0 1) (<= Y_0 Y_1)) (and (<= 2 X_0) (<= X_0 3) (<= Y_1 Y_0)) "
    "(and (<= 0 X_0) (<= X_0 9) (<= Y_0 5)))",
)  # fmt: skip


@pytest.mark.parametrize(
    ("point", "outputs", "regions"),
    [
        ([0.5], [6, 7], [0]),
        ([2.5], [7, 6], [1]),
        ([2.5], [6, 7], []),
        ([0.5], [1, 2], [0, 2]),
        ([4], [5, 5], [2]),
        ([10], [5, 5], []),
        ([0.5, 0.5], [6, 7], []),
    ],
)
def test_violated_regions(point, outputs, regions):
    assert violated_regions(UNSAFE, exact(point), exact(outputs)) == regions


@pytest.mark.parametrize(
    ("regions", "count", "words"),
    [
        ([], 3, "none"), ([0], 1, "the only one"), ([0], 2, "the first"), ([1], 2, "the last"),
        ([1], 3, "one between"), ([2], 3, "the last"), ([0, 2], 3, "several"),
    ],
)  # fmt: skip
def test_place_among(regions, count, words):
    assert place_among(regions, count) == words
