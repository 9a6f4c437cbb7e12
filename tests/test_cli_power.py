"""The command line of `soundbench power`, and of `soundbench evaluate --fault`."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from planted import CROWD_ARMED, CROWD_TWIN, MISALIGNED_ARMED, MISALIGNED_TWIN, TINY, edit_truth, repair_hashes
from soundbench.cli import main

from soundbench.errors import InputError
from soundbench.ground_truth import Expected
from soundbench.parallel import Message
from soundbench.standing import Standing
from soundbench.suite import load_suite


def invoke(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


FAULTS = ("--faults", "gave-up-is-verified", "--faults", "last-disjunct-only", "--faults", "axis-order")


def test_help_has_examples_and_exit_codes():
    output = invoke("power", "--help").output
    assert "soundbench power --level smoke" in output
    assert "Exit codes: 0 some fault is caught, and none is too crude" in output


def test_help_explains_every_column_and_standing():
    words = [line.strip() for line in invoke("power", "--help").output.splitlines()]
    columns = ["standing", "run", "agrees", "there", "live", "caught", "controls", "seconds", "weakest"]
    for word in (*columns, *Standing):
        assert any(re.match(rf"{word}  +\S", line) for line in words), word


def test_a_suite_is_measured_and_the_same_command_goes_on(tiny_suite, folder):
    arguments = ("power", tiny_suite, *FAULTS, "--nodes", 20, "--json", "power.json", "--plot", "power.png")
    first = invoke(*arguments)
    assert first.exit_code == 0, first.output
    rows = {line.split()[0]: line.split() for line in first.stdout.splitlines() if line}
    assert rows["fault"][6:9] == ["live", "caught", "controls"]
    assert rows["gave-up-is-verified"][8:11] == ["3", "2", "1"]
    assert first.stdout.splitlines()[-1].startswith("a smallest set of instances that catches all of these (1): mlp-")
    assert "not exercised: last-disjunct-only, axis-order" in first.stdout
    assert "[7/7]" in first.stderr
    content = json.loads((folder / "power.json").read_text())
    assert [each["detected"] for each in content["faults"]] == [False, False, True]
    assert (folder / "power.png").stat().st_size > 1000
    again = invoke(*arguments)
    assert again.stdout == first.stdout
    assert "[" not in again.stderr


def test_every_fault_is_explained_on_a_line():
    result = invoke("power", "--list")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert len(lines) >= 25
    assert "child-lost: Of some splits the last child is never searched. Like NeuralVerification.jl #94." in lines
    assert invoke("power", "--list", "--faults", "child-lost").stdout.count("\n") == 1


def test_what_is_caught_is_recorded(suite_copy):
    result = invoke("power", suite_copy, "--faults", "gave-up-is-verified", "--nodes", 20, "--record")
    assert result.exit_code == 0, result.output
    truth = load_suite(suite_copy).ground_truth
    assert {name for name, each in truth.items() if each.catches} == {MISALIGNED_ARMED, CROWD_ARMED}
    assert truth[CROWD_ARMED].catches == ("gave-up-is-verified",)


def test_what_is_recorded_does_not_make_the_same_command_start_anew(suite_copy):
    arguments = ("power", suite_copy, "--faults", "gave-up-is-verified", "--nodes", 20, "--record")
    first, again = invoke(*arguments), invoke(*arguments)
    assert "[7/7]" in first.stderr
    assert (again.exit_code, again.stdout, again.stderr) == (0, first.stdout, "")


def test_a_fault_caught_on_controls_only_is_told_apart_and_is_exit_code_1(suite_copy):
    """The first pair of the suite, in the order of a level, may be any; so the other twins are made to be scaled."""
    for name in (MISALIGNED_TWIN, CROWD_TWIN):
        edit_truth(suite_copy, name, lambda entry: entry.update(twin_kind="scaled"))
    repair_hashes(suite_copy)
    result = invoke("power", suite_copy, "--faults", "gave-up-is-verified", "--nodes", 20, "--json", "power.json")
    assert result.exit_code == 1, result.output
    assert "controls only: gave-up-is-verified" in result.stdout
    (found,) = json.loads(Path("power.json").read_text())["faults"]
    assert (found["detected"], found["instances"], len(found["controls"])) == (False, [], 3)


def test_a_strength_can_be_named_and_every_strength_be_run(suite_copy):
    def run_of(*arguments):
        result = invoke("power", suite_copy, "--nodes", 5, "--limit", 1, "--json", "power.json", *arguments)
        assert result.exit_code in (0, 1), result.output
        return {each["strength"]: each["run"] for each in json.loads(Path("power.json").read_text())["faults"]}

    assert run_of("--faults", "bias-lost@0.01") == {0.01: 1}
    assert run_of("--faults", "bias-lost@0.01", "--faults", "bias-lost@0.2") == {0.2: 1, 0.01: 1}
    assert run_of("--faults", "bias-lost") == {0.2: 1, 0.1: 0, 0.03: 0, 0.01: 0}
    assert set(run_of("--faults", "bias-lost", "--all-strengths").values()) == {1}


def test_a_fault_that_escapes_is_exit_code_1(suite_copy):
    """Of armed instances whose twins nobody has time to prove."""
    result = invoke("power", suite_copy, "--faults", "gave-up-is-verified", "--nodes", 1, "--limit", 1)
    assert result.exit_code == 1, result.output
    assert "escapes: gave-up-is-verified" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--faults", "nonsense"], "there is no fault 'nonsense'; there are last-disjunct-only, "),
        (["--faults", "bias-lost@0.5"], "fault bias-lost has no strength 0.5; it has 0.2, 0.1, 0.03, 0.01 (share of"),
        (["--faults", "bias-lost@much"], "fault bias-lost@much: 'much' is no number"),
        (["--json", "missing/power.json"], "missing/power.json: cannot be written"),
        (["missing"], "missing/suite.json: no such file"),
    ],
)
def test_what_cannot_be_used_is_one_line(arguments, message):
    result = invoke("power", *arguments)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert message in line


@pytest.fixture
def labels(monkeypatch):
    """The verifiers that would be run."""
    asked = []

    def resolve_all(found, _settings):
        asked.extend(found)
        raise InputError("enough")

    monkeypatch.setattr("soundbench.registry.resolve_all", resolve_all)
    return asked


def test_faults_stand_in_the_place_of_the_reference_verifier(labels):
    invoke("evaluate", "marabou", "reference", "--fault", "child-lost", "--fault", "bias-lost@0.1")
    assert labels == ["marabou", "faulty:child-lost", "faulty:bias-lost@0.1"]


def test_all_faults_are_each_a_verifier(labels):
    invoke("evaluate", "reference", "--fault", "all")
    assert len(labels) == len(set(labels)) >= 25
    assert {label.partition(":")[0] for label in labels} == {"faulty"}


def test_a_fault_needs_the_reference_verifier():
    result = invoke("evaluate", "marabou", "--fault", "child-lost")
    assert result.exit_code == 2
    assert "--fault is for the verifier reference" in result.stderr


def test_a_verifier_of_ones_own_is_corrupted(suite_copy):
    """One that says unknown of everything proves no twin, so that what is made of its answer escapes."""
    arguments = ("--verifier", "fake_verifiers:Scripted", "--faults", "unknown-is-verified", "--timeout", 20)
    first = invoke("power", suite_copy, *arguments, "--limit", 2)
    assert first.exit_code == 1, first.output
    rows = {line.split()[0]: line.split() for line in first.stdout.splitlines() if line}
    assert rows["unknown-is-verified"][2:9] == ["escapes", "2", "0", "%", "0", "%", "2"]
    again = invoke("power", suite_copy, *arguments, "--limit", 2)
    assert (again.stdout, again.stderr) == (first.stdout, "")


def test_what_may_go_wrong_around_a_verifier_is_listed():
    result = invoke("power", "--verifier", "reference", "--list")
    line = "disjunct-dropped: Of several disjuncts the last is lost. Like NNV #315, NeuralSAT #20."
    assert line in result.stdout.splitlines()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--verifier", "nonsense"], "there is no verifier nonsense"),
        (["--verifier", "fake_verifiers:Missing"], "is not installed; run: soundbench verifiers install"),
        (["--verifier", "reference", "--faults", "child-lost"], "no corruption 'child-lost'; there are box-shrunk, "),
        (["--timeout", "5"], "--timeout is for --verifier"),
    ],
)
def test_a_verifier_that_cannot_be_corrupted_is_one_line(arguments, message):
    result = invoke("power", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr.splitlines()[-1]


STRICT = TINY.replace("[factors]\n", '[factors]\nform = ["strictly_inside"]\n')


def test_what_is_live_nowhere_is_searched_for_in_suites_that_are_made_once(tiny_suite, folder):
    """One fault reads strict bounds otherwise, which only the suite lacks; another one padding, which all lack."""
    (folder / "strict.toml").write_text(STRICT)
    names = ("bound-side-swap", "padding-side", "gave-up-is-verified")
    faults = [word for name in names for word in ("--faults", name)]
    arguments = ("power", tiny_suite, *faults, "--nodes", 20, "--search", 2, "--json", "power.json")
    first = invoke(*arguments, "--recipe", "strict.toml")
    assert first.exit_code == 1, first.output
    rows = {line.split()[0]: line.split() for line in first.stdout.splitlines() if line}
    assert rows["fault"][-1] == "search"
    assert rows["bound-side-swap"][-2:] == ["(seed", "2)"]
    assert rows["padding-side"][-3:] == ["none", "of", "0"]
    assert rows["gave-up-is-verified"][-1] == "1"
    assert "not revealed by any of 6 generated armed instances (seeds: 2, 3): padding-side (touches 0)" in first.stdout
    assert first.stderr.count("makes a suite with seed") == 2
    swap = next(each for each in json.loads((folder / "power.json").read_text())["faults"] if each["search"])
    revealed_by = swap["search"]["revealed_by"]
    assert load_suite(Path(revealed_by["suite"])).ground_truth[revealed_by["instance"]].expected is Expected.VIOLATED
    again = invoke(*arguments, "--recipe", "strict.toml")
    assert (again.exit_code, again.stdout, again.stderr) == (1, first.stdout, "")


def test_a_search_makes_suites_from_the_suites_own_recipe(tiny_suite):
    result = invoke("power", tiny_suite, "--faults", "padding-side", "--nodes", 20, "--search", 1)
    assert result.exit_code == 1, result.output
    assert "not revealed by any of 3 generated armed instances (seeds: 2): padding-side (touches 0)" in result.stdout


def test_a_search_needs_a_recipe_and_a_recipe_a_search(suite_copy):
    manifest = json.loads((suite_copy / "suite.json").read_text())
    del manifest["recipe"]
    (suite_copy / "suite.json").write_text(json.dumps(manifest))
    result = invoke("power", suite_copy, "--search", 1)
    assert result.exit_code == 2
    assert "suite.json: holds no recipe to make suites from; name one with --recipe" in result.stderr
    assert "[" not in result.stderr  # told before anything runs
    result = invoke("power", suite_copy, "--recipe", "recipe.toml")
    assert result.exit_code == 2
    assert "say how many with --search N" in result.stderr


@pytest.mark.parametrize(
    ("recipe", "message"),
    [("missing.toml", "missing.toml: no such recipe; name a file"), ("paper", "paper.toml: ")],
)
def test_a_recipe_that_cannot_be_searched_is_one_line_before_anything_runs(tiny_suite, recipe, message):
    result = invoke("power", tiny_suite, "--search", 1, "--recipe", recipe)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert message in line


def stopping_after(count: int):
    """Runs tasks in this process, until somebody stops it after so many messages."""

    def run(tasks, _jobs):
        told = []
        for task in tasks:
            task(told.append)
        for content in told[:count]:
            yield Message(0, content)
        raise KeyboardInterrupt

    return run


def test_stopped_while_it_tries_it_keeps_what_it_has_and_goes_on(suite_copy, monkeypatch):
    arguments = ("power", suite_copy, "--faults", "gave-up-is-verified", "--nodes", 20)
    with monkeypatch.context() as patched:
        patched.setattr("soundbench.parallel.run_parallel", stopping_after(3))
        first = invoke(*arguments)
    assert first.exit_code == 130
    assert first.stderr.splitlines()[-1].endswith("keeps 3 trials; start the same command to go on")
    assert "[4/4]" in invoke(*arguments).stderr


def test_stopped_while_it_makes_a_suite_it_leaves_none(tiny_suite, folder, monkeypatch):
    arguments = ("power", tiny_suite, "--faults", "padding-side", "--nodes", 20, "--search", 1)

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("soundbench.generate.plant_all", interrupted)
        first = invoke(*arguments)
    assert first.exit_code == 130
    assert first.stderr.splitlines()[-1].endswith(": not made; start the same command to go on")
    assert {path.suffix for path in (folder / "runs").iterdir()} == {".jsonl", ".toml"}
    assert "not revealed by any of 3 " in invoke(*arguments).stdout


@pytest.mark.parametrize(
    ("arguments", "standing"),
    [
        (["--faults", "gave-up-is-verified", "--nodes", "20"], "caught"),
        (["--verifier", "fake_verifiers:Scripted", "--faults", "unknown-is-verified", "--timeout", "20"], "escapes"),
    ],
)
def test_what_takes_an_ending_for_a_proof_is_not_too_crude(tiny_suite, monkeypatch, arguments, standing):
    monkeypatch.setattr("soundbench.standing.LEAST_INSTANCES", 1)
    invoke("power", tiny_suite, *arguments, "--json", "power.json")
    (found,) = json.loads(Path("power.json").read_text())["faults"]
    assert found["agreement"] < 0.8
    assert found["standing"] == standing


@pytest.mark.parametrize("more", [("--limit", "2"), ("--faults", "bias-lost@0.01"), ("--verifier", "reference")])
def test_a_part_of_a_measurement_is_not_recorded(suite_copy, more):
    result = invoke("power", suite_copy, "--record", *more)
    assert result.exit_code == 2
    assert "--record is of the reference verifier, a whole level" in result.stderr


def test_a_picture_is_refused_before_anything_runs(suite_copy):
    result = invoke("power", suite_copy, "--plot", "map.nonsense")
    assert result.exit_code == 2
    assert result.stderr.splitlines() == ["soundbench: map.nonsense: cannot be drawn; name a .png, .svg, .pdf file"]


def test_what_may_go_wrong_around_a_verifier_is_listed_before_it_is_installed():
    result = invoke("power", "--verifier", "fake_verifiers:Missing", "--list")
    assert result.exit_code == 0
    assert "box-shrunk: " in result.stdout
