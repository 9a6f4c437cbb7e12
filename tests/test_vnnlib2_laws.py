"""VNN-LIB 2.0, laws: queries read back, both versions say the same, texts mean what they say, rubbish is refused."""

from fractions import Fraction
from random import Random

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from test_vnnlib_laws import PROPERTIES, mutated, read_or_refuse
from vnnlib_meaning import is_asserted, is_asserted_2

from soundbench.errors import InputError
from soundbench.instance import Property
from soundbench.interface import Declaration, Interface
from soundbench.notation import Notation
from soundbench.vnnlib import parse_property, parse_query
from soundbench.vnnlib_writing import format_property, format_query

# --- what is written reads back ---------------------------------------------------------------------------


@st.composite
def shapes_of(draw, size: int) -> tuple[int, ...]:
    """A shape with as many elements as asked for."""
    factors = {1: [], 2: [2], 3: [3], 4: draw(st.sampled_from([[4], [2, 2]]))}[size]
    return tuple(draw(st.permutations(factors + [1] * draw(st.integers(0, 2)))))


@st.composite
def interfaces_of(draw, unsafe: Property) -> Interface:
    names = draw(st.sampled_from([("x", "logits"), ("X", "Y"), ("Y", "X"), ("input.1", "12"), ("f", "x_0")]))
    shapes = draw(st.tuples(shapes_of(unsafe.input_count), shapes_of(unsafe.output_count)))
    return Interface(*(Declaration(name, "float32", shape) for name, shape in zip(names, shapes, strict=True)))


@given(st.data(), PROPERTIES, st.lists(st.sampled_from(["", "(assert", "; \u00e4"])), st.sampled_from(Notation))
def test_what_is_written_reads_back_and_says_the_same_as_1_0(data, unsafe, comments, notation):
    network = data.draw(interfaces_of(unsafe))
    text = format_query(unsafe, network, comments, notation)
    query = parse_query(text, "f")
    assert query.property == unsafe == parse_property(text, "f") == parse_property(format_property(unsafe), "f")
    assert [each.shape for each in (query.interface.input, query.interface.output)] == [
        network.input.shape,
        network.output.shape,
    ]
    assert format_query(query.property, query.interface, comments, notation) == text


@given(st.data(), PROPERTIES, st.integers(0, 2**32))
def test_both_versions_mean_the_property_by_evaluators_of_their_own(data, unsafe, seed):
    texts = format_property(unsafe), format_query(unsafe, data.draw(interfaces_of(unsafe)))
    random = Random(seed)
    for _ in range(10):
        region = random.choice(unsafe.regions)
        point = [random.choice((each.lower, each.upper, (each.lower + each.upper) / 2)) for each in region.inputs]
        outputs = [Fraction(random.choice((-3, -1, 0, 0, 1, 2)), 2) for _ in range(unsafe.output_count)]
        for constraint in random.sample(region.outputs, 1):
            index, factor = random.choice(constraint.terms)
            outputs[index] -= constraint.excess(outputs) / factor  # on the very edge of a constraint
        expected = unsafe.is_violated_by(point, outputs)
        assert is_asserted(texts[0], point, outputs) == is_asserted_2(texts[1], point, outputs) == expected


# --- reading means what the text says, by an evaluator that shares no code with the reader ----------------

NUMERALS = ("0.0", "1.0", "-1.0", "0.5", "-0.25", "2.50", "007.5", "-0.0", "( - 0.5 )", "( - -1.0 )", "( + 0.5 )")


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


def random_condition(random: Random, inputs: list[str], outputs: list[str], depth: int) -> str:
    """A condition; bounds on inputs are such that zero satisfies them, so that no region is empty."""
    if depth and random.random() < 0.6:
        operands = [random_condition(random, inputs, outputs, depth - 1) for _ in range(random.randint(1, 3))]
        return f"( {random.choice(('and', 'or'))} {' '.join(operands)} )"
    if random.random() < 0.3:
        name, (less, more) = random.choice(inputs), random.choice((("<", ">"), ("<=", ">=")))
        return random.choice((f"( {less} {name} 0.5 )", f"( {more} ( * 2.0 {name} ) -0.5 )", f"( {more} 0.75 {name} )"))
    sides = [random_sum(random, outputs if random.random() < 0.9 else [], 2) for _ in range(2)]
    return f"( {random.choice(('<=', '>=', '<', '>', '==', '!='))} {' '.join(sides)} )"


def random_query(random: Random, network: Interface) -> str:
    """A text of the whole accepted grammar whose regions have an output constraint and are not empty."""
    inputs, outputs = ([each.element_name(i) for i in range(each.size)] for each in (network.input, network.output))
    conditions = [f"( {sign} {name} {end} )" for name in inputs for sign, end in ((">=", "-1.0"), ("<=", "1.0"))]
    conditions += [random_condition(random, inputs, outputs, 2) for _ in range(random.randint(0, 2))]
    conditions.append(f"( <= {outputs[0]} {random.choice(('0.5', '3.0'))} )")
    random.shuffle(conditions)
    declared = "\n".join(
        f"(declare-{kind} {each.name} real [ {' , '.join(map(str, each.shape))} ] )"
        for kind, each in (("input", network.input), ("output", network.output))
    )
    commands = (
        "(vnnlib-version <2.0> )",
        f"(declare-network net {declared} )",
        *(f"(assert {c} )" for c in conditions),
    )
    separators = (" ", "\n", "\t ", "\r\n", " ; ( or [-1]\n")
    return "".join(command.replace(" ", random.choice(separators)) for command in commands)


