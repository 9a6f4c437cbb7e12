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


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment that holds exactly `requirements` (pip's words, pinned)."""

    name: str
    version: str
    requirements: tuple[str, ...]

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
        return bool(marker == list(self.requirements)) and self.python.exists()


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
            marker.write_text(json.dumps(list(environment.requirements)))
            marker.replace(folder / _MARKER)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror}; set SOUNDBENCH_HOME elsewhere") from error


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(environment: Environment, log: Path) -> None:
    steps = (
        [sys.executable, "-m", "venv", str(environment.folder)],
        [str(environment.python), "-m", "pip", "install", "--no-input", *environment.requirements],
    )
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with log.open("wb") as output:
        for step in steps:
            ended = subprocess.run(
                step, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=variables, check=False
            )
            if ended.returncode != 0:
                raise InputError(
                    f"{environment.name} {environment.version} could not be installed: {step[2]} ended with "
                    f"{ended.returncode}; see {log}"
                )
