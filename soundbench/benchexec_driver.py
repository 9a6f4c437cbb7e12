"""What runs inside a task if BenchExec watches over it? One call of its RunExecutor, in a process of its own.

The one argument is a file with the request as JSON. It is removed before the command starts: no path leads there then,
and the result is written to it all the same, for whoever has it open. Imports nothing of soundbench.
"""

import json
import logging
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Run the command; what it prints goes to our own standard output."""
    path = Path(sys.argv[1])
    with path.open("r+") as channel:
        path.unlink()
        request = json.load(channel)
        result = run(request)
        channel.seek(0)
        channel.truncate()
        json.dump(result, channel)


def run(request: dict[str, Any]) -> dict[str, Any]:
    """What BenchExec measured, and why the command ended, in words of JSON; without cgroups it measures less."""
    from benchexec.runexecutor import RunExecutor

    logging.basicConfig(level=logging.CRITICAL, format="soundbench: %(message)s")
    executor = RunExecutor(use_namespaces=False)
    ended = executor.execute_run(
        request["command"],
        "/dev/stdout",
        hardtimelimit=request["cpu_seconds"] if executor.cgroups.CPU in executor.cgroups else None,
        walltimelimit=request["wall_seconds"],
        memlimit=request["memory_bytes"] if executor.cgroups.MEMORY in executor.cgroups else None,
        environments={"keepEnv": {}, "newEnv": request["environment"]},
        workingDir=request["working_folder"],
        write_header=False,
    )
    code = ended.get("exitcode")
    kept = ("terminationreason", "walltime", "cputime", "memory")
    return {name: ended[name] for name in kept if name in ended} | {
        "exit_code": None if code is None else code.value,
        "signal": None if code is None else code.signal,
    }


if __name__ == "__main__":
    main()
