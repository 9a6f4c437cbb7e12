"""How is a suite handed in to VNN-COMP 2026? As the folder of a benchmark, which becomes the same suite again.

    1.0/ 2.0/                   a version of VNN-LIB each: instances.csv, onnx/*.onnx.gz, vnnlib/*.vnnlib.gz
    generate_properties.py      rewrites both instances.csv for a seed: which instances, and in which order
    soundbench/                 what is no part of the competition's form: suite.json, ground_truth.json, rows.csv

The properties are what they are, since each is certified: a seed chooses among them, and makes no new ones.
"""

import gzip
import shutil
from collections.abc import Mapping
from pathlib import Path

from soundbench import generate_properties
from soundbench.errors import InputError
from soundbench.generate import folder_to_be
from soundbench.packed import LARGEST_NETWORK, read_unpacked
from soundbench.queries import write_queries
from soundbench.suite import INSTANCES, MANIFEST, Row, Suite, copy_files, load_suite, read_json, read_rows
from soundbench.vnnlib import read_property
from soundbench.within import Within

OWN = "soundbench"
# The suite's instances.csv, under a name by which nobody takes its folder for a benchmark's.
ROWS = "rows.csv"
VERSIONS = ("1.0", "2.0")
# The total of timeouts that VNN-COMP allows a benchmark.
MOST_HOURS = 6.0
ADVICE = "get it from its source again"


def export_vnncomp(suite: Suite, out: Path) -> float:
    """Write a suite as a benchmark to the new folder `out`; return the sum of its timeouts, in hours.

    Raises:
        InputError: a property cannot be written in VNN-LIB 2.0, or `out` is not empty or cannot be written.
    """
    rows, listed = read_rows(suite.root), read_json(suite.root / MANIFEST)["files"]
    files = Within(suite.root, ADVICE)
    with folder_to_be(out) as folder:
        queries = suite.root if suite.instances[0].vnnlib2 else translated(suite, rows, folder)
        for version in VERSIONS:
            for row in rows:
                pack(files.file(row.onnx), packed(folder / version, row.onnx))
            lines = [f"{unpacked(row.onnx)},{unpacked(row.vnnlib)},{row.timeout_seconds:g}\n" for row in rows]
            (folder / version / INSTANCES).write_text("".join(lines), encoding="utf-8")
        in_vnnlib2 = Within(queries, ADVICE)
        for row in rows:
            pack(files.file(row.vnnlib), packed(folder / "1.0", row.vnnlib))
            pack(in_vnnlib2.file(row.vnnlib2), packed(folder / "2.0", row.vnnlib))
        places = places_of(rows)
        copy_files(suite.root, [MANIFEST, *(set(listed) - places.keys())], folder / OWN)
        (folder / OWN / INSTANCES).rename(folder / OWN / ROWS)
        shutil.copyfile(generate_properties.__file__, folder / "generate_properties.py")
        if queries != suite.root:
            shutil.rmtree(queries)
    return sum(row.timeout_seconds for row in rows) / 3600


def translated(suite: Suite, rows: list[Row], folder: Path) -> Path:
    """A folder of the properties in VNN-LIB 2.0 of a suite that lacks them."""
    queries = folder / "translated"
    copy_files(suite.root, {row.onnx for row in rows}, queries)
    write_queries(queries, rows, {instance.name: read_property(instance.vnnlib) for instance in suite.instances})
    return queries


def unpacked(path: str) -> str:
    """A path as the competition lists it."""
    return path.removesuffix(".gz")


def packed(folder: Path, path: str) -> Path:
    """Where a file lies gzipped."""
    return folder / f"{unpacked(path)}.gz"


def pack(source: Path, target: Path) -> None:
    """Write a file gzipped, the same bytes at any time; one that is gzipped is copied."""
    target.parent.mkdir(parents=True, exist_ok=True)
    content = source.read_bytes()
    target.write_bytes(content if source.suffix == ".gz" else gzip.compress(content, mtime=0))


def places_of(rows: list[Row]) -> Mapping[str, str]:
    """Where networks and properties of a suite lie in its benchmark, by their paths in the suite."""
    places = {}
    for row in rows:
        places[row.onnx] = f"1.0/{unpacked(row.onnx)}.gz"
        places[row.vnnlib] = f"1.0/{unpacked(row.vnnlib)}.gz"
        places[row.vnnlib2] = f"2.0/{unpacked(row.vnnlib)}.gz"
    return places


def is_exported(root: Path) -> bool:
    """Whether a folder is what `export_vnncomp` writes."""
    return (root / OWN / MANIFEST).is_file() and (root / OWN / ROWS).is_file()


def restore(root: Path, out: Path) -> Suite:
    """Write the suite that a benchmark was exported from to the new folder `out`, every file as it was.

    Raises:
        InputError: a file is missing, or not what it was; or `out` is not empty, or cannot be written.
    """
    listed = read_json(root / OWN / MANIFEST).get("files")
    if not isinstance(listed, dict):
        raise InputError(f"{root / OWN / MANIFEST}: lists no files; export the suite again")
    with folder_to_be(out) as folder:
        copy_files(root / OWN, [MANIFEST], folder)
        files = Within(root, ADVICE)
        shutil.copyfile(files.file(f"{OWN}/{ROWS}"), folder / INSTANCES)
        places = places_of(read_rows(folder))
        for name in set(listed) - {INSTANCES}:
            source = files.file(places.get(name, f"{OWN}/{name}"))
            target = below(folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            is_packed = name in places and not name.endswith(".gz")
            target.write_bytes(read_unpacked(source, LARGEST_NETWORK) if is_packed else source.read_bytes())
        load_suite(folder)
    return load_suite(out)


def below(folder: Path, name: str) -> Path:
    """A path below a folder.

    Raises:
        InputError: it leads out of it.
    """
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{name!r} leads out of the suite; get the benchmark from its source again")
    return path
