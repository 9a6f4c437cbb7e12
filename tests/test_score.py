"""Results that were made elsewhere get the judge of `evaluate`; three mistakes of a published grader are not ours."""

import csv
import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from planted import ARMED, CLEAN, CROWD_ARMED, CROWD_TWIN, MISALIGNED_ARMED, MISALIGNED_TWIN, TWIN, repair_hashes
from small_networks import unsafe_set
from soundbench.cli import main
from vnncomp_tree import counterexample_name, row, witness_text, write_results

from soundbench.claim import Claim
from soundbench.errors import InputError
from soundbench.found_results import find_results, split_name, verifier_of
from soundbench.ground_truth import Expected
from soundbench.judge import Assessment
from soundbench.places import places_of
from soundbench.score import judge_results, summarise_results
from soundbench.suite import load_suite, replace_ground_truth
from soundbench.vnnlib_writing import format_property

ELSEWHERE = "/home/ubuntu/vnncomp2026_benchmarks/benchmarks/tiny/1.0"
EVERY = (ARMED, TWIN, MISALIGNED_ARMED, MISALIGNED_TWIN, CROWD_ARMED, CROWD_TWIN, CLEAN)


@pytest.fixture
def suite(suite_copy):
    """The tiny suite, of whose last pair nothing is known."""
    known = dict(load_suite(suite_copy).ground_truth)
    for name in (CROWD_ARMED, CROWD_TWIN):
        known[name] = replace(known[name], expected=Expected.UNKNOWN, witness=None, proof=None, hiding=None)
    replace_ground_truth(suite_copy, known)
    return load_suite(suite_copy)


@pytest.fixture
def original(tiny_suite):
    """The suite with all that is known."""
    return load_suite(tiny_suite)


def words(suite, said, root=ELSEWHERE, seconds=1.0):
    return [row(suite, name, word, root, seconds) for name, word in said.items()]


def judged(suite, *named):
    places = places_of(suite)
    found = [find_results(str(each), places) for each in named]
    return {
        (each.judgement.result.verifier, each.judgement.result.instance): each
        for each in judge_results(suite, found, lambda _: None).judged
    }


def assessments(suite, *named):
    return {key: (each.judgement.assessment, each.judgement.remark) for key, each in judged(suite, *named).items()}


def score(*arguments):
    return CliRunner().invoke(main, ["score", *map(str, arguments)])


def test_every_row_of_a_tree_is_judged_as_it_should_be(suite, original, tmp_path):
    cex = {name: counterexample_name(original, name) for name in EVERY}
    text = {name: witness_text(original, name) for name in (ARMED, MISALIGNED_ARMED, CROWD_ARMED)}
    honest = write_results(
        tmp_path / "honest" / "2026_tiny",
        words(suite, {ARMED: "sat", TWIN: "unsat", MISALIGNED_ARMED: "timeout", CROWD_ARMED: "sat", CLEAN: "unsat"}),
        {cex[ARMED]: text[ARMED], cex[CROWD_ARMED]: f"sat\n{text[CROWD_ARMED]}"},
    )
    liar = write_results(
        tmp_path / "liar" / "2026_tiny",
        words(suite, {ARMED: "unsat", TWIN: "sat", MISALIGNED_ARMED: "sat", CROWD_ARMED: "unsat", CROWD_TWIN: "sat"}),
        {cex[MISALIGNED_ARMED]: text[ARMED], cex[TWIN]: text[ARMED]},
    )
    quiet = write_results(
        tmp_path / "quiet" / "2026_tiny",
        words(
            suite, {ARMED: "sat", TWIN: "error_exit_code_1", MISALIGNED_ARMED: "unknown", CLEAN: "sat", CROWD_TWIN: ""}
        ),
        {"unrelated": "sat"},
    )
    assert assessments(suite, honest, liar, quiet) == {
        ("honest", ARMED): (Assessment.CORRECT, None),
        ("honest", TWIN): (Assessment.CORRECT, None),
        ("honest", MISALIGNED_ARMED): (Assessment.INCONCLUSIVE, None),
        ("honest", CROWD_ARMED): (Assessment.CORRECT, "new-witness"),
        ("honest", CLEAN): (Assessment.CORRECT, None),
        ("liar", ARMED): (Assessment.UNSOUND, None),
        ("liar", TWIN): (Assessment.FALSE_ALARM, None),
        ("liar", MISALIGNED_ARMED): (Assessment.BAD_WITNESS, None),
        ("liar", CROWD_ARMED): (Assessment.UNCONFIRMED, None),
        ("liar", CROWD_TWIN): (Assessment.UNCONFIRMED, "no-witness"),
        ("quiet", ARMED): (Assessment.CORRECT, "no-witness"),
        ("quiet", TWIN): (Assessment.INCONCLUSIVE, None),
        ("quiet", MISALIGNED_ARMED): (Assessment.INCONCLUSIVE, None),
        ("quiet", CLEAN): (Assessment.FALSE_ALARM, None),
        ("quiet", CROWD_TWIN): (Assessment.INCONCLUSIVE, None),
    }


