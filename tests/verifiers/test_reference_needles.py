"""Branch and bound on planted counterexamples: armed networks are never verified, their twins are, by branching."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pytest
from reference_networks import Layer, model_of, read, wrong_class
from soundbench.verifiers.reference.branching import split
from soundbench.verifiers.reference.intervals import Bounds, forward
from soundbench.verifiers.reference.network import Array, Network
from soundbench.verifiers.reference.rounding import REPLAY_UNIT
from soundbench.verifiers.reference.search import verify
from soundbench.verifiers.reference.steps import DEFAULT

from soundbench.claim import Claim

SECONDS = 60.0
MARGIN = 1.0  # by which class 0 wins where no needle is


@dataclass(frozen=True)
class Needle:
    """Class 1 gains `gain` at `centre` and nothing beyond `radius`; one side of the rows is moved by `shift`."""

    centre: Array
    radius: float
    gain: float
    shift: Array


def relu_needles(needles: Sequence[Needle], random: np.random.Generator) -> Network:
    """relu(1 - sum_i (relu(x_i - c_i) + relu(c_i + shift_i - x_i)) / radius), beside a small random base."""
    size, count, width = len(needles[0].centre), len(needles), 12
    base = [0.3 * random.normal(size=(width, size)), random.normal(size=(width, width)) / np.sqrt(width)]
    base_bias, base_row = -base[0] @ np.full(size, 0.5), 0.3 * random.normal(size=width)
    hidden = np.maximum(random.uniform(size=(2000, size)) @ base[0].T + base_bias, 0)
    least = (np.maximum(hidden @ base[1].T, 0) @ base_row).min()
    sides = [side for _ in needles for side in (np.eye(size), -np.eye(size))]
    ends = [end for needle in needles for end in (-needle.centre, needle.centre + needle.shift)]
    first = np.concatenate([*sides, base[0]]), np.concatenate([*ends, base_bias])
    second = np.zeros((count + width, 2 * size * count + width)), np.repeat([1.0, 0.0], [count, width])
    for row, needle in enumerate(needles):
        second[0][row, 2 * size * row : 2 * size * (row + 1)] = -1 / needle.radius
    second[0][count:, 2 * size * count :] = base[1]
    last = np.zeros((2, count + width)), np.array([MARGIN - least, 0.0])
    last[0][0, count:], last[0][1, :count] = base_row, [needle.gain for needle in needles]
    return gemms([first, second, last], "Relu")


def tanh_needles(needles: Sequence[Needle]) -> Network:
    """(1 - h) / 2 with h = tanh(20 (2 d - 1 - sum_i bump_i)), where a bump is near 2 within `radius` and else 0."""
    size, count = len(needles[0].centre), len(needles)
    scales = [5 / needle.radius for needle in needles]
    sides = [scale * np.eye(size) for scale in scales for _ in "ab"]
    ends = [
        scale * end
        for scale, needle in zip(scales, needles, strict=True)
        for end in (needle.radius - needle.centre, needle.shift - needle.radius - needle.centre)
    ]
    second = np.zeros((count, 2 * size * count)), np.full(count, 20.0 * (2 * size - 1))
    for row in range(count):
        second[0][row, 2 * size * row : 2 * size * (row + 1)] = np.repeat([-20.0, 20.0], size)
    gains = np.array([needle.gain for needle in needles])
    last = np.stack([np.zeros(count), -gains / 2]), np.array([MARGIN, gains.sum() / 2])
    return gemms([(np.concatenate(sides), np.concatenate(ends)), second, last], "Tanh")


def gemms(layers: Sequence[tuple[Array, Array]], activation: str) -> Network:
    """Gemm layers with an activation between them, written as ONNX and read back."""
    nodes = [Layer("Identity", ("x",))]
    for number, (weight, bias) in enumerate(layers):
        nodes += [Layer(activation, (f"t{len(nodes) - 1}",))] if number else []
        operands = (f"t{len(nodes) - 1}", weight.astype(np.float32), bias.astype(np.float32))
        nodes.append(Layer("Gemm", operands, {"transB": 1}))
    return read(model_of((1, layers[0][0].shape[1]), nodes))


def centres(count: int, size: int, apart: float, random: np.random.Generator) -> list[Array]:
    """Points of the unit box whose distances exceed `apart` in some coordinate."""
    found: list[Array] = []
    while len(found) < count:
        point = random.uniform(0.2, 0.8, size=size).astype(np.float32).astype(np.float64)
        found += [point] if all(np.abs(point - other).max() > apart for other in found) else []
    return found


def crowd(size: int, gains: Sequence[float], radius: float, seed: int) -> Network:
    random = np.random.default_rng(seed)
    points = centres(len(gains), size, 2 * radius, random)
    nothing = np.zeros(size)
    return relu_needles([Needle(c, radius, gain, nothing) for c, gain in zip(points, gains, strict=True)], random)


def misaligned(size: int, moved: int, gain: float, seed: int) -> Network:
    """The highest value of the needle is 0.7 / gain, so class 1 never gains more than 0.7."""
    random = np.random.default_rng(seed)
    shift = np.zeros(size)
    shift[random.choice(size, moved, replace=False)] = 0.02 * (1 - 0.7 / gain) / moved
    return relu_needles([Needle(centres(1, size, 0, random)[0], 0.02, gain, shift)], random)


@pytest.mark.parametrize("size", [5, 10])
@pytest.mark.parametrize("count", [3, 5])
def test_a_crowd_is_verified_by_branching(size: int, count: int):
    network = crowd(size, [0.8] * count, 0.02, seed=size)
    verdict = verify(network, wrong_class(network), SECONDS)
    assert verdict.claim is Claim.VERIFIED
    assert 8 <= verdict.nodes <= 1000


@pytest.mark.parametrize("size", [8, 10])
@pytest.mark.parametrize("moved", [1, 3])
def test_a_misaligned_needle_is_verified_by_branching(size: int, moved: int):
    """On fewer inputs the slopes alone nearly suffice."""
    network = misaligned(size, moved, gain=3.0, seed=1)
    verdict = verify(network, wrong_class(network), SECONDS)
    assert verdict.claim is Claim.VERIFIED
    assert 8 <= verdict.nodes <= 1000


@pytest.mark.parametrize("size", [3, 5])
def test_a_crowd_of_tanh_needles_is_verified_by_branching(size: int):
    random = np.random.default_rng(size)
    needles = [Needle(c, 0.05, 0.8, np.zeros(size)) for c in centres(3, size, 0.25, random)]
    network = tanh_needles(needles)
    verdict = verify(network, wrong_class(network), SECONDS)
    assert verdict.claim is Claim.VERIFIED
    assert 3 <= verdict.nodes <= 1000


def test_misaligned_tanh_needles_are_verified_by_branching():
    random = np.random.default_rng(3)
    shift = 0.05 * np.array([1.95, 0.0, 1.95])
    network = tanh_needles([Needle(centres(1, 3, 0, random)[0], 0.05, 3.0, shift)])
    verdict = verify(network, wrong_class(network), SECONDS)
    assert verdict.claim is Claim.VERIFIED
    assert 8 <= verdict.nodes <= 1000


def armed(kind: str, seed: int) -> Network:
    random = np.random.default_rng(seed)
    match kind:
        case "alone":
            return crowd(5, [3.0], 0.02, seed)
        case "in a crowd":
            return crowd(6, [0.8, 0.8, 1.6], 0.02, seed)
        case _:
            return tanh_needles([Needle(c, 0.05, 3.0, np.zeros(4)) for c in centres(1, 4, 0, random)])


KINDS = ["alone", "in a crowd", "of tanh"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [0, 1])
def test_an_armed_needle_is_found(kind: str, seed: int):
    network = armed(kind, seed)
    verdict = verify(network, wrong_class(network), SECONDS)
    assert verdict.claim is Claim.FALSIFIED
    assert verdict.counterexample is not None
    point = np.array([float(value) for value in verdict.counterexample])
    assert [Fraction(value) for value in point.astype(np.float32).tolist()] == list(verdict.counterexample)
    outputs = forward(network, Bounds(point, point), REPLAY_UNIT)[network.output]
    assert outputs.upper[0] < outputs.lower[1]


@pytest.mark.parametrize("kind", KINDS)
def test_bounds_alone_never_verify_an_armed_needle(kind: str):
    """No candidate is tried, so the search goes on around the needle until the time is up."""
    network = armed(kind, 0)
    steps = replace(DEFAULT, candidates=lambda _box, _bounds: ())
    assert verify(network, wrong_class(network), 0.5, steps).claim is Claim.TIMEOUT


@pytest.mark.parametrize("kind", KINDS)
def test_a_lost_child_verifies_an_armed_needle(kind: str):
    """The steps are replaceable, and the benchmark sees it when one of them is wrong."""
    faulty = [replace(DEFAULT, split=lambda *cut, kept=kept: split(*cut)[kept:][:1]) for kept in (0, 1)]
    network = armed(kind, 0)
    claims = {verify(network, wrong_class(network), SECONDS, steps).claim for steps in faulty}
    assert Claim.VERIFIED in claims
