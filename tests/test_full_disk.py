"""A full disk is told in a line that names the place; whatever else goes wrong stays what it was."""

import errno
from pathlib import Path

import pytest

from soundbench.errors import InputError
from soundbench.full_disk import full_disk_told


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_it_is_told_where_there_is_no_space(number):
    with pytest.raises(InputError, match=r"^place: no space is left on the disk; free some, and start again$"):
        fail(OSError(number, "of the system"))


@pytest.mark.parametrize("error", [OSError(errno.EACCES, "of the system"), InputError("wrong"), KeyboardInterrupt()])
def test_other_errors_stay_what_they_are(error):
    with pytest.raises(type(error)) as found:
        fail(error)
    assert found.value is error


def fail(error):
    with full_disk_told(Path("place")):
        raise error
