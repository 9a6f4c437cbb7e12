"""Run as `python -m soundbench.verifiers.reference ONNX VNNLIB RESULT_FILE TIMEOUT_SECONDS`."""

import os
import sys
import time


def run() -> int:
    """Answer by the time that the caller gave, of which starting the interpreter has used up some."""
    starting, now = time.process_time(), time.monotonic()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices; before numpy is imported
    from .program import main

    return main(sys.argv[1:], spent_seconds=starting + time.monotonic() - now)


if __name__ == "__main__":
    sys.exit(run())
