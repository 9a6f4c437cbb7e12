import numpy as np
import pytest
import torch
from attacked import box_of, linear, targets

from soundbench.graph import Graph
from soundbench.library_attacks import LEAD, Recorder, image_of, search_with_square
from soundbench.pgd import seeded
from soundbench.targets import targets_of


@pytest.mark.parametrize(
    ("shape", "inputs", "image"),
    [((1, 10), 10, (1, 4, 4)), ((1, 1), 1, (1, 1, 1)), ((1, 3, 5, 5), 75, (3, 5, 5)), ((1, 1, 3, 8), 24, (1, 3, 8))],
)
def test_images(shape, inputs, image):
    assert image_of(shape, inputs) == image


def test_logits_are_the_margin_scaled_to_a_range_where_cross_entropy_is_not_flat():
    attacked = targets(linear([[1e6, 1e6]]), box_of(2, 0, 1, "(>= Y_0 3e6)"))
    recorder = Recorder(attacked, (1, 1, 2))
    recorder.calibrate(seeded(0))
    logits = recorder(torch.tensor([[0.0, 0.0], [1.0, 1.0], [0.25, 0.5]]))
    lead = logits[:, 0] - logits[:, 1]
    assert lead[1] < lead[2] < lead[0] < 1.5 * LEAD
    assert lead.tolist() == pytest.approx([lead[0].item(), lead[0].item() / 3, lead[0].item() * 0.75])
    assert recorder.reached.margin.item() == 1e6
    assert recorder.reached.point.tolist() == [[1.0, 1.0]]


def image_network(shape):
    """Only where every input is at its upper end is the sum large enough."""
    count = int(np.prod(shape))
    flat = linear([[1.0] * count])
    return Graph("x", "y", (1, *shape), flat.sizes, flat.steps), box_of(count, 0, 1, f"(>= Y_0 {count - 0.5})")


@pytest.mark.parametrize("shape", [(10,), (1,), (3, 5, 5), (1, 3, 8), (2, 1, 1)])
def test_square_reaches_every_input_of_any_shape(shape):
    graph, unsafe = image_network(shape)
    attacked = targets_of(graph, [("a", unsafe)], torch.device("cpu"))
    reached = search_with_square(attacked, 0, 8, seeded(0))
    assert attacked.judge(reached.point[0], 0).found
