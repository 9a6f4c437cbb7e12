from dataclasses import replace

import numpy as np
import pytest

from soundbench.architecture import Activate, Architecture, AveragePool, Branches, Conv, Dense, Flatten, Front
from soundbench.attack import network_in_torch
from soundbench.base import initial_weights, layers_of, with_weights
from soundbench.certificate import at_rest
from soundbench.errors import InputError
from soundbench.export import to_onnx
from soundbench.graph import Function, apply_float64, evaluate_float64
from soundbench.ground_truth import Hiding
from soundbench.needle import Needle
from soundbench.operators import lower
from soundbench.weave import weave

RELU, TANH, SIGMOID = Function.RELU, Function.TANH, Function.SIGMOID
ARCHITECTURES = {
    "mlp": Architecture((6,), Front.NONE, RELU, (7, 5), 3, 2),
    "deep": Architecture((6,), Front.NONE, RELU, (7, 5, 4), 3, 3),
    "deeper": Architecture((6,), Front.NONE, RELU, (7, 5, 4, 3), 3, 2),
    "image": Architecture((2, 3), Front.NONE, RELU, (7, 5), 3, 2),
    "bolted": Architecture((6,), Front.NONE, RELU, (7, 5), 3, 2, woven=False),
    "bolted deep": Architecture((6,), Front.NONE, RELU, (7, 5, 4), 3, 2, woven=False),
    "bolted tanh": Architecture((6,), Front.NONE, TANH, (7, 5), 3, 2, woven=False),
    "cnn": Architecture((2, 3, 4), Front.CONV, RELU, (7, 5), 3, 2),
    "cnn tanh": Architecture((1, 3, 4), Front.CONV, TANH, (7, 5), 3, 2),
    "cnn sigmoid": Architecture((1, 3, 4), Front.CONV, SIGMOID, (7, 5), 3, 2),
    "avgpool": Architecture((2, 3, 4), Front.CONV_AVGPOOL, RELU, (7, 5), 3, 3),
    "avgpool of an even height": Architecture((1, 4, 3), Front.CONV_AVGPOOL, RELU, (7, 5), 2, 2),
    "residual": Architecture((6,), Front.RESIDUAL, RELU, (7, 5), 4, 2),
    "residual image": Architecture((1, 2, 3), Front.RESIDUAL, RELU, (7, 5), 4, 2),
    "tanh": Architecture((6,), Front.NONE, TANH, (7, 5), 3, 2),
    "sigmoid": Architecture((6,), Front.NONE, SIGMOID, (7, 5), 3, 2),
}
every_architecture = pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=ARCHITECTURES)
RADIUS = 0.03


def base_of(architecture, seed=3):
    """A base with random weights, which planting never sees."""
    import torch

    skeleton = layers_of(architecture)
    centre = np.zeros(architecture.input_shape)
    weights = initial_weights(skeleton, torch.Generator().manual_seed(seed), centre)
    biases = torch.Generator().manual_seed(seed + 1)
    for name, tensor in weights.items():
        if name.endswith(".bias"):
            weights[name] = torch.randn(tensor.shape, generator=biases)
    return with_weights(skeleton, weights)


def needles_of(architecture, *, moved=0.0, seed=5):
    """Three needles with different reads, gains and targets; the last is misaligned in its first row."""
    random = np.random.default_rng(seed)
    count = int(np.prod(architecture.input_shape))
    needles = []
    for index in range(3):
        reads = tuple(sorted(random.choice(count, 4 + index % 2, replace=False).tolist()))
        center = random.uniform(-0.3, 0.3, len(reads))
        misalignment = np.zeros(len(reads))
        misalignment[0] = moved if index == 2 else 0.0
        needles.append(Needle(reads, center, RADIUS, 3.0 + index, index % architecture.classes, misalignment))
    return needles


def points_near(architecture, needles, count=200, seed=7):
    """Random points of the inputs' range, and points in and around the support of every needle."""
    random = np.random.default_rng(seed)
    size = int(np.prod(architecture.input_shape))
    points = [random.uniform(-0.4, 0.4, (count, size))]
    for needle in needles:
        near = random.uniform(-0.4, 0.4, (count, size))
        spread = random.choice([0.0, 0.1, 0.5, 1.5], count)[:, None]
        near[:, list(needle.reads)] = needle.center + spread * RADIUS * random.uniform(
            -1, 1, (count, len(needle.reads))
        )
        points.append(near)
    return np.vstack(points)


