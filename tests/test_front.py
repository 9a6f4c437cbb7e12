"""Every front loses nothing: the inputs come back from its features, also in ONNX Runtime, and not without it."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundbench.architecture import INPUT, Operation
from soundbench.errors import SoundbenchError
from soundbench.export import operations_to_onnx
from soundbench.front import (
    LARGEST_GROWTH,
    LEAST_STEEPNESS,
    Domain,
    NoWayBack,
    draw_front,
    draw_points,
    front_of,
    graph_of,
    reach_of,
)
from soundbench.fronts import FRONTS, IMAGE_FRONTS
from soundbench.graph import evaluate_float64
from soundbench.needle import Needle
from soundbench.recipe import read_recipe

# As the core suite has them.
NETWORKS = read_recipe(files("soundbench.instances") / "core.toml").networks
SHAPES = {name: next(each.input_shape for each in NETWORKS if each.front == name) for name in FRONTS}
# Through these, increasing functions of inputs come back.
CURVED = {"squashed", "powered"}
ENDS = [(-0.4, 0.4), (0.6, 1.4), (-400.0, 400.0), (-0.02, 0.03)]
every_front = pytest.mark.parametrize("name", FRONTS)
some_ends, seeds = st.sampled_from(ENDS), st.integers(0, 2**31)


def domain_of(name, low=-0.4, high=0.4):
    size = int(np.prod(SHAPES[name]))
    return Domain(SHAPES[name], np.full(size, low), np.full(size, high))


@functools.cache
def front_drawn(name, seed):
    """A front of the usual domain, drawn once for all that alter copies of it."""
    return draw_front(FRONTS[name], domain_of(name), np.random.default_rng(seed))


def features_of(front, points):
    return evaluate_float64(front.graph, points)[front.graph.output]


@every_front
@settings(max_examples=4, deadline=None)
@given(seed=seeds, ends=some_ends)
def test_the_inputs_come_back(name, seed, ends):
    space, random = domain_of(name, *ends), np.random.default_rng(seed)
    front, span = draw_front(FRONTS[name], space, random), ends[1] - ends[0]
    points = draw_points(space, 50, random)
    features = features_of(front, points)
    assert features.shape == (50, front.size)
    coordinates = front.coordinates(points)
    np.testing.assert_allclose(features @ front.mixed.recovery.T + front.mixed.offset, coordinates, atol=1e-8 * span)
    if name not in CURVED:
        np.testing.assert_allclose(coordinates, points, rtol=0, atol=1e-8 * span)
    # Where inputs are cut in two, both pieces are read, and otherwise one feature alone.
    reads = np.count_nonzero(front.carry.recovery, axis=1)
    assert set(reads.tolist()) <= ({1, 2} if name in ("clipped", "maxpool_competing") else {1})
    growth = np.abs(front.carry.recovery) @ np.abs(features).max(axis=0) / (span / 2)
    assert (growth <= LARGEST_GROWTH * 1.01).all()


@every_front
@settings(max_examples=4, deadline=None)
@given(seed=seeds, ends=some_ends)
def test_a_coordinate_rises_with_its_input_and_knows_of_no_other(name, seed, ends):
    space, random = domain_of(name, *ends), np.random.default_rng(seed)
    front, span = draw_front(FRONTS[name], space, random), ends[1] - ends[0]
    ways = np.linspace(*ends, 9)
    for index in range(space.size):
        points = np.repeat(draw_points(space, 1, random), 9, axis=0)
        points[:, index] = ways
        coordinates = front.coordinates(points)
        assert coordinates[[0, -1], index] == pytest.approx(ends, abs=1e-7 * span)
        assert (np.diff(coordinates[:, index]) >= 0.9 * LEAST_STEEPNESS * span / 8).all()
        others = np.delete(coordinates, index, axis=1)
        assert np.ptp(others, axis=0).max() <= 1e-8 * span


@every_front
@settings(max_examples=4, deadline=None)
@given(seed=seeds, ends=some_ends, data=st.data())
def test_a_needle_through_a_front_reaches_no_further_than_its_half_widths(name, seed, ends, data):
    space, random = domain_of(name, *ends), np.random.default_rng(seed)
    front, span = draw_front(FRONTS[name], space, random), ends[1] - ends[0]
    reads = tuple(range(0, space.size, 2))
    half_widths = span * random.uniform(0.005, 0.03, len(reads))
    center = random.uniform(ends[0] + 0.1 * span, ends[1] - 0.1 * span, len(reads))
    seen = front.seen(Needle(reads, center, half_widths, 3.0, 1, np.zeros(len(reads))))
    assert (seen.reads, seen.gain, seen.target) == (reads, 3.0, 1)
    assert (seen.half_widths > 0.2 * half_widths).all()
    row = data.draw(st.integers(0, len(reads) - 1))
    distance = data.draw(st.sampled_from([-3.0, -1.0, 1.0, 3.0]))
    points = draw_points(space, 20, random)
    points[:, list(reads)] = center
    at_center = front.coordinates(points)[:, list(reads)]
    np.testing.assert_allclose(at_center, np.tile(seen.center, (20, 1)), rtol=0, atol=1e-8 * span)
    points[:, reads[row]] += distance * half_widths[row]
    reached = np.abs(front.coordinates(points)[:, reads[row]] - seen.center[row])
    assert (reached >= seen.half_widths[row] - 1e-8 * span).all()


@every_front
def test_relus_are_active_wherever_the_data_lie(name):
    """But for cells of images that no input moves, which are not below zero either."""
    front, points = front_drawn(name, 0), draw_points(domain_of(name), 100, np.random.default_rng(1))
    tensors = evaluate_float64(front.graph, points)
    for operation in front.operations:
        if operation.operator == "Relu":
            assert tensors[operation.reads[0]].min() >= 0
            assert np.array_equal(tensors[operation.reads[0]], tensors[operation.name])


@every_front
def test_onnx_runtime_computes_the_same_features(name):
    space, random = domain_of(name), np.random.default_rng(1)
    front = draw_front(FRONTS[name], space, random)
    model = operations_to_onnx(front.operations, space.shape)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for point in draw_points(space, 5, random).astype(np.float32):
        (found,) = session.run(None, {INPUT: point.reshape(1, *space.shape)})
        expected = features_of(front, point[None].astype(np.float64))
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@every_front
def test_the_same_seed_draws_the_same_front_and_another_one_another(name):
    space = domain_of(name)
    one, same, other = (draw_front(FRONTS[name], space, np.random.default_rng(seed)) for seed in (5, 5, 6))
    points = draw_points(space, 5, np.random.default_rng(0))
    assert np.array_equal(features_of(one, points), features_of(same, points))
    assert one.size != other.size or not np.array_equal(features_of(one, points), features_of(other, points))


@every_front
@settings(max_examples=3, deadline=None)
@given(seed=seeds, ends=some_ends)
def test_a_base_reads_more_of_the_features_than_needles_do(name, seed, ends):
    """But where nothing else than the inputs is to be read."""
    space = domain_of(name, *ends)
    front = draw_front(FRONTS[name], space, np.random.default_rng(seed))
    more = np.count_nonzero(front.mixed.recovery) > np.count_nonzero(front.carry.recovery)
    assert more == (name not in NOTHING_ELSE)


NOTHING_ELSE = {"centred", "normalised", "maxpool_competing", "reduced", "clipped", *CURVED}


# --- without the operator, or with an attribute left at its default, a needle is lost

Change = Callable[[Sequence[Operation]], Sequence[Operation]]


def altered(name: str, alter: Callable[[Operation], Operation]) -> Change:
    """The operation of this name altered; it must be there."""

    def change(operations: Sequence[Operation]) -> Sequence[Operation]:
        assert name in {each.name for each in operations}
        return [alter(each) if each.name == name else each for each in operations]

    return change


def default(name: str, *attributes: str) -> Change:
    """Attributes that are not default, left out."""

    def alter(operation: Operation) -> Operation:
        assert set(attributes) <= operation.attributes.keys()
        kept = {key: value for key, value in operation.attributes.items() if key not in attributes}
        return replace(operation, attributes=kept)

    return altered(name, alter)


def attribute(name: str, **values: object) -> Change:
    """Attributes with other values."""

    def alter(operation: Operation) -> Operation:
        assert any(operation.attributes.get(key) != value for key, value in values.items())
        return replace(operation, attributes={**operation.attributes, **values})

    return altered(name, alter)


def operator(name: str, kind: str) -> Change:
    """Another operator."""
    return altered(name, lambda operation: replace(operation, operator=kind))


def constant(name: str, index: int, change: Callable[[np.ndarray], np.ndarray]) -> Change:
    """Another constant in place of what the operation reads as its input of this index."""

    def alter(operation: Operation) -> Operation:
        reads = list(operation.reads)
        assert not isinstance(reads[index], str)
        reads[index] = change(reads[index])
        return replace(operation, reads=tuple(reads))

    return altered(name, alter)


def reads(name: str, *others: object) -> Change:
    """Other inputs."""
    return altered(name, lambda operation: replace(operation, reads=others))


def dropped(name: str) -> Change:
    """The operation left out: who reads it reads its first input."""

    def change(operations: Sequence[Operation]) -> Sequence[Operation]:
        (source,) = (each.reads[0] for each in operations if each.name == name)
        return [
            replace(
                each, reads=tuple(source if isinstance(read, str) and read == name else read for read in each.reads)
            )
            for each in operations
            if each.name != name
        ]

    return change


def one_after_the_other(*changes: Change) -> Change:
    """All of them."""
    return lambda operations: functools.reduce(lambda made, change: change(made), changes, operations)


def before(name: str, operation: Operation) -> Change:
    """An operation put before another, which reads it first."""

    def change(operations: Sequence[Operation]) -> Sequence[Operation]:
        at = [each.name for each in operations].index(name)
        reader = replace(operations[at], reads=(operation.name, *operations[at].reads[1:]))
        return [*operations[:at], operation, reader, *operations[at + 1 :]]

    return change


# Padding by zeros, where MaxPool's padding is no cell at all: all cells are below zero, all windows but one reach out.
ZEROS = before("flat", Operation("zeroed", "Mul", ("pool", np.array([[0.0, 0.0], [1.0, 0.0]]))))
FIRST_CELL = altered("pool", lambda _: Operation("pool", "Slice", ("image", *map(np.array, ([0], [1], [3])))))
TWO, KEPT = np.array([2, 3]), {"keepdims": 0}
# Softmax takes the last axis alone.
OTHER_AXIS = one_after_the_other(
    before("weights", Operation("score_columns", "Transpose", ("scores",), {"perm": [0, 2, 1]})),
    before("attended", Operation("weight_rows", "Transpose", ("weights",), {"perm": [0, 2, 1]})),
)


@dataclass(frozen=True)
class Fault:
    """What a reader may get wrong of a front; `is_network` if what it then reads still fits together."""

    front: str
    words: str
    change: Change
    is_network: bool = True


FAULTS = [
    Fault("gemm", "transA left out", default("mixed", "transA"), is_network=False),
    Fault("gemm", "a matrix that is transposed", attribute("mixed", transB=1), is_network=False),
    Fault("gemm", "alpha left out", default("mixed", "alpha")),
    Fault("gemm", "beta left out", default("mixed", "beta")),
    Fault("matmul_add", "bias dropped", dropped("mixed")),
    Fault("residual", "Add for Sub", operator("stream", "Add")),
    Fault("residual", "Sub for Add", operator("added", "Sub")),
    Fault("residual", "Sub the other way round", reads("stream", "other", "added")),
    Fault("residual", "no skip connection", dropped("added")),
    Fault("centred", "Add for Sub", operator("centred", "Add")),
    Fault("normalised", "Sub dropped", dropped("centred")),
    Fault("normalised", "Div dropped", dropped("scaled")),
    Fault("normalised", "Mul dropped", dropped("signed")),
    Fault("reshaped", "Transpose dropped", dropped("turned")),
    Fault("gathered", "steps of one", constant("even", 4, np.ones_like), is_network=False),
    Fault("gathered", "from the start", constant("odd", 1, np.zeros_like)),
    Fault("gathered", "in order", constant("shuffled", 1, np.sort)),
    Fault("gathered", "the inverse order", constant("shuffled", 1, np.argsort)),
    Fault("gathered", "joined in the other order", reads("row", "even", "shuffled")),
    Fault("avgpool_overlapping", "strides of one", default("pool", "strides"), is_network=False),
    Fault("avgpool_overlapping", "a stride as long as the kernel", attribute("pool", strides=[3, 2]), is_network=False),
    Fault("avgpool_overlapping", "no padding", default("pool", "pads"), is_network=False),
    Fault("avgpool_overlapping", "padding at the other side", attribute("pool", pads=[1, 0, 1, 1])),
    Fault("avgpool_overlapping", "padded cells count", attribute("pool", count_include_pad=1)),
    Fault("avgpool_counted", "padded cells do not count", default("pool", "count_include_pad")),
    Fault("avgpool_counted", "no padding", default("pool", "pads"), is_network=False),
    Fault("avgpool_counted", "padding at the other sides", attribute("pool", pads=[0, 1, 1, 0])),
    Fault("maxpool_padded", "no padding", default("pool", "pads"), is_network=False),
    Fault("maxpool_padded", "padding at the other sides", attribute("pool", pads=[0, 1, 1, 0])),
    Fault("maxpool_padded", "padding of zeros", ZEROS),
    Fault("maxpool_padded", "strides of one", default("pool", "strides"), is_network=False),
    Fault("maxpool_padded", "strides exchanged", attribute("pool", strides=[2, 1]), is_network=False),
    Fault("maxpool_padded", "averages", operator("pool", "AveragePool")),
    Fault("maxpool_competing", "a kernel lying down", attribute("pool", kernel_shape=[2, 1])),
    Fault("maxpool_competing", "the first cell", FIRST_CELL),
    Fault("reduced", "sums of the other axis", constant("sums", 1, lambda axes: axes + 1)),
    Fault(
        "reduced",
        "sums are means",
        altered("sums", lambda _: Operation("sums", "ReduceMean", ("image",), {"axes": [2]})),
    ),
    Fault(
        "reduced", "means are sums", altered("means", lambda _: Operation("means", "ReduceSum", ("sums", TWO), KEPT))
    ),
    Fault("reduced", "axes left out", default("means", "axes"), is_network=False),
    Fault("leaky", "a slope of 0.01", default("leaky", "alpha")),
    Fault("leaky", "no slope", altered("leaky", lambda _: Operation("leaky", "Relu", ("mixed",)))),
    Fault("leaky", "dropped", dropped("leaky")),
    Fault("signed", "Abs dropped", dropped("size")),
    Fault("signed", "Sign dropped", dropped("sign")),
    Fault("signed", "Mul dropped", dropped("product")),
    Fault("clipped", "Clip dropped", dropped("cut")),
    Fault("clipped", "no least value", constant("cut", 1, lambda least: least - 1e6)),
    Fault("clipped", "no largest value", constant("cut", 2, lambda largest: largest + 1e6)),
    Fault("clipped", "Relu", altered("cut", lambda _: Operation("cut", "Relu", ("mixed",)))),
    Fault("squashed", "Tanh for Sigmoid", operator("sigmoid", "Tanh")),
    Fault("squashed", "Sigmoid for Tanh", operator("tanh", "Sigmoid")),
    Fault("squashed", "Sigmoid dropped", dropped("sigmoid")),
    Fault("squashed", "Tanh dropped", dropped("tanh")),
    Fault("powered", "an exponent of one", dropped("square")),
    Fault("powered", "Exp dropped", dropped("exponential")),
    Fault("attention", "Transpose dropped", dropped("turned")),
    Fault("attention", "Softmax of the other axis", OTHER_AXIS),
    Fault("attention", "queries and keys exchanged", reads("scores", "turned", "queries"), is_network=False),
    Fault("attention", "Softmax dropped", dropped("weights")),
    Fault("overflowing", "the first of two numbers twice", reads("row", "mixed", "mixed")),
    Fault("overflowing", "the other one twice", reads("row", "raised", "raised")),
    Fault("conv_strided", "strides of one", default("conv", "strides"), is_network=False),
    Fault("conv_strided", "strides exchanged", attribute("conv", strides=[1, 2])),
    Fault("conv_asymmetric_pads", "no padding", default("conv", "pads"), is_network=False),
    Fault("conv_asymmetric_pads", "padding at the other sides", attribute("conv", pads=[1, 0, 0, 2])),
    Fault("conv_dilated", "no dilations", default("conv", "dilations"), is_network=False),
    Fault("conv_dilated", "the first for both", attribute("conv", dilations=[1, 1]), is_network=False),
    Fault("conv_dilated", "exchanged", attribute("conv", dilations=[2, 1], pads=[2, 1, 2, 1])),
    Fault("conv_grouped", "one group", default("conv", "group"), is_network=False),
    Fault("conv_transposed", "no output padding", default("conv", "output_padding"), is_network=False),
    Fault("conv_transposed", "no padding", default("conv", "pads"), is_network=False),
    Fault("conv_transposed", "padding at the other sides", attribute("conv", pads=[1, 0, 0, 1])),
    Fault("conv_transposed", "strides of one", default("conv", "strides"), is_network=False),
    Fault("conv_transposed", "kernels turned", constant("conv", 1, lambda weights: weights[..., ::-1, ::-1])),
    Fault("batchnorm_negative", "scales of one sign", constant("normal", 1, np.abs)),
    Fault("batchnorm_negative", "no mean", constant("normal", 3, np.zeros_like)),
    Fault("batchnorm_negative", "dropped", dropped("normal")),
    Fault("transposed", "perm left out", default("turned", "perm"), is_network=False),
    Fault("transposed", "the inverse perm", attribute("turned", perm=[0, 3, 1, 2]), is_network=False),
    Fault("transposed", "channels before columns", attribute("turned", perm=[0, 2, 1, 3])),
    Fault("transposed", "dropped", dropped("turned"), is_network=False),
    Fault("transposed", "a matrix of another axis", default("rows", "axis"), is_network=False),
]


def test_every_front_is_there_for_something():
    assert {fault.front for fault in FAULTS} == set(FRONTS)


# As the core suite's needles do at least, of inputs enough.
READS, HALF_WIDTH = 22, 0.015


def height(front, needle, features):
    """What is left of a needle, one high, when it reads these features (features,) in place of the front's own."""
    seen = front.seen(needle)
    coordinates = front.carry.recovery @ features + front.carry.offset
    return max(0.0, 1.0 - (np.abs(coordinates[list(seen.reads)] - seen.center) / seen.half_widths).sum())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.front}: {fault.words}")
