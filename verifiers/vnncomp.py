"""Any tool that took part in VNN-COMP, or follows its contract: a folder with three scripts.

`install_tool.sh v1`, `prepare_instance.sh v1 CATEGORY ONNX VNNLIB` and
`run_instance.sh v1 CATEGORY ONNX VNNLIB RESULT_FILE TIMEOUT`.
"""

import hashlib
import os
import shlex
import subprocess
from pathlib import Path

from soundbench.errors import InputError
from soundbench.option import Option
from soundbench.verifier import Selection, Task, Verifier

from .written_anew import NOTATION, put, query_file

INSTALL, PREPARE, RUN = SCRIPTS = ("install_tool.sh", "prepare_instance.sh", "run_instance.sh")
_CONTRACT = "v1"


class VnnComp(Verifier):
    """A tool's folder, driven by its scripts."""

    name = "vnncomp"
    summary = "any tool folder with VNN-COMP's three scripts"
    argument = "FOLDER"
    is_tested = True
    options = (
        Option("category", "soundbench", "the benchmark category that the scripts are told"),
        Option("vnnlib", "1.0", "the version of VNN-LIB that they get the property in", choices=("1.0", "2.0")),
        NOTATION,
    )

    def __init__(self, selection: Selection | None = None) -> None:
        """Look for the scripts.

        Raises:
            InputError: one is missing.
        """
        super().__init__(selection)
        self._folder = self.scripts_folder()
        for script in SCRIPTS:
            if not (self._folder / script).is_file():
                raise InputError(
                    f"{self._folder / script}: no such script; name the folder that holds {', '.join(SCRIPTS)}"
                )

    def scripts_folder(self) -> Path:
        """Where the scripts lie: the folder that the user named."""
        return Path(self.selection.argument or "").absolute()

    def preparation(self, task: Task) -> list[str]:
        """Run prepare_instance.sh."""
        return [*self._script(PREPARE), *self._instance(task)]

    def command(self, task: Task) -> list[str]:
        """Run run_instance.sh."""
        return [*self._script(RUN), *self._instance(task), str(task.result), f"{task.timeout_seconds:.10g}"]

    def version(self) -> str:
        """The scripts do not tell the tool's version, so they are their own."""
        digest = hashlib.sha256()
        for script in SCRIPTS:
            digest.update((self._folder / script).read_bytes())
        return f"scripts-{digest.hexdigest()[:12]}"

    def recipe(self) -> tuple[str, ...]:
        """The script that installs it."""
        return (shlex.join([*self._script(INSTALL), _CONTRACT]),)

    def install(self) -> str:
        """Run install_tool.sh, which prints to the terminal and may ask for what it needs.

        Raises:
            InputError: it failed.
        """
        command = [*self._script(INSTALL), _CONTRACT]
        ended = subprocess.run(command, cwd=self._folder, check=False)
        if ended.returncode != 0:
            raise InputError(f"{command[-2]} ended with {ended.returncode}; see what it printed above")
        return str(self._folder)

    def _script(self, name: str) -> list[str]:
        path = str(self._folder / name)
        # Scripts that lost their executable bit on the way are common.
        return [path] if os.access(path, os.X_OK) else ["bash", path]

    def _instance(self, task: Task) -> list[str]:
        unsafe = query_file(task) if self.settings["vnnlib"] == "2.0" else put(task, self.settings["notation"])
        return [_CONTRACT, str(self.settings["category"]), str(task.onnx), str(unsafe)]
