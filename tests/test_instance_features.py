"""What the files of one instance tell, also where float32 cannot."""

from dataclasses import replace
from fractions import Fraction

import pytest
from small_networks import unsafe_set, write_network

from soundbench.ground_truth import Expected, GroundTruth, Leaf, Proof, Role, Split, Track, Witness
from soundbench.instance_features import instance_features, instance_numbers, kind_of_input, read_network

# X_0 + X_1 exceeds 1 there, but not in float32.
WITNESS = Witness((Fraction(1), Fraction(1, 2**30)), 0.0, 0.0, 2.0**-31, 0.0, 0.0)
TIGHT = GroundTruth(Expected.VIOLATED, "small", "small", Role.ARMED, track=Track.TIGHT, witness=WITNESS)
BOX = "(>= X_0 0)", "(<= X_0 2)", "(>= X_1 0)", "(<= X_1 2)"


@pytest.fixture
def tell(tmp_path):
    path = write_network(tmp_path / "network.onnx", [[1.0, 1.0]])
    unsafe = unsafe_set(2, 1, *BOX, "(> Y_0 1.0)")

    def told(truth):
        network = read_network(path, [truth])
        return instance_features(network, {"plain"}, unsafe, truth), instance_numbers(network, unsafe, truth)

    return told


def test_a_tight_witness_violates_what_it_violates_exactly(tell):
    features, numbers = tell(TIGHT)
    assert features["violated region"] == ("the only one",)
    assert numbers["margin"] == 2.0**-31


def test_any_other_must_violate_in_float32_too(tell):
    features, _ = tell(replace(TIGHT, track=Track.MAIN))
    assert features["violated region"] == ("none",)


def test_a_tight_witness_that_violates_nowhere(tell):
    outside = replace(WITNESS, point=(Fraction(1), Fraction(0)))
    assert tell(replace(TIGHT, witness=outside))[0]["violated region"] == ("none",)
    short = replace(WITNESS, point=(Fraction(1),))
    assert tell(replace(TIGHT, witness=short))[0]["violated region"] == ("none",)


def test_proofs_at_the_root_and_by_splitting(tell):
    leaf = Leaf(0, {})
    holds = GroundTruth(Expected.HOLDS, "small", "small", Role.TWIN)
    for trees, words, boxes in (((leaf,), "at the root", 1), ((Split(0, 1.0, leaf, leaf),), "by splitting", 2)):
        features, numbers = tell(replace(holds, proof=Proof(1e-4, 1.0, 0.1, trees)))
        assert features["proof"] == (words,)
        assert numbers["boxes in the proof"] == boxes


def test_nothing_known(tell):
    features, numbers = tell(None)
    assert set(features) == {
        "operator", "input", "notation", "regions", "constraints", "conjunctions", "bounds", "input bounds", "box",
        "width", "distance from zero",
    }  # fmt: skip
    assert numbers == {"inputs": 2, "outputs": 1, "nodes": 1, "parameters": 2, "regions": 1}


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ((1, 24), "a row"),
        ((24,), "a row"),
        ((1, 24, 1, 1), "a row"),
        ((1, 6, 4), "a block"),
        ((1, 3, 5, 5), "a square image"),
        ((1, 3, 3, 8), "an oblong image"),
    ],
)
def test_kinds_of_inputs(shape, kind):
    assert kind_of_input(shape) == kind
