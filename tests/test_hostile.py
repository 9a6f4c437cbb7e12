"""Verifiers that misbehave: what each is taken to claim, what is made of it, and that nothing of it is left."""

import hashlib
import re
import signal
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
from benchexec_here import WITH_BENCHEXEC
from fake_verifiers import scripted, writes
from processes import is_running
from small_suite import small_suite

from soundbench.benchexec_keeper import BenchExecKeeper
from soundbench.claim import Claim, EndReason
from soundbench.evaluate import judge_run, missing_jobs, run_jobs
from soundbench.execute import TaskLimits, execute
from soundbench.judge import Assessment
from soundbench.run import identify, open_run

MEMORY = 256 << 20
SOON, LATE = 1.0, 60.0
STALL_SECONDS = 300

VERIFIED, FALSIFIED, UNKNOWN = Claim.VERIFIED, Claim.FALSIFIED, Claim.UNKNOWN
TIMEOUT, ERROR = Claim.TIMEOUT, Claim.ERROR
CORRECT, INCONCLUSIVE = Assessment.CORRECT, Assessment.INCONCLUSIVE
# On the instance that is violated and on the one that holds.
NOTHING = (INCONCLUSIVE, INCONCLUSIVE)
SAID_UNSAT = (Assessment.UNSOUND, CORRECT)
SAID_SAT_WRONGLY = (Assessment.BAD_WITNESS, Assessment.FALSE_ALARM)
SAID_SAT_BLINDLY = (CORRECT, Assessment.FALSE_ALARM)


@dataclass(frozen=True)
class Fake:
    """A misbehaving verifier: its script, and what must come of it."""

    name: str
    script: str
    claim: Claim
    assessments: tuple[Assessment, Assessment] = NOTHING
    reason: EndReason = EndReason.EXIT
    raw: str = ""
    log: str = ""
    remark: str | None = None
    seconds: float = LATE


UNSAT = writes("unsat\n")
SLEEP = "time.sleep(600)\n"
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
# Leaves the process's number where the test finds it.
TRACE = "open(os.environ['FAKE_PIDS'], 'a').write(f'{os.getpid()}\\n')\n"
UPPER = "upper = float(open(vnnlib).read().split('(<= X_0 ')[1].split(')')[0])\n"
FORK = "if not os.fork():\n    "
WAIT_FOR_TRACE = "while not os.path.exists(os.environ['FAKE_PIDS']): time.sleep(0.01)\n"


def child(*lines: str) -> str:
    """A child that does this, then sleeps; the parent goes on once the child is where it wants to be."""
    inside = [*lines, *TRACE.splitlines(), *SLEEP.splitlines()]
    return FORK + "\n    ".join(inside) + "\n" + WAIT_FOR_TRACE


DAEMON = child("os.setsid()", "if os.fork(): os._exit(0)", "os.chdir('/')")


def sat(expression: str) -> str:
    """Claims `sat` with an input, as Python computes it from the box's `upper` bound."""
    return UPPER + f"open(result, 'w').write(f'sat\\n((X_0 {{{expression}}}))')\n"


