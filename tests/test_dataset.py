import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundbench.certificate import is_float32, is_strictly_inside, position_of
from soundbench.dataset import DATA_RANGE, draw_dataset
from soundbench.errors import InputError
from soundbench.ground_truth import Position

RANGE32 = float(np.float32(DATA_RANGE))


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    inputs=st.sampled_from([6, 10, 25, 75]),
    radius=st.floats(0.01, 0.4),
    position=st.sampled_from(Position),
)
def test_boxes_are_disjoint_and_witnesses_lie_where_they_should(seed, inputs, radius, position):
    data = draw_dataset(inputs, radius, 4, 3, position, np.random.default_rng(seed))
    assert data.lower.shape == data.upper.shape == (7, inputs)
    assert data.witnesses.shape == (4, inputs)
    assert set(data.labels) <= {0, 1}
    assert (data.lower >= -RANGE32).all()
    assert (data.upper <= RANGE32).all()
    for first, second in itertools.combinations(range(7), 2):
        assert ((data.upper[first] < data.lower[second]) | (data.upper[second] < data.lower[first])).any()
    for index in range(4):
        unsafe, point = data.property_of(index), data.witness_of(index)
        assert all(is_float32(value) for value in point)
        assert is_strictly_inside(unsafe.regions[0], point)
        assert position_of(unsafe.regions[0], point) is position


def test_the_unsafe_set_is_where_the_other_logit_reaches_the_label_s():
    data = draw_dataset(10, 0.2, 3, 3, Position.EDGE, np.random.default_rng(1))
    for index, label in enumerate(data.labels):
        (region,) = data.property_of(index).regions
        (constraint,) = region.outputs
        assert constraint.terms == tuple(sorted([(label, 1), (1 - label, -1)]))
        assert (constraint.bound, constraint.strict) == (0, False)


def test_boxes_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match=r"20 disjoint boxes of radius 0.5 do not fit into 2 inputs; ask for fewer"):
        draw_dataset(2, 0.5, 10, 10, Position.EDGE, np.random.default_rng(0))
