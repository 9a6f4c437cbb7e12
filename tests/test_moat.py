"""The shape that moat training asks for, where it looks, and where it starts."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_training import SHAPE, dataset
from torch import nn

from soundbench.ground_truth import Position
from soundbench.moat import Moat
from soundbench.moat_dials import suited
from soundbench.moat_samples import Climbers, MovingPoints, around, flipped, fresh, rims_of
from soundbench.moat_start import centred, decentred, layers_of, measure_layers, sample, scale_layers
from soundbench.networks import ARCHITECTURES, build_network
from soundbench.toml_file import build
from soundbench.training import problem_of

RIM = 0.04


def problem(position=Position.CORNER, seed=0):
    return problem_of(dataset(position=position, seed=seed), SHAPE, torch.device("cpu"))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def inside(points, index, given):
    boxes = given.boxes.take(index)
    slack = 1e-7
    return bool(((points >= boxes.lower - slack) & (points <= boxes.upper + slack)).all())


@settings(max_examples=30)
@given(seed=st.integers(0, 2**31), position=st.sampled_from(Position))
def test_all_points_lie_in_their_boxes_and_outside_the_rims_where_they_count(seed, position):
    given = problem(position, seed)
    rims = rims_of(given, RIM)
    armed = torch.arange(given.armed).repeat_interleave(20)
    every = torch.arange(len(given.boxes)).repeat_interleave(20)
    near = around(given, armed, rims, generator(seed))
    assert inside(near, armed, given)
    assert inside(flipped(given, armed, generator(seed)), armed, given)
    assert inside(fresh(given, every, rims, generator(seed)), every, given)
    assert inside(given.boxes.corners(20, generator(seed)).flatten(0, 1), every, given)
    assert (rims > 0).all()
    assert (rims <= RIM).all()


def test_corners_are_corners():
    given = problem(Position.EDGE)
    armed = torch.arange(2).repeat_interleave(30)
    boxes = given.boxes.take(armed)
    for points in (
        flipped(given, armed, generator()),
        given.boxes.take(torch.arange(2)).corners(30, generator()).flatten(0, 1),
    ):
        assert ((points == boxes.lower) | (points == boxes.upper)).all()


@pytest.mark.parametrize("inputs", [10, 25, 75, 1000])
@pytest.mark.parametrize("position", Position)
def test_no_corner_lies_within_the_rim_of_a_point_that_is_not_at_one(inputs, position):
    given = problem_of(dataset(position=position, inputs=inputs), (inputs,), torch.device("cpu"))
    boxes = given.boxes.take(torch.arange(2))
    nearest = torch.minimum(given.witnesses - boxes.lower, boxes.upper - given.witnesses).norm(dim=1)
    rims = rims_of(given, 100.0)
    if position is Position.CORNER:
        assert (rims == 100.0).all()
    else:
        torch.testing.assert_close(rims, 0.8 * nearest)
    assert (rims_of(given, 1e-6) == 1e-6).all()


def test_points_around_reach_from_the_rim_to_the_far_side():
    given = problem()
    armed = torch.zeros(4000, dtype=torch.int64)
    distance = (around(given, armed, rims_of(given, 0.01), generator()) - given.witnesses[0]).norm(dim=1)
    assert float(distance.min()) < 0.012
    assert float(distance.max()) > 0.08


def test_walkers_go_where_they_are_told_but_not_out_of_their_box_or_into_the_rim():
    given = problem()
    rims = rims_of(given, RIM)
    walkers = MovingPoints.of(given, 10, None, rims, generator())
    down = -torch.ones_like(walkers.points)
    moved = walkers.moved(down, torch.zeros(len(walkers)), rims, generator())
    steps = given.radius * torch.tensor([0.25, 0.1, 0.05, 0.02, 0.01]).repeat(len(walkers) // 5)[:, None]
    straight = torch.maximum(walkers.points - steps, given.boxes.take(walkers.index).lower)
    own = walkers.index.clamp(max=1)
    stays = (walkers.index >= given.armed) | ((straight - given.witnesses[own]).norm(dim=1) >= rims[own])
    assert stays.sum() > 20
    torch.testing.assert_close(moved[stays], straight[stays])
    assert not torch.equal(moved[~stays], straight[~stays]) or not (~stays).any()
    always = walkers.moved(down, torch.full((len(walkers),), 1e9), rims, generator())
    assert not torch.isclose(always, straight).all(dim=1)[stays].all()


def test_neighbours_of_climbers_are_corners_a_few_flips_away():
    given = problem()
    climbers = Climbers.of(given, 200, None, generator())
    boxes = given.boxes.take(climbers.index)
    near = climbers.neighbours(generator())
    for points in (climbers.points, near):
        on_face = torch.minimum((points - boxes.lower).abs(), (boxes.upper - points).abs())
        assert float(on_face.max()) < 1e-7
    flips = ((near - climbers.points).abs() > 1e-6).sum(dim=1).float()
    assert 1.2 < float(flips.mean()) < 1.8
    assert float(flips.max()) < 10


def test_climbers_go_where_the_margin_is_lower_and_not_into_the_rim():
    given = problem()
    rims = rims_of(given, RIM)
    climbers = Climbers.of(given, 200, None, generator())
    proposed = climbers.neighbours(generator(1))
    is_lower = torch.arange(len(climbers)) % 2 == 0
    moved = climbers.moved(proposed, is_lower, rims, generator(2))
    expected = torch.where(is_lower[:, None], proposed, climbers.points)
    assert 0.95 < float((moved == expected).all(dim=1).float().mean()) < 1
    planted = Climbers(given, given.witnesses[climbers.index.clamp(max=1)], climbers.index)
    fled = planted.moved(planted.points, is_lower, rims, generator(3))
    armed = climbers.index < given.armed
    assert (fled[armed] != planted.points[armed]).any(dim=1).all()
    assert float((fled[~armed] == planted.points[~armed]).all(dim=1).float().mean()) > 0.9


def test_climbers_find_the_one_corner_where_a_margin_is_lowest():
    given = problem()
    climbers = Climbers.of(given, 20, None, generator())
    lowest = given.boxes.upper[climbers.index]
    for step in range(600):
        proposed = climbers.neighbours(generator(step))
        here, there = ((lowest - points).norm(dim=1) for points in (climbers.points, proposed))
        moved = torch.where((there < here)[:, None], proposed, climbers.points)
        climbers = Climbers(given, moved, climbers.index)
    torch.testing.assert_close(climbers.points, lowest)


def test_the_shape_is_a_hill_with_a_pit_and_a_plain():
    given, moat = problem(), Moat(rim=2.0)
    rims = rims_of(given, moat.rim * given.radius)
    direction = torch.zeros(25)
    direction[0] = 1.0
    distances = torch.tensor([0.0, 0.039, 0.041, 0.08, 10.0])
    points = given.witnesses[:1] + distances[:, None] * direction
    wanted, counted = moat.shape(given, points, torch.zeros(5, dtype=torch.int64), rims)
    assert counted.tolist() == [0, 0, 1, 1, 1]
    spread = moat.spread * given.radius * math.sqrt(25)
    expected = [moat.flat + moat.height * math.exp(-((float(each) / spread) ** 2)) for each in distances]
    assert wanted.tolist() == pytest.approx(expected)
    plain, counts = moat.shape(given, points, torch.full((5,), 2), rims)
    assert plain.tolist() == pytest.approx([2 * moat.flat] * 5)
    assert counts.tolist() == [1] * 5


def test_the_gradient_of_a_step_is_that_of_the_loss_as_written():
    given, moat = problem(), Moat(walkers=3, uniform=1, corners=1, climbers=2, near=2, flips=1)
    network = moat.prepare(build_network("cnn_1_conv", SHAPE, 0), given, generator())
    loss, memory = moat.differentiate(network, given, None, 0, generator(5))
    rims = rims_of(given, moat.rim * given.radius)
    drawn = generator(5)
    walkers = MovingPoints.of(given, 3, None, rims, drawn)
    climbers = Climbers.of(given, 2, None, drawn)
    points, index = moat.samples(given, walkers, climbers, rims, drawn)
    wanted, counted = moat.shape(given, points, index, rims)
    reached = given.margins(network)(points, index)
    pits = given.margins(network)(given.witnesses, torch.arange(2))
    errors = (reached - wanted) ** 2 + (moat.flat - reached).relu() ** 2
    by_hand = 100 * ((errors * counted).sum() / counted.sum() + ((pits + moat.depth).relu() ** 2).mean())
    assert loss == pytest.approx(float(by_hand.detach()), rel=1e-5)
    gradients = [parameter.grad for parameter in network.parameters()]
    for found, expected in zip(gradients, torch.autograd.grad(by_hand, list(network.parameters())), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)
    assert memory.shape == (9 + 6, 25)


def test_walkers_go_down_the_margin():
    given = problem()
    moat = Moat(steps=10, walkers=40, hold=0.0, hold_from=0.0, hold_error=1e9)
    network = moat.prepare(build_network("cnn_1_conv", SHAPE, 0), given, generator())
    rims = rims_of(given, moat.rim * given.radius)
    before = MovingPoints.of(given, 40, None, rims, generator(5))
    _, after = moat.differentiate(network, given, None, 0, generator(5))
    margins = given.margins(network)
    start = before.points.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(margins(start, before.index).sum(), start)
    steps = given.radius * torch.tensor([0.25, 0.1, 0.05, 0.02, 0.01]).repeat(24)[:, None]
    boxes = given.boxes.take(before.index)
    expected = (before.points - steps * gradient.sign()).clamp(boxes.lower, boxes.upper)
    stepped = torch.isclose(after, expected, atol=1e-7).all(dim=1)
    assert stepped.float().mean() > 0.6


def test_climbers_of_a_step_go_down_the_margin_from_where_they_were():
    given = problem()
    moat = Moat(steps=10, walkers=2, climbers=60)
    network = moat.prepare(build_network("cnn_1_conv", SHAPE, 0), given, generator())
    margins = given.margins(network)
    rims = rims_of(given, moat.rim * given.radius)
    memory = None
    for step in range(3):
        drawn = generator(5 + step)
        MovingPoints.of(given, 2, None if memory is None else memory[:6], rims, drawn)
        before = Climbers.of(given, 60, None if memory is None else memory[6:], drawn)
        proposed = before.neighbours(drawn)
        is_lower = margins(proposed, before.index) < margins(before.points, before.index)
        expected = torch.where(is_lower[:, None], proposed, before.points)
        _, memory = moat.differentiate(network, given, memory, step, generator(5 + step))
        assert memory.shape == (6 + 180, 25)
        assert float((memory[6:] == expected).all(dim=1).float().mean()) > 0.9
        assert float((memory[6:] != before.points).any(dim=1).float().mean()) > 0.2


def test_the_learning_rate_rises_and_falls():
    moat = Moat(steps=1000, warm_up=0.1, peak_rate=1.0, last_rate=0.1)
    rates = [moat.learning_rate(step) for step in range(1000)]
    assert rates[0] == pytest.approx(0.01, rel=0.01)
    assert max(rates) == pytest.approx(0.98, abs=0.01)
    assert 90 <= rates.index(max(rates)) <= 100
    assert rates[-1] == pytest.approx(0.1, abs=1e-4)


@pytest.mark.parametrize("name", ["cnn_tanh", "cnn_sigmoid"])
@pytest.mark.parametrize("shape", [(1, 5, 5), (3, 5, 5)])
def test_sigmoids_trained_as_tanh_are_the_same_function(name, shape):
    network = build_network(name, shape, 0)
    as_tanh = centred(network)
    assert not any(isinstance(module, nn.Sigmoid) for module in as_tanh)
    points = torch.rand((20, *shape), generator=generator(), dtype=torch.float32) - 0.5
    back = Moat().finish(as_tanh, network)
    assert [type(module) for module in back] == [type(module) for module in network]
    torch.testing.assert_close(back(points), as_tanh(points), rtol=1e-4, atol=1e-5)


def test_rewriting_leaves_the_trained_network_alone():
    network = centred(build_network("cnn_sigmoid", SHAPE, 0))
    before = [parameter.clone() for parameter in network.parameters()]
    decentred(network)
    assert all(torch.equal(old, new) for old, new in zip(before, network.parameters(), strict=True))


def test_measured_layers_have_the_wanted_spread():
    given, network = problem(), build_network("cnn_tanh", SHAPE, 0)
    points = sample(given, generator())
    measure_layers(network, 0.7, 1.3, 0.5, points, generator())
    values, spreads = points, []
    layers = layers_of(network)
    with torch.no_grad():
        for module in network:
            values = module(values)
            if module in layers[:-1]:
                spreads.append(float((values - module.bias.reshape(1, -1, *[1] * (values.ndim - 2))).std()))
    assert spreads == pytest.approx([0.7, 1.3, 1.3, 1.3], rel=1e-3)


def test_scaled_layers_are_scaled():
    network, same = build_network("cnn_1_conv", SHAPE, 0), build_network("cnn_1_conv", SHAPE, 0)
    scale_layers(network, 10.0, 2.0, 0.5, sample(problem(), generator()), generator())
    pairs = zip(layers_of(network), layers_of(same), strict=True)
    factors = [float((new.weight / old.weight).detach().median()) for new, old in pairs]
    assert factors == pytest.approx([10.0, 2.0, 2.0, 2.0, 1.0])
    assert all(not layer.bias.any() for layer in layers_of(network)[1:])
    assert len(set(layers_of(network)[0].bias.tolist())) == 10


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("radius", [0.1, 0.2, 0.5, 1.0])
def test_suited_dials_are_dials_that_training_can_have(name, radius):
    moat = build(Moat, suited(name, 25, radius), name)
    assert not any(moat.problems().values())
