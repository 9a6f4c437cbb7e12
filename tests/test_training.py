import dataclasses

import pytest
import torch
from small_training import METHODS, MOAT, SHAPE, dataset, trained

from soundbench.errors import InputError
from soundbench.networks import build_network
from soundbench.training import is_planted, problem_of


class Stopped(Exception):
    """In place of a kill."""


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("architecture", ["cnn_tanh", "vit"])
def test_a_training_that_was_stopped_ends_as_if_it_had_not_been(name, architecture, tmp_path):
    whole, log = trained(METHODS[name], tmp_path / "whole", architecture=architecture)
    seen = []

    def stop_at_the_second_check(status):
        seen.append(status.step)
        if len(seen) == 2:
            raise Stopped

    with pytest.raises(Stopped):
        trained(METHODS[name], tmp_path / "part", architecture=architecture, report=stop_at_the_second_check)
    resumed, resumed_log = trained(METHODS[name], tmp_path / "part", architecture=architecture)
    assert torch.equal(resumed, whole)
    assert resumed_log == log
    assert [line["step"] for line in log] == list(
        range(METHODS[name].check_every, METHODS[name].steps + 1, METHODS[name].check_every)
    )


@pytest.mark.parametrize("name", METHODS)
def test_the_seed_decides_and_torch_s_own_generator_does_not(name, tmp_path):
    torch.manual_seed(1)
    first, _ = trained(METHODS[name], tmp_path / "1")
    torch.manual_seed(2)
    again, _ = trained(METHODS[name], tmp_path / "2")
    other, _ = trained(METHODS[name], tmp_path / "3", seed=1)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("name", METHODS)
def test_training_lowers_the_loss(name, tmp_path):
    method = dataclasses.replace(METHODS[name], steps=40, check_every=1)
    _, log = trained(method, tmp_path / "c")
    assert min(line["loss"] for line in log[-5:]) < 0.95 * log[0]["loss"]


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path):
    trained(MOAT, tmp_path / "c", identity="one")
    with pytest.raises(InputError, match="c: a checkpoint of another recipe or seed; remove it"):
        trained(MOAT, tmp_path / "c", identity="other")


@pytest.mark.parametrize("content", [b"", b"no safetensors", b"\x10\0\0\0\0\0\0\0{}              "])
def test_a_damaged_checkpoint_is_refused(content, tmp_path):
    (tmp_path / "c").write_bytes(content)
    with pytest.raises(InputError, match=r"c: not a readable checkpoint .*; remove it to train from the start"):
        trained(MOAT, tmp_path / "c")


def test_published_training_stops_once_everything_is_hidden_often_enough(tmp_path, monkeypatch):
    hidden = iter([1, 2, 1, 2, 2, 2])
    monkeypatch.setattr("soundbench.training.checked", lambda *_: torch.arange(2) < next(hidden))
    patient = dataclasses.replace(METHODS["paper"], steps=100, check_every=2, patience=2)
    _, log = trained(patient, tmp_path / "c")
    assert [line["hidden"] for line in log] == [1, 2, 1, 2, 2]


def test_moat_training_goes_on_to_its_last_step(tmp_path, monkeypatch):
    monkeypatch.setattr("soundbench.training.checked", lambda *_: torch.ones(2, dtype=torch.bool))
    _, log = trained(MOAT, tmp_path / "c")
    assert [line["step"] for line in log] == [4, 8, 12]


def test_is_planted_wants_a_right_centre_and_a_wrong_witness():
    data = dataset()
    problem = problem_of(data, SHAPE, torch.device("cpu"))
    network = build_network("cnn_1_conv", SHAPE, 0)
    margins = problem.margins(network)
    index = torch.arange(2)
    expected = (margins(problem.centres[:2], index) > 0) & (margins(problem.witnesses, index) < 0)
    assert torch.equal(is_planted(network, problem), expected)
