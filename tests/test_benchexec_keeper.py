"""What BenchExec makes of a command is told in our words, and nothing that it leaves alive survives."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from benchexec_here import WITH_BENCHEXEC
from click.testing import CliRunner
from processes import is_running, python, wait_for
from small_suite import small_suite
from soundbench.cli import main

from soundbench.benchexec_keeper import BenchExecKeeper, check_benchexec
from soundbench.claim import EndReason
from soundbench.errors import HarnessError, InputError
from soundbench.keeper import StoppedError, StopSignal
from soundbench.process import Limits, Request

HONEST = "test_evaluate:Honest"
LOOP = "while True: pass\n"
HALF_A_MINUTE = Limits(30.0)


@pytest.fixture
def scratch():
    with BenchExecKeeper() as keeper, keeper.scratch_folder() as folder:
        (folder / "task").mkdir()
        yield keeper, folder


def request(folder, code, limits, environment):
    return Request(python(code), folder / "task", environment, limits, folder / "log.txt")


@pytest.fixture
def run(scratch):
    """The ending of a Python program, and what it printed."""
    keeper, folder = scratch

    def run(code, limits=HALF_A_MINUTE, **environment):
        ending = keeper.run(request(folder, code, limits, environment))
        return ending, (folder / "log.txt").read_text()

    return run


@WITH_BENCHEXEC
@pytest.mark.parametrize(
    ("code", "limits", "reason", "exit_code", "signal"),
    [
        ("pass", HALF_A_MINUTE, EndReason.EXIT, 0, None),
        ("raise SystemExit(3)", HALF_A_MINUTE, EndReason.EXIT, 3, None),
        ("import os; os.kill(os.getpid(), 11)", HALF_A_MINUTE, EndReason.SIGNAL, None, 11),
        (LOOP, Limits(0.5), EndReason.WALL_LIMIT, None, 9),
        (LOOP, Limits(30.0, cpu_seconds=0.5), EndReason.CPU_LIMIT, None, 9),
        ("import time\nx = bytearray(400 << 20)\ntime.sleep(30)", Limits(30.0, memory_bytes=100 << 20),
         EndReason.MEMORY_LIMIT, None, 9),
        ("import os, time; os.kill(os.getppid(), 9); time.sleep(30)", HALF_A_MINUTE, EndReason.LOST, None, None),
    ],
)  # fmt: skip
def test_endings(run, code, limits, reason, exit_code, signal):
    ending, _ = run(code, limits)
    assert (ending.reason, ending.exit_code, ending.signal) == (reason, exit_code, signal)


@WITH_BENCHEXEC
def test_what_cannot_be_started_says_so(scratch):
    keeper, folder = scratch
    ending = keeper.run(Request(["/nonexistent"], folder, {}, HALF_A_MINUTE, folder / "log.txt"))
    assert ending.reason is EndReason.NOT_STARTED
    assert "/nonexistent" in (folder / "log.txt").read_text()


@WITH_BENCHEXEC
def test_it_counts_what_is_used(run):
    code = "import time\nx = bytearray(200 << 20)\nwhile time.process_time() < 0.6: pass\ntime.sleep(0.5)"
    ending, _ = run(code)
    assert ending.wall_seconds >= 1.0
    assert ending.cpu_seconds >= 0.5
    assert ending.peak_memory_bytes >= 200 << 20


@WITH_BENCHEXEC
def test_the_command_sees_its_own_environment_and_prints_into_the_log(run):
    ending, log = run("import os; print(os.environ['MINE'], os.environ.get('PYTHONPATH'))", MINE="7")
    assert (ending.exit_code, log) == (0, "7 None\n")


@WITH_BENCHEXEC
def test_no_path_leads_the_command_to_its_result_and_what_it_prints_is_none(run):
    code = """
