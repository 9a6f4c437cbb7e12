import json
import sys
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundbench.errors import InputError
from soundbench.ground_truth import (
    Assumption,
    AttackRecord,
    Expected,
    GroundTruth,
    Hiding,
    Leaf,
    Position,
    Proof,
    Role,
    Split,
    Track,
    TwinKind,
    Witness,
)
from soundbench.plant import MOST_BOXES
from soundbench.suite import load_suite, read_json, write_json
from soundbench.truth_file import DEEPEST_TREE, decode_ground_truth, encode_ground_truth

numbers = st.floats(allow_nan=False, allow_infinity=False)
float32 = st.floats(width=32, allow_nan=False, allow_infinity=False, min_value=-(2.0**60), max_value=2.0**60)
slopes = st.dictionaries(st.text(max_size=4), st.text("01a", max_size=4), max_size=2)
trees = st.recursive(
    st.builds(Leaf, st.integers(0, 9), slopes),
    lambda inner: st.builds(Split, st.integers(0, 9), numbers, inner, inner),
    max_leaves=8,
)
vectors = st.lists(numbers, max_size=4).map(tuple)
indices = st.lists(st.integers(0, 99), max_size=4).map(tuple)
witnesses = st.builds(
    Witness, st.lists(float32.map(Fraction), max_size=4).map(tuple), numbers, numbers, numbers, numbers, numbers
)
proofs = st.builds(Proof, numbers, numbers, numbers, st.lists(trees, max_size=3).map(tuple))
hidings = st.builds(
    Hiding,
    st.text(max_size=5),
    st.integers(),
    indices,
    vectors,
    vectors,
    vectors,
    indices,
    numbers,
    numbers,
    slopes,
    st.lists(st.tuples(st.integers(0, 9), numbers), max_size=2).map(tuple),
)
points = st.lists(float32.map(Fraction), min_size=1, max_size=4).map(tuple)
whole = st.integers(1, 2**60)
survived = st.builds(AttackRecord, st.text(max_size=5), whole, whole, whole, numbers, st.just(value=False))
found = st.builds(
    AttackRecord,
    st.text(max_size=5),
    whole,
    whole,
    whole,
    numbers.map(lambda x: -abs(x)),
    st.just(value=True),
    st.booleans(),
)
attacks = st.lists(survived | found, max_size=3, unique_by=lambda record: record.attack).map(tuple)
words = st.text(st.characters(min_codepoint=33, max_codepoint=0x3FF), min_size=1, max_size=5).filter(str.isprintable)
optional_text = st.none() | st.text(max_size=5)
truths = st.builds(
    GroundTruth,
    expected=st.sampled_from(Expected),
    family=st.text(max_size=5),
    trigger=st.text(max_size=5),
    role=st.sampled_from(Role),
    pair=optional_text,
    twin_kind=st.none() | st.sampled_from(TwinKind),
    track=st.sampled_from(Track),
    position=st.none() | st.sampled_from(Position),
    certifies=optional_text,
    witness=st.none() | witnesses,
    proof=st.none() | proofs,
    hiding=st.none() | hidings,
    attacks=attacks,
    factors=st.dictionaries(words, words, max_size=3),
    catches=st.lists(words, max_size=3).map(tuple),
    needle_at=st.none() | points,
    assumption=st.none() | st.builds(Assumption, words, st.text(max_size=5), st.integers(0, 99), slopes),
)


@given(st.dictionaries(st.text(max_size=5), truths, max_size=3))
def test_what_is_written_is_read_again_exactly(ground_truth):
    text = json.dumps(encode_ground_truth(ground_truth))
    assert decode_ground_truth(json.loads(text), "file") == ground_truth


def chain(depth):
    tree = Leaf(0, {})
    for _ in range(depth - 1):
        tree = Split(0, 0.5, Leaf(0, {}), tree)
    return tree


def truth_with(tree):
    proof = Proof(1e-4, 1.0, 1.0, (tree,))
    return {"a": GroundTruth(Expected.HOLDS, "planted", "mlp", Role.TWIN, proof=proof)}


def test_a_tree_as_deep_as_allowed_is_written_and_read_and_a_deeper_one_refused(tmp_path):
    write_json(tmp_path / "file", encode_ground_truth(truth_with(chain(DEEPEST_TREE))))
    decoded = decode_ground_truth(read_json(tmp_path / "file"), "file")
    assert decoded == truth_with(chain(DEEPEST_TREE))
    deeper = encode_ground_truth(truth_with(chain(DEEPEST_TREE + 1)))
    with pytest.raises(InputError, match=r"^file: a: .*deeper than"):
        decode_ground_truth(deeper, "file")


def test_planting_cannot_find_a_tree_too_deep_to_be_read():
    """Each level of a tree is a box bounded and split in two."""
    assert 2 * DEEPEST_TREE - 1 >= MOST_BOXES - 1


def test_a_tree_far_too_deep_is_one_line_too():
    tree = {"refutes": 0, "slopes": {}}
    for _ in range(sys.getrecursionlimit() * 3):
        tree = {"input": 0, "at": 0.5, "below": tree, "above": {"refutes": 0, "slopes": {}}}
    entry = {**encode_ground_truth(truth_with(chain(1)))["a"]}
    entry["proof"] = {**entry["proof"], "trees": [tree]}
    with pytest.raises(InputError, match=r"^file: a: "):
        decode_ground_truth({"a": entry}, "file")


