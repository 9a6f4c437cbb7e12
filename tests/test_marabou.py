"""What Marabou's adapter makes of networks, properties and failures; needs its environment, so marked."""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from soundbench.claim import Claim, EndReason
from soundbench.counterexample import parse_counterexample
from soundbench.instance import Instance
from soundbench.registry import resolve, resolve_all
from soundbench.replay import replay
from soundbench.verifier import Execution
from soundbench.vnnlib import read_property

pytestmark = pytest.mark.verifier

INPUTS = 9
IMAGE = (1, 1, 3, 3)
ROUNDING = Fraction(1, 100_000)


def installed(label):
    found = resolve(label)
    if not found.is_installed():
        found.install()
    return found


@pytest.fixture(scope="session")
def marabou():
    return installed("marabou")


def node(operator: str, *inputs: str, **attributes: object) -> onnx.NodeProto:
    """A node; `inputs` are names, the last one is its output."""
    return helper.make_node(operator, inputs[:-1], inputs[-1:], **attributes)


def dense(source: str, name: str, target: str) -> onnx.NodeProto:
    return node("Gemm", source, f"{name}_weight", f"{name}_bias", target, transB=1)


RANDOM = np.random.default_rng(0)


def weights(**shapes: tuple[int, ...]) -> Mapping[str, np.ndarray]:
    return {name: RANDOM.normal(0, 0.6, shape).astype(np.float32) for name, shape in shapes.items()}


FIRST = {"a_weight": (8, INPUTS), "a_bias": (8,)}
LAST = {"z_weight": (2, 8), "z_bias": (2,)}


def activated(operator: str) -> tuple[tuple[int, ...], list[onnx.NodeProto], Mapping[str, np.ndarray]]:
    nodes = [dense("X", "a", "s"), node(operator, "s", "t"), dense("t", "z", "Y")]
    return (1, INPUTS), nodes, weights(**FIRST, **LAST)


NETWORKS = {
    "relu": activated("Relu"),
    "sigmoid": activated("Sigmoid"),
    "tanh": activated("Tanh"),
    "matmul and add": (
        (1, INPUTS),
        [node("MatMul", "X", "W", "p"), node("Add", "p", "b", "s"), node("Relu", "s", "t"), dense("t", "z", "Y")],
        weights(W=(INPUTS, 8), b=(8,), **LAST),
    ),
    "residual": (
        (1, INPUTS),
        [
            dense("X", "a", "s"),
            node("Relu", "s", "t"),
            dense("t", "b", "u"),
            node("Add", "u", "X", "v"),
            node("Relu", "v", "w"),
            dense("w", "z", "Y"),
        ],
        weights(**FIRST, b_weight=(INPUTS, 8), b_bias=(INPUTS,), z_weight=(2, INPUTS), z_bias=(2,)),
    ),
    "convolution": (
        IMAGE,
        [
            node("Conv", "X", "k", "kb", "s", kernel_shape=[2, 2], strides=[2, 1], pads=[0, 1, 1, 0]),
            node("Relu", "s", "t"),
            node("Flatten", "t", "u"),
            dense("u", "z", "Y"),
        ],
        weights(k=(2, 1, 2, 2), kb=(2,), z_weight=(2, 12), z_bias=(2,)),
    ),
    "reshape": (
        IMAGE,
        [node("Reshape", "X", "shape", "f"), dense("f", "a", "s"), node("Relu", "s", "t"), dense("t", "z", "Y")],
        {**weights(**FIRST, **LAST), "shape": np.array([1, -1], np.int64)},
    ),
}
AVERAGE_POOL = (
    IMAGE,
    [node("AveragePool", "X", "s", kernel_shape=[2, 2]), node("Flatten", "s", "t"), dense("t", "z", "Y")],
    weights(z_weight=(2, 4), z_bias=(2,)),
)
DILATED = (
    IMAGE,
    [node("Conv", "X", "k", "s", dilations=[2, 2]), node("Flatten", "s", "t"), dense("t", "z", "Y")],
    weights(k=(2, 1, 2, 2), z_weight=(2, 2), z_bias=(2,)),
)


@pytest.fixture
def write(tmp_path):
    def write(network, *assertions: str, text: str | None = None) -> Instance:
        shape, nodes, constants = network
        tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
        ends = (("X", shape), ("Y", (1, 2)))
        given, wanted = ([helper.make_tensor_value_info(name, TensorProto.FLOAT, size)] for name, size in ends)
        graph = helper.make_graph(nodes, "small", given, wanted, tensors)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, tmp_path / "network.onnx")
        (tmp_path / "property.vnnlib").write_text(text if text is not None else property_text(*assertions))
        return Instance("small", tmp_path / "network.onnx", tmp_path / "property.vnnlib", 20.0)

    return write


def property_text(*assertions: str) -> str:
    names = [*(f"X_{index}" for index in range(INPUTS)), "Y_0", "Y_1"]
    box = [f"({relation} X_{index} {end})" for index in range(INPUTS) for relation, end in ((">=", -0.5), ("<=", 0.5))]
    lines = [*(f"(declare-const {name} Real)" for name in names), *(f"(assert {each})" for each in (*box, *assertions))]
    return "\n".join(lines)


