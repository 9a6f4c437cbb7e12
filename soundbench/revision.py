"""Which commit does the name of a branch or tag mean? The server is asked anew; offline, what it said last counts.

Files of a commit never change, so that a cache of them can be kept for ever, and gone on with whenever it broke off.
"""

import re
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from soundbench.errors import InputError
from soundbench.fetch import Cache, NotReached
from soundbench.run import file_name

COMMIT = re.compile(r"[0-9a-f]{40}")
# A line of what git's servers say, or of the file that others keep in its place; `^{}` is what a tag stands for.
LINE = re.compile(rb"([0-9a-f]{40})[ \t](?:refs/(?:heads|tags)/)?([^\s\0]+?)(\^\{\})?[\n\0]")
LARGEST_LIST = 2**24


@dataclass(frozen=True, slots=True)
class Meant:
    """The commit that a name means, None if nobody tells; and in words what was found."""

    commit: str | None
    words: str


def commit_of(server: str, repository: str, name: str, kept: Path) -> Meant:
    """The commit that a name means in a repository of a server; its answers are kept in a folder.

    Raises:
        InputError: the repository has no branch or tag of that name.
    """
    if COMMIT.fullmatch(name):
        return Meant(name, f"commit {name}")
    last = kept / file_name(name)
    try:
        commits = _commits(f"{server.rstrip('/')}/{repository}.git/info/refs?service=git-upload-pack")
    except NotReached:
        commit = last.read_text(encoding="utf-8") if last.is_file() else ""
        if not COMMIT.fullmatch(commit):
            return Meant(None, name)
        return Meant(commit, f"no connection: {name} as it was on {day_of(last)}, commit {commit}")
    if not commits:
        return Meant(None, f"{name}; {server} does not tell which commit that is")
    if name not in commits:
        raise InputError(f"--revision {name}: {repository} has no such branch or tag; a commit has 40 digits")
    kept.mkdir(parents=True, exist_ok=True)
    last.write_text(commits[name], encoding="utf-8")
    return Meant(commits[name], f"{name}, commit {commits[name]}")


def day_of(path: Path) -> str:
    """When a file was written last, as `2026-11-27`."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).strftime("%Y-%m-%d")


def _commits(address: str) -> dict[str, str]:
    """The commits of all branches and tags; none if the server does not tell them."""
    with tempfile.TemporaryDirectory(prefix="soundbench-refs-") as folder:
        try:
            with Cache(Path(folder), retries=0).fetch(address, "refs").open("rb") as file:
                content = file.read(LARGEST_LIST)
        except NotReached:
            raise
        except InputError:
            return {}
    found = LINE.findall(content)
    plain = {name.decode(errors="replace"): commit.decode() for commit, name, _ in found}
    return plain | {name.decode(errors="replace"): commit.decode() for commit, name, peeled in found if peeled}
