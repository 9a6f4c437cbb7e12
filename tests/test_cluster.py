"""A run on a local cluster of several Ray nodes comes to the same as one without, whatever dies meanwhile."""

import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from fake_verifiers import Scripted
from processes import is_running, wait_for
from small_suite import small_suite
from soundbench.cli import main

from soundbench import cluster
from soundbench.claim import Claim, EndReason
from soundbench.cluster import ATTEMPTS, connected
from soundbench.errors import HarnessError, InputError
from soundbench.evaluate import judge_run, missing_jobs, run_jobs, summarise_run, versions_of
from soundbench.execute import Job, TaskLimits, always, execute
from soundbench.needs import Needs, Resources
from soundbench.registry import resolve, resolve_all
from soundbench.run import identify, open_run

LABELS = ("test_evaluate:Honest", "fake_verifiers:SaysFalsified", "fake_verifiers:Wavers")
TESTS = Path(__file__).parent

needs_ray = pytest.mark.ray

# Leaves a line with its process, and the one of Ray that its node belongs to.
LEAVE = """
trace = os.open(os.environ['FAKE_TRACE'], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
os.write(trace, f"{os.getpid()} {os.environ['RAY_RAYLET_PID']} {os.environ.get('CUDA_VISIBLE_DEVICES')}\\n".encode())
starts = open(os.environ['FAKE_TRACE']).read().splitlines()
"""


class Traced(Scripted):
    """Leaves a trace, and says that it does not know."""

    name = "traced"
    script = LEAVE + "open(result, 'w').write('unknown')\n"

    def environment(self, task):  # noqa: ARG002 (a hook)
        return {"FAKE_TRACE": str(Path.cwd() / "trace")}


class Murderer(Traced):
    """Kills the worker of Ray that runs it, every time."""

    name = "murderer"
    script = (
        LEAVE
        + """
keeper = open(f'/proc/{os.getppid()}/stat').read().rpartition(')')[2].split()[1]
os.kill(int(keeper), signal.SIGKILL)
time.sleep(60)
"""
    )


class MurdererOnce(Murderer):
    """Kills the worker of Ray that runs it, the first time."""

    name = "murderer-once"
    script = Murderer.script.replace("os.kill(", "if len(starts) == 1: os.kill(").replace(
        "time.sleep(60)", "if len(starts) == 1: time.sleep(60)\nopen(result, 'w').write('unsat')"
    )


class Waits(Traced):
    """Waits for two tasks to have started, then for a file; then it answers."""

    name = "waits"
    script = (
        LEAVE
        + "while not os.path.exists(os.environ['FAKE_TRACE'] + '-go'): time.sleep(0.02)\n"
        + ("open(result, 'w').write('unsat')\n")
    )


class NeedsGpu(Traced):
    """Needs a GPU; two of its tasks wait for each other."""

    name = "needs-gpu"
    needs = Needs(gpus=1)
    script = (
        LEAVE
        + """
while open(os.environ['FAKE_TRACE']).read().count('\\n') < 2: time.sleep(0.02)
open(result, 'w').write('unknown')
"""
    )


@pytest.fixture(scope="module")
def nodes():
    """A cluster of a head without cores and two nodes, one of which has two GPUs by its own account.

    The classes of the tests are installed on all of them.
    """
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(TESTS), prepend=":")
        # A node counts as dead within seconds.
        health = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500, "health_check_timeout_ms": 5000}
        started = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "_system_config": health})
        started.add_node(num_cpus=2, num_gpus=2)
        started.add_node(num_cpus=2)
        yield started
        started.shutdown()


