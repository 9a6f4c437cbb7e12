"""How is a property written? What a file in VNN-LIB 1.0 does otherwise than the benchmarks of VNN-COMP do, in words."""

from collections.abc import Iterator

from soundbench.vnnlib_text import Expression, Form, read_forms

PLAIN = "plain"


def notation_features(text: str) -> frozenset[str]:
    """What is particular about the text of a property that can be read; that it is plain, if nothing is."""
    assertions = [form.items[1] for form in read_forms(text) if form.head == "assert" and len(form.items) == 2]
    letters = [variable_letter(assertion) for assertion in assertions]
    found = {words for assertion in assertions for words in words_of(assertion)}
    if "Y" in letters and "X" in letters[letters.index("Y") :]:
        found.add("outputs before inputs")
    return frozenset(found or {PLAIN})


def words_of(assertion: Expression) -> Iterator[str]:
    """What is particular about one assertion."""
    for path, comparison in comparisons(assertion):
        if variable_letter(comparison) != "X":
            continue
        if "or" in path:
            yield "boxes inside the or"
        elif "and" in path:
            yield "bounds of an input in an and"
        if variable_letter(comparison.items[1]) is None:
            yield "bounds before variables"


def comparisons(assertion: Expression) -> Iterator[tuple[tuple[str, ...], Form]]:
    """Every comparison in an assertion, with the heads of the lists around it."""
    pending: list[tuple[tuple[str, ...], Expression]] = [((), assertion)]
    while pending:
        path, expression = pending.pop()
        if not isinstance(expression, Form):
            continue
        if expression.head in ("and", "or"):
            pending += [((*path, expression.head), item) for item in expression.items[1:]]
        elif len(expression.items) == 3:
            yield path, expression


def variable_letter(expression: Expression) -> str | None:
    """X if an expression is about inputs alone, Y if outputs occur in it, None if neither."""
    pending, letters = [expression], set()
    while pending:
        item = pending.pop()
        if isinstance(item, Form):
            pending += item.items
        elif item[:2] in ("X_", "Y_"):
            letters.add(item[0])
    return max(letters, default=None)
