"""A network trained in seconds, with two boxes, becomes a suite that certifies and can be judged by."""

import dataclasses
import json

import pytest
import torch
from small_training import MOAT, model, source

from soundbench.certify import certify_suite
from soundbench.errors import CertificateError, InputError
from soundbench.ground_truth import Expected, Position, Role
from soundbench.moat import Moat
from soundbench.suite import load_suite, read_json, write_json
from soundbench.trained_suite import NothingHidden, make_trained_suite
from soundbench.truth_file import encode_ground_truth

QUICK = Moat(
    steps=160, uniform=8, corners=4, segment=16, recalled=4, window=20, attack_iterations=5, attack_restarts=2,
    check_every=40, light_restarts=4, light_grid=((0.5, 10), (0.1, 20)), strong_restarts=4, strong_grid=((0.1, 50),),
)  # fmt: skip
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("trained") / "suite"
    small = model("small", QUICK)
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
        assert [record.attack for record in known.attacks] == ["pgd 0.25x0", "pgd 0.1x50"]
        assert not any(record.found for record in known.attacks)


def test_no_clean_instance_is_said_to_hold_without_a_proof(made):
    result, suite = made
    clean = [truth for truth in suite.ground_truth.values() if truth.role is Role.CLEAN]
    assert sum(truth.proof is not None for truth in clean) == result.proven
    for truth in clean:
        assert (truth.expected is Expected.HOLDS) == (truth.proof is not None)


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
    assert [line["step"] for line in lines] == [40 * number for number in range(1, len(lines) + 1)]
    assert lines[-1]["hidden"] == 2


def test_nothing_of_a_training_that_hides_nothing_is_left(tmp_path):
    lazy = model("small", dataclasses.replace(MOAT, steps=1, check_every=1))
    with pytest.raises(NothingHidden, match=r"small: none of 2 counterexamples is hidden \(small-unverifiable-0: "):
        make_trained_suite(source(lazy), lazy, tmp_path / "suite", CPU, str)
    assert {path.name for path in tmp_path.iterdir()} == {"suite.checkpoint.safetensors"}


def test_what_an_attack_finds_is_left_out(tmp_path):
    """A wide pit: the attack that finds it is named, and the box is not in the suite."""
    wide = model("small", dataclasses.replace(QUICK, steps=80, height=0.0, rim=6.0, recalled=0, segment=1))
    try:
        result = make_trained_suite(source(wide), wide, tmp_path / "suite", CPU, str)
        left_out, names = result.left_out, set(load_suite(tmp_path / "suite").ground_truth)
    except NothingHidden as error:
        left_out, names = (str(error),), set()
    assert any("finds a counterexample" in words for words in left_out)
    assert not any(words.partition(":")[0] in names for words in left_out)


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
