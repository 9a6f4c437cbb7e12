"""What if BenchExec is to watch over verifiers? Its limits and its accounting; ours remain behind it.

A keeper starts a driver for each command (see `soundbench.benchexec_driver`), whose only child is the command. So what
BenchExec leaves alive, as it does where it finds no cgroups, is ended as ever.
"""

import importlib.util
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from soundbench.claim import Ending, EndReason
from soundbench.errors import HarnessError, InputError
from soundbench.keeper import Keeper, StopSignal
from soundbench.process import Limits, Request

_DRIVER = Path(__file__).with_name("benchexec_driver.py")
# Our own limits come so much later: BenchExec looks at the clock every second, and has a driver that takes its share.
LATER_SECONDS = 5.0
LATER_BYTES = 128 << 20
_REASONS = {
    None: EndReason.EXIT,
    "walltime": EndReason.WALL_LIMIT,
    "cputime": EndReason.CPU_LIMIT,
    "memory": EndReason.MEMORY_LIMIT,
    "failed": EndReason.NOT_STARTED,
}


class BenchExecKeeper(Keeper):
    """A keeper whose commands are run by BenchExec, without a container."""

    def run(self, request: Request, stop: StopSignal | None = None) -> Ending:
        """Run a command as `Keeper.run` does.

        At the wall or CPU limit it is killed at once; wall seconds, CPU seconds and peak memory are BenchExec's, as far
        as cgroups let it measure them, and ours otherwise.

        Raises:
            StoppedError: `stop` was set.
            HarnessError: BenchExec failed.
        """
        with tempfile.NamedTemporaryFile("w+", prefix="soundbench-benchexec-", delete=False) as channel:
            try:
                json.dump(_described(request), channel)
                channel.flush()
                ending = super().run(_driven(request, Path(channel.name)), stop)
                channel.seek(0)
                return _read(ending, channel.read(), request.log)
            finally:
                Path(channel.name).unlink(missing_ok=True)


def check_benchexec() -> None:
    """Make sure that BenchExec works here, before anything runs.

    Raises:
        InputError: it is not installed, or refuses to run a command.
    """
    if importlib.util.find_spec("benchexec") is None:
        raise InputError("BenchExec is not installed; run: pip install 'soundbench[benchexec]'")
    with BenchExecKeeper() as keeper, keeper.scratch_folder() as folder:
        request = Request(["/bin/true"], folder, {}, Limits(60.0), folder / "log.txt")
        try:
            keeper.run(request)
        except HarnessError as error:
            raise InputError(
                f"{error}; see what python -m benchexec.check_cgroups says, or leave out --backend"
            ) from None


def _described(request: Request) -> dict[str, Any]:
    """The request, for the driver."""
    limits = request.limits
    return {
        "command": list(request.command),
        "environment": dict(request.environment),
        "working_folder": str(request.working_folder),
        "wall_seconds": limits.wall_seconds,
        "cpu_seconds": limits.cpu_seconds,
        "memory_bytes": limits.memory_bytes,
    }


def _driven(request: Request, channel: Path) -> Request:
    """The request to run the driver, whose temporary files lie beside the log."""
    limits = request.limits
    later = replace(
        limits,
        wall_seconds=limits.wall_seconds + LATER_SECONDS,
        cpu_seconds=None if limits.cpu_seconds is None else limits.cpu_seconds + LATER_SECONDS,
        memory_bytes=None if limits.memory_bytes is None else limits.memory_bytes + LATER_BYTES,
    )
    environment = {**os.environ, "TMPDIR": str(request.log.parent)}
    # Not from the folder of its file, whose modules are no top-level ones.
    command = [sys.executable, "-P", "-X", "utf8", str(_DRIVER), str(channel)]
    return Request(command, request.working_folder, environment, later, request.log)


def _read(ending: Ending, text: str, log: Path) -> Ending:
    """How the command ended, from how the driver did and what it wrote."""
    if ending.reason is EndReason.SIGNAL:
        # By the command, since nobody else knows the driver.
        return replace(ending, reason=EndReason.LOST, signal=None)
    if ending.reason is not EndReason.EXIT:
        return ending
    try:
        if ending.exit_code != 0:
            raise ValueError(f"exit code {ending.exit_code}")
        result: Mapping[str, Any] = json.loads(text)
        reason, killed_by = _REASONS[result.get("terminationreason")], result["signal"]
    except (ValueError, KeyError) as error:
        raise HarnessError(f"BenchExec has failed ({error}): {_last_line(log)}") from None
    if reason is EndReason.NOT_STARTED:
        return Ending(reason, None, None, ending.wall_seconds, 0.0, 0)
    if reason is EndReason.EXIT and killed_by is not None:
        reason = EndReason.SIGNAL
    return Ending(
        reason=reason,
        exit_code=result["exit_code"],
        signal=killed_by,
        wall_seconds=result.get("walltime", ending.wall_seconds),
        cpu_seconds=result.get("cputime", ending.cpu_seconds),
        peak_memory_bytes=result.get("memory", ending.peak_memory_bytes),
    )


def _last_line(log: Path) -> str:
    try:
        return (log.read_text(errors="replace").split("\n") or [""])[-2][:500]
    except (OSError, IndexError):
        return "it has printed nothing"