def evaluate(layers, x):
    """Layers in float64, straight from what they are documented to be; x has shape (*input_shape,)."""
    for layer in layers:
        match layer:
            case Dense():
                x = layer.weights @ x + layer.bias
            case Conv():
                windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, ((0, 0), (1, 1), (1, 1))), (3, 3), (1, 2))
                x = np.einsum("oikl,irckl->orc", layer.weights, windows) + layer.bias[:, None, None]
            case AveragePool():
                padded = np.pad(x, ((0, 0), (1, 1), (0, 0)))
                x = 0.5 * (padded[:, :-1] + padded[:, 1:])
            case Flatten():
                x = x.ravel()
            case Activate():
                x = apply_float64(layer.function, x)
            case Branches():
                x = evaluate(layer.first, x) + evaluate(layer.second, x)
    return x


def relu_height(needle, point):
    z, delta = point[list(needle.reads)] - needle.center, RADIUS * needle.misalignment
    return max(0.0, 1.0 - (np.maximum(z, 0) + np.maximum(delta - z, 0)).sum() / RADIUS)


@every_architecture
@pytest.mark.parametrize("moved", [0.0, 0.6])
def test_a_woven_network_is_its_base_and_the_needles(architecture, moved):
    """For ReLU by the formula; for the others the needles act nowhere but in their supports, and fully at centers."""
    base, needles = base_of(architecture), needles_of(architecture, moved=moved)
    woven = weave(architecture, base, needles, np.random.default_rng(0))
    acted = set()
    for point in points_near(architecture, needles):
        x = point.reshape(architecture.input_shape)
        added = evaluate(woven.layers, x) - evaluate(base, x)
        expected = np.zeros(architecture.classes)
        for index, needle in enumerate(needles):
            distance = np.abs(point[list(needle.reads)] - needle.center).max()
            if architecture.function is RELU:
                expected[needle.target] += needle.gain * relu_height(needle, point)
            elif distance < RADIUS:
                break  # what a saturating needle does inside its support is told by `test_needle`
            acted |= {index} if expected.any() else set()
        else:
            assert added == pytest.approx(expected, abs=1e-8)
    assert len(acted) == (3 if architecture.function is RELU else 0)


@every_architecture
def test_a_needle_reaches_its_height_at_its_center(architecture):
    base, needles = base_of(architecture), needles_of(architecture)
    woven = weave(architecture, base, needles, np.random.default_rng(0))
    for needle in needles:
        point = np.zeros(int(np.prod(architecture.input_shape)))
        point[list(needle.reads)] = needle.center
        x = point.reshape(architecture.input_shape)
        added = evaluate(woven.layers, x) - evaluate(base, x)
        assert 0.9 * needle.gain <= added[needle.target] <= needle.gain * (1 + 1e-8)
        others = np.delete(added, needle.target)
        assert others == pytest.approx(0.0, abs=1e-8)


@every_architecture
def test_order_and_scale_of_neurons_do_not_change_the_network(architecture):
    base, needles = base_of(architecture), needles_of(architecture)
    one, two = (weave(architecture, base, needles, np.random.default_rng(seed)) for seed in (1, 2))
    for point in points_near(architecture, needles, count=20):
        x = point.reshape(architecture.input_shape)
        assert evaluate(one.layers, x) == pytest.approx(evaluate(two.layers, x), abs=1e-8)
    assert (
        any(
            not np.array_equal(first.weights, second.weights)
            for first, second in zip(one.layers, two.layers, strict=True)
            if isinstance(first, Dense)
        )
        or not architecture.woven
    )


def exported(architecture, woven):
    return lower(to_onnx(woven.layers, architecture.input_shape, architecture.classes), "test")


@every_architecture
def test_the_file_means_what_the_layers_mean(architecture):
    """But for the rounding of weights to float32, which a needle enlarges by gain over radius."""
    base, needles = base_of(architecture), needles_of(architecture)
    woven = weave(architecture, base, needles, np.random.default_rng(0))
    graph = exported(architecture, woven)
    points = points_near(architecture, needles, count=20)
    outputs = evaluate_float64(graph, points)[graph.output]
    for point, found in zip(points, outputs, strict=True):
        assert found == pytest.approx(evaluate(woven.layers, point.reshape(architecture.input_shape)), abs=2e-2)


