"""How a suite is made from a recipe and a seed: planted, certified, written, and moved into place when complete."""

import contextlib
import glob
import hashlib
import importlib.metadata
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from soundbench.errors import InputError
from soundbench.ground_truth import GroundTruth
from soundbench.lock import locked
from soundbench.memory import keep_freed_memory
from soundbench.plant import Plan, PlantedInstance, plant
from soundbench.queries import write_queries
from soundbench.recipe import Recipe
from soundbench.suite import Row, write_suite
from soundbench.vnnlib_writing import format_property

PACKAGES = ("soundbench", "torch", "numpy", "onnx", "onnxruntime", "python-flint")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a suite comes from: the recipe as read, its text, and the seed."""

    recipe: Recipe
    text: str
    seed: int


def plans(recipe: Recipe) -> list[Plan]:
    """One plan a pair of networks: every cell at every position."""
    return [Plan(recipe, cell, position) for cell in recipe.cells for position in cell.positions]


def generate(source: Source, out: Path, progress: Callable[[str], None]) -> int:
    """Make a suite in the new folder `out`; `progress` is told the name of each pair of networks when it is done.

    The same recipe and seed give byte-identical files on one machine. Returns the number of instances.

    Raises:
        InputError: `out` exists and is not empty, or cannot be written.
        PlantingFailed: a cell could not be built; nothing is left behind.
    """
    with one_thread(), folder_to_be(out) as folder:
        (folder / "onnx").mkdir()
        instances: list[PlantedInstance] = []
        for index, plan in enumerate(plans(source.recipe)):
            instances += plant(plan, (source.seed, index), folder / "onnx")
            progress(plan.stem)
        rows, truth = write_instances(instances, source.recipe.timeout_seconds, folder)
        write_suite(folder, rows, truth, made_by(source))
    return len(instances)


def write_instances(
    instances: list[PlantedInstance], timeout_seconds: float, folder: Path
) -> tuple[list[Row], Mapping[str, GroundTruth]]:
    """Write every property, in VNN-LIB 1.0 and 2.0; return the rows of the suite and its ground truth."""
    rows, truth = [], {}
    (folder / "vnnlib").mkdir()
    for instance in instances:
        row = Row(instance.onnx.relative_to(folder).as_posix(), f"vnnlib/{instance.name}.vnnlib", timeout_seconds)
        (folder / row.vnnlib).write_text(format_property(instance.property), encoding="utf-8")
        rows.append(row)
        truth[instance.name] = instance.truth
    write_queries(folder, rows, {instance.name: instance.property for instance in instances})
    return rows, truth


def made_by(source: Source) -> Mapping[str, object]:
    """How the suite was made, for `suite.json`."""
    return {
        "name": source.recipe.name,
        "version": source.recipe.version,
        **provenance(source.text, source.seed),
    }


def provenance(recipe: str, seed: int) -> Mapping[str, object]:
    """A recipe's text, the seed, and the versions of the packages that the result depends on."""
    return {
        "seed": seed,
        "recipe_sha256": hashlib.sha256(recipe.encode()).hexdigest(),
        "recipe": recipe,
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
    }


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Train on one thread, so that sums have one order and suites are reproducible."""
    import torch

    keep_freed_memory()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextlib.contextmanager
def folder_to_be(out: Path) -> Iterator[Path]:
    """A temporary folder beside `out` that becomes `out` if all goes well, and vanishes otherwise.

    Nobody else can make `out` meanwhile. What an earlier start has left, if it was killed, vanishes too.

    Raises:
        InputError: `out` exists and is not empty, cannot be written, or another process makes it.
    """
    check_new(out)
    place = out.absolute()
    prefix = f".{place.name}.partial-"
    with locked(out):
        check_new(out)
        for abandoned in place.parent.glob(f"{glob.escape(prefix)}*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        try:
            folder = Path(tempfile.mkdtemp(prefix=prefix, dir=place.parent))
        except OSError as error:
            raise InputError(f"{out}: cannot be written ({error.strerror}); name another folder with --out") from None
        try:
            yield folder
            folder.chmod(0o755)
            if place.exists():
                place.rmdir()
            folder.rename(place)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def check_new(out: Path) -> None:
    """Refuse a folder that exists and is not empty.

    Raises:
        InputError: it is one, or cannot be looked into.
    """
    try:
        if out.is_symlink() or (out.exists() and (not out.is_dir() or any(out.iterdir()))):
            raise InputError(f"{out}: already exists; name a new folder with --out, or remove this one")
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror}); name another folder with --out") from None