FAKES = (
    # --- who does not end
    Fake("ignores-term", DEAF + UNSAT + TRACE + SLEEP, TIMEOUT, reason=EndReason.WALL_LIMIT, seconds=SOON),
    Fake("stops-itself", "os.kill(os.getpid(), 19)\n", TIMEOUT, reason=EndReason.WALL_LIMIT, seconds=SOON),
    Fake("answers-after-the-limit", "signal.signal(signal.SIGTERM, lambda *_: (open(result, 'w').write('unsat'), "
         f"sys.exit(0)))\n{SLEEP}", TIMEOUT, reason=EndReason.WALL_LIMIT, raw="unsat", seconds=SOON),
    Fake("prints-without-end", "while True: print('x' * 100000)\n", TIMEOUT, reason=EndReason.WALL_LIMIT,
         log="bytes more were dropped", seconds=SOON),
    Fake("waits-for-input", "sys.stdin.read()\n" + UNSAT, VERIFIED, SAID_UNSAT),
    # --- who leaves somebody behind
    Fake("forks-and-exits", child(), ERROR, raw="no result file"),
    Fake("answers-by-a-child-that-is-left", FORK + f"time.sleep(600)\n    {UNSAT}", ERROR, raw="no result file"),
    Fake("leaves-a-deaf-child", child(DEAF.strip()) + UNSAT, VERIFIED, SAID_UNSAT),
    Fake("daemonises", DAEMON + UNSAT, VERIFIED, SAID_UNSAT),
    Fake("daemonises-without-its-environment", child("os.setsid()", "if os.fork(): os._exit(0)", TRACE.strip(),
         "os.execve('/bin/sleep', ['sleep', '600'], {})") + UNSAT, VERIFIED, SAID_UNSAT),
    Fake("daemonises-and-hangs", DAEMON + SLEEP, TIMEOUT, reason=EndReason.WALL_LIMIT, seconds=SOON),
    Fake("moves-on-by-forking", FORK + "os.setsid()\n    while not os.fork(): os.setsid()\n    os._exit(0)\n" + UNSAT,
         VERIFIED, SAID_UNSAT),
    Fake("leaves-a-crowd", f"for _ in range(50):\n    if not os.fork(): os.setsid(), time.sleep(600)\n{UNSAT}",
         VERIFIED, SAID_UNSAT),
    Fake("kills-who-watches-it", TRACE + UNSAT + "os.kill(os.getppid(), 9)\n" + SLEEP, ERROR, reason=EndReason.LOST),
    # --- who takes too much
    Fake("prints-1-gb", "for _ in range(1024): sys.stdout.write('x' * (1 << 20))\n" + UNSAT, VERIFIED, SAID_UNSAT,
         log="bytes more were dropped"),
    Fake("allocates-without-end", "x = []\nwhile True: x.append(bytearray(1 << 20))\n", ERROR,
         reason=EndReason.MEMORY_LIMIT),
    Fake("allocates-by-children", "for _ in range(3):\n    if not os.fork(): break\nx = bytearray(100 << 20)\n" + SLEEP,
         ERROR, reason=EndReason.MEMORY_LIMIT),
    Fake("fills-its-temporary-folder", "for i in range(300): open(f\"{os.environ['TMPDIR']}/{i}\", 'w').write('x' * "
         "1000000)\n" + UNSAT, VERIFIED, SAID_UNSAT),
    Fake("nests-folders", "for _ in range(1200): os.mkdir('deep'), os.chdir('deep')\n" + UNSAT, VERIFIED, SAID_UNSAT),
    Fake("locks-its-folders", "os.mkdir('a'), open('a/b', 'w').close(), os.chmod('a', 0), os.chmod('.', 0o500)\n"
         "os.chmod('..', 0o500)\n", ERROR, raw="no result file"),
    # --- whose ending and answer do not fit
    Fake("writes-no-result", "print('unsat')\n", ERROR, raw="no result file"),
    Fake("logs-the-word", "print('result: not unsat yet')\n" + writes(""), ERROR, raw="empty result file"),
    Fake("exits-0-with-garbage", writes("\x00\x01\x02 unsat"), ERROR),
    Fake("exits-1-with-unsat", UNSAT + "sys.exit(1)\n", ERROR, raw="unsat (exit code 1)"),
    Fake("dies-by-signal", UNSAT + "os.kill(os.getpid(), 11)\n", ERROR, reason=EndReason.SIGNAL,
         raw="unsat (signal 11)"),
    Fake("cannot-be-read", "open(result, 'wb').write(b'unsat\\xff\\xfe\\n')\n", ERROR),
    Fake("prints-invalid-utf-8", "sys.stdout.buffer.write(b'\\xff\\xfe unsat')\n" + writes("unknown"), UNKNOWN,
         log="\ufffd\ufffd unsat"),
    Fake("writes-two-answers", writes("unsat\nsat\n"), ERROR, raw="two answers: unsat, sat"),
    Fake("writes-two-answers-the-other-way", writes("sat\nunsat\n"), ERROR, raw="two answers: sat, unsat"),
    Fake("writes-its-answer-twice", UNSAT + "open(result, 'a').write('unsat\\n')\n", VERIFIED, SAID_UNSAT),
    Fake("writes-a-pipe", "os.mkfifo(result)\n", ERROR, raw="result file cannot be read: not a plain file"),
    Fake("writes-a-link", "open('elsewhere', 'w').write('unsat')\nos.symlink('elsewhere', result)\n", ERROR,
         raw="result file cannot be read"),
    Fake("writes-too-much", "open(result, 'w').write('unsat\\n' * 3000000)\n", ERROR, raw="result file is larger"),
    Fake("removes-everything", "import shutil\nshutil.rmtree('..')\n", ERROR, raw="no result file"),
    Fake("replaces-its-log", "print('mine')\nos.remove('../log.txt')\nos.mkfifo('../log.txt')\n" + UNSAT, VERIFIED,
         SAID_UNSAT),
    Fake("shouts", writes("UNSAT\n"), VERIFIED, SAID_UNSAT, raw="UNSAT"),
    Fake("says-unsatisfiable", writes("unsatisfiable\n"), ERROR, raw="unsatisfiable"),
    # --- whose counterexample is none
    Fake("sat-without-counterexample", writes("sat\n"), FALSIFIED, SAID_SAT_BLINDLY, remark="no-witness"),
    Fake("wrong-length", writes("sat\n((X_0 0.75) (X_1 0.75))"), FALSIFIED, SAID_SAT_WRONGLY),
    Fake("not-a-number", writes("sat\n((X_0 nan))"), FALSIFIED, SAID_SAT_WRONGLY),
    Fake("infinite", writes("sat\n((X_0 inf))"), FALSIFIED, SAID_SAT_WRONGLY),
    Fake("outside-by-1e-3", sat("upper + 1e-3"), FALSIFIED, SAID_SAT_WRONGLY),
    Fake("outside-by-5e-5", sat("upper + 5e-5:.6f"), FALSIFIED, SAID_SAT_BLINDLY, remark="tolerance"),
    Fake("not-violating", sat("upper / 4"), FALSIFIED, SAID_SAT_WRONGLY),
    Fake("for-another-instance", writes("sat\n((X_0 0.75))"), FALSIFIED, SAID_SAT_BLINDLY),
    Fake("sat-with-garbage", writes("sat\n" + "(" * 5000), FALSIFIED, SAID_SAT_WRONGLY),
    # --- who looks or writes where he should not
    Fake("peeks-for-a-ground-truth", """
up = os.getppid()
places = [os.getcwd(), '..', os.environ['TMPDIR'], f'/proc/{up}/cwd', os.environ.get('PWD', '.')]
seen = [name for place in places for name in os.listdir(place)]
told = str(sys.argv[1:]) + str(os.environ) + open(f'/proc/{up}/cmdline').read()
print(told)
""" + writes("unknown") + "if 'ground_truth.json' in seen or 'armed' in told or 'twin' in told: sys.exit(9)\n",
         UNKNOWN),
    Fake("writes-beside-the-instance", "for place in (onnx + '.cache', vnnlib, '../beside', onnx): "
         "open(place, 'w').write('mine')\n" + UNSAT, VERIFIED, SAID_UNSAT),
    Fake("leaves-a-lock", """
import fcntl
lock = os.open(os.environ['TMPDIR'] + '/lock', os.O_CREAT | os.O_EXCL | os.O_RDWR)
fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
""" + child("os.setsid()") + UNSAT, VERIFIED, SAID_UNSAT),
)  # fmt: skip


