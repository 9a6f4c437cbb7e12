"""Networks are told apart where it matters: at the witness of a pair, and by less than a rounding."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import onnx
import pytest
from random_networks import Layer, build
from small_suite import GROUND_TRUTH, small_suite

from soundbench.errors import HarnessError
from soundbench.instance import VariantKind
from soundbench.replay import NonFiniteOutputError, run_onnx
from soundbench.variant_check import check_network

WITNESS = GROUND_TRUTH["armed"].witness.point


def write(path, hidden, bias, last):
    """Two dense layers with ReLU between them: one input, two outputs, as in `small_suite`."""
    weights = [np.array(each, np.float32) for each in (hidden, bias, last)]
    model = build((1, 1), [Layer("Gemm", (None, *weights[:2])), Layer("Relu"), Layer("Gemm", (None, weights[2]))])
    model.graph.output[0].type.tensor_type.shape.dim.add().dim_value = 1
    onnx.save(model, path)
    return path


def ramp(path, slope):
    """Y_0 = slope * relu(X_0 - 0.7): zero in the twin's box, whatever the slope, and not at the witness."""
    return write(path, [[1, -1]], [-0.7, 0], [[slope, 0], [0, 1]])


def total(path, *terms):
    """Y_0 = the sum of terms times X_0, where that is positive."""
    return write(path, [[1] * len(terms)], [0] * len(terms), [[term, 0] for term in terms])


@pytest.fixture
def compare(tmp_path):
    """Compares two networks as those of the twin in the small suite."""
    (twin,) = (each for each in small_suite(tmp_path / "suite").instances if each.name == "twin")

    def check(original, variant, *, kind=VariantKind.PERMUTED, ground_truth=GROUND_TRUTH):
        check_network(kind, [replace(twin, onnx=original)], ground_truth, variant)

    return check


def test_a_twin_is_compared_at_the_witness_of_its_pair(compare, tmp_path):
    one, other = (ramp(tmp_path / f"{slope}.onnx", slope) for slope in (10, 20))
    compare(one, one)
    with pytest.raises(HarnessError, match=r"10.onnx: its variant permuted computes other real numbers; run without"):
        compare(one, other)
    compare(one, other, ground_truth={})


def test_less_than_a_rounding_is_noticed_over_the_reals(compare, tmp_path):
    one = ramp(tmp_path / "one.onnx", 10)
    other = ramp(tmp_path / "other.onnx", np.nextafter(np.float32(10), np.float32(11)))
    with pytest.raises(HarnessError, match="computes other real numbers"):
        compare(one, other)


def test_only_rescaling_must_not_change_a_rounding(compare, tmp_path):
    one = total(tmp_path / "one.onnx", 1, 2**-30, -1)
    other = total(tmp_path / "other.onnx", 1, -1, 2**-30)
    assert run_onnx(one, WITNESS) != run_onnx(other, WITNESS)
    compare(one, other)
    with pytest.raises(HarnessError, match="its variant rescaled computes other floats"):
        compare(one, other, kind=VariantKind.RESCALED)


@pytest.mark.parametrize("order", [1, -1])
def test_an_overflow_in_one_order_of_summation_proves_nothing(compare, tmp_path, order):
    one = total(tmp_path / "one.onnx", 3e38, -3e38, 3e38)
    other = total(tmp_path / "other.onnx", 3e38, 3e38, -3e38)
    assert run_onnx(one, WITNESS)[0] > Fraction(10) ** 38
    with pytest.raises(NonFiniteOutputError):
        run_onnx(other, WITNESS)
    compare(*(one, other)[::order])
