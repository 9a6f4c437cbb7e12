import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from processes import is_running, python, wait_for

from soundbench.claim import EndReason
from soundbench.errors import HarnessError
from soundbench.keeper import Keeper
from soundbench.process import Limits, Request

# Leaves a process in a session of its own, then sleeps.
DAEMON = """
import os, sys, time
if not os.fork():
    os.setsid()
    if os.fork(): os._exit(0)
    open('daemon', 'w').write(str(os.getpid()))
    time.sleep(60)
while not os.path.exists('daemon'): time.sleep(0.01)
"""
SLEEP = "import time; time.sleep(60)"
# Runs a command under a keeper, in a process that can be killed.
HARNESS = """
import sys
from pathlib import Path
from soundbench.keeper import Keeper
from soundbench.process import Limits, Request
with Keeper() as keeper, keeper.scratch_folder() as folder:
    (folder / "task").mkdir()
    Path(sys.argv[1]).symlink_to(folder)
    keeper.run(Request(sys.argv[2:], folder / "task", {}, Limits(60.0), folder / "log.txt"))
"""


@pytest.fixture
def keeper():
    with Keeper() as keeper:
        yield keeper


@pytest.fixture
def scratch(keeper):
    with keeper.scratch_folder() as folder:
        (folder / "task").mkdir()
        yield folder


def request(folder, code, **environment) -> Request:
    return Request(python(code), folder / "task", environment, Limits(30.0), folder / "log.txt")


