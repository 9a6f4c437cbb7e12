import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from soundbench.pgd import PUBLISHED_GRID, Boxes, Schedule, descend, descend_from, seeded, strongest, survivors


def boxes(*bounds, inputs=3):
    lower, upper = (torch.tensor([each[side] for each in bounds])[:, None].repeat(1, inputs) for side in (0, 1))
    return Boxes(lower, upper)


def slope(points, index):
    """Smallest at the upper corner, where it is 1 - 3 = -2 in a box up to 1."""
    return 1.0 - points.sum(dim=1) + 0 * index


def everything(points, _index):
    return torch.ones(len(points), dtype=torch.bool)


def run(margins, searched, **dials):
    return descend(margins, searched, **{"step": 0.1, "iterations": 40, "restarts": 4, "generator": seeded(0), **dials})


def test_descents_end_in_the_best_corner_of_each_box():
    reached = run(slope, boxes((0.0, 1.0), (-1.0, 0.25)))
    assert reached.margin.tolist() == [-2.0, 0.25]
    assert torch.equal(reached.point, boxes((0.0, 1.0), (-1.0, 0.25)).upper)


def test_what_goes_round_is_left():
    """Walkers at their corner stay there; those in a valley go to and fro."""
    at_corner, in_valley = (descend_all(margins, iterations=4000) for margins in (slope, valley))
    assert at_corner.margin == -2.0
    assert max(at_corner.queries, in_valley.queries) < 4 * 400


def descend_all(margins, iterations):
    return run(margins, boxes((0.0, 1.0)), step=0.01, iterations=iterations)


def valley(points, index):
    return 1.0 + (points - 0.3).abs().sum(dim=1) + 0 * index


@given(seed=st.integers(0, 10_000), step=st.sampled_from([0.5, 0.125, 0.01]), iterations=st.integers(0, 80))
@settings(deadline=None, max_examples=60)
def test_leaving_what_goes_round_loses_nothing(seed, step, iterations):
    """The margin has kinks, so that walkers settle, go to and fro, or wander."""
    rows, bends = torch.randn((6, 3), generator=seeded(seed)), torch.randn(6, generator=seeded(seed, 1))

    def margins(points, index):
        return (points @ rows.T + bends).abs().sum(dim=1) + 0 * index

    searched = boxes((-1.0, 1.0), (-0.5, 0.5))
    starts = searched.uniform(3, seeded(seed, 2))
    reached = descend_from(margins, searched, starts, step=step, iterations=iterations)
    every = []
    points, box = starts.flatten(0, 1), torch.arange(2).repeat_interleave(3)
    for _ in range(iterations + 1):
        points = points.detach().requires_grad_()
        every.append(margins(points, box).detach())
        (gradient,) = torch.autograd.grad(margins(points, box).sum(), points)
        points = (points - step * gradient.sign()).clamp(searched.lower[box], searched.upper[box])
    best = torch.stack(every).amin(dim=0).reshape(2, 3).amin(dim=1)
    assert reached.margin.tolist() == pytest.approx(best.tolist(), rel=1e-6)
    assert (reached.queries <= 3 * (iterations + 1)).all()


def test_shrinking_steps_may_lead_back_and_go_on():
    """Steps longer than the box lead to and fro between its ends, until they are short enough for the valley."""
    starts = torch.full((1, 1, 1), 0.5)
    reached = descend_from(valley, boxes((0.0, 1.0), inputs=1), starts, step=4.0, iterations=60, decay=0.9)
    assert reached.queries.tolist() == [61]
    assert reached.margin.item() < 1.05


def test_long_cycles_are_found():
    """The loss has the gradient (y, -x), so walkers go round along the box's sides, in more than a hundred steps."""

    def turning(points, _index):
        x, y = points.detach().T
        return (points * torch.stack([y, -x], dim=1)).sum(dim=1)

    starts = torch.tensor([[[0.25, 0.0]]])
    reached = descend_from(slope, boxes((-0.5, 0.5), inputs=2), starts, step=2.0**-7, iterations=20_000, loss=turning)
    assert 100 < int(reached.queries) < 5000


def test_points_never_leave_the_box():
    searched, seen = boxes((-0.1, 0.3), (0.1, 0.7)), []

    def watched(points, index):
        seen.append(((points >= searched.lower[index]) & (points <= searched.upper[index])).all())
        return slope(points, index)

    run(watched, searched, step=0.005)
    assert all(seen)
    assert len(seen) == 41


def test_uniform_points_are_in_the_box_though_sums_are_rounded():
    bounds = torch.rand((200, 2, 4), generator=seeded(3)).sort(dim=1).values
    searched = Boxes(bounds[:, 0], bounds[:, 1])
    points = searched.uniform(500, seeded(1))
    assert (points >= searched.lower[:, None]).all()
    assert (points <= searched.upper[:, None]).all()


