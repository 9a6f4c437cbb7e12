"""A run that can be killed: the command line on the small suite, in a process of its own that starts quickly."""

import multiprocessing
import os
import signal
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path

from fake_verifiers import Scripted, Wavers
from small_suite import small_suite
from soundbench.cli import main

import soundbench.suite
from soundbench import check, evaluate, execute, level, metrics, registry, report, run, variants  # noqa: F401 (loaded)

JOBS = 2
# Leaves a line for every start, and takes a moment.
TRACE = """
trace = os.open(os.environ['FAKE_STARTS'], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
os.write(trace, b'started\\n')
time.sleep(0.02)
"""


class Traced(Scripted):
    """Answers rightly."""

    name = "traced"
    script = (
        TRACE
        + """
upper = float(open(vnnlib).read().split('(<= X_0 ')[1].split(')')[0])
open(result, 'w').write('sat\\n((X_0 1.0))' if upper >= 0.5 else 'unsat')
print('upper', upper)
"""
    )


class TracedWavers(Wavers):
    """Contradicts itself."""

    name = "traced-wavers"
    script = TRACE + Wavers.script


class TracedLiar(Scripted):
    """Claims that every property is violated."""

    name = "traced-liar"
    script = TRACE + "open(result, 'w').write('sat\\n((X_0 0.1))')\nprint('lies')\n"


VERIFIERS = [f"killed_runs:{each.__name__}" for each in (Traced, TracedWavers, TracedLiar)]
COMMAND = ["evaluate", *VERIFIERS, "--variants", "--jobs", str(JOBS), "--out", "run", "--json", "summary.json"]


def start(folder: Path) -> BaseProcess:
    """Start the run in the folder, or go on with it."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["killed_runs"])
    process = context.Process(target=_run, args=(folder,))
    process.start()
    return process


def _run(folder: Path) -> None:
    os.chdir(folder)
    os.environ["FAKE_STARTS"] = str(folder / "starts")
    os.environ["TMPDIR"] = str(folder / "scratch")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    log = os.open("output", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    soundbench.suite.load_suite = lambda _: small_suite(folder.parent / "suite")
    sys.argv = ["soundbench", *COMMAND]
    main(COMMAND)
