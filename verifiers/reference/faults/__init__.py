"""Known ways of making the reference verifier wrong, each after a real mistake, to test whether a suite notices."""

from collections.abc import Sequence

from soundbench.errors import InputError

from ..steps import DEFAULT, Steps
from . import attributes, back_substitution, box, lines, numbers, reading, search, specification
from .fault import Fault

FAULTS = (
    *specification.FAULTS,
    *box.FAULTS,
    *reading.FAULTS,
    *attributes.FAULTS,
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
    name, at, number = words.partition("@")
    fault = fault_named(name)
    try:
        strength = float(number) if at else None
    except ValueError:
        raise InputError(f"fault {words}: {number!r} is no number; write it as {name}@{fault.strengths[0]:g}") from None
    return fault.steps(DEFAULT, strength)


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
    """The faults of these names, each once, or all of them if one of the names is `all`.

    Raises:
        InputError: there is no fault of a name; the message lists all that there are.
    """
    chosen = {name: fault_named(name) for name in names if name != "all"}
    return FAULTS if "all" in names else tuple(chosen.values())
