"""Properties in other words mean the same: turned round in every case, strict where bounds do not decide."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from small_networks import write_network
from test_vnnlib_laws import PROPERTIES

from soundbench.property_variants import in_vnnlib2, input_strictness, output_strictness, reordered
from soundbench.vnnlib import parse_property, parse_query
from soundbench.vnnlib_writing import format_property

DECLARED = """(declare-const X_0 Real)
(declare-fun X_1 () Real)
(declare-const Y_0 Real)
(declare-const Y_1 Real)
"""
TEXT = f"""; a comment
{DECLARED}(assert (>= X_0 4e-1)) (assert (<= X_0 .6))
(assert (and (>= X_1 -1) (< X_1 1)))
(assert (or (and (<= Y_0
  Y_1)) (and (> Y_1 3.0) (<= (+ Y_0 (* 2 Y_1)) -1))))
"""


def meaning(text):
    unsafe = parse_property(text, "test")
    return unsafe.input_count, unsafe.output_count, {(each.inputs, frozenset(each.outputs)) for each in unsafe.regions}


def toggled(unsafe, *, inputs=False, outputs=False):
    """What the property means with the other strictness."""

    def box(intervals):
        return tuple(
            replace(each, lower_open=each.lower_open ^ inputs, upper_open=each.upper_open ^ inputs)
            for each in intervals
        )

    return {
        (box(region.inputs), frozenset(replace(each, strict=each.strict ^ outputs) for each in region.outputs))
        for region in unsafe.regions
    }


def test_all_is_turned_round_but_the_declarations():
    assert reordered(TEXT) == (
        f"{DECLARED}"
        "(assert (or (and (<= (+ Y_0 (* 2 Y_1)) -1) (> Y_1 3.0)) (and (<= Y_0 Y_1))))\n"
        "(assert (and (< X_1 1) (>= X_1 -1)))\n"
        "(assert (<= X_0 .6))\n"
        "(assert (>= X_0 4e-1))\n"
    )


def test_bounds_on_inputs_change_their_strictness_alone():
    assert input_strictness(TEXT) == (
        f"{DECLARED}"
        "(assert (> X_0 4e-1))\n"
        "(assert (< X_0 .6))\n"
        "(assert (and (> X_1 -1) (<= X_1 1)))\n"
        "(assert (or (and (<= Y_0 Y_1)) (and (> Y_1 3.0) (<= (+ Y_0 (* 2 Y_1)) -1))))\n"
    )


def test_constraints_on_outputs_change_their_strictness_alone():
    assert output_strictness(TEXT) == (
        f"{DECLARED}"
        "(assert (>= X_0 4e-1))\n"
        "(assert (<= X_0 .6))\n"
        "(assert (and (>= X_1 -1) (< X_1 1)))\n"
        "(assert (or (and (< Y_0 Y_1)) (and (>= Y_1 3.0) (< (+ Y_0 (* 2 Y_1)) -1))))\n"
    )


@given(PROPERTIES)
def test_the_order_means_nothing(unsafe):
    text = format_property(unsafe)
    made = reordered(text)
    assert made is not None
    assert meaning(made) == meaning(text)
    assert made.splitlines() != text.splitlines()


@given(PROPERTIES)
def test_turned_round_twice_is_as_before(unsafe):
    once = reordered(format_property(unsafe))
    assert parse_property(reordered(once), "test") == unsafe


@given(PROPERTIES)
def test_every_bound_of_a_box_changes_its_strictness_or_none(unsafe):
    made = input_strictness(format_property(unsafe))
    has_point = any(each.lower == each.upper for region in unsafe.regions for each in region.inputs)
    assert (made is None) == has_point
    if made is not None:
        assert meaning(made)[2] == toggled(unsafe, inputs=True)


@given(PROPERTIES)
def test_every_constraint_changes_its_strictness(unsafe):
    made = output_strictness(format_property(unsafe))
    assert meaning(made)[2] == toggled(unsafe, outputs=True)


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """Networks of four outputs, by the number of inputs."""
    folder = tmp_path_factory.mktemp("networks")
    return {count: write_network(folder / f"{count}.onnx", np.ones((4, count))) for count in (1, 2, 3)}


@given(PROPERTIES)
def test_what_fits_vnnlib_2_says_the_same_there(networks, unsafe):
    made = in_vnnlib2(format_property(unsafe), networks[unsafe.input_count])
    if made is not None:
        assert parse_query(made, "test").property == unsafe
        assert in_vnnlib2(made, networks[unsafe.input_count]) is None


def test_vnnlib_2(tmp_path):
    network = write_network(tmp_path / "network.onnx", np.ones((2, 2)))
    assert in_vnnlib2(TEXT, network).splitlines()[:3] == [
        "(vnnlib-version <2.0>)",
        "(declare-network f",
        "  (declare-input X float32 [1,2])",
    ]


def test_numbers_that_do_not_fit_vnnlib_2_are_left(tmp_path):
    network = write_network(tmp_path / "network.onnx", np.ones((2, 2)))
    assert in_vnnlib2(property_text("(assert (<= Y_0 1e-399))"), network) is None


def property_text(*assertions):
    return DECLARED + "(assert (and (>= X_0 0) (<= X_0 1) (>= X_1 0) (<= X_1 1)))\n" + "\n".join(assertions)


def test_what_reads_alike_from_both_ends_has_no_other_order():
    lower, upper, unsafe = "(assert (>= X_0 0))", "(assert (<= X_0 1))", "(assert (<= Y_0 1))"
    declared = "(declare-const X_0 Real)\n(declare-const Y_0 Real)\n"
    assert reordered(declared + "\n".join([lower, upper, unsafe, upper, lower])) is None
    assert reordered(declared + "\n".join([lower, upper, unsafe])) is not None


@pytest.mark.parametrize("always", ["(<= Y_0 Y_0)", "(<= (- Y_0 Y_0) 0)"])
@pytest.mark.parametrize("case", ["(and (<= Y_1 0) {})", "(or (and (<= Y_1 0) {}) (<= Y_1 -1))"])
def test_a_constraint_that_strictness_would_make_impossible_is_left(always, case):
    assert output_strictness(property_text(f"(assert {case.format(always)})")) is None


def test_a_bound_that_another_case_hides_is_no_hindrance():
    """Of two bounds on one side only the tighter one counts, whichever is strict."""
    text = property_text("(assert (< X_0 1))", "(assert (<= Y_0 0))")
    assert parse_property(input_strictness(text), "test").regions[0].inputs[0].upper_open
