"""What a suite is made from: a TOML file that names networks, the values of factors that are to meet, and dials."""

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from soundbench.architecture import Architecture
from soundbench.covering import Pair
from soundbench.errors import InputError
from soundbench.fronts import FRONTS, IMAGE_FRONTS
from soundbench.graph import Function
from soundbench.ground_truth import TwinKind
from soundbench.notation import Notation
from soundbench.placement import Place
from soundbench.scale import SCALES
from soundbench.specification import FORMS, LEAST_CLASSES
from soundbench.tight import TIGHT
from soundbench.toml_file import build, built, read_toml, refuse, tables_of
from soundbench.trigger import Hardness, Shape

# Names become parts of file names.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
LARGEST_WIDTH = 10_000
# A network whose dense layers read the input itself.
NO_FRONT = "none"
# What a probability of the base is to stay below one that a property names.
SHARE_ROOM = 0.2


@dataclass(frozen=True, slots=True)
class Network:
    """What a network looks like.

    Half a box's width is `radius`, before it is scaled; `margin` is what the base is trained to.
    """

    name: str
    input_shape: tuple[int, ...]
    front: str = NO_FRONT
    activation: Function = Function.RELU
    hidden: tuple[int, ...] = (16, 12)
    classes: int = 4
    woven: bool = True
    softmax: bool = False
    radius: float = 0.1
    margin: float = 1.0

    @property
    def room(self) -> float:
        """How far outputs of the base are to stay from numbers that a property names."""
        return SHARE_ROOM if self.softmax else self.margin

    @property
    def architecture(self) -> Architecture:
        """The shape of the base network."""
        return Architecture(self.input_shape, self.activation, self.hidden, self.classes, self.woven, self.softmax)


