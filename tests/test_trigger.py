"""What a box is to try."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundbench.ground_truth import TwinKind
from soundbench.notation import Notation
from soundbench.placement import Place
from soundbench.trigger import NARROW, WIDE, Hardness, Shape, Trigger


@pytest.mark.parametrize(
    ("shape", "others"), [(Shape.CUBE, []), (Shape.ANISOTROPIC, [NARROW, WIDE]), (Shape.FIXED_INPUT, [0.0])]
)
@given(seed=st.integers(0, 2**31), inputs=st.integers(2, 30))
def test_widths_are_a_cube_s_but_for_what_the_shape_is_named_after(shape, others, seed, inputs):
    spread = shape.spread(inputs, np.random.default_rng(seed))
    assert sorted(spread.tolist()) == sorted([1.0] * (inputs - len(others)) + others)
    again = {tuple(shape.spread(30, np.random.default_rng(seed)).tolist()) for seed in range(5)}
    assert (len(again) > 1) == bool(others)


def test_factors_are_plain_words():
    trigger = Trigger(
        TwinKind.CROWD, "combined", Place.DEEP, Shape.ANISOTROPIC, Notation.TURNED, Hardness("hard", overshoot=1.4)
    )
    assert trigger.factors == {
        "form": "combined",
        "place": "deep",
        "shape": "anisotropic",
        "notation": "turned",
        "twin": "crowd",
        "hardness": "hard",
    }
    assert {type(value) for value in trigger.factors.values()} == {str}
