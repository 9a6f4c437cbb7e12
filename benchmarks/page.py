"""Where benchmarks are reported: docs/benchmarks.md, a section each, written by the command that measured it."""

import os
import platform
import re
from collections.abc import Sequence
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
PREFACE = """# Benchmarks

Every section is written by the command it names. Seconds are of wall-clock time unless they are called CPU seconds.
The machine may be shared with other work, which the load average before and after the measurement gives away:
above the number of cores, wall-clock times are too long, and the CPU seconds tell more.
"""


def load_average() -> float:
    """How many processes ran or waited to run, on average over the last minute."""
    return os.getloadavg()[0]


def machine(load_before: float) -> str:
    """One line on where and under what load a benchmark ran, to be called right after it."""
    cores = f"{len(os.sched_getaffinity(0))} of {os.cpu_count()} cores"
    load = f"load average {load_before:.1f} before and {load_average():.1f} after"
    return f"Ran on {cores} ({processor_model()}), Python {platform.python_version()}, {load}."


def processor_model() -> str:
    """The processor as the kernel names it."""
    found = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def publish(title: str, command: str, body: str) -> None:
    """Print a benchmark's result, and write it as the page's section of that title."""
    print(body)
    text = PAGE.read_text() if PAGE.exists() else PREFACE
    section = f"## {title}\n\n`{command}`\n\n{body}\n"
    preface, *others = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    kept = {part.partition("\n")[0]: part.rstrip() + "\n" for part in others}
    kept[f"## {title}"] = section
    PAGE.write_text("\n".join([preface.rstrip() + "\n", *(kept[name] for name in sorted(kept))]))
