import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from processes import is_running, wait_for
from soundbench.cli import main


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SOUNDBENCH_HOME", str(tmp_path))


def verifiers(*arguments):
    return CliRunner().invoke(main, ["verifiers", *arguments])


def test_the_list_says_what_is_installed():
    lines = {line.split()[0]: line for line in verifiers("list").output.splitlines()}
    assert {"marabou", "reference", "vnncomp:FOLDER", "MODULE:CLASS"} <= lines.keys()
    assert "not installed" in lines["marabou"]
    assert "not installed" not in lines["reference"]


def test_the_list_has_a_line_a_version():
    rows = [line.split()[:2] for line in verifiers("list").output.splitlines()]
    assert ["marabou", "2.0.0"] in rows
    assert ["marabou", "1.0.0"] in rows


def test_a_dry_run_prints_the_recipe_and_installs_nothing(tmp_path):
    needs, environment, together, alone = verifiers("install", "--dry-run", "auto_lirpa").output.splitlines()
    assert needs.startswith("# needs CPython 3.11")
    assert environment.endswith(f"-m venv {tmp_path / 'environments' / 'auto_lirpa-0.3'}")
    assert " torch==" in together
    assert alone.endswith("--no-deps auto_LiRPA==0.3 onnx2pytorch==0.6.0")
    assert list(tmp_path.iterdir()) == []
    assert "without an installation" in verifiers("install", "--dry-run", "reference").output


def test_what_cannot_be_installed_is_not_begun(tmp_path, monkeypatch):
    monkeypatch.setattr("soundbench.packaged.free_megabytes", lambda: 7)
    result = verifiers("install", "marabou")
    assert result.exit_code == 2
    assert "there are 7 MB: set SOUNDBENCH_HOME" in result.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_the_doctor_says_what_is_missing(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 99, 0, "final", 0))
    lines = verifiers("doctor").output.splitlines()
    said = {
        line.split()[0]: [each.split(maxsplit=1)[1] for each in lines if each.split()[0] == line.split()[0]]
        for line in lines
    }
    assert said["reference"] == ["ready"]
    assert "not installed: soundbench verifiers install marabou" in said["marabou"]
    assert "its packages are for CPython 3.8, 3.9, 3.10, 3.11: run soundbench with such a one" in said["marabou"]
    assert "name it as vnncomp:FOLDER" in said["vnncomp"][0]


def test_what_is_removed_is_gone(tmp_path):
    folder = tmp_path / "environments" / "marabou-2.0.0"
    folder.mkdir(parents=True)
    assert verifiers("remove", "marabou").output == f"marabou is removed from {folder}\n"
    assert not folder.exists()


def test_a_check_that_passes():
    result = verifiers("check", "fake_verifiers:Scripted")
    assert result.exit_code == 0
    assert [line.split()[:2] for line in result.stdout.splitlines()] == [
        ["ok", "violated:"],
        ["ok", "holds:"],
        ["ok", "unsupported:"],
    ]


def test_a_check_that_fails_says_why():
    result = verifiers("check", "fake_verifiers:SaysVerified")
    assert result.exit_code == 1
    assert "FAIL violated: verified" in result.stdout
    assert "it says: unsat" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "marabou"], "run: soundbench verifiers install marabou"),
        (["check", "nothing"], "known: "),
        (["check", "reference", "-o", "reference.depth=1"], "no option depth"),
        (["install", "nothing"], "known: "),
        (["install", "reference"], "comes without an installation"),
        (["remove", "marabou"], "is not installed"),
        (["remove", "reference"], "no installation of ours"),
        (["install", "vnncomp:/nonexistent"], "/nonexistent"),
    ],
)
def test_wrong_input_is_one_line(arguments, words):
    result = verifiers(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_check_leaves_no_verifier(tmp_path, monkeypatch, number):
    monkeypatch.setenv("FAKE_PID", str(tmp_path / "pids"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    code = "from soundbench.cli import main; main()"
    command = [sys.executable, "-c", code, "verifiers", "check", "fake_verifiers:Slow"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    (verifier,) = map(int, wait_for(tmp_path / "pids", 30).split())
    try:
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
        assert (process.returncode, errors) == (130, "soundbench: stopped\n")
        assert not is_running(verifier)
    finally:
        process.kill()
        if is_running(verifier):
            os.kill(verifier, signal.SIGKILL)
