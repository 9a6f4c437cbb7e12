"""What is a verifier? A subclass of `Verifier`: a name, a command, and rarely more.

    class MyVerifier(Verifier):
        name = "my-verifier"

        def command(self, task: Task) -> list[str]:
            return ["my-verifier", str(task.onnx), str(task.vnnlib), str(task.result)]

where the command writes VNN-COMP's result file: a first line such as `unsat` or `sat`, then the counterexample.
"""

import hashlib
import inspect
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, final

from soundbench.answer import RAW_LIMIT, read_plain_file, read_result_file
from soundbench.claim import Answer, Claim, Ending, EndReason
from soundbench.errors import InputError
from soundbench.facts import Facts
from soundbench.hooks import HookError, checked_answer, checked_command, checked_variables, from_hook
from soundbench.instance import Instance
from soundbench.keeper import Keeper, StopSignal
from soundbench.needs import Needs, read_needs, split_options
from soundbench.option import Option, OptionValue, read_options
from soundbench.packed import GZIP_MAGIC, LARGEST_NETWORK, LARGEST_PROPERTY, read_unpacked
from soundbench.process import LOG_LIMIT_BYTES, Limits, Request

PREPARE_SECONDS = 600.0
_NOT_RUN = Ending(EndReason.NOT_STARTED, None, None, 0.0, 0.0, 0)


