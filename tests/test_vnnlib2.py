"""VNN-LIB 2.0: single texts mean what they say, what is written looks as it should, and the rest is refused."""

import gzip
import re
from fractions import Fraction

import numpy as np
import pytest
import vnnlib

from soundbench.errors import InputError
from soundbench.instance import Constraint, Interval, Property, Region
from soundbench.interface import Declaration, Interface
from soundbench.vnnlib import parse_property, parse_query, read_property, read_query
from soundbench.vnnlib_writing import format_query

HALF = Fraction(1, 2)
UNIT = Interval(Fraction(0), Fraction(1))
HEAD = """(vnnlib-version <2.0>)
(declare-network f
  (declare-input X float32 [1])
  (declare-output Y float32 [1,2]))
"""
BOX = "(assert (and (>= X[0] 0.0) (<= X[0] 1.0)))\n"
ALWAYS = "(assert (<= Y[0,0] Y[0,1]))\n"


def constraint(terms: dict[int, int | Fraction], bound: int | Fraction = 0, *, strict: bool = False) -> Constraint:
    return Constraint(tuple((i, Fraction(c)) for i, c in sorted(terms.items())), Fraction(bound), strict)


def outputs_of(condition: str) -> list[tuple[Constraint, ...]]:
    return [region.outputs for region in parse_property(f"{HEAD}{BOX}(assert {condition})", "f").regions]


# --- what single texts mean -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("(<= Y[0,0] Y[0,1])", constraint({0: 1, 1: -1})),
        ("(> Y[0,0] 3.5)", constraint({0: -1}, Fraction(-7, 2), strict=True)),
        ("(<= 3.0 Y[0,1])", constraint({1: -1}, -3)),
        ("(<= Y[0,0] (- 0.5))", constraint({0: 1}, -HALF)),
        ("(<= Y[0,0] (- -0.5))", constraint({0: 1}, HALF)),
        ("(<= (- Y[0,0] Y[0,1] 1.0) (+ Y[0,1] 2.0))", constraint({0: 1, 1: -2}, 3)),
        ("(< (* 2.0 Y[0,0] 0.5) (* -3.0 (+ Y[0,1] 1.0)))", constraint({0: 1, 1: 3}, -3, strict=True)),
        ("(<= (+ Y[0,0] Y[0,1]) Y[0,1])", constraint({0: 1})),
        ("(<= (* (- Y[0,0] Y[0,0]) Y[0,1]) Y[0,0])", constraint({0: -1})),
        ("(<= Y[0,0] 0.1)", constraint({0: 1}, Fraction(1, 10))),
        ("(<= Y[0,0] 00.10)", constraint({0: 1}, Fraction(1, 10))),
    ],
)
def test_output_constraint(condition, expected):
    assert outputs_of(condition) == [(expected,)]


def test_equal_is_two_constraints_and_unequal_two_regions():
    below, above = constraint({0: 1}, 2), constraint({0: -1}, -2)
    assert outputs_of("(== Y[0,0] 2.0)") == [(below, above)]
    strict = [(constraint({0: 1}, 2, strict=True),), (constraint({0: -1}, -2, strict=True),)]
    assert outputs_of("(!= Y[0,0] 2.0)") == strict
    assert outputs_of("(and (!= Y[0,0] 2.0) (== 1.0 1.0))") == strict


def test_equal_and_unequal_inputs():
    text = f"{HEAD}(assert (== X[0] 0.5)){ALWAYS}"
    assert [region.inputs for region in parse_property(text, "f").regions] == [(Interval(HALF, HALF),)]
    text = f"{HEAD}{BOX}(assert (!= X[0] 0.5)){ALWAYS}"
    halves = (Interval(Fraction(0), HALF, upper_open=True), Interval(HALF, Fraction(1), lower_open=True))
    assert [region.inputs for region in parse_property(text, "f").regions] == [(half,) for half in halves]


def test_two_ors_intersect():
    first, second, third, fourth = (constraint({0: 1}, bound) for bound in range(4))
    texts = [f"(assert (or (<= Y[0,0] {low}.0) (<= Y[0,0] {low + 1}.0)))\n" for low in (0, 2)]
    unsafe = parse_property(HEAD + BOX + "".join(texts), "f")
    expected = [(first, third), (first, fourth), (second, third), (second, fourth)]
    assert [region.outputs for region in unsafe.regions] == expected


