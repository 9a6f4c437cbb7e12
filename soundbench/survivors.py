"""What is left of a suite once the counterexamples that attacks have found are taken out of it."""

from pathlib import Path

from soundbench.attack_report import found_armed
from soundbench.errors import InputError
from soundbench.generate import folder_to_be
from soundbench.ground_truth import Role
from soundbench.suite import (
    GROUND_TRUTH,
    INSTANCES,
    MANIFEST,
    Suite,
    copy_files,
    origin,
    read_json,
    read_rows,
    write_suite,
)


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
    left_out = set(found_instances(suite))
    truth = {name: known for name, known in suite.ground_truth.items() if name not in left_out}
    if not any(known.role is Role.ARMED for known in truth.values()):
        raise InputError(f"{suite.root}: no armed instance is left, since attacks found them all, or there is none")
    rows = read_rows(suite.root)
    kept = [row for row in rows if row.name not in left_out]
    dropped = {path for row in rows for path in (row.onnx, row.vnnlib, row.vnnlib2)}
    dropped -= {path for row in kept for path in (row.onnx, row.vnnlib, row.vnnlib2)}
    files = read_json(suite.root / MANIFEST)["files"]
    with folder_to_be(out) as folder:
        copy_files(suite.root, set(files) - {INSTANCES, GROUND_TRUTH} - dropped, folder)
        write_suite(folder, kept, truth, origin(suite.root))
    return sorted(left_out)