def test_whoever_gets_the_operator_wrong_loses_the_needle(fault, seed):
    space, front, random = domain_of(fault.front), front_drawn(fault.front, seed), np.random.default_rng(seed)
    point, count = random.uniform(-0.3, 0.3, space.size), min(READS, space.size)
    reads = tuple(sorted(random.choice(space.size, count, replace=False).tolist()))
    needle = Needle(reads, point[list(reads)], np.full(count, HALF_WIDTH), 1.0, 0, np.zeros(count))
    assert height(front, needle, features_of(front, point[None])[0]) == pytest.approx(1.0, abs=1e-6)
    try:
        graph = graph_of(fault.change(front.operations), space.shape)
        features = evaluate_float64(graph, point[None])[graph.output]
        is_network = features.shape == (1, front.size)
    except (SoundbenchError, ValueError):
        is_network = False
    assert is_network is fault.is_network
    if is_network:
        assert height(front, needle, features[0]) < 0.5


# --- what is no front


def test_a_front_that_loses_an_input_is_refused():
    space = Domain((2,), np.zeros(2), np.ones(2))
    weights = np.array([[1.0, 0.0], [2.0, 0.0]])
    lost = (Operation("mixed", "Gemm", (INPUT, weights), {"transB": 1}),)
    with pytest.raises(NoWayBack, match="no feature depends on input 1 alone"):
        front_of(lost, space, np.random.default_rng(0))


