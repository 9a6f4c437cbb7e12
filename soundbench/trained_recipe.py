"""What trained suites are made from: a TOML file that names architectures, input shapes and radii.

Every combination of an entry's input shapes and radii is one model, and one suite.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from soundbench.errors import InputError
from soundbench.ground_truth import Position
from soundbench.moat import BOUNDS_REFUSED, Moat
from soundbench.moat_bounds import can_be_bounded
from soundbench.moat_dials import Dials, suited
from soundbench.networks import ARCHITECTURES, build_network
from soundbench.published import PUBLISHED_PAIRS, Published
from soundbench.toml_file import build, read_toml, refuse
from soundbench.training import Method, grid_problem

# An edge has inputs next to a face and others, a corner several.
LEAST_INPUTS = {Position.EDGE: 3, Position.CORNER: 2}
METHODS: Mapping[str, type[Moat] | type[Published]] = {"moat": Moat, "paper": Published}


@dataclass(frozen=True, slots=True)
class Entry:
    """Models of one architecture, as a recipe has them; `radii` are shares of the data range.

    `armed` boxes are to hide a counterexample at `position`; `clean` ones have none.
    """

    architecture: str
    input_shapes: tuple[tuple[int, ...], ...]
    radii: tuple[float, ...] = (0.2, 0.5)
    position: Position = Position.CORNER
    armed: int = 10
    clean: int = 10


@dataclass(frozen=True, slots=True)
class Model:
    """One network to train, and the suite of its instances."""

    name: str
    architecture: str
    input_shape: tuple[int, ...]
    radius: float
    position: Position
    armed: int
    clean: int
    method: Method

    @property
    def inputs(self) -> int:
        """The number of inputs."""
        return math.prod(self.input_shape)


@dataclass(frozen=True, slots=True)
class TrainedRecipe:
    """A collection of models, each of which becomes a suite with this timeout.

    In the end instances have to withstand so many `restarts` of each attack of the `grid`, by default the published
    one, pairs of a step in radii and a number of iterations; and so many random `corners`.
    """

    name: str
    version: str
    timeout_seconds: float = 100.0
    restarts: int = 75
    grid: tuple[tuple[float, ...], ...] = PUBLISHED_PAIRS
    corners: int = 100_000
    models: tuple[Model, ...] = field(default=())


def read_trained_recipe(path: Path, method: str) -> TrainedRecipe:
    """Read a recipe of models, which are trained by `method`: a name in `METHODS`.

    Its table of the method's name sets dials for all models; an entry's table of that name overrides them.

    Raises:
        InputError: the file is missing, not TOML, or has a key or value that is not understood.
    """
    document = read_toml(path)
    entries, defaults = document.pop("model", []), document.pop("defaults", {})
    dials = {name: document.pop(name, {}) for name in METHODS}
    if "models" in document:
        raise InputError(f"{path}: unknown key 'models'; write each as a [[model]] table")
    if not isinstance(entries, list) or not all(
        isinstance(table, dict) for table in [*entries, defaults, *dials.values()]
    ):
        raise InputError(f"{path}: models are [[model]] tables; [defaults] and [{']; ['.join(METHODS)}] are tables too")
    models: list[Model] = []
    for number, table in enumerate(entries, start=1):
        where = f"{path}: model {table.get('architecture', number)!r}"
        models += models_of({**defaults, **table}, dials, method, where)
    recipe: TrainedRecipe = build(TrainedRecipe, document, str(path))
    names = [model.name for model in models]
    refuse(
        {
            "timeout_seconds must be positive": recipe.timeout_seconds <= 0,
            "restarts and corners must be positive": min(recipe.restarts, recipe.corners) < 1,
            "grid must be a list of [step, iterations], none twice": grid_problem(recipe.grid),
            "no models in it; add at least one [[model]] table": not models,
            f"two models have one name, of {names}": len(set(names)) < len(names),
        },
        str(path),
    )
    return replace(recipe, models=tuple(models))


def models_of(table: Mapping[str, Any], dials: Mapping[str, Any], method: str, where: str) -> list[Model]:
    """The models of one table of a recipe."""
    own = {name: table.get(name, {}) for name in METHODS}
    entry: Entry = build(Entry, {key: value for key, value in table.items() if key not in METHODS}, where)
    refuse(entry_problems(entry), where)
    rest = (entry.position, entry.armed, entry.clean)
    models = []
    for shape, radius in itertools.product(entry.input_shapes, entry.radii):
        methods = {
            name: method_of(name, suited(entry.architecture, math.prod(shape), radius), [dials[name], own[name]], where)
            for name in METHODS
        }
        needs_bounds = isinstance(methods["moat"], Moat) and methods["moat"].bound_weight > 0
        refuse(
            {BOUNDS_REFUSED: needs_bounds and not can_be_bounded(build_network(entry.architecture, shape, 0))}, where
        )
        name = model_name(entry, shape, radius)
        models.append(Model(name, entry.architecture, shape, radius, *rest, methods[method]))
    return models


def method_of(name: str, suiting: Dials, tables: Sequence[object], where: str) -> Method:
    """A method with the dials that suit a model, overridden by the tables, one after the other."""
    dials = dict(suiting) if name == "moat" else {}
    for table in tables:
        if not isinstance(table, dict):
            raise InputError(f"{where}: {name} = {table!r}: a table of dials is needed")
        dials |= table
    built: Moat | Published = build(METHODS[name], dials, f"{where}: {name}")
    refuse(built.problems(), f"{where}: {name}")
    return built


def model_name(entry: Entry, shape: tuple[int, ...], radius: float) -> str:
    """A name such as `cnn_1_conv_ch1_eps0.2`; other image sizes than the published one are named too."""
    if len(shape) == 1:
        size = "" if shape == (10,) else f"_in{shape[0]}"
    else:
        size = f"_ch{shape[0]}" + ("" if shape[1:] == (5, 5) else f"_{shape[1]}x{shape[2]}")
    return f"{entry.architecture}{size}_eps{radius:g}"


def entry_problems(entry: Entry) -> Mapping[str, bool]:
    """What no model can have, and whether an entry asks for it."""
    axes = 1 if entry.architecture.startswith("mlp") else 3
    form = "[inputs]" if axes == 1 else "[channels, rows, columns]"
    return {
        f"unknown architecture; known: {', '.join(ARCHITECTURES)}": entry.architecture not in ARCHITECTURES,
        f"input_shapes must be a list of {form}, all positive": not entry.input_shapes
        or any(len(shape) != axes or min(shape) < 1 for shape in entry.input_shapes),
        f"position {entry.position} needs at least {LEAST_INPUTS.get(entry.position, 1)} inputs": any(
            math.prod(shape) < LEAST_INPUTS.get(entry.position, 1) for shape in entry.input_shapes
        ),
        "radii must be a list of numbers in (0, 1]": not entry.radii
        or not all(0 < radius <= 1 for radius in entry.radii),
        "armed must be positive, clean must not be negative": entry.armed < 1 or entry.clean < 0,
    }
