"""How is an archive unpacked that somebody else has packed? Only plain files, only below one folder, only so much."""

import contextlib
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from soundbench.errors import InputError

MOST_FILES = 100_000
MOST_BYTES = 2**33
CHUNK = 2**20
# What torch and others save as pickles, which run whatever their author wants when they are loaded.
PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib")
DAMAGE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, NotImplementedError)


def is_archive(path: Path) -> bool:
    """Whether a file is one that `unpack` reads, told by its content."""
    return zipfile.is_zipfile(path) or tarfile.is_tarfile(path)


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
        InputError: it is no such archive, is damaged, or holds too much, a link, or a path that leads out.
    """
    left_out: list[str] = []
    written = files = 0
    with _reading(archive):
        for name, file in _members(archive):
            files += 1
            target = folder / _safe(archive, name)
            if files > MOST_FILES or target.exists():
                problem = f"more than {MOST_FILES:,} files" if files > MOST_FILES else f"{name!r} twice"
                raise InputError(f"{archive}: holds {problem}; get the archive from its source again")
            if name.lower().endswith(PICKLES):
                left_out.append(name)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as copy:
                while chunk := file.read(CHUNK):
                    written += len(chunk)
                    if written > MOST_BYTES:
                        raise InputError(
                            f"{archive}: holds more than {MOST_BYTES:,} bytes; take the files that you need"
                        )
                    copy.write(chunk)
    return left_out


def _members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """The plain files of an archive, open."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as content:
            for entry in content.infolist():
                kind = stat.S_IFMT(entry.external_attr >> 16)
                _refuse_other(archive, entry.filename, is_plain=entry.is_dir() or kind in (0, stat.S_IFREG))
                if not entry.is_dir():
                    with content.open(entry) as file:
                        yield entry.filename, file
    elif tarfile.is_tarfile(archive):
        with tarfile.open(archive) as packed:
            for member in packed:
                _refuse_other(archive, member.name, is_plain=member.isdir() or member.isreg())
                plain = packed.extractfile(member) if member.isreg() else None
                if plain is not None:
                    yield member.name, plain
    else:
        raise InputError(
            f"{archive}: neither a zip nor a tar archive; name a benchmark's archive, or import its folder"
        )


def _refuse_other(archive: Path, name: str, *, is_plain: bool) -> None:
    if not is_plain:
        raise InputError(f"{archive}: {name!r} is a link or a device; get the archive from its source again")


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
