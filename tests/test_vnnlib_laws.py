"""VNN-LIB 1.0, laws: written properties read back, texts mean what they say, rubbish is refused."""

import gzip
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from vnnlib_meaning import is_asserted

from soundbench.errors import InputError
from soundbench.instance import Constraint, Interval, Property, Region
from soundbench.notation import Notation
from soundbench.vnnlib import parse_property, read_property
from soundbench.vnnlib_writing import format_property

# --- what is written reads back ---------------------------------------------------------------------------


# Exact values of float32 numbers, decimals, and small integers (so that equal ones meet).
NUMBERS = (
    st.floats(allow_nan=False, allow_infinity=False, width=32).map(Fraction)
    | st.integers(-(10**9), 10**9).map(lambda value: Fraction(value, 10**6))
    | st.integers(-2, 2).map(Fraction)
)


def interval(ends: tuple[Fraction, Fraction], lower_open: bool, upper_open: bool) -> Interval:
    chosen = Interval(min(ends), max(ends), lower_open, upper_open)
    return Interval(chosen.lower, chosen.upper) if chosen.is_empty else chosen


def constraint(coefficients: dict[int, Fraction], bound: Fraction, strict: bool) -> Constraint:
    return Constraint(tuple(sorted(coefficients.items())), bound, strict)


def unsafe_set(input_count: int, regions: list[Region], shares_box: bool) -> Property:
    boxes = [regions[0].inputs if shares_box else region.inputs for region in regions]
    cut = (Region(box[:input_count], region.outputs) for box, region in zip(boxes, regions, strict=True))
    return Property(input_count, 4, tuple(cut))


INTERVALS = st.builds(interval, st.tuples(NUMBERS, NUMBERS), st.booleans(), st.booleans())
COEFFICIENTS = st.dictionaries(st.integers(0, 3), NUMBERS.filter(bool), min_size=1)
CONSTRAINTS = st.builds(constraint, COEFFICIENTS, NUMBERS, st.booleans())
REGIONS = st.builds(
    Region,
    st.tuples(INTERVALS, INTERVALS, INTERVALS),
    st.lists(CONSTRAINTS, min_size=1, max_size=3).map(tuple),
)
PROPERTIES = st.builds(unsafe_set, st.integers(1, 3), st.lists(REGIONS, min_size=1, max_size=3), st.booleans())


@given(PROPERTIES, st.lists(st.sampled_from(["", "(assert", "; ä"])), st.sampled_from(Notation))
def test_what_is_written_reads_back(unsafe, comments, notation):
    text = format_property(unsafe, comments, notation)
    assert text.endswith("\n")
    assert parse_property(text, "f") == unsafe
    assert format_property(parse_property(text, "f"), comments, notation) == text


# --- reading means what the text says, by an evaluator that shares no code with the reader ----------------

NUMERALS = (
    "0",
    "1",
    "-1",
    "0.5",
    "-0.25",
    ".5",
    "2.",
    "+1.5",
    "1e0",
    "5E-1",
    "-2.5e-01",
    "20e-1",
    "( - 0.5 )",
    "( - -1 )",
)


def random_sum(random: Random, names: list[str], depth: int) -> str:
    """A linear expression over `names` (a constant one if there are none)."""
    if depth == 0 or random.random() < 0.3:
        return random.choice((*names, *NUMERALS)) if random.random() < 0.4 or not names else random.choice(names)
    operands = [random_sum(random, names, depth - 1) for _ in range(random.randint(1, 3))]
    if random.random() < 0.3:
        others = [random_sum(random, [], depth - 1) for _ in operands[1:]]
        operands = [operands[0], *others]
        random.shuffle(operands)
        return f"( * {' '.join(operands)} )"
    return f"( {random.choice('+-')} {' '.join(operands)} )"


def random_bound(random: Random, name: str) -> str:
    """A bound on one input that zero satisfies, so that no region is empty."""
    number, name = random.choice(("0.5", "25e-2", "0.75")), random.choice((name, f"( * 2 {name} )", f"( + {name} )"))
    less, more = random.choice((("<", ">"), ("<=", ">=")))
    return random.choice(
        (
            f"( {less} {name} {number} )",
            f"( {more} {number} {name} )",
            f"( {more} {name} -{number} )",
            f"( {less} ( - {number} ) {name} )",
            f"( {less} ( - {name} ) {number} )",
        )
    )


def random_condition(random: Random, inputs: list[str], outputs: list[str], depth: int) -> str:
    if depth and random.random() < 0.6:
        operands = [random_condition(random, inputs, outputs, depth - 1) for _ in range(random.randint(1, 3))]
        return f"( {random.choice(('and', 'or'))} {' '.join(operands)} )"
    if random.random() < 0.3:
        return random_bound(random, random.choice(inputs))
    names = outputs if random.random() < 0.9 else []
    sides = [random_sum(random, names, 2) for _ in range(2)]
    return f"( {random.choice(('<=', '>=', '<', '>'))} {' '.join(sides)} )"


def random_text(random: Random, inputs: list[str], outputs: list[str]) -> str:
    """A text of the whole accepted grammar whose regions have an output constraint and are not empty."""
    declarations = [
        random.choice((f"( declare-const {name} Real )", f"( declare-fun {name} ( ) Real )"))
        for name in (*inputs, *outputs)
    ]
    conditions = [f"( {sign} {name} {end} )" for name in inputs for sign, end in ((">=", "-1e0"), ("<=", "1.0"))]
    conditions += [random_condition(random, inputs, outputs, 3) for _ in range(random.randint(0, 3))]
    conditions.append(f"( <= {outputs[0]} {random.choice(('0.5', '3'))} )")
    random.shuffle(declarations)
    random.shuffle(conditions)
    commands = (*declarations, *(f"( assert {condition} )" for condition in conditions))
    separators = (" ", "\n", "\t ", "\r\n", " ; ( or\n")
    return "\n".join(command.replace(" ", random.choice(separators)) for command in commands)


