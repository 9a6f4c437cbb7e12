import io

import pytest
from rich.console import Console

from soundbench.attack_report import exit_code, render
from soundbench.ground_truth import AttackRecord, Expected, GroundTruth, Role

KNOWN = {
    name: GroundTruth(expected, "planted", "mlp", role)
    for name, expected, role in (
        ("armed", Expected.VIOLATED, Role.ARMED),
        ("second", Expected.VIOLATED, Role.ARMED),
        ("twin", Expected.HOLDS, Role.TWIN),
        ("clean", Expected.UNKNOWN, Role.CLEAN),
    )
}


def missed(attack, margin=0.5, queries=1000):
    return AttackRecord(attack, 0, 75, queries, margin, found=False)


def caught(attack, *, replays=True):
    return AttackRecord(attack, 0, 75, 10, -0.25, found=True, replays=replays)


def shown(records, width=80):
    console = Console(file=io.StringIO(), width=width)
    render(KNOWN, records, console)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_a_row_an_attack_with_armed_and_other_instances_apart():
    records = {
        "armed": (missed("pgd", 0.5), missed("auditor")),
        "second": (missed("pgd", 0.25), caught("auditor")),
        "twin": (missed("pgd", 0.125, queries=4000), missed("pgd-ce 0.01x5000", 2.0), missed("auditor")),
    }
    heading, *rows, _, meaning = shown(records)
    assert heading == "attack            armed survived  margin  others survived  margin  queries"
    assert rows == [
        "pgd                          2/2    0.25              1/1   0.125    2,000",
        "pgd-ce 0.01x5000               -       -              1/1       2    1,000",
        "auditor                      1/2   -0.25              1/1     0.5      670",
    ]
    assert meaning == (
        "2 of 2 armed instances survived every attack; the auditor, which reads weights and does not count, found 1 of 2."  # noqa: E501
    )


@pytest.mark.parametrize(
    ("name", "record", "code", "line"),
    [
        ("armed", missed("pgd"), 0, None),
        ("armed", caught("auditor"), 0, None),
        ("armed", caught("pgd"), 1, "not hidden: armed, by pgd (margin -0.25)"),
        ("armed", caught("pgd", replays=False), 1, "not hidden: armed, by pgd (margin -0.25, not in ONNX Runtime)"),
        ("twin", caught("auditor"), 3, "ground truth refuted, a counterexample where none should be: twin, by auditor "
                                       "(margin -0.25)"),
        ("clean", caught("pgd"), 1, "violated, though nothing was known: clean, by pgd (margin -0.25)"),
        ("foreign", caught("pgd"), 1, "violated, though nothing was known: foreign, by pgd (margin -0.25)"),
    ],
)  # fmt: skip
def test_what_was_found_decides_the_exit_code_and_is_named(name, record, code, line):
    records = {name: (record,)}
    assert exit_code(KNOWN, records) == code
    found = [each for each in shown(records) if "margin -0.25" in each]
    assert found == ([line] if line else [])


def test_refuted_ground_truth_outweighs_all_else():
    assert exit_code(KNOWN, {"armed": (caught("pgd"),), "twin": (caught("pgd"),)}) == 3


def test_an_instance_is_named_with_an_attack_that_counts():
    lines = shown({"armed": (caught("auditor"), caught("pgd"))})
    assert "not hidden: armed, by pgd (margin -0.25)" in lines
    assert lines[-1].startswith("0 of 1 armed instances survived every attack; the auditor")


def test_a_suite_without_armed_instances():
    assert shown({"twin": (missed("pgd"),)})[-1] == "No armed instance was attacked."
