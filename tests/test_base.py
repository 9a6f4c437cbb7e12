"""Bases: an ordinary classifier whose margin is proven on every box, and varies in each."""

from dataclasses import replace

import numpy as np
import pytest
from boxes import random_boxes

from soundbench.architecture import Architecture, Dense
from soundbench.base import ALIVE, TrainingFailed, train_base
from soundbench.boxes import robustness_property
from soundbench.export import to_onnx
from soundbench.front import Domain, draw_front
from soundbench.fronts import FRONTS
from soundbench.graph import Function, evaluate_float64
from soundbench.operators import lower
from soundbench.plant import view_of
from soundbench.prove import region_box, slacks
from soundbench.scale import SCALES
from soundbench.weave import weave

INPUTS, MARGIN = 16, 1.0
RELU = Architecture((INPUTS,), Function.RELU, (10, 8), 3)
CASES = {
    "near": (RELU, "near", None),
    "far": (RELU, "far", None),
    "large": (RELU, "large", None),
    "deep": (replace(RELU, hidden=(10, 8, 6)), "near", None),
    "tanh": (replace(RELU, function=Function.TANH), "tiny", None),
    "sigmoid": (replace(RELU, function=Function.SIGMOID), "near", None),
    "through a dense layer": (RELU, "near", "gemm"),
    "through curves": (RELU, "near", "squashed"),
    "through a convolution": (replace(RELU, input_shape=(1, 4, 4)), "near", "conv_strided"),
}


def trained_network(architecture, scale_name, front_name, seed=4):
    """Scaled boxes and a network without needles, trained on them; seeds are tried one after the other."""
    for attempt in range(10):
        random = np.random.default_rng([seed, attempt])
        scale = SCALES[scale_name](INPUTS, random)
        boxes = scale.boxes(random_boxes(seed, shape=architecture.input_shape, classes=architecture.classes))
        front = None
        if front_name is not None:
            ends = boxes.lower.min(axis=0).ravel(), boxes.upper.max(axis=0).ravel()
            space = Domain(architecture.input_shape, *ends)
            front = draw_front(FRONTS[front_name], space, random)
        try:
            layers = train_base(architecture, view_of(boxes, front, scale, random), MARGIN, seed + attempt)
        except TrainingFailed:
            continue
        woven = weave(architecture, scale.base(layers), front, [], random)
        return boxes, lower(to_onnx(woven.layers, architecture.input_shape, architecture.classes), "base")
    raise AssertionError


@pytest.mark.parametrize(("architecture", "scale", "front"), CASES.values(), ids=CASES)
def test_a_trained_base_has_its_margin_proven_and_is_alive_on_every_box(architecture, scale, front):
    boxes, graph = trained_network(architecture, scale, front)
    random, rounding = np.random.default_rng(0), 1e-3
    for index, label in enumerate(boxes.labels):
        regions = robustness_property(boxes, index, architecture.classes).regions
        for region in regions:
            assert slacks(graph, region.outputs, region_box(region, 0.0), {})[0] >= MARGIN - rounding
        ends = boxes.lower[index].ravel(), boxes.upper[index].ravel()
        outputs = evaluate_float64(graph, random.uniform(*ends, (500, INPUTS)))[graph.output]
        margins = outputs[:, label] - np.delete(outputs, label, axis=1).max(axis=1)
        assert margins.min() >= MARGIN - rounding
        assert margins.max() - margins.min() >= ALIVE * max(MARGIN, margins.mean()) * 0.8


def plain_view(seed=1):
    """Boxes that the base sees as they are."""
    boxes = random_boxes(seed)
    return view_of(boxes, None, SCALES["near"](INPUTS, np.random.default_rng(0)), np.random.default_rng(seed))


def weights_of(layers):
    return [(layer.weights, layer.bias) for layer in layers if isinstance(layer, Dense)]


def test_a_view_without_a_front_is_of_the_inputs_themselves():
    boxes, view = random_boxes(1), plain_view()
    assert (view.lower == boxes.lower).all()
    assert (view.upper == boxes.upper).all()
    assert view.labels == boxes.labels
    assert ((view.samples >= boxes.lower) & (view.samples <= boxes.upper)).all()
    assert (view.carry.recovery == np.eye(INPUTS)).all()


def test_a_view_through_a_front_bounds_what_the_front_makes_of_a_box():
    random, boxes = np.random.default_rng(2), random_boxes(1)
    space = Domain((INPUTS,), boxes.lower.min(axis=0), boxes.upper.max(axis=0))
    front = draw_front(FRONTS["signed"], space, random)
    view = view_of(boxes, front, SCALES["near"](INPUTS, random), random)
    assert view.lower.shape == view.upper.shape == (3, front.size)
    for index in range(3):
        points = random.uniform(boxes.lower[index], boxes.upper[index], (100, INPUTS))
        features = evaluate_float64(front.graph, points)[front.graph.output]
        assert ((features >= view.lower[index]) & (features <= view.upper[index])).all()
        assert ((view.samples[:, index] >= view.lower[index]) & (view.samples[:, index] <= view.upper[index])).all()


def test_training_depends_on_its_arguments_alone():
    architecture = replace(RELU, classes=2)
    one, again, other = (train_base(architecture, plain_view(), MARGIN, seed) for seed in (4, 4, 6))
    for (weights, bias), (same, same_bias) in zip(weights_of(one), weights_of(again), strict=True):
        assert np.array_equal(weights, same)
        assert np.array_equal(bias, same_bias)
    assert not np.array_equal(weights_of(one)[0][0], weights_of(other)[0][0])


def test_a_margin_out_of_reach_is_given_up(monkeypatch):
    monkeypatch.setattr("soundbench.base.STEPS", 3)
    with pytest.raises(TrainingFailed, match=r"^in 3 steps .* of 5\.0, varying by .* of 6%$"):
        train_base(replace(RELU, classes=2), plain_view(), 5.0, seed=4)


def test_a_base_that_does_not_vary_is_not_taken(monkeypatch):
    """However high its margin."""
    monkeypatch.setattr("soundbench.base.ALIVE", 1e6)
    monkeypatch.setattr("soundbench.base.STEPS", 210)
    with pytest.raises(TrainingFailed, match="in 210 steps"):
        train_base(replace(RELU, classes=2), plain_view(), 0.01, seed=4)
