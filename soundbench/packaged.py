"""What if a verifier comes from PyPI? It lives in an environment of its own, a release each, driven by a script."""

import importlib.util
import inspect
import shlex
import sys
from pathlib import Path
from typing import ClassVar

from packaging.version import Version

from soundbench.environment import Environment, free_megabytes, install_environment, remove_environment
from soundbench.verifier import Task, Verifier

ALONE = "--no-deps"


class PackagedVerifier(Verifier):
    """Base class of verifiers from PyPI.

    Beside the class's file lie `solve.py`, which runs in the environment and imports nothing of soundbench, and for
    each version `requirements-VERSION.txt`: pinned requirements, a line each; what stands below a line `--no-deps` is
    installed after the rest, without what it asks for. `versions` are those of the files, the newest first.

    Attributes:
        environment_name: the name of its environment, which several may share; by default its own name.
        pythons: for which CPython its packages exist.
        megabytes: what an environment takes on the disk.
    """

    environment_name: ClassVar[str] = ""
    pythons: ClassVar[tuple[tuple[int, int], ...]] = ((3, 11),)
    megabytes: ClassVar[int] = 500

    def __init_subclass__(cls, **arguments: object) -> None:
        super().__init_subclass__(**arguments)
        files = Path(inspect.getfile(cls)).parent.glob("requirements-*.txt")
        cls.versions = tuple(
            sorted((file.stem.removeprefix("requirements-") for file in files), key=Version, reverse=True)
        )

    def command(self, task: Task) -> list[str]:
        """ONNX PROPERTY RESULT_FILE TIMEOUT_SECONDS and the options as NAME=VALUE, for `solve.py`."""
        settings = [f"{name}={value}" for name, value in self.settings.items()]
        files = [str(task.onnx), str(self.property_file(task)), str(task.result)]
        script = str(self._folder() / "solve.py")
        return [str(self._environment.python), script, *files, str(task.timeout_seconds), *settings]

    def property_file(self, task: Task) -> Path:
        """The property in a form that the tool reads, by default as it is."""
        return task.vnnlib

    def version(self) -> str:
        """The release of the package."""
        return self.selection.version or self.versions[0]

    def is_installed(self) -> bool:
        """Whether its environment is complete."""
        return self._environment.is_complete()

    def location(self) -> Path:
        """The folder of its environment."""
        return self._environment.folder

    def recipe(self) -> tuple[str, ...]:
        """The commands that build its environment, and what it takes."""
        pythons = " or ".join(f"{major}.{minor}" for major, minor in self.pythons)
        steps = (shlex.join(step) for step in self._environment.steps())
        return (f"# needs CPython {pythons}, PyPI, and about {self.megabytes} MB of disk", *steps)

    def missing(self) -> tuple[str, ...]:
        """Whether this interpreter can build its environment, and whether that fits on the disk."""
        found = []
        if sys.version_info[:2] not in self.pythons:
            names = ", ".join(f"{major}.{minor}" for major, minor in self.pythons)
            found.append(f"its packages are for CPython {names}: run soundbench with such a one")
        if importlib.util.find_spec("ensurepip") is None:
            found.append("Python's module ensurepip: install your system's package python3-venv")
        free = free_megabytes()
        if not self.is_installed() and free < self.megabytes:
            found.append(f"{self.megabytes} MB of disk, there are {free} MB: set SOUNDBENCH_HOME to a larger one")
        return tuple(found)

    def install(self) -> str:
        """Build its environment."""
        install_environment(self._environment)
        return str(self._environment.folder)

    def remove(self) -> str:
        """Remove its environment."""
        remove_environment(self._environment)
        return str(self._environment.folder)

    @property
    def _environment(self) -> Environment:
        text = (self._folder() / f"requirements-{self.version()}.txt").read_text()
        together, _, alone = text.partition(ALONE)
        return Environment(
            self.environment_name or self.name, self.version(), tuple(together.split()), tuple(alone.split())
        )

    def _folder(self) -> Path:
        return Path(inspect.getfile(type(self))).parent
