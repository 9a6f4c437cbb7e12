"""What lies between the input and the dense layers of a planted network: operators that lose nothing.

A front is a short list of ONNX operations with random weights from whose outputs, the features, every input comes back:
wherever the data lie, some features depend on it alone. So whatever reads the features, base and needles alike, reads
the inputs through the operator that the front is there to test. `fronts` has one for each.

What comes back is a coordinate of the input: itself, or, through a curve such as tanh, an increasing function of it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from soundbench.architecture import INPUT, Operation
from soundbench.errors import SoundbenchError
from soundbench.export import operations_to_onnx
from soundbench.graph import Array, Graph, Indices, UnsupportedOperator, evaluate_float64
from soundbench.needle import Carry, Needle
from soundbench.operators import lower as read_model

# How often weights are drawn until the inputs come back well.
DRAWS = 300
# What a float32 feature may weigh on its way back, as a share of the range of the data.
LARGEST_GROWTH = 12.0
# Points, beside two for each input, at which features are tried for being linear, and how exact that and the way
# back must be, as a share of the range.
TRIALS = 64
LARGEST_RESIDUAL = 1e-9
# Points of the lines along which features are watched, one input moving, and how many lines there are for each.
LINE_POINTS, LINES = 17, 3
# A feature that moves by less, as a share of its size, depends on something else.
STILL = 1e-12
# Along a curve, a coordinate rises nowhere less than this share of what it does on average.
LEAST_STEEPNESS = 0.3
# How much of what cancels out the base reads beside the inputs.
NOISE = 0.01


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

    Needles read each coordinate from as few features as can be (`carry`), so that little rounding reaches them; the
    base reads it from all of them (`mixed`).
    """

    operations: tuple[Operation, ...]
    graph: Graph
    carry: Carry
    mixed: Carry

    @property
    def size(self) -> int:
        """The number of features."""
        return len(self.carry.recovery.T)

    def coordinates(self, points: Array) -> Array:
        """The coordinates of points, (points, inputs) each."""
        features = evaluate_float64(self.graph, points)[self.graph.output]
        coordinates: Array = features @ self.carry.recovery.T + self.carry.offset
        return coordinates

    def seen(self, needle: Needle) -> Needle:
        """The needle, for inputs, as one for coordinates: it reaches no further."""
        reads = list(needle.reads)
        points = np.zeros((3, self.graph.input_count))
        points[:, reads] = needle.center + np.array([[-1.0], [0.0], [1.0]]) * needle.half_widths
        low, center, high = self.coordinates(points)[:, reads]
        return replace(needle, center=center, half_widths=np.minimum(center - low, high - center))


Draw = Callable[[Domain, np.random.Generator], Sequence[Operation]]


def draw_front(draw: Draw, domain: Domain, random: np.random.Generator) -> Front:
    """Draw operations until the inputs come back from them well.

    Raises:
        NoWayBack: they do not in so many draws.
    """
    reason = NoWayBack("nothing was drawn")
    for _ in range(DRAWS):
        try:
            return front_of(tuple(draw(domain, random)), domain, random)
        except NoWayBack as error:
            reason = error
        except UnsupportedOperator as error:
            # An input of too few numbers, or rows, leaves an operator nothing to work on.
            reason = NoWayBack(f"no front for inputs of shape {domain.shape}: {error}")
    raise reason


def front_of(operations: tuple[Operation, ...], domain: Domain, random: np.random.Generator) -> Front:
    """The front of these operations.

    Raises:
        NoWayBack: some input has no features that depend on it alone, or none from which it comes back.
    """
    graph = graph_of(operations, domain.shape)
    lines = [line_of(graph, domain, index, random) for index in range(domain.size)]
    moves = np.array([line.moves for line in lines])
    recovery, offset = np.zeros((domain.size, graph.output_count)), np.zeros(domain.size)
    for index, line in enumerate(lines):
        alone = np.flatnonzero(moves[index] & (moves.sum(axis=0) == 1))
        if not alone.size:
            raise NoWayBack(f"no feature depends on input {index} alone")
        way = way_back(line, alone)
        if way is None:
            raise NoWayBack(f"input {index} does not come back from the features that depend on it alone")
        recovery[index, alone], offset[index] = way
    carry = Carry(recovery, offset)
    return Front(operations, graph, carry, with_noise(carry, graph, domain, random))


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """What one input moves: its values (points,), the features there (points, features), and whether each moves."""

    values: Array
    features: Array
    moves: Array