@settings(deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 2**32), st.sampled_from([(1,), (2, 1), ()]), st.booleans())
def test_property_is_violated_exactly_where_the_text_says(random, seed, shape, has_many_outputs):
    network = Interface(Declaration("X", "real", shape), Declaration("Y", "real", (1, 3) if has_many_outputs else ()))
    text = random_query(random, network)
    try:
        regions = parse_property(text, "f").regions
    except InputError as refusal:
        assume("expands to more than" not in str(refusal))
        assert "never true" in str(refusal) or "no case" in str(refusal)  # noqa: PT017
        regions = ()
    unsafe = Property(network.input.size, network.output.size, regions)
    sampler = Random(seed)
    for _ in range(20):
        point = [Fraction(sampler.choice((-4, -2, -1, 0, 0, 1, 2, 3, 5)), 4) for _ in range(network.input.size)]
        values = [Fraction(sampler.choice((-8, -2, -1, 0, 0, 1, 2, 3, 12)), 4) for _ in range(network.output.size)]
        assert unsafe.is_violated_by(point, values) == is_asserted_2(text + "\n", point, values)


# --- plain bounds, which are read without detours, say what they say to the reader of all else ---------------

MIRRORED = {"<=": ">=", ">=": "<=", "<": ">"}
BOUNDS = st.tuples(
    st.sampled_from(("<=", "<=", ">=", ">=", "<")),
    st.sampled_from(("X[0,0]", "X[0,0]", "X[0,1]", "Y[0,0]")),
    st.sampled_from(("1.0", "1.00", "01.0", "-2.5")),
)


def outcome(conditions: list[str]) -> Property | str:
    """What is read of conditions, a line each, or why it is not, with the line."""
    interface = "(declare-network f (declare-input X real [1,2]) (declare-output Y real [1,1]))"
    try:
        asserted = (f"(assert {each})" for each in (*conditions, "(<= Y[0,0] 1.0)"))
        return parse_property("\n".join(("(vnnlib-version <2.0>)", interface, *asserted)), "f")
    except InputError as refusal:
        return str(refusal)


@given(st.lists(BOUNDS, max_size=8), st.sets(st.integers(0, 7)))
def test_plain_bounds_say_what_they_say_to_the_general_reader(bounds, detours):
    plain = [f"({relation} {name} {number})" for relation, name, number in bounds]
    mirrored = [f"({MIRRORED[relation]} {number} {name})" for relation, name, number in bounds]
    some = [mirrored[place] if place in detours else each for place, each in enumerate(plain)]
    assert outcome(plain) == outcome(mirrored) == outcome(some)


# --- nothing but a refusal comes out of rubbish -----------------------------------------------------------

SEEDS = (
    b"(vnnlib-version <2.0>)\n; a (comment\n(declare-network f\n  (declare-input X float32 [1,2])\n"
    b"  (declare-output Y float32 [1,2]))\n(assert (>= X[0,0] 0.4))\n(assert (<= X[0,0] 0.6))\n"
    b"(assert (and (>= X[0,1] -0.4) (< X[0,1] 0.6)))\n"
    b"(assert (or (and (<= Y[0,0] Y[0,1]) (!= Y[0,1] 1.0)) (<= (+ (* 2.0 Y[0,0]) (- Y[0,1])) (- Y[0,0] 1.5 2.0))))\n",
    b'(vnnlib-version <2.0>)(declare-network f (declare-input X real []) (declare-hidden Z real [1] "a\\"b(")'
    b"(declare-output Y real []))(assert (== X 0.4))(assert (<= (* Y 2.0) 3.0))",
)
SYMBOLS = (
    "(",
    ")",
    "[",
    "]",
    ";",
    '"',
    "\\",
    "\0",
    "\n",
    " ",
    "-",
    ".",
    "!=",
    "==",
    "\u00e4",
    "4e-1",
    "<2.0>",
    "<2.1>",
)
WORDS = ("X[0,0]", "Y[0,1]", "[]", "[0,-1]", "[1.5]", "inf", "float64", "9" * 400, "0." + "0" * 400 + "1")
STARTS = ("(and ", "(or ", "(* ", "(assert ", "(and " * 300, "(declare-network g", "(declare-hidden", "(equal-to f)")
SCRAPS = st.sampled_from([scrap.encode() for scrap in (*SYMBOLS, *WORDS, *STARTS)])


@given(mutated(SEEDS, SCRAPS) | st.lists(SCRAPS).map(lambda scraps: b"(vnnlib-version <2.0>)" + b"".join(scraps)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rubbish_is_refused_without_a_word_on_the_terminal(tmp_path, capfd, content):
    read_or_refuse(content, tmp_path)
    assert capfd.readouterr() == ("", "")