@given(st.randoms(use_true_random=False), st.integers(0, 2**32), st.integers(1, 3), st.integers(1, 3))
def test_property_is_violated_exactly_where_the_text_says(random, seed, input_count, output_count):
    inputs, outputs = ([f"{letter}_{i}" for i in range(n)] for letter, n in (("X", input_count), ("Y", output_count)))
    text = random_text(random, inputs, outputs)
    try:
        regions = parse_property(text, "f").regions
    except InputError as refusal:
        assert "never true" in str(refusal) or "no case" in str(refusal)  # noqa: PT017
        regions = ()
    unsafe = Property(input_count, output_count, regions)
    sampler = Random(seed)
    for _ in range(20):
        point = [Fraction(sampler.choice((-4, -2, -1, 0, 0, 1, 2, 3, 5)), 4) for _ in inputs]
        values = [Fraction(sampler.choice((-8, -2, -1, 0, 0, 1, 2, 3, 12)), 4) for _ in outputs]
        assert unsafe.is_violated_by(point, values) == is_asserted(text, point, values)


# --- plain lines, which are read without detours, say what they say to the reader of all else ---------------


def outcome(text: str) -> Property | str:
    """What is read, or why it is not, with the line."""
    try:
        return parse_property(text, "f")
    except InputError as refusal:
        return str(refusal)


# Plain or nearly so, of equal and of contrary values.
BOUNDS = st.builds(
    "(assert ({} X_0 {}))".format,
    st.sampled_from(("<=", ">=", "<")),
    st.sampled_from(("1", "10e-1", "+1", "2.0", "+2")),
)
# What cannot be read, or not on its own.
OTHERS = st.sampled_from(
    (
        *(f"(declare-const {name} Real)" for name in ("X_0", "X_1", "X_01", "Y_1")),
        *(f"(assert (<= {name} 1))" for name in ("X_1", "X_00", "Y_0")),
        *("(assert (<= X_0 1e))", "(assert (or", "(and (<= X_0 1) (<= Y_0 1))"),
        *("))", "(", ")", ")(", "; (", "; )\r", ""),
    )
)


@st.composite
def lines(draw) -> list[str]:
    """Lines of bounds, with a few others among them."""
    chosen = draw(st.lists(BOUNDS, min_size=2, max_size=8))
    for other in draw(st.lists(OTHERS, max_size=2)):
        chosen.insert(draw(st.integers(0, len(chosen))), other)
    return chosen


SOUND = "(declare-const X_0 Real)\n(declare-const Y_0 Real)\n(assert (<= Y_0 1))\n"


@settings(max_examples=500)
@given(st.sampled_from((SOUND, "")), lines(), st.sampled_from(("\n", "\r\n")))
def test_plain_lines_say_what_they_say_to_the_general_reader(start, written, line_end):
    text = start + "".join(line + line_end for line in written)
    assert outcome(text) == outcome(text.replace(line_end, f" {line_end}"))


# --- nothing but a refusal comes out of rubbish -----------------------------------------------------------


def read_or_refuse(content: bytes, folder: Path) -> None:
    path = folder / "fuzz.vnnlib"
    path.write_bytes(content)
    try:
        read_property(path)
    except InputError as refusal:
        assert str(refusal).startswith(str(path))  # noqa: PT017
        assert str(refusal).isprintable()  # noqa: PT017


SEEDS = (
    b"; a\n(declare-const X_0 Real)\n(declare-const Y_0 Real)\n(declare-const Y_1 Real)\n"
    b"(assert (>= X_0 -0.5))\n(assert (< X_0 1.0))\n(assert (or\n    (and (<= Y_0 Y_1))\n    (and (> Y_1 3.0))\n))\n",
    b"(declare-const X_0 Real)\n(declare-const Y_0 Real)\n"
    b"(assert (or (and (>= X_0 0.0) (<= X_0 1e0) (<= (* 2.0 Y_0) 1.0))"
    b" (and (>= X_0 2) (<= X_0 (- 7 3)) (<= Y_0 0))))\n",
)
SCRAPS = st.sampled_from([b"(", b")", b";", b"(and ", b"(or ", b"(* ", b"X_0", b"Y_1", b"1e400", b"-", b"\n", b"()"])


@st.composite
def mutated(draw, seeds: Sequence[bytes], scraps: st.SearchStrategy[bytes]) -> bytes:
    """One of the seeds with a few changes."""
    content = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(1, 4))):
        start, end = sorted(draw(st.tuples(*[st.integers(0, len(content))] * 2)))
        scrap = draw(scraps | st.binary(max_size=4))
        content = content[:start] + scrap + content[draw(st.sampled_from([start, min(start + 2, end), end])) :]
    return content


@given(st.binary() | mutated(SEEDS, SCRAPS) | st.lists(SCRAPS).map(b"".join))
def test_rubbish_is_refused_without_a_traceback(tmp_path_factory, content):
    read_or_refuse(content, tmp_path_factory.getbasetemp())


@given(st.data())
def test_mutated_gzip_is_refused_without_a_traceback(tmp_path_factory, data):
    packed = bytearray(gzip.compress(data.draw(st.sampled_from(SEEDS)), mtime=0))
    for _ in range(data.draw(st.integers(1, 3))):
        packed[data.draw(st.integers(2, len(packed) - 1))] = data.draw(st.integers(0, 255))
    read_or_refuse(bytes(packed[: data.draw(st.integers(0, len(packed)))]), tmp_path_factory.getbasetemp())
