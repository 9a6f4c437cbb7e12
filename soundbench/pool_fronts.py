"""The fronts of operators that pool: for each operator or attribute one function that draws it.

All give a row of features, shape (1, features). Each input has an image of its own, one cell of which it moves.
"""

from typing import Any

import numpy as np

from soundbench.architecture import Operation
from soundbench.front import Domain, reach_of
from soundbench.front_parts import CLEARANCE, Chain, clearance, factors, flat, laid_out, product, reach, row_of

# How high the other cells of images lie at most, as a share of how far inputs reach.
HIGHEST_CELL = 0.1


def images(domain: Domain, random: np.random.Generator) -> Chain:
    """Images of positive cells."""
    weights, shape = laid_out(domain.size, random)
    bare = product(row_of(domain), "mixed", weights)
    others = random.uniform(0, HIGHEST_CELL * reach(domain), len(weights))
    shift = np.where(weights.any(axis=1), clearance(bare, domain), others)
    return [
        *product(row_of(domain), "mixed", weights, shift),
        Operation("mixed_active", "Relu", ("mixed",)),
        Operation("image", "Reshape", ("mixed_active", np.array([1, *shape]))),
    ]


def averaged(domain: Domain, random: np.random.Generator, **window: Any) -> Chain:  # noqa: ANN401  (of ONNX)
    """Averages over images."""
    return flat([*images(domain, random), Operation("pool", "AveragePool", ("image",), window)])


def avgpool_overlapping(domain: Domain, random: np.random.Generator) -> Chain:
    """A kernel larger than its stride; padded cells do not count."""
    window = {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 1, 1, 0], "count_include_pad": 0}
    return averaged(domain, random, **window)


def avgpool_counted(domain: Domain, random: np.random.Generator) -> Chain:
    """Padded cells count."""
    window = {"kernel_shape": [2, 2], "strides": [1, 2], "pads": [1, 0, 0, 1], "count_include_pad": 1}
    return averaged(domain, random, **window)


def maxpool_padded(domain: Domain, random: np.random.Generator) -> Chain:
    """The largest cells of padded images below zero, in each of which one cell is above all others."""
    weights, shape = laid_out(domain.size, random)
    low, high = (side.reshape(domain.size, -1) for side in reach_of(product(row_of(domain), "mixed", weights), domain))
    span = (high - low).max(axis=1, keepdims=True)
    below = random.uniform(0.1, 0.6, low.shape) * span - low.min(axis=1, keepdims=True)
    is_moved = weights.any(axis=1).reshape(low.shape)
    lift = high.max(axis=1, keepdims=True) + CLEARANCE * span
    shift = np.where(is_moved, 0.0, -below) - lift
    window = {"kernel_shape": [2, 2], "strides": [1, 2], "pads": [1, 0, 0, 1]}
    return flat(
        [
            *product(row_of(domain), "mixed", weights, shift.ravel()),
            Operation("image", "Reshape", ("mixed", np.array([1, *shape]))),
            Operation("pool", "MaxPool", ("image",), window),
        ]
    )


def maxpool_competing(domain: Domain, random: np.random.Generator) -> Chain:
    """The larger of two cells, and the smaller of them: which one it is depends on the input."""
    scale, size = factors(domain.size, random), domain.size
    rival = scale * (domain.lower + random.uniform(0.3, 0.7, size) * (domain.upper - domain.lower))
    weights, bias = np.zeros((size, 4, size)), np.zeros((size, 4))
    weights[np.arange(size), 0, np.arange(size)], weights[np.arange(size), 2, np.arange(size)] = scale, -scale
    bias[:, 1], bias[:, 3] = rival, -rival
    return flat(
        [
            *product(row_of(domain), "mixed", weights.reshape(-1, size), bias.ravel()),
            Operation("image", "Reshape", ("mixed", np.array([1, size, 2, 2]))),
            Operation("pool", "MaxPool", ("image",), {"kernel_shape": [1, 2], "strides": [1, 1]}),
        ]
    )


def reduced(domain: Domain, random: np.random.Generator) -> Chain:
    """Sums over the rows of images, then means over their columns."""
    return [
        *images(domain, random),
        Operation("sums", "ReduceSum", ("image", np.array([2])), {"keepdims": 1}),
        Operation("means", "ReduceMean", ("sums",), {"axes": [2, 3], "keepdims": 0}),
    ]
