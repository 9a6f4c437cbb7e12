"""Answer one instance with NeuralSAT: python solve.py ONNX VNNLIB RESULT_FILE TIMEOUT_SECONDS [SETTING=VALUE ...].

Runs NeuralSAT's own `main.py` in its environment, so it imports nothing of soundbench. That writes VNN-COMP's result
file; where it fails, the first line is written here, and behind its comma stands the reason.
"""

import importlib.util
import runpy
import sys
import time
import traceback
import types
from collections.abc import Mapping
from pathlib import Path

_STARTED = time.monotonic()


def main() -> None:
    """Run it, and see to it that there is an answer."""
    onnx, vnnlib, result, timeout = sys.argv[1:5]
    settings = dict(setting.split("=", 1) for setting in sys.argv[5:])
    # What its process takes to end counts as well. Written beside, then renamed: there is no half an answer.
    seconds = float(timeout) - (time.monotonic() - _STARTED)
    partial = Path(result).with_suffix(".partial")
    arguments = ["--net", onnx, "--spec", vnnlib, "--result_file", str(partial), "--timeout", f"{seconds:.3f}"]
    try:
        run([*arguments, *switches(settings)])
    except NotImplementedError as error:
        fail(partial, "unsupported", error)
    except (Exception, SystemExit) as error:  # noqa: BLE001 (whatever it is, it is the answer)
        fail(partial, "error", error)
    partial.replace(result)


def switches(settings: Mapping[str, str]) -> list[str]:
    """Its own arguments for our options."""
    chosen = ["--device", "cpu", "--export_cex"]
    if settings["split"] != "auto":
        chosen += ["--force_split", settings["split"]]
    return chosen + [f"--disable_{name}" for name in ("attack", "restart", "stabilize") if settings[name] == "False"]


def run(arguments: list[str]) -> None:
    """Run its script, whose modules are named from the folder `src` on."""
    package = importlib.util.find_spec("src")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("there is no package src in this environment")
    folder = Path(next(iter(package.submodule_search_locations)))
    sys.path[0] = str(folder)
    sys.argv = [str(folder / "main.py"), *arguments]
    stand_in_for_torchvision()
    runpy.run_path(sys.argv[0], run_name="__main__")


def stand_in_for_torchvision() -> None:
    """It imports one layer of torchvision, which it does not use: several hundred MB are saved."""
    for name in ("torchvision", "torchvision.ops", "torchvision.ops.misc"):
        sys.modules[name] = types.ModuleType(name)
    vars(sys.modules["torchvision.ops.misc"])["FrozenBatchNorm2d"] = type("FrozenBatchNorm2d", (), {})


def fail(result: Path, word: str, error: BaseException) -> None:
    """Write the reason of an answer that is none."""
    traceback.print_exc()
    result.write_text(f"{word},{' '.join(repr(error).split())}\n")


if __name__ == "__main__":
    main()
