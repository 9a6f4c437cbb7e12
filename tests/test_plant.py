from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import TINY, recipe_of

from soundbench.architecture import Architecture, Front
from soundbench.base import LabelledBoxes, TrainingFailed, layers_of, train_base
from soundbench.certificate import centre_of, is_strictly_inside, position_of
from soundbench.errors import CertificateError
from soundbench.export import to_onnx
from soundbench.graph import Function, evaluate_float64
from soundbench.ground_truth import Position, TwinKind
from soundbench.operators import lower
from soundbench.placement import (
    CERTIFIED_REACH,
    NoRoom,
    Placement,
    draw_apart,
    draw_boxes,
    half_width_for,
    place,
    robustness_property,
)
from soundbench.plant import Plan, PlantingFailed, draw_crowd, pair_name, plant
from soundbench.prove import region_box, slacks
from soundbench.recipe import PLANTED_POSITIONS

seeds = st.integers(0, 2**32 - 1)


def random_boxes(seed, count=4, shape=(6,), radius=0.1, classes=2):
    return draw_boxes(shape, count, radius, classes, np.random.default_rng(seed))


# --- boxes


@given(seed=seeds, count=st.integers(2, 5), classes=st.integers(2, 4), radius=st.sampled_from([0.01, 0.05, 0.1]))
def test_boxes_are_apart_and_of_two_labels_and_float32(seed, count, classes, radius):
    boxes = random_boxes(seed, count, (2, 4), radius, classes)
    assert boxes.lower.shape == boxes.upper.shape == (count, 2, 4)
    assert len(set(boxes.labels)) == min(count, classes)
    for side in (boxes.lower, boxes.upper):
        assert (side.astype(np.float32).astype(np.float64) == side).all()
    assert boxes.upper - boxes.lower == pytest.approx(2 * radius, abs=1e-6)
    for first in range(count):
        for second in range(first):
            gap = np.maximum(boxes.lower[first] - boxes.upper[second], boxes.lower[second] - boxes.upper[first])
            assert gap.max() > 0.9 * radius


def test_boxes_that_do_not_fit_are_given_up():
    """At most one box of radius 0.12 lies around the middle of the space."""
    with pytest.raises(NoRoom, match="do not fit"):
        random_boxes(0, count=40, shape=(4,), radius=0.12)


@given(count=st.integers(0, 5))
def test_what_is_drawn_apart_is_the_number_asked_for(count):
    numbers = iter(range(100))
    drawn = draw_apart(lambda: np.array([float(next(numbers))]), [np.array([0.0])], count, 2.5)
    assert [float(each[0]) for each in drawn] == [3.0, 6.0, 9.0, 12.0, 15.0][:count]


@given(seed=seeds, classes=st.integers(2, 5), index=st.integers(0, 3), data=st.data())
def test_unsafe_is_where_another_class_reaches_the_label(seed, classes, index, data):
    boxes = random_boxes(seed, classes=classes)
    unsafe = robustness_property(boxes, index, classes)
    assert (unsafe.input_count, unsafe.output_count, len(unsafe.regions)) == (6, classes, classes - 1)
    outputs = data.draw(st.lists(st.integers(-2, 2).map(Fraction), min_size=classes, max_size=classes))
    label = boxes.labels[index]
    wrong = any(outputs[other] >= outputs[label] for other in range(classes) if other != label)
    assert unsafe.is_violated_by(centre_of(unsafe.regions[0]), outputs) == wrong
    outside = [Fraction(1)] * 6
    assert not unsafe.is_violated_by(outside, outputs)


# --- witnesses


