"""VNN-LIB 1.0: what is written reads back, what is read means what the text says, the rest is refused."""

import gzip
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundbench.errors import InputError
from soundbench.instance import Constraint, Interval, Property, Region
from soundbench.vnnlib import parse_property, read_property
from soundbench.vnnlib_text import decimal_text
from soundbench.vnnlib_writing import format_property

HALF = Fraction(1, 2)
DECLARATIONS = "(declare-const X_0 Real)\n(declare-const Y_0 Real)\n(declare-const Y_1 Real)\n"
BOX = "(assert (and (>= X_0 0.0) (<= X_0 1.0)))\n"
UNIT = Interval(Fraction(0), Fraction(1))


def constraint(terms: dict[int, int | Fraction], bound: int | Fraction = 0, *, strict: bool = False) -> Constraint:
    return Constraint(tuple((i, Fraction(c)) for i, c in sorted(terms.items())), Fraction(bound), strict)


def outputs_of(condition: str) -> list[tuple[Constraint, ...]]:
    return [region.outputs for region in parse_property(f"{DECLARATIONS}{BOX}(assert {condition})", "f").regions]


# --- what single texts mean -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("(<= Y_0 Y_1)", constraint({0: 1, 1: -1})),
        ("(>= Y_0 Y_1)", constraint({0: -1, 1: 1})),
        ("(< Y_0 Y_1)", constraint({0: 1, 1: -1}, strict=True)),
        ("(> Y_0 3.5)", constraint({0: -1}, Fraction(-7, 2), strict=True)),
        ("(<= 3 Y_1)", constraint({1: -1}, -3)),
        ("(>= 2e-1 Y_1)", constraint({1: 1}, Fraction(1, 5))),
        ("(<= Y_0 (- 0.5))", constraint({0: 1}, -HALF)),
        ("(<= (- Y_0 Y_1 1) (+ Y_1 2))", constraint({0: 1, 1: -2}, 3)),
        ("(<= (- Y_0) 1)", constraint({0: -1}, 1)),
        ("(<= (+ (* 2 Y_0 0.5) (* -3 (+ Y_1 1))) 0)", constraint({0: 1, 1: -3}, 3)),
        ("(<= (+ Y_0 Y_1) Y_1)", constraint({0: 1})),
        ("(<= (* (- Y_0 Y_0) Y_1) Y_0)", constraint({0: -1})),
    ],
)
def test_output_constraint(condition, expected):
    assert outputs_of(condition) == [(expected,)]


def test_disjunction_of_conjunctions_is_kept_in_order():
    first, second, third = (constraint({0: 1}, bound) for bound in (1, 2, 3))
    assert outputs_of("(or (and (<= Y_0 1) (<= Y_0 2)) (<= Y_0 3))") == [(first, second), (third,)]
    assert outputs_of("(and (<= Y_0 1) (or (<= Y_0 2) (<= Y_0 3)))") == [(first, second), (first, third)]
    assert outputs_of("(or (and (or (<= Y_0 1) (or (<= Y_0 2)))) (<= Y_0 3))") == [(first,), (second,), (third,)]


def test_comparisons_without_variables_are_evaluated():
    kept = (constraint({0: 1}, 1),)
    assert outputs_of("(and (<= Y_0 1) (<= 1.0 2.0) (<= Y_1 Y_1))") == [kept]
    assert outputs_of("(or (<= Y_0 1) (< 2.0 2.0))") == [kept]


def test_bounds_on_one_input_intersect_and_an_open_end_wins():
    text = f"""{DECLARATIONS}
    (assert (>= X_0 -1)) (assert (< 0 X_0)) (assert (>= X_0 0))
    (assert (<= (* 2 X_0) 3)) (assert (and (<= X_0 7) (<= (- X_0) 5)))
    (assert (<= Y_0 Y_1))"""
    (region,) = parse_property(text, "f").regions
    assert region.inputs == (Interval(Fraction(0), Fraction(3, 2), lower_open=True),)


def test_two_boxes_and_two_outputs_make_four_regions_and_share_boxes():
    boxes = "(assert (or (and (>= X_0 0) (<= X_0 1)) (and (>= X_0 2) (< X_0 3))))"
    unsafe = parse_property(f"{DECLARATIONS}{boxes}(assert (or (<= Y_0 1) (<= Y_1 1)))", "f")
    upper_box = Interval(Fraction(2), Fraction(3), upper_open=True)
    assert [region.inputs for region in unsafe.regions] == [(UNIT,), (UNIT,), (upper_box,), (upper_box,)]
    assert unsafe.regions[0].inputs is unsafe.regions[1].inputs


