"""What is a suite: a folder of instances with their ground truth, which any VNN-COMP tool can run as it is.

`suite.json` holds the SHA-256 of every other file; loading checks them all and trusts no path in any file. While a
file is being replaced it holds two for it, the old and the new, so that a suite can be loaded at any time.
"""

import contextlib
import csv
import hashlib
import json
import math
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from soundbench.errors import InputError
from soundbench.ground_truth import GroundTruth
from soundbench.instance import Instance
from soundbench.truth_file import decode_ground_truth, encode_ground_truth
from soundbench.within import Within

SCHEMA = 1
MANIFEST, INSTANCES, GROUND_TRUTH = "suite.json", "instances.csv", "ground_truth.json"
# What a suite commits to whose ground truth is withheld, by this name in its manifest.
COMMITMENT = "commitment"
# Where the same properties lie in VNN-LIB 2.0.
QUERIES = "vnnlib2"


@dataclass(frozen=True, slots=True)
class Suite:
    """A loaded suite; `ground_truth` is by instance name and lacks instances of which nothing is known.

    `digest` is the SHA-256 of `suite.json`, which holds the SHA-256 of every other file. `commitment` is what a sealed
    suite, opened or not, has committed to (see `commitment`).
    """

    root: Path
    name: str
    version: str
    instances: tuple[Instance, ...]
    ground_truth: Mapping[str, GroundTruth]
    digest: str
    commitment: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One row of `instances.csv`: paths relative to the suite's folder."""

    onnx: str
    vnnlib: str
    timeout_seconds: float

    @property
    def name(self) -> str:
        """The instance's name: the property's file name without its extensions."""
        return self.vnnlib.rpartition("/")[2].removesuffix(".gz").removesuffix(".vnnlib")

    @property
    def vnnlib2(self) -> str:
        """The path of the same property in VNN-LIB 2.0, which need not be there."""
        return f"{QUERIES}/{self.name}.vnnlib"


