"""How is a folder removed, whatever somebody has put there?"""

import contextlib
import shutil
import subprocess
from pathlib import Path


def remove_folder(folder: Path) -> None:
    """Remove a folder of somebody who may have taken rights away, or nested folders deeper than Python can recurse."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        for command in (["chmod", "-R", "u+rwx", "--"], ["rm", "-rf", "--"]):
            subprocess.run([*command, str(folder)], stderr=subprocess.DEVNULL, check=False)