def test_a_disjunct_narrows_the_shared_box_and_may_supply_its_missing_side():
    declarations = DECLARATIONS + "(declare-const X_1 Real)(assert (>= X_1 0))(assert (>= X_0 0))(assert (<= X_0 1))"
    cases = "(or (and (<= X_1 2) (<= Y_0 0)) (and (<= X_1 3) (>= X_1 1) (<= X_0 0.5) (<= Y_0 0)))"
    unsafe = parse_property(f"{declarations}(assert {cases})", "f")
    assert [region.inputs for region in unsafe.regions] == [
        (UNIT, Interval(Fraction(0), Fraction(2))),
        (Interval(Fraction(0), HALF), Interval(Fraction(1), Fraction(3))),
    ]


def test_many_disjuncts_share_one_box():
    cases = " ".join(f"(<= Y_0 {index})" for index in range(1000))
    unsafe = parse_property(f"{DECLARATIONS}{BOX}(assert (or {cases}))", "f")
    assert len(unsafe.regions) == 1000
    assert len({id(region.inputs) for region in unsafe.regions}) == 1


@pytest.mark.parametrize(
    "text",
    [
        "(declare-fun X_0 () Real)(declare-fun Y_0 () Real)(assert (>= X_0 0))(assert (<= X_0 1))(assert (<= Y_0 0))",
        "; (assert\n(declare-const Y_0 Real);)\r\n(declare-const\tX_0\nReal)(assert(>= X_0 0))(assert(and(<= X_0 1)"
        "; two (\n(<= Y_0 0)))\n;",
        "\ufeff(declare-const X_0 Real)(declare-const Y_0 Real); comment\r(assert (and (<= X_0 1) (>= X_0 0.) "
        "(<= Y_0 0)))",
    ],
)
def test_layout_does_not_matter(text, tmp_path):
    path = tmp_path / "p.vnnlib"
    path.write_bytes(text.encode())
    assert read_property(path) == Property(1, 1, (Region((UNIT,), (constraint({0: 1}),)),))


@pytest.mark.parametrize(
    ("opening", "closing"), [("(and (<= Y_0 1) ", ")"), ("(or (and ", "))"), ("(or (<= 2 1) ", ")")]
)
def test_deep_conditions_do_not_overflow(opening, closing):
    depth = 10_000 // opening.count("(")
    unsafe = parse_property(f"{DECLARATIONS}{BOX}(assert {opening * depth}(<= Y_0 1){closing * depth})", "f")
    assert set(unsafe.regions[0].outputs) == {constraint({0: 1}, 1)}


def test_deep_arithmetic_does_not_overflow():
    assert outputs_of(f"(<= {'(+ 1 ' * 9_990}Y_0{')' * 9_990} 0)") == [(constraint({0: 1}, -9_990),)]


# --- what is refused --------------------------------------------------------------------------------------

ALWAYS = "(assert (<= Y_0 Y_1))\n"

