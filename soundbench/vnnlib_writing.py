"""How is a property written? As VNN-LIB 1.0, or 2.0; either reads back as the same property.

Numbers are written in full: of a shortest decimal, half the time a bound's own value lies outside the bound.
"""

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

from soundbench.instance import Constraint, Interval, Property, Region
from soundbench.interface import Interface
from soundbench.vnnlib_text import decimal_text

_NAME = re.compile(r"(?!(?:and|or)\Z)[A-Za-z][A-Za-z0-9_]*")


def format_property(unsafe: Property, comments: Sequence[str] = ()) -> str:
    """VNN-LIB 1.0 text that reads back as the same property, in the layout of VNN-COMP's benchmarks.

    Args:
        unsafe: The property.
        comments: Lines for the top of the file, without their `;`.

    Raises:
        ValueError: a number has no finite decimal expansion, a comment spans several lines, or the
            property is one that `parse_property` refuses (no region, an empty box, no output constraint).
    """
    _check_writable(unsafe, comments)
    inputs = [f"X_{index}" for index in range(unsafe.input_count)]
    outputs = [f"Y_{index}" for index in range(unsafe.output_count)]
    lines = [
        *(f"; {comment}" for comment in comments),
        *(f"(declare-const {name} Real)" for name in (*inputs, *outputs)),
        *_assertions(unsafe, inputs, outputs),
    ]
    return "\n".join(lines) + "\n"


def format_query(unsafe: Property, interface: Interface, comments: Sequence[str] = ()) -> str:
    """VNN-LIB 2.0 text that reads back as the same property, of a network `f` with this interface.

    The network's own names for its tensors are used if VNN-LIB allows both, `X` and `Y` otherwise.

    Args:
        unsafe: The property.
        interface: What the network takes and gives; multi-indices are row-major.
        comments: Lines for the top of the file, without their `;`.

    Raises:
        ValueError: as for `format_property`; or a number is outside the range of float64, which readers of 2.0
            may lack; or the interface has other numbers of inputs or outputs.
    """
    _check_writable(unsafe, comments)
    if (interface.input.size, interface.output.size) != (unsafe.input_count, unsafe.output_count):
        raise ValueError("the network has other numbers of inputs or outputs than the property; check which it is")
    if not all(_is_normal(number) for number in _numbers(unsafe)):
        raise ValueError("a number is too large or too small for float64; round it first")
    declared = _named(interface)
    lines = [
        "(vnnlib-version <2.0>)",
        *(f"; {comment}" for comment in comments),
        "(declare-network f",
        *(
            f"  (declare-{kind} {each.name} {each.element_type} [{','.join(map(str, each.shape))}]){end}"
            for kind, each, end in (("input", declared.input, ""), ("output", declared.output, ")"))
        ),
        *_assertions(
            unsafe, *(list(map(each.element_name, range(each.size))) for each in (declared.input, declared.output))
        ),
    ]
    return "\n".join(lines) + "\n"


def _named(interface: Interface) -> Interface:
    """The interface, its tensors renamed unless VNN-LIB allows both of their names."""
    if _NAME.fullmatch(interface.input.name) and _NAME.fullmatch(interface.output.name):
        return interface
    return Interface(replace(interface.input, name="X"), replace(interface.output, name="Y"))


def _numbers(unsafe: Property) -> Iterable[Fraction]:
    for region in unsafe.regions:
        for interval in region.inputs:
            yield from (interval.lower, interval.upper)
        for constraint in region.outputs:
            yield from (constraint.bound, *(factor for _, factor in constraint.terms))


def _is_normal(number: Fraction) -> bool:
    return number == 0 or sys.float_info.min <= abs(number) <= sys.float_info.max


def _assertions(unsafe: Property, inputs: Sequence[str], outputs: Sequence[str]) -> list[str]:
    """The lines that assert a property of inputs and outputs of these names."""
    box = unsafe.regions[0].inputs
    if all(region.inputs == box for region in unsafe.regions):
        shared, cases = _bound_texts(box, inputs), [_constraint_texts(region, outputs) for region in unsafe.regions]
    else:
        shared = []
        cases = [_bound_texts(each.inputs, inputs) + _constraint_texts(each, outputs) for each in unsafe.regions]
    if len(cases) == 1:
        shared, cases = shared + cases[0], []
    lines = [f"(assert {condition})" for condition in shared]
    if cases:
        lines += ["(assert (or", *(f"    (and {' '.join(case)})" for case in cases), "))"]
    return lines


def _check_writable(unsafe: Property, comments: Sequence[str]) -> None:
    if any("\n" in comment or "\r" in comment for comment in comments):
        raise ValueError("a comment spans several lines; give one string a line")
    if not unsafe.regions:
        raise ValueError("a property without regions has no unsafe set; give it one region or more")
    for region in unsafe.regions:
        if len(region.inputs) != unsafe.input_count or any(interval.is_empty for interval in region.inputs):
            raise ValueError("a region's box is empty or has the wrong number of inputs; correct it")
        indices = [index for constraint in region.outputs for index, _ in constraint.terms]
        if not all(constraint.terms for constraint in region.outputs) or not indices:
            raise ValueError("a region lacks an output constraint, or a constraint its terms; add them")
        if min(indices) < 0 or max(indices) >= unsafe.output_count:
            raise ValueError("a constraint names an output that the property does not have; correct its index")


def _bound_texts(box: Sequence[Interval], names: Sequence[str]) -> list[str]:
    return [
        text
        for name, interval in zip(names, box, strict=True)
        for text in (
            f"({'>' if interval.lower_open else '>='} {name} {decimal_text(interval.lower)})",
            f"({'<' if interval.upper_open else '<='} {name} {decimal_text(interval.upper)})",
        )
    ]


def _constraint_texts(region: Region, names: Sequence[str]) -> list[str]:
    return [_constraint_text(constraint, names) for constraint in region.outputs]


def _constraint_text(constraint: Constraint, names: Sequence[str]) -> str:
    """The simplest form that says it, since VNN-COMP's tools read little more than the first three."""
    less, more = ("<", ">") if constraint.strict else ("<=", ">=")
    bound = decimal_text(constraint.bound)
    match constraint.terms:
        case ((index, 1),):
            return f"({less} {names[index]} {bound})"
        case ((index, -1),):
            return f"({more} {names[index]} {decimal_text(-constraint.bound)})"
        case ((first, 1), (second, -1)) | ((second, -1), (first, 1)):
            if constraint.bound == 0:
                return f"({less} {names[first]} {names[second]})"
            return f"({less} (- {names[first]} {names[second]}) {bound})"
    products = [f"(* {decimal_text(factor)} {names[index]})" for index, factor in constraint.terms]
    total = products[0] if len(products) == 1 else f"(+ {' '.join(products)})"
    return f"({less} {total} {bound})"
