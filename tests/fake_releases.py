"""Verifiers with many releases, for tests: what each does on the small suite, and whether it can be installed."""

from collections.abc import Mapping
from typing import ClassVar

from fake_verifiers import Scripted, writes

from soundbench.errors import InputError

HONEST = """
upper = float(open(vnnlib).read().split('(<= X_0 ')[1].split(')')[0])
open(result, 'w').write('sat\\n((X_0 1.0))' if upper >= 0.5 else 'unsat')
"""
SCRIPTS = {
    "good": HONEST,
    "unsound": writes("unsat\n"),
    "alarming": HONEST.replace("'unsat'", "'sat'"),
    "crashing": "sys.exit(1)\n",
    "unsure": writes("unknown\n"),
}


class Released(Scripted):
    """Does what its behaviour says; `absent` before it means that it is not installed, `broken` that it cannot be."""

    behaviour: ClassVar[Mapping[str, str]] = {}
    installed: ClassVar[set[str]] = set()

    def __init_subclass__(cls) -> None:
        cls.versions = tuple(cls.behaviour)[::-1]
        cls.installed = {version for version, words in cls.behaviour.items() if " " not in words}

    @property
    def script(self) -> str:
        return SCRIPTS[self.behaviour[self.version()].split()[-1]]

    def version(self) -> str:
        return self.selection.version or self.versions[0]

    def is_installed(self) -> bool:
        return self.version() in self.installed

    def install(self) -> str:
        if self.behaviour[self.version()].startswith("broken"):
            raise InputError(f"{self.label} could not be installed: no such package")
        self.installed.add(self.version())
        return "nowhere"


class Slipped(Released):
    """Sound until 1.3."""

    name = "slipped"
    behaviour: ClassVar = {f"1.{minor}": "good" if minor < 3 else "unsound" for minor in range(12)}


class Recovered(Released):
    """Unsound until 2.0, then mended."""

    name = "recovered"
    behaviour: ClassVar = {"1.0": "unsound", "1.1": "unsound", "2.0": "unsound", "2.1": "good", "10.0": "good"}


class Relapsed(Released):
    """Unsound, mended, and unsound again."""

    name = "relapsed"
    behaviour: ClassVar = {"1": "unsound", "2": "good", "3": "unsound"}


class Patchy(Released):
    """Sound at first; then some releases crash, cannot be installed, or give up before it is unsound."""

    name = "patchy"
    behaviour: ClassVar = {
        "1": "broken good",
        "2": "absent good",
        "3": "crashing",
        "4": "broken unsound",
        "5": "unsure",
        "6": "absent unsound",
        "7": "unsound",
    }


class Changed(Released):
    """Goes from one finding to another."""

    name = "changed"
    behaviour: ClassVar = {"1": "alarming", "2": "good", "3": "unsound"}


class Sound(Released):
    """Has never been wrong."""

    name = "sound"
    behaviour: ClassVar = {"1": "good", "2": "unsound", "3": "good"}


class Uninstallable(Released):
    """Is not to be had any more."""

    name = "uninstallable"
    behaviour: ClassVar = {"1": "broken good", "2": "broken good"}
