"""What properties ask, in the forms that recipes can name: for each form one function that poses it of a box.

Every form is unsafe where the needle raises one output far enough, and holds of the base with room to spare.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from soundbench.bounds import bound_tensors, lower_bound
from soundbench.graph import Array, Graph
from soundbench.instance import Constraint, Interval, Property, Region
from soundbench.prove import INFLATION, Box, region_box

# How far one region lies from the next in the dimension that tells them apart, as a share of the box.
GAP = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A box of the base's, its label, how many classes there are, and the room that a form has to leave."""

    base: Graph
    inputs: tuple[Interval, ...]
    label: int
    classes: int
    room: float


@dataclass(frozen=True, slots=True)
class Posed:
    """A property, the region in which its counterexample is to lie, and the output that a needle there raises."""

    property: Property
    region: int
    target: int


def less(terms: Mapping[int, float], bound: float = 0.0, *, strict: bool = False) -> Constraint:
    """The sum of factor * Y[index] <= bound, or < if `strict`."""
    return Constraint(tuple(sorted((i, Fraction(x)) for i, x in terms.items())), Fraction(bound), strict)


def others(question: Question) -> list[int]:
    """The classes that are not the label."""
    return [each for each in range(question.classes) if each != question.label]


def posed(question: Question, outputs: Sequence[Sequence[Constraint]], region: int, target: int) -> Posed:
    """Regions of one box, each with its constraints."""
    regions = tuple(Region(question.inputs, tuple(constraints)) for constraints in outputs)
    return Posed(Property(len(question.inputs), question.classes, regions), region, target)


def one_against_one(question: Question, random: np.random.Generator) -> Posed:
    """One named class reaches the label."""
    target = int(random.choice(others(question)))
    return posed(question, [[less({question.label: 1.0, target: -1.0})]], 0, target)


def strictly_above(question: Question, random: np.random.Generator) -> Posed:
    """One named class exceeds the label."""
    target = int(random.choice(others(question)))
    return posed(question, [[less({question.label: 1.0, target: -1.0}, strict=True)]], 0, target)


def any_other(question: Question, place: int) -> Posed:
    """Some other class reaches the label, a region each; the one at this place among them is reached."""
    wrong = others(question)
    regions = [[less({question.label: 1.0, each: -1.0})] for each in wrong]
    place %= len(wrong)
    return posed(question, regions, place, wrong[place])


def any_class(question: Question, random: np.random.Generator) -> Posed:
    """Some other class reaches the label: a random one can."""
    return any_other(question, int(random.integers(question.classes - 1)))


def first_of_any(question: Question, _random: np.random.Generator) -> Posed:
    """Some other class reaches the label: the first can."""
    return any_other(question, 0)


