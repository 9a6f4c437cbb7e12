"""How long does it take to make the core suite, and to check all of its certificates?

    python benchmarks/planting.py [--seeds 3] [--jobs 2]

Measured are the commands `soundbench generate core` and `soundbench certify`, their start included, in processes of
their own: every base is trained, every network woven, written and read back, and every witness, proof and hiding bound
certified. Failed attempts, which are repeated with fresh randomness, count.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from page import load_average, machine, markdown_table, publish

COMMAND = str(Path(sys.executable).with_name("soundbench"))


def measure(*arguments: str) -> tuple[float, float, str]:
    """Wall-clock and CPU seconds of a command, and what it said last."""
    wall, cpu = time.perf_counter(), children_cpu_seconds()
    ended = subprocess.run([COMMAND, *arguments], stdout=subprocess.PIPE, text=True, check=True)
    return time.perf_counter() - wall, children_cpu_seconds() - cpu, ended.stdout.splitlines()[-1]


def children_cpu_seconds() -> float:
    """CPU seconds of the child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def row(seed: int, jobs: int) -> list[str]:
    """Make the suite of a seed, and check it."""
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "core")
        made = measure("generate", "core", "--seed", str(seed), "--jobs", str(jobs), "--out", out)
        checked = measure("certify", out)
        size = sum(path.stat().st_size for path in Path(out).rglob("*") if path.is_file())
    figures = [f"{seconds:.0f}" for seconds in (*made[:2], *checked[:2])]
    return [str(seed), *figures, f"{size / 1e6:.1f}", checked[2].partition(": ")[2]]


def main() -> None:
    """Measure, print, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    load = load_average()
    header = ["seed", "generate, s", "CPU s", "certify, s", "CPU s", "MB", "certify says"]
    table = markdown_table(header, [row(seed, given.jobs) for seed in range(given.seeds)])
    body = (
        f"{table}\n\nThe commands `soundbench generate core --jobs {given.jobs}` and `soundbench certify`, their\n"
        f"start included; failed attempts count. {machine(load)}"
    )
    publish("Making and checking the core suite", f"python benchmarks/planting.py --jobs {given.jobs}", body)


if __name__ == "__main__":
    main()
