"""How is an archive unpacked that somebody else has packed? Only plain files, only below one folder, only so much."""

import contextlib
import lzma
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from soundbench.errors import InputError
from soundbench.full_disk import FULL
from soundbench.tar_archive import Member, is_tar, tar_members

MOST_FILES = 100_000
MOST_BYTES = 2**33
CHUNK = 2**20
# What torch and others save as pickles, which run whatever their author wants when they are loaded.
PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib")
# The record at the end of a zip archive: its mark and the number of members, which lies elsewhere if there are MANY.
ZIP_END = struct.Struct("<4s6xH10x")
MANY = 2**16 - 1
# What the libraries raise of damaged archives; OSError, which gzip and bz2 raise too, is looked at apart.
DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    ValueError,
    RuntimeError,
    NotImplementedError,
)


def refuse_pickle(path: str) -> None:
    """Refuse a file that could only be read by loading a pickle.

    Raises:
        InputError: it is one, by its name.
    """
    if path.lower().endswith(PICKLES):
        raise InputError(f"{path}: a pickle, which runs its author's code when it is loaded; give the network as ONNX")


def unpack(archive: Path, folder: Path) -> list[str]:
    """Unpack a zip or tar archive below a folder; return the names of pickles in it, which are left out.

    Raises:
        InputError: it is no such archive, is damaged, or holds too much, nothing, a link, or a path that leads out.
    """
    left_out: list[str] = []
    written = files = 0
    with _reading(archive):
        for count, member in enumerate(_members(archive), 1):
            if count > MOST_FILES:
                raise InputError(
                    f"{archive}: holds more than {MOST_FILES:,} files; get the archive from its source again"
                )
            if member.is_other:
                raise InputError(
                    f"{archive}: {member.name!r} is a link or a device; get the archive from its source again"
                )
            if member.file is None:
                continue
            files += 1
            if member.name.lower().endswith(PICKLES):
                left_out.append(member.name)
            else:
                written += _copy(archive, member.name, member.file, folder, MOST_BYTES - written)
        if not files:
            raise InputError(f"{archive}: holds no file; get the archive again")
    return left_out


def _copy(archive: Path, name: str, file: IO[bytes], folder: Path, most: int) -> int:
    """Copy a file to its place below the folder; how many bytes it has."""
    target = folder / _safe(archive, name)
    if target.exists():
        raise InputError(f"{archive}: holds {name!r} twice; get the archive from its source again")
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with target.open("xb") as copy:
        while chunk := file.read(CHUNK):
            written += len(chunk)
            if written > most:
                raise InputError(f"{archive}: holds more than {MOST_BYTES:,} bytes; take the files that you need")
            copy.write(chunk)
    return written


def _members(archive: Path) -> Iterator[Member]:
    """What an archive holds, the plain files open."""
    # In this order: a tar archive that holds a zip archive passes for one.
    if is_tar(archive):
        return tar_members(archive, MOST_BYTES)
    if zipfile.is_zipfile(archive):
        return _zip_members(archive)
    raise InputError(f"{archive}: neither a zip nor a tar archive; name a benchmark's archive, or import its folder")


def _zip_members(archive: Path) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as content:
        _check_count(archive, content)
        for entry in content.infolist():
            kind = stat.S_IFMT(entry.external_attr >> 16)
            if entry.is_dir() or kind not in (0, stat.S_IFREG):
                yield Member(entry.filename, not entry.is_dir(), None)
            else:
                with content.open(entry) as file:
                    yield Member(entry.filename, False, file)


def _check_count(archive: Path, content: zipfile.ZipFile) -> None:
    """Compare how many members were found with the number at the end of a zip archive, which zipfile passes over."""
    with archive.open("rb") as file:
        file.seek(-ZIP_END.size - len(content.comment), os.SEEK_END)
        magic, count = ZIP_END.unpack(file.read(ZIP_END.size))
    found = len(content.infolist())
    if magic != b"PK\5\6" or count not in (found, MANY):
        raise InputError(f"{archive}: its list of files is damaged; get the archive again")


def _safe(archive: Path, name: str) -> Path:
    """A path below the folder to unpack to."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\\" in name or "\0" in name or ":" in name:
        raise InputError(f"{archive}: the path {name!r} leads out of it; get the archive from its source again")
    return Path(path)


@contextlib.contextmanager
def _reading(archive: Path) -> Iterator[None]:
    try:
        yield
    except DAMAGE as error:
        raise InputError(f"{archive}: damaged or not readable ({error}); get the archive again") from None
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError(f"{archive}: {error.filename} is a file and a folder in it; get the archive again") from None
    except OSError as error:
        if error.errno in FULL:
            raise
        reason = error.strerror or error
        raise InputError(f"{archive}: cannot be unpacked ({reason}); get the archive from its source again") from None
