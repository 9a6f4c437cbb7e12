"""Run as `python -m soundbench.verifiers.reference ONNX VNNLIB RESULT_FILE TIMEOUT_SECONDS`."""

import os
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices; before numpy is imported

from .program import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