@dataclass(frozen=True, slots=True)
class Factors:
    """The values that are to meet each other, and the networks, in pairs; see the modules that they are named after."""

    scale: tuple[str, ...] = ("near",)
    form: tuple[str, ...] = ("any_class",)
    place: tuple[Place, ...] = (Place.INTERIOR,)
    shape: tuple[Shape, ...] = (Shape.CUBE,)
    notation: tuple[Notation, ...] = (Notation.PLAIN,)
    twin: tuple[TwinKind, ...] = (TwinKind.MISALIGNED,)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why values are to meet in an instance; `reveals` are faults of the reference verifier that it is to catch."""

    why: str
    reveals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Values of some factors that are to meet in an armed instance, and the reason."""

    values: Mapping[str, str]
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """What a recipe says outside tables: a suite's name, version and timeout.

    A pair of networks has so many armed `boxes` at most. `queries` and `chance` set how well witnesses are hidden.
    `tight` names kinds of the track of that name, of each of which there are so many pairs as `tight_pairs` says.
    """

    name: str
    version: str
    boxes: int = 3
    timeout_seconds: float = 60.0
    queries: float = 1e8
    chance: float = 1e-9
    tight: tuple[str, ...] = ()
    tight_pairs: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe(Plain):
    """A recipe whole: its networks and factors, of which `hardness` is one; values that cannot meet are `forbidden`.

    Those that are `wanted` together meet in an instance of their own.
    """

    networks: tuple[Network, ...]
    factors: Factors
    hardness: tuple[Hardness, ...]
    forbidden: frozenset[Pair] = frozenset()
    wanted: tuple[Wanted, ...] = ()

    @property
    def values(self) -> Mapping[str, Sequence[str]]:
        """All factors and their values, by name."""
        own = {field.name: tuple(map(str, getattr(self.factors, field.name))) for field in fields(Factors)}
        networks, hardness = (tuple(each.name for each in named) for named in (self.networks, self.hardness))
        return {"network": networks, **own, "hardness": hardness}


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        InputError: the file is missing, not TOML, or has a key or value that is not understood.
    """
    document = read_toml(path)
    networks = tables_of(document, "network", path)
    defaults, factors = document.pop("defaults", {}), document.pop("factors", {})
    levels = tables_of(document, "hardness", path) or [{"name": "medium"}]
    forbidden = tables_of(document, "forbid", path)
    cells = tables_of(document, "cell", path)
    if not networks:
        raise InputError(f"{path}: no networks in it; add at least one [[network]] table")
    if not isinstance(defaults, dict) or not isinstance(factors, dict):
        raise InputError(f"{path}: [defaults], keys of networks, and [factors] are tables")
    parts = {
        "networks": built(Network, [{**defaults, **table} for table in networks], f"{path}: network"),
        "factors": build(Factors, factors, f"{path}: [factors]"),
        "hardness": built(Hardness, levels, f"{path}: hardness"),
        "forbidden": frozenset(frozenset((key, str(value)) for key, value in table.items()) for table in forbidden),
        "wanted": tuple(wanted(table, f"{path}: cell {number}") for number, table in enumerate(cells, start=1)),
    }
    plain: Plain = build(Plain, document, str(path))
    recipe = Recipe(**parts, **{field.name: getattr(plain, field.name) for field in fields(Plain)})
    refuse(recipe_problems(recipe), str(path))
    for network in recipe.networks:
        refuse(network_problems(network, recipe), f"{path}: network {network.name!r}")
    for number, each in enumerate(recipe.wanted, start=1):
        refuse(wanted_problems(each, recipe), f"{path}: cell {number}")
    return recipe


def wanted(table: Mapping[str, Any], where: str) -> Wanted:
    """What a table wants: its reason, and all else in it are values."""
    known = {field.name for field in fields(Reason)}
    values = {key: str(value) for key, value in table.items() if key not in known}
    return Wanted(values, build(Reason, {key: value for key, value in table.items() if key in known}, where))


def recipe_problems(recipe: Recipe) -> Mapping[str, bool]:
    """What may be wrong with the dials of a recipe, and whether it is."""
    values = recipe.values
    levels = {(factor, value) for factor, own in values.items() for value in own}
    return {
        "timeout_seconds must be positive": recipe.timeout_seconds <= 0,
        "queries must be at least 1": recipe.queries < 1,
        "chance must lie in (0, 0.1]": not 0 < recipe.chance <= 0.1,
        "boxes must be positive": recipe.boxes < 1,
        "tight_pairs must be positive": recipe.tight_pairs < 1,
        f"unknown kind of tight; known: {', '.join(TIGHT)}": not set(recipe.tight) <= set(TIGHT),
        "two values of tight are the same": len(set(recipe.tight)) < len(recipe.tight),
        **{f"no {factor} in it": not own for factor, own in values.items()},
        **{f"two values of {factor} are the same": len(set(own)) < len(own) for factor, own in values.items()},
        f"unknown scale; known: {', '.join(SCALES)}": not set(values["scale"]) <= set(SCALES),
        f"unknown form; known: {', '.join(FORMS)}": not set(values["form"]) <= set(FORMS),
        "forbid must name two factors and a value of each": not all(
            len(pair) == 2 and pair <= levels for pair in recipe.forbidden
        ),
        "overshoot must exceed 1": any(each.overshoot <= 1 for each in recipe.hardness),
        "moved_rows must be positive": any(each.moved_rows < 1 for each in recipe.hardness),
        "crowd must be at least 2": any(each.crowd < 2 for each in recipe.hardness),
        "reads must be at least 4, and as many as moved_rows": any(
            each.reads < max(4, each.moved_rows) for each in recipe.hardness
        ),
    }


def wanted_problems(wanted: Wanted, recipe: Recipe) -> Mapping[str, bool]:
    """What may be wrong with values that are to meet, and whether it is."""
    known = recipe.values
    return {
        "names no factor; give at least one beside why": not wanted.values,
        "has values that a forbid keeps apart; take one of the two out": any(
            frozenset(pair) in recipe.forbidden for pair in itertools.combinations(wanted.values.items(), 2)
        ),
        **{f"unknown factor {each!r}; known: {', '.join(known)}": each not in known for each in wanted.values},
        **{
            f"{value!r} is no {factor} of the recipe": value not in known.get(factor, ())
            for factor, value in wanted.values.items()
        },
    }


def forms_of(network: Network, recipe: Recipe) -> list[str]:
    """The forms that may be asked of a network."""
    return [
        form
        for form in recipe.factors.form
        if frozenset({("network", network.name), ("form", form)}) not in recipe.forbidden
    ]


def network_problems(network: Network, recipe: Recipe) -> Mapping[str, bool]:
    """What no network can have, and whether the dials of one ask for it."""
    inputs = math.prod(network.input_shape)
    is_relu = network.activation is Function.RELU
    # One that is fixed is not read.
    fixed = int(Shape.FIXED_INPUT in recipe.factors.shape)
    classes = {form: count for form, count in LEAST_CLASSES.items() if form in forms_of(network, recipe)}
    least = max(max(4, each.moved_rows) for each in recipe.hardness) + fixed
    return {
        "name must be letters, digits, '-' and '_'": not NAME.fullmatch(network.name),
        "input_shape must be positive": not network.input_shape or min(network.input_shape) < 1,
        f"unknown front; known: {NO_FRONT}, {', '.join(FRONTS)}": network.front not in {NO_FRONT, *FRONTS},
        f"front {network.front} needs an input_shape of (channels, rows, columns)": len(network.input_shape) != 3
        and network.front in IMAGE_FRONTS,
        f"at least {least} inputs are needed": inputs < least,
        "hidden needs at least two widths, all positive": len(network.hidden) < 2 or min(network.hidden) < 1,
        f"hidden must be two widths with the activation {network.activation}": not is_relu and len(network.hidden) > 2,
        f"input_shape, hidden and classes must not exceed {LARGEST_WIDTH}": max(
            inputs, *network.hidden, network.classes
        )
        > LARGEST_WIDTH,
        "classes must be at least 2": network.classes < 2,
        **{
            f"classes must be at least {count} for the form {form}; or forbid that": network.classes < count
            for form, count in classes.items()
        },
        "radius must lie in [0.01, 0.12]": not 0.01 <= network.radius <= 0.12,
        "margin must be positive": network.margin <= 0,
    }