@pytest.mark.parametrize(
    ("word", "claim"),
    [
        ("unsat", Claim.VERIFIED),
        ("UNSAT", Claim.VERIFIED),
        ("safe", Claim.VERIFIED),
        ("sat", Claim.FALSIFIED),
        ("unsafe", Claim.FALSIFIED),
        ("timeout", Claim.TIMEOUT),
        ("run_instance_timeout", Claim.TIMEOUT),
        ("no_result_in_file", Claim.UNKNOWN),
        ("error_exit_code_139", Claim.ERROR),
        ("unsat_maybe", Claim.ERROR),
        ("notsafe", Claim.ERROR),
        ("true", Claim.ERROR),
    ],
)
def test_words_are_matched_whole(suite, tmp_path, word, claim):
    """`sat` is in `unsat`, and `safe` in `unsafe`: a grader that looks for them takes each for the other."""
    results = write_results(tmp_path / "tool", words(suite, {TWIN: word}))
    assert judged(suite, results)["tool", TWIN].judgement.result.claim is claim


def five_columns(suite, said, folder="/host/tiny"):
    columns = [row(suite, name, word, ".") for name, word in said.items()]
    return [[folder, onnx, vnnlib, word, seconds] for _, onnx, vnnlib, _, word, seconds in columns]


def test_rows_of_five_and_of_six_columns_say_the_same(suite, tmp_path):
    """A grader that keeps rows of five columns alone takes VNN-COMP's six for no results."""
    said = {ARMED: "unsat", TWIN: "unsat", CLEAN: "timeout"}
    five, six = tmp_path / "five", tmp_path / "six"
    write_results(five, five_columns(suite, said))
    write_results(six, words(suite, said))
    found = assessments(suite, five, six)
    assert len(found) == 6
    for name in said:
        assert found["five", name] == found["six", name]


def test_pyrat_says_true_and_false_in_five_columns(suite, tmp_path):
    results = write_results(tmp_path / "pyrat", five_columns(suite, {ARMED: "true", TWIN: "False", CLEAN: "None"}))
    claims = [judged(suite, results)["pyrat", name].judgement.result.claim for name in (ARMED, TWIN, CLEAN)]
    assert claims == [Claim.VERIFIED, Claim.FALSIFIED, Claim.ERROR]


def test_the_order_of_rows_means_nothing(suite, tmp_path):
    """A grader that takes the first rows for those with a counterexample accuses the wrong ones once they move."""
    said = {ARMED: "unsat", TWIN: "unsat", MISALIGNED_ARMED: "sat", MISALIGNED_TWIN: "unknown", CLEAN: "unsat"}
    one = write_results(tmp_path / "one" / "tool", words(suite, said))
    other = write_results(tmp_path / "other" / "tool", words(suite, said)[::-1])
    lacking = write_results(tmp_path / "lacking" / "tool", words(suite, {ARMED: "unsat"}))
    assert assessments(suite, one) == assessments(suite, other)
    assert assessments(suite, lacking) == {("tool", ARMED): (Assessment.UNSOUND, None)}


