"""The published training: what it remembers, and what it minimises."""

import dataclasses

import pytest
import torch
from small_training import PAPER, SHAPE, dataset
from torch.nn import functional

from soundbench.networks import build_network
from soundbench.training import problem_of


@pytest.fixture
def problem():
    return problem_of(dataset(), SHAPE, torch.device("cpu"))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_window_slides(problem):
    network, memory, seen = build_network("cnn_1_conv", SHAPE, 0), None, []
    method = dataclasses.replace(PAPER, window=3)
    for step in range(5):
        _, memory = method.differentiate(network, problem, memory, step, generator(step))
        seen.append(memory[-1])
        assert torch.equal(memory, torch.stack(seen[-3:]))
        assert memory.shape[1:] == (3, 25)


def test_the_loss_is_cross_entropy_on_centres_and_memory_plus_a_hinge_on_planted_points(problem):
    network = build_network("cnn_1_conv", SHAPE, 0)
    window = torch.stack([problem.boxes.uniform(1, generator(seed))[:, 0] for seed in range(2)])
    found = PAPER.loss(network, problem, window)
    labels = ((1 - problem.signs) / 2).long()
    points = torch.cat([problem.centres, *window]).reshape(-1, *SHAPE)
    attacked = functional.cross_entropy(network(points), labels.repeat(3))
    logits = network(problem.witnesses.reshape(-1, *SHAPE))
    own = logits.gather(1, labels[:2, None])[:, 0]
    other = logits.gather(1, 1 - labels[:2, None])[:, 0]
    hinge = torch.relu(own + 0.01 - other).mean()
    torch.testing.assert_close(found, attacked + hinge)


def test_normalisation_sees_the_batch_in_the_loss_and_is_fixed_in_attacks(problem):
    network = build_network("vit", SHAPE, 0)
    PAPER.attack(network, problem, generator())
    assert not network.training
    PAPER.loss(network, problem, problem.centres[None])
    assert network.training


def test_attacks_stay_in_their_boxes_and_lower_the_margin(problem):
    network = build_network("cnn_1_conv", SHAPE, 0)
    index = torch.arange(3)
    found = dataclasses.replace(PAPER, attack_iterations=20).attack(network, problem, generator())
    assert ((found >= problem.boxes.lower) & (found <= problem.boxes.upper)).all()
    margins = problem.margins(network)
    assert (margins(found, index) < margins(problem.centres, index)).all()