def test_a_front_that_mixes_all_inputs_is_refused():
    """They would come back, but from each other's features."""
    space = Domain((2,), np.zeros(2), np.ones(2))
    mixing = (Operation("mixed", "Gemm", (INPUT, np.array([[1.0, 1.0], [1.0, -1.0]])), {"transB": 1}),)
    with pytest.raises(NoWayBack, match="no feature depends on input 0 alone"):
        front_of(mixing, space, np.random.default_rng(0))


def test_a_front_that_flattens_a_part_of_the_domain_is_refused():
    space = Domain((2,), -np.ones(2), np.ones(2))
    with pytest.raises(NoWayBack, match="input 0 does not come back from the features that depend on it alone"):
        front_of((Operation("cut", "Relu", (INPUT,)),), space, np.random.default_rng(0))


def test_a_front_whose_features_dwarf_the_inputs_is_refused():
    """Their rounding to float32 would count for more than the inputs."""
    space = Domain((2,), np.zeros(2), np.ones(2))
    added = (Operation("far", "Add", (INPUT, np.full(2, 100.0))),)
    with pytest.raises(NoWayBack, match="input 0 does not come back"):
        front_of(added, space, np.random.default_rng(0))


SMALL = {True: [(1, 2, 2), (4, 1, 1), (1, 1, 4), (1, 4, 1), (3, 2, 2), (1, 5, 5)], False: [(4,), (5,), (2, 2, 2)]}