def test_indices_are_row_major():
    shape = (2, 3, 2)
    declared = HEAD.replace("[1,2]", "[2,3,2]")
    for index, place in enumerate(np.ndindex(shape)):
        name = f"Y[{','.join(map(str, place))}]"
        assert Declaration("Y", "float32", shape).element_name(index) == name
        unsafe = parse_property(f"{declared}{BOX}(assert (<= {name} 0.0))", "f")
        assert unsafe == Property(1, 12, (Region((UNIT,), (constraint({index: 1}),)),))


def test_tensors_may_be_scalars_of_any_name_and_real():
    text = """; of two scalars
(vnnlib-version <2.0>) (declare-network net (declare-input image_1 real []) (declare-output f real []))
(assert (>= image_1 0.0))(assert (<= image_1 1.0))(assert (<= f 2.0))"""
    query = parse_query(text, "f")
    assert query.property == Property(1, 1, (Region((UNIT,), (constraint({0: 1}, 2),)),))
    assert query.interface == Interface(Declaration("image_1", "real", ()), Declaration("f", "real", ()))


@pytest.mark.parametrize("element_type", ["real", "float16", "bfloat16", "float32", "float64"])
def test_numbers_are_exact_whatever_the_element_type(element_type):
    text = f"{HEAD}{BOX}(assert (<= Y[0,0] 0.1))".replace("float32", element_type)
    query = parse_query(text, "f")
    assert query.interface.output == Declaration("Y", element_type, (1, 2))
    assert query.property.regions[0].outputs == (constraint({0: 1}, Fraction(1, 10)),)


@pytest.mark.parametrize("ending", ["", "\n", "\n; the end", ";\n\n", "\r\n; \u00e4 \u2028 \U0001f600\n"])
def test_layout_and_comments_do_not_matter(ending, tmp_path):
    text = f"\ufeff; first (\n{HEAD}; second (assert\n{BOX}{ALWAYS}".replace("\n", "\r\n").replace("(and", "(\tand")
    path = tmp_path / "p.vnnlib"
    path.write_bytes((text + ending).encode())
    assert read_property(path) == parse_property(HEAD + BOX + ALWAYS, "f")


def test_the_version_is_told_by_content_not_by_name(tmp_path):
    text = HEAD + BOX + ALWAYS
    for name, content in (("a.vnnlib.gz", text.encode()), ("b.txt", gzip.compress(text.encode()))):
        (tmp_path / name).write_bytes(content)
        assert read_property(tmp_path / name) == parse_property(text, "f")
        assert read_query(tmp_path / name).property == parse_property(text, "f")
    old = "(declare-const X_0 Real)(declare-const Y_0 Real)(declare-const Y_1 Real)\n"
    old += "(assert (>= X_0 0.0))(assert (<= X_0 1.0))(assert (<= Y_0 Y_1))"
    assert parse_property(old, "f") == parse_property(text, "f")


def test_a_query_must_be_of_version_2(tmp_path):
    (tmp_path / "p.vnnlib").write_text("(declare-const X_0 Real)")
    with pytest.raises(InputError, match=r"p\.vnnlib:1: of no version of VNN-LIB .*; start the file with"):
        read_query(tmp_path / "p.vnnlib")


def test_batches_change_nothing(monkeypatch):
    lines = [f"(assert (<= (- X[0] {index}.0)\n 1.0)) ; {index}\n" for index in range(7)]
    text = HEAD + "; a comment\n" + "".join(lines) + BOX + "(assert (or (<= Y[0,0] 1.0) (<= Y[0,0] 2.0)))\n" + ALWAYS
    whole = parse_property(text, "f")
    for size in (len(HEAD) + 12, len(HEAD) + 60, 10**6):
        monkeypatch.setattr("soundbench.vnnlib2_parser.BATCH", size)
        assert parse_property(text, "f") == whole


def test_the_parser_gets_no_more_than_a_batch_at_once(monkeypatch):
    parse, lengths = vnnlib.parse_query_string, []
    monkeypatch.setattr("vnnlib.parse_query_string", lambda text: lengths.append(len(text)) or parse(text))
    monkeypatch.setattr("soundbench.vnnlib2_parser.BATCH", 1000)
    assert len(parse_property(HEAD + BOX + ALWAYS * 1000, "f").regions[0].outputs) == 1000
    assert len(lengths) > 10
    assert max(lengths) < len(HEAD) + 1000 + len(ALWAYS)


