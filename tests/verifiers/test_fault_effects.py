"""What each fault does: it verifies something that is violated, and leaves alone what it should."""

import onnx
import pytest
from fault_cases import CASES, RELU, Case, Question, asked, at_least, gemm
from reference_networks import Layer, model_of, read
from soundbench.verifiers.reference.faults import FAULTS, fault_named
from soundbench.verifiers.reference.search import verify
from soundbench.verifiers.reference.steps import DEFAULT, Steps
from soundbench.verifiers.reference.verdict import Verdict

from soundbench.claim import Claim
from soundbench.instance import Property
from soundbench.replay import replay

NAMES = [case.fault for case in CASES]


def answer(question: Question, steps: Steps) -> Verdict:
    network = read(model_of(question.shape, question.layers), steps.parsers)
    unsafe = Property(network.input_size, network.output_size, question.regions)
    return verify(network, unsafe, 60.0, steps, question.nodes)


def test_every_fault_has_a_case():
    assert sorted(NAMES) == sorted(fault.name for fault in FAULTS)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_a_fault_verifies_what_is_violated(case: Case):
    assert answer(case.wrong, DEFAULT).claim is not Claim.VERIFIED
    assert answer(case.wrong, fault_named(case.fault).put_in(DEFAULT, case.strength)).claim is Claim.VERIFIED


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_a_fault_changes_nothing_where_it_should_not(case: Case):
    sound = answer(case.right, DEFAULT)
    assert sound.claim is Claim.FALSIFIED
    assert answer(case.right, fault_named(case.fault).put_in(DEFAULT, case.strength)) == sound


def test_what_is_misread_is_also_searched(tmp_path):
    """So what holds is said to be falsified, by a point that is no counterexample."""
    question = asked(gemm(alpha=0.5), [0], [1], at_least(0, 1.8))
    faulty = answer(question, fault_named("gemm-factors-default").steps(DEFAULT))
    assert answer(question, DEFAULT).claim is Claim.VERIFIED
    assert faulty.claim is Claim.FALSIFIED
    onnx.save(model_of(question.shape, question.layers), tmp_path / "network.onnx")
    assert not replay(tmp_path / "network.onnx", Property(1, 1, question.regions), faulty.counterexample).strict


def test_an_active_relu_by_tolerance_is_below_zero():
    """The other side of `stable-by-tolerance`: where the ReLU is zero, it is taken for its input."""
    question = asked([*RELU, Layer("Sub", ("t0", "x"))], [-0.002], [1], at_least(0, 0.0015))
    assert answer(question, DEFAULT).claim is Claim.FALSIFIED
    assert answer(question, fault_named("stable-by-tolerance").put_in(DEFAULT, 2.5e-3)).claim is Claim.VERIFIED
