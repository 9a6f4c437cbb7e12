"""When does Python look for garbage? Not while a large file is read, which makes millions of things and no garbage."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def not_collected() -> Iterator[None]:
    """Look for no garbage within the block: the search goes over all that is there, again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
