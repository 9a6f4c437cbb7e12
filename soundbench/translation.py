"""How a suite that is there gets its properties in VNN-LIB 2.0 as well."""

from pathlib import Path

from soundbench.errors import InputError
from soundbench.generate import folder_to_be
from soundbench.queries import write_queries
from soundbench.suite import (
    GROUND_TRUTH,
    INSTANCES,
    MANIFEST,
    QUERIES,
    Suite,
    copy_files,
    origin,
    read_json,
    read_rows,
    write_suite,
)
from soundbench.vnnlib import read_property


def translate_suite(suite: Suite, out: Path) -> None:
    """Write a suite with its properties in both versions of VNN-LIB to the new folder `out`.

    Raises:
        InputError: it has them already, a property or network cannot be read, or `out` is not empty or writable.
    """
    if (suite.root / QUERIES).exists():
        raise InputError(f"{suite.root / QUERIES}: already exists; this suite has its properties in VNN-LIB 2.0")
    properties = {instance.name: read_property(instance.vnnlib) for instance in suite.instances}
    rows, files = read_rows(suite.root), read_json(suite.root / MANIFEST)["files"]
    with folder_to_be(out) as folder:
        copy_files(suite.root, set(files) - {INSTANCES, GROUND_TRUTH}, folder)
        write_queries(folder, rows, properties)
        write_suite(folder, rows, suite.ground_truth, origin(suite.root))
