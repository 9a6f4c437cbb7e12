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
