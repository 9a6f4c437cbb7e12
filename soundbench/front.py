"""What lies between the input and the dense layers of a planted network: operators that lose nothing.

A front is a short list of ONNX operations with random weights from whose outputs, the features, every input comes back:
wherever the data lie, some feature depends on it alone, and is a linear function of it. So whatever reads the features,
base and needles alike, reads the inputs through the operator that the front is there to test. `fronts` has one for
each.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from soundbench.architecture import INPUT, Operation
from soundbench.errors import SoundbenchError
from soundbench.export import operations_to_onnx
from soundbench.graph import Array, Graph, evaluate_float64
from soundbench.needle import Carry
from soundbench.operators import lower as read_model

# How often weights are drawn until the inputs come back well.
DRAWS = 60
# What a float32 feature may weigh on its way back, as a share of the range of the data.
LARGEST_GROWTH = 12.0
# Points at which the way back is tried, and how exact it must be there, as a share of the range.
TRIALS = 64
LARGEST_RESIDUAL = 1e-9
# How much of what cancels out the base reads beside the inputs.
NOISE = 0.02


class NoWayBack(SoundbenchError):
    """The inputs do not come back from a front's outputs, or only with too much rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class Domain:
    """Where the data lie: between `lower` and `upper` (inputs,), flat; and the shape of an input."""

    shape: tuple[int, ...]
    lower: Array
    upper: Array

    @property
    def size(self) -> int:
        """The number of inputs."""
        return len(self.lower)


@dataclass(frozen=True, slots=True, eq=False)
class Front:
    """Operations from the network's input to a row of features, and how the inputs come back from them, in two ways.

    Needles read each input from one feature alone (`carry`), so that little rounding reaches them; the base reads it
    from all of them (`mixed`).
    """

    operations: tuple[Operation, ...]
    carry: Carry
    mixed: Carry

    @property
    def size(self) -> int:
        """The number of features."""
        return len(self.carry.recovery.T)


Draw = Callable[[Domain, np.random.Generator], Sequence[Operation]]


def draw_front(draw: Draw, domain: Domain, random: np.random.Generator) -> Front:
    """Draw operations until the inputs come back from them well.

    Raises:
        NoWayBack: they do not in so many draws.
    """
    reason = NoWayBack("nothing was drawn")
    for _ in range(DRAWS):
        operations = tuple(draw(domain, random))
        try:
            return front_of(operations, domain, random)
        except NoWayBack as error:
            reason = error
    raise reason


def front_of(operations: tuple[Operation, ...], domain: Domain, random: np.random.Generator) -> Front:
    """The front of these operations.

    Raises:
        NoWayBack: some input has no feature that depends on it alone, as a linear function.
    """
    graph = graph_of(operations, domain.shape)
    centre, half = 0.5 * (domain.lower + domain.upper), 0.5 * (domain.upper - domain.lower)
    moved = evaluate_float64(graph, np.vstack([centre, centre + np.diag(half)]))[graph.output]
    middle, slopes = moved[0], (moved[1:] - moved[0]).T / half
    points = draw_points(domain, TRIALS, random)
    features = evaluate_float64(graph, points)[graph.output]
    recovery = np.zeros((domain.size, len(middle)))
    for index in range(domain.size):
        alone = (slopes[:, index] != 0) & (np.delete(slopes, index, axis=1) == 0).all(axis=1)
        if not alone.any():
            raise NoWayBack(f"no feature depends on input {index} alone")
        growth = np.abs(features).max(axis=0)[alone] / np.abs(slopes[alone, index]) / half[index]
        if growth.min() > LARGEST_GROWTH:
            raise NoWayBack(f"rounding grows to {growth.min():.3g} times its size on the way back of input {index}")
        best = int(np.flatnonzero(alone)[growth.argmin()])
        recovery[index, best] = 1.0 / slopes[best, index]
    carry = Carry(recovery, centre - recovery @ middle)
    mixed = with_noise(carry, slopes, middle, random)
    for way in (carry, mixed):
        residual = float((np.abs(features @ way.recovery.T + way.offset - points) / half).max())
        if not residual <= LARGEST_RESIDUAL:
            raise NoWayBack(f"the inputs come back to {residual:.2g} of their range only")
    return Front(operations, carry, mixed)


def with_noise(carry: Carry, slopes: Array, middle: Array, random: np.random.Generator) -> Carry:
    """The way back, and beside it random multiples of all that cancels out."""
    left, _, _ = np.linalg.svd(slopes)
    free = left[:, slopes.shape[1] :]
    size = NOISE * np.abs(carry.recovery).max(axis=1, keepdims=True) / math.sqrt(max(1, free.shape[1]))
    noise = size * (random.normal(size=(len(carry.recovery), free.shape[1])) @ free.T)
    return Carry(carry.recovery + noise, carry.offset - noise @ middle)


def graph_of(operations: Sequence[Operation], shape: Sequence[int]) -> Graph:
    """The operations alone, as a network."""
    return read_model(operations_to_onnx(operations, shape), "front")


def draw_points(domain: Domain, count: int, random: np.random.Generator) -> Array:
    """Uniform points of the domain, half of them with some coordinates at an end: (count, inputs)."""
    share = random.random((count, domain.size))
    at_end = (random.random(share.shape) < 0.5) & (np.arange(count) % 2 == 0)[:, None]
    points: Array = domain.lower + np.where(at_end, share.round(), share) * (domain.upper - domain.lower)
    return points


def reach_of(operations: Sequence[Operation], domain: Domain) -> tuple[Array, Array]:
    """Between what the operations' outputs lie, for those that are linear over the domain: (outputs,) each."""
    graph = graph_of(operations, domain.shape)
    centre, half = 0.5 * (domain.lower + domain.upper), 0.5 * (domain.upper - domain.lower)
    points = np.vstack([centre, centre + np.diag(half)])
    values = evaluate_float64(graph, points)[graph.output]
    spread = np.abs(values[1:] - values[0]).sum(axis=0)
    return values[0] - spread, values[0] + spread


def input_name(operations: Sequence[Operation]) -> str:
    """The tensor that the next operation reads."""
    return operations[-1].name if operations else INPUT
