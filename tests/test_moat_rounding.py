"""The differentiable estimate of float32's rounding at planted points, and the pits that it deepens."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_training import MOAT, SHAPE, dataset
from torch import nn

from soundbench.certificate import MARGIN_PER_ERROR, rounding_error
from soundbench.export import save_onnx
from soundbench.export_module import module_to_onnx
from soundbench.graph import read_graph
from soundbench.moat_rounding import rounding_of_margins
from soundbench.networks import ARCHITECTURES, build_network
from soundbench.training import problem_of, train

UNIT = 2.0**-24


def problem():
    return problem_of(dataset(), SHAPE, torch.device("cpu"))


def test_roundings_of_two_layers_by_hand():
    given = replace(problem(), input_shape=(25,))
    network = nn.Sequential(nn.Linear(25, 3), nn.Tanh(), nn.Linear(3, 2))
    margins, found = rounding_of_margins(network, given)
    first, last = network[0], network[2]
    sign, point = given.signs[0], given.witnesses[0]
    before = first(point)
    slope = (last.weight[0] - last.weight[1]).abs() * (1 - torch.tanh(before) ** 2)
    own_first = 12.5 * UNIT * (first.weight.abs() @ point.abs() + first.bias.abs())
    own_last = 1.5 * UNIT * (last.weight.abs() @ torch.tanh(before).abs() + last.bias.abs())
    own_tanh = 2.0**-20 * (last.weight[0] - last.weight[1]).abs()
    assert found[0].item() == pytest.approx(float((slope * own_first).sum() + own_last.sum() + own_tanh.sum()))
    logits = network(point)
    assert float(margins[0]) == pytest.approx(float(sign * (logits[0] - logits[1])))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_estimate_is_near_the_certified_bound(name, tmp_path):
    shape = (10,) if name.startswith("mlp") else SHAPE
    data = dataset(inputs=int(np.prod(shape)))
    network = build_network(name, shape, 3).eval()
    path = tmp_path / "it.onnx"
    save_onnx(module_to_onnx(network, shape, 2), path)
    graph = read_graph(path)
    _, estimates = rounding_of_margins(network, problem_of(data, shape, torch.device("cpu")))
    for index, estimate in enumerate(estimates.tolist()):
        certified = rounding_error(graph, data.property_of(index).regions[0], data.witness_of(index))
        assert 0.2 < certified / estimate < 5


def differentiated(moat, step):
    """Gradients of one step, and what it gives back."""
    drawn = problem()
    network = moat.prepare(build_network("cnn_tanh", SHAPE, 0), drawn, torch.Generator().manual_seed(0))
    returned = moat.differentiate(network, drawn, None, step, torch.Generator().manual_seed(5))
    return network, drawn, returned, [parameter.grad for parameter in network.parameters()]


def test_a_step_on_which_no_reserve_is_due_is_untouched_by_it():
    _, _, plain, gradients = differentiated(MOAT, 4)
    _, _, same, others = differentiated(replace(MOAT, reserve=100.0), 5)
    assert same[0] == plain[0]
    assert torch.equal(same[1], plain[1])
    assert all(torch.equal(one, other) for one, other in zip(gradients, others, strict=True))


def test_a_step_adds_the_gradients_of_how_far_pits_are_too_shallow():
    moat = replace(MOAT, reserve=30.0, bound_every=4)
    network, drawn, (loss, memory), found = differentiated(moat, 4)
    _, _, (plain, walkers), before = differentiated(MOAT, 4)
    assert torch.equal(memory, walkers)
    margins, rounding = rounding_of_margins(network, drawn)
    missing = 4 * 100 * ((margins + 30 * MARGIN_PER_ERROR * rounding).relu() ** 2).mean()
    assert float(missing.detach()) > 0
    assert loss == pytest.approx(plain + float(missing.detach()), rel=1e-5)
    extra = torch.autograd.grad(missing, list(network.parameters()), allow_unused=True)
    for total, own, added in zip(found, before, extra, strict=True):
        torch.testing.assert_close(total, own if added is None else own + added, rtol=1e-3, atol=1e-3)


def test_training_makes_pits_as_deep_as_rounding_demands(tmp_path):
    drawn, spare = problem(), []
    for reserve in (0.0, 10.0):
        moat = replace(MOAT, steps=150, check_every=150, depth=0.01, reserve=reserve, bound_every=1)
        network = build_network("cnn_1_conv", SHAPE, 0)
        trained, _ = train(
            network, moat, drawn, 0, checkpoint=tmp_path / f"{reserve}", identity="it", report=lambda _status: None
        )
        margins, rounding = rounding_of_margins(trained, drawn)
        spare.append(float((-margins / (MARGIN_PER_ERROR * rounding)).min()))
    assert spare[0] < 3 < spare[1]
