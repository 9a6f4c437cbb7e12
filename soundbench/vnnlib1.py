"""How is VNN-LIB 1.0 read? One `X_i` an input and one `Y_i` an output, in a flat row-major order.

Format: https://www.vnnlib.org and the VNN-COMP benchmarks.
"""

import re
from collections.abc import Iterator

from soundbench.instance import Property
from soundbench.vnnlib_formula import InputBound, Variable, Variables
from soundbench.vnnlib_regions import collect, property_of
from soundbench.vnnlib_text import VARIABLE, Expression, Form, TextError, read_forms, scaled, shown

# Nearly all lines of a large file: a declaration, or a bound of one input by a plain number.
_PLAIN = re.compile(
    r"\(declare-const (?P<name>[XY]_(?:0|[1-9][0-9]{0,8})) Real\)"
    r"|\(assert \((?P<relation><=|>=) (?P<input>X_[0-9]{1,9}) "
    r"(?P<whole>-?[0-9]{1,20})(?:\.(?P<decimals>[0-9]{0,200}))?(?:[eE](?P<exponent>[+-]?[0-9]{1,2}))?\)\)"
)
_COMMENT = re.compile(r";[^\r]*")


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


def _conditions(text: str, declared: dict[str, Variable]) -> Iterator[tuple[int, Expression] | InputBound]:
    """Every asserted condition with its line; what is declared on the way is added to `declared`."""
    for form in _forms(text, declared):
        if isinstance(form, InputBound):
            yield form
        elif form.head == "assert":
            yield form.line, _asserted(form)
        else:
            name = _declared_name(form)
            if name in declared:
                reason = f"{name} is already declared on line {declared[name].line}; remove one of them"
                raise TextError(form.line, reason)
            declared[name] = Variable(name[0] == "X", int(name[2:]), form.line)


def _forms(text: str, declared: dict[str, Variable]) -> Iterator[Form | InputBound]:
    """The outermost lists in order, but for plain lines: their bounds, and their variables straight into `declared`.

    A line is plain only between two lists, so that all else is read as it would be without this.
    """
    pending: list[str] = []
    depth = 0
    for line, content in enumerate(text.split("\n"), start=1):
        match = None if pending else _PLAIN.fullmatch(content)
        if match is not None:
            name, relation, variable, whole, decimals, exponent = match.groups(default="")
            if name and name not in declared:
                declared[name] = Variable(name[0] == "X", int(name[2:]), line)
                continue
            if variable in declared:
                value = scaled(int(whole + decimals), int(exponent or 0) - len(decimals))
                yield InputBound(declared[variable].index, relation == "<=", value, False, line)
                continue
        pending.append(content)
        code = _COMMENT.sub("", content)
        depth += code.count("(") - code.count(")")
        if depth <= 0:
            yield from read_forms("\n".join(pending), line - len(pending) + 1)
            pending, depth = [], 0
    yield from read_forms("\n".join(pending), text.count("\n") + 2 - len(pending))


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
