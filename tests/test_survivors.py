"""What attacks have found is left out of a suite, with the rest of its pair, and nothing else."""

import dataclasses
import shutil

import pytest
from click.testing import CliRunner
from soundbench.cli import main
from soundbench.cli.shipped import core_suite

from soundbench.battery import AUDITOR
from soundbench.certify import certify_suite
from soundbench.errors import InputError
from soundbench.ground_truth import AttackRecord, Expected, Role
from soundbench.suite import load_suite, read_json, replace_ground_truth
from soundbench.survivors import write_survivors

# A pair whose networks have other pairs, too, and one that has its networks for itself.
PAIR, LONELY = "mlp-tiny-1-2-crowd", "tight-relative-1"


def record(attack, *, found):
    return AttackRecord(attack, 0, 1, 10, -1.0 if found else 1.0, found, True if found else None)


@pytest.fixture
def suite(tmp_path):
    """A copy of the core suite; records are added to its ground truth by name."""
    root = tmp_path / "suite"
    shutil.copytree(core_suite(), root)

    def attacked(found):
        truth = dict(load_suite(root).ground_truth)
        for name, attack in found.items():
            others = tuple(each for each in truth[name].attacks if each.attack != attack)
            truth[name] = dataclasses.replace(truth[name], attacks=(*others, record(attack, found=True)))
        replace_ground_truth(root, truth)
        return load_suite(root)

    return attacked


def test_the_found_instance_and_its_twin_go(suite, tmp_path):
    before = suite({f"{PAIR}-armed": "corners"})
    assert write_survivors(before, tmp_path / "out") == [f"{PAIR}-armed", f"{PAIR}-twin"]
    after = load_suite(tmp_path / "out")
    names = [each.name for each in before.instances if not each.name.startswith(f"{PAIR}-")]
    assert [each.name for each in after.instances] == names
    assert after.ground_truth == {name: before.ground_truth[name] for name in names}
    assert not list((tmp_path / "out" / "vnnlib").glob(f"{PAIR}-*"))
    assert networks(after) == networks(before)
    old, new = (read_json(each.root / "suite.json") for each in (before, after))
    assert {**old, "files": 0} == {**new, "files": 0}
    subset = dataclasses.replace(after, instances=after.instances[:3])
    assert certify_suite(subset, str)[Expected.VIOLATED] > 0


def networks(suite):
    return {path.name for path in (suite.root / "onnx").iterdir()}


def test_networks_of_which_no_instance_is_left_go(suite, tmp_path):
    before = suite({f"{LONELY}-armed": "corners"})
    assert write_survivors(before, tmp_path / "out") == [f"{LONELY}-armed", f"{LONELY}-twin"]
    assert networks(before) - networks(load_suite(tmp_path / "out")) == {f"{LONELY}-armed.onnx", f"{LONELY}-twin.onnx"}


def test_properties_in_vnnlib_2_0_stay_with_their_instances(suite, tmp_path):
    before = suite({f"{PAIR}-armed": "corners"})
    gone = write_survivors(before, tmp_path / "out")
    after = load_suite(tmp_path / "out")
    assert {path.name for path in (after.root / "vnnlib2").iterdir()} == {
        f"{each.name}.vnnlib" for each in after.instances
    }
    assert len(after.instances) == len(before.instances) - len(gone) == len(before.instances) - 2
    for each in after.instances:
        assert each.vnnlib2.read_bytes() == (before.root / "vnnlib2" / f"{each.name}.vnnlib").read_bytes()


def test_the_auditor_does_not_count(suite, tmp_path):
    before = suite({f"{PAIR}-armed": AUDITOR})
    assert write_survivors(before, tmp_path / "out") == []
    assert load_suite(tmp_path / "out").ground_truth == before.ground_truth


def test_a_suite_of_which_nothing_is_left_is_refused(suite, tmp_path):
    armed = [name for name, known in suite({}).ground_truth.items() if known.role is Role.ARMED]
    before = suite(dict.fromkeys(armed, "corners"))
    with pytest.raises(InputError, match="no armed instance is left"):
        write_survivors(before, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command_says_what_it_left_out(suite, tmp_path):
    root = suite({"tanh-far-1-1-crowd-armed": "pgd 0.25x0"}).root
    result = CliRunner().invoke(main, ["suite", "survivors", str(root), "--out", str(tmp_path / "out")])
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "left out: tanh-far-1-1-crowd-armed",
        "left out: tanh-far-1-1-crowd-twin",
        f"{tmp_path / 'out'}: 742 of 744 instances",
    ]
    again = CliRunner().invoke(main, ["suite", "survivors", str(root), "--out", str(tmp_path / "out")])
    assert again.exit_code == 2
    assert "already exists" in again.stderr