@dataclass(frozen=True, slots=True)
class Task:
    """What a verifier gets to see: private copies in a fresh folder, which is removed afterwards.

    The verifier writes its answer to `result`. `timeout_seconds` includes its start-up. `gpus` are its own, as CUDA
    names them; there are none unless it needs some.
    """

    folder: Path
    onnx: Path
    vnnlib: Path
    result: Path
    timeout_seconds: float
    gpus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of a verifier: its answer, how its process ended, and what it printed (bounded)."""

    answer: Answer
    ending: Ending
    log: str
    prepare_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Selection:
    """Which verifier the user asked for: `marabou==2.0.0`, `vnncomp:FOLDER`, and its options as text."""

    label: str
    version: str | None = None
    argument: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)


class Verifier(ABC):
    """Base class of verifiers. Subclasses fill in the hooks; `answer` is the template and is not overridden.

    Attributes:
        name: what users type.
        summary: one line about it.
        versions: the versions that `name==VERSION` can select, the default first; empty if there is no choice.
        argument: what stands behind the colon of `name:ARGUMENT`; None if nothing may.
        options: what `-o name.option=value` can set; `settings` holds the values.
        facts: where the tool comes from; None if there is nothing to tell.
        is_tested: whether what it really printed is kept among the tests.
        needs: what one task takes of a machine; the user's `-o name.cores=2` and the like go before.
    """

    name: ClassVar[str]
    summary: ClassVar[str] = ""
    versions: ClassVar[tuple[str, ...]] = ()
    argument: ClassVar[str | None] = None
    options: ClassVar[tuple[Option, ...]] = ()
    facts: ClassVar[Facts | None] = None
    is_tested: ClassVar[bool] = False
    needs: Needs = Needs()

    def __init__(self, selection: Selection | None = None) -> None:
        """Take what the user selected.

        Raises:
            InputError: there is no such version, argument or option.
        """
        self.selection = selection or Selection(self.name)
        _check_selection(self.selection, self.versions, self.argument)
        own, needs = split_options(self.options, self.selection.options)
        self.settings: Mapping[str, OptionValue] = MappingProxyType(read_options(self.name, self.options, own))
        self.needs = read_needs(self.name, self.needs, needs)

    @property
    def label(self) -> str:
        """The verifier as the user typed it."""
        return self.selection.label

    @abstractmethod
    def command(self, task: Task) -> list[str]:
        """The command that answers the task; no shell is involved."""

    def preparation(self, task: Task) -> list[str] | None:  # noqa: ARG002 (a hook)
        """A command to run before, within a limit of its own (600 s); None if there is none."""
        return None

    def environment(self, task: Task) -> Mapping[str, str]:  # noqa: ARG002 (a hook)
        """Environment variables to set besides those that every verifier gets, such as HOME or OMP_NUM_THREADS."""
        return {}

    def read_answer(self, task: Task, ending: Ending, log: str) -> Answer:  # noqa: ARG002 (a hook)
        """What the process left as its answer, by default in its result file; how it ended is weighed afterwards."""
        return read_result_file(task.result)

    def version(self) -> str:
        """What the tool says of itself; it is part of what identifies a run.

        By default a digest of the class's file: who mends it starts another run.
        """
        try:
            source = Path(inspect.getfile(type(self))).read_bytes()
        except (OSError, TypeError):
            return "unknown"
        return f"class-{hashlib.sha256(source).hexdigest()[:12]}"

    def is_installed(self) -> bool:
        """Whether the verifier can run."""
        return True

    def install(self) -> str:
        """Install the verifier and say where.

        Raises:
            InputError: there is nothing to install, or it failed.
        """
        raise InputError(f"{self.label} comes without an installation; install the tool by its own instructions")

    def location(self) -> Path | None:
        """Where its installation is, or would be; None if it has none of its own."""
        return None

    def recipe(self) -> tuple[str, ...]:
        """What `install` does, a line a step; empty if there is nothing to install."""
        return ()

    def missing(self) -> tuple[str, ...]:
        """What this machine lacks for it, a line each, which says how to get it."""
        return ()

    def remove(self) -> str:
        """Remove the installation and say from where.

        Raises:
            InputError: there is nothing to remove, or it failed.
        """
        raise InputError(f"{self.label} has no installation of ours to remove")

    @final
    def answer(
        self,
        instance: Instance,
        *,
        timeout_seconds: float | None = None,
        cpu_seconds: float | None = None,
        memory_bytes: int | None = None,
        gpus: Sequence[str] = (),
        keeper: Keeper | None = None,
        stop: StopSignal | None = None,
    ) -> Execution:
        """Run the verifier on an instance; the limits are those of `soundbench.process.Limits`.

        `gpus` are those that it gets for itself, as CUDA names them; without any, it sees what we do.

        The `keeper`, which does one thing at a time, spares starting one; None starts one for this call.

        `verified` and `falsified` count only from a process that exited with 0: a tool that crashed may have left
        half an answer. (VNN-COMP counts the file whatever the exit code.) A process that was stopped at the wall
        or CPU limit has claimed `timeout`, whatever it wrote. A hook that fails has claimed `error`; the log says why.

        Raises:
            InputError: the instance's files cannot be read.
            StoppedError: `stop` was set.
        """
        wall_seconds = instance.timeout_seconds if timeout_seconds is None else timeout_seconds
        limits = Limits(wall_seconds, cpu_seconds, memory_bytes)
        with _opened(keeper) as opened, opened.scratch_folder() as folder:
            task, log = _private_copies(instance, folder, wall_seconds, gpus), folder / "log.txt"
            ending, seconds = _NOT_RUN, 0.0
            try:
                preparation = from_hook(lambda: self.preparation(task))
                if preparation is not None:
                    request = self._request(preparation, task, log, replace(limits, wall_seconds=PREPARE_SECONDS))
                    prepared = opened.run(request, stop)
                    seconds = prepared.wall_seconds
                    if not _succeeded(prepared):
                        answer = Answer(Claim.ERROR, f"preparation failed: {describe_ending(prepared)}")
                        return Execution(answer, prepared, _read_log(log), seconds)
                ending = opened.run(self._request(from_hook(lambda: self.command(task)), task, log, limits), stop)
                text = _read_log(log)
                answer = from_hook(lambda: checked_answer(self.read_answer(task, ending, text)))
            except HookError as error:
                answer = Answer(Claim.ERROR, f"its class failed: {error.reason}"[:RAW_LIMIT])
                text = f"{_read_log(log)}\n{error}\n"
            return Execution(_believe(answer, ending), ending, text, seconds)

    def _request(self, command: object, task: Task, log: Path, limits: Limits) -> Request:
        return Request(
            command=from_hook(lambda: checked_command(command)),
            working_folder=task.folder,
            environment={**_base_environment(task), **from_hook(lambda: checked_variables(self.environment(task)))},
            limits=limits,
            log=log,
        )


def _opened(keeper: Keeper | None) -> AbstractContextManager[Keeper]:
    """The keeper, to be left open, or a new one."""
    return Keeper() if keeper is None else nullcontext(keeper)


def describe_ending(ending: Ending) -> str:
    """How a process ended, in a few words."""
    match ending.reason:
        case EndReason.EXIT:
            return f"exit code {ending.exit_code}"
        case EndReason.SIGNAL:
            return f"signal {ending.signal}"
        case EndReason.WALL_LIMIT:
            return "stopped at the wall limit"
        case EndReason.CPU_LIMIT:
            return "stopped at the limit of CPU time"
        case EndReason.MEMORY_LIMIT:
            return "stopped at the memory limit"
        case EndReason.NOT_STARTED:
            return "could not be started"
        case EndReason.LOST:
            return "killed the process that watched over it"


def _succeeded(ending: Ending) -> bool:
    return ending.reason is EndReason.EXIT and ending.exit_code == 0


def _believe(answer: Answer, ending: Ending) -> Answer:
    """The answer, as far as the way that the process ended lets it count."""
    if ending.reason in (EndReason.WALL_LIMIT, EndReason.CPU_LIMIT):
        return Answer(Claim.TIMEOUT, answer.raw)
    if _succeeded(ending):
        return answer
    if answer.claim in (Claim.VERIFIED, Claim.FALSIFIED, Claim.ERROR) or ending.reason is EndReason.MEMORY_LIMIT:
        return replace(answer, claim=Claim.ERROR, raw=f"{answer.raw} ({describe_ending(ending)})")
    return answer


def _check_selection(selection: Selection, versions: tuple[str, ...], argument: str | None) -> None:
    label = selection.label
    if selection.version is not None and selection.version not in versions:
        known = f"it has {', '.join(versions)}" if versions else "it has none to choose from"
        raise InputError(f"{label}: there is no version {selection.version}; {known}")
    if argument is None and selection.argument is not None:
        raise InputError(f"{label}: nothing may follow the colon")
    if argument is not None and not selection.argument:
        raise InputError(f"{label}: name it as {label.partition(':')[0]}:{argument}")


def _private_copies(instance: Instance, root: Path, timeout_seconds: float, gpus: Sequence[str]) -> Task:
    """Copies under names that say nothing, in a folder below the `root`."""
    folder = root / "task"
    folder.mkdir()
    task = Task(
        folder=folder,
        onnx=folder / "network.onnx",
        vnnlib=folder / "property.vnnlib",
        result=folder / "result.txt",
        timeout_seconds=timeout_seconds,
        gpus=tuple(gpus),
    )
    _copy(instance.onnx, task.onnx, LARGEST_NETWORK)
    _copy(instance.vnnlib, task.vnnlib, LARGEST_PROPERTY)
    return task


def _copy(source: Path, target: Path, most: int) -> None:
    """Copy a file's content, unpacked if it is gzipped, to at most so many bytes: few verifiers read that."""
    try:
        with source.open("rb") as file:
            is_packed = file.read(2) == GZIP_MAGIC
        if is_packed:
            target.write_bytes(read_unpacked(source, most))
        else:
            shutil.copyfile(source, target)
    except OSError as error:
        raise InputError(f"{source}: cannot be copied for the verifier: {error}") from error


def _base_environment(task: Task) -> dict[str, str]:
    """Ours without what would lead another Python astray or tell where the suite lies."""
    dropped = ("PYTHON", "VIRTUAL_ENV", "PWD", "OLDPWD")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    own_gpus = {"CUDA_VISIBLE_DEVICES": ",".join(task.gpus)} if task.gpus else {}
    return kept | own_gpus | {"TMPDIR": str(task.folder), "PYTHONUNBUFFERED": "1"}


def _read_log(log: Path) -> str:
    try:
        return read_plain_file(log, LOG_LIMIT_BYTES + RAW_LIMIT).decode(errors="replace")
    except OSError:
        return ""
