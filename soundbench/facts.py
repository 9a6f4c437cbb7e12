"""What is known of a verifier, for people who look for one."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Facts:
    """Where a tool comes from.

    Attributes:
        home: its page.
        paper: what to cite.
        licence: under which it is given, as far as known.
        operators: what its networks may hold, as far as known.
    """

    home: str
    paper: str
    licence: str
    operators: str = "not known"
