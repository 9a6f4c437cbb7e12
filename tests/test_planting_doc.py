"""What docs/planting.md tells people to type works, and its table has the numbers that come of it."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from soundbench.cli import main

from soundbench.ground_truth import Track
from soundbench.suite import load_suite

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "planting.md").read_text()
PLANTED = re.findall(r"^    soundbench (plant .* --out (\w+))$", TEXT, re.MULTILINE)


@pytest.mark.parametrize(("command", "suite"), PLANTED)
def test_what_is_planted_has_the_numbers_of_the_table(command, suite, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    result = CliRunner().invoke(main, shlex.split(command))
    assert result.exit_code == 0, result.output
    truth = load_suite(tmp_path / suite).ground_truth
    armed, twin = (next(each for name, each in truth.items() if name.endswith(role)) for role in ("armed", "twin"))
    assert armed.track is Track.SHALLOW
    cells = [
        f"{armed.witness.margin_rigorous:.3g}",
        f"{armed.witness.float32_error:.3g}",
        f"{armed.hiding.chance:.2g}",
        f"{twin.proof.leaves} boxes",
        f"{twin.proof.slack:.3g}",
    ]
    assert f"| `{suite}` | {' | '.join(cells)} |" in TEXT


def test_there_are_three():
    assert [suite for _, suite in PLANTED] == ["shifted", "plain", "crowd"]
