"""How results are kept as they come: a JSON line each, of which a crash can tear no more than the last."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from soundbench.errors import HarnessError, InputError

Entry = TypeVar("Entry")


def append_line(place: Path, descriptor: int, fields: Mapping[str, Any]) -> None:
    """Add a line to an open file; once this returns it survives a crash of the machine.

    Raises:
        HarnessError: `place` cannot be written any more, or has no room.
    """
    line = (json.dumps(fields) + "\n").encode()
    try:
        is_whole = os.write(descriptor, line) == len(line)
        os.fsync(descriptor)
    except OSError as error:
        raise HarnessError(f"{place}: cannot be written ({error.strerror}); start the same command again") from None
    if not is_whole:
        raise HarnessError(f"{place}: the disk is full; make room and start the same command again")


def read_lines(path: Path, descriptor: int, parse: Callable[[bytes], Entry | None], advice: str) -> list[Entry]:
    """What an open file holds, line by line as `parse` reads it; a last line that was torn by a crash is cut off.

    Raises:
        InputError: `parse` cannot read another line: it gives None. The message ends with the `advice`.
    """
    content = path.read_bytes()
    entries, end = [], 0
    for number, line in enumerate(content.splitlines(keepends=True), start=1):
        entry = parse(line) if line.endswith(b"\n") else None
        if entry is None:
            if end + len(line) < len(content):
                raise InputError(f"{path}: line {number} is damaged; {advice}")
            break
        entries.append(entry)
        end += len(line)
    os.ftruncate(descriptor, end)
    return entries
