"""Which files of a VNN-COMP repository are fetched? Those that a benchmark's `instances.csv` lists, and no others."""

import urllib.parse
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from soundbench.errors import InputError
from soundbench.fetch import Cache, NoSuchFileThere
from soundbench.suite import INSTANCES, read_rows
from soundbench.vnncomp_folder import VERSIONS

# What GitHub gives in place of a file that it keeps elsewhere.
POINTER = b"version https://git-lfs.github.com/spec"

Progress = Callable[[str], None]


def fetch_benchmark(base: str, cache: Cache, version: str | None, progress: Progress) -> Path:
    """Fetch a benchmark's folder from below an address; the folder that it is in.

    `version` is that of VNN-LIB, by default 1.0 if the benchmark has it. `progress` is told of every file.

    Raises:
        NoSuchFileThere: there is no benchmark at the address.
        InputError: a file cannot be fetched, or the list of instances is not to be trusted.
    """
    place = _place(base, cache, version)
    folder = cache.folder / place
    progress(_below(place, INSTANCES))
    for name in _listed(folder):
        _fetch_either(base, _below(place, name), cache)
        progress(_below(place, name))
    return folder


def _listed(folder: Path) -> Sequence[str]:
    """The files that the list of instances names; a list that cannot be used is not kept in the cache."""
    try:
        listed = dict.fromkeys(name for row in read_rows(folder) for name in (row.onnx, row.vnnlib))
        for name in listed:
            _refuse_outside(folder, name)
    except InputError:
        (folder / INSTANCES).unlink()
        raise
    return tuple(listed)


def _place(base: str, cache: Cache, version: str | None) -> str:
    """Where the list of instances lies, below the address."""
    places: Sequence[str] = (VERSIONS[0], "", VERSIONS[1]) if version is None else (version, "")
    for place in sorted(places, key=lambda place: not (cache.folder / place / INSTANCES).exists()):
        try:
            cache.fetch(_address(base, _below(place, INSTANCES)), _below(place, INSTANCES))
        except NoSuchFileThere:
            continue
        return place
    raise NoSuchFileThere(f"{base}: there is no {INSTANCES}; check the name, the revision and the mirror")


def _fetch_either(base: str, name: str, cache: Cache) -> Path:
    """Fetch a file, gzipped as VNN-COMP keeps nearly all, or plain."""
    plain = name.removesuffix(".gz")
    names = [f"{plain}.gz", plain]
    first, second = sorted(names, key=lambda each: not (cache.folder / each).exists())
    try:
        path = cache.fetch(_address(base, first), first)
    except NoSuchFileThere:
        path = cache.fetch(_address(base, second), second)
    with path.open("rb") as file:
        if file.read(len(POINTER)) == POINTER:
            path.unlink()
            raise InputError(
                f"{base}/{name}: only a pointer to the file is kept there; get it with git lfs, and import"
            )
    return path


def _below(place: str, name: str) -> str:
    return PurePosixPath(place, name).as_posix()


def _address(base: str, name: str) -> str:
    return f"{base.rstrip('/')}/{urllib.parse.quote(name)}"


def _refuse_outside(folder: Path, name: str) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
        raise InputError(f"{folder / INSTANCES}: the path {name!r} leads out of the benchmark; check the address")
