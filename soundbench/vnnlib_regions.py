"""What the assertions of a VNN-LIB file mean together: one region for each of their cases."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from soundbench.instance import Interval, Property, Region
from soundbench.vnnlib_formula import (
    MAXIMUM_ATOMS,
    TRUE,
    Conjunction,
    InputBound,
    Variables,
    conjuncts,
    merge,
    normal_form,
)
from soundbench.vnnlib_text import Expression, Form, TextError


class Bounds(NamedTuple):
    """The bounds of inputs from below and from above, by the input's index."""

    lower: Mapping[int, InputBound]
    upper: Mapping[int, InputBound]


@dataclass(frozen=True, slots=True)
class Assertions:
    """What a file asserts of its variables: what holds in every case, and the `or`s."""

    variables: Variables
    shared: Conjunction
    alternatives: tuple[Expression, ...]

    def input_name(self, index: int) -> str:
        """What the file calls an input that it speaks of."""
        return next(name for name, each in self.variables.items() if each.is_input and each.index == index)


def collect(
    conditions: Iterable[tuple[int, Expression]], variables: Variables, bounds: Sequence[InputBound] = ()
) -> Assertions:
    """Take in asserted conditions, each with its line, and bounds; `variables` and `bounds` may grow as they come.

    Raises:
        TextError: one of them is malformed, cannot be represented, or is never true.
    """
    shared: list[Conjunction] = []
    alternatives: list[Expression] = []
    for line, asserted in conditions:
        for condition in conjuncts(asserted):
            if isinstance(condition, Form) and condition.head == "or":
                alternatives.append(condition)
                continue
            cases = normal_form(condition, line, variables)
            if not cases:
                raise TextError(line, "this assertion is never true, so nothing is unsafe; correct or remove it")
            shared.extend(cases)
    return Assertions(variables, merge([Conjunction(tuple(bounds)), *shared]), tuple(alternatives))


def property_of(assertions: Assertions, input_count: int, output_count: int, last_line: int) -> Property:
    """The unsafe set, in disjunctive normal form; every input must be bounded on both sides in every region.

    Raises:
        TextError: it is empty, has a region that is, or takes too much memory.
    """
    cases: Sequence[Conjunction] = TRUE
    if assertions.alternatives:
        joined = Form(last_line, ("and", *assertions.alternatives))
        cases = normal_form(joined, last_line, assertions.variables)
    if not cases:
        raise TextError(last_line, "no case of the assertions can be true; an unsafe set must not be empty")
    return Property(input_count, output_count, _regions(assertions, cases, input_count, last_line))


def _regions(
    assertions: Assertions, cases: Sequence[Conjunction], input_count: int, last_line: int
) -> tuple[Region, ...]:
    """One region a case; cases with the same bounds share one box."""
    shared = _tightest(assertions.shared.bounds)
    intervals = [
        _interval(assertions, shared.lower.get(index), shared.upper.get(index)) for index in range(input_count)
    ]
    boxes: dict[tuple[int, ...], tuple[Interval, ...]] = {}
    regions: list[Region] = []
    for case in cases:
        key = tuple(map(id, case.bounds))  # two choices from the same `or` share their bounds
        if key not in boxes:
            boxes[key] = _box(assertions, intervals, shared, case.bounds)
        if len(boxes) * input_count + len(regions) * len(assertions.shared.constraints) > MAXIMUM_ATOMS:
            reason = f"the regions take more than {MAXIMUM_ATOMS:,} bounds; split the property into several files"
            raise TextError(last_line, reason)
        constraints = assertions.shared.constraints + case.constraints
        if not constraints:
            line = max((bound.line for bound in case.bounds), default=last_line)
            raise TextError(line, "a region without an output constraint is always violated; constrain an output")
        regions.append(Region(boxes[key], constraints))
    return tuple(regions)


def _box(
    assertions: Assertions, intervals: Sequence[Interval | None], shared: Bounds, own: Sequence[InputBound]
) -> tuple[Interval, ...]:
    """The shared intervals, narrowed by a case's own bounds."""
    touched = dict.fromkeys(bound.variable for bound in own)
    inherited = [side[index] for index in touched for side in shared if index in side]
    bounds = _tightest([*inherited, *own])
    narrowed = list(intervals)
    for index in touched:
        narrowed[index] = _interval(assertions, bounds.lower.get(index), bounds.upper.get(index))
    box = tuple(interval for interval in narrowed if interval is not None)
    if len(box) < len(narrowed):
        index = narrowed.index(None)
        side = "upper" if index in bounds.lower or index in shared.lower else "lower"
        name = assertions.input_name(index)
        reason = f"{name} has no {side} bound in some region; bound it on both sides"
        raise TextError(assertions.variables[name].line, reason)
    return box


def _tightest(bounds: Iterable[InputBound]) -> Bounds:
    """The tightest bound on each input and side; of equal values the strict one, of equal bounds the first one."""
    lower: dict[int, InputBound] = {}
    upper: dict[int, InputBound] = {}
    for bound in bounds:
        side = upper if bound.is_upper else lower
        other = side.get(bound.variable)
        if other is None or _is_tighter(bound, other):
            side[bound.variable] = bound
    return Bounds(lower, upper)


def _is_tighter(bound: InputBound, other: InputBound) -> bool:
    if bound.value == other.value:
        return (bound.is_strict, -bound.line) > (other.is_strict, -other.line)
    return (bound.value < other.value) == bound.is_upper


def _interval(assertions: Assertions, lower: InputBound | None, upper: InputBound | None) -> Interval | None:
    if lower is None or upper is None:
        return None
    interval = Interval(lower.value, upper.value, lower.is_strict, upper.is_strict)
    if interval.is_empty:
        bounds = f"the bounds of {assertions.input_name(lower.variable)} on lines {lower.line} and {upper.line}"
        reason = f"{bounds} leave no value between them; an unsafe region must not be empty"
        raise TextError(max(lower.line, upper.line), reason)
    return interval
