"""NeuralSAT's adapter: what it is told; and what the real tool answers, which takes its environment, so marked."""

import pytest
from saved_logs import task_in
from test_marabou import NETWORKS, installed, replays
from test_marabou import write as write  # noqa: PLC0414 (a fixture)

from soundbench.claim import Claim
from soundbench.registry import resolve, resolve_all


@pytest.mark.parametrize(
    ("name", "split"), [("neuralsat", "auto"), ("neuralsat_act", "hidden"), ("neuralsat_input", "input")]
)
def test_what_is_split_goes_with_the_name(tmp_path, name, split):
    found = resolve(name)
    assert found.location() == resolve("neuralsat").location()
    assert f"split={split}" in found.command(task_in(tmp_path))


def test_releases_have_environments_of_their_own():
    assert resolve("neuralsat==0.2.16").location() != resolve("neuralsat").location()
    assert "neuralsat==0.2.16" in resolve("neuralsat==0.2.16").recipe()[-1]


@pytest.mark.verifier
@pytest.mark.slow
@pytest.mark.parametrize("attack", ["true", "false"])
def test_it_answers_with_its_attacks_and_without(write, attack):
    installed("neuralsat")
    (found,) = resolve_all(["neuralsat"], [f"neuralsat.attack={attack}"])
    beyond = found.answer(write(NETWORKS["relu"], "(>= Y_0 1000.0)"), timeout_seconds=60.0)
    assert beyond.answer.claim is Claim.VERIFIED, beyond
    within = write(NETWORKS["relu"], "(<= Y_0 1000.0)")
    execution = found.answer(within, timeout_seconds=60.0)
    assert execution.answer.claim is Claim.FALSIFIED, execution
    assert replays(within, execution)
