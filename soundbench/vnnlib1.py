"""How is VNN-LIB 1.0 read? One `X_i` an input and one `Y_i` an output, in a flat row-major order.

Format: https://www.vnnlib.org and the VNN-COMP benchmarks.
"""

import re
from collections.abc import Iterator
from fractions import Fraction

from soundbench.garbage import not_collected
from soundbench.instance import Property
from soundbench.vnnlib_formula import InputBound, Variable, Variables
from soundbench.vnnlib_regions import Assertions, collect, property_of
from soundbench.vnnlib_text import VARIABLE, Expression, Form, TextError, read_forms, scaled, shown

# So many numbers are kept at most.
_MOST_KEPT = 2**12

# Nearly all lines of a large file: a bound of one input by a plain number, or a declaration.
_BOUND = r"assert \((<=|>=) (X_[0-9]{1,9}) (-?[0-9]{1,20})(?:\.([0-9]{0,200}))?(?:[eE]([+-]?[0-9]{1,2}))?\)"
_PLAIN = re.compile(rf"^\((?:{_BOUND}|declare-const ({VARIABLE.pattern}) Real)\)\r?\n", re.MULTILINE)
_COMMENT = re.compile(r";[^\r\n]*")


class _Numbers(dict[tuple[str, str, str], Fraction]):
    """The number that whole digits, decimals and an exponent write; some are kept, since in images many are equal."""

    def __missing__(self, written: tuple[str, str, str]) -> Fraction:
        whole, decimals, exponent = written
        number = scaled(int(whole + decimals), int(exponent or 0) - len(decimals))
        if len(self) < _MOST_KEPT:
            self[written] = number
        return number


def flat_property(text: str) -> Property:
    """The property that a VNN-LIB 1.0 text describes, in disjunctive normal form with exact numbers.

    Raises:
        TextError: it is malformed, or holds what a `Property` cannot represent.
    """
    declared: dict[str, Variable] = {}
    bounds: list[InputBound] = []
    with not_collected():
        assertions = collect(_conditions(text, declared, bounds), declared, bounds)
        return _property(assertions, text, declared)


def _property(assertions: Assertions, text: str, declared: Variables) -> Property:
    last_line = text.count("\n") + 1
    input_count, output_count = (_count(declared, letter, last_line) for letter in "XY")
    return property_of(assertions, input_count, output_count, last_line)


def _conditions(text: str, declared: dict[str, Variable], bounds: list[InputBound]) -> Iterator[tuple[int, Expression]]:
    """Every asserted condition with its line, but for plain bounds, which are added to `bounds`.

    What is declared on the way is added to `declared`.
    """
    for form in _forms(text, declared, bounds):
        if form.head == "assert":
            yield form.line, _asserted(form)
            continue
        name = _declared_name(form)
        if name in declared:
            reason = f"{name} is already declared on line {declared[name].line}; remove one of them"
            raise TextError(form.line, reason)
        declared[name] = Variable(name[0] == "X", int(name[2:]), form.line)


def _forms(text: str, declared: dict[str, Variable], bounds: list[InputBound]) -> Iterator[Form]:
    """The outermost lists in order, but for plain lines, which go straight into `declared` and `bounds`.

    A line is plain only between two lists, so that all else is read as it would be without this.
    """
    numbers = _Numbers()
    unread, line = 0, 1
    counted, depth = 0, 0
    for match in _PLAIN.finditer(text):
        start, end = match.span()
        if counted < start:
            depth += _opened(text[counted:start])
        counted = end
        if depth > 0:
            continue
        if unread < start:
            yield from read_forms(text[unread:start], line)
            line += text.count("\n", unread, start)
            unread = start
        relation, bounded, whole, decimals, exponent, declares = match.groups("")
        if bounded in declared:
            number = numbers[whole, decimals, exponent]
            bounds.append(InputBound(declared[bounded].index, relation == "<=", number, False, line))
        elif declares and declares not in declared:
            declared[declares] = Variable(declares[0] == "X", int(declares[2:]), line)
        else:
            continue
        unread, line = end, line + 1
    yield from read_forms(text[unread:], line)


def _opened(text: str) -> int:
    """How many more parentheses a text opens than it closes, comments aside."""
    code = _COMMENT.sub("", text)
    return code.count("(") - code.count(")")


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
    indices = sorted(variable.index for name, variable in declared.items() if name[0] == letter)
    if not indices:
        raise TextError(last_line, f"no {letter}_0 is declared; declare all inputs (X_i) and outputs (Y_i)")
    for expected, index in enumerate(indices):
        if index != expected:
            reason = f"{letter}_{index} is declared but {letter}_{expected} is not; number from 0 without gaps"
            raise TextError(declared[f"{letter}_{index}"].line, reason)
    return len(indices)
