import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from attacked import obvious_suite
from click.testing import CliRunner
from planted import ARMED, edit_truth, read, repair_hashes
from soundbench.cli import main
from soundbench.cli.shipped import core_suite

from soundbench.ground_truth import Expected, Role
from soundbench.pgd import PUBLISHED_GRID
from soundbench.suite import load_suite

LIGHT = ["--restarts", "2", "--points", "200", "--only", "pgd 0.25x0", "--only", "pgd 0.25x100", "--only", "corners"]


def run(*arguments):
    return CliRunner().invoke(main, ["attack", *(str(argument) for argument in arguments)])


def one_line(result, code=2):
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    (line,) = [line for line in result.stderr.splitlines() if not line.startswith("[")]
    return line


def records(root):
    return {name: truth.attacks for name, truth in load_suite(root).ground_truth.items()}


def test_help_has_examples_and_exit_codes():
    output = run("--help").output
    assert "soundbench attack my-suite" in output
    assert "Exit codes: 0 every armed instance survived" in output


def test_every_instance_gets_its_records_and_the_suite_stays_whole(suite_copy):
    result = run(suite_copy, *LIGHT)
    assert result.exit_code == 0, result.output
    found = records(suite_copy)
    assert len(found) == 7
    for each in found.values():
        assert [record.attack for record in each] == ["pgd 0.25x0", "pgd 0.25x100", "corners"]
        first, descent, corners = (record.queries for record in each)
        # Walkers of a descent that go round are left.
        assert (first, corners) == (2, 200)
        assert 2 < descent <= 2 * 101
        assert [record.restarts for record in each] == [2, 2, 200]
        assert all(record.margin > 0 and not record.found and record.replays is None for record in each)
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["attack", "armed", "survived", "margin", "others", "survived", "margin", "queries"]
    assert lines[1].startswith("pgd 0.25x0 ")
    assert lines[1].split()[2] == "3/3"
    assert lines[-2] == "3 of 3 armed instances survived every attack."
    assert lines[-1] == f"recorded in {suite_copy}"
    assert all(line.startswith("[") and " left" in line for line in result.stderr.splitlines())
    assert sorted(path.name for path in suite_copy.parent.iterdir()) == ["suite"]
    assert CliRunner().invoke(main, ["certify", str(suite_copy)]).exit_code == 0


def test_later_records_replace_those_of_the_same_attack_only(suite_copy):
    assert run(suite_copy, *LIGHT).exit_code == 0
    before = records(suite_copy)[ARMED]
    assert run(suite_copy, "--restarts", "3", "--seed", "5", "--only", "pgd 0.25x100").exit_code == 0
    after = records(suite_copy)[ARMED]
    assert [record.attack for record in after] == [record.attack for record in before]
    assert (after[0], after[2]) == (before[0], before[2])
    assert (after[1].seed, after[1].restarts) == (5, 3)


