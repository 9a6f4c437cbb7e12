"""Whether tests of BenchExec can run here: it may be missing, or find no cgroups that it may use."""

import pytest

from soundbench.benchexec_keeper import check_benchexec
from soundbench.errors import InputError


def problem() -> str:
    """Why BenchExec does not work here; empty if it does."""
    try:
        check_benchexec()
    except InputError as error:
        return str(error)
    return ""


PROBLEM = problem()
WITH_BENCHEXEC = pytest.mark.skipif(bool(PROBLEM), reason=PROBLEM)
