"""How is the reference parser of VNN-LIB 2.0 called? With care: it is native code, and trees are all that leaves here.

It gets ASCII without NUL (it stops at one), nested so little that its recursion is safe, and one batch of assertions at
a time, since its trees take 60 times their text and its lists of errors 800 times. Indices and shapes are checked here,
since it lets `[0,-1]` and `[1,2.7]` pass; so is the version, since it prints to the terminal about some.
"""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from soundbench.vnnlib_text import TextError, shown

if TYPE_CHECKING:
    import vnnlib

MAXIMUM_DEPTH = 200
# In characters: what is parsed at once, and may stand before the first assertion; and the largest assertion.
BATCH = 2**18
MAXIMUM_ASSERTION = 2**23

_GAP = r"(?:\s|;[^\n]*\n)*+"
_HEADER = re.compile(rf"{_GAP}\(vnnlib-version\b")
_VERSION = re.compile(rf"{_HEADER.pattern}{_GAP}<2\.0>")
# Parentheses; comments, which may hold any; quotes; brackets that hold anything but non-negative integers.
_TOKEN = re.compile(rf'[()"]|;[^\n]*|\[(?!{_GAP}(?:[0-9]++{_GAP}(?:,{_GAP}[0-9]++{_GAP})*+)?+\])[^\]]{{0,40}}\]?')
_SYNTAX_ERROR = re.compile(r"at line ([0-9]+), column [0-9]+: '(.*)'", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Parts:
    """A text cut in two: its declarations, and where the outermost lists from the first assertion on start."""

    text: str
    declarations: str
    starts: tuple[int, ...]


def is_query(text: str) -> bool:
    """Whether a text begins as a VNN-LIB 2.0 file does."""
    return _HEADER.match(text) is not None


def cut(text: str) -> Parts:
    """Cut a VNN-LIB 2.0 text into parts.

    Raises:
        TextError: it is of another version, or not to be shown to the parser.
    """
    if _VERSION.match(text) is None:
        raise TextError(1, "of no version of VNN-LIB that is supported; start the file with (vnnlib-version <2.0>)")
    if "\0" in text:
        raise TextError(_line(text, text.index("\0")), "a NUL character; restore or correct the file")
    starts = tuple(_assertions(text))
    declarations = text[: starts[0] if starts else len(text)]
    if len(declarations) > BATCH:
        raise TextError(1, f"more than {BATCH:,} characters before the first assertion; shorten them")
    return Parts(text, declarations, starts)


def parse_networks(parts: Parts) -> "tuple[vnnlib.Network, ...]":
    """The networks that are declared.

    Raises:
        TextError: the parser refuses them.
    """
    return _parsed(f"{parts.declarations}\n(assert (<= 0.0 0.0))", 0).networks


def parse_assertions(parts: Parts) -> "Iterator[tuple[vnnlib.BoolExpr, int]]":
    """Every asserted condition, and what is to be added to the line numbers in it.

    Raises:
        TextError: the parser refuses one, it is too large, or there is something else among them.
    """
    first = len(parts.declarations)
    declared_lines = parts.declarations.count("\n")
    line = declared_lines
    for start, end in pairwise((*parts.starts, len(parts.text))):
        if end - start > MAXIMUM_ASSERTION:
            reason = (
                f"an assertion of more than {MAXIMUM_ASSERTION:,} characters; split the property into several files"
            )
            raise TextError(_line(parts.text, start), reason)
        if end - first < BATCH and end < len(parts.text):
            continue
        query = _parsed(parts.declarations + parts.text[first:end], line - declared_lines)
        if len(query.networks) > 1:
            raise TextError(line + 1, "a network is declared behind assertions; declare it before them")
        for assertion in query.assertions:
            yield assertion.expr, line - declared_lines
        line += parts.text.count("\n", first, end)
        first = end


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _assertions(text: str) -> Iterator[int]:
    """Where the first assertion starts, and every outermost list after it."""
    depth, is_asserting = 0, False
    for match in _TOKEN.finditer(text):
        position = match.start()
        match text[position]:
            case "(":
                is_asserting = is_asserting or (depth == 0 and text.startswith("(assert", position))
                if depth == 0 and is_asserting:
                    yield position
                depth += 1
                if depth > MAXIMUM_DEPTH:
                    reason = f"more than {MAXIMUM_DEPTH} nested parentheses; flatten the expression"
                    raise TextError(_line(text, position), reason)
            case ")":
                depth = max(0, depth - 1)
            case '"':
                reason = "a name in quotes, as hidden tensors have; only one input and one output are supported"
                raise TextError(_line(text, position), reason)
            case "[":
                reason = f"{shown(match.group())} is neither index nor shape; write whole numbers such as [0,1]"
                raise TextError(_line(text, position), reason)


def _parsed(text: str, shift: int) -> "vnnlib.Query":
    """The parser's tree; `shift` is what is added to the lines in its messages."""
    import vnnlib

    try:
        # It needs a last line end. What is not ASCII may stand in comments only.
        return vnnlib.parse_query_string(text.encode("ascii", "replace").decode() + "\n")
    except vnnlib.VNNLibException as error:
        raise _refusal(str(error), shift) from None
    except IndexError:
        line, numeral = next(_unreadable_numbers(text), (1, ""))
        reason = f"{shown(numeral)} is out of the range that VNN-LIB 2.0's parser reads; write a float64 or shorter"
        raise TextError(line + shift, reason) from None


def _refusal(message: str, shift: int) -> TextError:
    """What the parser's message says, in one line of ours."""
    syntax = _SYNTAX_ERROR.search(message)
    if syntax is not None:
        line, word = int(syntax[1]) + shift, syntax[2]
        if not word:
            return TextError(line, "it ends too early, or holds nothing; restore its end")
        return TextError(line, f"{shown(word)} cannot stand here; write VNN-LIB 2.0, numbers as -0.5 without exponents")
    if not message.startswith("{"):
        return TextError(1 + shift, f"its parser fails with {shown(message)}; write VNN-LIB 2.0")
    error = json.loads(message)["errors"][0]
    reason, symbol, hint = (str(error[key]).rstrip(".") for key in ("message", "offendingSymbol", "hint"))
    remedy = "write numbers as decimals such as 1.0" if error["errorCode"] == "TypeMismatch" else ascii(hint[:80])[1:-1]
    reason = f"{ascii(reason[:80])[1:-1].lower()}: {shown(symbol)}; {remedy[0].lower()}{remedy[1:]}"
    return TextError(error.get("line", 1) + shift, reason)


def _unreadable_numbers(text: str) -> Iterator[tuple[int, str]]:
    """Numbers that the parser's float64 and int64 cannot hold, and their lines."""
    for match in re.finditer(r"[0-9]+(?:\.[0-9]+)?", text):
        numeral = match.group()
        if "." in numeral:
            value = float(numeral)
            is_readable = sys.float_info.min <= value <= sys.float_info.max or not numeral.strip("0.")
        else:
            is_readable = len(numeral) < 19
        if not is_readable:
            yield _line(text, match.start()), numeral
