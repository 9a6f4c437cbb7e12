"""How is VNN-LIB 1.0 read? One `X_i` an input and one `Y_i` an output, in a flat row-major order.

Format: https://www.vnnlib.org and the VNN-COMP benchmarks.
"""

from collections.abc import Iterator

from soundbench.instance import Property
from soundbench.vnnlib_formula import Variable, Variables
from soundbench.vnnlib_regions import collect, property_of
from soundbench.vnnlib_text import VARIABLE, Expression, Form, TextError, read_forms, shown


def flat_property(text: str) -> Property:
    """The property that a VNN-LIB 1.0 text describes, in disjunctive normal form with exact numbers.

    Raises:
        TextError: it is malformed, or holds what a `Property` cannot represent.
    """
    declared: dict[str, Variable] = {}
    assertions = collect(_conditions(text, declared), declared)
    last_line = text.count("\n") + 1
    input_count, output_count = (_count(declared, letter, last_line) for letter in "XY")
    return property_of(assertions, input_count, output_count, last_line)


def _conditions(text: str, declared: dict[str, Variable]) -> Iterator[tuple[int, Expression]]:
    """Every asserted condition with its line; what is declared on the way is added to `declared`."""
    for form in read_forms(text):
        if form.head == "assert":
            yield form.line, _asserted(form)
            continue
        name = _declared_name(form)
        if name in declared:
            reason = f"{name} is already declared on line {declared[name].line}; remove one of them"
            raise TextError(form.line, reason)
        declared[name] = Variable(name[0] == "X", int(name[2:]), form.line)


def _declared_name(form: Form) -> str:
    if form.head in ("vnnlib-version", "declare-network"):
        raise TextError(form.line, f"{form.head} belongs to VNN-LIB 2.0; start the file with (vnnlib-version <2.0>)")
    if form.head not in ("declare-const", "declare-fun"):
        raise TextError(form.line, f"{shown(form)} is not supported; only declare-const, declare-fun and assert are")
    match form.items:
        case ("declare-const", str(name), str(sort)) | ("declare-fun", str(name), Form(items=()), str(sort)):
            pass
        case _:
            raise TextError(form.line, f"malformed {form.head}; write it as (declare-const X_0 Real)")
    if VARIABLE.fullmatch(name) is None:
        raise TextError(form.line, f"{shown(name)} is no variable; name inputs X_0, X_1, ... and outputs Y_0, Y_1, ...")
    if sort != "Real":
        raise TextError(form.line, f"{name} has sort {shown(sort)}; declare it as Real, the only sort supported")
    return name


def _asserted(form: Form) -> Expression:
    if len(form.items) != 2:
        raise TextError(form.line, f"'assert' takes one condition but has {len(form.items) - 1}; join them with 'and'")
    return form.items[1]


def _count(declared: Variables, letter: str, last_line: int) -> int:
    """How many variables of a letter are declared, without gaps from 0."""
    lines = {variable.index: variable.line for name, variable in declared.items() if name[0] == letter}
    if not lines:
        raise TextError(last_line, f"no {letter}_0 is declared; declare all inputs (X_i) and outputs (Y_i)")
    for expected, index in enumerate(sorted(lines)):
        if index != expected:
            reason = f"{letter}_{index} is declared but {letter}_{expected} is not; number from 0 without gaps"
            raise TextError(lines[index], reason)
    return len(lines)
