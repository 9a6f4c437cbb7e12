"""Into whatever instance that holds a pair is planted, it certifies; what does not hold is refused with its reason."""

import gzip
import json
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from given_networks import acas, cifar, conv, gemm, residual, robustness, save
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper
from planted import edit_truth, repair_hashes
from soundbench.cli import main

from soundbench.assumption import assumption_certificate, check_same
from soundbench.certificate import check_foreign
from soundbench.certify import certify_suite
from soundbench.counterexample import format_counterexample, parse_counterexample
from soundbench.errors import CertificateError, InputError
from soundbench.given import check_numbers, with_more_slack
from soundbench.graph import evaluate_float64, read_graph
from soundbench.ground_truth import Expected, Role, Track, TwinKind
from soundbench.instance import Constraint, Interval, Property, Region
from soundbench.level import Level, chosen
from soundbench.plant_into import rises_for
from soundbench.prove import INFLATION, Hints, check, region_box, search, slacks
from soundbench.replay import replay
from soundbench.seal import comparable_pairs
from soundbench.suite import load_suite
from soundbench.vnnlib import read_property
from soundbench.vnnlib_writing import format_property

ROLES = ("armed", "twin", "clean")
GIVEN = {
    "gemm": (gemm, 0.02),
    "acas": (acas, 0.02),
    "acas_xu": (lambda path: acas(path, depth=6, width=50), 0.02),
    "conv": (conv, 0.004),
    "cifar": (cifar, 0.004),
    "residual": (residual, 0.01),
    "onehidden": (lambda path: gemm(path, (12, 10, 3)), 0.01),
    "old": (lambda path: gemm(path, ir=3, opset=9, as_inputs=True), 0.02),
}


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def last_line(result, code):
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    return result.stderr.splitlines()[-1]


@pytest.fixture(scope="module", params=GIVEN)
def planted(request, tmp_path_factory):
    """A folder with what was given, and the suite that it was planted into."""
    folder = tmp_path_factory.mktemp(request.param)
    make, radius = GIVEN[request.param]
    network = make(folder / "net.onnx")
    robustness(folder / "spec.vnnlib", network, radius)
    result = run("plant", network, folder / "spec.vnnlib", "--out", folder / "suite")
    assert result.exit_code == 0, result.output
    assert "net-spec-armed: violated by at least" in result.stdout
    return folder


def test_it_certifies(planted):
    suite = load_suite(planted / "suite")
    assert certify_suite(suite, str) == {Expected.VIOLATED: 1, Expected.HOLDS: 2, Expected.UNKNOWN: 0}
    armed, twin, clean = (suite.ground_truth[f"net-spec-{role}"] for role in ("armed", "twin", "clean"))
    assert (armed.role, twin.role, clean.role) == (Role.ARMED, Role.TWIN, Role.CLEAN)
    assert armed.track is twin.track is clean.track
    assert armed.track is (Track.MAIN if armed.hiding.chance <= 1e-9 else Track.SHALLOW)
    assert twin.twin_kind is TwinKind.MISALIGNED
    assert 0 < armed.hiding.chance < 0.1
    assert comparable_pairs(suite) == ["net-spec"]


def test_the_property_is_the_given_one_and_the_operators_are_those_of_the_network_or_one_branch_more(planted):
    import onnx

    suite = load_suite(planted / "suite")
    given = [node.op_type for node in onnx.load(planted / "net.onnx").graph.node]
    for instance in suite.instances:
        if suite.ground_truth[instance.name].role is not Role.CLEAN:
            assert read_property(instance.vnnlib) == read_property(planted / "spec.vnnlib")
        found = [node.op_type for node in onnx.load(instance.onnx).graph.node]
        beside = ["Gemm", "Relu", "Gemm", "Relu", "Gemm", "Add"]
        assert found in (given, [*given, *beside], [*given, "Flatten", *beside])


