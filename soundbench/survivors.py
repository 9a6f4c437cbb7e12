"""What is left of a suite once the counterexamples that attacks have found are taken out of it."""

import shutil
from pathlib import Path

from soundbench.attack_report import found_armed
from soundbench.errors import InputError
from soundbench.generate import check_new, folder_to_be
from soundbench.ground_truth import Role
from soundbench.suite import GROUND_TRUTH, INSTANCES, MANIFEST, Row, Suite, read_json, write_suite


def found_instances(suite: Suite) -> list[str]:
    """The armed instances that an attack has found, by the records of the ground truth, and the rest of their pairs."""
    truth = suite.ground_truth
    found = set(found_armed(truth, {name: known.attacks for name, known in truth.items()}))
    pairs = {truth[name].pair for name in found} - {None}
    return [each.name for each in suite.instances if each.name in found or known_pair(suite, each.name) in pairs]


def known_pair(suite: Suite, name: str) -> str | None:
    """The pair of an instance, if it has one."""
    return suite.ground_truth[name].pair if name in suite.ground_truth else None


def write_survivors(suite: Suite, out: Path) -> list[str]:
    """Write a suite without what attacks have found to the new folder `out`; return the names left out.

    Raises:
        InputError: no armed instance is left, or `out` exists and is not empty, or cannot be written.
    """
    check_new(out)
    left_out = set(found_instances(suite))
    kept = [instance for instance in suite.instances if instance.name not in left_out]
    truth = {name: known for name, known in suite.ground_truth.items() if name not in left_out}
    if not any(known.role is Role.ARMED for known in truth.values()):
        raise InputError(f"{suite.root}: no armed instance is left, since attacks found them all, or there is none")
    dropped = {each.vnnlib for each in suite.instances} - {each.vnnlib for each in kept}
    dropped |= {each.onnx for each in suite.instances} - {each.onnx for each in kept}
    manifest = read_json(suite.root / MANIFEST)
    with folder_to_be(out) as folder:
        for name in set(manifest["files"]) - {INSTANCES, GROUND_TRUTH}:
            if (suite.root / name).resolve() in dropped:
                continue
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(suite.root / name, folder / name)
        root = suite.root.resolve()
        rows = [
            Row(each.onnx.relative_to(root).as_posix(), each.vnnlib.relative_to(root).as_posix(), each.timeout_seconds)
            for each in kept
        ]
        made_by = {key: value for key, value in manifest.items() if key not in ("files", "schema")}
        write_suite(folder, rows, truth, made_by)
    return sorted(left_out)
