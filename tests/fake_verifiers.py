"""Verifiers that answer by a script, for tests; the script sees ONNX VNNLIB RESULT TIMEOUT as its arguments."""

from typing import ClassVar

from processes import python

from soundbench.option import Option
from soundbench.verifier import Task, Verifier

IMPORTS = "import os, signal, sys, time\nonnx, vnnlib, result, timeout = sys.argv[1:]\n"


def writes(answer: str) -> str:
    """The script that writes this answer."""
    return f"open(result, 'w').write({answer!r})\n"


class Scripted(Verifier):
    """Answers by its script, which tests replace in a subclass."""

    name = "scripted"
    script: ClassVar[str] = writes("unknown\n")

    def command(self, task: Task) -> list[str]:
        files = [str(task.onnx), str(task.vnnlib), str(task.result)]
        return python(IMPORTS + self.script, *files, str(task.timeout_seconds))

    def version(self) -> str:
        return "1"


class SaysVerified(Scripted):
    """Claims that every property holds."""

    name = "says-verified"
    script = writes("unsat\n")


class SaysFalsified(Scripted):
    """Claims that every property is violated, and gives no counterexample."""

    name = "says-falsified"
    script = writes("sat\n")


class Wavers(Scripted):
    """Claims a property to hold, unless its first assertion is about inputs; then it finds every counterexample."""

    name = "wavers"
    script = """
first = open(vnnlib).read().split('(assert')[1]
open(result, 'w').write('sat\\n((X_0 0.75))' if 'X_0' in first else 'unsat')
print('first:', first.strip())
"""


class Slow(Scripted):
    """Takes a while to say that it does not know; leaves its process id where the variable FAKE_PID says."""

    name = "slow"
    options = (Option("seconds", 60.0, "how long it takes"),)

    @property
    def script(self) -> str:
        leave_trace = "open(os.environ['FAKE_PID'], 'a').write(f'{os.getpid()}\\n')\n"
        return f"{leave_trace}time.sleep({self.settings['seconds']})\n" + writes("unknown\n")


class Busy(Scripted):
    """Thinks without end."""

    name = "busy"
    script = "while True: pass\n"


class Missing(Scripted):
    """Is not installed."""

    name = "missing"

    def is_installed(self) -> bool:
        return False


def scripted(script: str) -> Scripted:
    """A verifier that answers by the script."""
    return type("Custom", (Scripted,), {"script": script})()
