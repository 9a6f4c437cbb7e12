"""How does what was planted into an instance become a suite? With where that comes from."""

import importlib.metadata
from collections.abc import Callable
from pathlib import Path

from soundbench.counterexample import format_counterexample
from soundbench.errors import InputError
from soundbench.generate import PACKAGES, folder_to_be, one_thread, write_instances
from soundbench.given import DoesNotHold, Wanted
from soundbench.plant_into import plant_into
from soundbench.planted import PlantedInstance
from soundbench.suite import sha256, write_suite
from soundbench.tried_network import demand_runnable


def plant_suite(
    wanted: Wanted, timeout_seconds: float, out: Path, tell: Callable[[str], None]
) -> tuple[PlantedInstance, ...]:
    """Plant into an instance, and write that as a suite to the new folder `out`; `tell` as for `plant_into`.

    Raises:
        InputError: as for `plant_into`; a counterexample that was found is written beside `out`.
    """
    with folder_to_be(out) as folder, one_thread():
        demand_runnable([wanted.network])
        (folder / "onnx").mkdir()
        try:
            instances = plant_into(wanted, folder / "onnx", tell)
        except DoesNotHold as error:
            file = out.with_name(f"{out.name}-counterexample.txt")
            text = format_counterexample(error.point)
            if file.exists() and file.read_text(encoding="utf-8", errors="replace") != text:
                raise InputError(f"{error}; {file}, where it would be written, is there and is kept") from None
            file.write_text(text, encoding="utf-8")
            raise InputError(f"{error}, written to {file}") from None
        rows, truth = write_instances(list(instances), timeout_seconds, folder)
        made_by = {
            "name": wanted.name,
            "version": "1",
            "seed": wanted.seed,
            "network": {"file": wanted.network.name, "sha256": sha256(wanted.network)},
            "property": {"file": wanted.specification.name, "sha256": sha256(wanted.specification)},
            "assumed": wanted.assumed,
            "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        }
        write_suite(folder, rows, truth, {key: value for key, value in made_by.items() if value is not None})
    return instances
