"""How is a file read that may be gzipped? By its content, not by its name, and never more than so many bytes of it."""

import gzip
import os
import stat
import sys
import zlib
from pathlib import Path
from typing import BinaryIO

from soundbench.errors import InputError

GZIP_MAGIC = b"\x1f\x8b"
# What ONNX files cannot exceed; and more than any property has, which are a hundred megabytes at most.
LARGEST_NETWORK, LARGEST_PROPERTY = 2**31, 2**28
# What zlib calls gzip's format, its checksum included.
GZIP_FORMAT = 31


def read_unpacked(path: Path, largest_bytes: int) -> bytes:
    """The content of a file, unpacked if it is gzipped.

    Raises:
        InputError: it cannot be read, is damaged, or holds more than `largest_bytes`.
    """
    try:
        with path.open("rb") as file:
            content = file.read(min(largest_bytes, _size_of(file)) + 1)
            if content.startswith(GZIP_MAGIC):
                content = _unpacked(content, file, largest_bytes + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: damaged gzip data ({error}); fetch or compress the file again") from None
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise InputError(f"{path}: {reason}; give a file that can be read") from None
    if len(content) > largest_bytes:
        raise InputError(f"{path}: holds more than {largest_bytes:,} bytes; split it into several files")
    return content


def _size_of(file: BinaryIO) -> int:
    """How many bytes a file has, so that no more memory is taken; as good as infinite for a pipe."""
    status = os.fstat(file.fileno())
    return status.st_size if stat.S_ISREG(status.st_mode) else sys.maxsize


def _unpacked(start: bytes, file: BinaryIO, most: int) -> bytes:
    """At most so many bytes of a gzipped file, whose `start` has been read."""
    member = zlib.decompressobj(wbits=GZIP_FORMAT)
    content = member.decompress(start, most)
    if member.eof and not member.unused_data:
        return content
    # Several members, or a large or damaged file: slower to open, and complete.
    file.seek(0)
    return gzip.GzipFile(fileobj=file).read(most)
