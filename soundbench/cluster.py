"""How are many tasks run on many machines? As `soundbench.execute` runs them on one, by a Ray cluster.

Ray finds a node for each task, by what it needs; whose turn it is, is decided here. A file is sent to a node once,
however many of its tasks need it. Only this process writes the run.
"""

import contextlib
import importlib
import os
import signal
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from soundbench import __version__
from soundbench.claim import Answer, Claim, Ending, EndReason
from soundbench.cluster_node import Question, Sent, answer, fault
from soundbench.errors import HarnessError, InputError, SoundbenchError
from soundbench.execute import Executions, Executor, Job, TaskLimits, always, check_gpus, in_turns
from soundbench.needs import Resources
from soundbench.schedule import Begun
from soundbench.verifier import Execution, Verifier

# How often a task is started whose worker or node dies.
ATTEMPTS = 3
_WAIT_SECONDS = 1.0
# Ray's word for a new cluster on this machine.
LOCAL = "local"
_ANSWER_SECONDS = 10.0
# Ray's module: without types here, since it is not installed everywhere.
Ray = Any
Ref = Any


@contextlib.contextmanager
def connected(address: str | None, verifiers: Sequence[Verifier]) -> Iterator[Executor]:
    """An executor on the Ray cluster at an address, on every node of which the verifiers are known to be installed.

    The address `auto` is the cluster that runs on this machine. Without an address it is that of the variable
    RAY_ADDRESS, which Ray sets for its jobs, or else a new cluster on this machine alone, as by `local`.

    Raises:
        InputError: Ray is not installed, there is no such cluster, or a node cannot run a verifier.
    """
    ray = _import_ray()
    with _session(ray, address or os.environ.get("RAY_ADDRESS") or LOCAL):
        _check_nodes(ray, verifiers)
        yield partial(_execute, ray)


def _import_ray() -> Ray:
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise InputError(
            f"--executor ray needs Ray ({error}); install it: python -m pip install 'soundbench[ray]'"
        ) from None


@contextlib.contextmanager
def _session(ray: Ray, address: str) -> Iterator[None]:
    """A connection to the cluster; leaving it ends all tasks. TERM keeps the meaning that it has for us."""
    _check_address(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    before = signal.getsignal(signal.SIGTERM)
    modules = [str(path) for path in _modules_of_ones_own()]
    # Ray would kill a worker's keeper with it, which could then not end what the verifier has started.
    needed: dict[str, Any] = {"env_vars": {"RAY_kill_child_processes_on_worker_exit": "false"}}
    if modules:
        needed["py_modules"] = modules
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", runtime_env=needed)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise InputError(
            f"the Ray cluster at {address} cannot be used: {_first_line(error)}; see `ray status`, or --ray-address"
        ) from None
    try:
        with contextlib.suppress(ValueError):  # not the main thread, where no handler was set
            signal.signal(signal.SIGTERM, before)
        yield
    finally:
        ray.shutdown()


def _check_address(address: str) -> None:
    """Make sure that something answers at an address, for which Ray would wait for minutes.

    Raises:
        InputError: nothing does, or it is of another form.
    """
    if address in (LOCAL, "auto"):
        return
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), _ANSWER_SECONDS).close()
    except (OSError, ValueError, OverflowError) as error:
        raise InputError(
            f"--ray-address {address}: nothing answers there ({error}); give HOST:PORT as `ray start --head` prints it"
        ) from None


def _modules_of_ones_own() -> list[Path]:
    """The modules and packages in the current folder that are imported, as the classes of verifiers there are."""
    here, found = Path.cwd(), set()
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if "." in name or name in ("__main__", "soundbench") or not file:
            continue
        path = Path(file).parent if hasattr(module, "__path__") else Path(file)
        if path.parent == here:
            found.add(path)
    return sorted(found)


