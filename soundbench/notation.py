"""In which words does a property say what it says? Assertions of VNN-LIB, of either version, that mean the same."""

from collections.abc import Sequence
from enum import StrEnum

from soundbench.instance import Constraint, Property, Region
from soundbench.vnnlib_text import decimal_text

# A comparison: its sign and its sides.
Atom = tuple[str, str, str]
TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


class Notation(StrEnum):
    """How assertions are put.

    `plain` is the layout of VNN-COMP's benchmarks. `turned` has the other operand first in every comparison, `joined`
    the two bounds of an input in one `and`, `backwards` the outputs before the inputs and these from the last to the
    first, `enclosed` every region's box inside the `or`, where boxes that differ are in any case.
    """

    PLAIN = "plain"
    TURNED = "turned"
    JOINED = "joined"
    BACKWARDS = "backwards"
    ENCLOSED = "enclosed"


def assertions(unsafe: Property, inputs: Sequence[str], outputs: Sequence[str], notation: Notation) -> list[str]:
    """The lines that assert a property of inputs and outputs of these names."""
    regions = unsafe.regions
    is_shared = notation is not Notation.ENCLOSED and all(each.inputs == regions[0].inputs for each in regions)
    shared = [text_of(atom, notation) for atom in bounds(regions[0], inputs)] if is_shared else []
    cases = [[*([] if is_shared else bounds(each, inputs)), *constraints(each, outputs)] for each in regions]
    texts = [[text_of(atom, notation) for atom in case] for case in cases]
    if len(texts) == 1 and notation is not Notation.ENCLOSED:
        asked = [f"(assert {text})" for text in texts[0]]
    else:
        asked = ["(assert (or", *(f"    (and {' '.join(case)})" for case in texts), "))"]
    match notation:
        case Notation.JOINED:
            pairs = zip(shared[::2], shared[1::2], strict=True)
            return [*(f"(assert (and {lower} {upper}))" for lower, upper in pairs), *asked]
        case Notation.BACKWARDS:
            return [*asked, *(f"(assert {text})" for text in reversed(shared))]
    return [*(f"(assert {text})" for text in shared), *asked]


def text_of(atom: Atom, notation: Notation) -> str:
    """A comparison in words."""
    sign, left, right = atom
    return f"({TURNED[sign]} {right} {left})" if notation is Notation.TURNED else f"({sign} {left} {right})"


def bounds(region: Region, names: Sequence[str]) -> list[Atom]:
    """Two comparisons an input."""
    return [
        atom
        for name, interval in zip(names, region.inputs, strict=True)
        for atom in (
            (">" if interval.lower_open else ">=", name, decimal_text(interval.lower)),
            ("<" if interval.upper_open else "<=", name, decimal_text(interval.upper)),
        )
    ]


def constraints(region: Region, names: Sequence[str]) -> list[Atom]:
    """One comparison a constraint."""
    return [comparison(constraint, names) for constraint in region.outputs]


def comparison(constraint: Constraint, names: Sequence[str]) -> Atom:
    """The simplest form that says it, since VNN-COMP's tools read little more than the first three."""
    less, more = ("<", ">") if constraint.strict else ("<=", ">=")
    bound = decimal_text(constraint.bound)
    match constraint.terms:
        case ((index, 1),):
            return less, names[index], bound
        case ((index, -1),):
            return more, names[index], decimal_text(-constraint.bound)
        case ((first, 1), (second, -1)) | ((second, -1), (first, 1)):
            if constraint.bound == 0:
                return less, names[first], names[second]
            return less, f"(- {names[first]} {names[second]})", bound
    products = [f"(* {decimal_text(factor)} {names[index]})" for index, factor in constraint.terms]
    return less, products[0] if len(products) == 1 else f"(+ {' '.join(products)})", bound
