"""It reads weights, so it finds needles that no query finds."""

import numpy as np
import pytest
import torch
from attacked import CPU, box_of, pyramid, targets
from soundbench.cli.shipped import core_suite

from soundbench.auditor import HEAVY_TAILS, audit, is_open, unstable
from soundbench.graph import NEG, Elementary, Function, Pieces, read_graph
from soundbench.ground_truth import Role
from soundbench.pgd import seeded
from soundbench.suite import load_suite
from soundbench.targets import targets_of
from soundbench.vnnlib import read_property

SUITE = load_suite(core_suite())
ARMED = [each for each in SUITE.instances if SUITE.ground_truth[each.name].role is Role.ARMED]


def audited(instance):
    """Whether the auditor finds the instance's counterexample, and with how many queries."""
    attacked = targets_of(read_graph(instance.onnx), [(instance.name, read_property(instance.vnnlib))], CPU)
    found, queries = False, 0
    for box in range(len(attacked)):
        one = attacked.take([box])
        reached = audit(one, 0, 1, seeded(0, instance.name, box))
        found |= one.judge(reached.point[0], 0).found
        queries += int(reached.queries[0])
    return found, queries


@pytest.mark.parametrize("instance", [ARMED[0], ARMED[-1]], ids=lambda instance: instance.name)
def test_it_finds_needles_of_the_core_suite(instance):
    """Of ReLUs and of sigmoids."""
    found, queries = audited(instance)
    assert found
    assert 1_000 < queries < 1_000_000


@pytest.mark.slow
def test_it_finds_most_needles_of_the_core_suite():
    """All 34 when this was written: what is claimed is hiding from queries, not from readers of weights."""
    assert sum(audited(instance)[0] for instance in ARMED) >= 0.8 * len(ARMED)


def test_neurons_that_are_known_to_be_linear_are_left_alone():
    """The box lies above the center of the first input, and around that of the second."""
    attacked = targets(pyramid([0.0, 0.5], 0.1), box_of(2, 0.25, 1, "(>= Y_0 0.9)"))
    neurons = unstable(attacked)
    assert neurons.tensors == ("sides",)
    assert neurons.indices[0].tolist() == [1, 3]
    assert len(neurons) == 2


def test_neurons_are_open_where_their_pieces_meet():
    clip = Pieces((0.0, 1.0), ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)))
    ends = np.array([-1.0, -0.5, 0.25, 0.75, 1.0, 2.0])
    found = {function: is_open(function, ends[:-1], ends[1:]).tolist() for function in (clip, NEG, Elementary.EXP)}
    assert found == {clip: [False, True, False, False, False], NEG: [False] * 5, Elementary.EXP: [True] * 5}


def test_saturated_neurons_keep_their_value_and_a_direction():
    functions = {Function.TANH: torch.tanh, Function.SIGMOID: torch.sigmoid, Elementary.SIGN: torch.sign}
    for function, plain in functions.items():
        values = torch.tensor([-50.0, -1.0, 0.0, 2.0, 50.0], requires_grad=True)
        out = HEAVY_TAILS[function](values)
        assert torch.allclose(out, plain(values.detach()), atol=1e-6)
        out.sum().backward()
        assert (values.grad > 1e-4).all()


def test_a_network_without_neurons_is_descended():
    from attacked import linear

    attacked = targets(linear([[1.0, 1.0]]), box_of(2, 0, 1, "(>= Y_0 1.99)"))
    reached = audit(attacked, 0, 1, seeded(0))
    assert attacked.judge(reached.point[0], 0).found
