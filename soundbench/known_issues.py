"""Which findings are known already? Those that a list names, each with a reason and the last day on which it counts.

A list is a TOML file with a table [[known]] an entry, whose keys are the fields of `KnownIssue`.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path

from soundbench.errors import InputError
from soundbench.judge import ACCUSATIONS, Assessment
from soundbench.label import at_version
from soundbench.toml_file import built, read_toml, refuse, tables_of


@dataclass(frozen=True, slots=True)
class KnownIssue:
    """A bug of a verifier that has been reported.

    `verifier` is its name, or that with a version (`marabou==2.0.0`), as users type it; `instance` a name or a pattern
    as of files, and the variants of an instance belong to it. It counts until the end of the day `expires`.
    """

    verifier: str
    instance: str
    assessment: Assessment
    reason: str
    expires: date

    def is_about(self, verifier: str, version: str) -> bool:
        """Whether it is about a verifier, as the user named it (`marabou==2.0.0`), of this version."""
        return self.verifier in (verifier, at_version(verifier, None), at_version(verifier, version))

    def names(self, instance: str) -> bool:
        """Whether it names an instance."""
        return instance == self.instance or fnmatchcase(instance, self.instance)

    def has_expired(self, today: date) -> bool:
        """Whether its last day is over."""
        return self.expires < today


class Standing(StrEnum):
    """What became of a known issue in a run: whether it excused a finding, and if not, why."""

    MATCHED = "matched"
    UNMATCHED = "unmatched"
    EXPIRED = "expired"
    NOT_RUN = "not-run"


@dataclass(frozen=True, slots=True)
class Listed:
    """A known issue, and what became of it in a run."""

    issue: KnownIssue
    standing: Standing


def read_known_issues(path: Path) -> tuple[KnownIssue, ...]:
    """Read a list of known issues.

    Raises:
        InputError: the file is missing, not TOML, or has an entry that is not understood, or allows what cannot be.
    """
    document = read_toml(path, "list of known issues", "name a file with --allow")
    tables = tables_of(document, "known", path)
    if document:
        raise InputError(f"{path}: unknown key {min(document)!r}; a list has [[known]] tables, and nothing else")
    issues: tuple[KnownIssue, ...] = built(KnownIssue, tables, f"{path}: entry")
    for number, issue in enumerate(issues, start=1):
        empty = [name for name in ("verifier", "instance", "reason") if not getattr(issue, name).strip()]
        problems = {
            f"{issue.assessment} cannot be allowed; only {', '.join(sorted(ACCUSATIONS))} can": (
                issue.assessment not in ACCUSATIONS
            ),
            f"{' and '.join(empty)} must not be empty": bool(empty),
        }
        refuse(problems, f"{path}: entry {number}")
    return issues
