"""Counterexamples in the form of VNN-LIB 2.0: exact values, exact shapes, and no trust in what a verifier wrote."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundbench.assignment import is_assignment, parse_assignment
from soundbench.counterexample import format_counterexample
from soundbench.errors import InputError
from soundbench.interface import Declaration, Interface
from soundbench.vnnlib_text import decimal_text

NETWORK = Interface(Declaration("x", "float32", (1, 2)), Declaration("logits", "float32", (1, 3)))
SCALARS = Interface(Declaration("x", "float32", ()), Declaration("y", "float32", ()))
INPUT = "X float32 [1,2]\n0.0\n0.05\n"
OUTPUT = "Y float32 [1,3]\n0.0\n0.05\n0.0\n"
POINT = (Fraction(0), Fraction(1, 20))


@pytest.mark.parametrize(
    "text",
    [
        INPUT + OUTPUT,
        INPUT + OUTPUT.rstrip(),
        "sat\n" + INPUT + OUTPUT,
        "\n violated \n\n" + INPUT + OUTPUT,
        ("sat\n" + INPUT + OUTPUT).replace("\n", "\r\n"),
        "\n" + (INPUT + OUTPUT).replace("\n", "\n\n "),
        (INPUT + OUTPUT).replace("X float32 [1,2]", "image_1\treal  [ 1 , 2 ] ").replace("0.05", "5e-2"),
        INPUT + "X float32 [1,3]\nnan\n-inf\n1e999999\n",
    ],
)
def test_accepted_layouts(text):
    assert is_assignment(text)
    assert parse_assignment(text, NETWORK, "f") == POINT


def test_tensors_may_be_scalars():
    assert parse_assignment("X real []\n-1.5\nY real []\n2\n", SCALARS, "f") == (Fraction(-3, 2),)


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=6, max_size=6),
    st.sampled_from([(6,), (2, 3), (1, 3, 2, 1), (6, 1)]),
    st.sampled_from(["", "sat\n", "violated\n"]),
)
def test_values_are_exact_and_in_order(values, shape, verdict):
    network = Interface(Declaration("x", "float64", shape), Declaration("y", "float64", (1,)))
    lines = [decimal_text(Fraction(value)) for value in values]
    text = verdict + "\n".join([f"x float64 {list(shape)}", *lines, "y float64 [1]", "0.5"])
    assert is_assignment(text)
    assert parse_assignment(text, network, "f") == tuple(map(Fraction, values))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sat\n",
        format_counterexample(POINT, (0.0, 1.0)),
        "sat\n" + format_counterexample(POINT),
        "unsat\n" + INPUT + OUTPUT,
        "satX\n" + INPUT + OUTPUT,
        "sat " + INPUT + OUTPUT,
        "X [1,2]\n0.0\n0.05\n",
        "X float32 [1,N]\n0.0\n",
        "X float32 [-1,2]\n0.0\n",
        "X float32 [1,2] 0.0\n",
        "0.0\n" + INPUT + OUTPUT,
        "((X float32 [1,2]\n",
    ],
)
def test_other_texts_are_told_apart(text):
    assert not is_assignment(text)
    with pytest.raises(InputError, match=r"^f:1: not an assignment; start it with"):
        parse_assignment(text, NETWORK, "f")


HOSTILE = {
    "no output": (INPUT, 4, "1 tensor given; give two, the input and then the output"),
    "no output after a verdict": ("sat\n" + INPUT, 5, "1 tensor given"),
    "a third tensor": (INPUT + OUTPUT + OUTPUT, 12, "3 tensors given"),
    "outputs first": (OUTPUT + INPUT, 1, "the input has the shape [1, 2], not [1, 3]; give it as"),
    "flat input": (INPUT.replace("[1,2]", "[2]") + OUTPUT, 1, "the input has the shape [1, 2], not [2]"),
    "transposed input": (INPUT.replace("[1,2]", "[2,1]") + OUTPUT, 1, "the input has the shape [1, 2], not [2, 1]"),
    "scalar input": (INPUT.replace("[1,2]", "[]") + OUTPUT, 1, "the input has the shape [1, 2], not []"),
    "flat output": (INPUT + OUTPUT.replace("[1,3]", "[3]"), 4, "the output has the shape [1, 3], not [3]"),
    "too few": (INPUT.replace("0.05\n", "") + OUTPUT, 2, "1 values for the 2 of the input; give one a line"),
    "none": ("X float32 [1,2]\n" + OUTPUT, 1, "0 values for the 2 of the input"),
    "too many": (INPUT + "0.5\n" + OUTPUT, 4, "3 values for the 2 of the input"),
    "several a line": (INPUT.replace("\n0.05", " 0.05") + OUTPUT, 2, "1 values for the 2 of the input"),
    "too few outputs": (INPUT + OUTPUT[:-4], 6, "2 values for the 3 of the output"),
    "nan": (INPUT.replace("0.05", "nan") + OUTPUT, 3, "'nan' is not a finite decimal number"),
    "infinite": (INPUT.replace("0.05", "-inf") + OUTPUT, 3, "'-inf' is not a finite decimal number"),
    "hexadecimal": (INPUT.replace("0.05", "0x1p3") + OUTPUT, 3, "'0x1p3' is not a finite decimal number"),
    "two numbers for one": (INPUT.replace("0.05", "0 05") + OUTPUT, 3, "'0 05' is not a finite decimal number"),
    "parentheses": (INPUT.replace("0.05", "(- 0.05)") + OUTPUT, 3, "'(- 0.05)' is not a finite decimal number"),
    "huge exponent": (
        INPUT.replace("0.05", "1e999999999") + OUTPUT,
        3,
        "the exponent of '1e999999999' is out of range",
    ),
    "endless number": (INPUT.replace("0.05", "1" * 2001) + OUTPUT, 3, "a number of 2,001 characters"),
}


@pytest.mark.parametrize(("text", "line", "reason"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_is_refused(text, line, reason):
    with pytest.raises(InputError) as refusal:
        parse_assignment(text, NETWORK, "tool.counterexample")
    message = str(refusal.value)
    assert message.startswith(f"tool.counterexample:{line}: ")
    assert reason in message
    assert message.isprintable()
    assert len(message) < 200


SCRAPS = st.sampled_from(["X", " ", "\n", "float32", "[1,2]", "[]", "0.5", "nan", "sat", "\r", INPUT, OUTPUT, "[", ","])


@given(st.text() | st.lists(SCRAPS).map("".join))
def test_rubbish_is_refused_without_a_traceback(text):
    try:
        point = parse_assignment(text, NETWORK, "f")
    except InputError as refusal:
        assert str(refusal).isprintable()  # noqa: PT017
    else:
        assert is_assignment(text)
        assert len(point) == 2
