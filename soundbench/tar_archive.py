"""How is a tar archive read that may be damaged or hostile? To its last byte, and so much of a header at most.

tarfile stops at the first block that it cannot read, and never sees the checksum that ends a compressed file.
"""

import bz2
import contextlib
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from soundbench.errors import InputError

# Names and attributes of one member; tarfile holds them in memory, whatever size an archive says they have.
LARGEST_HEADER = 2**16
CHUNK = 2**20
NO_LIMIT = 2**63
END = bytes(2 * tarfile.BLOCKSIZE)
OPENERS: Mapping[bytes, Callable[[Path], object]] = {
    b"\x1f\x8b": gzip.open,
    b"\xfd7zXZ\0": lzma.open,
    b"BZh": bz2.open,
}


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an archive: open to be read if it is a plain file; `is_other` if it is no folder either."""

    name: str
    is_other: bool
    file: IO[bytes] | None


class _Stream(io.RawIOBase):
    """What is inside the compression: read forwards only, up to `most` bytes, `left` of them until the next member."""

    def __init__(self, archive: Path, most: int) -> None:
        super().__init__()
        self.archive, self.most, self.left, self.last = archive, most, LARGEST_HEADER, b""
        with archive.open("rb") as file:
            start = file.read(max(map(len, OPENERS)))
        opener = next((opener for magic, opener in OPENERS.items() if start.startswith(magic)), None)
        self.file = archive.open("rb") if opener is None else cast("IO[bytes]", opener(archive))

    def read(self, size: int = -1) -> bytes:
        """So many bytes, fewer at the end."""
        if size < 0 or size > self.left:
            raise InputError(f"{self.archive}: has a header of more than {LARGEST_HEADER:,} bytes; get it again")
        self.left -= size
        self.last = self.file.read(size)
        self._limit(self.file.tell())
        return self.last

    def tell(self) -> int:
        """How many bytes have been read."""
        return self.file.tell()

    def seek(self, position: int, whence: int = io.SEEK_SET) -> int:
        """Go on to a position."""
        if whence != io.SEEK_SET or position < self.file.tell():
            raise InputError(f"{self.archive}: damaged: what follows lies before; get the archive again")
        self._limit(position)
        return self.file.seek(position)

    def close(self) -> None:
        """Close the file."""
        self.file.close()
        super().close()

    def check_end(self) -> None:
        """Demand the mark at the end, whose first block has just been read, and nothing after it."""
        self.left = NO_LIMIT
        ends = self.last + self.read(tarfile.BLOCKSIZE) == END
        while ends and (chunk := self.read(CHUNK)):
            ends = not any(chunk)
        if not ends:
            raise InputError(f"{self.archive}: damaged or cut short: its end is not marked; get the archive again")

    def _limit(self, position: int) -> None:
        if position > self.most:
            raise InputError(f"{self.archive}: holds more than {self.most:,} bytes; take the files that you need")


def is_tar(archive: Path) -> bool:
    """Whether a file is a tar archive, compressed or not, told by its first header.

    Raises:
        InputError: its first header is too large.
    """
    try:
        with contextlib.closing(_Stream(archive, NO_LIMIT)) as stream, tarfile.TarFile(fileobj=stream):
            return True
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError):
        return False


def tar_members(archive: Path, most: int) -> Iterator[Member]:
    """The members of an archive one after another, links and devices included, of at most so many bytes in all.

    Raises:
        InputError: it holds more, a header is too large, or it does not end as an archive does.
    """
    with contextlib.closing(_Stream(archive, most)) as stream, tarfile.TarFile(fileobj=stream) as packed:
        while (entry := packed.next()) is not None:
            stream.left = NO_LIMIT
            file = packed.extractfile(entry) if entry.isreg() else None
            yield Member(entry.name, not (entry.isdir() or entry.isreg()), file)
            entry.pax_headers = {}  # tarfile keeps every member, and in each what was said of all
            stream.left = LARGEST_HEADER
        stream.check_end()
