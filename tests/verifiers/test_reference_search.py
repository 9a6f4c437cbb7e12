"""What the search concludes: properties of every shape, counterexamples that are real, and giving up honestly."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_networks import Layer, at_most, model_of, read, region, run, unsafe
from soundbench.verifiers.reference.bounding import ConstraintBounds
from soundbench.verifiers.reference.branching import choose_cut, choose_dimension, split
from soundbench.verifiers.reference.intervals import Bounds
from soundbench.verifiers.reference.line import Line
from soundbench.verifiers.reference.network import Exp, Network, Relu, dense
from soundbench.verifiers.reference.search import verify
from soundbench.verifiers.reference.steps import DEFAULT
from soundbench.verifiers.reference.subdomains import (
    Ending,
    SubDomain,
    conclude,
    expand,
    is_refuted,
    troubled_dimension,
)
from soundbench.verifiers.reference.targets import Constraints, box, constraints, float32_limits, targets
from soundbench.verifiers.reference.verdict import Verdict

from soundbench.claim import Claim
from soundbench.errors import InputError
from soundbench.instance import Constraint, Interval, Property, Region

SECONDS = 30.0
IDENTITY = Network(2, 2, (dense(0, np.eye(2), np.zeros(2)),), 1)


def decide(*regions: Region, network: Network = IDENTITY) -> Verdict:
    return verify(network, unsafe(network, *regions), SECONDS)


def test_each_region_counts():
    """An input of any one region suffices, whichever it is."""
    holds = [region([low, 0], [low + 1, 1], at_most({0: 1}, low - 1)) for low in (0.0, 5.0, -7.0)]
    violated = region([2, 0], [3, 1], at_most({0: 1}, 2.5))
    assert decide(*holds).claim is Claim.VERIFIED
    for place in range(4):
        verdict = decide(*holds[:place], violated, *holds[place:])
        assert verdict.claim is Claim.FALSIFIED
        assert verdict.counterexample is not None
        assert 2 <= verdict.counterexample[0] <= Fraction(5, 2)


def test_every_constraint_of_a_conjunction_has_to_be_met():
    one, other = at_most({0: 1}, 0.25), at_most({0: -1}, -0.75)
    assert decide(region([0, 0], [1, 1], one)).claim is Claim.FALSIFIED
    assert decide(region([0, 0], [1, 1], other)).claim is Claim.FALSIFIED
    assert decide(region([0, 0], [1, 1], one, other)).claim is Claim.VERIFIED


def test_a_region_without_constraints_is_violated_by_any_input():
    assert decide(region([0, 0], [1, 1])).claim is Claim.FALSIFIED


@pytest.mark.parametrize("sign", [1, -1])
def test_a_bound_that_is_met_exactly_is_not_verified(sign: int):
    """Only the very edge of the box is unsafe: rounding may hide that, in neither direction may it be claimed away."""
    edge = unsafe(IDENTITY, region([0, 0], [1, 1], at_most({0: sign}, 0 if sign > 0 else -1)))
    assert verify(IDENTITY, edge, 0.2).claim is not Claim.VERIFIED


def test_zero_refutes_a_strict_constraint_only():
    at_zero = ConstraintBounds(np.zeros(1), np.zeros((1, 2)), np.zeros((1, 2)))
    for strict in (True, False):
        rows = Constraints(np.ones((1, 2)), np.zeros(1), np.array([strict]))
        assert is_refuted(rows, at_zero) is strict


def test_a_point_is_decided_however_small_the_box():
    point = [0.125, 0.75]
    assert decide(region(point, point, at_most({0: 1}, 0.25))).claim is Claim.FALSIFIED
    assert decide(region(point, point, at_most({0: 1}, 0.0))).claim is Claim.VERIFIED


def test_a_box_too_small_to_split_is_given_up():
    point = [0.125, 0.75]
    assert decide(region(point, point, at_most({0: 1}, point[0]))).claim is Claim.UNKNOWN


@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38])
def test_numbers_that_cannot_be_used_are_never_verified(value: float):
    weight = np.full((2, 2), value)
    network = Network(2, 2, tuple(dense(index, weight, np.zeros(2)) for index in range(3)), 3)
    verdict = decide(region([0, 0], [1, 1], at_most({0: -1}, -1)), network=network)
    assert verdict == Verdict(Claim.UNKNOWN, 1)


def test_bounds_that_cross_are_given_up():
    """As if a relaxation were wrong: no input may be taken for impossible."""
    crossed = replace(DEFAULT, upper_line={Relu: lambda _node, lower, _: Line(0 * lower, 0 * lower - 5)})
    weights = (dense(0, np.eye(2), -0.5 * np.ones(2)), Relu(1), dense(2, np.eye(2), np.ones(2)), Relu(3))
    network = Network(2, 2, (*weights, dense(4, np.eye(2), np.zeros(2))), 5)
    unsafe_set = unsafe(network, region([0, 0], [1, 1], at_most({0: 1}, -100)))
    assert verify(network, unsafe_set, SECONDS).claim is Claim.VERIFIED
    steps = replace(crossed, worth_refining=lambda _, bounds: np.ones(len(bounds.lower), dtype=np.bool_))
    assert verify(network, unsafe_set, SECONDS, steps) == Verdict(Claim.UNKNOWN, 1)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
def test_without_time_nothing_is_claimed(seconds: float):
    unsafe_set = unsafe(IDENTITY, region([0, 0], [1, 1], at_most({0: 1}, -1)))
    assert verify(IDENTITY, unsafe_set, seconds) == Verdict(Claim.TIMEOUT, 0)


def zero(index: int, first: int) -> list[Layer]:
    """Layers number `first` and on: zero three times, of an input, with bounds that overflow unless it is narrow.

    With a = 4 x + 2 and b = 4 x, a^2 - b^2 - 2 a - 2 b is zero.
    """
    weights = np.zeros((2, 3), np.float32)
    weights[:, index] = 4
    names = [f"t{first + number}" for number in range(5)]
    layers = [
        Layer("Gemm", ("x", weights, np.array([2, 0], np.float32)), {"transB": 1}),
        Layer("Pow", (names[0], np.float32(2))),
        Layer("Concat", (names[1], names[0]), {"axis": 1}),
        Layer("Gemm", (names[2], np.array([[1, -1, -2, -2]], np.float32)), {"transB": 1}),
    ]
    layers += [Layer("Pow", (f"t{first + number}", np.float32(2))) for number in range(3, 12)]
    return [*layers, Layer("Gemm", (f"t{first + 12}", np.ones((3, 1), np.float32)), {"transB": 1})]


def overflowing(*causes: int) -> Network:
    """The identity of three inputs, to which is added what is zero, of each of some inputs."""
    layers: list[Layer] = []
    ends = []
    for cause in causes:
        layers += zero(cause, len(layers))
        ends.append(f"t{len(layers) - 1}")
    source = "x"
    for end in ends:
        layers.append(Layer("Add", (source, end)))
        source = f"t{len(layers) - 1}"
    return read(model_of((1, 3), layers))


sides = st.lists(st.tuples(st.floats(-1, 1, width=16), st.sampled_from([0.25, 1.0, 1.5])), min_size=3, max_size=3)


@settings(max_examples=20, deadline=None)
@given(sides=sides, causes=st.sets(st.integers(0, 2), min_size=1, max_size=2), share=st.sampled_from([-0.25, 0.5]))
def test_a_box_of_unusable_bounds_is_split_until_they_are_usable(
    sides: list[tuple[float, float]], causes: set[int], share: float
):
    """One input reaches a share of its range from below; it does not if the share is negative."""
    lower, widths = ([side[part] for side in sides] for part in (0, 1))
    upper = [low + width for low, width in zip(lower, widths, strict=True)]
    asked = region(lower, upper, at_most({1: 1}, lower[1] + share * widths[1]))
    network = overflowing(*causes)
    verdict = verify(network, unsafe(network, asked), SECONDS)
    assert verdict.claim is (Claim.FALSIFIED if share > 0 else Claim.VERIFIED)
    if any(widths[cause] > 1 for cause in causes):
        assert verdict.nodes > 2


@pytest.mark.parametrize(("cause", "widths"), [(0, (1, 2, 3)), (2, (1, 2, 3)), (1, (3, 2, 2))])
def test_the_input_by_which_bounds_are_unusable_is_split(cause: int, widths: tuple[float, ...]):
    network = overflowing(cause)
    asked = unsafe(network, region([0, 0, 0], list(widths), at_most({0: 1}, -1)))
    (target,) = targets(asked, network, DEFAULT)
    assert troubled_dimension(network, SubDomain(0.0, (0,), target, target.box), DEFAULT) == cause


def test_of_several_such_inputs_the_widest_is_split():
    network = overflowing(0, 1)
    asked = unsafe(network, region([0, 0, 0], [2, 3, 1], at_most({0: 1}, -1)))
    (target,) = targets(asked, network, DEFAULT)
    root = SubDomain(5.0, (0,), target, target.box)
    assert troubled_dimension(network, root, DEFAULT) == 1
    expansion = expand(network, root, DEFAULT)
    assert [child.path for child in expansion.children] == [(0, 0), (0, 1)]
    assert [child.priority for child in expansion.children] == [5.0, 5.0]
    assert not expansion.given_up
    assert expansion.children[0].box.upper[1] == expansion.children[1].box.lower[1] == 1.5


def test_only_an_empty_queue_without_anything_given_up_is_verified():
    assert conclude(Ending(0, 0, None)) is Claim.VERIFIED
    assert conclude(Ending(0, 1, None)) is Claim.UNKNOWN
    assert conclude(Ending(1, 0, None)) is Claim.TIMEOUT
    assert conclude(Ending(1, 1, (Fraction(0),))) is Claim.FALSIFIED


def test_sizes_that_differ_are_an_input_error():
    with pytest.raises(InputError, match="3 inputs"):
        verify(IDENTITY, Property(3, 2, (region([0] * 3, [1] * 3),)), SECONDS)


def test_an_empty_region_is_an_input_error():
    empty = Region((Interval(Fraction(1), Fraction(0)), Interval(Fraction(0), Fraction(1))), ())
    with pytest.raises(InputError, match="without any input"):
        decide(region([0, 0], [1, 1]), empty)


def test_numbers_beyond_float64_are_unknown():
    huge = Constraint(((0, Fraction(1)),), -(Fraction(10) ** 400))
    assert decide(region([0, 0], [1, 1], huge)) == Verdict(Claim.UNKNOWN, 0)


def test_a_violation_within_rounding_is_not_claimed():
    """A network that computes nothing: all that could be lost in float32 is lost in the constraint."""
    network = Network(1, 1, (), 0)
    for excess, claim in ((1e-9, Claim.UNKNOWN), (1e-3, Claim.FALSIFIED)):
        assert decide(region([0.5], [0.5], at_most({0: 1}, 0.5 + excess)), network=network).claim is claim


def test_a_violation_that_float32_cannot_hold_is_not_claimed():
    """exp(95) is beyond float32, where a replay would find no number."""
    network = Network(1, 1, (Exp(0),), 1)
    for low, claim in ((80.0, Claim.FALSIFIED), (95.0, Claim.TIMEOUT)):
        unsafe_set = unsafe(network, region([low], [low + 1], at_most({0: -1}, -1)))
        assert verify(network, unsafe_set, 0.5).claim is claim


@given(factor=st.fractions(), bound=st.fractions())
def test_constraints_are_rounded_so_that_nothing_is_refuted_by_it(factor: Fraction, bound: Fraction):
    found = constraints(Region((), (Constraint(((1, factor),), bound),)), 2)
    assert Fraction(float(found.bound[0])) >= bound
    assert float(found.coefficients[0, 1]) == pytest.approx(float(factor), rel=1e-15)
    assert found.coefficients[0, 0] == 0


rationals = st.fractions(min_value=-1000, max_value=1000, max_denominator=10**9)


@given(lower=rationals, width=st.fractions(min_value=0, max_value=10), opened=st.tuples(st.booleans(), st.booleans()))
def test_float32_limits_are_the_outermost_values_inside(lower: Fraction, width: Fraction, opened: tuple[bool, bool]):
    interval = Interval(lower, lower + width, *opened)
    lowest, highest = (limit[0] for limit in float32_limits(Region((interval,), ())))
    ends = box(Region((interval,), ()))
    assert Fraction(float(ends.lower[0])) <= interval.lower
    assert interval.upper <= Fraction(float(ends.upper[0]))
    if lowest <= highest:
        assert all(interval.contains(Fraction(float(value))) for value in (lowest, highest))
    assert not interval.contains(Fraction(float(np.nextafter(lowest, np.float32(-np.inf)))))
    assert not interval.contains(Fraction(float(np.nextafter(highest, np.float32(np.inf)))))


def test_a_box_without_a_float32_value_has_no_counterexample():
    """0.1 is no float32: every real input is unsafe, yet none can be named."""
    tenth = Interval(Fraction(1, 10), Fraction(1, 10))
    assert decide(Region((tenth, tenth), (at_most({0: 1}, 1),))).claim is Claim.UNKNOWN


def test_strict_bounds_are_respected_by_counterexamples():
    """Only X_0 below 1 is allowed, and only X_0 close to 1 is unsafe."""
    half_open = Interval(Fraction(1, 2), Fraction(1), upper_open=True)
    unsafe_outputs = Constraint(((0, Fraction(-1)),), Fraction(-9999, 10000))
    verdict = decide(Region((half_open, half_open), (unsafe_outputs,)))
    assert verdict.claim is Claim.FALSIFIED
    assert verdict.counterexample is not None
    assert all(half_open.contains(value) for value in verdict.counterexample)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_verdicts_agree_with_onnx_runtime(seed: int):
    """Verified: no sampled input is unsafe. Falsified: the counterexample is, in float32, and lies in its region."""
    random = np.random.default_rng(seed)
    shapes = [(3, 6), (6, 6), (6, 2)]
    layers = [Layer("Identity", ("x",))]
    for number, shape in enumerate(shapes):
        if number:
            layers.append(Layer(["Relu", "Tanh", "Sigmoid"][random.integers(3)], (f"t{len(layers) - 1}",)))
        weight, bias = random.normal(size=shape).astype(np.float32), random.normal(size=shape[1]).astype(np.float32)
        layers.append(Layer("Gemm", (f"t{len(layers) - 1}", weight, bias)))
    model = model_of((1, 3), layers)
    network = read(model)
    boxes = [random.normal(size=3).astype(np.float32) for _ in range(2)]
    bound = float(np.quantile(run(model, random.normal(size=(50, 3)))[:, 0], random.uniform()))
    regions = [region(low, low + np.float32(0.5), at_most({0: 1, 1: -0.5}, bound)) for low in boxes]
    unsafe_set = unsafe(network, *regions)
    verdict = verify(network, unsafe_set, 2.0)
    assert verdict.claim in {Claim.VERIFIED, Claim.FALSIFIED, Claim.TIMEOUT}
    points = (
        [np.array([float(value) for value in verdict.counterexample])]
        if verdict.counterexample
        else [low + random.uniform(size=3) * 0.5 for low in boxes for _ in range(100)]
    )
    points = np.array(points).astype(np.float32).astype(np.float64)
    for point, outputs in zip(points.tolist(), run(model, points).tolist(), strict=True):
        exact = [Fraction(value) for value in point], [Fraction(value) for value in outputs]
        if verdict.claim is Claim.FALSIFIED:
            assert unsafe_set.is_violated_by(*exact)
        elif verdict.claim is Claim.VERIFIED:
            near_miss = unsafe(network, *[replace_bound(each, Fraction(-1, 10**4)) for each in regions])
            assert not near_miss.is_violated_by(*exact)


def replace_bound(each: Region, change: Fraction) -> Region:
    """Float32 rounding may make a violation of a bound that is barely kept."""
    return replace(each, outputs=tuple(replace(item, bound=item.bound + change) for item in each.outputs))


def test_children_cover_their_parent_and_share_the_cut():
    parent = Bounds(np.array([0.0, -1.0]), np.array([1.0, 1.0]))
    below, above = split(parent, 1, choose_cut(parent, 1))
    assert below.lower.tolist() == [0, -1]
    assert below.upper.tolist() == [1, 0]
    assert above.lower.tolist() == [0, 0]
    assert above.upper.tolist() == [1, 1]
    assert split(parent, 0, 1.0) == ()


def test_the_dimension_that_matters_most_is_cut():
    parent = Bounds(np.array([0.0, 0.0, 0.0]), np.array([1.0, 2.0, 8.0]))
    flat = np.zeros((2, 3))
    matters = np.array([[9.0, 0.0, 0.0], [3.0, 2.0, 0.1]])
    assert choose_dimension(parent, ConstraintBounds(np.array([-2.0, -1.0]), flat, matters)) == 1
    assert choose_dimension(parent, ConstraintBounds(np.array([-1.0, -2.0]), flat, matters)) == 0
    assert choose_dimension(parent, ConstraintBounds(np.array([-1.0, -2.0]), flat, flat)) == 2


def test_targets_keep_the_order_of_the_regions():
    regions = [region([low, 0], [low + 1, 2], at_most({0: 1}, low)) for low in (0.0, 5.0)]
    found = targets(unsafe(IDENTITY, *regions), IDENTITY, DEFAULT)
    assert [target.box.lower[0] for target in found] == [0, 5]
    assert [target.constraints.bound[0] for target in found] == [0, 5]
