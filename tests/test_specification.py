"""What properties ask: each form is unsafe exactly where its words say, with room, and only a raised output gets in."""

import itertools
from fractions import Fraction
from functools import cache, partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundbench.architecture import Activate, Dense, Operation, Operations
from soundbench.export import to_onnx
from soundbench.graph import Function, evaluate_float64
from soundbench.instance import Interval
from soundbench.operators import lower
from soundbench.prove import interval_slacks, slacks
from soundbench.specification import (
    DIGITS,
    FORMS,
    LARGEST_GAIN,
    SMALLEST_GAIN,
    Question,
    gain_allowed,
    gain_needed,
    largest,
    raised,
)

INPUTS, CLASSES, LABEL, ROOM = 5, 4, 2, 0.5
BOX = tuple(Interval(Fraction(-1, 8), Fraction(1 + index, 8)) for index in range(INPUTS))
every_form = pytest.mark.parametrize("form", FORMS)
seeds = st.integers(0, 2**31)


@cache
def base(*, softmax=False):
    """A network whose label leads by a margin that varies over the box."""
    random = np.random.default_rng(1)
    last = Dense("logits", 0.3 * random.normal(size=(CLASSES, 7)), 4.0 * np.eye(CLASSES)[LABEL])
    layers = [
        Dense("dense1", random.normal(size=(7, INPUTS)), random.normal(size=7)),
        Activate("active1", Function.RELU),
        last,
    ]
    if softmax:
        layers.append(Operations("shares", (Operation("shares", "Softmax", ("logits",), {"axis": 1}),)))
    return lower(to_onnx(layers, (INPUTS,), CLASSES), "base")


def posed(form, seed, *, softmax=False):
    question = Question(base(softmax=softmax), BOX, LABEL, CLASSES, 0.1 if softmax else ROOM)
    return FORMS[form](question, np.random.default_rng(seed))


def outputs_at(graph, points):
    return evaluate_float64(graph, points)[graph.output]


def points_in(region, random, count=50):
    ends = (np.array([float(getattr(each, end)) for each in region.inputs]) for end in ("lower", "upper"))
    return random.uniform(*ends, (count, INPUTS))


def exact(numbers):
    return [Fraction(number) for number in numbers]


def bound_of(asked):
    """The number that the only constraint of a property compares with."""
    ((constraint,),) = (region.outputs for region in asked.property.regions)
    return constraint.bound


def is_said_to_be_unsafe(form, asked, outputs):
    """In the words of each form, of outputs in whatever box a form asks about."""
    label, target = outputs[LABEL], outputs[asked.target]
    others = [output for index, output in enumerate(outputs) if index != LABEL]
    match form:
        case "strictly_above":
            return target > label
        case "any_class" | "first_of_any" | "middle_of_any" | "last_of_any":
            return max(others) >= label
        case "largest_of_all":
            return max(others) == max(outputs)
        case "above_threshold":
            return target >= -bound_of(asked)
        case "combined":
            rest = sum(output for index, output in enumerate(outputs) if index not in (LABEL, asked.target))
            return label + rest / 2 - target <= bound_of(asked)
        case _:
            return target >= label


@every_form
@given(seed=seeds, data=st.data())
def test_unsafe_is_what_the_words_say(form, seed, data):
    """Integers meet, so that ends of inequalities are tried."""
    asked = posed(form, seed)
    numbers = st.integers(-2, 2).map(Fraction)
    if form in ("above_threshold", "combined"):
        numbers |= st.just(abs(bound_of(asked)))
    outputs = data.draw(st.lists(numbers, min_size=CLASSES, max_size=CLASSES))
    region = data.draw(st.sampled_from(asked.property.regions))
    inside = [(interval.lower + interval.upper) / 2 for interval in region.inputs]
    assert asked.property.is_violated_by(inside, outputs) == is_said_to_be_unsafe(form, asked, outputs)
    outside = [inside[0] + 100, *inside[1:]]
    assert not asked.property.is_violated_by(outside, outputs)


@every_form
@given(seed=seeds)
def test_only_the_target_raised_in_the_region_named_violates(form, seed):
    asked, random = posed(form, seed), np.random.default_rng(seed)
    assert asked.target != LABEL
    regions = asked.property.regions
    points = points_in(regions[asked.region], random, 10)
    high = outputs_at(raised(base(), asked.target, 100.0), points)
    for point, outputs in zip(points.tolist(), high.tolist(), strict=True):
        reached = [
            region.contains_input(exact(point)) and all(each.is_satisfied(exact(outputs)) for each in region.outputs)
            for region in regions
        ]
        assert reached == [index == asked.region for index in range(len(regions))]
    for region in regions:
        points = points_in(region, random, 10)
        for point, outputs in zip(points.tolist(), outputs_at(base(), points).tolist(), strict=True):
            assert not asked.property.is_violated_by(exact(point), exact(outputs))


@pytest.mark.parametrize(
    ("form", "place"), [("first_of_any", 0), ("middle_of_any", 1), ("last_of_any", CLASSES - 2), ("any_class", None)]
)
def test_the_alternative_that_is_reached_is_the_one_named(form, place):
    found = {posed(form, seed).region for seed in range(20)}
    assert found == ({place} if place is not None else set(range(CLASSES - 1)))
    assert all(len(posed(form, seed).property.regions) == CLASSES - 1 for seed in range(3))


