"""A Python function as a verifier, for people who write theirs in Python: `callable:MODULE:FUNCTION`.

    def verify(onnx: Path, vnnlib: Path, timeout_seconds: float) -> str | tuple[str, Sequence[float]]:

It returns `unsat`, `unknown` and the like, or `("sat", inputs)`. It runs with this interpreter, in a process of its
own; its module is looked up in the current folder, too.
"""

import hashlib
import importlib.util
import sys
from pathlib import Path

from soundbench.errors import InputError
from soundbench.verifier import Selection, Task, Verifier

_HERE = Path(__file__).parent


class Function(Verifier):
    """Calls the function for each instance."""

    name = "callable"
    summary = "a Python function of your own"
    argument = "MODULE:FUNCTION"
    is_tested = True

    def __init__(self, selection: Selection | None = None) -> None:
        """Look for the module.

        Raises:
            InputError: it is not named so, or there is none.
        """
        super().__init__(selection)
        self._folder = str(Path.cwd())
        self._module, _, self._function = (self.selection.argument or "").partition(":")
        if not (self._module and self._function.isidentifier()):
            raise InputError(f"{self.label}: name it as callable:MODULE:FUNCTION")
        self._file = self._source()

    def command(self, task: Task) -> list[str]:
        """Import the module and call the function; `-P` keeps the task's folder off the import path."""
        files = [str(task.onnx), str(task.vnnlib), str(task.result), str(task.timeout_seconds)]
        script = str(_HERE / "function_call.py")
        return [sys.executable, "-P", script, self._folder, self._module, self._function, *files]

    def version(self) -> str:
        """A digest of the module's file: who mends it starts another run."""
        return f"module-{hashlib.sha256(self._file.read_bytes()).hexdigest()[:12]}"

    def _source(self) -> Path:
        if self._folder not in sys.path:
            sys.path.insert(0, self._folder)
        try:
            found = importlib.util.find_spec(self._module)
        except (ImportError, ValueError):
            found = None
        if found is None or found.origin is None or not Path(found.origin).is_file():
            raise InputError(f"{self.label}: there is no module {self._module} in {self._folder} or installed")
        return Path(found.origin)
