"""What if a disk is full while something large is written? That is told like wrong input: whoever reads it can help."""

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from soundbench.errors import InputError

FULL = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def full_disk_told(path: Path) -> Iterator[None]:
    """A block that writes below a path.

    Raises:
        InputError: the disk is full, or what its user may have of it.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise InputError(f"{path}: no space is left on the disk; free some, and start again") from None
