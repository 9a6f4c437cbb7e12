"""How is VNN-LIB 2.0 read? The trees of its reference parser are taken for conditions in the words of VNN-LIB 1.0."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from soundbench.garbage import not_collected
from soundbench.instance import Property
from soundbench.interface import Declaration, Interface
from soundbench.vnnlib2_parser import Parts, cut, parse_assertions, parse_networks
from soundbench.vnnlib_formula import InputBound, Variable
from soundbench.vnnlib_regions import Assertions, collect, property_of
from soundbench.vnnlib_text import Expression, Form, TextError, parse_numeral, shown

if TYPE_CHECKING:
    import vnnlib

# Every element's name holds it.
MAXIMUM_NAME = 100

_ELEMENT_TYPES = {"Real": "real", "F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64"}
_HEADS = {
    "And": "and", "Or": "or", "Plus": "+", "Minus": "-", "Negate": "-", "Multiply": "*",
    "LessThan": "<", "LessEqual": "<=", "GreaterThan": ">", "GreaterEqual": ">=",
}  # fmt: skip
# What 1.0 has no word for: how two of its comparisons say it.
_COMPOSED = {"Equal": ("and", "<=", ">="), "NotEqual": ("or", "<", ">")}


@dataclass(frozen=True, slots=True)
class Query:
    """What a file declares of its network, and the property: its numbers are exact, whatever the element type."""

    interface: Interface
    property: Property


def typed_query(text: str) -> Query:
    """The query that a VNN-LIB 2.0 text describes, its property in disjunctive normal form with exact numbers.

    Raises:
        TextError: it is malformed, or holds what a `Property` cannot represent.
    """
    parts = cut(text)
    interface = _interface(parts)
    variables: dict[str, Variable] = {}
    bounds: list[InputBound] = []
    with not_collected():
        assertions = collect(_conditions(parts, interface, variables, bounds), variables, bounds)
        return Query(interface, _property(assertions, interface, text.count("\n") + 1))


def _property(assertions: Assertions, interface: Interface, last_line: int) -> Property:
    variables = assertions.variables
    bounded = {variable.index for variable in variables.values() if variable.is_input}
    missing = next(index for index in range(len(bounded) + 1) if index not in bounded)
    if missing < interface.input.size:
        raise TextError(last_line, f"{interface.input.element_name(missing)} is not bounded; bound it on both sides")
    return property_of(assertions, interface.input.size, interface.output.size, last_line)


def _interface(parts: Parts) -> Interface:
    """The one input and the one output of the one network that is declared."""
    networks = parse_networks(parts)
    inputs = [tensor for network in networks for tensor in network.inputs]
    outputs = [tensor for network in networks for tensor in network.outputs]
    for kind, found in (("network", networks), ("input", inputs), ("output", outputs)):
        if len(found) > 1:
            reason = f"another declare-{kind} is not supported; declare one network with one input and one output"
            raise TextError(_line_of(parts, kind, 1), reason)
    return Interface(_declaration(parts, "input", inputs[0]), _declaration(parts, "output", outputs[0]))


def _line_of(parts: Parts, kind: str, index: int) -> int:
    """The line of a declaration, counted from 0 among those of its kind."""
    places = [match.start() for match in re.finditer(rf"\(declare-{kind}\b", parts.declarations)]
    return parts.declarations.count("\n", 0, places[index]) + 1


def _declaration(parts: Parts, kind: str, tensor: "vnnlib.InputDefinition | vnnlib.OutputDefinition") -> Declaration:
    element_type = _ELEMENT_TYPES.get(tensor.dtype.name)
    if element_type is None:
        allowed = ", ".join(_ELEMENT_TYPES.values())
        raise TextError(_line_of(parts, kind, 0), f"{shown(tensor.name)} is of a type not supported; use {allowed}")
    if len(tensor.name) > MAXIMUM_NAME:
        raise TextError(_line_of(parts, kind, 0), f"a name of more than {MAXIMUM_NAME} characters; shorten it")
    return Declaration(tensor.name, element_type, tuple(tensor.shape))


def _conditions(
    parts: Parts, interface: Interface, variables: dict[str, Variable], bounds: list[InputBound]
) -> Iterator[tuple[int, Expression]]:
    """Every asserted condition with its line, but for plain bounds, which are added to `bounds`.

    What they speak of is added to `variables`.
    """
    for condition, shift in parse_assertions(parts):
        bound = _plain_bound(condition, shift, interface, variables)
        if bound is None:
            yield _read(condition, shift, interface, variables)
        else:
            bounds.append(bound)


def _plain_bound(
    node: "vnnlib.BoolExpr", shift: int, interface: Interface, variables: dict[str, Variable]
) -> InputBound | None:
    """The bound that compares an input with a number, in this order: nearly all of a large file."""
    import vnnlib

    is_upper = isinstance(node, vnnlib.LessEqual)
    if not is_upper and not isinstance(node, vnnlib.GreaterEqual):
        return None
    element, number = node.children()
    if not isinstance(element, vnnlib.Var) or not isinstance(number, vnnlib.Literal):
        return None
    variable, name = _variable(element, element.line + shift, interface)
    if not variable.is_input:
        return None
    variables.setdefault(name, variable)
    return InputBound(variable.index, is_upper, parse_numeral(number.lexeme, variable.line), False, variable.line)


def _read(
    node: "vnnlib.Node", shift: int, interface: Interface, variables: dict[str, Variable]
) -> tuple[int, Expression]:
    """A part of a condition, and the line of the first variable or number in it."""
    import vnnlib

    if isinstance(node, vnnlib.Literal):
        return node.line + shift, node.lexeme
    if isinstance(node, vnnlib.Var):
        variable, name = _variable(node, node.line + shift, interface)
        variables.setdefault(name, variable)
        return variable.line, name
    lines, operands = zip(*(_read(child, shift, interface, variables) for child in node.children()), strict=True)
    line, kind = lines[0], type(node).__name__
    if kind not in _COMPOSED:
        return line, Form(line, (_HEADS[kind], *operands))
    head, *relations = _COMPOSED[kind]
    return line, Form(line, (head, *(Form(line, (relation, *operands)) for relation in relations)))


def _variable(node: "vnnlib.Var", line: int, interface: Interface) -> tuple[Variable, str]:
    """What a variable stands for, and its name."""
    is_input = node.name == interface.input.name
    declared = interface.input if is_input else interface.output
    index = 0
    for position, length in zip(node.indices, declared.shape, strict=True):
        index = index * length + position
    name = f"{node.name}[{','.join(map(str, node.indices))}]" if node.indices else node.name
    return Variable(is_input, index, line), name