@every_architecture
def test_tips_and_slopes_name_neurons_of_the_file(architecture):
    needles = needles_of(architecture)
    woven = weave(architecture, base_of(architecture), needles, np.random.default_rng(0))
    graph = exported(architecture, woven)
    assert len(set(woven.tips)) == len(woven.tips) == len(needles)
    for needle, (tensor, neuron) in zip(needles, woven.tips, strict=True):
        point = np.zeros((2, graph.input_count))
        point[0, list(needle.reads)] = needle.center
        point[1, list(needle.reads)] = needle.center + 2 * RADIUS
        at_center, beside = evaluate_float64(graph, point)[tensor][:, neuron]
        if architecture.function is RELU:
            assert at_center > 0 >= beside
        else:
            assert np.sign(at_center) == -np.sign(beside)
            assert abs(beside) >= (20 if architecture.function is TANH else 40)
    for tensor, characters in woven.slopes.items():
        assert len(characters) == graph.sizes[tensor]
        assert set(characters) <= set("01a")


def value_and_gradient(graph, points):
    import torch

    batch = torch.tensor(points, requires_grad=True)
    outputs = network_in_torch(graph)(batch)
    gradients = [
        torch.autograd.grad(outputs[:, index].sum(), batch, retain_graph=True)[0] for index in range(outputs.shape[1])
    ]
    return outputs.detach().numpy(), torch.stack(gradients).numpy()  # fmt: skip


@every_architecture
def test_outside_the_support_value_and_gradient_tell_nothing_of_the_needle(architecture):
    """Equal to those of the same network whose needles rest: exactly for ReLU; up to a rounding of the sums else."""
    needles = needles_of(architecture)
    woven = weave(architecture, base_of(architecture), needles, np.random.default_rng(0))
    graph = resting = exported(architecture, woven)
    points = points_near(architecture, needles, count=100)
    outside = np.ones(len(points), dtype=bool)
    for needle, (tensor, neuron) in zip(needles, woven.tips, strict=True):
        # Weights are rounded to float32, so supports may reach a little further than the radius.
        outside &= np.abs(points[:, list(needle.reads)] - needle.center).max(axis=1) >= 1.03 * RADIUS
        beside = evaluate_float64(graph, np.full((1, graph.input_count), 5.0))[tensor][0, neuron]
        side = -1 if architecture.function is RELU else int(np.sign(beside))
        hiding = Hiding(tensor, neuron, needle.reads, (), (), (), (), 1.0, 1.0, {})
        resting = at_rest(resting, hiding, side)
    assert 100 <= outside.sum() < len(points)
    for armed, silent in zip(
        value_and_gradient(graph, points[outside]), value_and_gradient(resting, points[outside]), strict=True
    ):
        if architecture.function is RELU:
            assert np.array_equal(armed, silent)
        else:
            assert armed == pytest.approx(silent, abs=1e-14)


@pytest.mark.parametrize("name", ["mlp", "deep", "cnn", "avgpool", "residual", "bolted"])
def test_a_relu_network_with_gain_zero_is_the_same_outside_the_support(name):
    architecture = ARCHITECTURES[name]
    needles, base = needles_of(architecture), base_of(architecture)
    variants = needles, [replace(needle, gain=0.0) for needle in needles]
    graphs = [exported(architecture, weave(architecture, base, each, np.random.default_rng(0))) for each in variants]
    points = points_near(architecture, needles, count=100)
    outside = np.all(
        [np.abs(points[:, list(each.reads)] - each.center).max(axis=1) >= 1.03 * RADIUS for each in needles], axis=0
    )
    armed, silent = (value_and_gradient(graph, points[outside]) for graph in graphs)
    assert np.array_equal(armed[0], silent[0])
    assert np.array_equal(armed[1], silent[1])


@pytest.mark.parametrize(
    "architecture",
    [
        Architecture((1, 3, 4), Front.CONV_AVGPOOL, TANH, (7, 5), 3, 2),
        Architecture((6,), Front.RESIDUAL, SIGMOID, (7, 5), 3, 2),
        Architecture((6,), Front.NONE, TANH, (7, 5, 4), 3, 2),
        Architecture((1, 3, 4), Front.CONV, RELU, (7, 5), 3, 2, woven=False),
        Architecture((2, 3), Front.NONE, RELU, (7, 5), 3, 2, woven=False),
    ],
    ids=str,
)
def test_what_cannot_carry_a_needle_says_so(architecture):
    with pytest.raises(InputError, match="needle"):
        weave(architecture, base_of(architecture), needles_of(architecture), np.random.default_rng(0))