def test_the_witness_violates_the_armed_network_and_neither_the_twin_nor_the_given_one(planted):
    suite = load_suite(planted / "suite")
    point = suite.ground_truth["net-spec-armed"].witness.point
    unsafe = read_property(planted / "spec.vnnlib")
    armed, twin = (
        next(each.onnx for each in suite.instances if each.name == f"net-spec-{role}") for role in ("armed", "twin")
    )
    assert replay(armed, unsafe, point).strict
    assert not replay(twin, unsafe, point).strict
    assert not replay(planted / "net.onnx", unsafe, point).strict


def test_it_says_where_it_comes_from(planted):
    import hashlib

    manifest = json.loads((planted / "suite" / "suite.json").read_text())
    assert manifest["network"] == {
        "file": "net.onnx",
        "sha256": hashlib.sha256((planted / "net.onnx").read_bytes()).hexdigest(),
    }
    assert manifest["property"]["file"] == "spec.vnnlib"


def test_it_can_be_described(planted):
    result = run("suite", "describe", planted / "suite")
    assert result.exit_code == 0, result.output


@pytest.fixture(scope="module")
def given_gemm(tmp_path_factory):
    folder = tmp_path_factory.mktemp("given")
    network = gemm(folder / "net.onnx")
    return network, robustness(folder / "spec.vnnlib", network, 0.02)


def test_the_same_seed_gives_the_same_suite_and_another_another(given_gemm, tmp_path):
    suites = []
    for name, seed in (("one", 3), ("two", 3), ("three", 4)):
        assert run("plant", *given_gemm, "--out", tmp_path / name, "--seed", seed).exit_code == 0
        suites.append((tmp_path / name / "suite.json").read_bytes())
    assert suites[0] == suites[1] != suites[2]


