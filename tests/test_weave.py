"""A woven network is its front, its base and its needles, whatever order and scale its neurons have."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from soundbench.architecture import Activate, Architecture, Branches, Dense, Flatten, Operations
from soundbench.attack import network_in_torch
from soundbench.base import initial_weights, layers_of, with_weights
from soundbench.certificate import at_rest
from soundbench.errors import InputError
from soundbench.export import to_onnx
from soundbench.front import Domain, Front, draw_front, graph_of
from soundbench.fronts import FRONTS
from soundbench.graph import Function, apply_float64, evaluate_float64
from soundbench.ground_truth import Hiding
from soundbench.needle import Needle
from soundbench.operators import lower
from soundbench.weave import Woven, weave

RELU, TANH, SIGMOID = Function.RELU, Function.TANH, Function.SIGMOID
RADIUS, RANGE = 0.03, 0.4


@dataclass(frozen=True)
class Case:
    """An architecture, and the front before it, by its name."""

    architecture: Architecture
    front_name: str | None = None

    @property
    def inputs(self) -> int:
        return int(np.prod(self.architecture.input_shape))

    @property
    def front(self) -> Front | None:
        if self.front_name is None:
            return None
        ends = np.full(self.inputs, RANGE)
        domain = Domain(self.architecture.input_shape, -ends, ends)
        return draw_front(FRONTS[self.front_name], domain, np.random.default_rng(1))


MLP = Architecture((6,), RELU, (7, 5), 3)
CASES = {
    "mlp": Case(MLP),
    "deep": Case(replace(MLP, hidden=(7, 5, 4))),
    "deeper": Case(replace(MLP, hidden=(7, 5, 4, 3))),
    "image": Case(replace(MLP, input_shape=(1, 2, 3))),
    "two classes": Case(replace(MLP, classes=2)),
    "bolted": Case(replace(MLP, woven=False)),
    "bolted deep": Case(replace(MLP, hidden=(7, 5, 4), woven=False)),
    "bolted tanh": Case(replace(MLP, function=TANH, woven=False)),
    "bolted behind a front": Case(replace(MLP, woven=False), "gemm"),
    "tanh": Case(replace(MLP, function=TANH)),
    "sigmoid": Case(replace(MLP, function=SIGMOID)),
    "gemm": Case(MLP, "gemm"),
    "residual": Case(MLP, "residual"),
    "convolution": Case(replace(MLP, input_shape=(2, 3, 4)), "conv_strided"),
    "curves": Case(MLP, "squashed"),
    "attention": Case(MLP, "attention"),
    "tanh behind a front": Case(replace(MLP, function=TANH), "avgpool_counted"),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def base_of(architecture, seed=3):
    """A base with random weights, which planting never sees."""
    import torch

    skeleton = layers_of(architecture)
    weights = initial_weights(skeleton, torch.Generator().manual_seed(seed))
    biases = torch.Generator().manual_seed(seed + 1)
    for name, tensor in weights.items():
        if name.endswith(".bias"):
            weights[name] = torch.randn(tensor.shape, generator=biases, dtype=tensor.dtype)
    return with_weights(skeleton, weights)


def needles_of(architecture, *, moved=0.0, seed=5):
    """Three needles with different reads, widths, gains and targets; the last is misaligned in its first row."""
    random = np.random.default_rng(seed)
    count = int(np.prod(architecture.input_shape))
    needles = []
    for index in range(3):
        reads = tuple(sorted(random.choice(count, 4 + index % 2, replace=False).tolist()))
        center = random.uniform(-0.3, 0.3, len(reads))
        half_widths = RADIUS * random.uniform(0.5, 1.0, len(reads))
        misalignment = np.zeros(len(reads))
        misalignment[0] = moved if index == 2 else 0.0
        needles.append(Needle(reads, center, half_widths, 3.0 + index, index % architecture.classes, misalignment))
    return needles


def woven_network(case, needles, seed=0):
    """The front, the base, and both woven with needles."""
    front, base = case.front, base_of(case.architecture)
    return front, base, weave(case.architecture, base, front, needles, np.random.default_rng(seed))


def points_near(case, needles, count=200, seed=7):
    """Random points of the inputs' range, and points in and around the support of every needle."""
    random = np.random.default_rng(seed)
    points = [random.uniform(-RANGE, RANGE, (count, case.inputs))]
    for needle in needles:
        near = random.uniform(-RANGE, RANGE, (count, case.inputs))
        spread = random.choice([0.0, 0.1, 0.5, 1.5], count)[:, None]
        near[:, list(needle.reads)] = needle.center + spread * needle.half_widths * random.uniform(
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
            case Operations():
                graph = graph_of(layer.operations, x.shape)
                x = evaluate_float64(graph, x.reshape(1, -1))[graph.output][0]
            case Flatten():
                x = x.ravel()
            case Activate():
                x = apply_float64(layer.function, x)
            case Branches():
                x = evaluate(layer.first, x) + evaluate(layer.second, x)
    return x


def bare(front, base, point):
    """The base alone: of the inputs, or of what comes back of them."""
    return evaluate(base, point if front is None else front.coordinates(point[None])[0])


def seen(front, needle):
    return needle if front is None else front.seen(needle)


def relu_height(needle, coordinates):
    z, delta = coordinates[list(needle.reads)] - needle.center, needle.half_widths * needle.misalignment
    return max(0.0, 1.0 - ((np.maximum(z, 0) + np.maximum(delta - z, 0)) / needle.half_widths).sum())


@every_case
@pytest.mark.parametrize("moved", [0.0, 0.6])
def test_a_woven_network_is_its_base_and_the_needles(case, moved):
    """For ReLU by the formula; for the others the needles act nowhere but in their supports, and fully at centers."""
    needles = needles_of(case.architecture, moved=moved)
    front, base, woven = woven_network(case, needles)
    acted = set()
    for point in points_near(case, needles):
        added = evaluate(woven.layers, point.reshape(case.architecture.input_shape)) - bare(front, base, point)
        expected = np.zeros(case.architecture.classes)
        coordinates = point if front is None else front.coordinates(point[None])[0]
        for index, needle in enumerate(needles):
            if case.architecture.function is RELU:
                expected[needle.target] += needle.gain * relu_height(seen(front, needle), coordinates)
            elif (np.abs(point[list(needle.reads)] - needle.center) < needle.half_widths).all():
                break  # what a saturating needle does inside its support is told by `test_needle`
            acted |= {index} if expected.any() else set()
        else:
            assert added == pytest.approx(expected, abs=1e-6)
    assert len(acted) == (3 if case.architecture.function is RELU else 0)


@every_case
def test_a_needle_reaches_its_height_at_its_center(case):
    needles = needles_of(case.architecture)
    front, base, woven = woven_network(case, needles)
    for needle in needles:
        point = np.zeros(case.inputs)
        point[list(needle.reads)] = needle.center
        added = evaluate(woven.layers, point.reshape(case.architecture.input_shape)) - bare(front, base, point)
        assert 0.9 * needle.gain <= added[needle.target] <= needle.gain * (1 + 1e-6)
        others = np.delete(added, needle.target)
        assert others == pytest.approx(0.0, abs=1e-6)


@every_case
def test_a_needle_is_nothing_one_half_width_from_its_center_in_any_input(case):
    """The others being as at the center: so it reaches no further than its half-widths, also along a curve."""
    needles = needles_of(case.architecture)
    front, base, woven = woven_network(case, needles)
    for needle in needles:
        for row, read in enumerate(needle.reads):
            for side in (-1.0, 1.0):
                point = np.zeros(case.inputs)
                point[list(needle.reads)] = needle.center
                point[read] += side * needle.half_widths[row]
                added = evaluate(woven.layers, point.reshape(case.architecture.input_shape)) - bare(front, base, point)
                assert added == pytest.approx(0.0, abs=1e-6)


@every_case
def test_order_and_scale_of_neurons_do_not_change_the_network(case):
    needles = needles_of(case.architecture)
    one, two = (woven_network(case, needles, seed)[2] for seed in (1, 2))
    for point in points_near(case, needles, count=20):
        x = point.reshape(case.architecture.input_shape)
        assert evaluate(one.layers, x) == pytest.approx(evaluate(two.layers, x), abs=1e-6)
    assert not np.array_equal(*(first_dense(each.layers).weights for each in (one, two)))


def first_dense(layers):
    """The first dense layer, of the first branch."""
    layer = next(layer for layer in layers if isinstance(layer, Dense | Branches))
    return layer if isinstance(layer, Dense) else first_dense(layer.first)


def exported(case, woven: Woven):
    return lower(to_onnx(woven.layers, case.architecture.input_shape, case.architecture.classes), "test")


@every_case
def test_the_file_means_what_the_layers_mean(case):
    """But for the rounding of weights to float32, which a needle enlarges by gain over half-width."""
    needles = needles_of(case.architecture)
    _, _, woven = woven_network(case, needles)
    graph = exported(case, woven)
    points = points_near(case, needles, count=20)
    outputs = evaluate_float64(graph, points)[graph.output]
    for point, found in zip(points, outputs, strict=True):
        assert found == pytest.approx(evaluate(woven.layers, point.reshape(case.architecture.input_shape)), abs=2e-2)


@every_case
def test_tips_and_slopes_name_neurons_of_the_file(case):
    needles = needles_of(case.architecture)
    _, _, woven = woven_network(case, needles)
    graph = exported(case, woven)
    assert len(set(woven.tips)) == len(woven.tips) == len(needles)
    for needle, (tensor, neuron) in zip(needles, woven.tips, strict=True):
        point = np.zeros((2, graph.input_count))
        point[0, list(needle.reads)] = needle.center
        point[1, list(needle.reads)] = needle.center + 2 * RADIUS
        at_center, beside = evaluate_float64(graph, point)[tensor][:, neuron]
        if case.architecture.function is RELU:
            assert at_center > 0 >= beside
        else:
            assert np.sign(at_center) == -np.sign(beside)
            assert abs(beside) >= (20 if case.architecture.function is TANH else 40)
    assert bool(woven.slopes) == (case.architecture.function is RELU)
    for tensor, characters in woven.slopes.items():
        assert len(characters) == graph.sizes[tensor]
        assert set(characters) <= set("1a")


def value_and_gradient(graph, points):
    import torch

    batch = torch.tensor(points, requires_grad=True)
    outputs = network_in_torch(graph)(batch)
    gradients = [
        torch.autograd.grad(outputs[:, index].sum(), batch, retain_graph=True)[0] for index in range(outputs.shape[1])
    ]
    return outputs.detach().numpy(), torch.stack(gradients).numpy()  # fmt: skip


def are_outside(points, needle):
    """Which points a needle is not to reach, the rounding of weights to float32 allowed for."""
    return (np.abs(points[:, list(needle.reads)] - needle.center) >= 1.03 * needle.half_widths).any(axis=1)


@every_case
def test_outside_the_support_value_and_gradient_tell_nothing_of_the_needle(case):
    """Equal to those of the same network whose needles rest: exactly for ReLU; up to a rounding of the sums else."""
    needles = needles_of(case.architecture)
    _, _, woven = woven_network(case, needles)
    graph = resting = exported(case, woven)
    points = points_near(case, needles, count=100)
    outside = np.ones(len(points), dtype=bool)
    for needle, (tensor, neuron) in zip(needles, woven.tips, strict=True):
        outside &= are_outside(points, needle)
        beside = evaluate_float64(graph, 2 * points[:1])[tensor][0, neuron]
        side = -1 if case.architecture.function is RELU else int(np.sign(beside))
        hiding = Hiding(tensor, neuron, needle.reads, (), (), (), (), 1.0, 1.0, {})
        resting = at_rest(resting, hiding, side)
    assert 100 <= outside.sum() < len(points)
    for armed, silent in zip(
        value_and_gradient(graph, points[outside]), value_and_gradient(resting, points[outside]), strict=True
    ):
        if case.architecture.function is RELU:
            assert np.array_equal(armed, silent)
        else:
            assert armed == pytest.approx(silent, abs=1e-14)
    inside = points[~outside]
    assert not np.allclose(value_and_gradient(graph, inside)[0], value_and_gradient(resting, inside)[0], atol=1e-3)


@pytest.mark.parametrize("name", ["mlp", "deep", "gemm", "convolution", "residual", "curves", "bolted"])
def test_a_relu_network_with_gain_zero_is_the_same_outside_the_support(name):
    case = CASES[name]
    needles = needles_of(case.architecture)
    variants = needles, [replace(needle, gain=0.0) for needle in needles]
    graphs = [exported(case, woven_network(case, each)[2]) for each in variants]
    points = points_near(case, needles, count=100)
    outside = np.all([are_outside(points, each) for each in needles], axis=0)
    armed, silent = (value_and_gradient(graph, points[outside]) for graph in graphs)
    assert np.array_equal(armed[0], silent[0])
    assert np.array_equal(armed[1], silent[1])


@pytest.mark.parametrize("case", [CASES["mlp"], CASES["curves"], CASES["bolted"]], ids=["mlp", "curves", "bolted"])
def test_with_softmax_the_outputs_are_the_shares_of_the_same_logits(case):
    needles = needles_of(case.architecture)
    _, _, woven = woven_network(case, needles)
    softmax = replace(case, architecture=replace(case.architecture, softmax=True))
    _, _, shares = woven_network(softmax, needles)
    assert (shares.tips, shares.slopes) == (woven.tips, woven.slopes)
    points = points_near(case, needles, count=20)
    graphs = [exported(case, each) for each in (woven, shares)]
    logits, outputs = (evaluate_float64(graph, points)[graph.output] for graph in graphs)
    assert outputs == pytest.approx(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), abs=1e-5)


