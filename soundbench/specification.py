"""What properties ask, in the forms that recipes can name: for each form one function that poses it of a box.

Every form is unsafe where the needle raises one output far enough, and holds of the base with room to spare.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from soundbench.bounds import interval_tensors, lower_bound
from soundbench.graph import Affine, Array, Graph, evaluate_float64
from soundbench.instance import Constraint, Interval, Property, Region
from soundbench.prove import INFLATION, Box, region_box

# How far one region lies from the next in the dimension that tells them apart, as a share of the box.
GAP = 0.02
# Between what gains are looked for, and to how many binary digits.
SMALLEST_GAIN, LARGEST_GAIN, DIGITS = 2.0**-6, 2.0**20, 8


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


def strictly_inside(question: Question, random: np.random.Generator) -> Posed:
    """One named class reaches the label, where no input lies on its bounds; those of no width have to."""
    closed = one_against_one(question, random)
    regions = tuple(replace(each, inputs=tuple(map(opened, each.inputs))) for each in closed.property.regions)
    return replace(closed, property=replace(closed.property, regions=regions))


def opened(interval: Interval) -> Interval:
    """The interval without its ends, or as it is if nothing would be left."""
    is_open = interval.lower < interval.upper
    return replace(interval, lower_open=is_open, upper_open=is_open)


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
    known = interval_tensors(question.base, box.lower, box.upper, {})
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
        strictly_inside,
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


# So many classes there must be for a form to be one of its own: otherwise its region is the only one, or another.
LEAST_CLASSES: Mapping[str, int] = {"first_of_any": 3, "middle_of_any": 4, "last_of_any": 3, "largest_of_all": 3}


def raised(base: Graph, target: int, gain: float) -> Graph:
    """The base with one of its logits, the outputs of its last dense layer, raised."""
    last = next(step for step in reversed(base.steps) if isinstance(step, Affine))
    bias = last.bias.copy()
    bias[target] += gain
    return replace(base, steps=tuple(replace(step, bias=bias) if step is last else step for step in base.steps))


def gain_allowed(base: Graph, unsafe: Property, target: int, bound: Bound) -> float:
    """How far the target's logit may at least rise, anywhere in the regions, without the base violating the property.

    `bound` says by how much the left sides of constraints exceed what they may be, at least: `prove.slacks` or
    `interval_slacks`. In each region the constraint that allows most is what a proof refutes. Zero if none is refuted.
    """

    def holds(gain: float) -> bool:
        graph = raised(base, target, gain)
        return all(bound(graph, region.outputs, region_box(region, INFLATION)).max() > 0 for region in unsafe.regions)

    return largest(holds)


def gain_needed(base: Graph, unsafe: Property, region: int, target: int, point: Array) -> float:
    """By how much the target's logit must rise for a point (inputs,) to enter the region; infinite if that fails."""
    constraints = unsafe.regions[region].outputs

    def holds(gain: float) -> bool:
        graph = raised(base, target, gain)
        outputs = [Fraction(value) for value in evaluate_float64(graph, point[None])[graph.output][0].tolist()]
        return any(constraint.excess(outputs) > 0 for constraint in constraints)

    return largest(holds) * (1 + 2.0**-DIGITS)


def largest(holds: Callable[[float], bool]) -> float:
    """The largest gain that holds, if all smaller ones do: to some binary digits, zero or infinity beyond a range."""
    if not holds(SMALLEST_GAIN):
        return 0.0
    high = 2 * SMALLEST_GAIN
    while holds(high):
        high *= 2
        if high > LARGEST_GAIN:
            return np.inf
    low = high / 2
    for _ in range(DIGITS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
