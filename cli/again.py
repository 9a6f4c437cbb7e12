"""By which command does a run go on? The one that was typed, with the run's folder if that was chosen for the user."""

import shlex
import sys
from pathlib import Path


def again(out: Path | None, folder: Path) -> str:
    """The command that goes on with the run in `folder`; `out` is what the user named."""
    return shlex.join(["soundbench", *sys.argv[1:], *([] if out else ["--out", str(folder)])])
