"""Known ways of making the reference verifier wrong, each after a real mistake, to test whether a suite notices."""

from collections.abc import Sequence
from dataclasses import replace

from soundbench.errors import InputError

from ..steps import DEFAULT, Steps
from . import attributes, back_substitution, box, lines, numbers, ranges, reading, search, specification
from .fault import Fault

FAULTS = (
    *specification.FAULTS,
    *box.FAULTS,
    *reading.FAULTS,
    *attributes.FAULTS,
    *ranges.FAULTS,
    *lines.FAULTS,
    *back_substitution.FAULTS,
    *search.FAULTS,
    *numbers.FAULTS,
)
"""All of them, in the order of what they break: specification, box, network, bounds, search, numbers."""


def faulty_steps(words: str) -> Steps:
    """The steps with the fault `NAME`, or `NAME@STRENGTH`.

    Raises:
        InputError: there is no such fault, or not in that strength; the message lists those that there are.
    """
    return fault_of(words).steps(DEFAULT)


def fault_of(words: str) -> Fault:
    """The fault `NAME`, or with `NAME@STRENGTH` that fault in this strength alone.

    Raises:
        InputError: there is no such fault, or not in that strength; the message lists those that there are.
    """
    name, at, number = words.partition("@")
    fault = fault_named(name)
    if not at:
        return fault
    try:
        strength = float(number)
    except ValueError:
        raise InputError(f"fault {words}: {number!r} is no number; write it as {name}@{fault.strengths[0]}") from None
    fault.steps(DEFAULT, strength)  # or it has no such strength
    return replace(fault, strengths=(strength,))


def fault_named(name: str) -> Fault:
    """The fault of a name.

    Raises:
        InputError: there is none; the message lists all that there are.
    """
    for fault in FAULTS:
        if fault.name == name:
            return fault
    raise InputError(f"there is no fault {name!r}; there are {', '.join(fault.name for fault in FAULTS)}")


def faults_named(names: Sequence[str]) -> tuple[Fault, ...]:
    """The faults of these names (see `fault_of`), each once, or all of them if one of the names is `all`.

    Raises:
        InputError: there is no fault of a name, or not in a strength; the message lists those that there are.
    """
    chosen = {name: fault_of(name) for name in names if name != "all"}
    return FAULTS if "all" in names else tuple(chosen.values())
