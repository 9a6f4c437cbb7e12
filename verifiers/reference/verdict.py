"""What the reference verifier answers, and how it writes that down."""

from dataclasses import dataclass
from fractions import Fraction

from soundbench.claim import Claim
from soundbench.counterexample import format_counterexample

Counterexample = tuple[Fraction, ...]

WORDS = {Claim.VERIFIED: "unsat", Claim.FALSIFIED: "sat", Claim.TIMEOUT: "timeout", Claim.UNKNOWN: "unknown"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer, how many sub-domains were bounded for it, the counterexample (exact float32 values) or None."""

    claim: Claim
    nodes: int
    counterexample: Counterexample | None = None


def report(verdict: Verdict) -> str:
    """VNN-COMP's result file: the word, then the counterexample if there is one."""
    word = WORDS[verdict.claim]
    if verdict.counterexample is None:
        return f"{word}\n"
    return f"{word}\n{format_counterexample(verdict.counterexample)}\n"
