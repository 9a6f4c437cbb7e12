"""What a property asks, and of what box, is told from its meaning and from nothing else."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_networks import unsafe_set

from soundbench.instance import Constraint, Interval, Property, Region
from soundbench.property_features import box_features, hull, property_features

BOX = "(>= X_0 0)", "(<= X_0 1)"


def asked(*assertions, outputs=3):
    return property_features(unsafe_set(1, outputs, *BOX, *assertions))


def plain(**others):
    return {
        "regions": "one",
        "constraints": "one against one",
        "conjunctions": "none",
        "bounds": "not strict",
        "input bounds": "not strict",
        **others,
    }


@pytest.mark.parametrize(
    ("assertions", "features"),
    [
        (["(<= Y_0 Y_1)"], plain()),
        (["(>= Y_1 Y_0)"], plain()),
        (["(<= (- Y_0 Y_1) 0.0)"], plain()),
        (["(< Y_0 Y_1)"], plain(bounds="strict")),
        (["(> X_0 0)", "(< X_0 1)", "(<= Y_0 Y_1)"], plain(**{"input bounds": "strict"})),
        (["(> X_0 0)", "(<= Y_0 Y_1)"], plain(**{"input bounds": "mixed"})),
        (["(<= X_0 0)", "(<= Y_0 Y_1)"], plain()),
        (["(<= Y_0 0.5)"], plain(constraints="one against a number")),
        (["(>= Y_0 0.5)"], plain(constraints="one against a number")),
        (["(<= (- Y_0 Y_1) 0.5)"], plain(constraints="a combination")),
        (["(<= (+ (* 2.0 Y_0) (* -1.0 Y_1)) 0.0)"], plain(constraints="a combination")),
        (["(<= (+ Y_0 Y_1 Y_2) 0.0)"], plain(constraints="a combination")),
        (["(or (<= Y_0 Y_1) (<= Y_0 Y_2))"], plain(regions="several of one box")),
        (["(or (<= Y_0 Y_1) (<= Y_0 0.5))"], plain(regions="several of one box", constraints="mixed")),
        (["(or (<= Y_0 Y_1) (< Y_0 Y_2))"], plain(regions="several of one box", bounds="mixed")),
        (["(<= Y_0 Y_1)", "(<= Y_0 Y_2)"], plain(conjunctions="every region")),
        (["(or (and (<= Y_0 Y_1) (<= Y_2 Y_1)) (<= Y_0 Y_2))"],
         plain(regions="several of one box", conjunctions="mixed")),
        (["(or (and (<= X_0 0.5) (<= Y_0 Y_1)) (and (>= X_0 0.7) (<= Y_0 Y_1)))"], plain(regions="2 boxes")),
        (["(or (and (<= X_0 0.5) (<= Y_0 Y_1)) (and (>= X_0 0.7) (<= Y_0 Y_1)))", "(or (<= Y_2 Y_1) (<= Y_2 Y_0))"],
         plain(regions="2 boxes, 4 regions", conjunctions="every region")),
    ],
)  # fmt: skip
def test_what_is_asked(assertions, features):
    assert asked(*assertions) == features


def boxed(*boxes):
    """A property over these boxes, each a list of (lower, upper)."""
    constraint = (Constraint(((0, Fraction(1)),), Fraction(0)),)
    regions = tuple(
        Region(tuple(Interval(Fraction(low), Fraction(high)) for low, high in box), constraint) for box in boxes
    )
    return Property(len(boxes[0]), 1, regions)


@pytest.mark.parametrize(
    ("box", "features"),
    [
        ([(0, 0.2), (0.1, 0.3)], {"box": "cube", "width": "ordinary", "distance from zero": "near"}),
        ([(0, 0.2), (0.1, 0.301)], {"box": "cube", "width": "ordinary", "distance from zero": "near"}),
        ([(0, 0.2), (0.1, 0.31)], {"box": "anisotropic", "width": "ordinary", "distance from zero": "near"}),
        ([(0, 0.2), (0.1, 0.1)], {"box": "fixed inputs", "width": "ordinary", "distance from zero": "near"}),
        ([(0, 0), (1, 1)], {"box": "a point"}),
        ([(0, 0.01)] * 3, {"box": "cube", "width": "tiny", "distance from zero": "near"}),
        ([(-100, 104)] * 3, {"box": "cube", "width": "large", "distance from zero": "near"}),
        ([(0.9, 1.1)] * 3, {"box": "cube", "width": "ordinary", "distance from zero": "far"}),
        ([(-1.1, -0.9)] * 3, {"box": "cube", "width": "ordinary", "distance from zero": "far"}),
        ([(-1.1, -0.9), (0, 0.2), (0, 0.2)], {"box": "cube", "width": "ordinary", "distance from zero": "near"}),
    ],
)
def test_the_box(box, features):
    assert box_features(boxed(box)) == features


def test_several_boxes_are_told_by_the_box_around_them():
    halves = [(0, 0.09), (0, 0.2)], [(0.11, 0.2), (0, 0.2)]
    assert box_features(boxed(*halves)) == box_features(boxed([(0, 0.2), (0, 0.2)]))
    assert hull(boxed(*halves)) == (Interval(Fraction(0), Fraction(0.2)),) * 2


intervals = st.tuples(st.fractions(-100, 100), st.fractions(0, 10)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(st.lists(intervals, min_size=1, max_size=5), st.randoms())
def test_the_order_of_inputs_does_not_matter(box, random):
    shuffled = random.sample(box, len(box))
    assert box_features(boxed(box)) == box_features(boxed(shuffled))


@given(st.lists(intervals, min_size=1, max_size=5), st.fractions(1, 50))
def test_a_scaled_box_has_the_same_shape_and_is_as_far_from_zero(box, factor):
    scaled = [(low * factor, high * factor) for low, high in box]
    before, after = box_features(boxed(box)), box_features(boxed(scaled))
    for feature in ("box", "distance from zero"):
        assert before.get(feature) == after.get(feature)
