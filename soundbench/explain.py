"""Why a point is a counterexample, or is not, in half a line each."""

from collections.abc import Sequence
from fractions import Fraction

from soundbench.instance import Constraint, Interval, Region

Bounds = Sequence[tuple[Fraction, Fraction]]


def describe_outputs(region: Region, outputs: Sequence[Fraction]) -> str:
    """The constraint that decides: the one which fails by most, or else the one with the least room."""
    if not region.outputs:
        return "every output is unsafe"
    if len(region.outputs) == 1:
        return describe_constraint(region.outputs[0], outputs)
    decisive = max(region.outputs, key=lambda each: (not each.is_satisfied(outputs), each.excess(outputs)))
    return describe_constraint(decisive, outputs)


def describe_disagreement(region: Region, outputs: Sequence[Fraction], bounds: Bounds) -> str:
    """What the two arithmetics make of the first constraint of the region on which they part."""
    parting = next(each for each in region.outputs if each.is_satisfied(outputs) != is_proven(each, bounds))
    return (
        f"{describe_constraint(parting, outputs)} in ONNX Runtime, but "
        f"{describe_constraint(parting, worst_outputs(parting, bounds))} in rigorous arithmetic"
    )


def describe_constraint(constraint: Constraint, outputs: Sequence[Fraction]) -> str:
    """How the outputs relate to the constraint's bound, such as 'Y_0 - 2*Y_1 = 0.3 > 0'."""
    excess = constraint.excess(outputs)
    satisfied = constraint.allows(excess)
    relation = ("<" if constraint.strict else "<=") if satisfied else (">=" if constraint.strict else ">")
    sign = -1 if constraint.terms and constraint.terms[0][1] < 0 else 1
    if sign < 0:
        relation = relation.translate(str.maketrans("<>", "><"))
    left = "".join(_describe_term(index, sign * factor) for index, factor in constraint.terms)
    value = sign * (excess + constraint.bound)
    return f"{left.removeprefix(' + ') or '0'} = {show(value)} {relation} {show(sign * constraint.bound)}"


def describe_outside(regions: Sequence[Region], point: Sequence[Fraction]) -> str:
    """By how much the point misses the nearest box, at the input where it misses that box most."""
    if not regions:
        return "the property has no region"
    nearest = min(regions, key=lambda region: max(_misses(region, point)))
    misses = _misses(nearest, point)
    index = misses.index(max(misses))
    interval, value = nearest.inputs[index], point[index]
    above = value - interval.upper == misses[index]
    side, kind, end = ("above", "upper", interval.upper) if above else ("below", "lower", interval.lower)
    where = f"X_{index} = {show(value)}"
    if misses[index] == 0:
        return f"{where} lies on its {kind} bound, which is excluded"
    return f"{where} is {show(misses[index], 3)} {side} its {kind} bound {show(end)}"


def worst_outputs(constraint: Constraint, bounds: Bounds) -> tuple[Fraction, ...]:
    """The outputs within their bounds, (lower, upper) each, at which the constraint's excess is largest."""
    factors = dict(constraint.terms)
    return tuple(upper if factors.get(index, 0) > 0 else lower for index, (lower, upper) in enumerate(bounds))


def is_proven(constraint: Constraint, bounds: Bounds) -> bool:
    """Whether the constraint is satisfied by all outputs within their bounds, (lower, upper) each."""
    return constraint.is_satisfied(worst_outputs(constraint, bounds))


def show(value: Fraction, digits: int = 9) -> str:
    """A number for people: nine digits tell any two float32 values apart."""
    try:
        return f"{float(value):.{digits}g}"
    except OverflowError:
        return "inf" if value > 0 else "-inf"


def _describe_term(index: int, factor: Fraction) -> str:
    size = "" if abs(factor) == 1 else f"{show(abs(factor))}*"
    return f" {'-' if factor < 0 else '+'} {size}Y_{index}"


def _misses(region: Region, point: Sequence[Fraction]) -> list[Fraction]:
    return [_miss(interval, value) for interval, value in zip(region.inputs, point, strict=True)]


def _miss(interval: Interval, value: Fraction) -> Fraction:
    """How far the value lies outside the interval; negative inside."""
    return max(interval.lower - value, value - interval.upper)
