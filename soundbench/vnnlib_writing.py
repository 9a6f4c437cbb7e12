"""How is VNN-LIB 1.0 written? Plainly, or in other words that mean the same."""

from collections.abc import Sequence
from enum import StrEnum

from soundbench.instance import Constraint, Property, Region
from soundbench.vnnlib_text import decimal_text

# A comparison: its sign and its sides.
Atom = tuple[str, str, str]
TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


class Notation(StrEnum):
    """In which words a property is written.

    `plain` is the layout of VNN-COMP's benchmarks. `turned` has the other operand first in every comparison, `joined`
    the two bounds of an input in one `and`, `backwards` the outputs before the inputs and these from the last to the
    first, `enclosed` every region's box inside the `or`.
    """

    PLAIN = "plain"
    TURNED = "turned"
    JOINED = "joined"
    BACKWARDS = "backwards"
    ENCLOSED = "enclosed"


def format_property(unsafe: Property, comments: Sequence[str] = (), notation: Notation = Notation.PLAIN) -> str:
    """VNN-LIB 1.0 text that reads back as the same property.

    Args:
        unsafe: The property.
        comments: Lines for the top of the file, without their `;`.
        notation: The words to choose.

    Raises:
        ValueError: a number has no finite decimal expansion, a comment spans several lines, or the
            property is one that `parse_property` refuses (no region, an empty box, no output constraint).
    """
    _check_writable(unsafe, comments)
    box = unsafe.regions[0].inputs
    is_shared = notation is not Notation.ENCLOSED and all(region.inputs == box for region in unsafe.regions)
    cases = [
        _constraints(region) if is_shared else [*_bounds(region), *_constraints(region)] for region in unsafe.regions
    ]
    bounds = _shared(unsafe.regions[0], notation) if is_shared else []
    if len(cases) == 1 and notation is not Notation.ENCLOSED:
        outputs = [_text(atom, notation) for atom in cases[0]]
    else:
        rows = (f"    (and {' '.join(_text(atom, notation) for atom in case)})" for case in cases)
        outputs = ["\n".join(("(or", *rows, ")"))]
    assertions = [*outputs, *reversed(bounds)] if notation is Notation.BACKWARDS else [*bounds, *outputs]
    lines = [
        *(f"; {comment}" for comment in comments),
        *(f"(declare-const X_{index} Real)" for index in range(unsafe.input_count)),
        *(f"(declare-const Y_{index} Real)" for index in range(unsafe.output_count)),
        *(f"(assert {text})" for text in assertions),
    ]
    return "\n".join(lines) + "\n"


def _shared(region: Region, notation: Notation) -> list[str]:
    """The bounds of the box that all regions share, an assertion each."""
    bounds = [_text(atom, notation) for atom in _bounds(region)]
    if notation is Notation.JOINED:
        return [f"(and {lower} {upper})" for lower, upper in zip(bounds[::2], bounds[1::2], strict=True)]
    return bounds


def _text(atom: Atom, notation: Notation) -> str:
    """A comparison in words."""
    sign, left, right = atom
    return f"({TURNED[sign]} {right} {left})" if notation is Notation.TURNED else f"({sign} {left} {right})"


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


def _bounds(region: Region) -> list[Atom]:
    """Two comparisons an input."""
    return [
        atom
        for index, interval in enumerate(region.inputs)
        for atom in (
            (">" if interval.lower_open else ">=", f"X_{index}", decimal_text(interval.lower)),
            ("<" if interval.upper_open else "<=", f"X_{index}", decimal_text(interval.upper)),
        )
    ]


def _constraints(region: Region) -> list[Atom]:
    return [_comparison(constraint) for constraint in region.outputs]


def _comparison(constraint: Constraint) -> Atom:
    """The simplest form that says it, since VNN-COMP's tools read little more than the first three."""
    less, more = ("<", ">") if constraint.strict else ("<=", ">=")
    bound = decimal_text(constraint.bound)
    match constraint.terms:
        case ((index, 1),):
            return less, f"Y_{index}", bound
        case ((index, -1),):
            return more, f"Y_{index}", decimal_text(-constraint.bound)
        case ((first, 1), (second, -1)) | ((second, -1), (first, 1)):
            if constraint.bound == 0:
                return less, f"Y_{first}", f"Y_{second}"
            return less, f"(- Y_{first} Y_{second})", bound
    products = [f"(* {decimal_text(factor)} Y_{index})" for index, factor in constraint.terms]
    return less, products[0] if len(products) == 1 else f"(+ {' '.join(products)})", bound
