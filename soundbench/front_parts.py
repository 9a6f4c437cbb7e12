"""What fronts are put together from: rows, dense layers, images of inputs. Names of operations name tensors."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from soundbench.architecture import INPUT, Operation
from soundbench.front import Domain, input_name, reach_of
from soundbench.graph import Array, Indices

# Operations, each of which reads what came before.
Chain = list[Operation]
# How far beyond zero activations lie that are active for good, as a share of what they vary by.
CLEARANCE = 0.05
# Further features a front has beside those that carry an input, as a share.
FURTHER = 0.15
# The rows and columns of images that a row of inputs is laid out as.
LAID_ROWS, LAID_COLUMNS = 2, 3


def row_of(domain: Domain) -> Chain:
    """The input as a row."""
    return [Operation("input_row", "Flatten", (INPUT,), {"axis": 1})] if len(domain.shape) > 1 else []


def flat(operations: Sequence[Operation]) -> Chain:
    """The operations, their output as a row."""
    return [*operations, Operation("flat", "Flatten", (input_name(operations),), {"axis": 1})]


def clearance(operations: Sequence[Operation], domain: Domain, channels: int | None = None) -> Array:
    """What must be added to each output, or each of so many channels, so that all are positive in the domain."""
    low, high = reach_of(operations, domain)
    shift: Array = CLEARANCE * (high - low) - low
    return shift if channels is None else np.max(shift.reshape(channels, -1), axis=1)


def factors(size: int, random: np.random.Generator) -> Array:
    """Random factors of both signs: (size,)."""
    drawn: Array = random.uniform(0.6, 1.6, size) * random.choice([-1.0, 1.0], size)
    return drawn


def reach(domain: Domain) -> float:
    """Half of the range of a typical input."""
    return float(np.median(domain.upper - domain.lower)) / 2


def carrying(size: int, random: np.random.Generator) -> Array:
    """A matrix of rows that carry an input each, among rows that mix them: (rows, size)."""
    mixing = random.normal(size=(math.ceil(FURTHER * size), size)) / math.sqrt(size)
    rows = np.vstack([np.diag(factors(size, random)), mixing])
    return rows[random.permutation(len(rows))]


def dense(before: Chain, name: str, weights: Array, domain: Domain, **attributes: Any) -> Chain:  # noqa: ANN401
    """The operations, then Gemm with weights (outputs, inputs), with a bias by which the ReLU after it is active."""
    matrix = weights if attributes.get("transB", 0) else weights.T
    product = Operation(name, "Gemm", (input_name(before), matrix), attributes)
    shift = clearance([*before, product], domain) / attributes.get("beta", 1.0)
    full = Operation(name, "Gemm", (*product.reads, shift), attributes)
    return [*before, full, Operation(f"{name}_active", "Relu", (name,))]


def some_carrying(size: int, own: Indices, random: np.random.Generator) -> Array:
    """As `carrying`, but rows that carry an input do so for those of the inputs that are among `own`: (rows, size)."""
    rows = carrying(size, random)
    is_lost = np.array([np.count_nonzero(row) == 1 and np.flatnonzero(row)[0] not in own for row in rows])
    kept: Array = rows[~is_lost]
    return kept


def halves(size: int, random: np.random.Generator) -> tuple[Indices, Indices]:
    """The inputs in two parts."""
    order = random.permutation(size)
    return order[: size // 2], order[size // 2 :]


def product(before: Chain, name: str, weights: Array, bias: Array | None = None) -> Chain:
    """The operations, then a dense layer with weights (outputs, inputs)."""
    reads = (input_name(before), weights) if bias is None else (input_name(before), weights, bias)
    return [*before, Operation(name, "Gemm", reads, {"transB": 1})]


def laid_out(size: int, random: np.random.Generator) -> tuple[Array, tuple[int, int, int]]:
    """Weights (cells, size) that put each input at a random cell of an image of its own; and the images' shape."""
    cells = LAID_ROWS * LAID_COLUMNS
    place = random.integers(cells, size=size) + cells * np.arange(size)
    weights = np.zeros((size * cells, size))
    weights[place, np.arange(size)] = factors(size, random)
    return weights, (size, LAID_ROWS, LAID_COLUMNS)
