"""What one armed box of a planted network is to try: the values of the factors that are told apart box by box."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from soundbench.graph import Array
from soundbench.ground_truth import TwinKind
from soundbench.notation import Notation
from soundbench.placement import Place

NARROW, WIDE = 2.0**-3, 2.0


class Shape(StrEnum):
    """How the widths of a box's inputs compare: all alike, one narrow and one wide, or one of no width."""

    CUBE = "cube"
    ANISOTROPIC = "anisotropic"
    FIXED_INPUT = "fixed_input"

    def spread(self, inputs: int, random: np.random.Generator) -> Array:
        """The widths (inputs,) in units of a cube's."""
        spread = np.ones(inputs)
        match self:
            case Shape.ANISOTROPIC:
                spread[random.choice(inputs, 2, replace=False)] = NARROW, WIDE
            case Shape.FIXED_INPUT:
                spread[random.integers(inputs)] = 0.0
            case Shape.CUBE:
                pass
        return spread


@dataclass(frozen=True, slots=True)
class Hardness:
    """How hard a pair is to get right, under a name.

    `overshoot` is the armed gain over what is needed at the witness, `moved_rows` how many rows of a misaligned twin
    are moved (one with tanh and sigmoid), `crowd` how many needles a crowd has, `reads` how many inputs a needle reads
    at most: of fewer inputs, all.
    """

    name: str
    overshoot: float = 2.0
    moved_rows: int = 2
    crowd: int = 4
    reads: int = 24


@dataclass(frozen=True, slots=True)
class Trigger:
    """One armed box and its twin; `form` is what its property asks, by its name in `specification`."""

    twin: TwinKind
    form: str
    place: Place
    shape: Shape
    notation: Notation
    hardness: Hardness

    @property
    def factors(self) -> Mapping[str, str]:
        """The values, by the names of their factors."""
        return {
            "form": self.form,
            "place": str(self.place),
            "shape": str(self.shape),
            "notation": str(self.notation),
            "twin": str(self.twin),
            "hardness": self.hardness.name,
        }