def gone(processes, seconds=30.0) -> bool:
    """Whether the processes end within a generous while."""
    deadline = time.monotonic() + seconds
    while any(map(is_running, processes)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not any(map(is_running, processes))


def parent_of(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def test_one_keeper_runs_many_commands(keeper, scratch):
    for number in range(3):
        ending = keeper.run(request(scratch, f"import os; print(os.getppid()); os._exit({number})"))
        assert (ending.reason, ending.exit_code) == (EndReason.EXIT, number)
        (scratch / f"log{number}").write_text((scratch / "log.txt").read_text())
    assert len({(scratch / f"log{number}").read_text() for number in range(3)}) == 1


def test_a_command_inherits_nothing_of_the_last_one(keeper, scratch):
    keeper.run(request(scratch, DAEMON))
    assert not is_running(int((scratch / "task" / "daemon").read_text()))


def test_two_keepers_do_not_touch_each_other(keeper, scratch):
    started = threading.Thread(target=keeper.run, args=(request(scratch, DAEMON + SLEEP),))
    started.start()
    daemon = int(wait_for(scratch / "task" / "daemon"))
    with Keeper() as other:
        other.run(request(scratch, "pass"))
        assert is_running(daemon)
        os.kill(parent_of(daemon), signal.SIGKILL)
        started.join(30)
        assert not started.is_alive()
    assert gone([daemon])


@pytest.mark.parametrize("code", [SLEEP, DAEMON + SLEEP])
def test_nothing_is_left_when_our_own_process_is_killed(tmp_path, code):
    code = f"import os; open('tool', 'w').write(str(os.getpid()))\n{code}"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-P", "-c", HARNESS, str(tmp_path / "link"), *python(code)]
    harness = subprocess.Popen(command, env=environment)
    names = ["tool", "daemon"] if "daemon" in code else ["tool"]
    tools = [int(wait_for(tmp_path / "link" / "task" / name, 30)) for name in names]
    scratch = (tmp_path / "link").readlink()
    keeper = parent_of(tools[0])
    assert keeper != harness.pid
    harness.kill()
    harness.wait()
    assert gone([*tools, keeper])
    assert not scratch.exists()


# The keeper's process is killed, and another one takes its place.
REPLACE = """
    os.kill(keeper._connection._process.pid, 9)
    keeper._connection._process.wait()
    keeper.run(Request(["/bin/true"], folder, {}, Limits(30.0), folder / "log.txt"))
"""


@pytest.mark.parametrize("before", ["", REPLACE])
def test_a_folder_is_removed_that_was_made_before_our_own_process_was_killed(before):
    code = f"""
import os, sys
from soundbench.keeper import Keeper
from soundbench.process import Limits, Request
with Keeper() as keeper, keeper.scratch_folder() as folder:
    {before}
    print(folder, keeper._connection._process.pid, flush=True)
    os.kill(os.getpid(), 9)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-P", "-c", code]
    killed = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    folder, process = killed.stdout.split()
    assert killed.returncode == -signal.SIGKILL
    assert gone([int(process)])
    assert not Path(folder).exists()


def test_a_scratch_folder_is_private_and_removed(keeper):
    with keeper.scratch_folder() as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_keeper_is_not_ended_by_what_asks_politely(keeper, scratch, number):
    ending = keeper.run(request(scratch, f"import os; os.kill(os.getppid(), {int(number)}); print('on')"))
    assert ending.reason is EndReason.EXIT
    assert (scratch / "log.txt").read_text() == "on\n"


def test_a_command_is_not_deaf_because_its_keeper_is(keeper, scratch):
    ending = keeper.run(request(scratch, "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"))
    assert (ending.reason, ending.signal) == (EndReason.SIGNAL, signal.SIGTERM)


@pytest.mark.parametrize("way_out", ["", "os.chdir('/')"])
def test_who_kills_its_keeper_is_lost_and_ended(keeper, scratch, way_out):
    code = f"{DAEMON}\nopen('tool', 'w').write(str(os.getpid()))\n{way_out}\nos.kill(os.getppid(), 9)\n{SLEEP}"
    ending = keeper.run(request(scratch, code, TMPDIR=str(scratch)))
    assert (ending.reason, ending.exit_code, ending.signal) == (EndReason.LOST, None, None)
    assert gone([int((scratch / "task" / name).read_text()) for name in ("tool", "daemon")])
    assert keeper.run(request(scratch, "pass")).reason is EndReason.EXIT


def test_a_keeper_that_was_killed_between_two_commands_is_replaced(keeper, scratch):
    keeper.run(request(scratch, "import os; print(os.getppid())"))
    process = int((scratch / "log.txt").read_text())
    os.kill(process, signal.SIGKILL)
    assert gone([process])
    assert keeper.run(request(scratch, "pass")).reason is EndReason.EXIT


def test_a_keeper_bears_a_name_that_no_script_kills(keeper, scratch):
    keeper.run(request(scratch, "import os; print(open(f'/proc/{os.getppid()}/comm').read())"))
    assert "python" not in (scratch / "log.txt").read_text()


def test_what_stands_where_the_log_should_be_is_not_touched(keeper, scratch):
    keeper.run(request(scratch, "import os; os.remove('../log.txt'); os.mkfifo('../log.txt')"))
    assert keeper.run(request(scratch, "print('second')")).reason is EndReason.EXIT
    assert (scratch / "log.txt").read_text() == "second\n"
    keeper.run(request(scratch, "import os; os.remove('../log.txt'); os.makedirs('../log.txt/deep')"))
    assert keeper.run(request(scratch, "print('over')")).reason is EndReason.EXIT
    (scratch / "precious").write_text("kept")
    keeper.run(request(scratch, "import os; os.remove('../log.txt'); os.symlink('precious', '../log.txt')"))
    keeper.run(request(scratch, "print('third')"))
    assert (scratch / "precious").read_text() == "kept"


def test_a_keeper_that_cannot_be_started_is_told(monkeypatch):
    monkeypatch.setattr("soundbench.keeper._PROGRAM", "raise SystemExit")
    with Keeper() as keeper, pytest.raises(HarnessError, match="failed at its start"), keeper.scratch_folder():
        pass
    monkeypatch.setattr("sys.executable", "/nonexistent/python")
    with Keeper() as keeper, pytest.raises(HarnessError, match="no keeper could be started"), keeper.scratch_folder():
        pass


def test_no_keeper_outlives_its_block(scratch):
    with Keeper() as keeper:
        keeper.run(request(scratch, "import os; print(os.getppid())"))
        process = int((scratch / "log.txt").read_text())
        assert is_running(process)
    assert not is_running(process)