REFUSALS = {
    "empty": ("", 1, "no X_0 is declared"),
    "no output declared": ("(declare-const X_0 Real)\n", 2, "no Y_0 is declared"),
    "gap": (DECLARATIONS + "(declare-const X_2 Real)", 4, "X_2 is declared but X_1 is not"),
    "gap at the start": ("(declare-const X_1 Real)\n(declare-const Y_0 Real)", 1, "X_1 is declared but X_0 is not"),
    "duplicate": (DECLARATIONS + "(declare-const X_0 Real)", 4, "X_0 is already declared on line 1"),
    "other name": ("\n(declare-const Z_0 Real)", 2, "'Z_0' is no variable"),
    "leading zero": ("(declare-const X_00 Real)", 1, "'X_00' is no variable"),
    "integer sort": ("(declare-const X_0 Int)", 1, "X_0 has sort 'Int'"),
    "malformed declaration": ("(declare-const X_0)", 1, "malformed declare-const"),
    "function": ("(declare-fun X_0 (Real) Real)", 1, "malformed declare-fun"),
    "undeclared": (DECLARATIONS + "(assert (<= Y_7 1))", 4, "'Y_7' is neither a declared variable nor"),
    "VNN-LIB 2.0 without its version": (
        "\n(declare-network f (declare-input X real []))",
        2,
        "declare-network belongs to VNN-LIB 2.0; start the file with (vnnlib-version <2.0>)",
    ),
    "unknown command": ("\n\n(check-sat)", 3, "(check-sat ...) is not supported"),
    "no command": ("((assert))", 1, "(...) is not supported"),
    "two conditions": (DECLARATIONS + "(assert (<= Y_0 1) (<= Y_1 1))", 4, "'assert' takes one condition but has 2"),
    "unclosed": (DECLARATIONS + BOX + "(assert (<= Y_0\n 1)\n\n", 5, "'(' is never closed"),
    "unopened": (DECLARATIONS + "\n)", 5, "')' closes nothing"),
    "outside": (DECLARATIONS + "assert (<= Y_0 1)", 4, "'assert' stands outside parentheses"),
    "nan": (DECLARATIONS + "(assert\n (<= Y_0 nan))", 5, "'nan' is neither a declared variable nor a finite"),
    "inf": (DECLARATIONS + "(assert (<= X_0 -inf))", 4, "'-inf' is not a finite decimal number"),
    "bad number": (DECLARATIONS + "(assert (<= X_0 1.0.0))", 4, "'1.0.0' is not a finite decimal number"),
    "other digits": (DECLARATIONS + "(assert (<= X_0 \u0663))", 4, r"'\u0663' is not a finite decimal number"),
    "huge exponent": (DECLARATIONS + "(assert (<= X_0 1e999999999))", 4, "exponent of '1e999999999' is out of range"),
    "endless number": (DECLARATIONS + f"(assert (<= X_0 {'1' * 2001}))", 4, "a number of 2,001 characters"),
    "huge product": (DECLARATIONS + f"(assert (<= (* {'1e400 ' * 20} Y_0) 1))", 4, "a product takes more than"),
    "equality": (DECLARATIONS + "(assert (= Y_0 1))", 4, "(= ...) is not supported as a condition"),
    "not": (DECLARATIONS + "(assert (not (<= Y_0 1)))", 4, "(not ...) is not supported as a condition"),
    "implication": (DECLARATIONS + "(assert (or\n(=> (<= Y_0 1) (<= Y_1 1)) (<= Y_0 1)))", 5, "(=> ...) is not"),
    "let": (DECLARATIONS + "(assert (let ((a 1)) (<= Y_0 a)))", 4, "(let ...) is not supported as a condition"),
    "ite": (DECLARATIONS + "(assert (<= (ite (<= Y_0 1) 1 2) 1))", 4, "(ite ...) is not supported as a number"),
    "division": (DECLARATIONS + "(assert (<= Y_0 (/ 1 3)))", 4, "(/ ...) is not supported as a number"),
    "bare word": (DECLARATIONS + "(assert true)", 4, "'true' is no condition"),
    "empty and": (DECLARATIONS + "(assert (and))", 4, "'and' has no operands"),
    "empty sum": (DECLARATIONS + "(assert (<= (+) 1))", 4, "'+' has no operands"),
    "chain": (DECLARATIONS + "(assert (<= 0 X_0 1))", 4, "'<=' compares two values but has 3"),
    "mixed": (DECLARATIONS + "(assert (<= X_0 Y_0))", 4, "inputs and outputs are mixed"),
    "two inputs": ("(declare-const X_1 Real)\n" + DECLARATIONS + "(assert (<= X_0 X_1))", 5, "of several inputs"),
    "product": (DECLARATIONS + "(assert (<= (* Y_0 Y_1) 1))", 4, "a product of variables is not linear"),
    "square": (DECLARATIONS + "(assert (<= (* Y_0 Y_0) 1))", 4, "a product of variables is not linear"),
    "no lower bound": (DECLARATIONS + "(assert (<= X_0 1))" + ALWAYS, 1, "X_0 has no lower bound"),
    "no upper bound in one region": (
        f"\n{DECLARATIONS}(assert (>= X_0 0)){ALWAYS}(assert (or (<= X_0 1) (<= Y_0 1)))",
        2,
        "X_0 has no upper bound in some region",
    ),
    "empty box": (
        DECLARATIONS + "(assert (>= X_0 2))\n(assert (<= X_0 1))\n" + ALWAYS,
        5,
        "the bounds of X_0 on lines 4 and 5 leave no value",
    ),
    "open point": (DECLARATIONS + "(assert (and (>= X_0 1) (< X_0 1)))\n" + ALWAYS, 4, "leave no value"),
    "empty box of one region": (
        f"{DECLARATIONS}{BOX}{ALWAYS}(assert (or (<= Y_0 1)\n(>= X_0 2)))",
        7,
        "the bounds of X_0 on lines 7 and 4 leave no value",
    ),
    "no output constraint": (DECLARATIONS + BOX, 5, "a region without an output constraint is always violated"),
    "no output constraint in one region": (
        f"{DECLARATIONS}{BOX}(assert (or (<= Y_0 1)\n(<= X_0 0.5)))",
        6,
        "a region without an output constraint",
    ),
    "only a true constraint": (DECLARATIONS + BOX + "(assert (<= 1.0 2.0))", 5, "a region without an output"),
    "false": (DECLARATIONS + BOX + "(assert (<= 2.0 1.0))", 5, "this assertion is never true"),
    "false everywhere": (DECLARATIONS + BOX + "(assert (or (<= 2 1) (< 1 1)))", 5, "no case of the assertions"),
    "too many regions": (
        DECLARATIONS + BOX + "(assert (or (<= Y_0 1) (<= Y_1 1)))\n" * 17,
        22,
        "expands to more than 100,000 regions",
    ),
    "far too many regions": (
        f"{DECLARATIONS}{BOX}(assert (or (<= Y_0 1) (and {'(or (<= Y_0 1) (<= Y_1 1))' * 5_000})))",
        5,
        "expands to more than 100,000 regions",
    ),
    "too many comparisons": (
        DECLARATIONS + BOX + ("(assert (or " + ("(and " + "(<= Y_0 1)" * 120 + ")") * 300 + "))\n") * 2,
        7,
        "20,000,000 comparisons",
    ),
    "too deep": ("(" * 20_001, 1, "more than 20,000 nested parentheses"),
}


