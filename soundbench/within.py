"""Which file does a relative path name that nobody has vouched for? One within the folder, wherever links lead."""

import os
import stat
from pathlib import Path

from soundbench.errors import InputError


class Within:
    """Finds files of a folder, thousands of ordinary ones in a moment; `advice` ends what it says of a wrong path."""

    def __init__(self, root: Path, advice: str) -> None:
        self._root = root
        self._advice = advice
        self._real_root = root.resolve()
        self._folders: dict[str, Path | None] = {}
        self._files: dict[str, Path] = {}

    def file(self, relative: str) -> Path:
        """The file that a relative path names, with all links followed.

        Raises:
            InputError: the path leaves the folder or names no file.
        """
        if relative not in self._files:
            self._files[relative] = self._find(relative)
        return self._files[relative]

    def _find(self, relative: str) -> Path:
        folder, _, name = relative.rpartition("/")
        if folder not in self._folders:
            self._folders[folder] = self._follow(folder)
        real = self._folders[folder]
        if real is not None and name not in ("", ".", "..") and not relative.startswith("/"):
            path = f"{real}/{name}"
            if _is_ordinary(path):
                return Path(path)
        return self._look_up(relative)

    def _follow(self, folder: str) -> Path | None:
        """Where a folder really is; None if that is elsewhere."""
        try:
            real = (self._root / folder).resolve()
        except (OSError, ValueError, RuntimeError):
            return None
        return real if real.is_relative_to(self._real_root) else None

    def _look_up(self, relative: str) -> Path:
        """Find a file whose path is a link, or at fault."""
        root = self._root
        try:
            path = (root / relative).resolve()
            is_file = path.is_file()
        except (OSError, ValueError, RuntimeError) as error:
            raise InputError(f"{root}: {relative!r} cannot be the path of a file ({error}); {self._advice}") from None
        if Path(relative).is_absolute() or not path.is_relative_to(self._real_root):
            raise InputError(f"{root}: the path {relative!r} leads out of the folder; {self._advice}")
        if not is_file:
            raise InputError(f"{root}: no such file as {relative!r}, though it is listed; {self._advice}")
        return path


def _is_ordinary(path: str) -> bool:
    """Whether there is a file, and no link."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False
