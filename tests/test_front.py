"""Every front loses nothing: the inputs come back from its features, also in ONNX Runtime, and not without it."""

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundbench.architecture import INPUT, Operation
from soundbench.export import operations_to_onnx
from soundbench.front import Domain, NoWayBack, draw_front, draw_points, front_of, graph_of
from soundbench.fronts import FRONTS, IMAGE_FRONTS
from soundbench.graph import evaluate_float64

SHAPES = {name: (2, 3, 4) if name in IMAGE_FRONTS else (24,) for name in FRONTS}
# What a front is there to test, and the attribute's default, which must matter.
ATTRIBUTES = {
    "gemm": ("Gemm", "transB"),
    "gemm_alpha_beta": ("Gemm", "alpha"),
    "conv": ("Conv", "pads"),
    "conv_strided": ("Conv", "strides"),
    "conv_asymmetric_pads": ("Conv", "pads"),
    "conv_dilated": ("Conv", "dilations"),
    "conv_grouped": ("Conv", "group"),
    "avgpool_overlapping": ("AveragePool", "strides"),
    "avgpool_counted": ("AveragePool", "count_include_pad"),
    "avgpool_uncounted": ("AveragePool", "pads"),
    "transposed": ("Transpose", "perm"),
    "flattened": ("Flatten", "axis"),
    "reduced_mean": ("ReduceMean", "axes"),
}


def domain(name, low=-0.4, high=0.4):
    size = int(np.prod(SHAPES[name]))
    return Domain(SHAPES[name], np.full(size, low), np.full(size, high))


@pytest.mark.parametrize("name", FRONTS)
@settings(max_examples=5)
@given(seed=st.integers(0, 2**31), ends=st.sampled_from([(-0.4, 0.4), (0.6, 1.4), (-400.0, 400.0), (-0.02, 0.03)]))
def test_the_inputs_come_back(name, seed, ends):
    space, random = domain(name, *ends), np.random.default_rng(seed)
    front = draw_front(FRONTS[name], space, random)
    points = draw_points(space, 50, random)
    graph = graph_of(front.operations, space.shape)
    features = evaluate_float64(graph, points)[graph.output]
    assert features.shape == (50, front.size)
    for way in (front.carry, front.mixed):
        back = features @ way.recovery.T + way.offset
        np.testing.assert_allclose(back, points, rtol=0, atol=1e-8 * (ends[1] - ends[0]))
    # Needles read each input from one feature alone.
    assert (np.count_nonzero(front.carry.recovery, axis=1) == 1).all()


@pytest.mark.parametrize("name", FRONTS)
def test_onnx_runtime_computes_the_same_features(name):
    space, random = domain(name), np.random.default_rng(1)
    front = draw_front(FRONTS[name], space, random)
    model = operations_to_onnx(front.operations, space.shape)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    graph = graph_of(front.operations, space.shape)
    for point in draw_points(space, 5, random).astype(np.float32):
        (found,) = session.run(None, {INPUT: point.reshape(1, *space.shape)})
        expected = evaluate_float64(graph, point[None].astype(np.float64))[graph.output]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_the_inputs_do_not_come_back_with_the_attribute_left_at_its_default(name):
    """A verifier that ignores the attribute reads other inputs, or cannot read the network at all."""
    operator, attribute = ATTRIBUTES[name]
    space, random = domain(name), np.random.default_rng(2)
    front = draw_front(FRONTS[name], space, random)
    changed = tuple(
        Operation(
            each.name,
            each.operator,
            each.reads,
            {key: value for key, value in each.attributes.items() if (each.operator, key) != (operator, attribute)},
        )
        for each in front.operations
    )
    assert changed != front.operations
    try:
        graph = graph_of(changed, space.shape)
    except Exception:  # noqa: BLE001  (whatever a network that does not fit together raises)
        return
    points = draw_points(space, 20, random)
    features = evaluate_float64(graph, points)[graph.output]
    if features.shape[1] != front.size:
        return
    back = features @ front.carry.recovery.T + front.carry.offset
    assert np.abs(back - points).max() > 0.05


def test_a_front_that_loses_an_input_is_refused():
    space = Domain((2,), np.zeros(2), np.ones(2))
    weights = np.array([[1.0, 0.0], [2.0, 0.0]])
    lost = (Operation("mixed", "Gemm", (INPUT, weights), {"transB": 1}),)
    with pytest.raises(NoWayBack, match="no feature depends on input 1 alone"):
        front_of(lost, space, np.random.default_rng(0))


def test_a_front_that_is_not_linear_over_the_domain_is_refused():
    space = Domain((2,), -np.ones(2), np.ones(2))
    with pytest.raises(NoWayBack, match="come back to"):
        front_of((Operation("cut", "Relu", (INPUT,)),), space, np.random.default_rng(0))
