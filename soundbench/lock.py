"""How a file or a suite is kept to one process, until that ends, however it does: the kernel gives locks back."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from soundbench.errors import InputError


def take_lock(descriptor: int, busy: str) -> None:
    """Lock an open file, until it is closed.

    Raises:
        InputError: another process has locked it, which is told in the words `busy`.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(busy) from None


@contextlib.contextmanager
def open_locked(path: Path, busy: str) -> Iterator[int]:
    """Open a file to read and append, which need not exist, and lock it; yield its descriptor.

    Raises:
        InputError: it cannot be written, or another process has locked it, which is told in the words `busy`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); name another folder with --out") from None
    try:
        take_lock(descriptor, busy)
        # Whoever had locked it may have removed it since it was opened.
        if not is_at(path, descriptor):
            raise InputError(busy)
        yield descriptor
    finally:
        os.close(descriptor)


def is_at(path: Path, descriptor: int) -> bool:
    """Whether the path still leads to this open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def locked(out: Path) -> Iterator[None]:
    """Let nobody else make the suite `out`.

    Raises:
        InputError: another process makes it, or the folder cannot be written.
    """
    path = out.absolute().with_name(f"{out.name}.lock")
    with open_locked(path, f"{out}: another process is at work on it; wait for it, or end it"):
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
