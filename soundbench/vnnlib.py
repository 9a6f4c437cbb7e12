"""How is a property read? VNN-LIB 1.0 or 2.0, plain or gzipped, told by the content and not by the name."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from soundbench.errors import InputError
from soundbench.instance import Property
from soundbench.packed import LARGEST_PROPERTY, read_unpacked
from soundbench.vnnlib1 import flat_property
from soundbench.vnnlib2 import Query, typed_query
from soundbench.vnnlib2_parser import is_query
from soundbench.vnnlib_text import TextError

T = TypeVar("T")


def read_property(path: Path) -> Property:
    """Read a VNN-LIB file.

    Raises:
        InputError: the file cannot be read, or holds what a `Property` cannot represent.
    """
    return parse_property(file_text(path), str(path))


def parse_property(text: str, source: str) -> Property:
    """The property that a VNN-LIB text describes, in disjunctive normal form with exact numbers.

    Args:
        text: The content of a file.
        source: What error messages call it, usually its path.

    Raises:
        InputError: `SOURCE:LINE: reason; what to do`, for what a `Property` cannot represent.
    """
    if is_query(text):
        return parse_query(text, source).property
    return _parse(flat_property, text, source)


def read_query(path: Path) -> Query:
    """Read a VNN-LIB 2.0 file: the property, and what it declares of the network.

    Raises:
        InputError: the file cannot be read, is not in VNN-LIB 2.0, or holds what a `Property` cannot represent.
    """
    return parse_query(file_text(path), str(path))


def parse_query(text: str, source: str) -> Query:
    """The query that a VNN-LIB 2.0 text describes; arguments and errors as for `parse_property`."""
    return _parse(typed_query, text, source)


def _parse(parse: Callable[[str], T], text: str, source: str) -> T:
    try:
        return parse(text)
    except TextError as error:
        raise InputError(f"{source}:{error.line}: {error.reason}") from None


def file_text(path: Path) -> str:
    """The text of a property's file, plain or gzipped.

    Raises:
        InputError: it cannot be read.
    """
    content = read_unpacked(path, LARGEST_PROPERTY)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}:{line}: not UTF-8 text; give a VNN-LIB file, plain or gzipped") from None