@pytest.mark.parametrize(
    ("said", "claim", "raw"),
    [
        (["unsat", "unsat"], Claim.VERIFIED, "unsat"),
        (["timeout", "unsat"], Claim.VERIFIED, "unsat"),
        (["timeout", "unknown"], Claim.TIMEOUT, "timeout"),
        (["unsat", "sat"], Claim.ERROR, "two answers: unsat, sat"),
    ],
)
def test_rows_that_repeat_an_instance(suite, tmp_path, said, claim, raw):
    rows = [row(suite, TWIN, word, ELSEWHERE) for word in said]
    result = judged(suite, write_results(tmp_path / "tool", rows))["tool", TWIN].judgement.result
    assert (result.claim, result.raw) == (claim, raw)


def test_a_heading_and_rows_of_other_benchmarks_are_passed_over(suite, tmp_path):
    foreign = ["test", "/x/test/onnx/test_nano.onnx", "/x/test/vnnlib/test_nano.vnnlib", ".006", "unsat", "17.8"]
    heading = ["category", "onnx", "vnnlib", "prepare_time", "result", "run_time"]
    results = write_results(tmp_path / "tool", [heading, foreign, row(suite, TWIN, "unsat", ELSEWHERE)])
    result = score(suite.root, results, "--min-exercised", "0")
    assert result.exit_code == 0, result.output
    assert f"{results / 'results.csv'}: rows of other instances, passed over: 1" in result.stdout
    assert f"{results / 'results.csv'}: instances without a row, of the suite's 7: 6" in result.stdout


def test_rows_of_another_benchmark_with_the_same_names_accuse_nobody(suite, tmp_path):
    """Names such as `model` and `0` are in many benchmarks."""
    own = row(suite, ARMED, "timeout", ELSEWHERE)
    theirs = ["cora_2024", *(path.replace(ELSEWHERE, "/cora_2024") for path in own[1:3]), "0.1", "unsat", "1.0"]
    results = write_results(tmp_path / "tool", [own, theirs])
    refused = score(suite.root, results, "--min-exercised", "0")
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert "line 1 of tiny and line 2 of cora_2024 may both be of this suite" in refused.stderr
    chosen = score(suite.root, results, "--min-exercised", "0", "--category", "tiny")
    assert chosen.exit_code == 0, chosen.output
    assert score(suite.root, results, "--category", "acasxu").exit_code == 2


def test_rows_of_one_category_that_differ_in_their_folders_are_refused(suite, tmp_path):
    other = row(suite, ARMED, "unsat", "/elsewhere/still")
    other[1:3] = [path.replace("onnx/", "onnx/deep/").replace("vnnlib/", "vnnlib/deep/") for path in other[1:3]]
    results = write_results(tmp_path / "tool", [row(suite, ARMED, "timeout", ELSEWHERE), other])
    with pytest.raises(InputError, match=rf"lines 1 and 2 may both be of {ARMED}"):
        find_results(str(results), places_of(suite))


def test_one_table_of_all_benchmarks_has_counterexamples_in_folders(suite, original, tmp_path):
    tool = tmp_path / "tool"
    write_results(tool / "2026_tiny", [], {counterexample_name(original, ARMED): witness_text(original, ARMED)})
    write_results(tool, words(suite, {ARMED: "sat"}))
    assert assessments(suite, tool) == {("tool", ARMED): (Assessment.CORRECT, None)}


def test_a_run_of_ours_scores_as_it_was_judged(suite, original, tmp_path):
    own = tmp_path / "run"
    write_results(own, [["tiny", *row(suite, ARMED, "sat", ".")[1:]]])
    (own / "counterexamples" / "reference").mkdir(parents=True)
    (own / "counterexamples" / "reference" / f"{ARMED}.txt").write_text(witness_text(original, ARMED))
    for named in (own, f"reference={own}", own / "results.csv"):
        assert assessments(suite, named) == {("reference", ARMED): (Assessment.CORRECT, None)}


def test_a_run_of_several_verifiers_has_a_table_each(suite, tmp_path):
    for name in ("one", "two"):
        write_results(tmp_path / "run", words(suite, {TWIN: "unsat"}))
        (tmp_path / "run" / "results.csv").rename(tmp_path / "run" / f"results-{name}.csv")
    result = score(suite.root, tmp_path / "run", "--min-exercised", "0")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0].split() == ["one", "two"]


