"""What a verifier answered, and how its run ended. Nothing here is believed; the judge decides."""

from dataclasses import dataclass
from enum import StrEnum

from soundbench.instance import VariantKind, subject


class Claim(StrEnum):
    """What a verifier says of an instance, in the field's words (unsat = verified, sat = falsified)."""

    VERIFIED = "verified"
    FALSIFIED = "falsified"
    UNKNOWN = "unknown"
    TIMEOUT = "timeout"
    ERROR = "error"
    UNSUPPORTED = "unsupported"


class EndReason(StrEnum):
    """Why a verifier's process ended; `lost` if the one that watched over it was killed, or its machine died."""

    EXIT = "exit"
    SIGNAL = "signal"
    WALL_LIMIT = "wall_limit"
    CPU_LIMIT = "cpu_limit"
    MEMORY_LIMIT = "memory_limit"
    NOT_STARTED = "not_started"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Answer:
    """A claim, the tool's own words for it, and the text of its counterexample if it gave one."""

    claim: Claim
    raw: str
    counterexample: str | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended and what it used; seconds are wall-clock unless named otherwise."""

    reason: EndReason
    exit_code: int | None
    signal: int | None
    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int


@dataclass(frozen=True, slots=True)
class TaskResult:
    """One verifier on one instance, or on a variant of it: a line of `results.jsonl`.

    `verifier` is the name as the user typed it (`marabou==2.0.0`), `version` what the tool says of itself.
    `counterexample` and `log` are paths relative to the run folder, or None. `prepare_seconds` is the wall-clock
    time of a preparation step, which is not part of the ending's.
    """

    verifier: str
    version: str
    instance: str
    claim: Claim
    raw: str
    ending: Ending
    counterexample: str | None
    log: str | None
    prepare_seconds: float = 0.0
    variant: VariantKind | None = None

    @property
    def subject(self) -> str:
        """What the claim is about, for people."""
        return subject(self.instance, self.variant)