@pytest.fixture
def suite(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return small_suite(tmp_path / "suite")


ANY = TaskLimits()


def on(nodes, jobs, cores=None, limits=ANY, may_start=always):
    with connected(nodes.address, list({job.verifier.label: job.verifier for job in jobs}.values())) as executor:
        yield from executor(jobs, cores, limits, may_start=may_start)


def jobs_of(suite, label):
    return [Job(resolve(label), instance) for instance in suite.instances]


def traces():
    return [line.split() for line in Path("trace").read_text().splitlines()]


def gone(process, seconds=60.0):
    """Whether a process ends within a generous while."""
    deadline = time.monotonic() + seconds
    while is_running(process) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not is_running(process)


@needs_ray
def test_results_are_those_of_the_local_executor(nodes, suite, tmp_path):
    verifiers = resolve_all(LABELS)

    def outcome(folder, executor):
        with open_run(tmp_path / folder, identify(suite, verifiers, None, None)) as run:
            jobs = missing_jobs(suite.instances, verifiers, run)
            results = list(run_jobs(run, jobs, 2, TaskLimits(memory_bytes=1 << 30), executor=executor))
            run.write_tables(suite)
            summaries = summarise_run(run, suite, versions_of(verifiers), judge_run(run, suite))
        files = {str(path.relative_to(run.folder)): path.read_bytes() for path in run.folder.rglob("*.txt")}
        known = {
            (each.verifier, each.instance): replace(each, ending=each.ending.reason, prepare_seconds=0)
            for each in results
        }
        return known, files, [(each.verifier, each.correct, len(each.findings)) for each in summaries]

    with connected(nodes.address, verifiers) as executor:
        there = outcome("there", executor)
    here = outcome("here", execute)
    assert len(there[0]) == 9
    assert there == here


@needs_ray
@pytest.mark.slow
def test_a_file_is_sent_once_and_forgotten_once_nobody_needs_it(nodes, suite, monkeypatch):
    jobs = jobs_of(suite, LABELS[0]) + jobs_of(suite, LABELS[1])
    sent, running = Counter(), []
    with connected(nodes.address, [jobs[0].verifier, jobs[-1].verifier]) as executor:
        real, made = cluster._Running._file, cluster._Running.__init__

        def file(self, path):
            sent[path] += path not in self._files
            return real(self, path)

        monkeypatch.setattr(cluster._Running, "_file", file)
        monkeypatch.setattr(
            cluster._Running, "__init__", lambda self, *given: running.append(self) or made(self, *given)
        )
        assert len(list(executor(jobs, 4, TaskLimits()))) == 6
    assert set(sent.values()) == {1}
    assert len(sent) == 4
    assert running[0]._files == {}


@needs_ray
@pytest.mark.slow
def test_a_task_whose_worker_dies_is_started_again(nodes, suite):
    ((_, execution),) = on(nodes, jobs_of(suite, "test_cluster:MurdererOnce")[:1])
    assert execution.answer.claim is Claim.VERIFIED
    assert len(traces()) == 2


@needs_ray
def test_a_task_whose_worker_dies_every_time_is_an_error_and_no_verdict(nodes, suite):
    ((_, execution),) = on(nodes, jobs_of(suite, "test_cluster:Murderer")[:1])
    assert (execution.answer.claim, execution.ending.reason) == (Claim.ERROR, EndReason.LOST)
    assert execution.answer.raw.startswith(f"lost {ATTEMPTS} times: ")
    starts = traces()
    assert len(starts) == ATTEMPTS
    assert all(gone(int(process)) for process, *_ in starts)


@needs_ray
def test_a_node_that_dies_costs_time_but_no_result(nodes, suite):
    doomed = nodes.add_node(num_cpus=2)
    raylet = str(doomed.all_processes["raylet"][0].process.pid)

    def kill():
        while not any(node == raylet for _, node, _ in map(str.split, wait_for(Path("trace"), 60.0).splitlines())):
            time.sleep(0.05)
        nodes.remove_node(doomed, allow_graceful=False)
        Path("trace-go").touch()

    # More tasks than the other nodes have cores for.
    jobs = [*jobs_of(suite, "test_cluster:Waits")[:3], *jobs_of(suite, "test_cluster:Waits")[:3]]
    killer = threading.Thread(target=kill)
    killer.start()
    done = list(on(nodes, jobs))
    killer.join()
    assert [execution.answer.claim for _, execution in done] == [Claim.VERIFIED] * 6
    assert len(traces()) > 6


@needs_ray
@pytest.mark.slow
def test_every_task_that_needs_a_gpu_gets_its_own(nodes, suite):
    assert len(list(on(nodes, jobs_of(suite, "test_cluster:NeedsGpu")[:2]))) == 2
    assert {gpu for *_, gpu in traces()} == {"0", "1"}


@needs_ray
@pytest.mark.slow
def test_more_gpus_than_any_node_has_are_told_before_anything_runs(nodes, suite):
    jobs = [Job(resolve("test_cluster:NeedsGpu", {"needs-gpu": {"gpus": "3"}}), suite.instances[0])]
    with pytest.raises(InputError, match="needs 3 GPUs a task, but the largest node of the cluster has 2"):
        list(on(nodes, jobs))


@needs_ray
def test_a_verifier_that_is_missing_on_a_node_is_told_before_anything_runs(nodes, suite):
    job = Job(resolve("fake_verifiers:Missing"), suite.instances[0])
    with pytest.raises(InputError, match=r"^node .*: fake_verifiers:Missing is not installed there; run there: "):
        list(on(nodes, [job]))


@needs_ray
@pytest.mark.slow
def test_a_node_without_soundbench_is_told_before_anything_runs(nodes, suite, monkeypatch):
    """A function of a module that no node has stands for it."""
    Path("elsewhere").mkdir()
    Path("elsewhere", "absent_there.py").write_text("def fault(sent, version):\n    return None\n")
    monkeypatch.syspath_prepend(Path("elsewhere"))
    from absent_there import fault

    monkeypatch.setattr(cluster, "fault", fault)
    with pytest.raises(InputError, match=r"^node .*: soundbench cannot be used there: .*absent_there.*; install 0"):
        list(on(nodes, jobs_of(suite, LABELS[0])))


@needs_ray
@pytest.mark.slow
def test_settings_reach_the_nodes(nodes, suite):
    label = "fake_verifiers:Slow"
    slow = resolve(label, {"slow": {"seconds": "0.01"}})
    ((_, execution),) = on(nodes, [Job(slow, suite.instances[0])], limits=TaskLimits(20.0))
    # It looks for a variable that is not set there, so its command fails; but not by taking a minute.
    assert execution.ending.reason is EndReason.EXIT


@needs_ray
def test_a_class_of_ones_own_is_sent(nodes, suite, monkeypatch):
    """Its files are gone before any node looks for them."""
    Path("sent_helper.py").write_text("ANSWER = 'unsat'\n")
    Path("sent_verifier.py").write_text(
        "from fake_verifiers import Scripted, writes\nfrom sent_helper import ANSWER\n"
        "class Mine(Scripted):\n    name = 'mine'\n    script = writes(ANSWER)\n"
    )
    mine = resolve("sent_verifier:Mine")
    real = cluster._check_nodes

    def check(*given):
        for path in Path.cwd().glob("sent_*.py"):
            path.unlink()
        real(*given)

    monkeypatch.setattr(cluster, "_check_nodes", check)
    ((_, execution),) = on(nodes, [Job(mine, suite.instances[0])])
    assert execution.answer.claim is Claim.VERIFIED


@needs_ray
@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 2])
def test_no_job_is_started_that_may_not(nodes, suite, number):
    left = iter([True] * number)
    done = list(on(nodes, jobs_of(suite, "fake_verifiers:Scripted"), may_start=lambda _: next(left, False)))
    assert {job.instance.name for job, _ in done} == {each.name for each in suite.instances[:number]}


