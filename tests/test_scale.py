"""How boxes lie in the space of inputs; whatever the scale, the same base in coordinates of its own."""

import numpy as np
import pytest
from boxes import random_boxes
from hypothesis import given
from hypothesis import strategies as st

from soundbench.architecture import Activate, Dense
from soundbench.graph import Function
from soundbench.needle import Carry
from soundbench.scale import FAR, GRID, LARGE, SCALES, TINY

seeds = st.integers(0, 2**32 - 1)
every_scale = pytest.mark.parametrize("name", SCALES)
INPUTS = 16


def scale_of(name, seed=0):
    return SCALES[name](INPUTS, np.random.default_rng(seed))


@every_scale
@given(seed=seeds)
def test_boxes_are_scaled_to_float32_numbers_of_few_decimals(name, seed):
    scale, drawn = scale_of(name, seed), random_boxes(seed, shape=(2, 8))
    boxes = scale.boxes(drawn)
    assert boxes.labels == drawn.labels
    centre, spread = scale.centre.reshape(2, 8), scale.spread.reshape(2, 8)
    for found, given_side in ((boxes.lower, drawn.lower), (boxes.upper, drawn.upper)):
        assert found.shape == given_side.shape
        assert (found.astype(np.float32).astype(np.float64) == found).all()
        assert ((found - centre) / spread % GRID == 0).all()
        assert np.abs(found - (centre + spread * given_side)).max() <= 0.5 * GRID * spread.max()
    assert (boxes.lower < boxes.upper).all()


def test_what_scales_are_called_is_what_they_are():
    half = 0.1
    lower, upper = (
        {name: scale_of(name).centre + sign * half * scale_of(name).spread for name in SCALES} for sign in (-1, 1)
    )
    assert (np.abs(0.5 * (lower["near"] + upper["near"])) == 0).all()
    far = scale_of("far", seed=3).centre
    assert set(far.tolist()) == {-FAR, FAR}
    assert upper["tiny"] - lower["tiny"] == pytest.approx(2 * half * TINY)
    assert upper["large"] - lower["large"] == pytest.approx(2 * half * LARGE)
    assert TINY < 0.1
    assert LARGE > 100


@every_scale
@given(seed=seeds)
def test_a_base_on_inputs_is_the_base_on_its_own_coordinates(name, seed):
    random = np.random.default_rng(seed)
    scale = SCALES[name](INPUTS, random)
    first = Dense("dense1", random.normal(size=(5, INPUTS)), random.normal(size=5))
    last = Dense("logits", random.normal(size=(2, 5)), random.normal(size=2))
    layers = scale.base([first, Activate("active1", Function.RELU), last])
    own = random.uniform(-0.3, 0.3, (20, INPUTS))
    inputs = scale.centre + scale.spread * own
    scaled = layers[0]
    assert inputs @ scaled.weights.T + scaled.bias == pytest.approx(own @ first.weights.T + first.bias, abs=1e-9)
    assert layers[1:] == [Activate("active1", Function.RELU), last]


@every_scale
@given(seed=seeds)
def test_what_comes_back_as_inputs_comes_back_as_coordinates_of_its_own(name, seed):
    random = np.random.default_rng(seed)
    scale = SCALES[name](INPUTS, random)
    carry = Carry(random.normal(size=(INPUTS, 9)), random.normal(size=INPUTS))
    features = random.normal(size=(20, 9))
    inputs = features @ carry.recovery.T + carry.offset
    scaled = scale.carry(carry)
    own = features @ scaled.recovery.T + scaled.offset
    assert scale.centre + scale.spread * own == pytest.approx(inputs, abs=1e-9)