def line_of(graph: Graph, domain: Domain, index: int, random: np.random.Generator) -> Line:
    """Watch the features while one input goes through its range, the others being anywhere."""
    values = np.linspace(domain.lower[index], domain.upper[index], LINE_POINTS)
    points = np.repeat(draw_points(domain, LINES, random), LINE_POINTS, axis=0)
    points[:, index] = np.tile(values, LINES)
    features = evaluate_float64(graph, points)[graph.output].reshape(LINES, LINE_POINTS, -1)
    moved = np.ptp(features, axis=1).max(axis=0)
    return Line(values, features[0], moved > STILL * np.abs(features).max(axis=(0, 1)))


def way_back(line: Line, alone: Indices) -> tuple[Array, float] | None:
    """Factors of these features and an offset that give the input back, or else a coordinate; None if nothing does.

    One feature is better than several.
    """
    features = line.features[:, alone]
    single = [linear_way(line.values, features[:, [column]]) for column in range(len(alone))]
    good = [(growth, column) for column, (_, growth, _) in enumerate(single) if growth <= LARGEST_GROWTH]
    if good:
        column = min(good)[1]
        factors, _, offset = single[column]
        return np.where(np.arange(len(alone)) == column, factors[0], 0.0), offset
    factors, growth, offset = linear_way(line.values, features)
    if growth <= LARGEST_GROWTH:
        return factors, offset
    return curved_way(line.values, features)


def linear_way(values: Array, features: Array) -> tuple[Array, float, float]:
    """Factors (features,), how rounding grows, and an offset, for values (points,); infinite if they do not come back.

    Points are counted from the first, so that far from zero nothing cancels out.
    """
    moved = features - features[0]
    factors = np.linalg.lstsq(moved, values - values[0], rcond=1e-9)[0]
    half = 0.5 * float(np.ptp(values))
    is_exact = np.abs(moved @ factors - (values - values[0])).max() <= LARGEST_RESIDUAL * half
    growth = float(np.abs(factors) @ np.abs(features).max(axis=0)) / half if is_exact else math.inf
    return factors, growth, float(values[0] - factors @ features[0])


def curved_way(values: Array, features: Array) -> tuple[Array, float] | None:
    """As `way_back`, from one feature that rises or falls throughout; the ends of the range are what they were."""
    factors = np.zeros(features.shape[1])
    for column, feature in enumerate(features.T):
        steps = np.diff(feature) * np.sign(feature[-1] - feature[0])
        whole = float(np.abs(feature[-1] - feature[0]))
        growth = 2 * float(np.abs(feature).max()) / whole if whole else math.inf
        if whole and steps.min() >= LEAST_STEEPNESS * whole / len(steps) and growth <= LARGEST_GROWTH:
            factors[column] = np.ptp(values) / (feature[-1] - feature[0])
            return factors, float(values[0] - factors[column] * feature[0])
    return None


def with_noise(carry: Carry, graph: Graph, domain: Domain, random: np.random.Generator) -> Carry:
    """The way back, and beside it random multiples of all that cancels out.

    Points are many more than inputs: features that are not linear are to be seen by what is left.
    """
    points = draw_points(domain, TRIALS + 2 * domain.size, random)
    middle, half = 0.5 * (domain.lower + domain.upper), 0.5 * (domain.upper - domain.lower)
    features = evaluate_float64(graph, points)[graph.output]
    level = evaluate_float64(graph, middle[None])[graph.output][0]
    slopes = np.linalg.lstsq((points - middle) / half, features - level, rcond=None)[0].T
    residual = np.abs((points - middle) / half @ slopes.T + level - features).max(axis=0)
    linear = np.flatnonzero(residual <= LARGEST_RESIDUAL * np.abs(features).max(axis=0))
    left, sizes, _ = np.linalg.svd(slopes[linear])
    free = np.zeros((len(level), len(linear) - int((sizes > LARGEST_RESIDUAL).sum())))
    free[linear] = left[:, len(linear) - free.shape[1] :]
    size = NOISE * np.abs(carry.recovery).max(axis=1, keepdims=True) / math.sqrt(max(1, free.shape[1]))
    noise = size * (random.normal(size=(len(carry.recovery), free.shape[1])) @ free.T)
    return Carry(carry.recovery + noise, carry.offset - noise @ level)


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
