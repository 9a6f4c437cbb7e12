"""Where does a verifier live? In a Python environment of its own: their pins exclude each other and ours."""

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from soundbench.errors import InputError

_MARKER = "soundbench.json"


def data_folder() -> Path:
    """The user's data folder; the variable SOUNDBENCH_HOME overrides it."""
    home = os.environ.get("SOUNDBENCH_HOME")
    return Path(home).absolute() if home else Path(platformdirs.user_data_dir("soundbench"))


def free_megabytes() -> int:
    """What is free on the disk of the data folder."""
    folder = data_folder()
    existing = next(each for each in (folder, *folder.parents) if each.is_dir())
    return shutil.disk_usage(existing).free >> 20


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment that holds exactly `requirements` (pip's words, pinned).

    `alone` are installed after them, without what they ask for: where a package's own pins cannot be met.
    """

    name: str
    version: str
    requirements: tuple[str, ...]
    alone: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where the environment is, or would be."""
        return data_folder() / "environments" / f"{self.name}-{self.version}"

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.folder / "bin" / "python"

    def is_complete(self) -> bool:
        """Whether an installation of these very requirements ran to its end, and its interpreter still exists."""
        try:
            marker = json.loads((self.folder / _MARKER).read_text())
        except (OSError, ValueError):
            return False
        return bool(marker == self.contents()) and self.python.exists()

    def steps(self) -> tuple[tuple[str, ...], ...]:
        """The commands that build it."""
        pip = (str(self.python), "-m", "pip", "install", "--no-input")
        steps = [(sys.executable, "-m", "venv", str(self.folder)), (*pip, *self.requirements)]
        return (*steps, (*pip, "--no-deps", *self.alone)) if self.alone else tuple(steps)

    def contents(self) -> list[str]:
        """What an installation is known by: other contents make it incomplete."""
        return [*self.requirements, *(f"{each} alone" for each in self.alone)]


def install_environment(environment: Environment) -> None:
    """Build the environment unless it is complete; a second call waits for the first.

    The marker is written last, so that what an interrupted call leaves behind is never taken for complete.

    Raises:
        InputError: the folder cannot be written, or pip failed; the message names the log.
    """
    folder = environment.folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder.with_name(f"{folder.name}.lock")):
            if environment.is_complete():
                return
            shutil.rmtree(folder, ignore_errors=True)
            _build(environment, folder.with_name(f"{folder.name}.log"))
            marker = folder / f"{_MARKER}.new"
            marker.write_text(json.dumps(environment.contents()))
            marker.replace(folder / _MARKER)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror}; set SOUNDBENCH_HOME elsewhere") from error


def remove_environment(environment: Environment) -> None:
    """Remove what an installation left, complete or not; it waits for one that is going on.

    Raises:
        InputError: there is nothing, or it cannot be removed.
    """
    folder = environment.folder
    if not folder.exists():
        raise InputError(f"{environment.name} {environment.version} is not installed: there is no {folder}")
    try:
        with _locked(folder.with_name(f"{folder.name}.lock")):
            # The marker first: what a removal that is interrupted leaves is not taken for complete.
            (folder / _MARKER).unlink(missing_ok=True)
            shutil.rmtree(folder)
            folder.with_name(f"{folder.name}.log").unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be removed: {error.strerror}") from error


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(environment: Environment, log: Path) -> None:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with log.open("wb") as output:
        for step in environment.steps():
            ended = subprocess.run(
                step, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=variables, check=False
            )
            if ended.returncode != 0:
                raise InputError(
                    f"{environment.name} {environment.version} could not be installed: {step[2]} ended with "
                    f"{ended.returncode}; see {log}"
                )
