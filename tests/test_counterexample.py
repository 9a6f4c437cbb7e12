"""Counterexamples in VNN-COMP's format: exact values in and out, and no trust in what a verifier wrote."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundbench.counterexample import format_counterexample, parse_counterexample
from soundbench.errors import InputError

POINT = (Fraction(0), Fraction(1, 20))


@pytest.mark.parametrize(
    "text",
    [
        "((X_0 0.0)\n (X_1 0.05)\n (Y_0 0.0)\n (Y_1 0.05))\n",
        "((X_0 0.0) (X_1 0.05))",
        "(X_0 0.0)\n(X_1 0.05)\n",
        "sat\n((X_0 0.0)\n(X_1 0.05))",
        "violated\r\n((X_0 0)\r\n(X_1 5e-2))\r\n",
        "\n sat ((X_0 0.0) (X_1 0.05))",
        "sat((X_0 0.0) (X_1 0.05))",
        "((X_1 .5E-1) (X_0 -0.0))",
        "((X_0 0.0) (X_1 0.05) (X_1 5e-2))",
        "((X_0 0.0) (X_1 (- -0.05)))",
        "((X_0 0.0)(X_1 0.05))((Y_0 1.0))",
        "((X_0 0.0)\n(X_1 0.05)\n(Y_0 nan)\n(Y_1 1e999999)\n(Y_0 inf))",
    ],
)
def test_accepted_layouts(text):
    assert parse_counterexample(text, 2, "f") == POINT


def test_layout_of_written_counterexamples():
    assert format_counterexample(POINT, (0.0, 0.5)) == "((X_0 0.0)\n (X_1 0.05)\n (Y_0 0.0)\n (Y_1 0.5))\n"
    assert format_counterexample(POINT) == "((X_0 0.0)\n (X_1 0.05))\n"


def test_values_are_written_in_full():
    value = float(np.float32(0.1))
    text = format_counterexample((Fraction(value),), (value, Fraction(1, 8)))
    assert text == f"((X_0 {value:.27f})\n (Y_0 {value:.27f})\n (Y_1 0.125))\n"


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False).map(Fraction), min_size=1),
    st.lists(st.floats(allow_nan=False, allow_infinity=False)),
    st.sampled_from(["", "sat\n", "violated\n"]),
)
def test_what_is_written_reads_back(point, outputs, verdict):
    text = verdict + format_counterexample(point, outputs)
    assert parse_counterexample(text, len(point), "f") == tuple(point)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1), st.randoms(use_true_random=False))
def test_order_and_notation_do_not_matter(values, random):
    pairs = [f"(X_{index} {random.choice(('{!r}', '{:.17e}')).format(value)})" for index, value in enumerate(values)]
    random.shuffle(pairs)
    point = parse_counterexample("".join(pair + random.choice(("", " ", "\n")) for pair in pairs), len(values), "f")
    assert [float(value) for value in point] == values


@pytest.mark.parametrize(
    ("point", "outputs", "reason"),
    [
        ((), (), "without inputs"),
        ((Fraction(1, 3),), (), "no finite decimal expansion"),
        (POINT, (float("nan"),), "not finite"),
        (POINT, (float("inf"),), "not finite"),
    ],
)
def test_unwritable_counterexample_is_refused(point, outputs, reason):
    with pytest.raises(ValueError, match=reason):
        format_counterexample(point, outputs)


HOSTILE = {
    "empty": ("", 1, "X_0 is missing; give all 2 inputs"),
    "verdict alone": ("sat\n", 2, "X_0 is missing"),
    "other verdict": ("unsat\n((X_0 0.0)\n(X_1 0.05))", 1, "'unsat' stands outside parentheses"),
    "verdict as a part of a word": ("satisfied\n((X_0 0.0)\n(X_1 0.05))", 1, "'satisfied' stands outside"),
    "two verdicts": ("sat\nsat\n((X_0 0.0)\n(X_1 0.05))", 2, "'sat' stands outside"),
    "missing": ("((X_1 0.0)\n(Y_0 1.0))", 2, "X_0 is missing"),
    "too few": ("((X_0 0.0))", 1, "X_1 is missing"),
    "too many": ("((X_0 0.0)\n(X_1 0.0)\n(X_2 0.0))", 3, "X_2 is given, but there are only 2 inputs"),
    "twice": ("((X_0 0.0)\n(X_0 0.5)\n(X_1 0.0))", 2, "X_0 is given twice"),
    "nan": ("((X_0 nan)\n(X_1 0.0))", 1, "'nan' is not a finite decimal number"),
    "infinite": ("((X_0 0.0)\n(X_1 -inf))", 2, "'-inf' is not a finite decimal number"),
    "hexadecimal": ("((X_0 0x1p3))", 1, "'0x1p3' is not a finite decimal number"),
    "underscores": ("((X_0 1_0))", 1, "'1_0' is not a finite decimal number"),
    "fraction": ("((X_0 1/2))", 1, "'1/2' is not a finite decimal number"),
    "comma": ("((X_0, 0.5))", 1, "(X_0, ...) is no assignment"),
    "huge exponent": ("((X_0 1e401))", 1, "the exponent of '1e401' is out of range"),
    "tiny exponent": ("((X_0 1e-999999999))", 1, "the exponent of '1e-999999999' is out of range"),
    "endless exponent": (f"((X_0 1e{'9' * 500}))", 1, "is not a finite decimal number"),
    "endless number": (f"((X_0 0.{'1' * 2000}))", 1, "a number of 2,002 characters"),
    "no value": ("((X_0))", 1, "(X_0 ...) is no assignment"),
    "two values": ("((X_0 1 2))", 1, "(X_0 ...) is no assignment"),
    "other name": ("((x_0 1))", 1, "(x_0 ...) is no assignment"),
    "leading zero": ("((X_00 1))", 1, "(X_00 ...) is no assignment"),
    "endless index": (f"((X_{'9' * 5000} 1))", 1, "is no assignment"),
    "word": ("(\nX_0)", 1, "(X_0 ...) is no assignment"),
    "number": ("((X_0 0.0)\n0.5)", 1, "'0.5' is no assignment"),
    "product": ("((X_0 (* 2 3)))", 1, "(* ...) is not a finite decimal number"),
    "double minus": ("((X_0 (- (- 2))))", 1, "(- ...) is not a finite decimal number"),
    "too nested": ("(((X_0 0.0)))", 1, "(...) is no assignment"),
    "cut short": ("((X_0 0.0)\n(X_1 0.", 1, "'(' is never closed"),
    "unopened": ("(X_0 0.0))", 1, "')' closes nothing"),
    "no parentheses": ("X_0 0.0\nX_1 0.05", 1, "'X_0' stands outside parentheses"),
    "VNN-LIB 2.0": ("X float32 [1,2]\n0.0\n0.05\n", 1, "'X' stands outside parentheses"),
    "too deep": ("(" * 1_000_000, 1, "nested parentheses"),
}


@pytest.mark.parametrize(("text", "line", "reason"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_is_refused(text, line, reason):
    with pytest.raises(InputError) as refusal:
        parse_counterexample(text, 2, "tool.counterexample")
    message = str(refusal.value)
    assert message.startswith(f"tool.counterexample:{line}: ")
    assert reason in message
    assert message.isprintable()
    assert len(message) < 200


SCRAPS = st.sampled_from(["(", ")", "X_0", "X_1", "Y_0", " ", "\n", "0.5", "1e9", "sat", "-", "nan", ";", "(X_0 1)"])


@given(st.text() | st.lists(SCRAPS).map("".join), st.integers(0, 3))
def test_rubbish_is_refused_without_a_traceback(text, input_count):
    try:
        point = parse_counterexample(text, input_count, "f")
    except InputError as refusal:
        assert str(refusal).isprintable()  # noqa: PT017
    else:
        assert len(point) == input_count


TOKENS = st.sampled_from(
    ["(", ")", " ", "\n", "(X_0 0.5)", "(X_0 1)", "(X_1 -2e-3)", "(Y_0 3)", "(X_01 1)", "(X_0 .5)", "X"]
)


def parsed(text):
    try:
        return parse_counterexample(text, 2, "f")
    except InputError as refusal:
        return str(refusal)


@given(st.lists(TOKENS, max_size=8).map("".join))
def test_plain_pairs_mean_what_they_mean_among_others(text):
    """A comment makes a text one that is read in full."""
    assert parsed(text) == parsed(f"{text};")