@given(seed=seeds)
def test_from_strictly_inside_no_bound_counts_but_that_of_an_input_that_cannot_move(seed):
    fixed = Interval(Fraction(1, 8), Fraction(1, 8))
    question = Question(base(), (fixed, *BOX[1:]), LABEL, CLASSES, ROOM)
    ((first, *others),) = (
        each.inputs for each in FORMS["strictly_inside"](question, np.random.default_rng(seed)).property.regions
    )
    assert first == fixed
    assert all(each.contains((each.lower + each.upper) / 2) for each in others)
    assert not any(each.contains(end) for each in others for end in (each.lower, each.upper))


@pytest.mark.parametrize(("form", "count"), [("second_of_two_boxes", 2), ("last_of_three_boxes", 3)])
@given(seed=seeds)
def test_boxes_lie_side_by_side_in_the_widest_input_and_the_counterexample_in_the_last(form, count, seed):
    asked = posed(form, seed)
    regions = asked.property.regions
    assert (len(regions), asked.region) == (count, count - 1)
    widest = INPUTS - 1
    for index in range(INPUTS - 1):
        assert {region.inputs[index] for region in regions} == {BOX[index]}
    parts = [region.inputs[widest] for region in regions]
    assert (parts[0].lower, parts[-1].upper) == (BOX[widest].lower, BOX[widest].upper)
    width = float(BOX[widest].upper - BOX[widest].lower)
    for one, other in itertools.pairwise(parts):
        assert 0.01 * width <= float(other.lower - one.upper) <= 0.03 * width
    for part in parts:
        assert float(part.upper - part.lower) >= 0.95 * width / count - 0.03 * width
        assert all(float(np.float32(float(end))) == end for end in (part.lower, part.upper))


@pytest.mark.parametrize("form", ["above_threshold", "combined"])
@given(seed=seeds)
def test_a_number_that_a_property_names_is_float32_and_leaves_the_room_asked_for(form, seed):
    asked, random = posed(form, seed), np.random.default_rng(seed)
    (region,) = asked.property.regions
    (constraint,) = region.outputs
    assert float(np.float32(float(constraint.bound))) == constraint.bound
    excess = [float(constraint.excess(exact(each))) for each in outputs_at(base(), points_in(region, random)).tolist()]
    assert min(excess) >= ROOM - 1e-6


# --- how far the target may rise, and must


@every_form
@settings(deadline=None, max_examples=10)
@given(seed=seeds, bound=st.sampled_from([partial(slacks, slopes={}), interval_slacks]))
def test_a_rise_that_is_allowed_violates_nowhere_and_one_that_is_needed_violates_at_the_point(form, seed, bound):
    asked, random = posed(form, seed), np.random.default_rng(seed)
    unsafe, region = asked.property, asked.property.regions[asked.region]
    allowed = gain_allowed(base(), unsafe, asked.target, bound)
    assert 0 < allowed < np.inf
    graph = raised(base(), asked.target, allowed)
    for each in unsafe.regions:
        points = points_in(each, random)
        for point, outputs in zip(points.tolist(), outputs_at(graph, points).tolist(), strict=True):
            assert not unsafe.is_violated_by(exact(point), exact(outputs))
    (point,) = points_in(region, random, 1)
    needed = gain_needed(base(), unsafe, asked.region, asked.target, point)
    assert allowed <= needed < np.inf
    for gain, enters in ((needed, True), (needed * (1 - 2 * 2.0**-DIGITS), False)):
        (outputs,) = outputs_at(raised(base(), asked.target, gain), point[None]).tolist()
        assert unsafe.is_violated_by(exact(point.tolist()), exact(outputs)) is enters


def test_backward_bounds_allow_at_least_what_intervals_do():
    for form in FORMS:
        asked = posed(form, 3)
        backward, intervals = (
            gain_allowed(base(), asked.property, asked.target, bound)
            for bound in (partial(slacks, slopes={}), interval_slacks)
        )
        assert backward >= intervals


@pytest.mark.parametrize("form", ["one_against_one", "above_threshold", "largest_of_all"])
def test_of_shares_it_is_a_logit_that_rises(form):
    asked = posed(form, 0, softmax=True)
    (point,) = points_in(asked.property.regions[asked.region], np.random.default_rng(0), 1)
    graph = base(softmax=True)
    needed = gain_needed(graph, asked.property, asked.region, asked.target, point)
    before, after = (outputs_at(each, point[None])[0] for each in (graph, raised(graph, asked.target, needed)))
    assert before.sum() == pytest.approx(1.0)
    assert after.sum() == pytest.approx(1.0)
    logits = np.log(after) - np.log(before)
    assert logits[asked.target] - logits[LABEL] == pytest.approx(needed)
    assert asked.property.is_violated_by(exact(point.tolist()), exact(after.tolist()))
    assert 0 < gain_allowed(graph, asked.property, asked.target, partial(slacks, slopes={})) <= needed


def test_what_is_never_refuted_allows_nothing_and_what_never_enters_needs_no_end():
    asked = posed("one_against_one", 0)
    (point,) = points_in(asked.property.regions[0], np.random.default_rng(0), 1)
    assert gain_allowed(base(), asked.property, asked.target, lambda *_: np.array([-1.0])) == 0.0
    assert gain_needed(base(), asked.property, 0, LABEL, point) == np.inf


@given(limit=st.floats(SMALLEST_GAIN * 1.01, LARGEST_GAIN / 2))
def test_the_largest_that_holds_is_found_to_some_digits(limit):
    found = largest(lambda gain: gain <= limit)
    assert found <= limit <= found * (1 + 2.0**-DIGITS)


@pytest.mark.parametrize(("limit", "found"), [(0.0, 0.0), (SMALLEST_GAIN / 2, 0.0), (2 * LARGEST_GAIN, np.inf)])
def test_beyond_the_range_the_largest_is_nothing_or_without_end(limit, found):
    assert largest(lambda gain: gain <= limit) == found