def test_whoever_leaves_a_softmax_out_sees_no_logit_that_could_be_a_share():
    """So a threshold that a share reaches looks as if it were never reached."""
    case = CASES["mlp"]
    needles = needles_of(case.architecture)
    softmax = replace(case, architecture=replace(case.architecture, softmax=True))
    graph = exported(softmax, woven_network(softmax, needles)[2])
    points = points_near(case, needles, count=20)
    logits = evaluate_float64(graph, points)[graph.steps[-1].input]
    assert logits.max() < 0


def test_names_do_not_tell_which_branch_has_the_needles():
    """Each of the two comes first in some networks."""
    case = CASES["bolted"]
    architecture, needles = case.architecture, needles_of(case.architecture)
    base, found = base_of(architecture), set()
    for seed in range(8):
        woven = weave(architecture, base, None, needles, np.random.default_rng(seed))
        model = to_onnx(woven.layers, architecture.input_shape, architecture.classes)
        names = {name for node in model.graph.node for name in (*node.input, *node.output, node.name)}
        found.add((woven.tips[0][0], frozenset(names)))
    assert {tip for tip, _ in found} == {"left_dense2", "right_dense2"}
    assert len({names for _, names in found}) == 1


@pytest.mark.parametrize("function", [TANH, SIGMOID])
def test_what_cannot_carry_a_needle_says_so(function):
    case = Case(replace(MLP, function=function, hidden=(7, 5, 4)))
    with pytest.raises(InputError, match="needles take at most two dense hidden layers"):
        woven_network(case, needles_of(case.architecture))
