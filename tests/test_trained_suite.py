"""A network trained in seconds, with two boxes, becomes a suite that certifies and can be judged by."""

import dataclasses
import json

import pytest
import torch
from small_training import MOAT, model, source
from torch import nn

from soundbench.certify import certify_suite
from soundbench.errors import CertificateError, InputError
from soundbench.ground_truth import AttackRecord, Expected, Position, Role
from soundbench.interface import Declaration, Interface
from soundbench.lock import locked
from soundbench.moat import Moat
from soundbench.suite import load_suite, read_json, write_json
from soundbench.trained_suite import NothingHidden, make_trained_suite
from soundbench.truth_file import encode_ground_truth
from soundbench.vnnlib import read_property, read_query

QUICK = Moat(steps=300, walkers=6, check_every=100, check_restarts=4, check_grid=((0.5, 10), (0.1, 20)))
ATTACKS = ["pgd 0.25x0", "pgd 0.1x50", "corners"]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("trained") / "suite"
    small = model("small", QUICK)
    for left in (".suite.partial-abcd_123", ".suite-metadata", ".suite.partial", ".suite-other.partial-abcd_123"):
        (out.parent / left / "onnx").mkdir(parents=True)
    result = make_trained_suite(source(small), small, out, CPU, str)
    return result, load_suite(out)


def test_the_suite_has_what_was_made(made):
    result, suite = made
    truth = suite.ground_truth
    assert (result.hidden, result.armed, result.clean) == (2, 2, 2)
    assert result.left_out == ()
    assert [instance.name for instance in suite.instances] == [
        "small-unverifiable-0", "small-unverifiable-1", "small-clean-0", "small-clean-1",
    ]  # fmt: skip
    for instance in suite.instances:
        known = truth[instance.name]
        is_armed = "unverifiable" in instance.name
        assert known.role is (Role.ARMED if is_armed else Role.CLEAN)
        assert (known.expected is Expected.VIOLATED) == is_armed
        assert known.position is (Position.CORNER if is_armed else None)
        assert known.family == "trained"
        assert [record.attack for record in known.attacks] == ATTACKS
        assert not any(record.found for record in known.attacks)


def test_what_a_killed_start_left_is_gone_and_nothing_else(made):
    hidden = {path.name for path in made[1].root.parent.iterdir() if path.name.startswith(".")}
    assert hidden == {".suite-metadata", ".suite.partial", ".suite-other.partial-abcd_123"}


def test_no_clean_instance_is_said_to_hold_without_a_proof(made):
    result, suite = made
    clean = [truth for truth in suite.ground_truth.values() if truth.role is Role.CLEAN]
    assert sum(truth.proof is not None for truth in clean) == result.proven
    for truth in clean:
        assert (truth.expected is Expected.HOLDS) == (truth.proof is not None)


def test_it_has_its_properties_in_both_versions_of_vnnlib(made):
    for instance in made[1].instances:
        query = read_query(instance.vnnlib2)
        assert query.property == read_property(instance.vnnlib)
        declared = Declaration("X", "float32", (1, 1, 5, 5)), Declaration("Y", "float32", (1, 2))
        assert query.interface == Interface(*declared)


def test_it_certifies(made):
    counts = certify_suite(made[1], str)
    assert counts[Expected.VIOLATED] == 2
    assert counts[Expected.VIOLATED] + counts[Expected.HOLDS] + counts[Expected.UNKNOWN] == 4


def test_its_witnesses_are_checked(made):
    suite = made[1]
    name = "small-unverifiable-0"
    truth = suite.ground_truth[name]
    other = suite.ground_truth["small-unverifiable-1"].witness
    for altered in (
        dataclasses.replace(truth, witness=other),
        dataclasses.replace(truth, position=Position.EDGE),
        dataclasses.replace(truth, witness=dataclasses.replace(truth.witness, margin_rigorous=9.0)),
    ):
        with pytest.raises(CertificateError, match=name):
            certify_suite(dataclasses.replace(suite, ground_truth={**suite.ground_truth, name: altered}), str)


