import signal
import threading
from pathlib import Path

import pytest
from processes import is_running, python, wait_for

from soundbench.claim import Ending, EndReason
from soundbench.keeper import Keeper, StoppedError, StopSignal
from soundbench.process import Limits, Request

IGNORE_TERM = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
SLEEP = "import time; time.sleep(60)"
# Writes its child's process id to the file named by its first argument; the child sleeps.
FORK = """
import os, sys, time
child = os.fork()
if child == 0:
    {in_child}
    time.sleep(60)
    os._exit(0)
with open(sys.argv[1], "w") as file:
    file.write(str(child))
"""


@pytest.fixture
def keeper():
    with Keeper() as keeper:
        yield keeper


@pytest.fixture
def run(tmp_path, keeper):
    def run(command, environment=None, stop=None, **limits) -> Ending:
        limits = Limits(**{"wall_seconds": 30.0, **limits})
        return keeper.run(Request(command, tmp_path, environment or {}, limits, tmp_path / "log.txt"), stop)

    return run


@pytest.fixture
def log(tmp_path):
    return (tmp_path / "log.txt").read_text


def test_an_exit_and_what_was_printed_are_recorded(run, log):
    ending = run(python("import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)"))
    assert (ending.reason, ending.exit_code, ending.signal) == (EndReason.EXIT, 3, None)
    assert log() == "out\nerr\n"


def test_a_process_gets_no_input_and_only_the_given_environment_and_folder(run, log, tmp_path):
    code = "import os, sys; print(repr(sys.stdin.read()), os.getcwd(), os.environ.get('HOME'), os.environ['A'])"
    run(python(code), environment={"A": "b"})
    assert log().split() == ["''", str(tmp_path), "None", "b"]


def test_a_process_leads_a_session_of_its_own(run, log):
    run(python("import os; print(os.getsid(0) == os.getpid() == os.getpgid(0))"))
    assert log() == "True\n"


def test_a_signal_is_recorded(run):
    ending = run(python("import os; os.kill(os.getpid(), 11)"))
    assert (ending.reason, ending.exit_code, ending.signal) == (EndReason.SIGNAL, None, signal.SIGSEGV)


@pytest.mark.parametrize("command", [["/nonexistent/tool"], ["/"], ["a\0b"]])
def test_a_command_that_cannot_be_started_is_recorded(run, log, command):
    ending = run(command)
    assert (ending.reason, ending.exit_code) == (EndReason.NOT_STARTED, None)
    assert "could not be started" in log()


def test_the_wall_limit_ends_a_process_with_term(run, log):
    code = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); print('up', flush=True)"
    ending = run(python(f"{code}; time.sleep(60)"), wall_seconds=0.5)
    assert (ending.reason, ending.exit_code) == (EndReason.WALL_LIMIT, 7)
    assert log() == "up\n"


def test_who_ignores_term_is_killed_with_its_children(run, tmp_path):
    code = IGNORE_TERM + FORK.format(in_child="") + SLEEP
    ending = run(python(code, str(tmp_path / "child")), wall_seconds=0.5, grace_seconds=0.1)
    assert (ending.reason, ending.exit_code, ending.signal) == (EndReason.WALL_LIMIT, None, signal.SIGKILL)
    assert not is_running(int((tmp_path / "child").read_text()))


@pytest.mark.parametrize("in_child", ["", "os.setpgid(0, 0)", "os.setsid()", IGNORE_TERM])
def test_nothing_outlives_a_process_that_exited(run, tmp_path, in_child):
    ending = run(python(FORK.format(in_child=in_child), str(tmp_path / "child")))
    assert (ending.reason, ending.exit_code) == (EndReason.EXIT, 0)
    assert not is_running(int((tmp_path / "child").read_text()))


def test_who_leaves_by_two_forks_and_a_session_is_found(run, tmp_path):
    away = f"os.setsid()\n    {IGNORE_TERM}os.chdir('/')\n    if os.fork(): os._exit(0)\n"
    trace = "    open(sys.argv[1] + '2', 'w').write(str(os.getpid()))"
    code = FORK.format(in_child=away + trace)
    wait = "while not os.path.exists(sys.argv[1] + '2'): time.sleep(0.01)"
    assert run(python(code + wait, str(tmp_path / "child"))).reason is EndReason.EXIT
    assert not is_running(int(wait_for(tmp_path / "child2")))


def test_who_moves_on_by_forking_for_ever_is_caught(run, log):
    """A new process every moment, and the last one exits: whoever lists them comes too late for some."""
    hop = "    os.setsid()\n    while not os.fork(): os.setsid()\n    os._exit(0)"
    code = f"import os, time\nif not os.fork():\n{hop}\ntime.sleep(0.3)"
    assert run(python(code)).reason is EndReason.EXIT
    siblings = "import os; up = os.getppid(); print(os.getpid(), open(f'/proc/{up}/task/{up}/children').read())"
    run(python(siblings))
    assert len(set(log().split())) == 1


