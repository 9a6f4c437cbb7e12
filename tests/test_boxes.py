"""Boxes, and what it means that all of one is classified as its label says."""

from fractions import Fraction

from boxes import random_boxes
from hypothesis import given
from hypothesis import strategies as st

from soundbench.boxes import intervals_of, robustness_property
from soundbench.certificate import centre_of

seeds = st.integers(0, 2**32 - 1)


@given(seed=seeds, classes=st.integers(2, 5), index=st.integers(0, 2), data=st.data())
def test_unsafe_is_where_another_class_reaches_the_label(seed, classes, index, data):
    boxes = random_boxes(seed, classes=classes)
    unsafe = robustness_property(boxes, index, classes)
    assert (unsafe.input_count, unsafe.output_count, len(unsafe.regions)) == (16, classes, classes - 1)
    outputs = data.draw(st.lists(st.integers(-2, 2).map(Fraction), min_size=classes, max_size=classes))
    label = boxes.labels[index]
    wrong = any(outputs[other] >= outputs[label] for other in range(classes) if other != label)
    assert unsafe.is_violated_by(centre_of(unsafe.regions[0]), outputs) == wrong
    outside = [Fraction(1)] * 16
    assert not unsafe.is_violated_by(outside, outputs)


@given(seed=seeds, index=st.integers(0, 2))
def test_intervals_are_the_very_ends_of_the_box_in_the_order_of_inputs(seed, index):
    boxes = random_boxes(seed, shape=(2, 2, 4))
    intervals = intervals_of(boxes, index)
    assert [interval.lower for interval in intervals] == boxes.lower[index].ravel().tolist()
    assert [interval.upper for interval in intervals] == boxes.upper[index].ravel().tolist()
