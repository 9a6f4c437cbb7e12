from pathlib import Path

import pytest
import torch
from attacked import BATTERY, CPU, box_of, linear, targets

from soundbench.attack_journal import Outcome
from soundbench.attack_suite import Job, Network, find_device, joined, merged, outcome_of
from soundbench.battery import battery
from soundbench.errors import InputError
from soundbench.ground_truth import AttackRecord
from soundbench.pgd import Reached

BY_NAME = {attack.name: attack for attack in BATTERY}


def job(name, boxes=3, restarts=60):
    attacked = targets(linear([[1.0, 1.0]]), *[box_of(2, 0, 1, "(>= Y_0 9.0)")] * boxes)
    attack = next(each for each in battery(restarts, 60_000, with_library=True) if each.name == name)
    return Job(Network("onnx/a.onnx", (), (), attacked, None), attacked, attack)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pgd 0.25x100", [(0, 25, (0, 1, 2)), (25, 25, (0, 1, 2)), (50, 10, (0, 1, 2))]),
        ("corners", [(0, 25_000, (0, 1, 2)), (25_000, 25_000, (0, 1, 2)), (50_000, 10_000, (0, 1, 2))]),
        ("apgd", [(0, 60, (0,)), (0, 60, (1,)), (0, 60, (2,))]),
        ("auditor", [(0, 1, (0,)), (0, 1, (1,)), (0, 1, (2,))]),
    ],
)
def test_parts_are_what_may_be_lost(name, expected):
    parts = job(name).parts()
    assert [(part.first, part.count, part.boxes) for part in parts] == expected
    assert [part.number for part in parts] == list(range(len(expected)))


def test_parts_are_smaller_where_memory_asks_for_it(monkeypatch):
    """At most 2 points at once: two boxes with a restart each, then the third."""
    monkeypatch.setattr("soundbench.targets.MOST_NUMBERS", 4 * 3 * 2)
    parts = job("pgd 0.25x100", restarts=2).parts()
    assert [(part.first, part.count, part.boxes) for part in parts] == [
        (0, 1, (0, 1)), (1, 1, (0, 1)), (0, 1, (2,)), (1, 1, (2,))
    ]  # fmt: skip


def test_longer_descents_are_thought_to_take_longer():
    costs = [
        sum(map(each.cost, each.parts())) for each in (job("pgd 0.25x0"), job("pgd 0.25x100"), job("pgd 0.02x500"))
    ]
    assert costs == sorted(costs)
    assert costs[2] > 4 * costs[1] > 0


def test_the_stronger_of_two_counts_and_queries_add_up():
    low, high = Outcome(0.1, (0.0,), 5, found=False), Outcome(0.2, (1.0,), 6, found=False)
    assert merged(low, high) == merged(high, low) == Outcome(0.1, (0.0,), 11, found=False)
    found = Outcome(0.0, (2.0,), 1, found=True)
    assert merged(Outcome(-0.0, (3.0,), 1, found=False), found).found


def test_what_is_not_finite_or_was_not_looked_at_is_no_outcome():
    attacked = targets(linear([[1.0]]), box_of(1, 0, 1, "(>= Y_0 2.0)"))
    point = torch.tensor([[0.5]])
    assert outcome_of(attacked, 0, Reached(point[0], point, torch.tensor([0])), 0) is None
    assert outcome_of(attacked, 0, Reached(point[0], point, torch.tensor([3])), 0) == Outcome(
        1.5, (0.5,), 3, found=False
    )


def test_new_records_replace_old_ones_of_the_same_attack():
    old = [AttackRecord(name, 0, 1, 1, 0.5, found=False) for name in ("a", "b")]
    new = [AttackRecord(name, 1, 1, 1, 0.25, found=False) for name in ("b", "c")]
    assert joined(old, new) == (old[0], *new)


def test_devices():
    assert find_device("cpu") == CPU
    for name in ("cuda:77", "meta", "", "gpu"):
        with pytest.raises(InputError, match=r"^--device: "):
            find_device(name)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("attack", [each for each in BATTERY if not each.together], ids=lambda attack: attack.name)
def test_on_a_gpu_an_obvious_counterexample_is_found_too(attack):
    from soundbench.pgd import seeded
    from soundbench.targets import targets_of

    attacked = targets_of(linear([[1, 2, -1]]), [("a", box_of(3, -1, 1, "(>= Y_0 0.2)"))], torch.device("cuda"))
    reached = attack.run(attacked, 0, attack.restarts, seeded(0))
    assert attacked.judge(reached.point[0], 0).found


def test_a_path_of_a_network_is_its_place_in_the_suite(tiny_suite):
    from soundbench.attack_suite import read_network
    from soundbench.certify import by_network
    from soundbench.suite import load_suite

    suite = load_suite(tiny_suite)
    networks = [read_network(suite, group, CPU) for group in by_network(suite)]
    assert [Path(network.path).parent for network in networks] == [Path("onnx")] * 2
    assert sum(len(network.instances) for network in networks) == 7
