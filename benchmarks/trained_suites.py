"""What do the trained suites that ship hold, and what do verifiers say of them? The paper's four metrics a model.

    python benchmarks/trained_suites.py [VERIFIER ...] [--timeout 10] [--jobs 2]

Each suite is evaluated by the command `soundbench evaluate`, in a run of its own.
"""

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from page import load_average, machine, markdown_table, publish

from soundbench.ground_truth import Expected, Role
from soundbench.suite import Suite, load_suite

TRAINED = Path(__file__).parent.parent / "instances" / "trained"
SOUNDBENCH = str(Path(sys.executable).with_name("soundbench"))
RATIOS = (
    "clean_verified_ratio",
    "clean_falsified_ratio",
    "unverifiable_verified_ratio",
    "unverifiable_falsified_ratio",
)


def evaluate(suite: Path, verifiers: Sequence[str], timeout: float, jobs: int) -> Sequence[Mapping[str, Any]]:
    """The summaries of a run, one a verifier."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "summary.json"
        options = ["--timeout", str(timeout), "--jobs", str(jobs), "--out", str(Path(folder) / "run"), "--json", out]
        ended = subprocess.run([SOUNDBENCH, "evaluate", *verifiers, "--suite", suite, *options], check=False)
        # 1 is a finding, 4 that no pair was exercised, of which a trained suite has none.
        if ended.returncode not in (0, 1, 4):
            sys.exit(ended.returncode)
        summaries: Sequence[Mapping[str, Any]] = json.loads(out.read_text())
        return summaries


def contents(suite: Suite) -> list[str]:
    """How many counterexamples it hides, how near attacks came to one, and how many clean instances are proven."""
    known = suite.ground_truth.values()
    armed = [truth for truth in known if truth.role is Role.ARMED]
    clean = [truth for truth in known if truth.role is Role.CLEAN]
    margin = min(record.margin for truth in armed for record in truth.attacks)
    proven = sum(truth.expected is Expected.HOLDS for truth in clean)
    return [str(len(armed)), f"{margin:.3f}", f"{proven} of {len(clean)}"]


def percent(ratio: float | None) -> str:
    """A share in per cent."""
    return "" if ratio is None else f"{100 * ratio:.0f} %"


def main() -> None:
    """Evaluate, print, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verifiers", nargs="*", default=["reference"])
    parser.add_argument("--timeout", type=float, default=10)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    load = load_average()
    rows = []
    for folder in sorted(path for path in TRAINED.iterdir() if path.is_dir()):
        own = contents(load_suite(folder))
        for summary in evaluate(folder, given.verifiers, given.timeout, given.jobs):
            ratios = [percent(summary[name]) for name in RATIOS]
            rows.append([folder.name, *own, f"{summary['verifier']} {summary['version']}".strip(), *ratios])
    header = ["suite", "hidden", "least margin", "clean proven", "verifier"]
    header += ["clean verified", "clean falsified", "unverifiable verified", "unverifiable falsified"]
    body = (
        f"{markdown_table(header, rows)}\n\n"
        "The suites in `instances/trained/`: how many counterexamples are hidden, the least margin that any recorded\n"
        "attack reached in their boxes, and how many clean instances are proven to hold. Then the four metrics of\n"
        f"SoundnessBench, with {given.timeout:g} s an instance; any `unverifiable verified` is an unsound claim.\n"
        f"{machine(load)}"
    )
    publish("Trained suites", shlex.join(["python", "benchmarks/trained_suites.py", *sys.argv[1:]]), body)


if __name__ == "__main__":
    main()
