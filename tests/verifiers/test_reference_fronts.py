"""Needles behind every operator: crowds and misaligned ones are verified by branching, an armed one never is.

A needle reads what the operator leaves, y, and is relu(1 - sum_i |y_i - c_i| / radius). In a crowd at most one of them
differs from zero, since centres lie further apart than two radii in some y_i; a misaligned one stays low at every y. So
both hold whatever the operator does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np
import pytest
from reference_networks import Layer, at_most, model_of, read, region, run, unsafe, wrong_class
from soundbench.verifiers.reference.branching import split
from soundbench.verifiers.reference.network import Array, Network
from soundbench.verifiers.reference.search import verify
from soundbench.verifiers.reference.steps import DEFAULT

from soundbench.claim import Claim

SECONDS = 60.0
MIXED = np.array([[1.0, -0.6, 0.3], [0.4, 0.9, -1.1], [-0.7, 0.5, 1.0]], np.float32)


@dataclass(frozen=True)
class Front:
    """Layers after "t0", which is the input less a half."""

    shape: tuple[int, ...]
    layers: tuple[Layer, ...]


def floats(*numbers: float) -> Array:
    return np.array(numbers, dtype=np.float32)


def whole(*numbers: int) -> Array:
    return np.array(numbers, dtype=np.int64)


def of_row(*layers: Layer) -> Front:
    """Layers after "t1", three mixed numbers."""
    return Front((1, 3), (Layer("MatMul", ("t0", MIXED)), *layers))


KERNEL = floats(1.0, -0.5, 0.7, 0.4).reshape(1, 1, 2, 2)
FRONTS: Mapping[str, Front] = {
    "Abs": of_row(Layer("Abs", ("t1",))),
    "LeakyRelu": of_row(Layer("LeakyRelu", ("t1",), {"alpha": 0.2})),
    "LeakyRelu, steep": of_row(Layer("LeakyRelu", ("t1",), {"alpha": 3.0})),
    "PRelu": of_row(Layer("PRelu", ("t1", floats(0.3)))),
    "Clip": of_row(Layer("Clip", ("t1", np.float32(-0.4), np.float32(0.5)))),
    "Exp": of_row(Layer("Exp", ("t1",))),
    "Pow": of_row(Layer("Pow", ("t1", np.float32(2)))),
    "Softmax": of_row(Layer("Mul", ("t1", floats(3))), Layer("Softmax", ("t2",))),
    "Neg": of_row(Layer("Neg", ("t1",))),
    "Div": of_row(Layer("Div", ("t1", floats(0.3, -1.5, 2.0)))),
    "BatchNormalization": of_row(
        Layer("BatchNormalization", ("t1", floats(-1, 0.5, 2), floats(1, 0, -1), floats(0.1, 9, 0), floats(0.2, 1, 2)))
    ),
    "Sub of two": of_row(Layer("Relu", ("t1",)), Layer("Sub", ("t0", "t2"))),
    "Mul of two": of_row(Layer("Mul", ("t0", "t1"))),
    "Concat": of_row(Layer("Concat", ("t1", "t0"), {"axis": 1})),
    "Slice": of_row(Layer("Slice", ("t1", whole(-1), whole(-9), whole(1), whole(-2)))),
    "Gather": of_row(Layer("Gather", ("t1", whole(2, 0, -1)), {"axis": 1})),
    "Split": of_row(Layer("Split", ("t1", whole(1, 2)), {"axis": 1}, 2), Layer("Concat", ("t2_1", "t2"), {"axis": 1})),
    "Squeeze": of_row(Layer("Squeeze", ("t1", whole(0))), Layer("Unsqueeze", ("t2", whole(0)))),
    "ReduceMean": Front((1, 2, 2), (Layer("ReduceMean", ("t0",), {"axes": [2], "keepdims": 0}),)),
    "ReduceSum": Front((1, 2, 2), (Layer("ReduceSum", ("t0", whole(1))),)),
    "Transpose": Front((1, 2, 2), (Layer("Transpose", ("t0",), {"perm": [2, 0, 1]}),)),
    "MatMul of two": Front((2, 2), (Layer("Transpose", ("t0",)), Layer("MatMul", ("t0", "t1")))),
    "ConvTranspose": Front((1, 1, 2, 2), (Layer("ConvTranspose", ("t0", KERNEL), {"strides": [2, 1]}),)),
    "MaxPool": Front((1, 1, 2, 2), (Layer("MaxPool", ("t0",), {"kernel_shape": [1, 2], "pads": [0, 1, 0, 0]}),)),
}


def planted(front: Front, gains: Sequence[float], shift: float = 0.0) -> Network:
    """Class 1 gains so much around each of some centres, class 0 wins by 1 elsewhere; one side is moved by a shift."""
    random = np.random.default_rng(0)
    before = [Layer("Sub", ("x", floats(0.5))), *front.layers]
    before.append(Layer("Reshape", (f"t{len(before) - 1}", whole(1, -1))))
    values = run(model_of(front.shape, before), random.uniform(size=(500, prod(front.shape))))
    size, radius = values.shape[1], 0.1 * float(np.ptp(values, axis=0).max())
    centres: list[Array] = []
    for value in values:
        if len(centres) < len(gains) and all(np.abs(value - other).max() > 2.1 * radius for other in centres):
            centres.append(value)
    moved = shift * radius * np.eye(size)[0]
    sides = np.concatenate([np.eye(size), -np.eye(size)] * len(gains))
    ends = np.concatenate([np.concatenate([-centre, centre + moved]) for centre in centres])
    tips = np.kron(np.eye(len(gains)), np.full((1, 2 * size), -1 / radius))
    last = np.stack([np.zeros(len(gains)), np.array(gains)])
    for matrix, bias in [(sides, ends), (tips, np.ones(len(gains))), (last, np.array([1.0, 0.0]))]:
        operands = (f"t{len(before) - 1}", matrix.T.astype(np.float32), bias.astype(np.float32))
        before += [Layer("Gemm", operands), Layer("Relu", (f"t{len(before)}",))]
    return read(model_of(front.shape, before[:-1]))


BOUNDS_ALONE = replace(DEFAULT, candidates=lambda _box, _bounds: ())
every_front = pytest.mark.parametrize("front", FRONTS.values(), ids=FRONTS)


@every_front
def test_a_crowd_is_verified_by_branching(front: Front):
    network = planted(front, [0.8] * 3)
    verdict = verify(network, wrong_class(network), SECONDS)
    assert verdict.claim is Claim.VERIFIED
    assert 3 <= verdict.nodes <= 1000


@every_front
def test_a_misaligned_needle_is_verified(front: Front):
    """It is never higher than 0.7 / 3."""
    network = planted(front, [3.0], shift=1 - 0.7 / 3)
    verdict = verify(network, wrong_class(network), SECONDS)
    assert verdict.claim is Claim.VERIFIED
    assert verdict.nodes <= 1000


@every_front
def test_an_armed_needle_is_found(front: Front):
    network = planted(front, [0.8, 3.0])
    assert verify(network, wrong_class(network), SECONDS).claim is Claim.FALSIFIED


@every_front
def test_bounds_alone_never_verify_an_armed_needle(front: Front):
    """No candidate is tried, so the search goes on around the needle until the time is up."""
    network = planted(front, [0.8, 3.0])
    assert verify(network, wrong_class(network), 0.4, BOUNDS_ALONE).claim is Claim.TIMEOUT


@every_front
def test_a_lost_child_verifies_an_armed_needle(front: Front):
    faulty = [replace(BOUNDS_ALONE, split=lambda *cut, kept=kept: split(*cut)[kept:][:1]) for kept in (0, 1)]
    network = planted(front, [0.8, 3.0])
    assert Claim.VERIFIED in {verify(network, wrong_class(network), SECONDS, steps).claim for steps in faulty}


@pytest.mark.parametrize(("bound", "claim"), [(-0.5, Claim.VERIFIED), (0.5, Claim.FALSIFIED)])
def test_signs_are_told_apart_by_branching(bound: float, claim: Claim):
    """sign(x - 0.3) + sign(0.6 - x) is 0, 1 or 2, but not known to be so of a box that holds both 0.3 and 0.6."""
    layers = (
        Layer("Sub", ("x", floats(0.3))),
        Layer("Sign", ("t0",)),
        Layer("Sub", (floats(0.6), "x")),
        Layer("Sign", ("t2",)),
        Layer("Add", ("t1", "t3")),
    )
    network = read(model_of((1, 1), layers))
    verdict = verify(network, unsafe(network, region([0], [1], at_most({0: 1}, bound))), SECONDS)
    assert verdict.claim is claim
    assert verdict.nodes >= (3 if claim is Claim.VERIFIED else 1)