def _check_nodes(ray: Ray, verifiers: Sequence[Verifier]) -> None:
    """Make sure that every node that could get a task can run every verifier.

    Raises:
        InputError: one cannot; the message names it.
    """
    nodes = _nodes(ray)
    if not nodes:
        raise InputError("the Ray cluster has no node with a CPU for tasks; add one: ray start --address=ADDRESS")
    affinity = importlib.import_module("ray.util.scheduling_strategies").NodeAffinitySchedulingStrategy
    look = ray.remote(num_cpus=0, max_retries=0)(fault)
    asked = [
        (node, look.options(scheduling_strategy=affinity(node.identity, soft=False)).remote(Sent.of(each), __version__))
        for node in nodes
        for each in verifiers
    ]
    for node, ref in asked:
        try:
            found = ray.get(ref)
        except ray.exceptions.RayError as error:
            found = f"soundbench cannot be used there: {_last_line(error)}; install {__version__} there"
        if found is not None:
            raise InputError(f"node {node.host}: {found}")


@dataclass(frozen=True, slots=True)
class _Node:
    """A node that lives, and what it has for tasks."""

    identity: str
    host: str
    has: Resources


def _nodes(ray: Ray) -> list[_Node]:
    """The nodes that can get a task."""
    found = []
    for node in ray.nodes():
        has: Mapping[str, float] = node["Resources"]
        if node["Alive"] and has.get("CPU", 0) >= 1:
            resources = Resources(int(has.get("GPU", 0)), int(has.get("memory", 0)), int(has["CPU"]))
            found.append(_Node(node["NodeID"], node["NodeManagerHostname"], resources))
    return found


