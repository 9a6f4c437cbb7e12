from fractions import Fraction

import numpy as np
import pytest
import torch
from attacked import CPU, box_of, linear, targets
from small_networks import unsafe_set

from soundbench.instance import Interval, Property, Region
from soundbench.targets import boxes_within, targets_of

IDENTITY = linear(np.eye(3))
ONE = torch.tensor([[0.5, -0.25, 0.75]])


def margin(attacked, box=0, point=ONE):
    return attacked.margins(point, torch.tensor([box])).item()


def test_a_conjunction_is_missed_by_its_worst_constraint():
    attacked = targets(IDENTITY, box_of(3, -1, 1, "(>= Y_0 0.75)", "(<= Y_1 -0.5)", y=3))
    assert (len(attacked), margin(attacked)) == (1, 0.25)


def test_every_region_has_a_box_of_its_own():
    attacked = targets(IDENTITY, box_of(3, -1, 1, "(or (and (>= Y_0 1.0)) (and (>= Y_1 Y_0) (<= Y_2 0.25)))", y=3))
    assert attacked.names == ("i0", "i0")
    assert [margin(attacked, 0), margin(attacked, 1)] == [0.5, 0.75]
    assert [margin(attacked.take([1])), len(attacked.take([1]))] == [0.75, 1]


def test_regions_of_one_box_may_be_attacked_together():
    """Cross-entropy and what is descended in its place differ by a monotonic function."""
    two = box_of(3, -1, 1, "(or (and (>= Y_0 1.0)) (and (>= Y_1 Y_0)))", y=3)
    one = box_of(3, -1, 1, "(and (>= Y_0 1.0))", y=3)
    attacked = targets(IDENTITY, one, two, together=True)
    assert attacked.names == ("i1",)
    assert margin(attacked) == 0.5
    logits = torch.tensor([[0.0, -0.5, -0.75]])
    entropy = torch.nn.functional.cross_entropy(logits, torch.tensor([0]))
    found = attacked.cross_entropy(ONE, torch.tensor([0]))
    assert torch.log1p(torch.exp(-found)).item() == pytest.approx(entropy.item())
    assert targets(IDENTITY, one, together=True) is None


def test_cross_entropy_has_a_direction_far_away_too():
    steep = linear(1e4 * np.eye(3))
    attacked = targets(
        steep, box_of(3, -1, 1, "(or (and (>= Y_0 20000.0)) (and (>= Y_1 20000.0)))", y=3), together=True
    )
    point = ONE.clone().requires_grad_()
    attacked.cross_entropy(point, torch.tensor([0])).sum().backward()
    assert point.grad[0, 0] < 0


def test_instances_with_fewer_regions_or_constraints_are_filled_up_with_what_changes_nothing():
    first = box_of(3, -1, 1, "(>= Y_0 0.75)", "(<= Y_1 -0.5)", "(>= Y_2 0.0)", y=3)
    second = box_of(3, -1, 1, "(or (and (>= Y_0 1.0)) (and (>= Y_1 Y_0)))", y=3)
    third = box_of(3, -1, 1, "(or (and (>= Y_0 1.0)) (and (>= Y_1 Y_0)) (and (>= Y_2 2.0)))", y=3)
    attacked = targets(IDENTITY, first, second)
    assert [margin(attacked, box) for box in range(3)] == [0.25, 0.5, 0.75]
    both = targets(IDENTITY, second, third, together=True)
    assert [margin(both, 0), margin(both, 1)] == [0.5, 0.5]
    point = ONE.clone().requires_grad_()
    both.cross_entropy(point, torch.tensor([0])).sum().backward()
    assert torch.isfinite(point.grad).all()


def test_float32_boxes_lie_within():
    lower = np.random.default_rng(0).uniform(-1, 0, (50, 4))
    upper = lower + np.random.default_rng(1).uniform(0.01, 1, (50, 4))
    boxes = boxes_within(lower, upper, CPU)
    assert boxes.lower.dtype == torch.float32
    low, high = boxes.lower.double().numpy(), boxes.upper.double().numpy()
    assert ((low >= lower) & (high <= upper)).all()
    assert ((low - lower < 1e-7) & (upper - high < 1e-7)).all()


def test_boxes_too_narrow_for_float32_are_searched_in_float64():
    narrow = unsafe_set(1, 1, "(>= X_0 0.30000000001)", "(<= X_0 0.30000000002)", "(>= Y_0 0.3)")
    attacked = targets(linear([[1.0]]), narrow)
    assert attacked.boxes.lower.dtype == torch.float64
    assert attacked.judge(attacked.boxes.lower[0], 0).found


def test_boxes_without_a_point_are_left_out():
    (region,) = box_of(1, 0, 1, "(>= Y_0 0.5)").regions
    third = Region((Interval(Fraction(1, 3), Fraction(1, 3)),), region.outputs)
    empty, mixed = Property(1, 1, (third,)), Property(1, 1, (third, region))
    assert targets_of(linear([[1.0]]), [("a", empty)], CPU) is None
    attacked = targets_of(linear([[1.0]]), [("a", empty), ("b", mixed)], CPU)
    assert attacked.names == ("b",)
    assert attacked.regions == ((region,),)


def test_what_float32_takes_for_a_counterexample_is_judged_in_float64():
    """0.1 in float32 is above 0.1, and float32 cannot tell 1 + 1e-9 from 1."""
    attacked = targets(linear([[1.0]], [1e-9]), box_of(1, 0, 1, "(>= Y_0 1.000000002)"))
    point, index = torch.tensor([[1.0]]), torch.tensor([0])
    assert attacked.margins(point, index).item() <= 0
    assert attacked.confirmed(point, index).tolist() == [False]
    assert attacked.judge(point[0], 0).margin == pytest.approx(-1e-9)
    assert attacked.confirmed(torch.tensor([[2.0]]), index).tolist() == [False]  # outside
