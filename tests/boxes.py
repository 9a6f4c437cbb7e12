"""Random boxes, as planting draws them."""

import contextlib
import itertools

import numpy as np

from soundbench.boxes import LabelledBoxes
from soundbench.placement import NoRoom, draw_boxes


def random_boxes(seed, count=3, shape=(16,), radius=0.1, classes=2, spreads=None) -> LabelledBoxes:
    """So many boxes, all cubes unless `spreads` (count, *shape) says otherwise; if the first leave no room, others."""
    spreads = np.ones((count, *shape)) if spreads is None else spreads
    for attempt in itertools.count():
        with contextlib.suppress(NoRoom):
            return draw_boxes(spreads, radius, classes, np.random.default_rng([seed, attempt]))
    raise AssertionError