def test_a_network_between_batches_is_refused(monkeypatch):
    monkeypatch.setattr("soundbench.vnnlib2_parser.BATCH", len(HEAD))
    text = HEAD + BOX * 3 + TWO + ALWAYS
    assert len(BOX * 3) >= len(HEAD)
    with pytest.raises(InputError, match=r"^f:8: a network is declared behind assertions; declare it before them$"):
        parse_property(text, "f")


@pytest.mark.parametrize("size", [160, 10**6])
@pytest.mark.parametrize("wrong", ["(assert (<= Z[0,0] 1.0))", "(assert (<= Y[0,0] 1e3))", "(assert (>= X[0] 2.0))"])
def test_lines_are_those_of_the_file_in_every_batch(size, wrong, monkeypatch):
    monkeypatch.setattr("soundbench.vnnlib2_parser.BATCH", size)
    fillers = [f"(assert (<= Y[0,0]\n{index}.0))\n" for index in range(20)]
    for place in range(20):
        text = HEAD + BOX + "".join(fillers[:place]) + wrong + "\n" + "".join(fillers[place:])
        with pytest.raises(InputError, match=f"^f:{6 + 2 * place}: "):
            parse_property(text, "f")


# --- what is refused --------------------------------------------------------------------------------------

TWO = "(declare-network g (declare-input A real []) (declare-output B real []))\n"

