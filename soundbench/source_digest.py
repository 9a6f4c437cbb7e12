"""Which code is it? A digest of source files, so that what other code has answered is not gone on with."""

import hashlib
import importlib.util
from pathlib import Path

from soundbench.errors import HarnessError


def source_digest(*modules: str) -> str:
    """The SHA-256 of the source of modules, packages with all that is in them, by names and contents.

    Raises:
        HarnessError: there is no such module, or it has no source.
    """
    digest = hashlib.sha256()
    for name in modules:
        root, files = _source(name)
        for path in files:
            content = path.read_bytes()
            digest.update(f"{name} {path.relative_to(root).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _source(name: str) -> tuple[Path, list[Path]]:
    """The folder of a module, and its source files."""
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        spec = None
    path = Path(spec.origin) if spec is not None and spec.has_location and spec.origin else None
    if spec is None or path is None or not path.is_file():
        raise HarnessError(f"{name}: its source cannot be found; install soundbench again")
    if spec.submodule_search_locations is None:
        return path.parent, [path]
    return path.parent, sorted(path.parent.rglob("*.py"))
