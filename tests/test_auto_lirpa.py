"""auto_LiRPA's adapter on small networks; needs its environment, so marked."""

import pytest
from saved_logs import hard_instance
from test_marabou import AVERAGE_POOL, NETWORKS, installed, largest_difference, property_text, replays
from test_marabou import write as write  # noqa: PLC0414 (a fixture)

from soundbench.claim import Claim
from soundbench.registry import resolve_all

pytestmark = pytest.mark.verifier


@pytest.fixture(scope="session")
def lirpa():
    return installed("auto_lirpa")


def tuned(*settings):
    (found,) = resolve_all(["auto_lirpa"], [f"auto_lirpa.{setting}" for setting in settings])
    return found


@pytest.mark.usefixtures("lirpa")
@pytest.mark.parametrize("method", ["IBP", "CROWN-IBP", "CROWN", "alpha-CROWN"])
def test_every_method_proves_and_does_not_prove_too_much(write, method):
    """Over the whole box without splitting: a bound that is far away, and one that is reached."""
    whole = tuned(f"method={method}", "split=false", "iterations=3")
    assert whole.answer(write(NETWORKS["relu"], "(>= Y_0 1000.0)")).answer.claim is Claim.VERIFIED
    reached = largest_difference(write(NETWORKS["relu"], "(>= Y_0 1000.0)").onnx, NETWORKS["relu"][0])
    answer = whole.answer(write(NETWORKS["relu"], f"(>= (- Y_0 Y_1) {reached - 0.001:.6f})")).answer
    assert (answer.claim, answer.raw) == (Claim.UNKNOWN, "unknown")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["relu", "convolution", "residual", "sigmoid", "tanh", "reshape", "matmul and add"])
def test_splitting_finds_what_sampling_has_seen(lirpa, write, name):
    reached = largest_difference(write(NETWORKS[name], "(>= Y_0 1000.0)").onnx, NETWORKS[name][0])
    within = write(NETWORKS[name], f"(>= (- Y_0 Y_1) {0.5 * reached - 0.01:.6f})")
    execution = lirpa.answer(within, timeout_seconds=60.0)
    # It may not find it in time, but must not deny it.
    assert execution.answer.claim in (Claim.FALSIFIED, Claim.TIMEOUT), execution
    assert execution.answer.claim is Claim.TIMEOUT or replays(within, execution)


def test_regions_are_all_looked_at(lirpa, write):
    unsafe = "(or (and (>= Y_0 1000.0)) (and (<= X_0 -0.4) (>= X_0 -0.45) (<= Y_1 1000.0)))"
    instance = write(NETWORKS["relu"], unsafe)
    execution = lirpa.answer(instance)
    assert execution.answer.claim is Claim.FALSIFIED
    assert replays(instance, execution)
    both = "(or (and (>= Y_0 1000.0)) (and (<= X_0 -0.4) (>= Y_1 1000.0)))"
    assert lirpa.answer(write(NETWORKS["relu"], both)).answer.claim is Claim.VERIFIED


@pytest.mark.slow
def test_average_pooling_is_read(lirpa, write):
    assert lirpa.answer(write(AVERAGE_POOL, "(>= Y_0 1000.0)")).answer.claim is Claim.VERIFIED


@pytest.mark.slow
def test_it_says_itself_that_time_is_up(lirpa, tmp_path):
    hard = hard_instance(tmp_path)
    assert lirpa.answer(hard, timeout_seconds=15.0).answer.claim is Claim.TIMEOUT


def test_a_property_that_it_cannot_be_given_is_an_error(lirpa, write):
    answer = lirpa.answer(write(NETWORKS["relu"], text=property_text() + "(assert (<= (* 0.1 Y_0) 1.0))")).answer
    assert answer.claim is Claim.ERROR
    assert "is no double" in answer.raw
