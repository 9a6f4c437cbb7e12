"""Who may watch over a verifier in tests: we, and BenchExec where it works."""

from functools import partial

import pytest

from soundbench.benchexec_keeper import BenchExecKeeper, check_benchexec
from soundbench.errors import InputError
from soundbench.execute import execute


def problem() -> str:
    """Why BenchExec does not work here; empty if it does."""
    try:
        check_benchexec()
    except InputError as error:
        return str(error)
    return ""


PROBLEM = problem()
WITH_BENCHEXEC = pytest.mark.skipif(bool(PROBLEM), reason=PROBLEM)
BACKENDS = ("own", pytest.param("benchexec", marks=WITH_BENCHEXEC))


def executor(backend: str):
    """What runs jobs with that backend."""
    return execute if backend == "own" else partial(execute, make_keeper=BenchExecKeeper)
