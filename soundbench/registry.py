"""Which verifiers are there? Those of the entry-point group `soundbench.verifiers`, and any class by its path."""

import importlib
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from soundbench.errors import InputError
from soundbench.hooks import faults_as_input_errors
from soundbench.label import split_options
from soundbench.verifier import Selection, Verifier

GROUP = "soundbench.verifiers"


def known_verifiers() -> Mapping[str, EntryPoint]:
    """The registered verifiers by name, in alphabetical order."""
    return {entry.name: entry for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)}


def verifier_class(name: str) -> type[Verifier]:
    """The class of a registered verifier.

    Raises:
        InputError: there is none of that name, or its package is broken.
    """
    entry = known_verifiers().get(name)
    if entry is None:
        raise InputError(
            f"there is no verifier {name}; known: {', '.join(known_verifiers())}, or MODULE:CLASS for your own"
        )
    with faults_as_input_errors(f"{name} ({entry.value})"):
        loaded = entry.load()
    return _checked(loaded, entry.value)


def resolve(label: str, options: Mapping[str, Mapping[str, str]] | None = None) -> Verifier:
    """The verifier that a user named: `NAME`, `NAME==VERSION`, `NAME:ARGUMENT`, `MODULE:CLASS` or that with a version.

    What stands before a colon is a registered name, or else a module, looked up in the current folder too.
    `options` are by verifier's name, then by option; `[option=value,…]` at the end sets some for this one alone.

    Raises:
        InputError: there is no such verifier, version, argument or option.
    """
    named, own_options = split_options(label)
    head, _, argument = named.partition(":")
    name, _, version = head.partition("==")
    if argument and name not in known_verifiers():
        class_name, _, version = argument.partition("==")
        found, argument = _import_class(head, class_name), ""
    else:
        found = verifier_class(name)
    given = {**(options or {}).get(found.name, {}), **own_options}
    with faults_as_input_errors(label):
        made = found(Selection(label, version or None, argument or None, given))
        if not {"selection", "settings"} <= vars(made).keys():
            raise TypeError("its __init__ must call super().__init__(selection)")
        return made


def resolve_all(labels: Sequence[str], settings: Sequence[str] = ()) -> tuple[Verifier, ...]:
    """The verifiers that a user named, each once, with settings `NAME.option=value`.

    Raises:
        InputError: one cannot be resolved, is named twice, or a setting belongs to none of them.
    """
    for label in labels:
        if labels.count(label) > 1:
            raise InputError(f"verifier {label} is named twice")
    options = _group_settings(settings)
    verifiers = tuple(resolve(label, options) for label in labels)
    unused = options.keys() - {verifier.name for verifier in verifiers}
    if unused:
        raise InputError(f"an option is set for {min(unused)}, which is not among the verifiers to run")
    return verifiers


def _group_settings(settings: Sequence[str]) -> dict[str, dict[str, str]]:
    grouped: dict[str, dict[str, str]] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        name, dot, option = key.rpartition(".")
        if not (equals and dot and name and option):
            raise InputError(f"option {setting!r}: write it as NAME.option=value")
        grouped.setdefault(name, {})[option] = value
    return grouped


def _import_class(module: str, name: str) -> type[Verifier]:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    with faults_as_input_errors(f"{module}:{name}"):
        if not _exists(module):
            known = ", ".join(known_verifiers())
            raise InputError(f"{module}:{name} is no verifier: no module named {module!r}; registered are {known}")
        loaded = getattr(importlib.import_module(module), name)
    return _checked(loaded, f"{module}:{name}")


def _exists(module: str) -> bool:
    try:
        return not module.startswith(".") and importlib.util.find_spec(module) is not None
    except (ModuleNotFoundError, TypeError, ValueError):
        return False


def _checked(loaded: object, path: str) -> type[Verifier]:
    if not (isinstance(loaded, type) and issubclass(loaded, Verifier)):
        raise InputError(f"{path} is no subclass of soundbench.verifier.Verifier")
    missing = sorted(loaded.__abstractmethods__) + ([] if isinstance(getattr(loaded, "name", None), str) else ["name"])
    if missing:
        raise InputError(f"{path} lacks {' and '.join(missing)}; see the documentation of soundbench.verifier")
    return loaded
