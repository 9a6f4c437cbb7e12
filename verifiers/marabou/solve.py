"""Answer one instance with Marabou: python solve.py ONNX PROPERTY RESULT_FILE TIMEOUT_SECONDS [SETTING=VALUE ...].

Runs in Marabou's environment, so it imports nothing of soundbench. The property is a VNN-LIB file, or the list of its
regions in JSON: 1.0.0 reads no VNN-LIB. Writes VNN-COMP's result file; behind a comma in its first line stands the
reason of an answer that is none.
"""

import json
import sys
import time
import traceback
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_STARTED = time.monotonic()
_WORDS = {"sat": "sat", "unsat": "unsat", "TIMEOUT": "timeout", "UNKNOWN": "unknown", "ERROR": "error"}


def main() -> None:
    """Solve, and write what came of it."""
    onnx, unsafe, result, timeout = sys.argv[1:5]
    settings = dict(setting.split("=", 1) for setting in sys.argv[5:])
    try:
        answer = solve(onnx, unsafe, float(timeout), settings)
    except NotImplementedError as error:
        answer = f"unsupported,{error}"
    except Exception as error:  # noqa: BLE001 (whatever it is, it is the answer)
        traceback.print_exc()
        answer = f"error,{error!r}"
    # Written beside, then renamed: if this process is stopped meanwhile, there is no half an answer.
    partial = Path(result).with_suffix(".partial")
    partial.write_text(answer + "\n")
    partial.replace(result)


def solve(onnx: str, unsafe: str, timeout_seconds: float, settings: Mapping[str, str]) -> str:
    """The text of the result file."""
    from maraboupy import Marabou, MarabouCore

    network = Marabou.read_onnx(onnx)
    workers = int(settings["workers"])
    answer = "unsat"
    for query in queries(network, unsafe):
        options = Marabou.createOptions(
            # Whole seconds only, and 0 would be no limit at all.
            timeoutInSeconds=max(1, int(timeout_seconds - (time.monotonic() - _STARTED))),
            verbosity=0,
            snc=workers > 1,
            numWorkers=workers,
            tighteningStrategy=settings["tightening"],
            splittingStrategy=settings["splitting"],
        )
        word, values, _ = MarabouCore.solve(query, options, "")
        if word == "sat":
            return "sat\n" + counterexample(network, values)
        if word != "unsat":
            answer = str(_WORDS.get(word, word))
    return answer


def queries(network: Any, unsafe: str) -> Iterator[Any]:  # noqa: ANN401 (Marabou has no types)
    """What to ask: the property holds if every answer is unsat."""
    from maraboupy import MarabouCore

    if not unsafe.endswith(".json"):
        query = network.getInputQuery()
        MarabouCore.loadProperty(query, unsafe)
        yield query
        return
    inputs, outputs = (
        [int(variable) for tensor in tensors for variable in tensor.ravel()]
        for tensors in (network.inputVars, network.outputVars)
    )
    for region in json.loads(Path(unsafe).read_text()):
        query = network.getMarabouQuery()
        for variable, lower, upper in zip(inputs, region["lower"], region["upper"], strict=True):
            query.setLowerBound(variable, lower)
            query.setUpperBound(variable, upper)
        for row, bound in zip(region["rows"], region["bounds"], strict=True):
            inequality = MarabouCore.Equation(MarabouCore.Equation.LE)
            for variable, factor in zip(outputs, row, strict=True):
                if factor:
                    inequality.addAddend(factor, variable)
            inequality.setScalar(bound)
            query.addEquation(inequality)
        yield query


def counterexample(network: Any, values: Mapping[int, float]) -> str:  # noqa: ANN401 (Marabou has no types)
    """The assignment in VNN-COMP's form, inputs before outputs, in fixed-point decimals that lose nothing."""
    import numpy as np

    lines = []
    for letter, tensors in (("X", network.inputVars), ("Y", network.outputVars)):
        numbers = [values[int(variable)] for tensor in tensors for variable in tensor.ravel()]
        texts = [np.format_float_positional(number, trim="0") for number in numbers]
        lines += [f"({letter}_{index} {text})" for index, text in enumerate(texts)]
    return "(" + "\n".join(lines) + ")"


if __name__ == "__main__":
    # It warns at every start that TensorFlow, which is not needed here, is missing.
    warnings.simplefilter("ignore")
    main()
