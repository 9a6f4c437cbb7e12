"""How long does it take to check every certificate of the core suite again?

    python benchmarks/certification.py [--repeats 3]

Measured is the command `soundbench certify`, its start included, in a process of its own.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from page import load_average, machine, markdown_table, publish

COMMAND = [str(Path(sys.executable).with_name("soundbench")), "certify"]


def measure() -> tuple[float, float, str]:
    """Wall-clock and CPU seconds of one run, and what it said last."""
    wall, cpu = time.perf_counter(), children_cpu_seconds()
    ended = subprocess.run(COMMAND, capture_output=True, text=True, check=True)
    return time.perf_counter() - wall, children_cpu_seconds() - cpu, ended.stdout.strip()


def children_cpu_seconds() -> float:
    """CPU seconds of the child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure, print, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    load = load_average()
    walls, cpus, words = zip(*(measure() for _ in range(repeats)), strict=True)
    row = [words[0].partition(": ")[2], f"{statistics.median(walls):.1f}", f"{statistics.median(cpus):.1f}"]
    table = markdown_table(["core suite", "median s", "median CPU s"], [row])
    body = f"{table}\n\nThe command `soundbench certify`, its start included; {repeats} runs. {machine(load)}"
    publish("Certifying the core suite", "python benchmarks/certification.py", body)


if __name__ == "__main__":
    main()
