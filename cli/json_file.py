"""The file that `--json` names: known to be writable before anything runs, and written whole or not at all."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from soundbench.errors import InputError


def check_writable(path: Path | None) -> None:
    """Refuse a file that cannot be written, if one is named.

    Raises:
        InputError: it cannot.
    """
    if path is None:
        return
    if path.is_dir():
        raise InputError(f"{path}: cannot be written: it is a folder; name a file")
    with writing(path) as partial:
        partial.touch()
        partial.unlink()


def write_json(path: Path | None, content: object) -> None:
    """Write the file, if one is named.

    Raises:
        InputError: it cannot be written.
    """
    if path is None:
        return
    with writing(path) as partial:
        partial.write_text(json.dumps(content, indent=2) + "\n")
        partial.replace(path)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A name beside a file, to be written and then renamed; errors speak of the file."""
    try:
        yield path.with_name(f".{path.name}.partial")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}; name another file") from error