def load_suite(root: Path) -> Suite:
    """Load a suite and verify the hash of every file in it.

    Raises:
        InputError: the folder is no suite, a file is missing, foreign or altered, or two instances share a name.
    """
    manifest = read_json(root / MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
        raise InputError(f"{root / MANIFEST}: not a suite of schema {SCHEMA}; generate or download it again")
    hashes = manifest.get("files")
    if not isinstance(hashes, dict):
        raise InputError(f"{root / MANIFEST}: lists no files; generate or download the suite again")
    files = Within(root, "get the suite again")
    verify_hashes(files, root, hashes)
    rows = read_rows(root)
    if INSTANCES not in hashes:
        raise InputError(f"{root / MANIFEST}: does not list {INSTANCES}; generate or download the suite again")
    queries = _queries(files, root, rows, hashes)
    instances = tuple(
        Instance(
            name=row.name,
            onnx=files.file(row.onnx),
            vnnlib=files.file(row.vnnlib),
            timeout_seconds=row.timeout_seconds,
            vnnlib2=queries.get(row.name),
        )
        for row in rows
    )
    for row in rows:
        for name in (row.onnx, row.vnnlib):
            if name not in hashes:
                raise InputError(f"{root / INSTANCES}: {name} is not among the files of {MANIFEST}")
    names = [instance.name for instance in instances]
    check_names(root, names)
    truth: Mapping[str, GroundTruth] = {}
    if GROUND_TRUTH in hashes:
        truth = decode_ground_truth(read_json(root / GROUND_TRUTH), str(root / GROUND_TRUTH))
        for name in sorted(truth.keys() - set(names)):
            raise InputError(f"{root / GROUND_TRUTH}: speaks of {name!r}, which {INSTANCES} does not list")
    digest, commitment = sha256(root / MANIFEST), manifest.get(COMMITMENT)
    if not isinstance(commitment, str | None):
        raise InputError(f"{root / MANIFEST}: {COMMITMENT} is no SHA-256; get the suite again")
    return Suite(root, str(manifest.get("name")), str(manifest.get("version")), instances, truth, digest, commitment)


def _queries(files: Within, root: Path, rows: Sequence[Row], hashes: Mapping[str, Any]) -> Mapping[str, Path]:
    """The properties in VNN-LIB 2.0 by instance name: all of them, or none."""
    if not (root / QUERIES).exists():
        return {}
    for row in rows:
        if row.vnnlib2 not in hashes:
            raise InputError(
                f"{root / QUERIES}: {row.vnnlib2} is not among the files of {MANIFEST}; get the suite again"
            )
    return {row.name: files.file(row.vnnlib2) for row in rows}


def write_suite(
    root: Path, rows: Sequence[Row], ground_truth: Mapping[str, GroundTruth], made_by: Mapping[str, Any]
) -> None:
    """Write `instances.csv`, `ground_truth.json` and `suite.json` beside networks and properties already there.

    `made_by` goes into `suite.json` as it is: name, version, recipe, seed, package versions.
    """
    write_entries(root / GROUND_TRUTH, encode_ground_truth(ground_truth))
    write_rows(root, rows)
    write_manifest(root, made_by)


def write_rows(root: Path, rows: Sequence[Row]) -> None:
    """Write `instances.csv`."""
    lines = [f"{row.onnx},{row.vnnlib},{row.timeout_seconds:g}\n" for row in rows]
    (root / INSTANCES).write_text("".join(lines), encoding="utf-8")


def write_manifest(root: Path, made_by: Mapping[str, Any]) -> None:
    """Write `suite.json` beside all other files of a suite."""
    files = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    hashes = {name: sha256(root / name) for name in files if name != MANIFEST}
    write_json(root / MANIFEST, {"schema": SCHEMA, **made_by, "files": hashes})


def origin(root: Path) -> Mapping[str, Any]:
    """How a suite was made, as its `suite.json` says: what `write_suite` is told of another one made from it."""
    own = ("files", "schema", COMMITMENT)
    return {key: value for key, value in read_json(root / MANIFEST).items() if key not in own}


def copy_files(root: Path, names: Iterable[str], folder: Path) -> None:
    """Copy files of a suite, by their names in `suite.json`, to the same places in another folder."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, folder / name)


def replace_ground_truth(root: Path, ground_truth: Mapping[str, GroundTruth]) -> None:
    """Replace the ground truth of a suite; whenever that is interrupted, the suite has the old or the new one, whole.

    Raises:
        InputError: the folder is no suite with a ground truth, or cannot be written.
    """
    manifest = read_json(root / MANIFEST)
    if GROUND_TRUTH not in manifest["files"]:
        raise InputError(f"{root}: has no {GROUND_TRUTH} to be replaced; get the suite with its ground truth")
    with beside(root / GROUND_TRUTH) as new_truth, beside(root / MANIFEST) as new_manifest:
        write_entries(new_truth, encode_ground_truth(ground_truth))
        old, new = sha256(root / GROUND_TRUTH), sha256(new_truth)
        manifest["files"][GROUND_TRUTH] = [old, new]
        write_json(new_manifest, manifest)
        new_manifest.replace(root / MANIFEST)
        new_truth.replace(root / GROUND_TRUTH)
        manifest["files"][GROUND_TRUTH] = new
        write_json(new_manifest, manifest)
        new_manifest.replace(root / MANIFEST)


@contextlib.contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A name beside a file, to be written and renamed to it; nothing is left there."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); check the permissions") from None
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def read_rows(root: Path) -> list[Row]:
    """The rows of `instances.csv`."""
    path = root / INSTANCES
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = [line for line in csv.reader(file) if line]
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; is {root} the folder of a suite?") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not readable ({error})") from None
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            onnx, vnnlib, timeout = (cell.strip() for cell in line)
            seconds = float(timeout)
        except ValueError:
            raise InputError(f"{path}:{number}: not a row of the form onnx,vnnlib,timeout") from None
        if not (math.isfinite(seconds) and seconds > 0):
            raise InputError(f"{path}:{number}: the timeout {timeout!r} is not a positive number of seconds")
        rows.append(Row(onnx, vnnlib, seconds))
    if not rows:
        raise InputError(f"{path}: lists no instances")
    return rows


def verify_hashes(files: Within, root: Path, hashes: Mapping[str, Any]) -> None:
    """Compare every listed file with its SHA-256.

    Raises:
        InputError: a file is missing, its content is not what `suite.json` says, or its name may lead out of the folder
            or of one that the suite is copied to.
    """
    for name, expected in hashes.items():
        if name.startswith("/") or ".." in name.split("/"):
            raise InputError(f"{root / MANIFEST}: the path {name!r} may lead out of the folder; get the suite again")
        if sha256(files.file(name)) not in (expected if isinstance(expected, list) else [expected]):
            raise InputError(f"{root / name}: its SHA-256 is not the one in {MANIFEST}; restore the file")


def check_names(root: Path, names: Sequence[str]) -> None:
    """Refuse two instances of one name."""
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise InputError(f"{root / INSTANCES}: two instances are named {twice[0]!r}; rename one property file")


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"{path}: not readable ({error.strerror}); check its permissions") from None


def read_json(path: Path) -> Any:  # noqa: ANN401  (JSON is any of its types until it is checked)
    """The content of a JSON file.

    Raises:
        InputError: the file is missing or not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; is {path.parent} the folder of a suite?") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not readable as JSON ({error})") from None


def write_json(path: Path, content: object) -> None:
    """Write JSON that people can read and that is byte-identical for equal content."""
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def write_entries(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON with a line for each entry, byte-identical for equal content."""
    entries = (f" {json.dumps(key)}: {json.dumps(value, sort_keys=True)}" for key, value in sorted(content.items()))
    path.write_text("{\n" + ",\n".join(entries) + "\n}\n", encoding="utf-8")
