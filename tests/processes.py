"""Python snippets run as processes of their own, and whether a process still runs."""

import sys
import time
from pathlib import Path


def python(code: str, *arguments: str) -> list[str]:
    """A command that runs the code with an interpreter that starts quickly."""
    return [sys.executable, "-I", "-S", "-c", code, *arguments]


def is_running(process: int) -> bool:
    """Whether the process exists and has not ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_for(path: Path, seconds: float = 10.0) -> str:
    """The content of a file that another process is about to write."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if path.exists() and path.read_text():
            return path.read_text()
        time.sleep(0.005)
    raise TimeoutError(str(path))
