"""How is a TOML file read? Into dataclasses: every key is known, and every value of its field's type."""

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from soundbench.errors import InputError


def tables_of(document: dict[str, Any], key: str, path: Path) -> list[dict[str, Any]]:
    """Take the [[key]] tables out of a document.

    Raises:
        InputError: they are no tables.
    """
    tables = document.pop(key, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise InputError(f"{path}: {key} = {tables!r}: write each as a [[{key}]] table")
    return tables


def read_toml(path: Path, noun: str = "recipe", hint: str = "name a file, or a recipe that ships") -> dict[str, Any]:
    """The content of a file; its `noun`, and where else to look, are for whoever named none.

    Raises:
        InputError: the file is missing or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such {noun}; {hint}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a readable {noun} ({error})") from None


def built(kind: type, tables: Sequence[Mapping[str, Any]], where: str) -> tuple[Any, ...]:
    """A dataclass from each of several tables, which are known by their names, or else by their numbers."""
    return tuple(
        build(kind, table, f"{where} {table.get('name', number)!r}") for number, table in enumerate(tables, start=1)
    )


def build(kind: type, table: Mapping[str, Any], where: str) -> Any:  # noqa: ANN401  (the dataclass that is built)
    """A dataclass from a table of its fields, every value checked against the field's type."""
    known = {field.name: field for field in fields(kind)}
    for key in table:
        if key not in known:
            raise InputError(f"{where}: unknown key {key!r}; known: {', '.join(known)}")
    for name, field in known.items():
        if name not in table and field.default is MISSING:
            raise InputError(f"{where}: the key {name!r} is missing")
    values = {}
    for key, value in table.items():
        try:
            values[key] = convert(known[key].type, value)
        except (TypeError, ValueError) as error:
            raise InputError(f"{where}: {key} = {value!r}: {error}") from None
    return kind(**values)


def convert(kind: Any, value: Any) -> Any:  # noqa: ANN401  (any of the field types)
    """A TOML value as the given field type."""
    arguments = getattr(kind, "__args__", ())
    if arguments:
        if not isinstance(value, list | tuple):
            raise TypeError("a list is needed")
        return tuple(convert(arguments[0], item) for item in value)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        if value not in list(kind):
            raise ValueError(f"not one of {', '.join(kind)}")
        return kind(value)
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value):
            raise ValueError("a finite number is needed")
        return float(value)
    if kind in (str, int, float, bool, date) and type(value) is not kind:
        raise TypeError(f"{kind.__name__} is needed")
    return value


def refuse(problems: Mapping[str, bool], where: str) -> None:
    """Report the first problem that there is.

    Raises:
        InputError: there is one.
    """
    for problem, is_so in problems.items():
        if is_so:
            raise InputError(f"{where}: {problem}")