def test_gzipped_files_are_taken(given_gemm, tmp_path):
    for path in given_gemm:
        (tmp_path / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    result = run("plant", tmp_path / "net.onnx.gz", tmp_path / "spec.vnnlib.gz", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    names = [each.name for each in load_suite(tmp_path / "out").instances]
    assert names == ["net-spec-armed", "net-spec-twin", "net-spec-clean"]


@pytest.fixture(scope="module")
def assumed(given_gemm, tmp_path_factory):
    folder = tmp_path_factory.mktemp("assumed") / "suite"
    result = run("plant", *given_gemm, "--out", folder, "--assume-holds", "I say so")
    assert result.exit_code == 0, result.output
    assert "net-spec-twin: holds if the given network does (I say so), which is assumed" in result.stdout
    return folder


def test_what_is_assumed_to_hold_is_recorded_and_never_said_to_be_proven(assumed):
    suite = load_suite(assumed)
    assert certify_suite(suite, str) == {Expected.VIOLATED: 1, Expected.HOLDS: 0, Expected.UNKNOWN: 1}
    armed, twin = (suite.ground_truth[f"net-spec-{role}"] for role in ("armed", "twin"))
    assert armed.pair is armed.hiding is twin.proof is armed.assumption is None
    assert armed.track is Track.SHALLOW
    assert twin.assumption.reason == "I say so"
    assert json.loads((assumed / "suite.json").read_text())["assumed"] == "I say so"
    result = run("certify", assumed)
    assert "1 violated and 0 holding instances; 1 of unknown ground truth" in result.stdout
    assert "net-spec-twin: assumed to hold, not proven: I say so" in result.stdout


def test_what_is_assumed_to_hold_computes_what_was_given(given_gemm, assumed):
    given, same = (read_graph(path) for path in (given_gemm[0], assumed / "onnx" / "net-spec-twin.onnx"))
    witness = load_suite(assumed).ground_truth["net-spec-armed"].witness.point
    box = region_box(read_property(given_gemm[1]).regions[0], 0.0)
    points = np.random.default_rng(0).uniform(box.lower, box.upper, (50, given.input_count))
    points[0] = [float(value) for value in witness]
    one, two = (evaluate_float64(graph, points)[graph.output] for graph in (given, same))
    assert one == pytest.approx(two, abs=1e-9)


def test_what_does_not_follow_from_what_is_assumed_is_seen(assumed, tmp_path):
    active = load_suite(assumed).ground_truth["net-spec-twin"].assumption.neuron
    for edit, words in (
        (lambda entry: entry["assumption"].update(neuron=1 - active if active < 2 else 0), "is not proven to rest"),
        (lambda entry: entry["assumption"].update(tensor="z0"), "needle"),
        (lambda entry: entry["assumption"].update(tensor="z9"), "has no neuron"),
        (lambda entry: entry["assumption"].update(slopes={"a0": "1"}), "do not fit"),
        (lambda entry: entry.update(certifies="0" * 64), "another network or property"),
        (lambda entry: entry.update(expected="holds"), "assumed to hold, so it cannot be said to be holds"),
    ):
        copy = shutil.copytree(assumed, tmp_path / "copy")
        edit_truth(copy, "net-spec-twin", edit)
        repair_hashes(copy)
        with pytest.raises(CertificateError, match=words):
            certify_suite(load_suite(copy), str)
        shutil.rmtree(copy)


def test_a_needle_that_acts_does_not_rest(planted):
    hiding = load_suite(planted / "suite").ground_truth["net-spec-armed"].hiding
    graph, unsafe = read_graph(planted / "suite/onnx/net-spec-armed.onnx"), read_property(planted / "spec.vnnlib")
    with pytest.raises(CertificateError, match="is not proven to rest"):
        assumption_certificate(graph, unsafe, "no", (hiding.tensor, hiding.neuron), hiding.slopes)


def test_a_counterexample_of_what_was_assumed_to_hold_refutes_that(given_gemm, tmp_path):
    """What is assumed here is wrong: there is a needle, which no attack finds."""
    assert run("plant", *given_gemm, "--out", tmp_path / "first").exit_code == 0
    armed = load_suite(tmp_path / "first").ground_truth["net-spec-armed"]
    network = tmp_path / "first" / "onnx" / "net-spec-armed.onnx"
    result = run("plant", network, given_gemm[1], "--out", tmp_path / "out", "--assume-holds", "I hope so")
    assert result.exit_code == 0, result.output
    (tmp_path / "found.txt").write_text(format_counterexample(armed.witness.point))
    name = "net-spec-armed-spec-twin"
    result = run("witness", "add", tmp_path / "out", tmp_path / "found.txt", "--instance", name)
    assert result.exit_code == 0, result.output
    suite = load_suite(tmp_path / "out")
    assert suite.ground_truth[name].assumption is None
    assert certify_suite(suite, str) == {Expected.VIOLATED: 2, Expected.HOLDS: 0, Expected.UNKNOWN: 0}


def test_networks_that_differ_are_told_apart(given_gemm, tmp_path):
    one, other = read_graph(given_gemm[0]), read_graph(gemm(tmp_path / "other.onnx", seed=1))
    point = (Fraction(1, 3),) * 10
    check_same(one, one, [point])
    with pytest.raises(CertificateError, match="does not compute"):
        check_same(one, other, [point])


def test_what_cannot_be_assumed(given_gemm, tmp_path):
    for reason in ("", " ", "two\nlines"):
        line = last_line(run("plant", *given_gemm, "--out", tmp_path / "out", "--assume-holds", reason), 2)
        assert "give the reason" in line
    line = last_line(run("plant", *given_gemm, "--out", tmp_path / "out", "--assume-holds", "a", "--twin", "crowd"), 2)
    assert "--twin crowd" in line


def test_a_property_that_does_not_hold(given_gemm, tmp_path):
    spec = robustness(tmp_path / "wrong.vnnlib", given_gemm[0], 0.02, wrong=True)
    for extra in ([], ["--assume-holds", "no"]):
        line = last_line(run("plant", given_gemm[0], spec, "--out", tmp_path / "out", *extra), 2)
        file = tmp_path / "out-counterexample.txt"
        assert line.endswith(
            f"wrong.vnnlib: does not hold of {given_gemm[0]}: there is a counterexample, written to {file}"
        )
        point = parse_counterexample(file.read_text(), 10, "file")
        assert replay(given_gemm[0], read_property(spec), point).strict
        assert not (tmp_path / "out").exists()


def test_a_proof_that_is_not_found(tmp_path):
    network = gemm(tmp_path / "net.onnx", (10, 30, 30, 3), seed=5)
    spec = robustness(tmp_path / "spec.vnnlib", network, 0.08)
    line = last_line(run("plant", network, spec, "--out", tmp_path / "out", "--boxes", "2"), 2)
    assert "not proven to hold" in line
    assert "within 2 boxes" in line
    assert "--assume-holds" in line


def test_an_operator_that_cannot_be_carried(tmp_path):
    nodes = [helper.make_node("Erf", ["x"], ["e"]), helper.make_node("Relu", ["e"], ["y"])]
    network = save(tmp_path / "net.onnx", nodes, [], [1, 5], [1, 5])
    spec = robustness(tmp_path / "spec.vnnlib", network, 0.01)
    assert "Erf" in last_line(run("plant", network, spec, "--out", tmp_path / "out"), 2)


def test_files_that_do_not_fit(given_gemm, tmp_path):
    network = gemm(tmp_path / "other.onnx", (11, 5, 4, 3))
    assert "11 inputs" in last_line(run("plant", network, given_gemm[1], "--out", tmp_path / "out"), 2)
    assert "no such file" in last_line(run("plant", tmp_path / "none", given_gemm[1], "--out", tmp_path / "out"), 2)
    small = gemm(tmp_path / "small.onnx", (3, 5, 4, 2))
    spec = robustness(tmp_path / "small.vnnlib", small, 0.01)
    assert "fewer than 4 inputs" in last_line(run("plant", small, spec, "--out", tmp_path / "out"), 2)
    assert not (tmp_path / "out").exists()


def test_an_alteration_is_seen(given_gemm, tmp_path):
    assert run("plant", *given_gemm, "--out", tmp_path / "out").exit_code == 0
    for edit in (
        lambda entry: entry["hiding"].update(chance=1e-12),
        lambda entry: entry["hiding"].update(half_widths=[1e-9] * len(entry["hiding"]["reads"])),
        lambda entry: entry["hiding"].update(neuron=0 if entry["hiding"]["neuron"] else 1),
        lambda entry: entry["witness"].update(required_margin=0.0),
        lambda entry: entry.update(track="tight"),
    ):
        copy = shutil.copytree(tmp_path / "out", tmp_path / "copy")
        edit_truth(copy, "net-spec-armed", edit)
        repair_hashes(copy)
        with pytest.raises(CertificateError):
            certify_suite(load_suite(copy), str)
        shutil.rmtree(copy)


def test_only_what_is_well_hidden_can_be_of_the_main_track(planted, tmp_path):
    track = load_suite(planted / "suite").ground_truth["net-spec-armed"].track
    copy = shutil.copytree(planted / "suite", tmp_path / "copy")
    for name in ("net-spec-armed", "net-spec-twin"):
        edit_truth(copy, name, lambda entry: entry.update(track="main"))
    repair_hashes(copy)
    if track is Track.MAIN:
        assert certify_suite(load_suite(copy), str)[Expected.VIOLATED] == 1
    else:
        with pytest.raises(CertificateError, match="too weak for the main track"):
            certify_suite(load_suite(copy), str)


# --- where the outputs must go


@st.composite
def regions(draw):
    def constraint():
        terms = draw(st.dictionaries(st.integers(0, 3), st.integers(-3, 3).filter(bool), min_size=1, max_size=3))
        bound = Fraction(draw(st.integers(-20, 20)), 4)
        return Constraint(tuple(sorted((index, Fraction(factor)) for index, factor in terms.items())), bound)

    return Region((), tuple(constraint() for _ in range(draw(st.integers(1, 4)))))


@given(region=regions(), outputs=st.lists(st.integers(-9, 9), min_size=4, max_size=4))
def test_rises_lead_into_the_unsafe_set_by_the_margin(region, outputs):
    rises = rises_for(region, np.array(outputs, dtype=float), 0.25)
    if rises is None:
        return
    risen = [Fraction(value) for value in (np.array(outputs) + rises).tolist()]
    assert all(float(each.excess(risen)) <= 1e-6 for each in region.outputs)
    before = [Fraction(value) for value in outputs]
    for each in region.outputs:
        if each.excess(before) > 0:
            assert float(each.excess(risen)) <= -0.25 + 1e-6


def test_it_is_run_at_the_standard_level(planted):
    suite = load_suite(planted / "suite")
    assert {each.name for each in chosen(suite, Level.STANDARD)} == {f"net-spec-{role}" for role in ROLES}


def test_margins_are_those_of_the_main_track(planted):
    truth = load_suite(planted / "suite").ground_truth
    witness = truth["net-spec-armed"].witness
    assert witness.required_margin >= max(0.01, 100 * witness.float32_error)
    for role in ("twin", "clean"):
        proof = truth[f"net-spec-{role}"].proof
        assert proof.slack >= proof.required_slack >= 0.01
    for margin in (witness.margin_float32, witness.margin_float64, witness.margin_rigorous):
        assert margin >= witness.required_margin


# --- the clean box


def test_no_needle_reaches_the_clean_box(planted):
    suite = load_suite(planted / "suite")
    hiding = suite.ground_truth["net-spec-armed"].hiding
    paths = {each.name: each for each in suite.instances}
    clean = paths["net-spec-clean"]
    assert clean.onnx == paths["net-spec-armed"].onnx
    graph, asked, given = read_graph(clean.onnx), read_property(clean.vnnlib), read_property(planted / "spec.vnnlib")
    check_foreign(graph, asked, [hiding])
    with pytest.raises(CertificateError):
        check_foreign(graph, given, [hiding])
    for part, whole in zip(asked.regions, given.regions, strict=True):
        assert part.outputs == whole.outputs
        cut = [(one, other) for one, other in zip(part.inputs, whole.inputs, strict=True) if one != other]
        assert len(cut) == 1
        assert cut[0][1].lower <= cut[0][0].lower < cut[0][0].upper <= cut[0][1].upper


# --- other twins


@pytest.fixture(scope="module", params=["crowd", "scaled"])
def other_twin(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    network = conv(folder / "net.onnx")
    robustness(folder / "spec.vnnlib", network, 0.004)
    result = run("plant", network, folder / "spec.vnnlib", "--out", folder / "suite", "--twin", request.param)
    assert result.exit_code == 0, result.output
    return load_suite(folder / "suite"), TwinKind(request.param)


def test_a_twin_of_another_kind_certifies(other_twin):
    suite, kind = other_twin
    assert certify_suite(suite, str) == {Expected.VIOLATED: 1, Expected.HOLDS: 2, Expected.UNKNOWN: 0}
    assert {suite.ground_truth[f"net-spec-{role}"].twin_kind for role in ("armed", "twin")} == {kind}


def test_a_crowd_is_one_of_needles_that_act_alone(other_twin):
    suite, kind = other_twin
    armed = next(each for each in suite.instances if each.name == "net-spec-armed")
    tip = suite.ground_truth[armed.name].hiding.tensor
    assert read_graph(armed.onnx).sizes[tip] == (4 if kind is TwinKind.CROWD else 1)


def test_intervals_must_prove_what_gets_a_scaled_twin(tmp_path):
    network = acas(tmp_path / "net.onnx", depth=6, width=50)
    spec = robustness(tmp_path / "spec.vnnlib", network, 0.02)
    line = last_line(run("plant", network, spec, "--out", tmp_path / "out", "--twin", "scaled"), 2)
    assert "interval bounds do not prove it" in line
    assert "--twin" in line


# --- looking for more slack


def test_of_two_proofs_the_one_with_more_slack_is_kept(given_gemm):
    graph, unsafe = read_graph(given_gemm[0]), read_property(given_gemm[1])
    proof = search(graph, unsafe, 0.0, Hints(), 500)
    better = with_more_slack(graph, unsafe, proof, proof.slack / 8, 500)
    assert better.slack >= proof.slack / 4
    assert check(graph, unsafe, better) == better.slack
    assert with_more_slack(graph, unsafe, proof, proof.slack, 1) == proof


# --- what else may be given


def test_a_property_that_hardly_holds_is_of_the_track_tight(given_gemm, tmp_path):
    graph = read_graph(given_gemm[0])
    region = read_property(given_gemm[1]).regions[0]
    asked = Constraint(((0, Fraction(-1)),), Fraction(0))
    least = slacks(graph, [asked], region_box(region, INFLATION), {})[0]
    # Y_0 >= bound, where Y_0 is proven to stay below by no more than 1e-5.
    bound = Fraction(float(1e-5 - least))
    unsafe = Property(10, 3, (Region(region.inputs, (replace(asked, bound=-bound),)),))
    (tmp_path / "spec.vnnlib").write_text(format_property(unsafe))
    result = run("plant", given_gemm[0], tmp_path / "spec.vnnlib", "--out", tmp_path / "out", "--boxes", "1")
    assert result.exit_code == 0, result.output
    assert "evaluate --level thorough" in result.stdout
    suite = load_suite(tmp_path / "out")
    assert {known.track for known in suite.ground_truth.values()} == {Track.TIGHT}
    assert certify_suite(suite, str) == {Expected.VIOLATED: 1, Expected.HOLDS: 2, Expected.UNKNOWN: 0}
    witness = suite.ground_truth["net-spec-armed"].witness
    assert min(witness.margin_float32, witness.margin_rigorous) >= 4 * witness.float32_error
    assert chosen(suite, Level.STANDARD) == ()
    assert len(chosen(suite, Level.THOROUGH)) == 3


def test_files_of_odd_names(given_gemm, tmp_path):
    network, spec = (shutil.copy(path, tmp_path / f"a, b (1) ü{path.suffix}") for path in given_gemm)
    assert run("plant", network, spec, "--out", tmp_path / "out").exit_code == 0
    names = [each.name for each in load_suite(tmp_path / "out").instances]
    assert names == [f"a__b__1___-a__b__1___-{role}" for role in ROLES]


def test_a_conjunction_that_two_outputs_must_meet(tmp_path):
    """As property 3 of ACAS Xu: one output is the smallest."""
    network = acas(tmp_path / "net.onnx", seed=2)
    spec = robustness(tmp_path / "spec.vnnlib", network, 0.01)
    unsafe = read_property(spec)
    label = dict(unsafe.regions[0].outputs[0].terms)
    largest = next(index for index, factor in label.items() if factor > 0)
    rows = tuple(
        Constraint(tuple(sorted({largest: Fraction(1), other: Fraction(-1)}.items())), Fraction(0))
        for other in range(5)
        if other != largest
    )
    spec.write_text(format_property(Property(5, 5, (Region(unsafe.regions[0].inputs, rows),))))
    result = run("plant", network, spec, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert certify_suite(load_suite(tmp_path / "out"), str)[Expected.VIOLATED] == 1


def test_numbers_that_are_too_large_are_told_in_one_line(given_gemm, tmp_path):
    spec = tmp_path / "spec.vnnlib"
    for row in ("(<= Y_0 -1e400)", "(<= Y_0 -1e39)"):
        spec.write_text(f"{given_gemm[1].read_text()}(assert {row})\n")
        line = last_line(run("plant", given_gemm[0], spec, "--out", tmp_path / "out"), 2)
        assert line.endswith(
            f"{spec}: has a number above 3.4e+38, the largest of float32; leave out what no network can reach"
        )
    row, one = Constraint(((0, Fraction(1)),), Fraction(0)), Interval(Fraction(0), Fraction(1))
    check_numbers(spec, Property(1, 1, (Region((one,), (row,)),)))
    for inputs, outputs in (
        (replace(one, lower=Fraction("-1e400")), row),
        (replace(one, upper=Fraction("1e400")), row),
        (one, replace(row, terms=((0, Fraction("1e400")),))),
    ):
        with pytest.raises(InputError, match=r"^spec.vnnlib: has a number above"):
            check_numbers(Path("spec.vnnlib"), Property(1, 1, (Region((inputs,), (outputs,)),)))
