import dataclasses
import itertools

import pytest
import torch
from small_training import METHODS, MOAT, SHAPE, dataset, trained

from soundbench.errors import InputError
from soundbench.networks import build_network
from soundbench.training import is_planted, move_average, problem_of


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
    method = dataclasses.replace(METHODS[name], steps=40, check_every=1, patience=100)
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


def test_training_stops_once_everything_is_hidden_often_enough(tmp_path):
    easy = dataclasses.replace(MOAT, steps=400, check_every=20, patience=2, average=0.0, segment=16, uniform=8)
    _, log = trained(easy, tmp_path / "c", architecture="cnn_1_conv")
    assert [line["hidden"] for line in log[-2:]] == [2, 2]
    assert log[-1]["step"] < 400
    assert all(first["hidden"] < 2 or second["hidden"] < 2 for first, second in itertools.pairwise(log[:-1]))


def test_is_planted_wants_a_right_centre_and_a_wrong_witness():
    data = dataset()
    problem = problem_of(data, SHAPE, torch.device("cpu"))
    network = build_network("cnn_1_conv", SHAPE, 0)
    margins = problem.margins(network)
    index = torch.arange(2)
    expected = (margins(problem.centres()[:2], index) > 0) & (margins(problem.witnesses, index) < 0)
    assert torch.equal(is_planted(network, problem), expected)


def test_the_average_of_weights_moves_by_the_rest_of_the_share():
    old, new = build_network("vit", SHAPE, 0), build_network("vit", SHAPE, 1)
    before = [value.clone() for value in old.state_dict().values()]
    move_average(old, new, 0.75)
    for start, value, target in zip(before, old.state_dict().values(), new.state_dict().values(), strict=True):
        if value.is_floating_point():
            torch.testing.assert_close(value, 0.75 * start + 0.25 * target)
