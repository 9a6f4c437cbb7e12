"""How is a property said in other words? Its assertions in another order, or strict where they were not.

What is rewritten is the text, so numbers stay as they are, and so does the way in which `and` and `or` are nested; but
VNN-LIB 2.0 is written anew.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from soundbench.errors import InputError
from soundbench.instance import Constraint, Interval, Property
from soundbench.replay import open_onnx
from soundbench.vnnlib import parse_property
from soundbench.vnnlib2_parser import is_query
from soundbench.vnnlib_formula import CONNECTIVES
from soundbench.vnnlib_text import Expression, Form, fold, read_forms
from soundbench.vnnlib_writing import format_query

STRICTNESS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}

Boxes = frozenset[tuple[tuple[Interval, ...], frozenset[Constraint]]]


def reordered(text: str) -> str | None:
    """All assertions, and all that `and` and `or` join, from last to first; None if there is nothing to turn round.

    Reversed rather than shuffled: who reads only the first of several, or the last, then surely reads another.
    """
    forms = list(read_forms(text))
    declarations = [_text(form) for form in forms if form.head != "assert"]
    assertions = [_rewrite(form, _text, reversed) for form in forms if form.head == "assert"]
    return _lines_if([*declarations, *reversed(assertions)], text, _regions)


def input_strictness(text: str) -> str | None:
    """Bounds on inputs strict where they were not, and the other way; None if no box would be left.

    That keeps the answer where a witness lies strictly inside its box, or a proof covers more than the box.
    """
    return _toggled(text, "X_")


def output_strictness(text: str) -> str | None:
    """Constraints on outputs strict where they were not, and the other way.

    That keeps the answer where a witness, or a proof, stays away from the constraints' bounds by a margin.
    """
    return _toggled(text, "Y_")


def in_vnnlib2(text: str, onnx: Path) -> str | None:
    """The same in VNN-LIB 2.0, of this network; None if it is so already, or has numbers that do not fit there."""
    if is_query(text):
        return None
    try:
        made = format_query(parse_property(text, "original"), open_onnx(onnx).interface())
    except ValueError:
        return None
    return _lines_if(made.splitlines(), text, _regions)


def _toggled(text: str, letter: str) -> str | None:
    toggle = partial(_toggle, letter=letter)
    return _lines_if([_rewrite(form, toggle, iter) for form in read_forms(text)], text, _closed_regions)


def _toggle(expression: Expression, letter: str) -> str:
    plain = _text(expression)
    if isinstance(expression, Form) and expression.head in STRICTNESS and f" {letter}" in plain:
        return plain.replace(expression.head, STRICTNESS[expression.head], 1)
    return plain


def _rewrite(form: Form, atom: Callable[[Expression], str], arrange: Callable[[Sequence[str]], Iterable[str]]) -> str:
    """A form as text, its comparisons rewritten by `atom`, and what is asserted or joined put in order by `arrange`."""

    def leaf(expression: Expression, _line: int) -> str | None:
        is_joined = isinstance(expression, Form) and expression.head in {*CONNECTIVES, "assert"}
        return None if is_joined else atom(expression)

    return fold(form, form.line, leaf, lambda joined, parts: f"({' '.join([joined.head, *arrange(parts)])})")


def _text(expression: Expression) -> str:
    """An expression as it was written, but for white space."""
    return fold(
        expression,
        0,
        lambda part, _line: part if isinstance(part, str) else None,
        lambda form, parts: f"({' '.join([form.head, *parts])})",
    )


def _lines_if(lines: Sequence[str], text: str, meaning: Callable[[Property], Boxes]) -> str | None:
    """The lines as a text, if it is another than before but has the same meaning."""
    if list(lines) == [_text(form) for form in read_forms(text)]:
        return None
    made = "\n".join(lines) + "\n"
    try:
        is_same = meaning(parse_property(made, "variant")) == meaning(parse_property(text, "original"))
    except InputError:
        return None
    return made if is_same else None


def _regions(unsafe: Property) -> Boxes:
    """What a property says, whatever the order."""
    return frozenset((region.inputs, frozenset(region.outputs)) for region in unsafe.regions)


def _closed_regions(unsafe: Property) -> Boxes:
    """What a property says, whatever the order and the strictness."""
    return frozenset(
        (
            tuple(replace(each, lower_open=False, upper_open=False) for each in region.inputs),
            frozenset(replace(each, strict=False) for each in region.outputs),
        )
        for region in unsafe.regions
    )