def _execute(
    ray: Ray,
    jobs: Sequence[Job],
    cores: int | None,
    limits: TaskLimits,
    *,
    may_start: Callable[[Job], bool] = always,
) -> Executions:
    """Run the jobs on the cluster, by default as many at once as it has cores: see `soundbench.execute.Executor`."""
    nodes = _nodes(ray)
    share = min(node.has.memory_bytes // node.has.cores for node in nodes)
    largest_bytes = max(node.has.memory_bytes for node in nodes)
    most_gpus = max((job.verifier.needs.gpus for job in jobs), default=0)
    check_gpus(jobs, max(node.has.gpus for node in nodes), "the largest node of the cluster has")

    def needs(verifier: Verifier) -> Resources:
        return verifier.needs.resources(limits.memory_bytes, share)

    def question(job: Job) -> Question:
        seconds = job.instance.timeout_seconds if limits.timeout_seconds is None else limits.timeout_seconds
        wanted = needs(job.verifier)
        own = wanted.memory_bytes
        limit_bytes = own if limits.memory_bytes is not None else min(own, largest_bytes)
        return Question(sent[job.verifier.label], __version__, seconds, limits.cpu_seconds, limit_bytes, wanted.gpus)

    sent = {job.verifier.label: Sent.of(job.verifier) for job in jobs}
    schedule = in_turns(jobs, lambda verifier: reserved(needs(verifier), [node.has for node in nodes]))
    running = _Running(ray, jobs)
    try:
        while True:
            capacity = _capacity(ray, cores, most_gpus)
            while (begun := schedule.begin(capacity)) is not None:
                if may_start(begun.task):
                    running.start(_Handed(begun, question(begun.task)))
                else:
                    schedule.end(begun)
                    running.forget(begun.task)
            if running.is_idle:
                return
            for task, execution in running.wait():
                if execution is None and may_start(task.begun.task):
                    running.start(replace(task, attempt=task.attempt + 1))
                    continue
                schedule.end(task.begun)
                running.forget(task.begun.task)
                if execution is not None:
                    yield task.begun.task, execution
    finally:
        running.cancel()


def reserved(needs: Resources, nodes: Sequence[Resources]) -> Resources:
    """What is asked of Ray for a task: its needs, or all that there is where no node has enough of memory or cores."""
    return max(
        Resources(needs.gpus, min(needs.memory_bytes, node.memory_bytes), min(needs.cores, node.cores))
        for node in nodes
        if node.gpus >= needs.gpus
    )


def _capacity(ray: Ray, cores: int | None, most_gpus: int) -> Resources:
    """What all nodes that live have together, or so many cores of it.

    Raises:
        HarnessError: no node is left that has as many GPUs as a task needs.
    """
    has = [node.has for node in _nodes(ray)]
    if max((each.gpus for each in has), default=-1) < most_gpus:
        raise HarnessError("the nodes that the tasks need have left the Ray cluster; start the same command again")
    gpus, memory_bytes, all_cores = map(sum, zip(*has, strict=True))
    return Resources(gpus, memory_bytes, cores or all_cores)


@dataclass(frozen=True, slots=True, eq=False)
class _Handed:
    """A task that is handed to Ray, for the how manieth time."""

    begun: Begun[Job]
    question: Question
    attempt: int = 1


class _Running:
    """The tasks that Ray has, and the files that they and later ones need."""

    def __init__(self, ray: Ray, jobs: Sequence[Job]) -> None:
        self._ray = ray
        self._tasks: dict[Ref, _Handed] = {}
        self._uses = Counter(path for job in jobs for path in _files(job))
        self._files: dict[Path, Ref] = {}
        self._answer = ray.remote(max_retries=0)(answer)

    @property
    def is_idle(self) -> bool:
        """Whether Ray has none."""
        return not self._tasks

    def start(self, task: _Handed) -> None:
        """Hand a task to Ray."""
        gpus, memory_bytes, cores = task.begun.taken
        remote = self._answer.options(num_cpus=cores, num_gpus=gpus, memory=memory_bytes or None)
        ref = remote.remote(task.question, *map(self._file, _files(task.begun.task)))
        self._tasks[ref] = task

    def wait(self) -> Iterator[tuple[_Handed, Execution | None]]:
        """Wait a moment for tasks to end: each with its result, None if it was lost and may be started again."""
        ready, _ = self._ray.wait(list(self._tasks), timeout=_WAIT_SECONDS)
        for ref in ready:
            task = self._tasks.pop(ref)
            yield task, self._result(ref, task)

    def forget(self, job: Job) -> None:
        """Let the cluster forget the files that only this job needed."""
        for path in _files(job):
            self._uses[path] -= 1
            if not self._uses[path]:
                self._files.pop(path, None)

    def cancel(self) -> None:
        """End what runs: a worker that is killed takes the verifier with it."""
        for ref in self._tasks:
            self._ray.cancel(ref, force=True)

    def _file(self, path: Path) -> Ref:
        """A file's content in the cluster, to which it is sent once."""
        if path not in self._files:
            try:
                content = path.read_bytes()
            except OSError as error:
                raise InputError(f"{path}: cannot be read for the verifier: {error.strerror}") from error
            self._files[path] = self._ray.put(content)
        return self._files[path]

    def _result(self, ref: Ref, task: _Handed) -> Execution | None:
        """What came of a task that has ended.

        Raises:
            SoundbenchError: the harness failed on the node.
        """
        errors = self._ray.exceptions
        try:
            execution: Execution = self._ray.get(ref)
        except errors.RayTaskError as error:
            if isinstance(error.cause, SoundbenchError):
                raise error.cause from None
            if not isinstance(error.cause, errors.RayError):
                raise HarnessError(f"a task failed on a node of the cluster: {_last_line(error)}") from None
            # What it was sent was lost, with the node that had it.
            return _lost(error) if task.attempt == ATTEMPTS else None
        except errors.RuntimeEnvSetupError as error:
            raise HarnessError(f"a node of the cluster could not be prepared: {_last_line(error)}") from None
        except errors.RayError as error:
            return _lost(error) if task.attempt == ATTEMPTS else None
        return execution


def _files(job: Job) -> tuple[Path, Path]:
    return job.instance.onnx, job.instance.vnnlib


def _lost(error: Exception) -> Execution:
    """What is recorded of a task whose worker or node died every time: never a verdict."""
    words = f"lost {ATTEMPTS} times: {_first_line(error)}"
    return Execution(Answer(Claim.ERROR, words), Ending(EndReason.LOST, None, None, 0.0, 0.0, 0), f"{error}\n")


def _first_line(error: Exception) -> str:
    return next(filter(None, str(error).splitlines()), type(error).__name__).strip()


def _last_line(error: Exception) -> str:
    return next(filter(None, reversed(str(error).splitlines())), type(error).__name__).strip()