REFUSALS = {
    "version alone": ("(vnnlib-version <2.0>)", 2, "'(assert' cannot stand here"),
    "other version": (HEAD.replace("2.0", "2.1"), 1, "of no version of VNN-LIB that is supported"),
    "first version": (HEAD.replace("2.0", "1.0"), 1, "of no version of VNN-LIB that is supported"),
    "huge version": (HEAD.replace("2.0", "2." + "9" * 30), 1, "of no version of VNN-LIB that is supported"),
    "no version": ("(vnnlib-version)" + HEAD, 1, "of no version of VNN-LIB that is supported"),
    "second version": (HEAD + "(vnnlib-version <2.1>)" + ALWAYS, 5, "'(vnnlib-version' cannot stand here"),
    "no assertion": (HEAD, 5, "X[0] is not bounded; bound it on both sides"),
    "two networks": (HEAD + TWO + BOX + ALWAYS, 5, "another declare-network is not supported; declare one"),
    "two networks that do not fit": (
        HEAD + TWO.replace("net g", "net g (isomorphic-to f)").replace("work g", "work g (isomorphic-to f)") + BOX,
        5,
        "type mismatch for variable number 0 between networks 'g' and 'f': 'f'; write numbers",
    ),
    "network behind an assertion": (HEAD + BOX + TWO + ALWAYS, 6, "'(declare-network' cannot stand here"),
    "two inputs": (
        HEAD.replace("  (declare-o", "  (declare-input Z real [3])\n  (declare-o") + ALWAYS,
        4,
        "declare-input",
    ),
    "two outputs": (HEAD.replace("]))", "])\n  (declare-output Z real []))") + ALWAYS, 5, "declare-output"),
    "hidden": (
        HEAD.replace("  (declare-o", '  (declare-hidden H real [9] "h(")\n  (declare-o') + BOX,
        4,
        "a name in quotes, as hidden tensors have; only one input and one output are supported",
    ),
    "long name": (HEAD.replace("Y", "Y" * 101) + BOX, 4, "a name of more than 100 characters; shorten it"),
    "long name of a network": (
        HEAD.replace("f\n", "f" * 9_000 + " (equal-to f)\n") + BOX,
        2,
        "referenced network 'f' not",
    ),
    "name of a node": (HEAD.replace("[1])", '[1] "x")') + BOX, 3, "a name in quotes"),
    "duplicate": (HEAD.replace("Y", "X") + BOX, 4, "duplicate variable declaration: 'X'"),
    "integer tensor": (HEAD.replace("X float32", "X int8") + ALWAYS, 3, "'X' is of a type not supported; use real"),
    "unknown type": (HEAD.replace("Y float32", "Y Real") + ALWAYS, 4, "'Y' is of a type not supported; use real"),
    "mixed types": (HEAD.replace("X float32", "X real") + "(assert (<= X[0] Y[0,0]))", 5, "type mismatch"),
    "empty shape": (HEAD.replace("[1]", "[0]") + ALWAYS, 3, "invalid size: 'X'; dimensions must be positive"),
    "negative shape": (HEAD.replace("[1]", "[-1]") + ALWAYS, 3, "'[-1]' is neither index nor shape"),
    "broken shape": (HEAD.replace("[1,2]", "[1,2.7]") + ALWAYS, 4, "'[1,2.7]' is neither index nor shape"),
    "symbolic shape": (HEAD.replace("[1,2]", "[N,2]") + ALWAYS, 4, "'[N,2]' is neither index nor shape"),
    "shape beyond integers": (HEAD.replace("[1,2]", f"[{'9' * 30}]") + ALWAYS, 4, "out of the range"),
    "huge shape": (HEAD.replace("[1]", "[9223372036854775807,9]") + ALWAYS, 6, "X[0,0] is not bounded"),
    "one of many bounded": (
        HEAD.replace("[1]", "[7,2,9]") + "(assert (<= X[0,0,0] 1.0))\n" + ALWAYS,
        7,
        "X[0,0,1] is not bounded",
    ),
    "negative index": (HEAD + "\n(assert (<= Y[0,-1] 1.0))", 6, "'[0,-1]' is neither index nor shape"),
    "broken index": (HEAD + "(assert (<= Y[0,0.9] 1.0))", 5, "'[0,0.9]' is neither index nor shape"),
    "no index": (HEAD + "(assert (<= Y[] 1.0))", 5, "']' cannot stand here"),
    "index too large": (HEAD + "(assert (<= Y[0,2] 1.0))", 5, "'Y[0,2]'; index 2 is out of bounds"),
    "index beyond integers": (HEAD + f"(assert (<= Y[0,{2**64}] 1.0))", 5, "'18446744073709551616' is out of the"),
    "too few indices": (HEAD + "(assert (<= Y[0] 1.0))", 5, "not enough indices for variable: 'Y[0]'"),
    "no indices": (HEAD + "(assert (<= Y 1.0))", 5, "not enough indices for variable: 'Y[]'"),
    "too many indices": (HEAD + "(assert (<= Y[0,0,0] 1.0))", 5, "too many indices"),
    "name of 1.0": (HEAD + "(assert (<= Y_0 1.0))", 5, "undeclared variable: 'Y_0'; variable must be declared"),
    "infinite": (HEAD + "(assert (<= Y[0,0] inf))", 5, "undeclared variable: 'inf'"),
    "whole number": (HEAD + "(assert (<= Y[0,0] 1))", 5, "'1'; write numbers as decimals such as 1.0"),
    "exponent": (HEAD + "(assert (<= Y[0,0] 4e-1))", 5, "'e' cannot stand here; write VNN-LIB 2.0, numbers as -0.5"),
    "no digit before the point": (HEAD + "(assert (<= Y[0,0] .5))", 5, "'.' cannot stand here"),
    "plus sign": (HEAD + "(assert (<= Y[0,0] +0.5))", 5, "'+' cannot stand here"),
    "number too large": (HEAD + BOX + f"(assert\n(<= Y[0,0] 1{'0' * 400}.0))", 7, "...' is out of the range"),
    "number too small": (HEAD + f"(assert (<= 0.1\n -0.{'0' * 400}1))", 6, "...' is out of the range"),
    "endless number": (HEAD + f"(assert (<= Y[0,0] 0.{'1' * 2000}))", 5, "a number of 2,002 characters"),
    "huge product": (HEAD + f"(assert (<= (* {('9' * 300 + '.0 ') * 30}Y[0,0]) 0.0))", 5, "a product takes more than"),
    "product": (HEAD + "(assert (<= (* Y[0,0] Y[0,1]) 1.0))", 5, "a product of variables is not linear"),
    "mixed": (HEAD + "(assert (<= X[0] Y[0,0]))", 5, "inputs and outputs are mixed"),
    "several inputs": (
        HEAD.replace("[1]", "[2]") + "(assert (<= X[0] X[1]))",
        5,
        "a comparison of several inputs describes no box",
    ),
    "not": (HEAD + "(assert (not (<= Y[0,0] 1.0)))", 5, "'not' cannot stand here"),
    "empty and": (HEAD + "(assert (and))", 5, "')' cannot stand here"),
    "chain": (HEAD + "(assert (<= 0.0 X[0] 1.0))", 5, "'1.0' cannot stand here"),
    "no upper bound": (HEAD + "(assert (>= X[0] 0.0))\n" + ALWAYS, 5, "X[0] has no upper bound in some region"),
    "empty box": (
        HEAD + "(assert (>= X[0] 2.0))\n(assert (<= X[0] 1.0))\n" + ALWAYS,
        6,
        "the bounds of X[0] on lines 5 and 6 leave no value",
    ),
    "no output constraint": (HEAD + BOX, 6, "a region without an output constraint is always violated"),
    "false": (HEAD + BOX + "(assert (!= 2.0 2.0))", 6, "no case of the assertions can be true"),
    "unclosed": (HEAD + BOX + "(assert (<= Y[0,0]\n 1.0)\n\n", 9, "it ends too early"),
    "unclosed network": ("(vnnlib-version <2.0>)\n(declare-network f\n" + BOX, 3, "'(assert' cannot stand here"),
    "unopened": (HEAD + BOX + ")\n" + ALWAYS, 6, "')' cannot stand here"),
    "outside": (HEAD + BOX + ALWAYS + "\nrubbish", 8, "'rubbish' cannot stand here"),
    "outside before": (HEAD + "rubbish\n" + BOX + ALWAYS, 5, "'rubbish' cannot stand here"),
    "space in a keyword": (HEAD + BOX + "( assert (<= Y[0,0] 1.0))", 6, "'(' cannot stand here"),
    "NUL": (HEAD + BOX + ALWAYS + "\0 rubbish", 7, "a NUL character"),
    "not ASCII": (HEAD + BOX + "(assert (<= \u0663.0 Y[0,0]))", 6, "'?' cannot stand here"),
    "lone surrogate": (HEAD + BOX + "(assert (<= \ud800 Y[0,0]))", 6, "'?' cannot stand here"),
    "too deep": (HEAD + f"(assert {'(and ' * 200}", 5, "more than 200 nested parentheses"),
    "far too deep": (HEAD + f"(assert {'(and ' * 200_000}(<= Y[0,0] 1.0){')' * 200_000})", 5, "nested parentheses"),
    "deep behind a comment": (HEAD + "(assert ; )\n" * 201, 205, "more than 200 nested parentheses"),
    "too many regions": (
        HEAD + BOX + "(assert (or (<= Y[0,0] 1.0) (<= Y[0,1] 1.0)))\n" * 17,
        23,
        "expands to more than 100,000 regions",
    ),
    "too many comparisons": (
        HEAD + BOX + ("(assert (or " + ("(and " + "(<= Y[0,0] 1.0)" * 120 + ")") * 300 + "))\n") * 2,
        8,
        "20,000,000 comparisons",
    ),
    "too much before assertions": (HEAD + ";" * 2**18 + "\n" + BOX, 1, "more than 262,144 characters before the first"),
    "hostile word": (HEAD + BOX + "(assert (<= \x0b\x7f" + "a" * 10_000 + " 1.0))", 6, r"'\x0b' cannot stand here"),
    "long word": (HEAD + BOX + "(assert (<= " + "a" * 10_000 + " 1.0))", 6, "undeclared variable: 'aaa"),
}


