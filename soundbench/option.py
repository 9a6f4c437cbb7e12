"""Options of verifiers: declared once, set with `-o NAME.option=value`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from soundbench.errors import InputError

OptionValue = bool | int | float | str

_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_TYPE_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


@dataclass(frozen=True, slots=True)
class Option:
    """An option; its type is that of its default. `choices` are all allowed values, empty if any will do."""

    name: str
    default: OptionValue
    help: str
    choices: tuple[OptionValue, ...] = ()


def read_options(verifier: str, options: Sequence[Option], given: Mapping[str, str]) -> dict[str, OptionValue]:
    """The value of every option: what was given, or its default.

    Raises:
        InputError: an option is unknown, or its value is not of its type or not among its choices.
    """
    known = {option.name: option for option in options}
    for name in given:
        if name not in known:
            listing = ", ".join(known) if known else "it has none"
            raise InputError(f"{verifier} has no option {name}; known: {listing}")
    return {
        name: _read(verifier, option, given[name]) if name in given else option.default
        for name, option in known.items()
    }


def _read(verifier: str, option: Option, text: str) -> OptionValue:
    kind = type(option.default)
    try:
        value = _BOOLEANS[text.casefold()] if kind is bool else kind(text)
    except (ValueError, KeyError):
        raise InputError(f"option {verifier}.{option.name}: {text!r} is not {_TYPE_NAMES[kind]}") from None
    if option.choices and value not in option.choices:
        allowed = ", ".join(str(choice) for choice in option.choices)
        raise InputError(f"option {verifier}.{option.name}: {text!r} is none of {allowed}")
    return value