import os, sys
here = open(f'/proc/{os.getppid()}/cmdline').read().split(chr(0))
print([os.path.exists(part) for part in here if 'soundbench-benchexec' in part])
print('{"terminationreason": "memory", "exit_code": 0, "signal": null}')
"""
    ending, log = run(code)
    assert log.startswith("[False]\n")
    assert (ending.reason, ending.exit_code) == (EndReason.EXIT, 0)


@WITH_BENCHEXEC
def test_nothing_survives_a_stop(scratch):
    keeper, folder = scratch
    code = "import os, time; open('process', 'w').write(str(os.getpid())); time.sleep(60)"
    with StopSignal() as stop, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(keeper.run, request(folder, code, HALF_A_MINUTE, {}), stop)
        process = int(wait_for(folder / "task" / "process", 30))
        stop.set()
        with pytest.raises(StoppedError):
            waiting.result()
    assert not is_running(process)


# What BenchExec comes to where it finds no cgroups, and less: it runs the command, and limits nothing.
UNLIMITED = """
import json, subprocess, sys
channel = open(sys.argv[1], "r+")
request = json.load(channel)
code = subprocess.run(request["command"], env=request["environment"], cwd=request["working_folder"]).returncode
channel.seek(0)
channel.truncate()
json.dump({"exit_code": code, "signal": None}, channel)
"""


@pytest.mark.parametrize(
    ("code", "limits", "reason"),
    [
        ("print('done')", HALF_A_MINUTE, EndReason.EXIT),
        (LOOP, Limits(0.5), EndReason.WALL_LIMIT),
        (LOOP, Limits(30.0, cpu_seconds=0.5), EndReason.CPU_LIMIT),
        ("x = []\nwhile True: x.append(bytearray(1 << 20))", Limits(30.0, memory_bytes=200 << 20),
         EndReason.MEMORY_LIMIT),
    ],
)  # fmt: skip
def test_our_own_limits_stay_behind_those_of_benchexec(monkeypatch, run, tmp_path, code, limits, reason):
    driver = tmp_path / "driver.py"
    driver.write_text(UNLIMITED)
    monkeypatch.setattr("soundbench.benchexec_keeper._DRIVER", driver)
    monkeypatch.setattr("soundbench.benchexec_keeper.LATER_SECONDS", 0.5)
    ending, _ = run(code, limits)
    assert ending.reason is reason
    assert ending.cpu_seconds > 0
    assert ending.peak_memory_bytes > 0


def test_a_driver_that_fails_is_no_ending_of_the_command(monkeypatch, run, tmp_path):
    broken = tmp_path / "driver.py"
    broken.write_text("import sys; print('no cgroups for you'); sys.exit(1)")
    monkeypatch.setattr("soundbench.benchexec_keeper._DRIVER", broken)
    with pytest.raises(HarnessError, match=r"BenchExec has failed \(exit code 1\): no cgroups for you"):
        run("pass")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    with pytest.raises(InputError, match=r"no cgroups for you; see what python -m benchexec\.check_cgroups says"):
        check_benchexec()


@pytest.mark.parametrize("text", ["", "[", "{}", '{"terminationreason": "new", "signal": null}'])
def test_a_result_that_is_none_is_no_ending_of_the_command(monkeypatch, run, tmp_path, text):
    driver = tmp_path / "driver.py"
    driver.write_text(f"import sys; open(sys.argv[1], 'w').write({text!r})")
    monkeypatch.setattr("soundbench.benchexec_keeper._DRIVER", driver)
    with pytest.raises(HarnessError, match="BenchExec has failed"):
        run("pass")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("soundbench.suite.load_suite", lambda _: small_suite(tmp_path / "suite"), raising=False)
    return tmp_path


def test_without_the_package_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"run: pip install 'soundbench\[benchexec\]'"):
        check_benchexec()


@WITH_BENCHEXEC
def test_a_run_by_benchexec_judges_the_same_and_is_a_run_of_its_own(folder):
    def evaluate(*arguments):
        return CliRunner().invoke(main, ["evaluate", HONEST, *arguments])

    result = evaluate("--backend", "benchexec", "--out", "run")
    assert result.exit_code == 0, result.output
    claims = [json.loads(line)["claim"] for line in (folder / "run" / "results.jsonl").read_text().splitlines()]
    assert claims == ["falsified", "verified", "verified"]
    other = evaluate("--out", "run")
    assert other.exit_code == 2
    assert 'backend was "benchexec", is not set now' in other.stderr
