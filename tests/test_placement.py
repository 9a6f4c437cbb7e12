"""Where boxes and witnesses lie, and how far needles reach."""

from fractions import Fraction

import numpy as np
import pytest
from boxes import random_boxes
from hypothesis import given, settings
from hypothesis import strategies as st

from soundbench.boxes import LabelledBoxes, robustness_property
from soundbench.certificate import is_near_face, is_strictly_inside, position_of
from soundbench.ground_truth import Position
from soundbench.placement import (
    CERTIFIED_REACH,
    INNER_MARGIN,
    MOST_CUT,
    NoRoom,
    Place,
    draw_apart,
    draw_boxes,
    half_widths_for,
    place,
)
from soundbench.scale import SCALES
from soundbench.trigger import NARROW, WIDE, Shape

seeds = st.integers(0, 2**32 - 1)
shapes, scales = st.sampled_from(Shape), st.sampled_from(sorted(SCALES))
INPUTS = 8


def region_of(seed, shape=Shape.CUBE, scale="near"):
    """A box of that shape and scale, as a region."""
    random = np.random.default_rng(seed)
    middle, half = random.uniform(-0.2, 0.2, (1, INPUTS)), 0.1 * shape.spread(INPUTS, random)
    boxes = SCALES[scale](INPUTS, random).boxes(LabelledBoxes(middle - half, middle + half, (0,)))
    return robustness_property(boxes, 0, 2).regions[0]


# --- boxes


@given(
    seed=seeds,
    own=st.lists(shapes, min_size=1, max_size=3),
    classes=st.integers(2, 4),
    radius=st.sampled_from([0.01, 0.05, 0.1]),
)
def test_boxes_are_apart_and_of_two_labels_and_float32_and_as_wide_as_said(seed, own, classes, radius):
    random = np.random.default_rng(seed)
    spreads = np.array([*(shape.spread(24, random) for shape in own), np.ones(24)]).reshape(-1, 2, 3, 4)
    boxes = random_boxes(seed, radius=radius, classes=classes, spreads=spreads)
    assert boxes.lower.shape == boxes.upper.shape == spreads.shape
    assert len(set(boxes.labels)) == min(len(spreads), classes)
    for side in (boxes.lower, boxes.upper):
        assert (side.astype(np.float32).astype(np.float64) == side).all()
    assert boxes.upper - boxes.lower == pytest.approx(2 * radius * spreads, abs=1e-6)
    assert ((boxes.upper == boxes.lower) == (spreads == 0)).all()
    for first in range(len(spreads)):
        for second in range(first):
            gap = np.maximum(boxes.lower[first] - boxes.upper[second], boxes.lower[second] - boxes.upper[first])
            assert gap.max() > 0.9 * radius


def test_boxes_that_do_not_fit_are_given_up():
    """At most one box of radius 0.12 lies around the middle of the space."""
    with pytest.raises(NoRoom, match="do not fit"):
        draw_boxes(np.ones((40, 4)), 0.12, 2, np.random.default_rng(0))


@given(count=st.integers(0, 5))
def test_what_is_drawn_apart_is_the_number_asked_for(count):
    numbers = iter(range(100))
    drawn = draw_apart(lambda: np.array([float(next(numbers))]), [np.array([0.0])], count, 2.5)
    assert [float(each[0]) for each in drawn] == [3.0, 6.0, 9.0, 12.0, 15.0][:count]


def test_what_does_not_fit_apart_is_given_up():
    with pytest.raises(NoRoom, match="3 needles do not fit"):
        draw_apart(lambda: np.array([0.5]), [], 3, 0.1)


# --- witnesses

POSITIONS = {Place.FACE: Position.FACE, Place.NARROW: Position.FACE, Place.EDGE: Position.EDGE}


@given(seed=seeds, shape=shapes, scale=scales, reads=st.integers(4, INPUTS), where=st.sampled_from(Place))
def test_a_witness_is_a_point_inside_from_its_prior_but_for_what_is_pinned(seed, shape, scale, reads, where):
    region = region_of(seed, shape, scale)
    placement = place(where, region, reads, np.random.default_rng(seed))
    point = placement.exact_point
    moving = [index for index, interval in enumerate(region.inputs) if interval.lower < interval.upper]
    assert all(Fraction(float(np.float32(float(value)))) == value for value in point)
    assert is_strictly_inside(region, point)
    assert placement.reads == tuple(sorted(set(placement.reads)))
    assert set(placement.reads) <= set(moving)
    assert len(placement.reads) == min(reads, len(moving))
    assert set(placement.pinned) <= set(placement.reads)
    for index in set(range(INPUTS)) - set(placement.pinned) if where is not Place.CORNER else ():
        rounding = 2.0**-23 * abs(float(point[index]))
        assert placement.inner_lower[index] - rounding <= point[index] <= placement.inner_upper[index] + rounding
        assert index not in moving or not is_near_face(region.inputs[index], point[index])
    expected = Position.CORNER if where is Place.CORNER else POSITIONS.get(where, Position.INTERIOR)
    assert position_of(region, point) is expected


