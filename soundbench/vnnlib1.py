"""How is VNN-LIB 1.0 read? One `X_i` an input and one `Y_i` an output, in a flat row-major order.

Format: https://www.vnnlib.org and the VNN-COMP benchmarks.
"""

import re
from collections.abc import Iterator

from soundbench.garbage import not_collected
from soundbench.instance import Property
from soundbench.vnnlib_formula import InputBound, Variable, Variables
from soundbench.vnnlib_regions import Assertions, collect, property_of
from soundbench.vnnlib_text import VARIABLE, Expression, Form, TextError, read_forms, scaled, shown

# Nearly all lines of a large file: a bound of one input by a plain number, or a declaration.
_BOUND = re.compile(
    r"\(assert \((<=|>=) (X_[0-9]{1,9}) (-?[0-9]{1,20})(?:\.([0-9]{0,200}))?(?:[eE]([+-]?[0-9]{1,2}))?\)\)"
)
_DECLARATION = re.compile(r"\(declare-const ([XY])_(0|[1-9][0-9]{0,8}) Real\)")
_COMMENT = re.compile(r";[^\r]*")


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
    pending: list[str] = []
    depth = 0
    for line, content in enumerate(text.split("\n"), start=1):
        if not pending and (_take_bound(content, line, declared, bounds) or _take_declaration(content, line, declared)):
            continue
        pending.append(content)
        code = _COMMENT.sub("", content)
        depth += code.count("(") - code.count(")")
        if depth <= 0:
            yield from read_forms("\n".join(pending), line - len(pending) + 1)
            pending, depth = [], 0
    yield from read_forms("\n".join(pending), text.count("\n") + 2 - len(pending))


def _take_bound(content: str, line: int, declared: Variables, bounds: list[InputBound]) -> bool:
    """Whether a line is a plain bound of a variable that is declared; if so, it is taken."""
    match = _BOUND.fullmatch(content)
    if match is None:
        return False
    relation, name, whole, decimals, exponent = match.groups("")
    variable = declared.get(name)
    if variable is None:
        return False
    value = scaled(int(whole + decimals), (int(exponent) if exponent else 0) - len(decimals))
    bounds.append(InputBound(variable.index, relation == "<=", value, False, line))
    return True


def _take_declaration(content: str, line: int, declared: dict[str, Variable]) -> bool:
    """Whether a line is a plain declaration of a variable that was not declared before; if so, it is taken."""
    match = _DECLARATION.fullmatch(content)
    if match is None:
        return False
    name = f"{match[1]}_{match[2]}"
    if name in declared:
        return False
    declared[name] = Variable(match[1] == "X", int(match[2]), line)
    return True


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