def test_the_summary_of_a_run_is_that_of_its_evaluation(tiny_suite, tmp_path):
    verifier, evaluated, scored = "fake_verifiers:SaysVerified", tmp_path / "e.json", tmp_path / "s.json"
    options = ["--suite", str(tiny_suite), "--out", str(tmp_path / "run"), "--json", str(evaluated)]
    assert CliRunner().invoke(main, ["evaluate", verifier, *options]).exit_code == 1
    assert score(tiny_suite, f"{verifier}={tmp_path / 'run'}", "--json", scored).exit_code == 1
    (first,), (second,) = (json.loads(path.read_text()) for path in (evaluated, scored))
    assert first.keys() == second.keys()
    for findings in (first["findings"], second["findings"]):
        for finding in findings:
            finding["evidence"] = None
    assert {key: value for key, value in first.items() if key not in ("version", "seconds")} == {
        key: value for key, value in second.items() if key not in ("version", "seconds")
    }


def test_a_link_beside_a_table_is_no_counterexample(suite, original, tmp_path):
    results = write_results(tmp_path / "tool", words(suite, {ARMED: "sat"}))
    (tmp_path / "secret").write_text(witness_text(original, ARMED))
    (results / f"{counterexample_name(original, ARMED)}.counterexample").symlink_to(tmp_path / "secret")
    assert assessments(suite, results) == {("tool", ARMED): (Assessment.CORRECT, "no-witness")}


@pytest.mark.parametrize("damage", ["truncated", "above the limit"])
def test_a_counterexample_that_cannot_be_read_is_an_error_of_its_row_alone(
    suite, original, tmp_path, monkeypatch, damage
):
    name = counterexample_name(original, ARMED)
    texts = {name: witness_text(original, ARMED)}
    good = write_results(tmp_path / "good", words(suite, {ARMED: "sat"}), texts)
    damaged = write_results(tmp_path / "damaged", words(suite, {ARMED: "sat", TWIN: "sat"}), texts)
    file = damaged / f"{name}.counterexample.gz"
    if damage == "truncated":
        file.write_bytes(file.read_bytes()[:-9])
    else:
        monkeypatch.setattr("soundbench.found_results.RESULT_LIMIT_BYTES", len(texts[name]))
        file.write_bytes(gzip.compress(b" " + texts[name].encode()))
    found = judged(suite, good, damaged)
    assert found["good", ARMED].judgement.assessment is Assessment.CORRECT
    assert found["damaged", TWIN].judgement.assessment is Assessment.FALSE_ALARM
    judgement = found["damaged", ARMED].judgement
    assert (judgement.result.claim, judgement.assessment) == (Claim.ERROR, Assessment.INCONCLUSIVE)
    assert judgement.result.raw.startswith(f"counterexample cannot be read: {file}: ")


def instance_of(suite, name):
    return next(each for each in suite.instances if each.name == name)


def test_an_instance_that_cannot_be_read_counts_for_nobody_and_the_others_are_judged(suite, tmp_path):
    said = dict.fromkeys((ARMED, TWIN, MISALIGNED_ARMED), "unsat")
    results = write_results(tmp_path / "tool", words(suite, said))
    instance_of(suite, ARMED).vnnlib.write_text("(assert")
    instance_of(suite, TWIN).onnx.write_bytes(b"no network")
    found = [find_results(str(results), places_of(suite))]
    scored = judge_results(suite, found, lambda _: None)
    assert [each.judgement.result.instance for each in scored.judged] == [MISALIGNED_ARMED]
    assert scored.unreadable.keys() == {ARMED, TWIN}
    for name, file in ((ARMED, instance_of(suite, ARMED).vnnlib), (TWIN, instance_of(suite, TWIN).onnx)):
        assert scored.unreadable[name].startswith(f"{file}:")


def test_a_property_of_another_size_cannot_be_judged(suite, tmp_path):
    results = write_results(tmp_path / "tool", words(suite, {ARMED: "sat"}))
    property_file = instance_of(suite, ARMED).vnnlib
    property_file.write_text(format_property(unsafe_set(1, 1, "(>= X_0 0)", "(<= X_0 1)", "(>= Y_0 0)")))
    scored = judge_results(suite, [find_results(str(results), places_of(suite))], lambda _: None)
    assert "has 10 inputs, its property 1" in scored.unreadable[ARMED]


