"""How is a counterexample written down? VNN-COMP's text for VNN-LIB 1.0: `((X_0 0.0) (X_1 0.05) (Y_0 0.0))`."""

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import isfinite

from soundbench.errors import InputError
from soundbench.vnnlib_text import (
    VARIABLE,
    Expression,
    Form,
    TextError,
    decimal_text,
    parse_numeral,
    read_forms,
    scaled,
    shown,
)

# What nearly all counterexamples consist of.
_PAIR = re.compile(
    r"\(([XY])_(0|[1-9][0-9]{0,8})[ \t]+(-?[0-9]{1,20})(?:\.([0-9]{0,200}))?(?:[eE]([+-]?[0-9]{1,2}))?\)"
)
_VERDICT = re.compile(r"\A(\s*)(?:sat|violated)(?=[\s(]|\Z)")


def parse_counterexample(text: str, input_count: int, source: str) -> tuple[Fraction, ...]:
    """The exact values of the inputs X_0, X_1, ... that a counterexample gives.

    Values of outputs are ignored, whatever they are. The pairs may stand in any order, together in one pair of
    parentheses or on their own, after the word `sat` or `violated` or not.

    Args:
        text: What a verifier wrote; nothing in it is trusted.
        input_count: How many inputs the network has.
        source: What error messages call the text.

    Raises:
        InputError: the text is malformed, or does not give every input one finite number.
    """
    pairs = _VERDICT.sub(r"\1", text)
    try:
        return _plain_point(pairs, input_count) or _point(pairs, input_count)
    except TextError as error:
        raise InputError(f"{source}:{error.line}: {error.reason}") from None


def format_counterexample(point: Sequence[Fraction], outputs: Sequence[float | Fraction] = ()) -> str:
    """A counterexample in VNN-COMP's format, numbers in full decimal expansion.

    Args:
        point: The inputs, shape (inputs,).
        outputs: The outputs, shape (outputs,); may be left out.

    Raises:
        ValueError: there is no input, or a number has no finite decimal expansion.
    """
    if not point:
        raise ValueError("a counterexample without inputs; give the value of every input")
    if any(isinstance(value, float) and not isfinite(value) for value in outputs):
        raise ValueError("an output is not finite; leave the outputs out")
    pairs = [f"(X_{index} {decimal_text(value)})" for index, value in enumerate(point)]
    pairs += [f"(Y_{index} {decimal_text(Fraction(value))})" for index, value in enumerate(outputs)]
    return "(" + "\n ".join(pairs) + ")\n"


def _plain_point(text: str, input_count: int) -> tuple[Fraction, ...] | None:
    """The point of a text that is nothing but plain pairs, each input once; None of any other, whatever it is."""
    if "".join(_PAIR.sub("", text).split()) not in ("()", ""):
        return None
    inputs = [pair for pair in _PAIR.findall(text) if pair[0] == "X"]
    values = {
        int(index): scaled(int(whole + decimals), int(exponent or 0) - len(decimals))
        for _, index, whole, decimals, exponent in inputs
    }
    if len(inputs) != input_count or values.keys() != set(range(input_count)):
        return None
    return tuple(values[index] for index in range(input_count))


def _point(text: str, input_count: int) -> tuple[Fraction, ...]:
    values: dict[int, Fraction] = {}
    for line, name, number in _pairs(text):
        index = int(name[2:])
        if name[0] == "Y":
            continue
        if index >= input_count:
            raise TextError(line, f"{name} is given, but there are only {input_count} inputs; stop at the last one")
        value = _value(number, line)
        if index in values and values[index] != value:
            raise TextError(line, f"{name} is given twice, with different values; give every input once")
        values[index] = value
    missing = next((index for index in range(input_count) if index not in values), None)
    if missing is not None:
        line = text.count("\n") + 1
        raise TextError(line, f"X_{missing} is missing; give all {input_count} inputs as (X_i value)")
    return tuple(values[index] for index in range(input_count))


def _pairs(text: str) -> Iterator[tuple[int, str, Expression]]:
    """Every (NAME VALUE) with its line, whether it stands on its own or in a list of such."""
    for form in read_forms(text):
        listed = (form,) if form.head else form.items
        for pair in listed:
            if not isinstance(pair, Form) or len(pair.items) != 2 or VARIABLE.fullmatch(pair.head) is None:
                raise TextError(form.line, f"{shown(pair)} is no assignment; write (X_0 0.5) or (Y_0 0.5)")
            yield pair.line, pair.head, pair.items[1]


def _value(number: Expression, line: int) -> Fraction:
    match number:
        case str():
            return parse_numeral(number, line)
        case Form(items=("-", str(digits))):
            return -parse_numeral(digits, line)
    raise TextError(line, f"{shown(number)} is not a finite decimal number; write one such as -0.5 or 1e-3")