def test_the_time_of_children_counts_too(run):
    burn = "import os, time\nfor _ in range(3):\n    if not os.fork(): break\nwhile time.process_time() < 0.3: pass"
    assert run(python(burn)).cpu_seconds >= 0.3
    waits = burn.replace("while", "else:\n    for _ in range(3): os.wait()\nwhile")
    assert run(python(waits)).cpu_seconds >= 1.2


def test_the_limit_of_cpu_time_ends_a_process_with_term(run, log):
    code = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); print('up', flush=True)"
    ending = run(python(f"{code}\nwhile True: pass"), cpu_seconds=0.3)
    assert (ending.reason, ending.exit_code) == (EndReason.CPU_LIMIT, 7)
    assert ending.cpu_seconds >= 0.3
    assert log() == "up\n"


def test_the_limit_of_cpu_time_counts_children_and_what_they_left(run):
    relay = """
import os, time
for _ in range(40):
    if not os.fork():
        if not os.fork():
            while time.process_time() < 0.1: pass
        os._exit(0)
    os.wait()
    time.sleep(0.1)
"""
    assert run(python(relay), cpu_seconds=1.0).reason is EndReason.CPU_LIMIT


def test_waiting_takes_no_cpu_time(run):
    assert run(python("import time; time.sleep(1)"), cpu_seconds=0.9).reason is EndReason.EXIT


def test_output_is_drained_but_bounded(run, tmp_path):
    ending = run(python("for _ in range(50): print('x' * (1 << 20 - 1))"), log_bytes=1000)
    assert ending.exit_code == 0
    text = (tmp_path / "log.txt").read_text()
    kept, _, note = text.partition("\n[")
    written = 50 * ((1 << 19) + 1)
    assert kept == "x" * 1000
    assert note == f"soundbench: {written - 1000} bytes more were dropped]\n"


def test_endless_output_does_not_postpone_the_wall_limit(run):
    ending = run(python("while True: print('x' * 10000)"), wall_seconds=0.5)
    assert ending.reason is EndReason.WALL_LIMIT


def test_the_memory_limit_ends_a_process(run):
    ending = run(python("x = bytearray(200 << 20); " + SLEEP), memory_bytes=100 << 20)
    assert (ending.reason, ending.signal) == (EndReason.MEMORY_LIMIT, signal.SIGKILL)
    assert ending.peak_memory_bytes > 100 << 20


def test_the_memory_limit_counts_children(run, tmp_path):
    code = FORK.format(in_child="x = bytearray(80 << 20)") + "x = bytearray(80 << 20); time.sleep(60)"
    ending = run(python(code, str(tmp_path / "child")), memory_bytes=120 << 20)
    assert ending.reason is EndReason.MEMORY_LIMIT


def test_shared_memory_counts_once(run, tmp_path):
    shared = "import mmap; x = mmap.mmap(-1, 80 << 20); x.write(bytes(80 << 20))\n"
    code = shared + FORK.format(in_child="sum(x[::4096])") + "sum(x[::4096]); time.sleep(0.5)"
    ending = run(python(code, str(tmp_path / "child")), memory_bytes=120 << 20)
    assert ending.reason is EndReason.EXIT


def test_what_a_process_used_is_measured(run):
    ending = run(python("x = bytearray(300 << 20)\nfor _ in range(10**6): pass\nimport time; time.sleep(0.3)"))
    assert ending.cpu_seconds > 0
    assert 300 << 20 < ending.peak_memory_bytes < 400 << 20
    assert ending.wall_seconds >= 0.3


def test_a_stop_ends_a_process_at_once(run, tmp_path):
    code = IGNORE_TERM + "import os; open('pid', 'w').write(str(os.getpid())); " + SLEEP
    with StopSignal() as stop:
        caught = []

        def attempt() -> None:
            with pytest.raises(StoppedError) as error:
                run(python(code), stop=stop)
            caught.append(error)

        thread = threading.Thread(target=attempt)
        thread.start()
        process = int(wait_for(tmp_path / "pid"))
        stop.set()
        thread.join(10)
    assert caught
    assert not is_running(process)


def test_a_stop_that_was_set_before_ends_a_process_too(run):
    with StopSignal() as stop:
        stop.set()
        with pytest.raises(StoppedError):
            run(python(SLEEP), stop=stop)


def test_an_exception_while_waiting_leaves_nothing_behind(run, tmp_path):
    def interrupt(*_) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        with pytest.raises(KeyboardInterrupt):
            run(python("import os; open('pid', 'w').write(str(os.getpid())); " + SLEEP))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert not is_running(int((tmp_path / "pid").read_text()))


def test_no_descriptor_is_left_open(run):
    run(python(""))
    before = len(list(Path("/proc/self/fd").iterdir()))
    run(python(""))
    run(["/nonexistent/tool"])
    run(python(SLEEP), wall_seconds=0.1)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