@needs_ray
@pytest.mark.slow
def test_closing_early_ends_what_runs(nodes, suite):
    """The verifier may be on any node; all of them are on this machine."""
    executions = on(nodes, [*jobs_of(suite, LABELS[0])[:1], *jobs_of(suite, "test_cluster:Waits")[:2]])
    next(executions)
    process = int(wait_for(Path("trace"), 60.0).split()[0])
    executions.close()
    assert gone(process)


@needs_ray
@pytest.mark.usefixtures("suite")
@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_stopped_run_leaves_no_verifier_and_goes_on(nodes, number):
    words = ["evaluate", "test_cluster:Waits", "--executor", "ray", "--ray-address", nodes.address, "--out", "run"]
    command = [sys.executable, str(TESTS / "small_suite.py"), "suite", *words]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    verifier = int(wait_for(Path("trace"), 60.0).split()[0])
    process.send_signal(number)
    _, errors = process.communicate(timeout=60.0)
    assert process.returncode == 130
    assert "go on with: " in errors.splitlines()[-1]
    assert gone(verifier)
    Path("trace-go").touch()
    again = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120.0)
    assert again.returncode in (0, 1), again.stderr
    assert len((Path("run") / "results.jsonl").read_text().splitlines()) == 3


# --- without Ray


@pytest.mark.parametrize(
    ("alive", "gpus", "is_enough"), [((), 0, False), ((0,), 0, True), ((0, 1), 2, False), ((2,), 2, True)]
)
def test_a_cluster_that_lost_the_nodes_that_tasks_need_ends_the_run(alive, gpus, is_enough):
    dead = {"Alive": False, "NodeID": "d", "NodeManagerHostname": "d", "Resources": {"CPU": 4, "GPU": 4, "memory": 1}}
    nodes = [{**dead, "Alive": True, "Resources": {"CPU": 2, "GPU": each, "memory": 8}} for each in alive]
    ray = SimpleNamespace(nodes=lambda: [dead, *nodes])
    if is_enough:
        assert cluster._capacity(ray, None, gpus) == Resources(gpus, 8, 2)
        assert cluster._capacity(ray, 7, gpus).cores == 7
    else:
        with pytest.raises(HarnessError, match="have left the Ray cluster; start the same command again"):
            cluster._capacity(ray, None, gpus)


