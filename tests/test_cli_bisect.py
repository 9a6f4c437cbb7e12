import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import fake_releases
import pytest
from click.testing import CliRunner
from small_suite import small_suite
from soundbench.cli import main

SLIPPED, RECOVERED, PATCHY = (f"fake_releases:{name}" for name in ("Slipped", "Recovered", "Patchy"))
TESTS = Path(__file__).parent


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("soundbench.suite.load_suite", lambda _: small_suite(tmp_path / "suite"), raising=False)
    for kind in (fake_releases.Patchy, fake_releases.Uninstallable):
        monkeypatch.setattr(kind, "installed", set(kind.installed))
    return tmp_path


def bisect(*arguments):
    return CliRunner().invoke(main, ["bisect", *arguments])


def test_a_finding_is_followed_to_its_release(folder):
    result = bisect(SLIPPED, "--out", "run", "--json", "report.json")
    assert result.exit_code == 1, result.output
    assert "unsound on armed: first bad 1.3, last bad 1.11; last good before 1.2" in result.stdout
    assert "nothing is known of what was not run: a bug may have come and gone" in result.stdout
    assert "run folder: run" in result.stdout
    content = json.loads((folder / "report.json").read_text())
    (finding,) = content["findings"]
    assert (finding["first_bad"], finding["last_good_before"]) == ("1.3", "1.2")
    assert finding["evidence"].keys() == {v for v, word in finding["outcomes"].items() if word == "unsound"}
    for evidence in finding["evidence"].values():
        assert (folder / evidence / "replay.py").exists()
        assert f"evidence {Path(evidence).name.split('==')[1].split('-')[0]} -> {evidence}" in result.stdout
    assert content["releases"][f"{SLIPPED}==1.0"]["outcomes"] == {"correct": 3}


def test_no_finding_is_no_failure():
    result = bisect("fake_releases:Sound", "--out", "run")
    assert result.exit_code == 0
    assert "no finding in what was run" in result.stdout
    assert "fake_releases:Sound==2: not run" in result.stdout


def test_what_cannot_be_installed_is_told():
    result = bisect(PATCHY, "--out", "run")
    assert result.exit_code == 1
    assert f"installs {PATCHY}==2" in result.stderr
    assert f"{PATCHY}==4: left out: {PATCHY}==4 could not be installed: no such package" in result.stdout
    assert "  not installed  1, 4\n" in result.stdout


def test_a_dry_run_prints_the_plan_and_does_nothing(folder):
    result = bisect(PATCHY, "--dry-run")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"{PATCHY}==1 is installed first",
        f"{PATCHY}==2 is installed if a finding makes it necessary",
        f"{PATCHY}==3 is installed",
        f"{PATCHY}==4 is installed if a finding makes it necessary",
        f"{PATCHY}==5 is installed",
        f"{PATCHY}==6 is installed if a finding makes it necessary",
        f"{PATCHY}==7 is installed",
        f"{PATCHY}==1 and {PATCHY}==7 run on 3 instances",
        "for each finding up to 5 of the releases in between run on its instance, halving them",
    ]
    assert not (folder / "runs").exists()


def test_instances_and_releases_can_be_chosen(folder):
    result = bisect(RECOVERED, "--only", "tw*", "--versions", "2.0..", "--out", "run")
    assert result.exit_code == 0
    lines = [json.loads(line) for line in (folder / "run" / "results.jsonl").read_text().splitlines()]
    assert {(line["version"], line["instance"]) for line in lines} == {("2.0", "twin"), ("10.0", "twin")}


def test_the_same_command_again_runs_nothing_and_reports_the_same():
    first, second = (bisect(SLIPPED, "--out", "run") for _ in range(2))
    assert "[1/" in first.stderr
    assert second.stderr == ""
    assert first.stdout == second.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["reference"], "has no versions to choose from"),
        ([f"{SLIPPED}==1.0"], "without its version"),
        ([SLIPPED, "--only", "nothing"], "no instance of this level matches 'nothing'"),
        ([SLIPPED, "--versions", "2"], "A..B"),
        ([SLIPPED, "--json", "/proc/x.json"], "/proc/x.json"),
        ([SLIPPED, "-o", "slipped.depth=1"], "no option depth"),
        (["fake_releases:Uninstallable", "--out", "run"], "no release can be installed: "),
    ],
)
def test_wrong_input_is_one_line(arguments, words):
    result = bisect(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr.splitlines()[-1]
    assert result.stdout == ""


def test_a_stopped_one_goes_on_where_it_was(folder, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(TESTS), prepend=os.pathsep)
    command = [sys.executable, str(TESTS / "small_suite.py"), str(folder / "suite"), "bisect", SLIPPED, "--out", "run"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    first = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert "[1/6]" in first
    assert process.returncode == 130
    assert errors.splitlines()[-1].endswith(f"go on with: soundbench bisect {SLIPPED} --out run")
    kept = (folder / "run" / "results.jsonl").read_text()
    result = bisect(SLIPPED, "--out", "run")
    assert "first bad 1.3, last bad 1.11; last good before 1.2" in result.stdout
    assert (folder / "run" / "results.jsonl").read_text().startswith(kept)