def largest_difference(path: Path, shape: tuple[int, ...]) -> float:
    """The largest Y_0 - Y_1 over sampled inputs of the box."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    points = np.random.default_rng(1).uniform(-0.5, 0.5, (500, *shape)).astype(np.float32)
    outputs = [session.run(None, {"X": point})[0].ravel() for point in points]
    return max(float(first - second) for first, second in outputs)


def replays(instance: Instance, execution: Execution) -> bool:
    """Up to rounding: its counterexamples lie on the edge of the unsafe set, and are doubles."""
    unsafe = read_property(instance.vnnlib)
    text = execution.answer.counterexample
    assert text is not None
    found = replay(instance.onnx, unsafe, parse_counterexample(text, INPUTS, "Marabou"))
    return any(
        region.contains_input(found.point, ROUNDING)
        and all(constraint.excess(found.outputs) <= ROUNDING for constraint in region.outputs)
        for region in unsafe.regions
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_operators_that_it_reads(marabou, write, name):
    shape = NETWORKS[name][0]
    reached = largest_difference(write(NETWORKS[name], "(>= Y_0 Y_1)").onnx, shape)
    beyond = marabou.answer(write(NETWORKS[name], "(>= Y_0 1000.0)"))
    assert beyond.answer.claim is Claim.VERIFIED
    within = write(NETWORKS[name], f"(>= (- Y_0 Y_1) {reached - 0.01:.6f})")
    execution = marabou.answer(within)
    # It may give up on S-shaped functions, but must not deny what sampling has seen.
    assert execution.answer.claim in (Claim.FALSIFIED, Claim.UNKNOWN), execution
    if name not in ("sigmoid", "tanh"):
        assert execution.answer.claim is Claim.FALSIFIED
        assert replays(within, execution)


@pytest.mark.parametrize(
    "assertion",
    [
        "(or (and (>= Y_0 1000.0)) (and (<= Y_0 Y_1)))",
        "(or (and (<= X_0 -0.4) (<= Y_0 1000.0)) (and (>= X_0 0.4) (<= Y_0 1000.0)))",
        "(<= (+ Y_0 Y_1) 1e3)",
    ],
)
def test_properties_that_it_reads(marabou, write, assertion):
    instance = write(NETWORKS["relu"], assertion)
    execution = marabou.answer(instance)
    assert execution.answer.claim is Claim.FALSIFIED
    assert replays(instance, execution)


def test_an_operator_that_it_does_not_read_is_unsupported(marabou, write):
    answer = marabou.answer(write(AVERAGE_POOL, "(>= Y_0 Y_1)")).answer
    assert (answer.claim, answer.raw) == (Claim.UNSUPPORTED, "unsupported,Operation AveragePool not implemented")


def test_a_failed_assertion_is_an_error(marabou, write):
    answer = marabou.answer(write(DILATED, "(>= Y_0 Y_1)")).answer
    assert (answer.claim, answer.raw) == (Claim.ERROR, "error,AssertionError()")


def test_a_property_that_it_refuses_is_an_error(marabou, write):
    execution = marabou.answer(write(NETWORKS["relu"], "(> Y_0 Y_1)"))
    assert (execution.answer.claim, execution.ending.exit_code) == (Claim.ERROR, 0)
    assert "loadProperty" in execution.log


def test_a_torn_property_crashes_it(marabou, write):
    execution = marabou.answer(write(NETWORKS["relu"], text="(assert (>= X_0"))
    assert (execution.answer.claim, execution.ending.reason) == (Claim.ERROR, EndReason.SIGNAL)


def test_its_time_is_limited(marabou, write):
    sizes = {"a": (60, INPUTS), "b": (60, 60), "c": (60, 60), "z": (2, 60)}
    tensors = {f"{name}_weight": size for name, size in sizes.items()} | {
        f"{name}_bias": size[:1] for name, size in sizes.items()
    }
    nodes = [dense("X", "a", "a1"), node("Relu", "a1", "a2"), dense("a2", "b", "b1"), node("Relu", "b1", "b2")]
    nodes += [dense("b2", "c", "c1"), node("Relu", "c1", "c2"), dense("c2", "z", "Y")]
    hard = write(((1, INPUTS), nodes, weights(**tensors)), "(>= Y_0 600.0)")
    execution = marabou.answer(hard, timeout_seconds=3.0)
    assert execution.answer.claim is Claim.TIMEOUT
    assert execution.ending.wall_seconds < 6


@pytest.mark.parametrize("setting", ["workers=2", "tightening=sbt", "tightening=none", "splitting=polarity"])
def test_its_options_reach_it(marabou, write, setting):
    (tuned,) = resolve_all([marabou.label], [f"marabou.{setting}"])
    name, _, value = setting.partition("=")
    assert str(tuned.settings[name]) == value
    assert tuned.answer(write(NETWORKS["relu"], "(>= Y_0 1000.0)")).answer.claim is Claim.VERIFIED


@pytest.mark.slow
def test_an_older_release_runs_beside_it(marabou, write):
    """It reads no VNN-LIB, so regions and strict bounds reach it through our own reader."""
    older = installed("marabou==1.0.0")
    assert (older.version(), marabou.version()) == ("1.0.0", "2.0.0")
    for assertion, claim in {
        "(or (and (>= Y_0 1000.0)) (and (> Y_1 1000.0)))": Claim.VERIFIED,
        "(or (and (>= Y_0 1000.0)) (and (<= X_0 -0.4) (< Y_0 Y_1)))": Claim.FALSIFIED,
    }.items():
        instance = write(NETWORKS["relu"], assertion)
        execution = older.answer(instance)
        assert execution.answer.claim is claim, execution
        assert claim is Claim.VERIFIED or replays(instance, execution)
