"""Counterexamples that somebody found become ground truth if they are certified, and only then."""

import gzip
import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from planted import ARMED, CLEAN, TWIN
from small_networks import unsafe_set, write_network
from soundbench.cli import main
from vnncomp_tree import counterexample_name, row, witness_text, write_benchmark, write_results

from soundbench.certificate import is_strictly_inside
from soundbench.certify import certify_suite
from soundbench.counterexample import format_counterexample
from soundbench.errors import CertificateError, HarnessError, InputError
from soundbench.found_witness import LARGEST, Question, inside, unknown_truth, with_witness
from soundbench.ground_truth import Expected, Role, Track
from soundbench.import_suite import import_suite, origin_of
from soundbench.instance import Instance, Interval, Region
from soundbench.replay import OpenNetwork
from soundbench.suite import load_suite

BOX = ("(>= X_0 0.0)", "(<= X_0 0.1)")
# 0.1 lies below its own float32 value, so that the corner which a verifier answers with lies outside.
ABOVE_TENTH = format_counterexample((Fraction(float(np.float32(0.1))),))


@pytest.fixture
def question(tmp_path):
    path = write_network(tmp_path / "identity.onnx", [[1.0]])
    instance = Instance("one", path, tmp_path / "one.vnnlib", 5.0)
    unsafe = unsafe_set(1, 1, *BOX, "(>= Y_0 0.05)")
    return Question(instance, OpenNetwork(path), unsafe, unknown_truth("identity", "imported"))


@pytest.mark.parametrize(
    "text", ["((X_0 0.075))", "sat\n((X_0 0.075) (Y_0 9.0))", "X float32 [1,1]\n0.075\nY float32 [1,1]\n9\n"]
)
def test_either_form_is_certified(question, text):
    truth = with_witness(question, text, "file")
    assert (truth.expected, truth.role, truth.track, truth.position) == (
        Expected.VIOLATED,
        Role.ARMED,
        Track.MAIN,
        "interior",
    )
    assert truth.witness.point == (Fraction(float(np.float32(0.075))),)
    assert with_witness(replace(question, truth=truth), "((X_0 0.08))", "file") is truth


@pytest.mark.parametrize("text", ["", "sat\n", "hello", "0.5 0.25\n"])
def test_a_text_in_neither_form_is_told(question, text):
    with pytest.raises(InputError, match=r"file: in neither form of counterexamples; write \(\(X_0 0\.5\)\), or X"):
        with_witness(question, text, "file")


def test_a_corner_is_moved_inside_before_it_is_certified(question):
    assert Fraction(float(np.float32(0.1))) > Fraction("0.1")
    truth = with_witness(question, ABOVE_TENTH, "file")
    (value,) = truth.witness.point
    assert value == Fraction(float(np.nextafter(np.float32(0.1), np.float32(0))))
    assert truth.position == "face"


def test_what_violates_by_little_counts_for_the_track_tight(question):
    question = replace(question, unsafe=unsafe_set(1, 1, *BOX, "(>= Y_0 0.09999)"))
    truth = with_witness(question, ABOVE_TENTH, "file")
    assert truth.track is Track.TIGHT
    assert 0 < truth.witness.margin_rigorous < 0.01


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("((X_0 0.04))", "one: the witness's margin_rigorous is -0.01"),
        ("((X_0 0.2))", r"one: not a counterexample: X_0 = 0.2 is 0.1 above its upper bound 0.1"),
    ],
)
def test_what_is_no_counterexample_is_not_certified(question, text, message):
    with pytest.raises(CertificateError, match=message):
        with_witness(question, text, "file")


@pytest.mark.parametrize(
    "text", ["unsat", "((X_0 nan))", "((X_0 0.075) (X_1 0))", "X float32 [1,2]\n0\n0\nY float32 [1,1]\n0\n"]
)
def test_what_is_in_neither_form_is_refused(question, text):
    with pytest.raises(InputError, match=r"^file:"):
        with_witness(question, text, "file")


def test_a_network_without_exact_meaning_certifies_nothing(question, tmp_path):
    path = write_network(tmp_path / "erf.onnx", [[1.0]], then=["Erf"])
    with pytest.raises(CertificateError, match="an operator without an exact meaning"):
        with_witness(replace(question, network=OpenNetwork(path)), "((X_0 0.075))", "file")


def test_a_proof_that_is_refuted_is_our_fault(question):
    holds = replace(question.truth, expected=Expected.HOLDS)
    with pytest.raises(HarnessError, match="one: proven to hold, but file is certified; please report this"):
        with_witness(replace(question, truth=holds), "((X_0 0.075))", "file")


@pytest.mark.parametrize(
    ("lower", "upper", "value"),
    [(0, "1e39", "3.5e38"), (0, "1e400", "1e400"), ("-1e39", 0, "-3.5e38"), (LARGEST, "1e39", LARGEST)],
)
def test_what_is_beyond_float32_is_told_in_one_line(lower, upper, value):
    with pytest.raises(CertificateError, match="no float32 value is near it"):
        inside(Interval(Fraction(lower), Fraction(upper)), Fraction(value))


def test_the_largest_float32_value_is_inside_or_next_to_it():
    assert inside(Interval(Fraction(0), Fraction("1e39")), LARGEST) == LARGEST
    assert 0 < inside(Interval(Fraction(0), LARGEST), LARGEST) < LARGEST


bounds = st.floats(-1e6, 1e6, width=64)