@pytest.mark.parametrize("content", [None, [], "truth", 3, {"a": None}, {"a": []}, {"a": {}}, {"a": "expected"}])
def test_what_is_no_ground_truth(content):
    with pytest.raises(InputError, match=r"^file: "):
        decode_ground_truth(content, "file")


@pytest.mark.parametrize(
    "number", ["1/3", "0x1", "1e400000000", "nan", "inf", "-Infinity", "1_0", " 1", "", "½", 0.5, None, True, ["1"]]
)
def test_a_coordinate_is_a_decimal_number(tiny_suite, number):
    content = encode_ground_truth(load_suite(tiny_suite).ground_truth)
    entry = next(each for each in content.values() if "witness" in each)
    entry["witness"]["point"][0] = number
    with pytest.raises(InputError, match=r"^file: mlp-"):
        decode_ground_truth(content, "file")


@pytest.mark.parametrize("number", [True, None, "1", [1], float("nan"), float("inf"), 10**400])
def test_a_measurement_is_a_finite_number(tiny_suite, number):
    content = encode_ground_truth(load_suite(tiny_suite).ground_truth)
    entry = next(each for each in content.values() if "witness" in each)
    entry["witness"]["margin_float64"] = number
    with pytest.raises(InputError, match=r"^file: mlp-"):
        decode_ground_truth(content, "file")


@pytest.mark.parametrize(("key", "value"), [("expected", "sat"), ("role", "Armed"), ("track", 1), ("twin_kind", None)])
def test_a_word_that_is_none_of_the_known(tiny_suite, key, value):
    content = encode_ground_truth(load_suite(tiny_suite).ground_truth)
    next(iter(content.values()))[key] = value
    with pytest.raises(InputError, match=r"^file: mlp-"):
        decode_ground_truth(content, "file")


def test_lists_are_lists_and_not_the_letters_of_a_text(tiny_suite):
    content = encode_ground_truth(load_suite(tiny_suite).ground_truth)
    entry = next(each for each in content.values() if "witness" in each)
    entry["witness"]["point"] = "0000000000"
    with pytest.raises(InputError, match="is not a list"):
        decode_ground_truth(content, "file")


RECORD = {"attack": "pgd", "seed": 0, "restarts": 75, "queries": 150, "margin": -0.5, "found": True, "replays": True}


def truth_with_attacks(*records):
    entry = encode_ground_truth(truth_with(chain(1)))["a"]
    return {"a": {**entry, "attacks": list(records)}}


def test_attacks_are_left_out_where_there_are_none():
    assert "attacks" not in encode_ground_truth(truth_with(chain(1)))["a"]
    decoded = decode_ground_truth(truth_with_attacks(RECORD), "file")
    assert decoded["a"].attacks == (AttackRecord("pgd", 0, 75, 150, -0.5, found=True, replays=True),)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *((key, None) for key in RECORD), ("attack", 3), ("seed", -1), ("seed", 0.5), ("restarts", 0), ("queries", 0),
        ("queries", True), ("margin", "0.5"), ("margin", float("nan")), ("margin", float("inf")), ("margin", 0.25),
        ("found", 1), ("found", "true"), ("found", False), ("replays", 0),
    ],
)  # fmt: skip
def test_a_record_of_an_attack_that_is_malformed_or_contradicts_itself(key, value):
    with pytest.raises(InputError, match=r"^file: a: not readable"):
        decode_ground_truth(truth_with_attacks({**RECORD, key: value}), "file")


@pytest.mark.parametrize("key", RECORD)
def test_a_record_of_an_attack_that_lacks_something(key):
    record = {name: value for name, value in RECORD.items() if name != key}
    with pytest.raises(InputError, match=r"^file: a: not readable"):
        decode_ground_truth(truth_with_attacks(record), "file")


@pytest.mark.parametrize("records", [None, {}, "pgd", [None], [[]], [RECORD, RECORD]])
def test_what_are_no_records_of_attacks(records):
    content = truth_with_attacks()
    content["a"]["attacks"] = records
    with pytest.raises(InputError, match=r"^file: a: not readable"):
        decode_ground_truth(content, "file")


def truth_with_factors(factors):
    return {"a": {**encode_ground_truth(truth_with(chain(1)))["a"], "factors": factors}}


def test_factors_are_left_out_where_there_are_none():
    assert "factors" not in encode_ground_truth(truth_with(chain(1)))["a"]
    decoded = decode_ground_truth(truth_with_factors({"form": "combined", "place": "face"}), "file")
    assert decoded["a"].factors == {"form": "combined", "place": "face"}


@pytest.mark.parametrize(
    "factors",
    [
        None, [], "form", 3, ["form"], {"form": None}, {"form": 3}, {"form": ["combined"]}, {"form": ""}, {"": "x"},
        {"form": " "}, {"form": "a\nb"}, {"form": "\x1b[31mred"}, {"\u202eform": "x"}, {"form": {"form": "x"}},
    ],
)  # fmt: skip
def test_factors_are_printable_words_by_name(factors):
    with pytest.raises(InputError, match=r"^file: a: not readable"):
        decode_ground_truth(truth_with_factors(factors), "file")


@pytest.mark.parametrize("catches", [None, "child-lost", [3], [""], ["a\nb"], {"child-lost": True}])
def test_what_is_caught_is_printable_words(catches):
    entry = {**encode_ground_truth(truth_with(chain(1)))["a"], "catches": catches}
    with pytest.raises(InputError, match=r"^file: a: not readable"):
        decode_ground_truth({"a": entry}, "file")