@given(seed=seeds, reads=st.integers(4, 6), position=st.sampled_from(PLANTED_POSITIONS))
def test_a_witness_lies_where_its_position_says_and_its_prior_holds_it(seed, reads, position):
    region = robustness_property(random_boxes(seed), 0, 2).regions[0]
    placement = place(position, region, reads, np.random.default_rng(seed))
    point = placement.exact_point
    assert all(Fraction(float(np.float32(float(value)))) == value for value in point)
    assert is_strictly_inside(region, point)
    assert position_of(region, point) is position
    assert placement.reads == tuple(sorted(set(placement.reads)))
    assert len(placement.reads) == reads
    assert len(placement.pinned) == (position is Position.FACE)
    assert set(placement.pinned) <= set(placement.reads)
    for index, value in enumerate(point):
        if index not in placement.pinned:
            assert placement.inner_lower[index] <= value <= placement.inner_upper[index]


@given(
    seed=seeds,
    position=st.sampled_from(PLANTED_POSITIONS),
    queries=st.floats(1, 1e9),
    chance=st.floats(1e-12, 1e-2),
    reads=st.integers(4, 6),
)
def test_the_half_width_is_as_large_as_the_chance_allows_and_no_larger(seed, position, queries, chance, reads):
    region = robustness_property(random_boxes(seed), 0, 2).regions[0]
    placement = place(position, region, reads, np.random.default_rng(seed))
    reach = half_width_for(placement, queries, chance) * CERTIFIED_REACH
    bound = Fraction(queries)
    for read in set(placement.reads) - set(placement.pinned):
        bound *= 2 * Fraction(reach) / Fraction(placement.inner_upper[read] - placement.inner_lower[read])
    assert 0.98 * chance <= bound <= chance


@settings(deadline=None)
@given(seed=seeds, count=st.integers(1, 12), half_width=st.floats(1e-6, 0.01))
def test_needles_of_a_crowd_never_act_at_one_point(seed, count, half_width):
    region = robustness_property(random_boxes(seed), 0, 2).regions[0]
    placement = place(Position.INTERIOR, region, 5, np.random.default_rng(seed))
    centers = draw_crowd(placement, half_width, count, np.random.default_rng(seed))
    own = placement.point[list(placement.reads)]
    assert len(centers) == count
    for index, center in enumerate(centers):
        assert (center.astype(np.float32) == center).all()
        for other in (own, *centers[:index]):
            assert np.abs(center - other).max() > 2 * CERTIFIED_REACH * half_width


def test_a_crowd_that_does_not_fit_is_given_up():
    point = np.zeros(4)
    placement = Placement(point, (0, 1, 2, 3), (), point - 0.1, point + 0.1)
    with pytest.raises(NoRoom):
        draw_crowd(placement, 0.06, 3, np.random.default_rng(0))


# --- bases


@pytest.fixture(scope="module")
def trained():
    architecture = Architecture((6,), Front.NONE, Function.RELU, (8, 6), 3, 2)
    boxes = random_boxes(1, count=3)
    return architecture, boxes, train_base(architecture, boxes, 1.0, seed=4)


def test_a_trained_base_has_its_margin_proven_on_every_box(trained):
    architecture, boxes, layers = trained
    graph = lower(to_onnx(layers, (6,), 2), "base")
    for index in range(3):
        region = robustness_property(boxes, index, 2).regions[0]
        assert slacks(graph, region.outputs, region_box(region, 0.0), {})[0] >= 1.0 - 1e-4
    assert architecture.hidden == (8, 6)


def test_a_trained_base_is_alive_in_every_box(trained):
    _, boxes, layers = trained
    graph, random = lower(to_onnx(layers, (6,), 2), "base"), np.random.default_rng(0)
    for lower_bound, upper_bound, label in zip(boxes.lower, boxes.upper, boxes.labels, strict=True):
        outputs = evaluate_float64(graph, random.uniform(lower_bound, upper_bound, (200, 6)))[graph.output]
        margins = outputs[:, label] - outputs[:, 1 - label]
        assert margins.min() > 0
        assert margins.max() - margins.min() >= 0.05 * margins.mean()


def test_training_depends_on_its_seed_alone(trained):
    architecture, boxes, layers = trained
    again, other = (train_base(architecture, boxes, 1.0, seed) for seed in (4, 5))
    assert all(
        np.array_equal(a.weights, b.weights) for a, b in zip(layers, again, strict=True) if hasattr(a, "weights")
    )
    assert not np.array_equal(layers[0].weights, other[0].weights)


