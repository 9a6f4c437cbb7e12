import pytest
import torch
from attacked import box_of, linear, targets

from soundbench.pgd import seeded
from soundbench.sampling import corners_of, numbered_corners, search_uniformly


def holding(inputs=3):
    return targets(linear([[1.0] * inputs]), box_of(inputs, -1, 1, f"(>= Y_0 {inputs + 1})"))


def test_each_corner_is_looked_at_once_where_there_are_few():
    attacked = holding()
    reached = corners_of(8)(attacked, 0, 8, seeded(0))
    assert (reached.margin.tolist(), reached.queries.tolist()) == ([1.0], [8])
    assert reached.point.tolist() == [[1.0, 1.0, 1.0]]


def test_the_corners_are_shared_out_over_the_parts():
    attacked, search = holding(), corners_of(100)
    parts = [search(attacked, first, 5, seeded(0)) for first in (0, 5, 10)]
    assert [int(part.queries[0]) for part in parts] == [5, 3, 0]
    assert [float(part.margin[0]) for part in parts] == [3.0, 1.0, torch.inf]


def test_random_corners_where_there_are_many():
    attacked = holding(70)
    reached = corners_of(50)(attacked, 0, 50, seeded(0))
    assert reached.queries.tolist() == [50]
    assert set(reached.point[0].tolist()) == {-1.0, 1.0}


def test_corners_are_corners():
    boxes = targets(linear([[1.0, 1.0]]), box_of(2, "-0.1", "0.3", "(>= Y_0 9.0)")).boxes
    numbered = numbered_corners(boxes, 0, 4)
    assert len({tuple(point) for point in numbered[0].tolist()}) == 4
    for points in (numbered, boxes.corners(20, seeded(0))):
        assert ((points == boxes.lower[:, None]) | (points == boxes.upper[:, None])).all()


@pytest.mark.parametrize("search", [corners_of(1000), search_uniformly])
def test_a_box_is_left_once_found_and_memory_is_minded(search, monkeypatch):
    """At most six points at once: three in each box, then six in the one that is left."""
    monkeypatch.setattr("soundbench.targets.MOST_NUMBERS", 4 * 21 * 6)
    found, hidden = box_of(20, -1, 1, "(>= Y_0 -30.0)"), box_of(20, -1, 1, "(>= Y_0 21.0)")
    attacked = targets(linear([[1.0] * 20]), found, hidden)
    assert attacked.most_points == 6
    reached = search(attacked, 0, 60, seeded(0))
    assert reached.queries.tolist() == [3, 60]
    assert reached.margin[0] <= 0 < reached.margin[1]