def test_a_step_may_differ_by_box_and_by_input():
    searched = boxes((0.0, 1.0), (0.0, 1.0))
    starts = torch.zeros((2, 1, 3))
    margins = descend_from(slope, searched, starts, step=torch.tensor([0.1, 0.2]), iterations=1).margin
    assert margins.tolist() == pytest.approx([0.7, 0.4])
    step = torch.tensor([[0.1, 0.0, 0.0], [0.1, 0.2, 0.3]])
    assert descend_from(slope, searched, starts, step=step, iterations=1).margin.tolist() == pytest.approx([0.9, 0.4])


def test_steps_may_shrink():
    starts = torch.zeros((1, 1, 3))
    reached = descend_from(slope, boxes((0.0, 1.0)), starts, step=0.1, iterations=3, decay=0.5)
    assert reached.margin.tolist() == pytest.approx([1 - 3 * 0.175])


def test_a_box_is_left_once_found_and_the_others_go_on():
    searched = boxes((0.0, 1.0), (0.0, 0.25))
    reached = run(slope, searched, confirmed=everything)
    alone = run(slope, searched)
    assert -2 < reached.margin[0] <= 0
    assert reached.queries[0] < alone.queries[0]
    assert reached.margin[1] == alone.margin[1] == 0.25
    assert reached.queries[1] == alone.queries[1]


def test_a_box_whose_points_are_not_confirmed_is_attacked_to_the_end():
    reached = run(slope, boxes((0.0, 1.0)), confirmed=lambda points, _: ~everything(points, _))
    assert reached.queries.tolist() == run(slope, boxes((0.0, 1.0))).queries.tolist()
    assert reached.margin.tolist() == [-2.0]


def test_the_loss_leads_and_the_margin_counts():
    reached = run(slope, boxes((0.0, 1.0)), loss=lambda points, index: -slope(points, index), iterations=20)
    starts = run(slope, boxes((0.0, 1.0)), iterations=0)
    assert reached.margin == starts.margin


def test_the_strongest_of_several_points():
    margins, points = torch.tensor([[2.0, 1.0], [0.0, 3.0]]), torch.arange(8.0).reshape(2, 2, 2)
    reached = strongest(margins, points)
    assert reached.margin.tolist() == [1.0, 0.0]
    assert reached.point.tolist() == [[2.0, 3.0], [4.0, 5.0]]
    assert reached.queries.tolist() == [2, 2]


def test_generators_depend_on_every_part_and_on_nothing_else():
    numbers = {
        float(torch.rand(1, generator=seeded(*parts))) for parts in ((0,), (1,), (0, "a"), (0, "b"), (0, "a", 1))
    }
    assert len(numbers) == 5
    assert torch.rand(1, generator=seeded(0, "a")) == torch.rand(1, generator=seeded(0, "a"))


def test_the_published_grid():
    assert [each.name for each in PUBLISHED_GRID] == [
        "0.25x0", "0.25x100", "0.02x100", "0.02x250", "0.02x500", "0.01x1000", "0.01x3000", "0.01x5000"
    ]  # fmt: skip


GRID = (Schedule(0.25, 0), Schedule(0.25, 30), Schedule(0.02, 30))


def test_survivors_are_boxes_that_every_attack_leaves_positive():
    """The first box is found by the first descent, the second never."""
    searched = boxes((-1.0, 0.4), (-1.0, 0.25))
    reached = survivors(slope, searched, half_width=torch.tensor([0.7, 0.625]), restarts=3, seed=0, grid=GRID)
    assert list(reached) == list(GRID)
    assert [each.margin[1].item() > 0 for each in reached.values()] == [True] * 3
    first, *others = (each.queries.tolist()[1] for each in reached.values())
    assert first == 3
    assert all(3 < queries <= 93 for queries in others)
    first, second, third = (each.margin[0].item() for each in reached.values())
    assert first > 0 >= second
    assert (third, reached[GRID[2]].queries[0].item()) == (torch.inf, 0)


def test_margins_are_asked_for_by_the_number_of_the_box_though_earlier_ones_are_left_out():
    """The margin of box k is k - 1 everywhere: box 0 and 1 are found at once."""
    reached = survivors(
        lambda points, index: index - 1.0 + 0 * points.sum(dim=1), boxes(*[(0.0, 1.0)] * 3),
        half_width=0.5, restarts=2, seed=0, grid=GRID,
    )  # fmt: skip
    first, *later = (each.margin.tolist() for each in reached.values())
    assert first == [-1, 0, 1]
    assert later == [[torch.inf, torch.inf, 1]] * 2


def test_the_same_seed_gives_the_same_and_another_does_not():
    def margins(seed):
        searched = boxes((-1.0, 0.25))
        reached = survivors(slope, searched, half_width=0.6, restarts=2, seed=seed, grid=GRID[:1])
        return reached[GRID[0]].margin.item()

    assert margins(0) == margins(0)
    assert margins(0) != margins(1)