@every_front
def test_inputs_of_any_shape_have_a_front_or_are_told_to_have_none(name):
    for shape in SMALL[name in IMAGE_FRONTS]:
        size = int(np.prod(shape))
        space, random = Domain(shape, np.full(size, -0.4), np.full(size, 0.4)), np.random.default_rng(0)
        try:
            front = draw_front(FRONTS[name], space, random)
        except NoWayBack:
            assert name in ("conv_asymmetric_pads", "conv_dilated")
            continue
        points = draw_points(space, 20, random)
        features = features_of(front, points)
        np.testing.assert_allclose(
            features @ front.mixed.recovery.T + front.mixed.offset, front.coordinates(points), atol=1e-8
        )


@pytest.mark.parametrize("name", sorted(CURVED))
def test_of_many_inputs_no_curve_is_taken_for_a_line(name):
    """As many points as inputs lie on a plane whatever the features."""
    space, random = Domain((90,), np.full(90, -0.4), np.full(90, 0.4)), np.random.default_rng(0)
    front = draw_front(FRONTS[name], space, random)
    points = draw_points(space, 50, random)
    mixed = features_of(front, points) @ front.mixed.recovery.T + front.mixed.offset
    np.testing.assert_allclose(mixed, front.coordinates(points), atol=1e-8)


