"""The fronts of operators that move numbers about: for each one function that draws it.

All give a row of features, shape (1, features).
"""

import numpy as np

from soundbench.architecture import INPUT, Operation
from soundbench.front import Domain
from soundbench.front_parts import Chain, carrying, dense, row_of

# How many pieces a row is cut into: several, each of several numbers, or exchanging their axes would change nothing.
PIECES = 3


def transposed(domain: Domain, random: np.random.Generator) -> Chain:
    """Axes in an order that is not its own inverse, then a matrix of as many rows, each multiplied by one matrix."""
    channels, _, columns = domain.shape
    return [
        Operation("turned", "Transpose", (INPUT,), {"perm": [0, 2, 3, 1]}),
        Operation("rows", "Flatten", ("turned",), {"axis": 2}),
        Operation("product", "MatMul", ("rows", carrying(columns * channels, random).T)),
        Operation("row", "Reshape", ("product", np.array([1, -1]))),
    ]


def reshaped(domain: Domain, random: np.random.Generator) -> Chain:
    """A row cut up otherwise, sizes copied and inferred, its axes exchanged, and made a row again."""
    rows = carrying(domain.size, random)
    rows = np.vstack([rows, rows[: -len(rows) % PIECES]])
    before = dense(row_of(domain), "mixed", rows, domain, transB=1)
    return [
        *before,
        Operation("cut", "Reshape", ("mixed_active", np.array([0, PIECES, -1]))),
        Operation("turned", "Transpose", ("cut",), {"perm": [0, 2, 1]}),
        Operation("row", "Reshape", ("turned", np.array([1, -1]))),
    ]


def gathered(domain: Domain, random: np.random.Generator) -> Chain:
    """A row taken apart by Slice, with steps, half of it shuffled by Gather, and put together in another order."""
    before = dense(row_of(domain), "mixed", carrying(domain.size, random), domain, transB=1)
    width = len(before[-2].reads[1])
    odd = width // 2
    return [
        *before,
        Operation("even", "Slice", ("mixed_active", *(np.array([n]) for n in (0, width, 1, 2)))),
        Operation("odd", "Slice", ("mixed_active", *(np.array([n]) for n in (1, width, 1, 2)))),
        Operation("shuffled", "Gather", ("odd", random.permutation(odd)), {"axis": 1}),
        Operation("row", "Concat", ("shuffled", "even"), {"axis": 1}),
    ]
