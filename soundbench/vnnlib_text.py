"""The text that VNN-LIB files and counterexamples are made of: s-expressions and exact decimals."""

import re
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple, TypeVar

MAXIMUM_DEPTH = 20_000
MAXIMUM_NUMERAL_LENGTH = 2_000
MAXIMUM_EXPONENT = 400

# How VNN-LIB 1.0 names inputs and outputs.
VARIABLE = re.compile(r"[XY]_(?:0|[1-9][0-9]{0,8})")

_MOST_DIGITS = MAXIMUM_NUMERAL_LENGTH - len("-0.")
_LARGEST = 10**_MOST_DIGITS
_POWERS = tuple(10**places for places in range(40))

_TOKEN = re.compile(r"[()]|;[^\r]*|[^ \t\r();]+")
_NUMERAL = re.compile(r"([+-]?)(?=\.?[0-9])([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,9}))?")

T = TypeVar("T")


class TextError(Exception):
    """What is wrong with a text and what to do about it, and on which line (counted from 1)."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


class Form(NamedTuple):
    """A parenthesised list and the line on which it opens."""

    line: int
    items: tuple["Expression", ...]

    @property
    def head(self) -> str:
        """The leading word, empty if the list does not start with a word."""
        return self.items[0] if self.items and isinstance(self.items[0], str) else ""


Expression = str | Form


def read_forms(text: str, first_line: int = 1) -> Iterator[Form]:
    """Yield the outermost lists of a text one by one; comments run from `;` to the end of their line.

    The text starts on `first_line` of a file.

    Raises:
        TextError: parentheses do not match or nest too deeply, or there is a word outside all of them.
    """
    open_lines: list[int] = []
    open_items: list[list[Expression]] = []
    for line, content in enumerate(text.split("\n"), start=first_line):
        for piece in _TOKEN.findall(content):
            if piece == "(":
                if len(open_lines) == MAXIMUM_DEPTH:
                    raise TextError(line, f"more than {MAXIMUM_DEPTH:,} nested parentheses; flatten the expression")
                open_lines.append(line)
                open_items.append([])
            elif piece == ")":
                if not open_lines:
                    raise TextError(line, "')' closes nothing; remove it, or add the missing '('")
                form = Form(open_lines.pop(), tuple(open_items.pop()))
                if not open_items:
                    yield form
                else:
                    open_items[-1].append(form)
            elif piece[0] == ";":
                continue
            elif open_items:
                open_items[-1].append(piece)
            else:
                raise TextError(line, f"{shown(piece)} stands outside parentheses; remove it or enclose it")
    if open_lines:
        raise TextError(open_lines[0], "'(' is never closed; the file may be cut short, restore its end")


def fold(
    root: Expression,
    line: int,
    leaf: Callable[[Expression, int], T | None],
    combine: Callable[[Form, Sequence[T]], T],
) -> T:
    """Evaluate an expression from the inside out, without recursion.

    Args:
        root: The expression.
        line: The line that it stands on.
        leaf: The value of an expression on a line; None for a list whose operands are to be evaluated first.
        combine: The value of a list, given the values of its operands (its items after the head).
    """
    values: list[T] = []
    pending: list[tuple[Expression, int, bool]] = [(root, line, False)]
    while pending:
        expression, line, is_evaluated = pending.pop()
        if is_evaluated and isinstance(expression, Form):
            first = len(values) - (len(expression.items) - 1)
            values[first:] = [combine(expression, values[first:])]
        elif (value := leaf(expression, line)) is not None:
            values.append(value)
        elif isinstance(expression, Form):
            pending.append((expression, line, True))
            pending.extend((item, expression.line, False) for item in reversed(expression.items[1:]))
    return values[0]


def shown(expression: Expression) -> str:
    """An expression as a message quotes it: on one line, printable, of bounded length."""
    if isinstance(expression, Form):
        return f"({shown(expression.head)[1:-1]} ...)" if expression.head else "(...)"
    return ascii(expression if len(expression) <= 40 else expression[:37] + "...")


def parse_numeral(text: str, line: int) -> Fraction:
    """The exact value of a decimal number (`0.5`, `-3`, `.5`, `1e-3`).

    Raises:
        TextError: it is no finite decimal number, or so long that its value would take too much memory.
    """
    if len(text) > MAXIMUM_NUMERAL_LENGTH:
        reason = f"a number of {len(text):,} characters; write at most {MAXIMUM_NUMERAL_LENGTH:,}"
        raise TextError(line, reason)
    match = _NUMERAL.fullmatch(text)
    if match is None:
        raise TextError(line, f"{shown(text)} is not a finite decimal number; write one such as -0.5 or 1e-3")
    sign, whole, decimals, exponent_text = match.groups(default="")
    exponent = int(exponent_text or 0)
    if abs(exponent) > MAXIMUM_EXPONENT:
        raise TextError(line, f"the exponent of {shown(text)} is out of range; stay within ±{MAXIMUM_EXPONENT}")
    return scaled(int(sign + whole + decimals), exponent - len(decimals))


def scaled(significand: int, scale: int) -> Fraction:
    """The number significand * 10**scale."""
    if -len(_POWERS) < scale <= 0:
        return Fraction(significand, _POWERS[-scale])
    return Fraction(significand * 10**scale) if scale > 0 else Fraction(significand, 10**-scale)


def decimal_text(value: Fraction) -> str:
    """The full decimal expansion in fixed point, always with a `.` (`0.5`, `-3.0`).

    Raises:
        ValueError: the expansion is infinite, or longer than any reader here accepts.
    """
    twos = (value.denominator & -value.denominator).bit_length() - 1
    rest, fives = value.denominator >> twos, 0
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest != 1:
        raise ValueError("a number has no finite decimal expansion; round it to a float first")
    places = max(twos, fives)
    scaled = abs(value.numerator) << (places - twos)
    scaled *= 5 ** (places - fives)
    if places > _MOST_DIGITS or scaled >= _LARGEST:
        raise ValueError(f"a decimal expansion exceeds {MAXIMUM_NUMERAL_LENGTH:,} characters; round the number first")
    sign = "-" if value < 0 else ""
    digits = str(scaled).rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}.0"
