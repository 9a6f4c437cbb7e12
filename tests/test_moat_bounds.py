"""Bounds that training raises: below the margin of every point, and only where there are any."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_training import MOAT, SHAPE, dataset
from torch import nn

from soundbench.errors import InputError
from soundbench.moat import Moat
from soundbench.moat_bounds import Lines, can_be_bounded, dense_layers, margin_bounds
from soundbench.moat_dials import suited
from soundbench.networks import ARCHITECTURES, build_network
from soundbench.pgd import Boxes
from soundbench.training import problem_of, start, train

BOUNDED = ("cnn_1_conv", "cnn_2_conv", "cnn_3_conv", "cnn_avgpool", "mlp_4_hidden", "mlp_5_hidden")


def shape_of(name):
    return (10,) if name.startswith("mlp") else SHAPE


def problem(inputs=25, seed=0):
    shape = SHAPE if inputs == 25 else (inputs,)
    return problem_of(dataset(inputs=inputs, seed=seed), shape, torch.device("cpu"))


def bent(name, seed):
    """A network of which many ReLUs change their sign within a box."""
    network = build_network(name, shape_of(name), seed)
    drawn = problem(10 if name.startswith("mlp") else 25, seed)
    return Moat().prepare(network, drawn, torch.Generator().manual_seed(seed)), drawn


def test_which_networks_can_be_bounded():
    able = [name for name in ARCHITECTURES if can_be_bounded(build_network(name, shape_of(name), 0))]
    assert sorted(able) == sorted(BOUNDED)
    assert not can_be_bounded(nn.Sequential(nn.Flatten(), nn.Linear(25, 2)))


@settings(max_examples=30, deadline=None)
@given(name=st.sampled_from(BOUNDED), seed=st.integers(0, 2**31), size=st.floats(0, 1))
def test_no_point_of_a_box_has_a_margin_below_the_bound(name, seed, size):
    network, drawn = bent(name, seed)
    centre, reach = (drawn.boxes.lower + drawn.boxes.upper) / 2, size * (drawn.boxes.upper - drawn.boxes.lower) / 2
    boxes = Boxes(centre - reach, centre + reach)
    generator = torch.Generator().manual_seed(seed)
    points = torch.cat([boxes.uniform(50, generator), boxes.corners(50, generator)], dim=1)
    index = torch.arange(len(boxes)).repeat_interleave(100)
    with torch.no_grad():
        bounds = margin_bounds(network, shape_of(name), boxes, drawn.signs)
        reached = drawn.margins(network)(points.flatten(0, 1), index).reshape(len(boxes), 100)
    assert (bounds <= reached.amin(dim=1) + 1e-4 * (1 + bounds.abs())).all()


@pytest.mark.parametrize("name", BOUNDED)
def test_the_bound_over_a_point_is_its_margin(name):
    network, drawn = bent(name, 0)
    centre = drawn.centres
    with torch.no_grad():
        bounds = margin_bounds(network, shape_of(name), Boxes(centre, centre), drawn.signs)
        margins = drawn.margins(network)(centre, torch.arange(len(centre)))
    torch.testing.assert_close(bounds, margins, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", BOUNDED)
def test_linear_layers_between_relus_become_one_map(name):
    network, drawn = bent(name, 0)
    values = drawn.centres
    *hidden, last = dense_layers(network, shape_of(name))
    for layer in hidden:
        values = (values @ layer.matrix.T + layer.shift).relu()
    logits = values @ last.matrix.T + last.shift
    torch.testing.assert_close(logits, network(drawn.centres.reshape(-1, *shape_of(name))), rtol=1e-3, atol=1e-4)


@given(ends=st.tuples(st.floats(-10, 10, width=32), st.floats(-10, 10, width=32)).map(sorted))
def test_lines_enclose_a_relu(ends):
    lower, upper = (torch.tensor([[end]]) for end in ends)
    lines = Lines.between(lower, upper)
    inner = lower + torch.linspace(0, 1, 11) * (upper - lower)
    values = inner.clamp(lower, upper)
    assert (lines.below * values <= values.relu() + 1e-5).all()
    assert (lines.above * values + lines.offset >= values.relu() - 1e-5).all()
    assert min(float(lines.below), float(lines.above)) >= 0


def test_the_bound_of_a_stable_network_is_exact():
    network = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[1.0, 1.0], [1.0, -1.0]]))
        network[0].bias.copy_(torch.tensor([5.0, -5.0]))
        network[2].weight.copy_(torch.tensor([[1.0, 7.0], [0.0, 3.0]]))
        network[2].bias.copy_(torch.tensor([0.5, 0.0]))
        boxes = Boxes(torch.tensor([[-1.0, 0.0]]), torch.tensor([[1.0, 1.0]]))
        for sign, expected in ((1.0, 4.5), (-1.0, -7.5)):
            assert float(margin_bounds(network, (2,), boxes, torch.tensor([sign]))) == pytest.approx(expected)


def differentiated(moat, step):
    """Gradients of one step, and what it gives back."""
    network, drawn = build_network("cnn_1_conv", SHAPE, 0), problem()
    network = moat.prepare(network, drawn, torch.Generator().manual_seed(0))
    returned = moat.differentiate(network, drawn, None, step, torch.Generator().manual_seed(5))
    return network, drawn, returned, [parameter.grad for parameter in network.parameters()]


def test_a_step_without_bounds_is_untouched_by_them():
    _, _, plain, gradients = differentiated(MOAT, 4)
    for moat, step in ((replace(MOAT, bound_every=1, bound_target=9.0), 4), (replace(MOAT, bound_weight=1.0), 5)):
        _, _, same, others = differentiated(moat, step)
        assert same[0] == plain[0]
        assert torch.equal(same[1], plain[1])
        assert all(torch.equal(one, other) for one, other in zip(gradients, others, strict=True))


@pytest.mark.parametrize(("full", "share"), [(0.5, 2 / 3), (0.1, 1.0), (0.0, 1.0)])
def test_a_step_adds_the_gradients_of_how_far_bounds_in_clean_boxes_are_too_low(full, share):
    moat = replace(MOAT, bound_weight=0.7, bound_every=4, bound_target=3.0, bound_full=full)
    network, drawn, (loss, memory), found = differentiated(moat, 4)
    _, _, (plain, walkers), before = differentiated(MOAT, 4)
    assert torch.equal(memory, walkers)
    centre = (drawn.boxes.lower[2:] + drawn.boxes.upper[2:]) / 2
    reach = share * (drawn.boxes.upper[2:] - centre + 1e-4)
    bounds = margin_bounds(network, SHAPE, Boxes(centre - reach, centre + reach), drawn.signs[2:])
    below = 4 * 0.7 * (3.0 - bounds).mean()
    assert loss == pytest.approx(plain + float(below.detach()), rel=1e-5)
    extra = torch.autograd.grad(below, list(network.parameters()), allow_unused=True)
    for total, own, added in zip(found, before, extra, strict=True):
        torch.testing.assert_close(total, own if added is None else own + added, rtol=1e-3, atol=1e-3)


def test_training_raises_the_bounds_over_whole_boxes(tmp_path):
    drawn, bounds = problem(), []
    for weight in (0.0, 5.0):
        moat = replace(MOAT, steps=60, check_every=60, bound_weight=weight, bound_every=1)
        network = build_network("cnn_1_conv", SHAPE, 0)
        trained, _ = train(
            network, moat, drawn, 0, checkpoint=tmp_path / f"{weight}", identity="it", report=lambda _status: None
        )
        clean = drawn.boxes.take(torch.tensor([2]))
        bounds.append(float(margin_bounds(trained, SHAPE, clean, drawn.signs[2:]).detach()))
    assert bounds[1] > bounds[0] + 0.1


def test_training_without_clean_boxes_has_no_bounds_to_raise():
    drawn = problem_of(dataset(clean=0), SHAPE, torch.device("cpu"))
    moat = replace(MOAT, bound_weight=1.0)
    network = moat.prepare(build_network("cnn_1_conv", SHAPE, 0), drawn, torch.Generator().manual_seed(0))
    loss, _ = moat.differentiate(network, drawn, None, 0, torch.Generator().manual_seed(5))
    assert loss > 0


@pytest.mark.parametrize("name", sorted(set(ARCHITECTURES) - set(BOUNDED)))
def test_bounds_of_other_networks_are_refused_in_a_line(name):
    network = build_network(name, SHAPE, 0)
    with pytest.raises(InputError, match="bound_weight is for networks of ReLUs without branches; set it to 0"):
        start(network, replace(MOAT, bound_weight=1.0), problem(), 0)
    start(network, MOAT, problem(), 0)


@pytest.mark.parametrize(
    "layers",
    [
        [nn.ReLU(), nn.Linear(2, 2)],
        [nn.Linear(2, 2), nn.ReLU()],
        [nn.Linear(2, 2), nn.ReLU(), nn.Flatten(), nn.ReLU(), nn.Linear(2, 2)],
        [nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 2)],
        [nn.Linear(2, 2)],
    ],
)
def test_what_has_no_weights_between_relus_has_no_bounds(layers):
    assert not can_be_bounded(nn.Sequential(*layers))


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("radius", [0.2, 0.5])
def test_suited_dials_ask_for_bounds_only_where_there_are_any(name, radius):
    assert not suited(name, 25, radius).get("bound_weight") or name in BOUNDED
    assert not suited(name, 3 * 32 * 32, radius).get("bound_weight")