@pytest.fixture(autouse=True)
def no_stall():
    """Whatever hangs fails."""

    def fail(*_) -> None:
        raise TimeoutError("the harness has stalled")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(STALL_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def mark(tmp_path, monkeypatch):
    """Bears every process that is started, unless it hides; and where the temporary folders lie."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    monkeypatch.setenv("FAKE_PIDS", str(tmp_path / "pids"))
    mark = uuid.uuid4().hex
    monkeypatch.setenv("FAKE_MARK", mark)
    return mark


def contents(folder: Path) -> dict[str, str]:
    """Every file below the folder, with its digest."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def bearers(mark: str) -> list[int]:
    """The processes that bear the mark."""
    found = []
    for path in Path("/proc").iterdir():
        try:
            if path.name.isdecimal() and mark.encode() in (path / "environ").read_bytes():
                found.append(int(path.name))
        except OSError:
            continue
    return [process for process in found if is_running(process)]


def test_there_are_enough_of_them():
    names = [fake.name for fake in FAKES]
    assert len(names) == len(set(names)) >= 20


def by_benchexec() -> list[Fake]:
    """The same through BenchExec, which kills without asking first.

    Of cgroups of version 1 it takes files that are written for memory, so the end of who fills a folder is chance.
    """
    otherwise = {"answers-after-the-limit": {"raw": "no result file"}}
    kept = [fake for fake in FAKES if fake.name != "fills-its-temporary-folder"]
    return [replace(fake, **otherwise.get(fake.name, {})) for fake in kept]


@pytest.mark.parametrize("fake", FAKES, ids=lambda fake: fake.name)
def test_a_misbehaving_verifier(fake, tmp_path, mark):
    check(fake, tmp_path, mark, execute)


# A part of them, one of each kind of mischief: each takes about a second.
QUICK = (
    "leaves-a-deaf-child",
    "daemonises",
    "allocates-without-end",
    "exits-1-with-unsat",
    "stops-itself",
    "forks-and-exits",
)


@WITH_BENCHEXEC
@pytest.mark.parametrize(
    "fake",
    [pytest.param(fake, id=fake.name, marks=[] if fake.name in QUICK else pytest.mark.slow) for fake in by_benchexec()],
)
def test_a_misbehaving_verifier_by_benchexec(fake, tmp_path, mark):
    check(fake, tmp_path, mark, partial(execute, make_keeper=BenchExecKeeper))


def check(fake: Fake, tmp_path: Path, mark: str, executor: Callable) -> None:
    """Run the fake on two instances, and look at what came of it and what is left."""
    suite = small_suite(tmp_path / "suite")
    (suite.root / "ground_truth.json").write_text("{}")
    before = contents(suite.root)
    verifier, instances = scripted(fake.script), suite.instances[:2]
    with open_run(tmp_path / "run", identify(suite, [verifier], None, None)) as run:
        jobs = missing_jobs(instances, [verifier], run)
        results = list(run_jobs(run, jobs, 1, TaskLimits(fake.seconds, MEMORY), executor=executor))
        judgements = judge_run(run, suite)

    assert [result.claim for result in results] == [fake.claim] * 2
    assert [result.ending.reason for result in results] == [fake.reason] * 2
    assert all(fake.raw in result.raw for result in results)
    logs = [(tmp_path / "run" / result.log).read_text() if result.log else "" for result in results]
    assert all(fake.log in log for log in logs)
    assert all(len(log) < 2 << 20 for log in logs)
    assert tuple(judgement.assessment for judgement in judgements) == fake.assessments
    assert judgements[0].remark == fake.remark

    assert bearers(mark) == []
    traced = (tmp_path / "pids").read_text().split() if (tmp_path / "pids").exists() else []
    assert not [process for process in traced if is_running(int(process))]
    assert [*(tmp_path / "scratch").iterdir()] == []
    assert contents(suite.root) == before
    assert {path.name for path in tmp_path.iterdir()} <= {"suite", "run", "scratch", "pids"}
    allowed = r"run\.json|results\.jsonl|(logs|counterexamples)/scripted/(armed|twin)\.txt"
    assert all(re.fullmatch(allowed, name) for name in contents(tmp_path / "run"))
