"""The reference verifier as a program: files in, a result file out."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from soundbench.errors import InputError
from soundbench.vnnlib import read_property

from .failures import UnsupportedError
from .reading import read_network
from .search import verify
from .steps import DEFAULT, Steps
from .verdict import Verdict

USAGE = "usage: python -m soundbench.verifiers.reference ONNX VNNLIB RESULT_FILE TIMEOUT_SECONDS [--fault NAME]"
RESERVE_SECONDS = 0.2  # for writing the result, for ending, and for what the caller could not count


def main(arguments: Sequence[str], steps: Steps = DEFAULT, spent_seconds: float = 0.0) -> int:
    """Answer one instance: the result file begins with unsat, sat, timeout, unknown, unsupported or error.

    With `--fault NAME` at the end, by that faulty verifier instead of the one of the `steps`.
    `spent_seconds` of the time given are gone already: starting a process counts as the verifier's own time.
    Returns the exit code: 0 for an answer, 2 for an input that cannot be used, with the reason on stderr.
    """
    try:
        onnx, vnnlib, result = (Path(argument) for argument in arguments[:3])
        (seconds,) = (float(argument) for argument in arguments[3:4])
        chosen = _chosen(arguments[4:], steps)
    except ValueError:
        return _complain(USAGE)
    except InputError as error:
        return _complain(str(error))
    code = 0
    try:
        verdict = verify_files(onnx, vnnlib, seconds - spent_seconds - RESERVE_SECONDS, chosen)
        text = chosen.report(verdict)
        print(f"{text.split()[0]}, {verdict.nodes} sub-domains")  # noqa: T201
    except UnsupportedError as error:
        text = "unsupported\n"
        _complain(f"unsupported: {error}")
    except InputError as error:
        text = "error\n"
        code = _complain(str(error))
    try:
        _write(result, text)
    except OSError as error:
        return _complain(f"{result}: cannot be written ({error.strerror}): name a file in an existing folder")
    return code


def verify_files(onnx: Path, vnnlib: Path, seconds: float, steps: Steps = DEFAULT) -> Verdict:
    """Read both files and decide, reading included in `seconds` of wall time.

    Raises InputError if a file cannot be used, UnsupportedError if the network holds something not known here.
    """
    started = time.monotonic()
    network = read_network(onnx, steps.parsers)
    unsafe = read_property(vnnlib)
    try:
        return verify(network, unsafe, seconds - (time.monotonic() - started), steps)
    except InputError as error:
        raise InputError(f"{vnnlib}: {error}") from error


def _chosen(arguments: Sequence[str], steps: Steps) -> Steps:
    """The steps, or those with the fault that is named; ValueError for anything else."""
    if not arguments:
        return steps
    from .faults import faulty_steps  # a sound verifier does without them

    option, name = arguments
    if option != "--fault":
        raise ValueError(option)
    return faulty_steps(name)


def _write(path: Path, text: str) -> None:
    beside = path.with_name(path.name + ".part")
    beside.write_text(text)
    beside.replace(path)


def _complain(message: str) -> int:
    print(message, file=sys.stderr)  # noqa: T201
    return 2
