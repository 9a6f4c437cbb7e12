"""The page of results in docs/ is whole: what it points to is there, and replays as it says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parent.parent / "docs" / "results.md"
TEXT = PAGE.read_text()
LINKS = sorted(set(re.findall(r"\]\((results/[^)]+)\)", TEXT)))
FINDINGS = [link for link in LINKS if link.startswith("results/findings/")]


def test_what_the_page_points_to_is_there_and_nothing_else():
    folder = PAGE.with_suffix("")
    assert {folder.parent / link for link in LINKS} == {*folder.glob("*.csv"), *(folder / "findings").iterdir()}


# One of each verifier: the first in the alphabet.
@pytest.mark.parametrize("link", {link.partition("-")[0]: link for link in reversed(FINDINGS)}.values())
def test_findings_replay_as_the_page_says(link):
    script = PAGE.parent / link / "replay.py"
    ran = subprocess.run([sys.executable, "-I", script], capture_output=True, text=True, check=True)
    # Outputs differ in their last digits from machine to machine, what they say does not.
    told = TEXT[TEXT.index(f"`python {link}/replay.py`") :].partition("```text\n")[2].partition("```")[0]
    assert [line for line in ran.stdout.splitlines() if not line.startswith("outputs:")] == [
        line for line in told.splitlines() if not line.startswith("outputs:")
    ]
