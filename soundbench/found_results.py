"""What do results that were made elsewhere say of a suite? Each row of a table is found again as an instance.

VNN-COMP keeps a counterexample beside the table, as `NETWORK_PROPERTY.counterexample.gz`; a run of ours in the folder
`counterexamples`, by the instance's name.
"""

import itertools
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from soundbench.answer import RESULT_LIMIT_BYTES
from soundbench.claim import Claim
from soundbench.errors import InputError
from soundbench.packed import read_unpacked
from soundbench.places import Places, place
from soundbench.results_table import ResultRow, read_results
from soundbench.run import file_name

ENDINGS = (".counterexample.gz", ".counterexample", ".txt")
RUN_FOLDER = "counterexamples"
TABLE = "results.csv"
# VNN-COMP's folders of a benchmark are called `2025_acasxu_2023`.
YEARS = range(2020, 2040)
YEAR = re.compile(r"20[0-9]{2}_")


@dataclass(frozen=True, slots=True)
class FoundResults:
    """The results of one verifier on a suite.

    `rows` are those of each instance, in the table's order, usually one; `foreign` is how many rows are of other
    instances. `counterexamples` are files, by instance.
    """

    verifier: str
    table: Path
    rows: Mapping[str, Sequence[ResultRow]]
    foreign: int
    counterexamples: Mapping[str, Path]


def find_all(named: Sequence[str], places: Places, category: str | None = None) -> list[FoundResults]:
    """The results of several tables or folders, as `find_results` takes them; a run of several verifiers has several.

    Raises:
        InputError: see `find_results`.
    """
    return [find_results(table, places, category) for each in named for table in _tables(each)]


def find_results(named: str, places: Places, category: str | None = None) -> FoundResults:
    """The results in a table, or in a folder's `results.csv`: PATH or NAME=PATH, NAME being the verifier's.

    Rows of another `category`, as VNN-COMP calls a benchmark, are foreign, whatever their paths.

    Raises:
        InputError: there is no such table, it is not one, none of its rows is of the suite, or what a row means is not
            clear.
    """
    name, path = split_name(named)
    table = path / TABLE if path.is_dir() else path
    rows: dict[str, list[ResultRow]] = {}
    foreign = 0
    for row in read_results(table):
        meant = places.find(place(row.onnx, row.vnnlib)) if category in (None, row.category) else ()
        if len(meant) > 1:
            listed = ", ".join(meant[:3])
            raise InputError(f"{table}:{row.line}: {row.vnnlib} may be any of {listed}; give rows with longer paths")
        if meant:
            rows.setdefault(meant[0], []).append(row)
        else:
            foreign += 1
    if not rows:
        raise InputError(f"{table}: none of its {foreign} rows is of an instance of this suite; check which it is of")
    _check_clear(table, rows)
    verifier = name or verifier_of(table)
    return FoundResults(verifier, table, rows, foreign, _beside(table, verifier, rows))


def _check_clear(table: Path, rows: Mapping[str, Sequence[ResultRow]]) -> None:
    """Make sure that nobody is accused of what a row of another benchmark says: names such as `model` are everywhere.

    Raises:
        InputError: rows of several benchmarks, or of several paths, may be of one suite.
    """
    of_categories = {row.category: row for several in rows.values() for row in several}
    if len(of_categories) > 1:
        lines = " and ".join(f"line {row.line} of {name}" for name, row in list(of_categories.items())[:2])
        raise InputError(f"{table}: {lines} may both be of this suite; say which one is: --category NAME")
    for instance, several in rows.items():
        of_places = {place(row.onnx, row.vnnlib): row for row in several}
        if len(of_places) > 1:
            lines = " and ".join(str(row.line) for row in list(of_places.values())[:2])
            raise InputError(f"{table}: lines {lines} may both be of {instance}; give a table of this suite alone")


def _tables(named: str) -> list[str]:
    folder = Path(named)
    several = sorted(map(str, folder.glob("results-*.csv"))) if not (folder / TABLE).exists() else []
    return several or [named]


def split_name(named: str) -> tuple[str, Path]:
    """The verifier's name, empty if it is not given, and the path.

    Raises:
        InputError: there is nothing at the path.
    """
    if named and Path(named).exists():
        return "", Path(named)
    for sign in re.finditer("=", named):
        name, path = named[: sign.start()], named[sign.end() :]
        if name and path and Path(path).exists():
            return name, Path(path)
    path = named.rpartition("=")[2]
    raise InputError(f"{path}: no such file or folder; name a results.csv, or the folder of one")


def verifier_of(table: Path) -> str:
    """Whose results a table holds, told by its name and by the folders around it."""
    stem = table.name.removesuffix(".gz").removesuffix(".csv")
    if stem != "results":
        return stem.removeprefix("results-")
    of_run = table.parent / RUN_FOLDER
    inner = [entry.name for entry in _entries(of_run) if entry.is_dir()] if of_run.is_dir() else []
    if len(inner) == 1:
        return inner[0]
    folders = [folder.name for folder in table.resolve().parents if folder.name and not YEAR.match(folder.name)]
    return folders[0] if folders else stem


def read_text(path: Path) -> str:
    """The text of a counterexample's file, plain or gzipped.

    Raises:
        InputError: it cannot be read.
    """
    return read_unpacked(path, RESULT_LIMIT_BYTES).decode(errors="replace")


def counterexample_files(folder: Path) -> Mapping[tuple[str, str], Path]:
    """All files that may be counterexamples, by the folder they lie in, seen from this one, and their name.

    Links are passed over: they may lead anywhere.
    """
    folders: dict[str, str | os.PathLike[str]] = {"": folder}
    folders |= {inner.name: inner for inner in _entries(folder) if inner.is_dir()}
    of_runs = folders.get(RUN_FOLDER)
    if of_runs is not None:
        folders |= {f"{RUN_FOLDER}/{inner.name}": inner for inner in _entries(of_runs) if inner.is_dir()}
    files = {}
    for where, inner in folders.items():
        for entry in _entries(inner):
            ending = next((each for each in ENDINGS if entry.name.endswith(each)), None)
            if ending is not None and entry.is_file(follow_symlinks=False):
                files[where, entry.name.removesuffix(ending)] = Path(entry.path)
    return files


def _entries(folder: str | os.PathLike[str]) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return [entry for entry in entries if not entry.is_symlink()]


def _beside(table: Path, verifier: str, rows: Mapping[str, Sequence[ResultRow]]) -> Mapping[str, Path]:
    """The file of the counterexample of every instance that has one."""
    files = counterexample_files(table.parent)
    found = {}
    for instance, row in ((instance, row) for instance, several in rows.items() for row in several):
        if row.claim is Claim.FALSIFIED:
            file = next((files[key] for key in _keys(verifier, row, instance) if key in files), None)
            if file is not None:
                found[instance] = file
    # A file that two instances may mean is of neither.
    uses = Counter(found.values())
    return {instance: file for instance, file in found.items() if uses[file] == 1}


def _keys(verifier: str, row: ResultRow, instance: str) -> Iterator[tuple[str, str]]:
    """What the file of a row's counterexample may go by in `counterexample_files`."""
    sought = place(row.onnx, row.vnnlib)
    onnx, vnnlib = sought.onnx[-1], sought.vnnlib[-1]
    names = [*(f"{inner}_{onnx}_{vnnlib}" for inner in sought.vnnlib[-2:-1]), f"{onnx}_{vnnlib}"]
    yield from itertools.product(("", row.category, *(f"{year}_{row.category}" for year in YEARS)), names)
    yield f"{RUN_FOLDER}/{file_name(verifier)}", file_name(instance)
