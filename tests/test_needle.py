import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from soundbench.graph import Function, apply_float64
from soundbench.needle import SATURATION, STEEPNESS, Carry, Needle, bump_height, misalignment_for, rows_of

COUNT = 5
IDENTITY = Carry(np.eye(COUNT), np.zeros(COUNT))
READS = (0, 2, 3, 4)
RADII, GAIN = np.array([0.03, 0.01, 0.05, 0.02]), 7.0

numbers = st.floats(-0.4, 0.4)
points = arrays(np.float64, COUNT, elements=numbers)
centers = arrays(np.float64, len(READS), elements=numbers)
saturating = pytest.mark.parametrize("function", [Function.TANH, Function.SIGMOID])


def needle_at(center, misalignment=None):
    moved = np.zeros(len(READS)) if misalignment is None else np.array(misalignment)
    return Needle(READS, np.array(center), RADII, GAIN, 1, moved)


def tip_input(needle, function, x, carry=IDENTITY):
    """What the tip's activation reads, at inputs x (inputs,)."""
    rows = rows_of(needle, carry, function)
    features = np.linalg.solve(carry.recovery, x - carry.offset)
    sides = apply_float64(function, rows.weights @ features + rows.bias)
    return float(rows.tip_weights @ sides + rows.tip_bias)


def effect(needle, function, x, carry=IDENTITY):
    """What the needle adds to its logit."""
    rows = rows_of(needle, carry, function)
    tip = apply_float64(function, np.array(tip_input(needle, function, x, carry)))
    return float(rows.logit_weight * tip + rows.logit_bias)


def height(center, x, misalignment=0.0):
    """The formula: relu(1 - sum of (relu(z) + relu(delta - z)) / r), with z = x - c."""
    z, delta = np.asarray(x)[list(READS)] - center, RADII * np.asarray(misalignment)
    return max(0.0, 1.0 - ((np.maximum(z, 0) + np.maximum(delta - z, 0)) / RADII).sum())


@given(center=centers, offset=arrays(np.float64, COUNT, elements=st.floats(-0.02, 0.02)))
def test_a_relu_needle_is_the_formula(center, offset):
    x = np.zeros(COUNT)
    x[list(READS)] = center
    assert effect(needle_at(center), Function.RELU, x) == pytest.approx(GAIN, abs=1e-9)
    assert effect(needle_at(center), Function.RELU, x + offset) == pytest.approx(
        GAIN * height(center, x + offset), abs=1e-9
    )


def beside(center, row, distance):
    """The point at a needle's center but for one read input, which is some half-widths away."""
    x = np.zeros(COUNT)
    x[list(READS)] = center
    x[READS[row]] += distance * RADII[row]
    return x


# The least distance is the half-width, and the hardest case: all other inputs are as at the tip.
distances = st.floats(1, 5).flatmap(lambda distance: st.sampled_from([distance, -distance]))
row_numbers = st.integers(0, len(READS) - 1)


@given(center=centers, row=row_numbers, distance=distances)
def test_a_relu_needle_does_nothing_at_its_half_width_or_further_in_any_input(center, row, distance):
    assert tip_input(needle_at(center), Function.RELU, beside(center, row, distance)) <= 1e-12
    assert effect(needle_at(center), Function.RELU, beside(center, row, 0.99)) > 0


@given(center=centers, x=points, misalignment=arrays(np.float64, len(READS), elements=st.floats(0, 0.5)))
def test_a_misaligned_relu_needle_is_the_formula(center, x, misalignment):
    needle = needle_at(center, misalignment)
    near = x.copy()
    near[list(READS)] = center + 0.05 * x[list(READS)]
    expected = height(center, near, misalignment)
    assert effect(needle, Function.RELU, near) == pytest.approx(GAIN * expected, abs=1e-9)


@given(
    center=centers,
    rows=st.integers(1, len(READS)),
    peak=st.floats(0.05, 0.9),
    shares=arrays(np.float64, COUNT, elements=st.floats(-1, 2)),
)
def test_moving_rows_leaves_a_relu_needle_exactly_the_peak_asked_for(center, rows, peak, shares):
    moved = np.zeros(len(READS))
    moved[:rows] = misalignment_for(Function.RELU, rows, peak)
    needle = needle_at(center, moved)
    x = np.zeros(COUNT)
    x[list(READS)] = center + 0.5 * RADII * moved
    assert effect(needle, Function.RELU, x) == pytest.approx(GAIN * peak, abs=1e-9)
    x[list(READS)] = center + RADII * shares[: len(READS)]
    assert effect(needle, Function.RELU, x) <= GAIN * peak + 1e-9


@given(center=centers, x=points)
def test_what_a_needle_does_not_read_does_not_matter(center, x):
    x[list(READS)] = center
    for function in Function:
        at_zero = x.copy()
        at_zero[1] = 0.0
        assert effect(needle_at(center), function, x) == effect(needle_at(center), function, at_zero)


carries = st.sampled_from([IDENTITY, Carry(np.eye(COUNT) + 0.5 * np.eye(COUNT, k=1), np.full(COUNT, -0.4375))])


@saturating
@given(carry=carries, center=centers, row=row_numbers, distance=distances)
def test_a_saturating_needle_is_high_at_its_center_and_saturated_from_its_half_width_on(
    function, carry, center, row, distance
):
    needle = needle_at(center)
    assert 0.9 * GAIN <= effect(needle, function, beside(center, row, 0.0), carry) <= GAIN * (1 + 1e-9)
    outside = beside(center, row, distance)
    assert tip_input(needle, function, outside, carry) >= SATURATION[function]
    assert effect(needle, function, outside, carry) == pytest.approx(0.0, abs=1e-14 * GAIN)


@saturating
@given(rows=st.integers(1, len(READS)), center=centers, shares=arrays(np.float64, COUNT, elements=st.floats(-2, 2)))
def test_a_misaligned_saturating_needle_never_leaves_saturation(function, rows, center, shares):
    moved = np.zeros(len(READS))
    moved[:rows] = misalignment_for(function, rows, 0.4)
    x = np.zeros(COUNT)
    # A moved bump is highest where its sides are as far on either hand; the others at their centers.
    for offset in (-0.5 * moved, shares[: len(READS)]):
        x[list(READS)] = center + RADII * offset
        assert tip_input(needle_at(center, moved), function, x) >= SATURATION[function]


@saturating
@pytest.mark.parametrize("misalignment", [0.0, 0.3, 1.0, 1.5])
def test_the_height_of_a_bump_is_its_largest_value(function, misalignment):
    """The bump f(K (z + s)) - f(K (z - s + misalignment * s)), with K * s as in STEEPNESS."""
    z = np.linspace(-3, 3, 200_001)
    reach = STEEPNESS[function]
    bump = apply_float64(function, reach * (z + 1)) - apply_float64(function, reach * (z - 1 + misalignment))
    assert bump.max() == pytest.approx(bump_height(function, misalignment), abs=1e-8)