@pytest.mark.parametrize(("text", "line", "reason"), REFUSALS.values(), ids=REFUSALS.keys())
def test_refusal_names_file_line_reason_and_remedy(text, line, reason):
    with pytest.raises(InputError) as refusal:
        parse_property(text, "bad.vnnlib")
    message = str(refusal.value)
    assert message.startswith(f"bad.vnnlib:{line}: ")
    assert reason in message
    assert re.search(r"; \w", message)
    assert message.isprintable()
    assert len(message) < 200


@pytest.mark.parametrize(
    "cases", ["(<= Y_0 1) (<= Y_0 2) (<= Y_0 3)", "(and (<= X_0 0.5) (<= Y_0 1)) (and (>= X_0 0.5) (<= Y_0 1))"]
)
def test_properties_too_large_for_memory_are_refused(cases, monkeypatch):
    monkeypatch.setattr("soundbench.vnnlib_regions.MAXIMUM_ATOMS", 1)
    with pytest.raises(InputError, match="f:6: the regions take more than 1 bounds; split"):
        parse_property(f"{DECLARATIONS}{BOX}{ALWAYS}(assert (or {cases}))", "f")


def test_messages_quote_hostile_words_on_one_line():
    with pytest.raises(InputError) as refusal:
        parse_property("(\x0b\u2028\x85" + "a" * 10_000 + ")", "f")
    assert str(refusal.value).isprintable()
    assert len(str(refusal.value)) < 200


# --- files ------------------------------------------------------------------------------------------------


def test_gzip_is_told_by_content_not_by_name(tmp_path):
    text = DECLARATIONS + BOX + ALWAYS
    plain, packed = tmp_path / "a.vnnlib.gz", tmp_path / "b.vnnlib"
    plain.write_text(text)
    packed.write_bytes(gzip.compress(text.encode()))
    assert read_property(plain) == read_property(packed) == parse_property(text, "f")


def damaged_files() -> dict[str, bytes]:
    packed = gzip.compress((DECLARATIONS + BOX + ALWAYS).encode())
    return {
        "truncated": packed[:-20],
        "truncated in the header": packed[:5],
        "wrong checksum": packed[:-8] + b"\0" * 8,
        "wrong data": packed[:12] + b"\xff" * 30 + packed[42:],
        "rubbish after it": packed + b"rubbish",
    }


@pytest.mark.parametrize("content", damaged_files().values(), ids=damaged_files().keys())
def test_damaged_gzip_is_refused(content, tmp_path):
    path = tmp_path / "p.vnnlib.gz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"p\.vnnlib\.gz: damaged gzip data .*; fetch or compress"):
        read_property(path)


