"""How fast are large properties read, beside the `vnnlib` packages?

    python benchmarks/reading.py [--inputs 20000] [--large 100] [--old PYTHON]

A box of so many inputs and one output constraint, in VNN-LIB 1.0 and 2.0; and a box whose file in 1.0 has so many
megabytes. The package of version 1.0.2, in this environment, reads 2.0; that of version 0.0.1.post1 reads 1.0, and
lives in an environment of its own, whose Python `--old` names. Each reading has a process of its own.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from page import load_average, machine, markdown_table, publish

MEGABYTE = 10**6
# One input takes about so many bytes.
BYTES_AN_INPUT = 110

OURS = "from soundbench.vnnlib import read_property as read"
NEW = "from vnnlib import parse_query_file as read"
OLD = "from vnnlib.compat import read_vnnlib_simple\nread = lambda path: read_vnnlib_simple(path, {inputs}, 2)"
TIMED = """
import json, sys, time
from pathlib import Path
{reader}
path = Path(sys.argv[1]) if {as_path} else sys.argv[1]
started, used = time.perf_counter(), time.process_time()
found = read(path)
seconds, cpu = time.perf_counter() - started, time.process_time() - used
assert found is not None
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(json.dumps([seconds, cpu, int(peak.split()[1]) / 1e6]))
"""


def bounds(inputs: int) -> list[tuple[str, str]]:
    """Lower and upper bounds, as benchmarks write them."""
    source = random.Random(0)
    middles = [source.uniform(-1, 1) for _ in range(inputs)]
    return [(f"{middle - 0.01:.17f}", f"{middle + 0.01:.17f}") for middle in middles]


def write_flat(path: Path, inputs: int) -> None:
    """The property in VNN-LIB 1.0."""
    names = [f"(declare-const X_{index} Real)\n" for index in range(inputs)]
    names += ["(declare-const Y_0 Real)\n", "(declare-const Y_1 Real)\n"]
    box = [
        f"(assert (<= X_{index} {high}))\n(assert (>= X_{index} {low}))\n"
        for index, (low, high) in enumerate(bounds(inputs))
    ]
    path.write_text("".join((*names, *box, "(assert (<= Y_0 Y_1))\n")))


def write_typed(path: Path, inputs: int) -> None:
    """The same in VNN-LIB 2.0."""
    head = f"(vnnlib-version <2.0>)\n(declare-network f\n  (declare-input X float32 [1,{inputs}])\n"
    box = [
        f"(assert (<= X[0,{index}] {high}))\n(assert (>= X[0,{index}] {low}))\n"
        for index, (low, high) in enumerate(bounds(inputs))
    ]
    path.write_text("".join((head, "  (declare-output Y float32 [1,2]))\n", *box, "(assert (<= Y[0,0] Y[0,1]))\n")))


def measure(python: str, reader: str, path: Path, *, as_path: bool) -> list[str]:
    """Seconds, CPU seconds and gigabytes of one reading."""
    script = TIMED.format(reader=reader, as_path=as_path)
    done = subprocess.run([python, "-P", "-c", script, str(path)], capture_output=True, text=True, check=True)
    seconds, cpu, gigabytes = json.loads(done.stdout.splitlines()[-1])
    return [f"{seconds:.2f}", f"{cpu:.2f}", f"{gigabytes:.2f}"]


def main() -> None:
    """Measure, print, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--large", type=int, default=100)
    parser.add_argument("--old")
    arguments = parser.parse_args()
    load, rows = load_average(), []
    with tempfile.TemporaryDirectory() as folder:
        flat, typed, large = (Path(folder, name) for name in ("flat.vnnlib", "typed.vnnlib", "large.vnnlib"))
        write_flat(flat, arguments.inputs)
        write_typed(typed, arguments.inputs)
        write_flat(large, arguments.large * MEGABYTE // BYTES_AN_INPUT)
        readings = [
            ("1.0", flat, "soundbench", sys.executable, OURS, True),
            ("2.0", typed, "soundbench", sys.executable, OURS, True),
            ("2.0", typed, "vnnlib 1.0.2", sys.executable, NEW, False),
            ("1.0", large, "soundbench", sys.executable, OURS, True),
        ]
        if arguments.old:
            old = OLD.format(inputs=arguments.inputs)
            readings.insert(1, ("1.0", flat, "vnnlib 0.0.1.post1", arguments.old, old, False))
        for version, path, name, python, reader, as_path in readings:
            size = f"{path.stat().st_size / MEGABYTE:.1f}"
            rows.append([name, version, size, *measure(python, reader, path, as_path=as_path)])
    table = markdown_table(["read by", "VNN-LIB", "MB", "s", "CPU s", "memory, GB"], rows)
    body = f"{table}\n\nBoxes, of {arguments.inputs:,} inputs but for the largest file. {machine(load)}"
    publish("Reading large properties", "python benchmarks/reading.py --old PYTHON", body)


if __name__ == "__main__":
    main()
