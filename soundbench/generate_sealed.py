"""How is a suite made whose ground truth nobody knows but the maker? Planted apart, sealed, with a secret seed."""

import secrets
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from soundbench.errors import InputError
from soundbench.generate import Source, fill, folder_to_be
from soundbench.plant import Plan
from soundbench.plant_apart import Apart
from soundbench.plant_tight import TightPlan
from soundbench.seal import sealed_file, write_sealed
from soundbench.suite import Suite, load_suite, origin

# Whoever tries seeds, and generates a suite with each, does not get through so many.
SEED_BITS, LEAST_SEED = 128, 2**64


def secret_seed() -> int:
    """A seed that nobody can guess."""
    return LEAST_SEED + secrets.randbits(SEED_BITS)


def guessable_seed(suite: Suite) -> int | None:
    """The seed that a suite says it was made from, if whoever tries seeds can find it."""
    seed = origin(suite.root).get("seed")
    return seed if isinstance(seed, int) and seed < LEAST_SEED else None


def generate_sealed(source: Source, out: Path, file: Path, progress: Callable[[str], None], jobs: int = 1) -> int:
    """Make a sealed suite in the new folder `out`, and the new `file` that opens it; all else as for `generate`.

    The two members of a pair are in networks of their own, with nothing in common but what is asked. The same recipe
    and seed give the same networks and properties, in another order and under other names.

    Raises:
        InputError: the seed can be guessed; or `out` or `file` exists, or cannot be written.
        PlantingFailed: a cell could not be built; nothing is left behind.
    """
    if source.seed < LEAST_SEED:
        raise InputError(
            f"--seed {source.seed}: can be guessed; leave it out for a secret one, or take one from 2^64 on"
        )
    apart = replace(source, plans=tuple(Apart(plan) for plan in source.plans if isinstance(plan, Plan | TightPlan)))
    with (
        sealed_file(file, out) as write,
        folder_to_be(out) as folder,
        tempfile.TemporaryDirectory(prefix=f"{folder.name}-", dir=folder.parent) as plain,
    ):
        count = fill(apart, Path(plain), progress, jobs)
        write(write_sealed(load_suite(Path(plain)), folder))
    return count