def share_of(region, point, index):
    """How far along its interval a coordinate lies."""
    interval = region.inputs[index]
    return float((point[index] - interval.lower) / (interval.upper - interval.lower))


@given(seed=seeds, shape=shapes, scale=scales, reads=st.integers(4, INPUTS), where=st.sampled_from(Place))
def test_what_is_pinned_lies_where_anybody_may_guess(seed, shape, scale, reads, where):
    region = region_of(seed, shape, scale)
    placement = place(where, region, reads, np.random.default_rng(seed))
    widths = [float(interval.upper - interval.lower) for interval in region.inputs]
    moving = [index for index, width in enumerate(widths) if width]
    shares = [share_of(region, placement.exact_point, index) for index in placement.pinned]
    match where:
        case Place.INTERIOR | Place.LAST_CELL | Place.DEEP:
            assert not shares
        case Place.CENTRE | Place.SPLIT_PLANE:
            assert shares == pytest.approx([0.5] * (2 if where is Place.CENTRE else 1), abs=1e-3)
        case _:
            assert [min(share, 1 - share) for share in shares] == pytest.approx([0.005] * len(shares), abs=1e-3)
    match where:
        case Place.FACE:
            assert placement.pinned in ((moving[0],), (moving[-1],))
        case Place.NARROW:
            assert widths[placement.pinned[0]] == min(width for width in widths if width)
        case Place.SPLIT_PLANE:
            assert widths[placement.pinned[0]] == max(widths)
        case Place.EDGE:
            assert len(placement.pinned) == 2
        case Place.CORNER:
            assert placement.pinned == placement.reads


@given(seed=seeds, shape=shapes, where=st.sampled_from(Place))
def test_only_in_a_part_of_the_box_is_a_coordinate_drawn_from_half_of_its_width(seed, shape, where):
    region = region_of(seed, shape)
    placement = place(where, region, INPUTS, np.random.default_rng(seed))
    lower, upper = (np.array([float(getattr(each, end)) for each in region.inputs]) for end in ("lower", "upper"))
    width = np.where(upper > lower, upper - lower, 1.0)
    low, high = (placement.inner_lower - lower) / width, (upper - placement.inner_upper) / width
    moving = upper > lower
    halved = moving & (np.maximum(low, high) > 0.4)
    whole = moving & ~halved
    assert low[whole] == pytest.approx(INNER_MARGIN)
    assert high[whole] == pytest.approx(INNER_MARGIN)
    assert np.maximum(low, high)[halved] == pytest.approx(0.5)
    assert np.minimum(low, high)[halved] == pytest.approx(INNER_MARGIN)
    is_cut = where in (Place.LAST_CELL, Place.DEEP)
    assert MOST_CUT - 1 <= halved.sum() <= MOST_CUT if is_cut else not halved.any()
    assert where is not Place.LAST_CELL or (low[halved] > 0.4).all()


def test_a_witness_deep_in_a_branch_has_halves_of_either_side():
    sides = set()
    for seed in range(20):
        placement = place(Place.DEEP, region_of(1), INPUTS, np.random.default_rng(seed))
        middles = np.array([float(each.lower + each.upper) / 2 for each in region_of(1).inputs])
        sides |= {"upper"} if (placement.inner_lower >= middles - 1e-9).any() else set()
        sides |= {"lower"} if (placement.inner_upper <= middles + 1e-9).any() else set()
    assert sides == {"upper", "lower"}


# --- needles


@given(
    seed=seeds,
    shape=shapes,
    scale=scales,
    where=st.sampled_from(Place),
    queries=st.floats(1, 1e9),
    chance=st.floats(1e-12, 1e-2),
    reads=st.integers(4, INPUTS),
)
def test_half_widths_are_as_large_as_the_chance_allows_and_no_larger(seed, shape, scale, where, queries, chance, reads):
    placement = place(where, region_of(seed, shape, scale), reads, np.random.default_rng(seed))
    half_widths = half_widths_for(placement, queries, chance)
    assert half_widths.shape == (len(placement.reads),)
    bound = Fraction(queries)
    for read, half_width in zip(placement.reads, half_widths.tolist(), strict=True):
        if read not in placement.pinned or where is Place.CORNER:
            width = Fraction(placement.inner_upper[read]) - Fraction(placement.inner_lower[read])
            bound *= 2 * Fraction(half_width * CERTIFIED_REACH) / width
    assert 0.98 * chance <= bound <= chance


@settings(max_examples=20)
@given(seed=seeds, scale=scales)
def test_half_widths_grow_as_the_roots_of_widths(seed, scale):
    placement = place(Place.INTERIOR, region_of(seed, Shape.ANISOTROPIC, scale), INPUTS, np.random.default_rng(seed))
    half_widths = half_widths_for(placement, 1e8, 1e-9)
    widths = placement.inner_upper - placement.inner_lower
    assert half_widths**2 / widths == pytest.approx(half_widths[0] ** 2 / widths[0])
    assert half_widths.max() / half_widths.min() == pytest.approx(np.sqrt(WIDE / NARROW), rel=0.02)