def test_a_file_that_is_not_utf_8_is_refused_with_its_line(tmp_path):
    path = tmp_path / "p.vnnlib"
    path.write_bytes(b"; ok\n; \xff\n")
    with pytest.raises(InputError, match=r"p\.vnnlib:2: not UTF-8 text; give"):
        read_property(path)


def test_paths_that_cannot_be_read_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"none\.vnnlib: No such file or directory; give"):
        read_property(tmp_path / "none.vnnlib")
    with pytest.raises(InputError, match="Is a directory; give"):
        read_property(tmp_path)
    with pytest.raises(InputError, match="null byte; give"):
        read_property(tmp_path / "a\0b")


def test_a_file_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("soundbench.vnnlib.LARGEST_PROPERTY", 1000)
    path = tmp_path / "bomb.vnnlib"
    path.write_bytes(gzip.compress(b" " * 1001))
    with pytest.raises(InputError, match="holds more than 1,000 bytes; split"):
        read_property(path)


# --- writing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(0), "0.0"),
        (Fraction(-3), "-3.0"),
        (HALF, "0.5"),
        (Fraction(-1, 80), "-0.0125"),
        (Fraction(1200), "1200.0"),
        (Fraction(float(np.float32(0.1))), "0.100000001490116119384765625"),
        (Fraction(1, 10**30), "0." + "0" * 29 + "1"),
        (Fraction(10**30), "1" + "0" * 30 + ".0"),
    ],
)
def test_decimal_text(value, text):
    assert decimal_text(value) == text