def test_the_log_tells_of_every_check(made):
    lines = [json.loads(line) for line in (made[1].root / "training.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [100, 200, 300]
    assert lines[-1]["hidden"] == 2


def test_a_training_that_hides_nothing_leaves_no_suite(tmp_path):
    lazy = model("small", dataclasses.replace(MOAT, steps=1, check_every=1))
    with pytest.raises(NothingHidden, match=r"small: none of 2 counterexamples is hidden \(small-unverifiable-0: "):
        make_trained_suite(source(lazy), lazy, tmp_path / "suite", CPU, str)
    assert {path.suffix for path in tmp_path.iterdir()} == {".safetensors", ".jsonl"}


def attacks_that_find(*found):
    """In place of attacks: counterexamples of the named instances, and no others."""

    def attack_drafts(drafts, *_):
        names = [draft.instance.name for draft in drafts]
        return {name: tuple(AttackRecord(attack, 0, 1, 2, 0.5, name in found) for attack in ATTACKS) for name in names}

    return attack_drafts


def test_what_an_attack_finds_is_left_out(tmp_path, monkeypatch):
    attack_drafts = attacks_that_find("small-unverifiable-0", "small-clean-1")
    monkeypatch.setattr("soundbench.trained_suite.attack_drafts", attack_drafts)
    small = model("small", QUICK)
    result = make_trained_suite(source(small), small, tmp_path / "suite", CPU, str)
    assert result.left_out == tuple(
        f"{name}: the attack 'pgd 0.25x0' finds a counterexample" for name in ("small-unverifiable-0", "small-clean-1")
    )
    assert (result.hidden, result.armed, result.clean) == (1, 2, 1)
    assert set(load_suite(tmp_path / "suite").ground_truth) == {"small-unverifiable-1", "small-clean-0"}


def constant(label):
    """A network of one layer that gives every point this label."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(25, 2))
    with torch.no_grad():
        network[1].weight.zero_()
        network[1].bias.copy_(torch.nn.functional.one_hot(torch.tensor(label), 2))
    return network


@pytest.mark.parametrize(
    ("is_right", "words"),
    [(True, r"the witness's .* is -1, and must be at least"), (False, "the network is not right at the centre")],
)
def test_the_centre_must_be_right_and_the_planted_point_wrong(tmp_path, monkeypatch, is_right, words):
    def trained_network(order, _):
        return constant(order.dataset.labels[0] ^ (not is_right)), []

    monkeypatch.setattr("soundbench.trained_suite.trained_network", trained_network)
    monkeypatch.setattr("soundbench.trained_suite.attack_drafts", attacks_that_find())
    small = model("small", QUICK, armed=1, clean=0)
    with pytest.raises(NothingHidden, match=rf"small-unverifiable-0: {words}"):
        make_trained_suite(source(small), small, tmp_path / "suite", CPU, str)


def half_wrong(dataset):
    """A network of one layer that is right at the first box's centre, wrong at its witness, and turns half way."""
    way = torch.tensor(dataset.witnesses[0] - dataset.centres[0], dtype=torch.float32)
    middle = torch.tensor(dataset.witnesses[0] + dataset.centres[0], dtype=torch.float32) / 2
    sign = 1.0 - 2.0 * dataset.labels[0]
    network = nn.Sequential(nn.Flatten(), nn.Linear(25, 2))
    with torch.no_grad():
        network[1].weight.copy_(torch.stack([-sign * 1e3 * way, 0 * way]))
        network[1].bias.copy_(torch.stack([sign * 1e3 * way @ middle, torch.tensor(0.0)]))
    return network


def test_the_battery_finds_what_is_not_hidden(tmp_path, monkeypatch):
    monkeypatch.setattr("soundbench.trained_suite.trained_network", lambda order, _: (half_wrong(order.dataset), []))
    wrong = model("small", QUICK, armed=1, clean=0)
    with pytest.raises(NothingHidden, match=r"small-unverifiable-0: the attack 'pgd .*' finds a counterexample"):
        make_trained_suite(source(wrong), wrong, tmp_path / "suite", CPU, str)
    assert [path.suffix for path in tmp_path.iterdir()] == [".jsonl"]


def test_nothing_is_hidden_that_was_not_attacked(tmp_path, monkeypatch):
    monkeypatch.setattr("soundbench.trained_suite.jobs_of", lambda *_: [])
    small = model("small", QUICK)
    with pytest.raises(NothingHidden, match="not every attack gave a finite margin"):
        make_trained_suite(source(small), small, tmp_path / "suite", CPU, str)


def test_two_processes_do_not_make_one_suite(tmp_path):
    with locked(tmp_path / "suite"), pytest.raises(InputError, match="another process is at work on it"):
        make_trained_suite(source(model("small")), model("small"), tmp_path / "suite", CPU, str)
    with locked(tmp_path / "suite"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_training_that_diverges_says_so(tmp_path):
    wild = model("small", dataclasses.replace(QUICK, peak_rate=1e30))
    with pytest.raises(CertificateError, match=r"the loss is .* after step \d+; lower the peak_rate"):
        make_trained_suite(source(wild), wild, tmp_path / "suite", CPU, str)


def test_boxes_that_do_not_fit_leave_nothing(tmp_path):
    crowded = dataclasses.replace(model("small"), radius=1.0)
    with pytest.raises(InputError, match="disjoint boxes"):
        make_trained_suite(source(crowded), crowded, tmp_path / "suite", CPU, str)
    assert not list(tmp_path.iterdir())


def test_a_suite_that_is_there_is_not_touched(made):
    with pytest.raises(InputError, match="already exists"):
        make_trained_suite(source(model("small")), model("small"), made[1].root, CPU, str)


def test_ground_truth_of_trained_suites_is_read_again(made, tmp_path):
    suite = made[1]
    write_json(tmp_path / "truth.json", encode_ground_truth(suite.ground_truth))
    assert read_json(tmp_path / "truth.json") == read_json(suite.root / "ground_truth.json")