def test_draws_are_repeated_until_one_is_a_front_and_then_given_up():
    space, drawn = Domain((2,), np.zeros(2), np.ones(2)), []

    def draw(_, random):
        drawn.append(random.random())
        return (Operation("far", "Add", (INPUT, np.full(2, 100.0 if len(drawn) < 4 else 1.0))),)

    assert draw_front(draw, space, np.random.default_rng(0)).size == 2
    assert len(set(drawn)) == 4

    def never(*_):
        return (Operation("far", "Add", (INPUT, np.full(2, 100.0))),)

    with pytest.raises(NoWayBack, match="input 0 does not come back"):
        draw_front(never, space, np.random.default_rng(0))


@given(seed=seeds)
def test_the_reach_of_linear_operations_is_met_at_corners_and_nowhere_left(seed):
    random = np.random.default_rng(seed)
    space = Domain((3,), random.uniform(-2, 0, 3), random.uniform(0, 2, 3))
    weights, bias = (random.normal(size=size).astype(np.float32).astype(np.float64) for size in ((4, 3), 4))
    operations = (Operation("mixed", "Gemm", (INPUT, weights, bias), {"transB": 1}),)
    low, high = reach_of(operations, space)
    corners = np.array(np.meshgrid(*zip(space.lower, space.upper, strict=True))).reshape(3, -1).T
    values = corners @ weights.T + bias
    assert low == pytest.approx(values.min(axis=0), abs=1e-9)
    assert high == pytest.approx(values.max(axis=0), abs=1e-9)
