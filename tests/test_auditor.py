"""It reads weights, so it finds needles that no query finds."""

import numpy as np
import pytest
import torch
from attacked import CPU, box_of, pyramid, targets
from soundbench.cli.shipped import core_suite

from soundbench.auditor import DECAY, HEAVY_TAILS, STEPS, audit, is_open, unstable
from soundbench.graph import NEG, Elementary, Function, Pieces, evaluate_float64, read_graph
from soundbench.ground_truth import Role
from soundbench.pgd import seeded
from soundbench.suite import load_suite
from soundbench.targets import targets_of
from soundbench.tight import HALF_WIDTH, NEEDLE_HALF_WIDTH, RELATIVE
from soundbench.vnnlib import read_property

SUITE = load_suite(core_suite())
ARMED = {each.name: each for each in SUITE.instances if SUITE.ground_truth[each.name].role is Role.ARMED}


def audited(instance):
    """Whether the auditor finds the instance's counterexample, with how many queries, and where it got in each box."""
    attacked = targets_of(read_graph(instance.onnx), [(instance.name, read_property(instance.vnnlib))], CPU)
    found, queries, points = False, 0, []
    for box in range(len(attacked)):
        one = attacked.take([box])
        reached = audit(one, 0, 1, seeded(0, instance.name, box))
        found |= one.judge(reached.point[0], 0).found
        queries += int(reached.queries[0])
        points.append(reached.point[0].double().numpy())
    return found, queries, points


@pytest.mark.parametrize("name", ["mlp-tiny-1-1-misaligned-armed", "sigmoid-far-1-1-misaligned-armed"])
def test_it_finds_needles_of_the_core_suite(name):
    """Of ReLUs and of sigmoids."""
    found, queries, _ = audited(ARMED[name])
    assert found
    assert 1_000 < queries < 1_000_000


def test_it_finds_most_needles_of_the_core_suite():
    """What is claimed is hiding from queries, not from readers of weights.

    Of every network one.
    """
    own: dict[str, list[str]] = {}
    for name in ARMED:
        own.setdefault(SUITE.ground_truth[name].factors.get("network", "tight"), []).append(name)
    del own["tight"]
    chosen = [names[number % len(names)] for number, names in enumerate(own.values())]
    assert len(chosen) == 31
    assert sum(audited(ARMED[name])[0] for name in chosen) >= 0.9 * len(chosen)


@pytest.mark.parametrize("name", ["tight-relative-1-armed", "tight-last_digit-1-armed", "tight-saturated-2-armed"])
def test_it_climbs_the_needles_of_the_track_tight_and_stops_short_of_their_tops(name):
    """What lies above the threshold there is narrower than its last steps; the needle is found, beside sigmoids too."""
    found, _, (point,) = audited(ARMED[name])
    truth = SUITE.ground_truth[name]
    graph, distance = read_graph(ARMED[name].onnx), np.abs(point - [float(value) for value in truth.witness.point])
    assert not found
    assert 0.99 < evaluate_float64(graph, point)[truth.hiding.tensor][truth.hiding.neuron] < 1
    last = HALF_WIDTH * DECAY ** (STEPS - 1)
    assert distance.max() <= 2 * last
    assert last > 100 * NEEDLE_HALF_WIDTH * RELATIVE


def test_it_finds_those_of_the_track_tight_that_have_room():
    assert audited(ARMED["tight-summation-1-armed"])[0]


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
