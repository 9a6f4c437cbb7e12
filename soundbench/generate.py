"""How a suite is made from a recipe and a seed: planted, certified, written, and moved into place when complete."""

import contextlib
import glob
import hashlib
import importlib.metadata
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from soundbench.covering import NoRow
from soundbench.errors import InputError, SoundbenchError
from soundbench.full_disk import full_disk_told
from soundbench.ground_truth import GroundTruth
from soundbench.lock import locked
from soundbench.matrix import cells_of
from soundbench.memory import keep_freed_memory
from soundbench.parallel import run_parallel
from soundbench.plant import Plan, plant
from soundbench.plant_apart import Apart, plant_apart
from soundbench.plant_tight import TightPlan, plant_tight
from soundbench.planted import PlantedInstance, PlantingFailed
from soundbench.queries import write_queries
from soundbench.recipe import Recipe, read_recipe
from soundbench.suite import Row, write_suite
from soundbench.vnnlib_writing import format_property

# Batches are short, so that no process is left to work alone, and long enough to be worth starting one.
BATCHES_PER_JOB = 4
PACKAGES = ("soundbench", "torch", "numpy", "onnx", "onnxruntime", "python-flint")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a suite comes from: the recipe as read, what it asks for, its text, and the seed."""

    recipe: Recipe
    plans: tuple[Plan | TightPlan | Apart, ...]
    text: str
    seed: int


def read_source(path: Path, seed: int) -> Source:
    """Read a recipe, and find what is to be planted.

    Raises:
        InputError: the recipe is missing or wrong, or asks for two values that cannot meet.
    """
    recipe = read_recipe(path)
    try:
        return Source(recipe, tuple(plans(recipe)), path.read_text(encoding="utf-8"), seed)
    except NoRow as error:
        raise InputError(f"{path}: {error}") from None


def plans(recipe: Recipe) -> list[Plan | TightPlan]:
    """One plan a pair of networks."""
    numbers = range(1, recipe.tight_pairs + 1)
    tight = [TightPlan(recipe, kind, number) for kind in recipe.tight for number in numbers]
    return [*(Plan(recipe, cell) for cell in cells_of(recipe)), *tight]


def generate(source: Source, out: Path, progress: Callable[[str], None], jobs: int = 1) -> int:
    """Make a suite in the new folder `out`; `progress` is told the name of each pair of networks when it is done.

    So many `jobs` are done at a time, each in a process of its own if there are several.

    The same recipe and seed give byte-identical files on one machine. Returns the number of instances.

    Raises:
        InputError: `out` exists and is not empty, or cannot be written.
        PlantingFailed: a cell could not be built; nothing is left behind.
    """
    with folder_to_be(out) as folder:
        return fill(source, folder, progress, jobs)


def fill(source: Source, folder: Path, progress: Callable[[str], None], jobs: int) -> int:
    """Make a suite in an empty folder; arguments, result and errors as for `generate`."""
    (folder / "onnx").mkdir()
    instances = plant_all(source, folder / "onnx", progress, jobs)
    rows, truth = write_instances(instances, source.recipe.timeout_seconds, folder)
    write_suite(folder, rows, truth, made_by(source))
    return len(instances)


def plant_all(source: Source, folder: Path, progress: Callable[[str], None], jobs: int) -> list[PlantedInstance]:
    """The instances of every cell, in the recipe's order, their networks in `folder`.

    Raises:
        PlantingFailed: some could not be built; the message names all of them.
    """
    tasks = [Planting(number, plan, source.seed, folder) for number, plan in enumerate(source.plans)]
    planted: dict[int, tuple[PlantedInstance, ...]] = {}
    failed: list[str] = []
    for number, result in plant_here(tasks) if jobs == 1 else plant_beside(tasks, jobs):
        if isinstance(result, PlantingFailed):
            failed.append(str(result))
            continue
        planted[number] = result
        progress(tasks[number].plan.name)
    if failed:
        raise PlantingFailed(f"{len(failed)} of {len(tasks)} cells were not built: {'; '.join(failed)}")
    return [instance for number in range(len(tasks)) for instance in planted[number]]


Result = tuple[PlantedInstance, ...] | PlantingFailed


@dataclass(frozen=True, slots=True)
class Planting:
    """One cell to build, by its number in the recipe, with its networks in `folder`."""

    number: int
    plan: Plan | TightPlan | Apart
    seed: int
    folder: Path

    def result(self) -> Result:
        """What is planted, or why nothing is."""
        seed = (self.seed, self.number)
        try:
            with one_thread():
                match self.plan:
                    case Plan():
                        return plant(self.plan, seed, self.folder)
                    case TightPlan():
                        return plant_tight(self.plan, seed, self.folder)
                    case Apart():
                        return plant_apart(self.plan, seed, self.folder)
        except PlantingFailed as error:
            return error


@dataclass(frozen=True, slots=True)
class Batch:
    """Cells to build one after the other in a process of their own."""

    tasks: tuple[Planting, ...]

    def __call__(self, tell: Callable[[tuple[int, Result]], None]) -> None:
        """Build them, and tell the result of each."""
        for task in self.tasks:
            tell((task.number, task.result()))


def plant_here(tasks: Sequence[Planting]) -> Iterator[tuple[int, Result]]:
    """Build cells in this process."""
    for task in tasks:
        yield task.number, task.result()


def plant_beside(tasks: Sequence[Planting], jobs: int) -> Iterator[tuple[int, Result]]:
    """Build cells in so many processes.

    Raises:
        SoundbenchError: a process died.
    """
    count = jobs * BATCHES_PER_JOB
    batches = [Batch(tuple(tasks[first::count])) for first in range(min(count, len(tasks)))]
    for message in run_parallel(batches, jobs):
        if isinstance(message.content, SoundbenchError):
            raise message.content
        if not message.is_last:
            yield message.content


def write_instances(
    instances: list[PlantedInstance], timeout_seconds: float, folder: Path
) -> tuple[list[Row], Mapping[str, GroundTruth]]:
    """Write every property, in VNN-LIB 1.0 and 2.0; return the rows of the suite and its ground truth."""
    rows, truth = [], {}
    (folder / "vnnlib").mkdir()
    for instance in instances:
        row = Row(instance.onnx.relative_to(folder).as_posix(), f"vnnlib/{instance.name}.vnnlib", timeout_seconds)
        (folder / row.vnnlib).write_text(
            format_property(instance.property, notation=instance.notation), encoding="utf-8"
        )
        rows.append(row)
        truth[instance.name] = instance.truth
    properties = {instance.name: instance.property for instance in instances}
    write_queries(folder, rows, properties, {instance.name: instance.notation for instance in instances})
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
        InputError: `out` exists and is not empty, cannot be written, or another process makes it; or the disk is full.
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
            with full_disk_told(out):
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
