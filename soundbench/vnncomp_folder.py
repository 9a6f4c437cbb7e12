"""How is a folder of VNN-COMP's read? Its `instances.csv`, and the files that are listed there, gzipped or not.

A benchmark may lie in folders named after versions of VNN-LIB, `1.0` and `2.0`, and a folder may hold several.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from soundbench.errors import InputError
from soundbench.places import Place, place
from soundbench.run import file_name
from soundbench.suite import INSTANCES, read_rows
from soundbench.within import Within

VERSIONS = ("1.0", "2.0")


@dataclass(frozen=True, slots=True)
class Listed:
    """One row of an `instances.csv`: the name that its instance gets, its files, and how these are listed.

    `source` are the paths of network and property from the folder that was read, as listed: without `.gz`. `folder` is
    that of the `instances.csv`, and `position` the row's in it, from 0 on, of `count` rows.
    """

    name: str
    onnx: Path
    vnnlib: Path
    timeout_seconds: float
    source: tuple[str, str]
    folder: str
    position: int
    count: int


def read_folder(root: Path, version: str | None) -> list[Listed]:
    """All instances that a folder lists, in the order of their folders.

    Raises:
        InputError: it lists none, a file is missing or lies outside, or an instance is listed twice.
    """
    found = [listed for folder in benchmark_folders(root, version) for listed in _rows(root, folder)]
    names = distinct_names([place(*listed.source) for listed in found], root)
    return [replace(listed, name=name) for listed, name in zip(found, names, strict=True)]


def benchmark_folders(root: Path, version: str | None) -> list[Path]:
    """The folders with an `instances.csv`; of those for several versions of VNN-LIB the one asked for, or the first.

    Raises:
        InputError: there is none.
    """
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; name the folder of a benchmark, with {INSTANCES} in it")
    listing = sorted(path.parent for path in root.rglob(INSTANCES))
    if root in listing:
        return [root]
    wanted = VERSIONS if version is None else (version,)
    chosen = []
    for folder in listing:
        siblings = [folder.parent / each for each in wanted if folder.parent / each in listing]
        if folder.name not in VERSIONS or folder in siblings[:1]:
            chosen.append(folder)
    if not chosen:
        what = f"{INSTANCES} for VNN-LIB {version}" if listing else INSTANCES
        raise InputError(f"{root}: holds no {what}; name the folder of a benchmark in VNN-COMP's form")
    return chosen


def _rows(root: Path, folder: Path) -> list[Listed]:
    rows, where = read_rows(folder), folder.relative_to(root).as_posix()
    files = Within(folder, "get the benchmark again")
    return [
        Listed(
            name="",
            onnx=_file(files, folder, row.onnx),
            vnnlib=_file(files, folder, row.vnnlib),
            timeout_seconds=row.timeout_seconds,
            source=(_path(where, row.onnx), _path(where, row.vnnlib)),
            folder=where,
            position=position,
            count=len(rows),
        )
        for position, row in enumerate(rows)
    ]


def _file(files: Within, folder: Path, listed: str) -> Path:
    """The file that a row lists, or the one with `.gz` behind its name."""
    packed = f"{listed}.gz"
    return files.file(packed if not (folder / listed).exists() and (folder / packed).exists() else listed)


def _path(where: str, listed: str) -> str:
    return PurePosixPath(where, listed.removesuffix(".gz")).as_posix()


def distinct_names(places: Sequence[Place], root: Path) -> list[str]:
    """A name for each place: of the property, of network and property, or of all that tells their paths apart.

    Raises:
        InputError: two places are alike.
    """
    schemes = (
        [each.vnnlib[-1] for each in places],
        [f"{each.onnx[-1]}_{each.vnnlib[-1]}" for each in places],
        ["_".join((*each.vnnlib[:-1], each.onnx[-1], each.vnnlib[-1])) for each in places],
        ["_".join((*each.onnx, *each.vnnlib)) for each in places],
    )
    for names in schemes:
        if len(set(names)) == len(names):
            return [file_name(name) for name in names]
    twice = next(name for name, count in Counter(schemes[-1]).items() if count > 1)
    raise InputError(f"{root}: lists {twice} twice; remove one of the rows from its {INSTANCES}")
