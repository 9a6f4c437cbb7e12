"""Does a verifier work at all? Three tiny instances whose answers anybody can see."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from soundbench.claim import Claim, TaskResult
from soundbench.ground_truth import Expected, GroundTruth, Role, Witness
from soundbench.instance import Instance
from soundbench.judge import FINDINGS, judge
from soundbench.verifier import Verifier
from soundbench.vnnlib import read_property

if TYPE_CHECKING:
    import onnx

# Y_0 = relu(X_0) + relu(X_1) + 1 and Y_1 = 0, over inputs from 0 to 1: so Y_0 lies between 1 and 3.
_BOX = """(declare-const X_0 Real)
(declare-const X_1 Real)
(declare-const Y_0 Real)
(declare-const Y_1 Real)
(assert (>= X_0 0.0))
(assert (<= X_0 1.0))
(assert (>= X_1 0.0))
(assert (<= X_1 1.0))
"""
_PROPERTIES = {"violated": "(assert (>= Y_0 Y_1))\n", "holds": "(assert (<= Y_0 Y_1))\n"}
_TRUTH = {
    "violated": GroundTruth(
        Expected.VIOLATED,
        family="check",
        trigger="check",
        role=Role.OTHER,
        witness=Witness((Fraction(1, 2), Fraction(1, 2)), 2.0, 2.0, 2.0, 0.0, 1.0),
    ),
    "holds": GroundTruth(Expected.HOLDS, family="check", trigger="check", role=Role.OTHER),
}
_NO_VERDICT = (Claim.ERROR, Claim.UNSUPPORTED)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a verifier made of one of the instances; `log` is what it printed."""

    instance: str
    claim: Claim
    raw: str
    passed: bool
    reason: str
    log: str


def check_verifier(verifier: Verifier, folder: Path, timeout_seconds: float) -> Iterator[CheckResult]:
    """Run the verifier on an instance that is violated, one that holds, and one with an operator that is none.

    It passes the first two with a right answer, or by giving up (`unknown`, `timeout`), and the third with
    anything but a verdict. The instances are written to `folder`.
    """
    for name in ("violated", "holds", "unsupported"):
        instance = _write_instance(folder, name, timeout_seconds)
        execution = verifier.answer(instance)
        answer = execution.answer
        if name == "unsupported":
            passed = answer.claim not in (Claim.VERIFIED, Claim.FALSIFIED)
            reason = f"{answer.claim} where the network has an operator that does not exist"
        else:
            result = TaskResult(
                verifier.label, "", name, answer.claim, answer.raw, execution.ending, counterexample=None, log=None
            )
            unsafe = read_property(instance.vnnlib)
            judgement = judge(result, instance, unsafe, _TRUTH[name], answer.counterexample)
            passed = judgement.assessment not in FINDINGS and answer.claim not in _NO_VERDICT
            reason = judgement.reason
        yield CheckResult(name, answer.claim, answer.raw, passed, reason, execution.log)


def _write_instance(folder: Path, name: str, timeout_seconds: float) -> Instance:
    import onnx

    instance = Instance(name, folder / f"{name}.onnx", folder / f"{name}.vnnlib", timeout_seconds)
    onnx.save(_network(with_unknown_operator=name == "unsupported"), instance.onnx)
    instance.vnnlib.write_text(_BOX + _PROPERTIES.get(name, _PROPERTIES["violated"]))
    return instance


def _network(*, with_unknown_operator: bool) -> "onnx.ModelProto":
    """X -> Gemm -> Relu (or an operator that does not exist) -> Gemm -> Y, input (1, 2), output (1, 2)."""
    from onnx import TensorProto, helper

    domain = "soundbench.check" if with_unknown_operator else ""
    activation = "DoesNotExist" if with_unknown_operator else "Relu"
    weights = {
        "first": ((2, 2), [1.0, 0.0, 0.0, 1.0]),
        "first_bias": ((2,), [0.0, 0.0]),
        "second": ((2, 2), [1.0, 0.0, 1.0, 0.0]),
        "second_bias": ((2,), [1.0, 0.0]),
    }
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["X", "first", "first_bias"], ["before"]),
            helper.make_node(activation, ["before"], ["after"], domain=domain),
            helper.make_node("Gemm", ["after", "second", "second_bias"], ["Y"]),
        ],
        "check",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, (1, 2))],
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, (1, 2))],
        [helper.make_tensor(name, TensorProto.FLOAT, *weight) for name, weight in weights.items()],
    )
    opsets = [helper.make_opsetid("", 13)]
    if with_unknown_operator:
        opsets.append(helper.make_opsetid(domain, 1))
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)
