"""Where the recipes and suites that ship with the package are."""

from importlib.resources import files
from pathlib import Path


def shipped_folder() -> Path:
    """The folder of recipes and suites."""
    return Path(str(files("soundbench.instances")))


def core_suite() -> Path:
    """The suite that is run when none is named."""
    return shipped_folder() / "core"
