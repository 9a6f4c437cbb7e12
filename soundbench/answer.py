"""How is a verifier's answer read? From its result file, by whole words (VNN-COMP's and the common synonyms)."""

import errno
import os
import re
import stat
from pathlib import Path

from soundbench.claim import Answer, Claim

RESULT_LIMIT_BYTES = 1 << 24
RAW_LIMIT = 200

# Matched against the whole word: `sat` is part of `unsat`, and `safe` of `unsafe`.
_WORDS = (
    (Claim.VERIFIED, "unsat|holds|safe|verified"),
    (Claim.FALSIFIED, "sat|violated|unsafe|falsified"),
    (Claim.TIMEOUT, r"timeout|timed[-_]out|timeout_\w+|run_instance_timeout|prepare_instance_timeout"),
    (Claim.UNKNOWN, r"unknown||no_result_in_file|prepare_instance_error_\w+|error_nonmaximal"),
    (Claim.ERROR, r"error|error_exit_code_\w+"),
    (Claim.UNSUPPORTED, "unsupported"),
)
_PATTERNS = tuple((claim, re.compile(words)) for claim, words in _WORDS)

# The word that stands for a claim in `results.csv`.
RESULT_WORD = {
    Claim.VERIFIED: "unsat",
    Claim.FALSIFIED: "sat",
    Claim.TIMEOUT: "timeout",
    Claim.UNKNOWN: "unknown",
    Claim.ERROR: "error",
    Claim.UNSUPPORTED: "unsupported",
}


def claim_of(word: str) -> Claim | None:
    """The claim that a result word stands for, whatever its case; None if it is no such word."""
    folded = word.strip().casefold()
    return next((claim for claim, pattern in _PATTERNS if pattern.fullmatch(folded)), None)


def read_result_text(text: str) -> Answer:
    """Read a result file's text: a word, what follows it after a comma is ignored, then the counterexample.

    Blank lines before it do not matter. A first line that is no known word makes the claim `error`, never a verdict,
    and so do two verdicts that differ, and a file without any: a tool that died quietly has not said that it does not
    know.
    """
    first, _, rest = text.lstrip().partition("\n")
    if not first:
        return Answer(Claim.ERROR, "empty result file")
    raw = first.strip()[:RAW_LIMIT]
    claim = claim_of(first.partition(",")[0]) or Claim.ERROR
    other = _other_verdict(claim, rest)
    if other is not None:
        return Answer(Claim.ERROR, f"two answers: {raw}, {other}")
    counterexample = rest if claim is Claim.FALSIFIED and rest.strip() else None
    return Answer(claim, raw, counterexample)


def _other_verdict(claim: Claim, rest: str) -> str | None:
    """A line that is nothing but the other verdict, if `claim` is one."""
    words = (line.strip() for line in rest.splitlines() if line[:1].isalpha())
    others = {Claim.VERIFIED, Claim.FALSIFIED} - {claim}
    return next((word for word in words if len(others) == 1 and claim_of(word) in others), None)


def read_result_file(path: Path) -> Answer:
    """Read the result file that a verifier left, which may be missing, huge, or no file at all."""
    try:
        content = read_plain_file(path, RESULT_LIMIT_BYTES + 1)
    except FileNotFoundError:
        return Answer(Claim.ERROR, "no result file")
    except OSError as error:
        return Answer(Claim.ERROR, f"result file cannot be read: {error.strerror}")
    if len(content) > RESULT_LIMIT_BYTES:
        return Answer(Claim.ERROR, f"result file is larger than {RESULT_LIMIT_BYTES} bytes")
    return read_result_text(content.decode(errors="replace"))


def read_plain_file(path: Path, limit_bytes: int) -> bytes:
    """At most the first `limit_bytes` of a file in a folder where somebody else may have put anything.

    Raises:
        OSError: it cannot be read, or is no plain file.
    """
    # Neither follow a link out of the folder, nor wait for somebody to write into a pipe.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a plain file")
    with os.fdopen(descriptor, "rb") as file:
        return file.read(limit_bytes)
