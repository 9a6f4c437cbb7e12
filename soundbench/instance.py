"""What is an instance: a network, the unsafe set that a property describes, and a timeout.

Numbers are exact (`fractions.Fraction`): a property means what its text says, not what a float makes of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Interval:
    """The allowed values of one input; an open end excludes its own value."""

    lower: Fraction
    upper: Fraction
    lower_open: bool = False
    upper_open: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether no number lies in the interval."""
        if not is_at_most(self.upper, self.lower):
            return False
        return self.lower != self.upper or self.lower_open or self.upper_open

    def contains(self, value: Fraction, tolerance: Fraction = Fraction(0)) -> bool:
        """Whether `value` lies in the interval, widened by `tolerance` on both sides (closed if positive)."""
        above = not is_at_most(value, self.lower) if self.lower_open else is_at_most(self.lower, value)
        below = not is_at_most(self.upper, value) if self.upper_open else is_at_most(value, self.upper)
        inside = above and below
        return inside or (tolerance > 0 and self.lower - tolerance <= value <= self.upper + tolerance)


def is_at_most(first: Fraction, second: Fraction) -> bool:
    """Whether first <= second, in a quarter of the time that `Fraction` takes to compare."""
    (numerator, denominator), (other_numerator, other_denominator) = first.as_integer_ratio(), second.as_integer_ratio()
    return numerator * other_denominator <= other_numerator * denominator


@dataclass(frozen=True, slots=True)
class Constraint:
    """A linear constraint over the outputs: sum of coefficient * Y[index] <= bound (< if `strict`).

    `terms` are (index, coefficient) sorted by index, no index twice, no coefficient zero.
    """

    terms: tuple[tuple[int, Fraction], ...]
    bound: Fraction
    strict: bool = False

    def excess(self, outputs: Sequence[Fraction]) -> Fraction:
        """Left side minus bound: negative where the constraint holds with room to spare."""
        return sum((factor * outputs[index] for index, factor in self.terms), start=-self.bound)

    def is_satisfied(self, outputs: Sequence[Fraction]) -> bool:
        """Whether the outputs (exact values, shape (outputs,)) satisfy the constraint."""
        return self.allows(self.excess(outputs))

    def allows(self, excess: Fraction) -> bool:
        """Whether the constraint is satisfied where its left side exceeds the bound by so much."""
        return excess < 0 or (excess == 0 and not self.strict)


@dataclass(frozen=True, slots=True)
class Region:
    """A box of inputs and a conjunction of constraints on the outputs that it is unsafe to reach from it."""

    inputs: tuple[Interval, ...]
    outputs: tuple[Constraint, ...]

    def contains_input(self, point: Sequence[Fraction], tolerance: Fraction = Fraction(0)) -> bool:
        """Whether `point` (shape (inputs,)) lies in the box, widened by `tolerance` on every side."""
        return len(point) == len(self.inputs) and all(
            interval.contains(value, tolerance) for interval, value in zip(self.inputs, point, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Property:
    """The unsafe set, a disjunction of regions: violated if an input of some region reaches its outputs."""

    input_count: int
    output_count: int
    regions: tuple[Region, ...]

    def is_violated_by(
        self, point: Sequence[Fraction], outputs: Sequence[Fraction], tolerance: Fraction = Fraction(0)
    ) -> bool:
        """Whether the pair lies in the unsafe set (`tolerance` applies to the inputs only)."""
        return any(
            region.contains_input(point, tolerance)
            and all(constraint.is_satisfied(outputs) for constraint in region.outputs)
            for region in self.regions
        )


class VariantKind(StrEnum):
    """How an instance is written in another way, with the same answer."""

    REORDERED = "reordered"
    INPUT_STRICTNESS = "input-strictness"
    OUTPUT_STRICTNESS = "output-strictness"
    VNNLIB2 = "vnnlib-2.0"
    PERMUTED = "permuted"
    RESCALED = "rescaled"
    MATMUL_ADD = "matmul-add"
    GEMM = "gemm"


@dataclass(frozen=True, slots=True)
class Instance:
    """One row of `instances.csv`; `name` is unique in its suite, the paths are absolute.

    `vnnlib2` is the same property in VNN-LIB 2.0, where the suite has it.
    A variant has the name of the instance that it is made from, and says in `variant` how.
    """

    name: str
    onnx: Path
    vnnlib: Path
    timeout_seconds: float
    vnnlib2: Path | None = None
    variant: VariantKind | None = None


def subject(name: str, variant: VariantKind | None) -> str:
    """What an answer is about, for people: `name`, or `name (permuted)`."""
    return name if variant is None else f"{name} ({variant})"