def test_who_refutes_us_stops_all_accusations(suite, original, tmp_path):
    known = dict(suite.ground_truth)
    known[ARMED] = replace(known[ARMED], expected=Expected.HOLDS)
    wrong = replace(suite, ground_truth=known)
    texts = {counterexample_name(original, ARMED): witness_text(original, ARMED)}
    one = write_results(tmp_path / "one", words(suite, {ARMED: "sat"}), texts)
    two = write_results(
        tmp_path / "two", words(suite, {ARMED: "sat"}), {counterexample_name(original, ARMED): "((X_0 9))"}
    )
    found = assessments(wrong, one, two)
    assert found["one", ARMED][0] is Assessment.REFUTED
    assert found["two", ARMED] == (Assessment.UNCONFIRMED, "ground-truth-refuted")


class TestCommand:
    def test_summary_is_that_of_evaluate_and_evidence_is_kept(self, suite, tmp_path):
        results = write_results(tmp_path / "tool", words(suite, dict.fromkeys(EVERY, "unsat")))
        files = ["--json", tmp_path / "s.json", "--rows", tmp_path / "rows.csv", "--out", tmp_path / "evidence"]
        result = score(suite.root, results, *files)
        assert result.exit_code == 1, result.output
        (summary,) = json.loads((tmp_path / "s.json").read_text())
        assert (summary["verifier"], summary["unsound"], summary["pairs_exercised"]) == ("tool", 2, 1)
        assert summary["unverifiable_verified_ratio"] == 1.0
        assert all(
            (tmp_path / "evidence" / f"tool-{each}" / "replay.py").exists() for each in (ARMED, MISALIGNED_ARMED)
        )
        with (tmp_path / "rows.csv").open(newline="") as file:
            rows = {each["instance"]: each for each in csv.DictReader(file)}
        assert set(rows) == set(EVERY)
        assert (rows[ARMED]["assessment"], rows[ARMED]["vnncomp_points"], rows[ARMED]["our_points"]) == (
            "unsound",
            "10",
            "-150",
        )
        assert "  tool: 70 and -270" in result.stdout
        assert "tool, +10 and -150: no tool showed a valid counterexample, which decides there" in result.stdout

    def test_what_could_become_ground_truth_is_told(self, suite, original, tmp_path):
        texts = {counterexample_name(original, CROWD_ARMED): witness_text(original, CROWD_ARMED)}
        results = write_results(tmp_path / "tool", words(suite, {CROWD_ARMED: "sat"}), texts)
        result = score(suite.root, results, "--min-exercised", "0")
        command = f"soundbench witness add {suite.root} {results / 'results.csv'}"
        told = f"instances without ground truth whose counterexamples replay: 1; add them with: {command}"
        assert result.stdout.splitlines()[-1] == told

    def test_what_cannot_be_read_is_told_and_is_exit_code_2_unless_there_is_a_finding(self, suite, tmp_path):
        results = write_results(tmp_path / "tool", words(suite, {ARMED: "unsat", MISALIGNED_ARMED: "timeout"}))
        property_file = instance_of(suite, ARMED).vnnlib
        property_file.write_text("(assert")
        repair_hashes(suite.root)
        result = score(suite.root, results, "--min-exercised", "0")
        assert result.exit_code == 2, result.output
        assert result.stderr.splitlines()[-1].startswith(
            f"{ARMED} is not judged, since it cannot be read: {property_file}:1: "
        )
        assert "instances that count for and against nobody, since they cannot be read: 1" in result.stdout
        write_results(tmp_path / "tool", words(suite, {ARMED: "unsat", MISALIGNED_ARMED: "unsat"}))
        assert score(suite.root, results, "--min-exercised", "0").exit_code == 1

    def test_without_a_folder_the_report_speaks_of_none(self, suite, tmp_path):
        results = write_results(tmp_path / "tool", words(suite, {ARMED: "unsat"}))
        result = score(suite.root, results)
        assert result.exit_code == 1
        assert "tool made 1 unsound claim; the suite has no pair that could show how much that means." in result.stdout

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("", "has no rows; give a table of the form category,onnx,vnnlib"),
            ("a,b,c\n", "results.csv:1: 3 columns; give rows of the form"),
            ("a,onnx/n.onnx,vnnlib/p.vnnlib,0,unsat,soon\n", "results.csv:1: '0' or 'soon' is no number of seconds"),
            ("a,onnx/n.onnx,vnnlib/p.vnnlib,0,unsat,nan\n", "results.csv:1: '0' or 'nan' is no number of seconds"),
            ("a,onnx/n.onnx,vnnlib/p.vnnlib,0,unsat,1\n", "none of its 1 rows is of an instance of this suite"),
        ],
    )
    def test_a_table_of_something_else_is_refused(self, suite, tmp_path, content, message):
        (tmp_path / "results.csv").write_text(content)
        result = score(suite.root, tmp_path)
        assert (result.exit_code, result.stdout) == (2, ""), result.output
        assert message in result.stderr
        assert len(result.stderr.splitlines()) == 1

    def test_two_verifiers_of_one_name_are_refused_and_can_be_named(self, suite, tmp_path):
        for name in ("one", "two"):
            write_results(tmp_path / name / "tool", words(suite, {TWIN: "unsat"}))
        both = [tmp_path / "one" / "tool", tmp_path / "two" / "tool"]
        result = score(suite.root, *both)
        assert result.exit_code == 2
        assert "another verifier is called tool, too; name this one: NAME=PATH" in result.stderr
        result = score(suite.root, both[0], f"new={both[1]}", "--min-exercised", "0")
        assert result.exit_code == 0
        assert "new made no unsound claim" in result.stdout

    def test_no_such_file_is_refused(self, suite, tmp_path):
        for path in ("none.csv", "name=none.csv", str(tmp_path / "nothing")):
            result = score(suite.root, path)
            assert (result.exit_code, "no such file or folder" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("neuralsat/2025_soundnessbench/results.csv", "neuralsat"),
        ("neuralsat/results.csv", "neuralsat"),
        ("x/results/abcrown_act.csv", "abcrown_act"),
        ("runs/demo/results-marabou.csv", "marabou"),
        ("runs/demo/results.csv", "demo"),
    ],
)
def test_verifiers_are_called_as_their_tables_are(tmp_path, path, name):
    assert verifier_of(tmp_path / path) == name


