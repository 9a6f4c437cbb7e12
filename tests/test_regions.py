import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from soundbench.verifiers.regions import rounded_down, write_regions

from soundbench.verifier import Task

HEAD = "(declare-const X_0 Real)(declare-const X_1 Real)(declare-const Y_0 Real)(declare-const Y_1 Real)\n"
BOX = "(assert (>= X_0 0.1))(assert (<= X_0 0.3))(assert (>= X_1 -1.0))(assert (<= X_1 2.0))\n"


@pytest.fixture
def regions(tmp_path):
    def regions(text: str):
        task = Task(tmp_path, tmp_path / "n.onnx", tmp_path / "p.vnnlib", tmp_path / "r.txt", 1.0)
        task.vnnlib.write_text(HEAD + BOX + text)
        return json.loads(write_regions(task).read_text())

    return regions


def test_a_region_each_with_its_rows(regions):
    first, second = regions("(assert (or (and (<= Y_0 Y_1) (>= Y_1 0.5)) (and (< X_1 1.0) (> Y_0 3.0))))")
    assert (first["rows"], first["bounds"]) == ([[1.0, -1.0], [0.0, -1.0]], [0.0, -0.5])
    assert (second["rows"], second["bounds"]) == ([[-1.0, 0.0]], [-3.0])
    assert (first["lower"][1], first["upper"][1], second["upper"][1]) == (-1.0, 2.0, 1.0)


def test_what_is_no_double_makes_the_region_larger(regions):
    (region,) = regions("(assert (<= Y_0 0.1))")
    assert Fraction(region["lower"][0]) <= Fraction(1, 10) <= Fraction(region["bounds"][0])
    assert Fraction(region["upper"][0]) >= Fraction(3, 10)


@given(st.fractions())
def test_rounding_goes_down_by_at_most_one_double(number):
    assert Fraction(rounded_down(number)) <= number
    assert -rounded_down(-number) >= number