def middle_of_any(question: Question, _random: np.random.Generator) -> Posed:
    """Some other class reaches the label: one in the middle can."""
    return any_other(question, (question.classes - 1) // 2)


def last_of_any(question: Question, _random: np.random.Generator) -> Posed:
    """Some other class reaches the label: the last can."""
    return any_other(question, -1)


def largest_of_all(question: Question, random: np.random.Generator) -> Posed:
    """Some class but the label is the largest: conjunctions inside a disjunction."""
    wrong = others(question)
    regions = [[less({rival: 1.0, each: -1.0}) for rival in range(question.classes) if rival != each] for each in wrong]
    place = int(random.integers(len(wrong)))
    return posed(question, regions, place, wrong[place])


def above_threshold(question: Question, random: np.random.Generator) -> Posed:
    """One output reaches a number that the base's stays below."""
    target = int(random.choice(others(question)))
    row = {target: -1.0}
    return posed(question, [[less(row, reached(question, row))]], 0, target)


def combined(question: Question, random: np.random.Generator) -> Posed:
    """A combination of all outputs reaches a number that the base's stays below."""
    target = int(random.choice(others(question)))
    row = dict.fromkeys(range(question.classes), 0.5) | {question.label: 1.0, target: -1.0}
    return posed(question, [[less(row, reached(question, row))]], 0, target)


def reached(question: Question, row: Mapping[int, float]) -> float:
    """A float32 number that row @ outputs exceeds on the whole box by the question's room."""
    box = region_box(Region(question.inputs, ()), INFLATION)
    known = bound_tensors(question.base, box.lower, box.upper, {})
    coefficients = np.zeros((1, question.classes))
    for index, factor in row.items():
        coefficients[0, index] = factor
    least = float(lower_bound(question.base, question.base.output, coefficients, known)[0])
    return float(np.float32(least - question.room))


def apart(question: Question, random: np.random.Generator, count: int, region: int) -> Posed:
    """The same constraint over parts of the box, side by side in one dimension, of which one has the counterexample."""
    single = one_against_one(question, random)
    widths = [float(interval.upper - interval.lower) for interval in question.inputs]
    dimension = int(np.argmax(widths))
    whole = question.inputs[dimension]
    cuts = [float(whole.lower) + widths[dimension] * share for share in np.linspace(0, 1, count + 1)]
    gap = 0.5 * GAP * widths[dimension]
    regions = []
    for low, high in itertools.pairwise(cuts):
        lower = whole.lower if low == cuts[0] else float32(low + gap)
        upper = whole.upper if high == cuts[-1] else float32(high - gap)
        inputs = list(question.inputs)
        inputs[dimension] = replace(whole, lower=lower, upper=upper)
        regions.append(Region(tuple(inputs), single.property.regions[0].outputs))
    return Posed(replace(single.property, regions=tuple(regions)), region, single.target)


def float32(value: float) -> Fraction:
    """The float32 number nearest a value."""
    return Fraction(float(np.float32(value)))


def second_of_two_boxes(question: Question, random: np.random.Generator) -> Posed:
    """Two boxes, the counterexample in the later."""
    return apart(question, random, 2, 1)


def last_of_three_boxes(question: Question, random: np.random.Generator) -> Posed:
    """Three boxes, the counterexample in the last."""
    return apart(question, random, 3, 2)


Form = Callable[[Question, np.random.Generator], Posed]
Bound = Callable[[Graph, Sequence[Constraint], Box], Array]

FORMS: Mapping[str, Form] = {
    form.__name__: form
    for form in (
        one_against_one,
        strictly_above,
        any_class,
        first_of_any,
        middle_of_any,
        last_of_any,
        largest_of_all,
        above_threshold,
        combined,
        second_of_two_boxes,
        last_of_three_boxes,
    )
}


def gain_allowed(base: Graph, unsafe: Property, target: int, bound: Bound) -> float:
    """How far the target may at least rise, anywhere in the regions, before the base violates the property.

    `bound` says by how much the left sides of constraints exceed what they may be, at least: `prove.slacks` or
    `interval_slacks`. In each region the constraint that allows most is what a proof refutes.
    """
    allowed = np.inf
    for region in unsafe.regions:
        found = bound(base, region.outputs, region_box(region, INFLATION))
        slopes = [-float(dict(each.terms).get(target, Fraction(0))) for each in region.outputs]
        most = max(
            (slack / slope if slope > 0 else np.inf) if slack > 0 else slack
            for slack, slope in zip(found.tolist(), slopes, strict=True)
        )
        allowed = min(allowed, most)
    return float(allowed)


def gain_needed(unsafe: Property, region: int, target: int, outputs: Array) -> float:
    """By how much the target must rise for outputs (outputs,) of the base to enter a region; infinite if that fails."""
    needed = 0.0
    exact = [Fraction(value) for value in outputs.tolist()]
    for constraint in unsafe.regions[region].outputs:
        excess = float(constraint.excess(exact))
        slope = -float(dict(constraint.terms).get(target, Fraction(0)))
        if excess > 0 or slope < 0:
            needed = max(needed, excess / slope if slope > 0 else np.inf)
    return needed
