"""How is a file read that may be gzipped? By its content, not by its name, and never more than so many bytes of it."""

import gzip
import zlib
from pathlib import Path

from soundbench.errors import InputError

GZIP_MAGIC = b"\x1f\x8b"


def read_unpacked(path: Path, largest_bytes: int) -> bytes:
    """The content of a file, unpacked if it is gzipped.

    Raises:
        InputError: it cannot be read, is damaged, or holds more than `largest_bytes`.
    """
    try:
        with path.open("rb") as file:
            is_gzipped = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
            file.seek(0)
            content = (gzip.GzipFile(fileobj=file) if is_gzipped else file).read(largest_bytes + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: damaged gzip data ({error}); fetch or compress the file again") from None
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise InputError(f"{path}: {reason}; give a file that can be read") from None
    if len(content) > largest_bytes:
        raise InputError(f"{path}: holds more than {largest_bytes:,} bytes; split it into several files")
    return content
