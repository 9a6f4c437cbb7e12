"""Call a function: python function_call.py FOLDER MODULE FUNCTION ONNX VNNLIB RESULT_FILE TIMEOUT_SECONDS.

Writes VNN-COMP's result file from what the function returns; what it raises ends the process, and is no answer.
"""

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np


def main() -> None:
    """Call it, and write what it says."""
    folder, module, function, onnx, vnnlib, result, timeout = sys.argv[1:]
    sys.path.insert(0, folder)
    said = getattr(importlib.import_module(module), function)(Path(onnx), Path(vnnlib), float(timeout))
    word, inputs = said if isinstance(said, tuple) else (said, None)
    if not isinstance(word, str):
        raise TypeError(f"{module}.{function} must return a text, or a tuple of a text and the inputs, not {word!r}")
    Path(result).write_text(word + "\n" + ("" if inputs is None else counterexample(inputs)))


def counterexample(inputs: Sequence[float]) -> str:
    """The inputs in VNN-COMP's form, in fixed-point decimals that lose nothing."""
    texts = (np.format_float_positional(value, trim="0") for value in np.ravel(np.asarray(inputs)))
    return "(" + "\n".join(f"(X_{index} {text})" for index, text in enumerate(texts)) + ")\n"


if __name__ == "__main__":
    main()