@pytest.mark.parametrize(("text", "line", "reason"), REFUSALS.values(), ids=REFUSALS.keys())
def test_refusal_names_file_line_reason_and_remedy(text, line, reason, capfd):
    with pytest.raises(InputError) as refusal:
        parse_property(text, "bad.vnnlib")
    message = str(refusal.value)
    assert message.startswith(f"bad.vnnlib:{line}: ")
    assert reason in message
    assert re.search(r"; \w", message)
    assert message.isprintable()
    assert len(message) < 200
    assert capfd.readouterr() == ("", "")


def test_another_failure_of_the_parser_is_one_line(monkeypatch):
    def failing(_):
        raise vnnlib.VNNLibException("something\nnew")

    monkeypatch.setattr("vnnlib.parse_query_string", failing)
    with pytest.raises(InputError, match=r"^f:1: its parser fails with 'something\\nnew'; write VNN-LIB 2\.0$"):
        parse_property(HEAD + BOX + ALWAYS, "f")


def test_an_assertion_too_large_is_refused(monkeypatch):
    monkeypatch.setattr("soundbench.vnnlib2_parser.MAXIMUM_ASSERTION", 100)
    cases = "(or" + " (<= Y[0,0] 1.0)" * 10 + ")"
    with pytest.raises(InputError, match="f:6: an assertion of more than 100 characters; split"):
        parse_property(f"{HEAD}{BOX}(assert {cases})\n{ALWAYS}", "f")