@pytest.mark.parametrize("value", [Fraction(1, 3), Fraction(1, 10**2000), Fraction(10**2000), Fraction(10**9999)])
def test_decimal_text_refuses_what_cannot_be_read_back(value):
    with pytest.raises(ValueError, match="; round "):
        decimal_text(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_decimal_text_of_a_float_is_exact_and_minimal(value):
    text = decimal_text(Fraction(value))
    assert Fraction(Decimal(text)) == Fraction(value)
    assert re.fullmatch(r"-?(0|[1-9][0-9]*)\.([0-9]*[1-9]|0)", text)


GOLDEN = {
    "robustness": (
        Property(1, 3, tuple(Region((UNIT,), (constraint({0: 1, other: -1}),)) for other in (1, 2))),
        "; label 0\n"
        "(declare-const X_0 Real)\n"
        "(declare-const Y_0 Real)\n"
        "(declare-const Y_1 Real)\n"
        "(declare-const Y_2 Real)\n"
        "(assert (>= X_0 0.0))\n"
        "(assert (<= X_0 1.0))\n"
        "(assert (or\n"
        "    (and (<= Y_0 Y_1))\n"
        "    (and (<= Y_0 Y_2))\n"
        "))\n",
    ),
    "conjunction": (
        Property(
            2,
            2,
            (
                Region(
                    (UNIT, Interval(-HALF, HALF, lower_open=True, upper_open=True)),
                    (
                        constraint({0: 1}, -2),
                        constraint({1: -1}, -3, strict=True),
                        constraint({0: -1, 1: 1}, 0, strict=True),
                        constraint({0: -1, 1: 1}, HALF),
                        constraint({0: 1, 1: 1}, 1),
                        constraint({1: 2}, 1),
                    ),
                ),
            ),
        ),
        "; label 0\n"
        "(declare-const X_0 Real)\n"
        "(declare-const X_1 Real)\n"
        "(declare-const Y_0 Real)\n"
        "(declare-const Y_1 Real)\n"
        "(assert (>= X_0 0.0))\n"
        "(assert (<= X_0 1.0))\n"
        "(assert (> X_1 -0.5))\n"
        "(assert (< X_1 0.5))\n"
        "(assert (<= Y_0 -2.0))\n"
        "(assert (> Y_1 3.0))\n"
        "(assert (< Y_1 Y_0))\n"
        "(assert (<= (- Y_1 Y_0) 0.5))\n"
        "(assert (<= (+ (* 1.0 Y_0) (* 1.0 Y_1)) 1.0))\n"
        "(assert (<= (* 2.0 Y_1) 1.0))\n",
    ),
    "two boxes": (
        Property(
            1,
            1,
            (
                Region((UNIT,), (constraint({0: 1}, 1), constraint({0: -1}))),
                Region((Interval(Fraction(2), Fraction(2)),), (constraint({0: 1}),)),
            ),
        ),
        "; label 0\n"
        "(declare-const X_0 Real)\n"
        "(declare-const Y_0 Real)\n"
        "(assert (or\n"
        "    (and (>= X_0 0.0) (<= X_0 1.0) (<= Y_0 1.0) (>= Y_0 0.0))\n"
        "    (and (>= X_0 2.0) (<= X_0 2.0) (<= Y_0 0.0))\n"
        "))\n",
    ),
}


@pytest.mark.parametrize(("unsafe", "text"), GOLDEN.values(), ids=GOLDEN.keys())
def test_layout_of_written_properties(unsafe, text):
    assert format_property(unsafe, ["label 0"]) == text
    assert parse_property(text, "f") == unsafe


GOOD = Region((UNIT,), (constraint({0: 1}),))


@pytest.mark.parametrize(
    ("unsafe", "comments", "reason"),
    [
        (Property(1, 1, (GOOD,)), ["one\ntwo"], "several lines"),
        (Property(1, 1, (GOOD,)), ["one\rtwo"], "several lines"),
        (Property(1, 1, ()), [], "without regions"),
        (Property(2, 1, (GOOD,)), [], "number of inputs"),
        (Property(1, 1, (Region((Interval(HALF, HALF, upper_open=True),), GOOD.outputs),)), [], "empty"),
        (Property(1, 1, (GOOD, Region((UNIT,), ()))), [], "lacks an output constraint"),
        (Property(1, 1, (Region((UNIT,), (constraint({}),)),)), [], "lacks an output constraint"),
        (Property(1, 1, (Region((UNIT,), (constraint({1: 1}),)),)), [], "an output that the property does not have"),
        (Property(1, 1, (Region((UNIT,), (constraint({0: 1}, Fraction(1, 3)),)),)), [], "no finite decimal"),
    ],
)
def test_unwritable_property_is_refused(unsafe, comments, reason):
    with pytest.raises(ValueError, match=reason):
        format_property(unsafe, comments)


# --- plain lines, which are read without detours --------------------------------------------------------------

PLAIN = """(declare-const X_0 Real)
(declare-const X_1 Real)
(declare-const Y_0 Real)
(assert (<= X_0 1.50))
(assert (>= X_0 -2e-1))
(assert (<= X_1 3))
(assert (>= X_1 0.0001))
(assert (<= Y_0 1))""".splitlines()


@pytest.mark.parametrize("separator", ["\n", " ", "\n\n", " ; a comment\n", "\r\n", "\n;\n"])
def test_plain_lines_mean_what_they_mean_elsewhere(separator):
    by_line, in_one = (parse_property(each.join(PLAIN), "f") for each in (separator, " "))
    assert by_line == in_one
    assert by_line.regions[0].inputs == (
        Interval(Fraction(-1, 5), Fraction(3, 2)),
        Interval(Fraction(1, 10**4), Fraction(3)),
    )


@pytest.mark.parametrize(
    ("lines", "line", "reason"),
    [
        (
            [*PLAIN[:3], "(assert (<= X_0 +1))", "(assert (<= X_0 1))", "(assert (>= X_0 2))"],
            6,
            "the bounds of X_0 on lines 6 and 4 leave no value between them",
        ),
        (["(assert (<= X_0 1.50))", *PLAIN], 1, "'X_0' is neither a declared variable nor a finite decimal number"),
        ([*PLAIN, PLAIN[0]], 9, "X_0 is already declared on line 1; remove one of them"),
        (
            [*PLAIN, "(assert (or", "(assert (<= X_0 1.50))", "(<= Y_0 0)))"],
            10,
            "(assert ...) is not supported as a condition",
        ),
        (
            [*PLAIN, "(assert (and", "(declare-const X_2 Real)", "))"],
            10,
            "(declare-const ...) is not supported as a condition",
        ),
        ([*PLAIN, "(assert (<= X_0 -1))"], 9, "the bounds of X_0 on lines 5 and 9 leave no value between them"),
        ([*PLAIN, "(assert (<= X_2 1))"], 9, "'X_2' is neither a declared variable"),
        ([*PLAIN, "(", "(assert (<= X_0 1.50))"], 9, "'(' is never closed"),
        ([*PLAIN, ")", "(assert (<= X_0 1.50))"], 9, "')' closes nothing"),
    ],
)
def test_around_plain_lines_all_else_is_read_as_without_them(lines, line, reason):
    with pytest.raises(InputError, match=re.escape(reason)) as refusal:
        parse_property("\n".join(lines), "f")
    assert str(refusal.value).startswith(f"f:{line}: ")
