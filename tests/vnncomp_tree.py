"""A benchmark in VNN-COMP's form, and results in the form in which VNN-COMP publishes them, made of a suite."""

import csv
import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path

from soundbench.counterexample import format_counterexample
from soundbench.suite import Suite, load_suite

NETWORK_FOLDER, PROPERTY_FOLDER = "onnx", "vnnlib"


def write_benchmark(suite_folder: Path, folder: Path, *, packed: bool = True, versions: Sequence[str] = ("",)) -> Path:
    """The suite's files as a benchmark; `versions` are folders in it, of which `2.0` has properties in VNN-LIB 2.0."""
    suite = load_suite(suite_folder)
    for version in versions:
        root = folder / version
        lines = []
        for instance in suite.instances:
            source = instance.vnnlib2 if version == "2.0" else instance.vnnlib
            onnx, vnnlib = f"onnx/{instance.onnx.name}", f"vnnlib/{instance.vnnlib.name}"
            put(root, onnx, instance.onnx.read_bytes(), packed=packed)
            put(root, vnnlib, source.read_bytes(), packed=packed)
            lines.append(f"{onnx},{vnnlib},100\n")
        (root / "instances.csv").write_text("".join(lines))
    return folder


def put(root: Path, name: str, content: bytes, *, packed: bool) -> None:
    """Write a file, with `.gz` behind its name if it is packed."""
    path = root / (f"{name}.gz" if packed else name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content, mtime=0) if packed else content)


def row(suite: Suite, name: str, word: str, root: str, seconds: float = 1.0) -> list[str]:
    """VNN-COMP's six columns, with the paths of another machine."""
    instance = next(each for each in suite.instances if each.name == name)
    files = [f"{root}/onnx/{instance.onnx.name}", f"{root}/vnnlib/{instance.vnnlib.name}"]
    return ["tiny", *files, "0.1", word, str(seconds)]


def write_results(
    folder: Path, rows: Sequence[Sequence[str]], counterexamples: Mapping[str, str] | None = None
) -> Path:
    """A folder `TOOL/YEAR_CATEGORY` with results.csv, and the texts of counterexamples by the names of their files."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "results.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    for name, text in (counterexamples or {}).items():
        (folder / f"{name}.counterexample.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    return folder


def witness_text(suite: Suite, name: str) -> str:
    """The planted counterexample of an instance, as a verifier would write it."""
    return format_counterexample(suite.ground_truth[name].witness.point)


def counterexample_name(suite: Suite, name: str) -> str:
    """What VNN-COMP calls the file of an instance's counterexample, without its endings."""
    instance = next(each for each in suite.instances if each.name == name)
    return f"{instance.onnx.stem}_{name}"
