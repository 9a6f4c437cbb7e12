"""The trained suites that ship are what they are said to be."""

from collections import Counter
from pathlib import Path

import pytest

from soundbench.battery import AUDITOR
from soundbench.certify import certify_suite
from soundbench.ground_truth import Expected, Position, Role
from soundbench.networks import ARCHITECTURES
from soundbench.suite import MANIFEST, load_suite, read_json

TRAINED = Path(__file__).parent.parent / "instances" / "trained"
SUITES = sorted(path for path in TRAINED.iterdir() if path.is_dir())
OWN = {"cnn_residual"}
every_suite = pytest.mark.parametrize("root", SUITES, ids=lambda path: path.name)


def test_there_is_one_of_each_published_architecture_named_after_its_model():
    manifests = [read_json(root / MANIFEST) for root in SUITES]
    assert sorted(manifest["settings"]["architecture"] for manifest in manifests) == sorted(set(ARCHITECTURES) - OWN)
    assert [manifest["name"] for manifest in manifests] == [root.name for root in SUITES]


def test_they_take_no_more_than_sixty_megabytes():
    assert sum(path.stat().st_size for path in TRAINED.rglob("*") if path.is_file()) < 60e6


@every_suite
def test_every_counterexample_withstood_every_attack(root):
    suite = load_suite(root)
    armed = [truth for truth in suite.ground_truth.values() if truth.role is Role.ARMED]
    assert len(armed) >= 5
    for truth in armed:
        assert truth.expected is Expected.VIOLATED
        assert truth.position is Position(read_json(root / MANIFEST)["settings"]["position"])
        records = [record for record in truth.attacks if record.attack != AUDITOR]
        assert len(records) >= 9
        assert not any(record.found or record.margin <= 0 for record in records)


@every_suite
def test_nothing_is_claimed_of_clean_instances_but_what_is_proven(root):
    clean = [truth for truth in load_suite(root).ground_truth.values() if truth.role is Role.CLEAN]
    assert clean
    for truth in clean:
        assert (truth.expected is Expected.HOLDS) == (truth.proof is not None)
        assert truth.expected in (Expected.HOLDS, Expected.UNKNOWN)
        assert truth.witness is None


@pytest.mark.parametrize(
    "root",
    [
        root if root.name.startswith("cnn_1") else pytest.param(root, marks=pytest.mark.slow)
        for root in SUITES
    ],
    ids=lambda path: path.name,
)  # fmt: skip
def test_they_certify(root):
    suite = load_suite(root)
    expected = Counter(truth.expected for truth in suite.ground_truth.values())
    assert certify_suite(suite, str) == {each: expected[each] for each in Expected}
