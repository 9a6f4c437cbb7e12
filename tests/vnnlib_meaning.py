"""What VNN-LIB texts say of a point and its outputs, by evaluators that share no code with soundbench's readers."""

import operator
import re
from decimal import Decimal
from fractions import Fraction
from itertools import product
from math import prod

import vnnlib


def is_asserted(text: str, point, outputs) -> bool:
    """Whether everything that a VNN-LIB 1.0 text asserts is true of these inputs and outputs."""
    values = {f"X_{index}": value for index, value in enumerate(point)}
    values |= {f"Y_{index}": value for index, value in enumerate(outputs)}
    return all(value_of(tree[1], values) for tree in trees(text) if tree[0] == "assert")


def trees(text: str) -> list:
    """Nested lists of words."""
    words = re.findall(r"[()]|[^\s()]+", re.sub(r";.*", "", text))
    stack: list[list] = [[]]
    for word in words:
        if word == "(":
            stack.append([])
        elif word == ")":
            stack[-2].append(stack.pop())
        else:
            stack[-1].append(word)
    return stack[0]


MEANINGS = {
    "and": lambda *operands: all(operands),
    "or": lambda *operands: any(operands),
    "+": lambda *operands: sum(operands),
    "-": lambda first, *others: first - sum(others) if others else -first,
    "*": lambda *operands: prod(operands),
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
}


def value_of(tree, values: dict[str, Fraction]) -> Fraction | bool:
    if isinstance(tree, str):
        return values[tree] if tree in values else Fraction(Decimal(tree))
    return MEANINGS[tree[0]](*(value_of(operand, values) for operand in tree[1:]))


def is_asserted_2(text: str, point, outputs) -> bool:
    """The same of a VNN-LIB 2.0 text of one input and one output, by the reference parser's own tree."""
    query = vnnlib.parse_query_string(text)
    (network,) = query.networks
    (source,), (target,) = network.inputs, network.outputs
    values = {}
    for tensor, numbers in ((source, point), (target, outputs)):
        indices = product(*(range(size) for size in tensor.shape))
        values |= {(tensor.name, index): number for index, number in zip(indices, numbers, strict=True)}
    return all(truth_of(assertion.expr, values) for assertion in query.assertions)


COMPARISONS = (
    (vnnlib.LessEqual, operator.le),
    (vnnlib.LessThan, operator.lt),
    (vnnlib.GreaterEqual, operator.ge),
    (vnnlib.GreaterThan, operator.gt),
    (vnnlib.Equal, operator.eq),
    (vnnlib.NotEqual, operator.ne),
)


def truth_of(condition, values) -> bool:
    if isinstance(condition, vnnlib.And):
        return all(truth_of(each, values) for each in condition.args)
    if isinstance(condition, vnnlib.Or):
        return any(truth_of(each, values) for each in condition.args)
    (compare,) = (compare for kind, compare in COMPARISONS if isinstance(condition, kind))
    return compare(number_of(condition.lhs, values), number_of(condition.rhs, values))


def number_of(term, values) -> Fraction:
    match term:
        case vnnlib.Var():
            return values[term.name, tuple(term.indices)]
        case vnnlib.Literal():
            return Fraction(Decimal(term.lexeme))
        case vnnlib.Negate():
            return -number_of(term.expr, values)
        case vnnlib.Plus():
            return sum(number_of(each, values) for each in term.args)
        case vnnlib.Minus():
            return number_of(term.head, values) - sum(number_of(each, values) for each in term.rest)
        case vnnlib.Multiply():
            return prod(number_of(each, values) for each in term.args)
    raise TypeError(type(term))
