"""Where does a task do its work? In a fresh folder, which is removed whatever was put into it."""

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """A fresh folder where temporary files lie, until the block is left."""
    folder = Path(tempfile.mkdtemp(prefix="soundbench-"))
    try:
        yield folder
    finally:
        remove_folder(folder)


def remove_folder(folder: Path) -> None:
    """Remove a folder of somebody who may have taken rights away, or nested folders deeper than Python can recurse."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        for command in (["chmod", "-R", "u+rwx", "--"], ["rm", "-rf", "--"]):
            subprocess.run([*command, str(folder)], stderr=subprocess.DEVNULL, check=False)
