"""Which pairs of networks a recipe asks for: its covering design, the rows of one network and scale put together."""

import itertools
from dataclasses import dataclass

import numpy as np

from soundbench.covering import Factors, Row, cover
from soundbench.ground_truth import TwinKind
from soundbench.notation import Notation
from soundbench.placement import Place
from soundbench.recipe import Network, Recipe
from soundbench.trigger import Shape, Trigger


@dataclass(frozen=True, slots=True)
class Cell:
    """One pair of networks: what it looks like, on which scale its inputs lie, and what its armed boxes try."""

    name: str
    network: Network
    scale: str
    triggers: tuple[Trigger, ...]


def cells_of(recipe: Recipe) -> list[Cell]:
    """The cells of a recipe, always the same ones.

    Raises:
        NoRow: two values can meet, or are wanted together, but not with any values of the other factors.
    """
    wanted = [each.values for each in recipe.wanted]
    rows = cover(Factors(recipe.values, recipe.forbidden), np.random.default_rng(0), wanted)
    networks = {network.name: network for network in recipe.networks}
    cells = []
    for name, scale in itertools.product(recipe.values["network"], recipe.values["scale"]):
        own = [trigger_of(recipe, row) for row in rows if (row["network"], row["scale"]) == (name, scale)]
        for number, triggers in enumerate(
            [own[first : first + recipe.boxes] for first in range(0, len(own), recipe.boxes)], start=1
        ):
            cells.append(Cell(f"{name}-{scale}-{number}", networks[name], scale, tuple(triggers)))
    return cells


def trigger_of(recipe: Recipe, row: Row) -> Trigger:
    """What a row of the covering design asks of a box."""
    hardness = next(each for each in recipe.hardness if each.name == row["hardness"])
    where, shape, notation = Place(row["place"]), Shape(row["shape"]), Notation(row["notation"])
    return Trigger(TwinKind(row["twin"]), row["form"], where, shape, notation, hardness)
