"""When does Python look for garbage? Not where millions of things are made to be kept, as in reading a large file."""

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
