"""What a suite is made from: a TOML file that names cells and their dials."""

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from soundbench.architecture import Architecture
from soundbench.errors import InputError
from soundbench.fronts import FRONTS, IMAGE_FRONTS
from soundbench.graph import Function
from soundbench.ground_truth import Position, TwinKind
from soundbench.scale import SCALES
from soundbench.specification import FORMS

# Names become parts of file names.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
LARGEST_WIDTH = 10_000
# A network whose dense layers read the input itself.
NO_FRONT = "none"
ANY_CLASS, PLAIN = "any_class", "plain"
# Where a needle can be planted.
PLANTED_POSITIONS = (Position.INTERIOR, Position.FACE)


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind of network in a suite, with the dials of its needles.

    A network is made for every position; it has one armed box for every entry of `twins`, and one clean box.
    `radius` is half a box's width. `reads` is how many inputs a needle reads. `overshoot` is the armed gain over the
    base's margin at the witness. `moved_rows` is how many rows of a misaligned twin are moved; `crowd` how many
    needles a crowd has. `margin` is what the base is trained to.
    """

    name: str
    input_shape: tuple[int, ...]
    reads: int
    twins: tuple[TwinKind, ...]
    positions: tuple[Position, ...] = PLANTED_POSITIONS
    front: str = NO_FRONT
    form: str = ANY_CLASS
    scale: str = PLAIN
    activation: Function = Function.RELU
    hidden: tuple[int, ...] = (24, 16)
    classes: int = 2
    woven: bool = True
    radius: float = 0.1
    overshoot: float = 2.0
    moved_rows: int = 2
    crowd: int = 4
    margin: float = 1.0

    @property
    def architecture(self) -> Architecture:
        """The shape of the cell's base network."""
        return Architecture(self.input_shape, self.activation, self.hidden, self.classes, self.woven)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A suite's name, version, timeout, and cells; `queries` and `chance` set how well witnesses are hidden."""

    name: str
    version: str
    cells: tuple[Cell, ...]
    timeout_seconds: float = 60.0
    queries: float = 1e8
    chance: float = 1e-9


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        InputError: the file is missing, not TOML, or has a key or value that is not understood.
    """
    document = read_toml(path)
    tables = document.pop("cell", [])
    defaults = document.pop("defaults", {})
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise InputError(f"{path}: no cells in it; add at least one [[cell]] table")
    if not isinstance(defaults, dict):
        raise InputError(f"{path}: defaults = {defaults!r}: write it as a [defaults] table of keys of cells")
    if "cells" in document:
        raise InputError(f"{path}: unknown key 'cells'; write each cell as a [[cell]] table")
    cells = tuple(
        build(Cell, {**defaults, **table}, f"{path}: cell {table.get('name', number)!r}")
        for number, table in enumerate(tables, start=1)
    )
    recipe: Recipe = build(Recipe, {**document, "cells": cells}, str(path))
    refuse(recipe_problems(recipe), str(path))
    for cell in cells:
        refuse(cell_problems(cell), f"{path}: cell {cell.name!r}")
    names = [cell.name for cell in cells]
    if len(set(names)) < len(names):
        raise InputError(f"{path}: two cells have one name; rename one of {names}")
    return recipe


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a recipe.

    Raises:
        InputError: the file is missing or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such recipe; name a file, or a recipe that ships") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: not a readable recipe ({error})") from None


def build(kind: type, table: Mapping[str, Any], where: str) -> Any:  # noqa: ANN401  (the dataclass that is built)
    """A dataclass from a table of its fields, every value checked against the field's type."""
    known = {field.name: field for field in fields(kind)}
    for key in table:
        if key not in known:
            raise InputError(f"{where}: unknown key {key!r}; known: {', '.join(known)}")
    for name, field in known.items():
        if name not in table and field.default is MISSING:
            raise InputError(f"{where}: the key {name!r} is missing")
    values = {}
    for key, value in table.items():
        try:
            values[key] = convert(known[key].type, value)
        except (TypeError, ValueError) as error:
            raise InputError(f"{where}: {key} = {value!r}: {error}") from None
    return kind(**values)


def convert(kind: Any, value: Any) -> Any:  # noqa: ANN401  (any of the field types of a recipe)
    """A TOML value as the given field type."""
    arguments = getattr(kind, "__args__", ())
    if arguments:
        if not isinstance(value, list | tuple):
            raise TypeError("a list is needed")
        return tuple(convert(arguments[0], item) for item in value)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        if value not in list(kind):
            raise ValueError(f"not one of {', '.join(kind)}")
        return kind(value)
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value):
            raise ValueError("a finite number is needed")
        return float(value)
    if kind in (str, int, float, bool) and type(value) is not kind:
        raise TypeError(f"{kind.__name__} is needed")
    return value


def refuse(problems: Mapping[str, bool], where: str) -> None:
    """Report the first problem that there is.

    Raises:
        InputError: there is one.
    """
    for problem, is_so in problems.items():
        if is_so:
            raise InputError(f"{where}: {problem}")


def recipe_problems(recipe: Recipe) -> Mapping[str, bool]:
    """What may be wrong with the dials of a recipe, and whether it is."""
    return {
        "timeout_seconds must be positive": recipe.timeout_seconds <= 0,
        "queries must be at least 1": recipe.queries < 1,
        "chance must lie in (0, 0.1]": not 0 < recipe.chance <= 0.1,
    }


def cell_problems(cell: Cell) -> Mapping[str, bool]:
    """What no network can have, and whether the dials of a cell ask for it."""
    inputs = math.prod(cell.input_shape)
    is_relu = cell.activation is Function.RELU
    return {
        "name must be letters, digits, '-' and '_'": not NAME.fullmatch(cell.name),
        "input_shape must be positive": not cell.input_shape or min(cell.input_shape) < 1,
        f"unknown front; known: {NO_FRONT}, {', '.join(FRONTS)}": cell.front not in {NO_FRONT, *FRONTS},
        f"front {cell.front} needs an input_shape of (channels, rows, columns)": len(cell.input_shape) != 3
        and cell.front in IMAGE_FRONTS,
        f"unknown scale; known: {', '.join(SCALES)}": cell.scale not in SCALES,
        f"unknown form; known: {', '.join(FORMS)}": cell.form not in FORMS,
        f"reads must lie between 4 and the {inputs} inputs": not 4 <= cell.reads <= inputs,
        "twins and positions must not be empty": not cell.twins or not cell.positions,
        f"positions must be of {', '.join(PLANTED_POSITIONS)}": not set(cell.positions) <= set(PLANTED_POSITIONS),
        "positions must not repeat": len(set(cell.positions)) < len(cell.positions),
        "hidden needs at least two widths, all positive": len(cell.hidden) < 2 or min(cell.hidden) < 1,
        f"hidden must be two widths with the activation {cell.activation}": not is_relu and len(cell.hidden) > 2,
        f"input_shape, hidden and classes must not exceed {LARGEST_WIDTH}": max(inputs, *cell.hidden, cell.classes)
        > LARGEST_WIDTH,
        "classes must be at least 2": cell.classes < 2,
        "radius must lie in (0, 0.12]": not 0 < cell.radius <= 0.12,
        "overshoot must exceed 1": cell.overshoot <= 1,
        "moved_rows must lie between 1 and reads": not 1 <= cell.moved_rows <= cell.reads,
        "crowd must be at least 2": cell.crowd < 2,
        "margin must be positive": cell.margin <= 0,
    }