@pytest.mark.parametrize(
    ("needs", "asked"),
    [
        (Resources(0, 5, 3), Resources(0, 5, 3)),
        (Resources(0, 99, 4), Resources(0, 60, 2)),
        (Resources(1, 99, 2), Resources(1, 9, 2)),
        (Resources(2, 1, 99), Resources(2, 1, 8)),
    ],
)
def test_what_is_asked_for_is_what_some_node_has(needs, asked):
    nodes = [Resources(0, 60, 2), Resources(0, 30, 4), Resources(2, 9, 8)]
    assert cluster.reserved(needs, nodes) == asked
    assert any(all(part <= whole for part, whole in zip(asked, node, strict=True)) for node in nodes)


def test_who_has_no_ray_is_told_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "ray", None)
    result = CliRunner().invoke(main, ["evaluate", "fake_verifiers:Scripted", "--executor", "ray", "--out", "run"])
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.endswith("python -m pip install 'soundbench[ray]'")
    assert not Path("run").exists()


def test_an_address_without_ray_is_wrong_usage(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["evaluate", "fake_verifiers:Scripted", "--ray-address", "a:1", "--out", "run"])
    assert result.exit_code == 2
    assert "--executor ray" in result.stderr


@needs_ray
@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1", "host.invalid:6379", "a:99999"])
def test_an_address_where_nothing_answers_is_told_at_once(tmp_path, monkeypatch, address):
    monkeypatch.chdir(tmp_path)
    words = ["evaluate", "fake_verifiers:Scripted", "--executor", "ray", "--ray-address", address, "--out", "run"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"soundbench: --ray-address {address}: nothing answers there (")
    assert not Path("run").exists()


def test_ray_is_imported_by_nobody_who_does_not_use_it():
    code = "import sys, soundbench.cli.evaluate, soundbench.evaluate, soundbench.cluster; print('ray' in sys.modules)"
    printed = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed == "False\n"


def test_only_modules_in_the_current_folder_are_sent(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_package" / "inner").mkdir(parents=True)
    (tmp_path / "own_package" / "__init__.py").touch()
    (tmp_path / "own_module.py").write_text("import own_package\n")
    monkeypatch.syspath_prepend(tmp_path)
    import own_module  # noqa: F401

    assert cluster._modules_of_ones_own() == [tmp_path / "own_module.py", tmp_path / "own_package"]


@needs_ray
@pytest.mark.slow
def test_a_node_that_has_another_version_by_now_ends_the_run_and_records_nothing(nodes, suite, monkeypatch):
    job = Job(resolve("fake_verifiers:Scripted"), suite.instances[0])
    monkeypatch.setattr(cluster, "_check_nodes", lambda *_: None)
    monkeypatch.setattr(cluster, "__version__", "0.0.0")
    with pytest.raises(
        HarnessError, match=r"^node .*: it has soundbench .*, and the command that was started is 0\.0\.0"
    ):
        list(on(nodes, [job]))


@needs_ray
@pytest.mark.slow
def test_no_foreign_cluster_is_joined_unasked(nodes, monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with connected(None, [resolve("fake_verifiers:Scripted")]):
        import ray

        assert ray.get_runtime_context().gcs_address != nodes.address
