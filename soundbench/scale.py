"""How boxes lie in the space of inputs, in the ways that recipes can name: a centre and a spread for every input.

Boxes and base are made in coordinates of their own, z; an input is x = centre + spread * z.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from soundbench.architecture import Dense, Layers
from soundbench.boxes import LabelledBoxes
from soundbench.graph import Array
from soundbench.needle import Carry

# Ends of boxes are multiples of this before they are scaled.
GRID = 2.0**-10
FAR = 0.5
TINY, LARGE = 2.0**-4, 2.0**10


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """Centre and spread, (inputs,) each."""

    centre: Array
    spread: Array

    def boxes(self, drawn: LabelledBoxes) -> LabelledBoxes:
        """The boxes as inputs have them, their ends float32 numbers of few decimals."""
        shape = drawn.lower.shape[1:]
        centre, spread = self.centre.reshape(shape), self.spread.reshape(shape)
        ends = (centre + spread * GRID * np.rint(side / GRID) for side in (drawn.lower, drawn.upper))
        lower, upper = (side.astype(np.float32).astype(np.float64) for side in ends)
        return LabelledBoxes(lower, upper, drawn.labels)

    def carry(self, carry: Carry) -> Carry:
        """How z comes back where inputs come back like this."""
        return Carry(carry.recovery / self.spread[:, None], (carry.offset - self.centre) / self.spread)

    def base(self, base: Layers) -> Layers:
        """The base that reads inputs, made of one that reads z."""
        first = next(layer for layer in base if isinstance(layer, Dense))
        weights = first.weights / self.spread
        scaled = Dense(first.name, weights, first.bias - weights @ self.centre)
        return [scaled if layer is first else layer for layer in base]


Draw = Callable[[int, np.random.Generator], Scale]


def uniform(inputs: int, centre: float = 0.0, spread: float = 1.0) -> Scale:
    """The same for all inputs."""
    return Scale(np.full(inputs, centre), np.full(inputs, spread))


def near(inputs: int, _random: np.random.Generator) -> Scale:
    """Cubes near zero."""
    return uniform(inputs)


def far(inputs: int, random: np.random.Generator) -> Scale:
    """Cubes far from zero, on either side of it."""
    return Scale(FAR * random.choice([-1.0, 1.0], inputs), np.ones(inputs))


def tiny(inputs: int, _random: np.random.Generator) -> Scale:
    """Small cubes."""
    return uniform(inputs, spread=TINY)


def large(inputs: int, _random: np.random.Generator) -> Scale:
    """Large cubes."""
    return uniform(inputs, spread=LARGE)


SCALES: Mapping[str, Draw] = {draw.__name__: draw for draw in (near, far, tiny, large)}