@pytest.mark.parametrize(
    ("named", "name", "path"),
    [
        ("a", "", "a"),
        ("tool=a", "tool", "a"),
        ("marabou==2.0.0=a", "marabou==2.0.0", "a"),
        ("b=c", "", "b=c"),
        ("t=b=c", "t", "b=c"),
    ],
)
def test_names_may_hold_a_version_and_paths_an_equals_sign(tmp_path, monkeypatch, named, name, path):
    monkeypatch.chdir(tmp_path)
    for each in ("a", "b=c"):
        (tmp_path / each).write_text("")
    assert split_name(named) == (name, Path(path))


def test_a_row_that_may_be_of_several_instances_is_refused(suite, tmp_path):
    results = write_results(tmp_path / "tool", words(suite, {TWIN: "unsat"}))
    places = places_of(suite)
    known = places.find
    places.find = lambda sought: [*known(sought), "another"]
    with pytest.raises(InputError, match=r"results.csv:1: .* may be any of .*, another; give rows with longer paths"):
        find_results(str(results), places)


def test_ratios_are_of_what_is_proven_and_not_of_positions(suite, tmp_path):
    results = write_results(tmp_path / "tool", words(suite, {ARMED: "unsat", MISALIGNED_ARMED: "sat", CLEAN: "unsat"}))
    found = find_results(str(results), places_of(suite))
    judgements = [each.judgement for each in judge_results(suite, [found], lambda _: None).judged]
    (summary,) = summarise_results(suite, [found], judgements, None)
    assert (summary.unverifiable_verified_ratio, summary.unverifiable_falsified_ratio) == (0.5, 0.5)
    assert (summary.clean_verified_ratio, summary.clean_falsified_ratio) == (1.0, 0.0)
