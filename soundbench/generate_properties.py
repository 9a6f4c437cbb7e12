"""What does VNN-COMP run to choose instances for a seed? This script, copied into an exported benchmark.

    python generate_properties.py SEED [--hours 6]

It rewrites `1.0/instances.csv` and `2.0/instances.csv`: as many instances as fit into the time, chosen and ordered at
random. The two members of a pair come together, where pairs are known. It needs nothing but Python.
"""

import argparse
import json
import random
import sys
from pathlib import Path

Rows = list[tuple[str, float]]


def main(folder: Path, arguments: list[str]) -> int:
    """Choose instances of the benchmark in a folder; returns how many were chosen."""
    parser = argparse.ArgumentParser(description="Choose instances of this benchmark for a seed.")
    parser.add_argument("seed", type=int)
    parser.add_argument("--hours", type=float, default=6.0, help="what all timeouts may add up to (default: 6)")
    asked = parser.parse_args(arguments)
    chosen = choose(groups(folder), asked.hours * 3600, random.Random(asked.seed))  # noqa: S311 (no secret)
    for version in ("1.0", "2.0"):
        (folder / version / "instances.csv").write_text("".join(f"{row}\n" for row in chosen), encoding="utf-8")
    return len(chosen)


def groups(folder: Path) -> list[Rows]:
    """The rows that come together: those of a pair, or else one; each with its timeout."""
    truth = folder / "soundbench" / "ground_truth.json"
    known = json.loads(truth.read_text(encoding="utf-8")) if truth.exists() else {}
    found: dict[str, Rows] = {}
    for row in (folder / "soundbench" / "rows.csv").read_text(encoding="utf-8").splitlines():
        onnx, vnnlib, timeout = (unpacked(cell.strip()) for cell in row.split(","))
        name = vnnlib.rpartition("/")[2].removesuffix(".vnnlib")
        pair = known.get(name, {}).get("pair")
        found.setdefault(f"alone {name}" if pair is None else f"pair {pair}", []).append(
            (f"{onnx},{vnnlib},{timeout}", float(timeout))
        )
    return list(found.values())


def unpacked(path: str) -> str:
    """A path as VNN-COMP lists it, which gunzips all files."""
    return path.removesuffix(".gz")


def choose(candidates: list[Rows], seconds: float, chance: random.Random) -> list[str]:
    """Groups in random order, each if it still fits; then all of their rows in random order."""
    chosen: list[str] = []
    for group in chance.sample(candidates, len(candidates)):
        needed = sum(timeout for _, timeout in group)
        if needed <= seconds:
            seconds -= needed
            chosen += [row for row, _ in group]
    chance.shuffle(chosen)
    return chosen


if __name__ == "__main__":
    sys.stdout.write(f"{main(Path(__file__).parent, sys.argv[1:])} instances\n")
