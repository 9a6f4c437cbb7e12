"""What a VNN-LIB condition means: a disjunction of bounds on inputs and linear constraints on outputs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import chain, product
from typing import NamedTuple

from soundbench.instance import Constraint
from soundbench.vnnlib_text import Expression, Form, TextError, fold, parse_numeral, shown

MAXIMUM_REGIONS = 100_000
MAXIMUM_ATOMS = 20_000_000
MAXIMUM_BITS = 20_000

RELATIONS = frozenset({"<=", ">=", "<", ">"})
CONNECTIVES = frozenset({"and", "or"})
OPERATORS = frozenset({"+", "-", "*"})

ZERO = Fraction(0)
ONE = Fraction(1)


@dataclass(frozen=True, slots=True)
class Variable:
    """An input or output of the network, by its index in row-major order, and the line that introduces it."""

    is_input: bool
    index: int
    line: int


Variables = Mapping[str, Variable]


class InputBound(NamedTuple):
    """X[variable] <= value (>= unless `is_upper`, < or > if `is_strict`), and the line that says so."""

    variable: int
    is_upper: bool
    value: Fraction
    is_strict: bool
    line: int


class Conjunction(NamedTuple):
    """Bounds and constraints that all hold."""

    bounds: tuple[InputBound, ...] = ()
    constraints: tuple[Constraint, ...] = ()


Disjunction = tuple[Conjunction, ...]

TRUE: Disjunction = (Conjunction(),)
FALSE: Disjunction = ()


class Linear(NamedTuple):
    """The sum of coefficient * variable (no coefficient zero), plus a constant."""

    terms: Mapping[str, Fraction]
    constant: Fraction


class Growth(NamedTuple):
    """How many conjunctions a condition expands to, and how many atoms they have in all."""

    conjunctions: int
    atoms: int


def conjuncts(condition: Expression) -> Iterator[Expression]:
    """The conditions that `condition` joins by outermost `and`s, in order (an `or` of one is that one)."""
    pending = [condition]
    while pending:
        expression = pending.pop()
        if isinstance(expression, Form) and _joins(expression):
            pending.extend(reversed(expression.items[1:]))
        else:
            yield expression


def normal_form(condition: Expression, line: int, variables: Variables) -> Disjunction:
    """The disjunctive normal form of a condition on line `line` over `variables`, by their names.

    Where several disjunctions are joined, the choice from the last one varies fastest.

    Raises:
        TextError: it is malformed, cannot be represented, or expands beyond the limits of this module.
    """
    if isinstance(condition, Form) and condition.head in RELATIONS:
        return _comparison(condition, variables)
    fold(condition, line, _leaf_growth, _growth)
    return fold(condition, line, partial(_leaf_condition, variables=variables), _connect)


def merge(conjunctions: Iterable[Conjunction]) -> Conjunction:
    """One conjunction that says what all of them say."""
    listed = tuple(conjunctions)
    bounds = chain.from_iterable(conjunction.bounds for conjunction in listed)
    constraints = chain.from_iterable(conjunction.constraints for conjunction in listed)
    return Conjunction(tuple(bounds), tuple(constraints))


def _joins(form: Form) -> bool:
    """Whether all operands of a form must hold for it to hold."""
    return (form.head == "and" and len(form.items) > 1) or (form.head == "or" and len(form.items) == 2)


def _leaf_growth(expression: Expression, _line: int) -> Growth | None:
    is_joined = isinstance(expression, Form) and expression.head in CONNECTIVES and len(expression.items) > 1
    return None if is_joined else Growth(1, 1)


def _growth(form: Form, operands: Sequence[Growth]) -> Growth:
    if form.head == "or":
        total = Growth(sum(each.conjunctions for each in operands), sum(each.atoms for each in operands))
    else:
        total = Growth(1, 0)
        for each in operands:
            atoms = total.atoms * each.conjunctions + each.atoms * total.conjunctions
            total = Growth(total.conjunctions * each.conjunctions, atoms)
            if total.conjunctions > MAXIMUM_REGIONS:
                break
    if total.conjunctions > MAXIMUM_REGIONS or total.atoms > MAXIMUM_ATOMS:
        limits = f"{MAXIMUM_REGIONS:,} regions or {MAXIMUM_ATOMS:,} comparisons"
        raise TextError(form.line, f"the and/or expands to more than {limits}; split the property into several files")
    return total


def _leaf_condition(expression: Expression, line: int, variables: Variables) -> Disjunction | None:
    if isinstance(expression, str):
        raise TextError(line, f"{shown(expression)} is no condition; write a comparison such as (<= Y_0 Y_1)")
    if expression.head in RELATIONS:
        return _comparison(expression, variables)
    if expression.head not in CONNECTIVES:
        reason = f"{shown(expression)} is not supported as a condition; use and, or, <=, >=, < and > only"
        raise TextError(expression.line, reason)
    if len(expression.items) == 1:
        raise TextError(expression.line, f"'{expression.head}' has no operands; give it one or more")
    return None


def _connect(form: Form, operands: Sequence[Disjunction]) -> Disjunction:
    if form.head == "or":
        return tuple(chain.from_iterable(operands))
    return tuple(merge(choice) for choice in product(*operands))


def _comparison(form: Form, variables: Variables) -> Disjunction:
    if len(form.items) != 3:
        count = len(form.items) - 1
        raise TextError(form.line, f"'{form.head}' compares two values but has {count}; write one comparison a pair")
    relation, left, right = form.items
    is_strict = relation in ("<", ">")
    smaller, larger = (left, right) if relation in ("<=", "<") else (right, left)
    bound = _plain_bound(smaller, larger, is_strict, form.line, variables)
    if bound is not None:
        return (Conjunction(bounds=(bound,)),)
    numbers = [
        fold(operand, form.line, partial(_leaf_number, variables=variables), _arithmetic)
        for operand in (smaller, larger)
    ]
    return _atom(_sum((numbers[0], _scaled(numbers[1], -ONE))), is_strict, form.line, variables)


def _plain_bound(
    smaller: Expression, larger: Expression, is_strict: bool, line: int, variables: Variables
) -> InputBound | None:
    """The bound that compares one input with one number: nearly all of a large file, so without detours."""
    if not isinstance(smaller, str) or not isinstance(larger, str):
        return None
    is_upper = smaller in variables
    name, number = (smaller, larger) if is_upper else (larger, smaller)
    variable = variables.get(name)
    if variable is None or not variable.is_input or number in variables:
        return None
    return InputBound(variable.index, is_upper, _decimal(number, line), is_strict, line)


def _atom(excess: Linear, is_strict: bool, line: int, variables: Variables) -> Disjunction:
    """The condition excess <= 0 (< 0 if `is_strict`)."""
    terms = sorted((variables[name].index, coefficient) for name, coefficient in excess.terms.items())
    kinds = {variables[name].is_input for name in excess.terms}
    if not kinds:
        return TRUE if excess.constant < 0 or (excess.constant == 0 and not is_strict) else FALSE
    if kinds == {False}:
        return (Conjunction(constraints=(Constraint(tuple(terms), -excess.constant, is_strict),)),)
    if len(kinds) > 1:
        raise TextError(line, "inputs and outputs are mixed in one comparison; only separate bounds are supported")
    if len(terms) > 1:
        raise TextError(line, "a comparison of several inputs describes no box; bound each input by a number")
    ((index, coefficient),) = terms
    bound = InputBound(index, coefficient > 0, -excess.constant / coefficient, is_strict, line)
    return (Conjunction(bounds=(bound,)),)


def _leaf_number(expression: Expression, line: int, variables: Variables) -> Linear | None:
    if isinstance(expression, str):
        if expression in variables:
            return Linear({expression: ONE}, ZERO)
        return Linear({}, _decimal(expression, line))
    if expression.head not in OPERATORS:
        reason = f"{shown(expression)} is not supported as a number; use +, -, *, variables and decimals only"
        raise TextError(expression.line, reason)
    if len(expression.items) == 1:
        raise TextError(expression.line, f"'{expression.head}' has no operands; give it one or more")
    return None


def _decimal(word: str, line: int) -> Fraction:
    if word[0].isalpha():
        reason = f"{shown(word)} is neither a declared variable nor a finite decimal number"
        raise TextError(line, f"{reason}; declare it first, or write a number such as -0.5")
    return parse_numeral(word, line)


def _arithmetic(form: Form, operands: Sequence[Linear]) -> Linear:
    if form.head == "*":
        return _product(form, operands)
    if form.head == "+":
        return _sum(operands)
    first, *others = operands
    return _sum((first, *(_scaled(other, -ONE) for other in others))) if others else _scaled(first, -ONE)


def _sum(operands: Sequence[Linear]) -> Linear:
    totals = dict(operands[0].terms)
    for operand in operands[1:]:
        for name, coefficient in operand.terms.items():
            totals[name] = totals.get(name, ZERO) + coefficient
    terms = {name: total for name, total in totals.items() if total}
    return Linear(terms, sum((operand.constant for operand in operands), start=ZERO))


def _product(form: Form, operands: Sequence[Linear]) -> Linear:
    variable = [operand for operand in operands if operand.terms]
    if len(variable) > 1:
        raise TextError(form.line, "a product of variables is not linear; multiply variables by numbers only")
    result = Linear({}, ONE)
    for operand in sorted(operands, key=lambda operand: len(operand.terms)):
        result = _scaled(operand, result.constant)
        numbers = (result.constant, *result.terms.values())
        if any(x.numerator.bit_length() + x.denominator.bit_length() > MAXIMUM_BITS for x in numbers):
            raise TextError(form.line, f"a product takes more than {MAXIMUM_BITS:,} bits; write it as one number")
    return result


def _scaled(linear: Linear, factor: Fraction) -> Linear:
    if not factor:
        return Linear({}, ZERO)
    terms = {name: coefficient * factor for name, coefficient in linear.terms.items()}
    return Linear(terms, linear.constant * factor)