# --- writing ----------------------------------------------------------------------------------------------


def interface(input_shape, output_shape, names=("x", "logits")) -> Interface:
    return Interface(Declaration(names[0], "float32", input_shape), Declaration(names[1], "float32", output_shape))


FLOAT32 = Fraction(float(np.float32(0.1)))
GOLDEN = {
    "robustness": (
        Property(
            2, 3, tuple(Region((UNIT, Interval(-FLOAT32, FLOAT32)), (constraint({0: 1, k: -1}),)) for k in (1, 2))
        ),
        interface((1, 1, 2), (1, 3)),
        "(vnnlib-version <2.0>)\n"
        "; label 0\n"
        "(declare-network f\n"
        "  (declare-input x float32 [1,1,2])\n"
        "  (declare-output logits float32 [1,3]))\n"
        "(assert (>= x[0,0,0] 0.0))\n"
        "(assert (<= x[0,0,0] 1.0))\n"
        "(assert (>= x[0,0,1] -0.100000001490116119384765625))\n"
        "(assert (<= x[0,0,1] 0.100000001490116119384765625))\n"
        "(assert (or\n"
        "    (and (<= logits[0,0] logits[0,1]))\n"
        "    (and (<= logits[0,0] logits[0,2]))\n"
        "))\n",
    ),
    "two boxes": (
        Property(
            1,
            2,
            (
                Region((UNIT,), (constraint({0: 1}, 1, strict=True), constraint({0: 1, 1: 2}, HALF))),
                Region((Interval(Fraction(2), Fraction(3), lower_open=True, upper_open=True),), (constraint({1: -1}),)),
            ),
        ),
        interface((), (2,), ("9", "logits")),
        "(vnnlib-version <2.0>)\n"
        "; label 0\n"
        "(declare-network f\n"
        "  (declare-input X float32 [])\n"
        "  (declare-output Y float32 [2]))\n"
        "(assert (or\n"
        "    (and (>= X 0.0) (<= X 1.0) (< Y[0] 1.0) (<= (+ (* 1.0 Y[0]) (* 2.0 Y[1])) 0.5))\n"
        "    (and (> X 2.0) (< X 3.0) (>= Y[1] 0.0))\n"
        "))\n",
    ),
}


@pytest.mark.parametrize(("unsafe", "network", "text"), GOLDEN.values(), ids=GOLDEN.keys())
def test_layout_of_written_queries(unsafe, network, text):
    assert format_query(unsafe, network, ["label 0"]) == text
    assert parse_property(text, "f") == unsafe


@pytest.mark.parametrize(
    "names",
    [("and", "y"), ("x", "or"), ("x.1", "y"), ("x", "12"), ("x", "/out"), ("", "y"), ("x", "\u00e4"), ("Y", "1")],
)
def test_names_that_vnnlib_does_not_allow_are_replaced(names):
    query = parse_query(format_query(GOLDEN["robustness"][0], interface((2,), (3,), names)), "f")
    assert (query.interface.input.name, query.interface.output.name) == ("X", "Y")


GOOD = Region((UNIT,), (constraint({0: 1}),))


@pytest.mark.parametrize(
    ("unsafe", "comments", "reason"),
    [
        (Property(1, 1, (GOOD,)), ["one\ntwo"], "several lines"),
        (Property(1, 1, ()), [], "without regions"),
        (Property(1, 1, (Region((Interval(HALF, HALF, upper_open=True),), GOOD.outputs),)), [], "empty"),
        (Property(1, 1, (GOOD, Region((UNIT,), ()))), [], "lacks an output constraint"),
        (Property(1, 1, (Region((UNIT,), (constraint({0: 1}, Fraction(1, 3)),)),)), [], "no finite decimal"),
        (Property(1, 1, (Region((UNIT,), (constraint({0: 1}, Fraction(10**309)),)),)), [], "too large or too small"),
        (Property(1, 1, (Region((UNIT,), (constraint({0: Fraction(1, 2**1030)}),)),)), [], "too large or too small"),
        (Property(1, 2, (GOOD,)), [], "other numbers of inputs or outputs"),
        (Property(2, 1, (Region((UNIT, UNIT), GOOD.outputs),)), [], "other numbers of inputs or outputs"),
    ],
)
def test_unwritable_query_is_refused(unsafe, comments, reason):
    with pytest.raises(ValueError, match=reason):
        format_query(unsafe, interface((1, 1), (1, 1)), comments)
