"""The command line of `soundbench power`, and of `soundbench evaluate --fault`."""

import json

import pytest
from click.testing import CliRunner
from planted import ARMED, CROWD_ARMED, MISALIGNED_ARMED
from soundbench.cli import main

from soundbench.errors import InputError
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
    assert "Exit codes: 0 nothing escapes" in output


def test_a_suite_is_measured_and_the_same_command_goes_on(tiny_suite, folder):
    arguments = ("power", tiny_suite, *FAULTS, "--nodes", 20, "--json", "power.json", "--plot", "power.png")
    first = invoke(*arguments)
    assert first.exit_code == 0, first.output
    rows = {line.split()[0]: line.split() for line in first.stdout.splitlines() if line}
    assert rows["gave-up-is-verified"][5:7] == ["3", "3"]
    assert first.stdout.splitlines()[-1].startswith("These 1 instances catch all that is caught: mlp-near-1-")
    assert "not exercised: last-disjunct-only, axis-order" in first.stdout
    assert "[7/7]" in first.stderr
    content = json.loads((folder / "power.json").read_text())
    assert [each["detected"] for each in content["faults"]] == [True, False, False]
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
    assert {name for name, each in truth.items() if each.catches} == {ARMED, MISALIGNED_ARMED, CROWD_ARMED}
    assert truth[ARMED].catches == ("gave-up-is-verified",)


def test_a_fault_that_escapes_is_exit_code_1(suite_copy):
    """Of armed instances whose twins nobody has time to prove."""
    result = invoke("power", suite_copy, "--faults", "gave-up-is-verified", "--nodes", 1, "--limit", 1)
    assert result.exit_code == 1, result.output
    assert "escapes: gave-up-is-verified" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--faults", "nonsense"], "there is no fault 'nonsense'; there are last-disjunct-only, "),
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
    assert rows["unknown-is-verified"][2:7] == ["2", "0", "%", "2", "0"]
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
