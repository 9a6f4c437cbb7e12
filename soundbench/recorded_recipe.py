"""What does the recipe inside a suite say that its files do not? Its text is in `suite.json`."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from soundbench.coverage import Pair
from soundbench.errors import InputError
from soundbench.suite import MANIFEST, read_json


@dataclass(frozen=True, slots=True)
class NetworkRecipe:
    """What a recipe says of a network: what lies before its dense layers, their activation, and what comes last."""

    front: str
    activation: str
    softmax: bool = False


@dataclass(frozen=True, slots=True)
class RecordedRecipe:
    """The networks of a recipe by their names, and the pairs of values that it forbids."""

    networks: Mapping[str, NetworkRecipe] = field(default_factory=dict)
    forbidden: frozenset[Pair] = frozenset()


def recorded_recipe(root: Path) -> RecordedRecipe:
    """Read the recipe of a suite; one that has no networks or forbids nothing says nothing of them.

    Raises:
        InputError: `suite.json` holds a recipe that is not TOML.
    """
    text = read_json(root / MANIFEST).get("recipe", "")
    try:
        document = tomllib.loads(text)
    except (TypeError, AttributeError, ValueError, RecursionError) as error:
        raise InputError(f"{root / MANIFEST}: its recipe is not TOML ({error}); get the suite again") from None
    networks = {
        str(table.get("name")): NetworkRecipe(
            str(table.get("front", "none")), str(table.get("activation", "relu")), table.get("softmax") is True
        )
        for table in tables(document, "network")
    }
    pairs = (sorted((str(key), str(value)) for key, value in table.items()) for table in tables(document, "forbid"))
    return RecordedRecipe(networks, frozenset((pair[0], pair[1]) for pair in pairs if len(pair) == 2))


def tables(document: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    """The [[key]] tables of a document."""
    entries = document.get(key)
    yield from (entry for entry in entries if isinstance(entry, dict)) if isinstance(entries, list) else ()