def test_a_margin_out_of_reach_is_given_up(monkeypatch):
    monkeypatch.setattr("soundbench.base.STEPS", 3)
    architecture = Architecture((6,), Front.NONE, Function.RELU, (8, 6), 3, 2)
    with pytest.raises(TrainingFailed, match=r"^in 3 steps .* of 5\.0, varying by .* of 6%$"):
        train_base(architecture, random_boxes(1), 5.0, seed=4)


@pytest.mark.parametrize(
    ("front", "shape"),
    [
        *((front, shape) for front in (Front.NONE, Front.RESIDUAL) for shape in ((6,), (2, 3), (2, 3, 4))),
        *((front, (2, 3, 4)) for front in (Front.CONV, Front.CONV_AVGPOOL)),
    ],
)
def test_a_base_of_any_front_and_shape_trains_and_is_written(front, shape, monkeypatch):
    """One step: enough to run all layers, in torch and as ONNX."""
    monkeypatch.setattr("soundbench.base.STEPS", 1)
    architecture = Architecture(shape, front, Function.RELU, (8, 6), 3, 2)
    boxes = LabelledBoxes(np.zeros((2, *shape)), np.full((2, *shape), 0.1), (0, 1))
    with pytest.raises(TrainingFailed):
        train_base(architecture, boxes, 1e9, seed=0)
    assert lower(to_onnx(layers_of(architecture), shape, 2), "base").output_count == 2


# --- planting as a whole


def plan_of(tmp_path, text=TINY):
    recipe = recipe_of(text, tmp_path)
    return Plan(recipe, recipe.cells[0], Position.INTERIOR)


def test_pairs_of_one_kind_are_numbered(tmp_path):
    plan = plan_of(tmp_path, TINY.replace('["scaled", "misaligned", "crowd"]', '["crowd", "scaled", "crowd"]'))
    assert [pair_name(plan, index) for index in range(3)] == [
        "mlp-interior-crowd-1",
        "mlp-interior-scaled",
        "mlp-interior-crowd-2",
    ]


@pytest.mark.parametrize("error", [TrainingFailed("no margin"), NoRoom("no room"), CertificateError("no proof")])
def test_planting_tries_again_with_other_randomness_and_then_gives_up(tmp_path, monkeypatch, error):
    drawn = []

    def fail(_, random, __):
        drawn.append(random.random())
        raise error

    monkeypatch.setattr("soundbench.plant.attempt_to_plant", fail)
    with pytest.raises(
        PlantingFailed, match=rf"^mlp-interior: not built in 12 attempts \(the last one: {error}\); try"
    ):
        plant(plan_of(tmp_path), (1, 0), tmp_path)
    assert len(set(drawn)) == len(drawn) == 12
    first = drawn[:]
    drawn.clear()
    with pytest.raises(PlantingFailed):
        plant(plan_of(tmp_path), (1, 0), tmp_path)
    assert drawn == first


def test_a_bug_is_not_retried(tmp_path, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("soundbench.plant.attempt_to_plant", fail)
    with pytest.raises(ZeroDivisionError):
        plant(plan_of(tmp_path), (1, 0), tmp_path)


def test_what_a_recipe_hides_less_well_is_not_of_the_main_track(tmp_path):
    assert plan_of(tmp_path).track == "main"
    assert plan_of(tmp_path, TINY.replace('version = "1"', 'version = "1"\nchance = 1e-6')).track == "shallow"
    assert (
        plan_of(tmp_path, TINY.replace('version = "1"', 'version = "1"\nqueries = 1e6\nchance = 1e-11')).track == "main"
    )


def test_every_kind_of_twin_is_planted(tiny_suite):
    names = {path.stem for path in (tiny_suite / "vnnlib").iterdir()}
    assert names == {"mlp-interior-clean"} | {
        f"mlp-interior-{kind}-{role}" for kind in TwinKind for role in ("armed", "twin")
    }