def test_the_same_seed_gives_the_same_records(tiny_suite, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        assert run(tiny_suite, *LIGHT, "--seed", seed, "--out", tmp_path / name).exit_code == 0
    texts = [(tmp_path / name / "ground_truth.json").read_text() for name in "abc"]
    assert texts[0] == texts[1] != texts[2]


def test_out_makes_a_copy_and_leaves_the_suite_as_it_is(tiny_suite, tmp_path):
    before = load_suite(tiny_suite)
    result = run(tiny_suite, *LIGHT, "--out", tmp_path / "new" / "copy")
    assert result.exit_code == 0, result.output
    after, copy = load_suite(tiny_suite), load_suite(tmp_path / "new" / "copy")
    assert after.digest == before.digest
    assert [each.name for each in copy.instances] == [each.name for each in before.instances]
    assert all(truth.attacks for truth in copy.ground_truth.values())
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["copy"]


def test_the_whole_battery_on_an_armed_instance_that_is_not_hidden(tmp_path, monkeypatch):
    monkeypatch.setattr("soundbench.library_attacks.SQUARE_ITERATIONS", 20)
    monkeypatch.setattr("soundbench.library_attacks.APGD_ITERATIONS", 20)
    monkeypatch.setattr("soundbench.battery.PUBLISHED_GRID", PUBLISHED_GRID[:3])
    root = obvious_suite(tmp_path / "suite")
    result = run(root, "--restarts", "2", "--points", "50")
    assert result.exit_code == 1, result.output
    assert "not hidden: armed, by pgd 0.25x" in result.stdout
    assert "0 of 1 armed instances survived every attack; the auditor" in result.stdout
    found = {record.attack: record for record in records(root)["armed"]}
    assert all(record.found and record.replays for name, record in found.items() if name != "pgd 0.25x0")
    assert not any(record.found for record in records(root)["clean"])


def test_the_auditor_does_not_decide_on_armed_instances(tmp_path):
    root = obvious_suite(tmp_path / "suite")
    result = run(root, "--only", "auditor")
    assert result.exit_code == 0
    assert records(root)["armed"][0].found
    assert "1 of 1 armed instances survived every attack; the auditor, which reads weights" in result.stdout


@pytest.mark.parametrize(
    ("expected", "code", "words"),
    [(Expected.UNKNOWN, 1, "violated, though nothing was known: armed, by"),
     (Expected.HOLDS, 3, "ground truth refuted, a counterexample where none should be: armed, by")],
)  # fmt: skip
@pytest.mark.parametrize("attack", ["corners", "auditor"])
def test_a_counterexample_where_none_was_meant_to_be(tmp_path, expected, code, words, attack):
    root = obvious_suite(tmp_path / "suite", expected=expected, role=Role.CLEAN, pair=None, witness=None)
    result = run(root, "--only", attack)
    assert result.exit_code == code, result.output
    assert f"{words} {attack} (margin -0." in result.stdout
    assert records(root)["armed"][0].replays


def test_killed_at_any_time_it_goes_on_and_comes_to_the_same(tiny_suite, suite_copy):
    """Killed with SIGKILL, so that nothing can be tidied up; what was done is not done again."""
    arguments = ["--restarts", "60", "--only", "pgd 0.25x100", "--only", "pgd 0.02x250"]
    code = "from soundbench.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "attack", str(suite_copy), *arguments], stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + 120
    while time.monotonic() < until and sum(len(path.read_bytes().splitlines()) for path in journals(suite_copy)) < 3:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert load_suite(suite_copy).digest == load_suite(tiny_suite).digest
    (journal,) = journals(suite_copy)
    kept = journal.read_bytes().count(b"\n")
    with journal.open("ab") as file:
        file.write(b'{"network": "torn')
    assert kept >= 3
    resumed = run(suite_copy, *arguments)
    assert resumed.exit_code == 0, resumed.output
    assert f"keeps {kept} parts of an earlier start" in resumed.stderr
    assert not journals(suite_copy)
    anew = run(tiny_suite, *arguments, "--out", suite_copy.parent / "anew")
    assert anew.exit_code == 0
    lines = [line for line in resumed.stderr.splitlines() if line.startswith("[")]
    assert len(lines) + kept == len(anew.stderr.splitlines())
    assert read(suite_copy, "ground_truth.json") == read(suite_copy.parent / "anew", "ground_truth.json")


def journals(root: Path) -> list[Path]:
    return list(root.parent.glob(f"{root.name}.attacks-*.jsonl"))


def test_ctrl_c_says_how_to_go_on(suite_copy, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("soundbench.attack_suite.attack_part", stop)
    monkeypatch.setattr(sys, "argv", ["soundbench", "attack", "my suite"])
    result = run(suite_copy, *LIGHT)
    assert result.exit_code == 130
    assert result.stderr == "stopped; go on with: soundbench attack 'my suite'\n"
    assert load_suite(suite_copy)


# --- what cannot be done is one line


def test_the_suite_that_ships_is_not_changed_unless_it_is_named():
    assert "stays as it is; name a folder for a copy of it with --out" in one_line(run())


def test_without_a_suite_the_one_that_ships_is_copied(suite_copy, tmp_path, monkeypatch):
    monkeypatch.setattr("soundbench.cli.attack.core_suite", lambda: suite_copy)
    assert core_suite() != suite_copy
    assert run(*LIGHT, "--out", tmp_path / "copy").exit_code == 0
    assert not records(suite_copy)[ARMED]
    assert records(tmp_path / "copy")[ARMED]


def test_a_missing_library_is_one_line_that_says_how_to_install_it(suite_copy, monkeypatch):
    monkeypatch.setattr("soundbench.library_attacks.DISTRIBUTION", "no-such-distribution")
    assert "pip install 'soundbench[attack]'" in one_line(run(suite_copy))
    assert "pip install 'soundbench[attack]'" in one_line(run(suite_copy, "--only", "apgd"))
    assert run(suite_copy, *LIGHT).exit_code == 0
    assert run(suite_copy, "--only", "uniform", "--points", "9", "--without-library").exit_code == 0


@pytest.mark.parametrize("device", ["cuda:77", "tpu", "mps", "no such device"])
def test_a_device_that_cannot_be_used(suite_copy, device):
    assert one_line(run(suite_copy, "--device", device)).startswith(f"soundbench: --device: {device!r} ")


def test_an_attack_that_there_is_not(suite_copy):
    assert "--only: no attack is named 'pdg'; there are: pgd," in one_line(run(suite_copy, "--only", "pdg"))


def test_a_folder_that_is_in_use(suite_copy):
    assert "already exists" in one_line(run(suite_copy, "--out", suite_copy))


def test_a_suite_that_cannot_be_read(tmp_path, suite_copy):
    assert "suite.json: no such file" in one_line(run(tmp_path / "nowhere"))
    edit_truth(suite_copy, ARMED, lambda entry: entry.update(attacks=[{"attack": "pgd"}]))
    repair_hashes(suite_copy)
    assert f"ground_truth.json: {ARMED}: not readable" in one_line(run(suite_copy))
    assert CliRunner().invoke(main, ["certify", str(suite_copy)]).exit_code == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_suite_that_cannot_be_written(suite_copy):
    suite_copy.chmod(0o555)
    assert "cannot be written; name a folder for a copy of it with --out" in one_line(run(suite_copy, *LIGHT))


def test_two_at_once_are_refused(suite_copy):
    from soundbench.attack_journal import open_journal
    from soundbench.attack_suite import find_device, identity

    suite = load_suite(suite_copy)
    with open_journal(suite.root, identity(suite, 2, 200, 0, find_device("cpu"))):
        assert "go on in another process" in one_line(run(suite_copy, *LIGHT))


@pytest.mark.parametrize(
    "arguments", [["--restarts", "0"], ["--seed", "-1"], ["--points", "x"], ["a", "b"], ["--fast"]]
)
def test_wrong_usage(arguments):
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Usage:" in result.stderr
