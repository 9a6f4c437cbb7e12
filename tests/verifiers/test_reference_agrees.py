"""The reference verifier and the library, which share no code for it, read and bound networks alike."""

from fractions import Fraction

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import CASES, random_attention, random_mixture, random_network, random_node
from random_networks import read as read_by_library
from reference_networks import read
from soundbench.verifiers.reference.bounding import relax
from soundbench.verifiers.reference.failures import NumericError
from soundbench.verifiers.reference.intervals import Bounds, forward
from soundbench.verifiers.reference.rounding import FLOAT64_UNIT
from soundbench.verifiers.reference.steps import DEFAULT

from soundbench.rigorous import evaluate

LARGEST = 2.0  # of an input


def check(model: onnx.ModelProto, random: np.random.Generator) -> None:
    """What is proven of a point by either contradicts neither the other, nor bounds over a box around it."""
    network, size = read(model), read_by_library(model).input_count
    point = random.uniform(-LARGEST, LARGEST, size).astype(np.float32).astype(np.float64)
    radius = 10 ** random.uniform(-3, 0, size) * random.integers(2, size=size)
    real = evaluate(read_by_library(model), tuple(map(Fraction, point.tolist())))
    with np.errstate(all="ignore"):
        try:
            at_point = forward(network, Bounds(point, point), FLOAT64_UNIT)[network.output]
            around = relax(network, Bounds(point - radius, point + radius), DEFAULT)[0].tensors[network.output]
        except NumericError:
            return
    for bounds in (at_point, around):
        ends = zip(real, bounds.lower.tolist(), bounds.upper.tolist(), strict=True)
        assert all(Fraction(lower) <= high and low <= Fraction(upper) for (low, high), lower, upper in ends)


@pytest.mark.parametrize("operator", CASES)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_of_every_operator(operator: str, seed: int):
    random = np.random.default_rng(seed)
    check(random_node(operator, random), random)


@pytest.mark.parametrize("draw", [random_network, random_attention, random_mixture])
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_of_whole_networks(draw, seed: int):
    random = np.random.default_rng(seed)
    check(draw(random), random)
