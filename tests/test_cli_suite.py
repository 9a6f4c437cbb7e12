"""The command line of `soundbench suite describe`."""

import json

import pytest
from click.testing import CliRunner
from described import with_factors
from planted import ARMED, CROWD_ARMED, MISALIGNED_ARMED
from soundbench.cli import main


def describe(*arguments):
    return CliRunner().invoke(main, ["suite", "describe", *map(str, arguments)])


def test_the_suite_that_ships_is_described():
    result = describe()
    assert result.exit_code == 0
    assert result.stdout.startswith("core 3: 744 instances of 268 networks, ")
    assert result.stdout.splitlines()[-1] == (
        "Every two values of 8 factors meet in at least one armed instance, besides 16 that the recipe forbids. "
        "Files do not tell, so the recipe is believed: hardness easy, hard, medium."
    )
    assert result.stderr == ""


def test_a_suite_that_covers_what_it_says(tiny_suite, tmp_path):
    result = describe(with_factors(tiny_suite, tmp_path / "suite"), "--json", tmp_path / "out.json")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "Every two values of 6 factors meet in at least one armed instance."
    content = json.loads((tmp_path / "out.json").read_text())
    assert content["pairs_missing"] == []
    assert set(content["factors"]) == {"form", "network", "place", "scale", "shape", "twin"}


def test_a_suite_that_is_not_what_it_says(tiny_suite, tmp_path):
    result = describe(with_factors(tiny_suite, tmp_path / "suite", place="corner"))
    assert result.exit_code == 3
    lines = [line for line in result.stdout.splitlines() if line.startswith("ground truth refuted: ")]
    assert lines == [
        f"ground truth refuted: {name}: its place is said to be corner; by its files, position: interior, not corner"
        for name in (ARMED, MISALIGNED_ARMED, CROWD_ARMED)
    ]


@pytest.mark.parametrize("arguments", [["no-such-suite"], [".", "--json", "."], ["--json", "no/folder/file.json"]])
def test_wrong_usage_is_told_in_one_line(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    result = describe(*arguments)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""
