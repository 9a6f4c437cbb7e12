"""How is a counterexample written for VNN-LIB 2.0? Tensor by tensor: a line `X float32 [1,2]`, then a line a value.

Format: https://www.vnnlib.org, "command-line assignment format": tensors in the order of declaration, outputs included.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

from soundbench.errors import InputError
from soundbench.interface import Declaration, Interface
from soundbench.vnnlib_text import TextError, parse_numeral

_WORD = r"[A-Za-z][A-Za-z0-9_]*"
_HEADER = re.compile(rf"{_WORD}[ \t]+{_WORD}[ \t]+\[[ \t]*((?:[0-9]{{1,9}}(?:[ \t]*,[ \t]*[0-9]{{1,9}})*)?)[ \t]*\]")
_START = re.compile(rf"\s*(?:(?:sat|violated)[ \t\r]*\n\s*)?(?={_HEADER.pattern}[ \t\r]*(?:\n|\Z))")


@dataclass(frozen=True, slots=True)
class _Block:
    """What is given for one tensor: on which line it starts, its shape, and its values with their lines."""

    line: int
    shape: tuple[int, ...]
    values: list[tuple[int, str]]


def is_assignment(text: str) -> bool:
    """Whether a counterexample is in this form, after the word `sat` or `violated` or not."""
    return _START.match(text) is not None


def parse_assignment(text: str, network: Interface, source: str) -> tuple[Fraction, ...]:
    """The exact values of the inputs that an assignment gives, in row-major order.

    Shapes must be the network's. Names and types are not looked at, nor the outputs' values, which must be there.

    Args:
        text: What a verifier wrote; nothing in it is trusted.
        network: What the network takes and gives.
        source: What error messages call the text.

    Raises:
        InputError: the text is malformed, or does not give every input one finite number.
    """
    try:
        blocks = _blocks(text)
        if len(blocks) != 2:
            given = f"{len(blocks)} tensor{'' if len(blocks) == 1 else 's'}"
            raise TextError(text.count("\n") + 1, f"{given} given; give two, the input and then the output")
        for kind, block, declared in zip(("input", "output"), blocks, (network.input, network.output), strict=True):
            _check(kind, block, declared)
        return tuple(parse_numeral(value, line) for line, value in blocks[0].values)
    except TextError as error:
        raise InputError(f"{source}:{error.line}: {error.reason}") from None


def _blocks(text: str) -> list[_Block]:
    start = _START.match(text)
    if start is None:
        raise TextError(1, "not an assignment; start it with a line such as X float32 [1,2]")
    blocks: list[_Block] = []
    for line, content in enumerate(text[start.end() :].split("\n"), text.count("\n", 0, start.end()) + 1):
        header = _HEADER.fullmatch(content.strip())
        if header is not None:
            blocks.append(_Block(line, tuple(map(int, re.findall("[0-9]+", header[1]))), []))
        elif content.strip():
            blocks[-1].values.append((line, content.strip()))
    return blocks


def _check(kind: str, block: _Block, declared: Declaration) -> None:
    if block.shape != declared.shape:
        shape, needed = ([*each] for each in (block.shape, declared.shape))
        raise TextError(block.line, f"the {kind} has the shape {needed}, not {shape}; give it as the network has it")
    if len(block.values) != declared.size:
        line = block.values[-1][0] if block.values else block.line
        reason = f"{len(block.values)} values for the {declared.size} of the {kind}; give one a line, each once"
        raise TextError(line, reason)