@given(bounds, st.floats(1e-3, 1e3), st.floats(-0.5, 1.5))
def test_points_are_moved_to_the_nearest_float32_strictly_inside(lower, width, share):
    interval = Interval(Fraction(lower), Fraction(lower) + Fraction(width))
    value = interval.lower + Fraction(share) * Fraction(width)
    moved = inside(interval, value)
    if np.spacing(np.float32(max(abs(interval.lower), abs(interval.upper)))) < width / 4:
        assert is_strictly_inside(Region((interval,), ()), (moved,))
    assert Fraction(float(np.float32(float(moved)))) == moved
    if interval.lower < Fraction(float(np.float32(float(value)))) < interval.upper:
        assert moved == Fraction(float(np.float32(float(value))))


class TestCommand:
    @pytest.fixture
    def suite(self, tiny_suite, tmp_path):
        """The tiny suite as others would have it: without its ground truth."""
        benchmark = write_benchmark(tiny_suite, tmp_path / "b")
        import_suite(benchmark, tmp_path / "suite", origin_of(benchmark), None, lambda _: None)
        return tmp_path / "suite"

    @pytest.fixture
    def original(self, tiny_suite):
        return load_suite(tiny_suite)

    def add(self, *arguments):
        return CliRunner().invoke(main, ["witness", "add", *map(str, arguments)])

    def test_a_file_named_as_in_vnncomp(self, suite, original, tmp_path):
        file = tmp_path / f"{counterexample_name(original, ARMED)}.counterexample.gz"
        file.write_bytes(gzip.compress(witness_text(original, ARMED).encode()))
        before = json.loads((suite / "suite.json").read_text())
        result = self.add(suite, file)
        assert (result.exit_code, result.stdout) == (
            0,
            f"{suite}: new witnesses: 1; of instances that have one: 0; not certified: 0\n",
        )
        changed = load_suite(suite)
        assert changed.ground_truth[ARMED].expected is Expected.VIOLATED
        assert certify_suite(changed, lambda _: None)[Expected.VIOLATED] == 1
        assert json.loads((suite / "suite.json").read_text())["sources"] == before["sources"]
        again = self.add(suite, file)
        assert "new witnesses: 0; of instances that have one: 1" in again.stdout

    def test_a_table_of_results(self, suite, original, tmp_path):
        texts = {counterexample_name(original, ARMED): witness_text(original, ARMED), "unrelated": "sat"}
        rows = [row(original, ARMED, "sat", "/x/b"), row(original, CLEAN, "unsat", "/x/b")]
        results = write_results(tmp_path / "tool" / "2025_b", rows, texts)
        for each in (results, results / "results.csv"):
            result = self.add(suite, each)
            assert result.exit_code == 0, result.output
        assert load_suite(suite).ground_truth[ARMED].expected is Expected.VIOLATED

    def test_what_is_not_certified_is_told_and_changes_nothing(self, suite, original, tmp_path):
        before = (suite / "ground_truth.json").read_bytes()
        (tmp_path / "found.txt").write_text(witness_text(original, ARMED))
        result = self.add(suite, tmp_path / "found.txt", "--instance", TWIN)
        assert result.exit_code == 1
        assert result.stdout.startswith(f"not certified: {TWIN}: the witness's margin_")
        assert (suite / "ground_truth.json").read_bytes() == before

    @pytest.mark.parametrize(
        ("name", "text", "options", "message"),
        [
            ("found.txt", "((X_0 0))", [], "which instance it is of is not told by its name; name it with --instance"),
            ("found.txt", "((X_0 0))", ["--instance", "none"], "has no instance 'none'"),
            ("found.txt", "gibberish", ["--instance", ARMED], "found.txt: in neither form of counterexamples"),
            ("found.csv", "gibberish", [], "found.csv:1: 1 columns; give rows of the form category,onnx"),
            ("found.csv", "gibberish", ["--instance", ARMED], "--instance: names the instance of one counterexample"),
        ],
    )
    def test_bad_input_is_told_in_one_line(self, suite, tmp_path, name, text, options, message):
        (tmp_path / name).write_text(text)
        result = self.add(suite, tmp_path / name, *options)
        assert result.exit_code == 2, result.output
        assert message in result.stderr.splitlines()[-1]
        assert "Traceback" not in result.output


def test_what_rounding_takes_back_is_no_witness(tmp_path):
    """Y = (X + 2^25) - 2^25 is X in real arithmetic, and 0 in float32 for a small X."""
    nodes = [helper.make_node("Add", ["x", "c"], ["h"]), helper.make_node("Sub", ["h", "c"], ["y"])]
    ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1])] for name in ("x", "y")]
    large = numpy_helper.from_array(np.array([2.0**25], np.float32), "c")
    model = helper.make_model(
        helper.make_graph(nodes, "g", *ends, [large]), opset_imports=[helper.make_opsetid("", 13)]
    )
    model.ir_version = 8
    onnx.save(model, tmp_path / "net.onnx")
    instance = Instance("one", tmp_path / "net.onnx", tmp_path / "one.vnnlib", 5.0)
    unsafe = unsafe_set(1, 1, "(>= X_0 0.0)", "(<= X_0 1.0)", "(>= Y_0 0.5)")
    asked = Question(instance, OpenNetwork(instance.onnx), unsafe, unknown_truth("rounds", "imported"))
    with pytest.raises(CertificateError, match="not in ONNX Runtime"):
        with_witness(asked, "((X_0 0.75))", "file")
