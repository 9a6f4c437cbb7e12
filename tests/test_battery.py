"""What holds for every attack of the battery, whatever it does."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from attacked import BATTERY, box_of, linear, pyramid, targets

import soundbench.battery
from soundbench.battery import battery, chosen
from soundbench.errors import InputError
from soundbench.graph import evaluate_float64
from soundbench.pgd import seeded

# Longer descents take longer and do the same.
SHORT = [attack for attack in BATTERY if attack.group != "pgd" or attack.rounds <= 101]
every_attack = pytest.mark.parametrize("attack", SHORT, ids=lambda attack: attack.name)
BOX = ("-0.1", "0.3")


@pytest.fixture(autouse=True)
def _short_library_attacks(monkeypatch):
    monkeypatch.setattr("soundbench.library_attacks.SQUARE_ITERATIONS", 40)
    monkeypatch.setattr("soundbench.library_attacks.APGD_ITERATIONS", 30)


def run(attack, attacked, seed=0):
    return attack.run(attacked, 0, attack.restarts, seeded(seed))


def obvious(attack):
    """Violated on half of the box; by three classes where an attack is for several regions."""
    if attack.together:
        return targets(
            linear([[1, 0, 0], [0, 1, 0], [0, 0, 1]]), three_classes("(>= Y_0 Y_1) (>= Y_0 Y_2)"), together=True
        )
    return targets(linear([[1, 2, -1]]), box_of(3, *BOX, "(>= Y_0 0.2)"))


def three_classes(regions):
    cases = " ".join(f"(and {each})" for each in regions.replace(") (", ")|(").split("|"))
    return box_of(3, *BOX, f"(or {cases})", y=3)


def holding(attack):
    """The largest output in the box is 0.3 + 0.6 + 0.1 = 1, and rounding does not lift it to 1 + 1e-7."""
    if attack.together:
        cases = "(>= Y_0 (+ Y_1 0.4000001)) (>= Y_0 (+ Y_2 0.4000001))"
        return targets(linear([[1, 0, 0], [0, 1, 0], [0, 0, 1]]), three_classes(cases), together=True)
    return targets(linear([[1, 2, -1]]), box_of(3, *BOX, "(>= Y_0 1.0000001)"))


@every_attack
def test_an_obvious_counterexample_is_found_and_really_is_one(attack):
    attacked = obvious(attack)
    reached = run(attack, attacked)
    assert reached.margin.shape == (1,)
    result = attacked.judge(reached.point[0], 0)
    assert result.found
    point = [Fraction(value) for value in reached.point[0].tolist()]
    outputs = evaluate_float64(attacked.graph, reached.point.double().numpy())[attacked.graph.output][0]
    exact = [Fraction(value) for value in outputs.tolist()]
    (regions,) = attacked.regions
    assert any(
        region.contains_input(point) and all(each.is_satisfied(exact) for each in region.outputs) for region in regions
    )


@every_attack
def test_where_the_property_holds_nothing_is_found_and_the_best_point_is_in_the_box(attack):
    attacked = holding(attack)
    reached = run(attack, attacked)
    assert not attacked.judge(reached.point[0], 0).found
    point = [Fraction(value) for value in reached.point[0].tolist()]
    assert attacked.regions[0][0].contains_input(point)
    assert 0 < -attacked.judge(reached.point[0], 0).margin < 1


@every_attack
def test_queries_are_counted(attack, monkeypatch):
    attacked = holding(attack)
    seen = []
    forward = attacked.tensors

    def counted(points):
        # Cross-entropy looks at the same points again, to descend.
        if not (attack.together and torch.is_grad_enabled()):
            seen.append(len(points))
        return forward(points)

    watched = type(attacked)(**{name: getattr(attacked, name) for name in attacked.__slots__} | {"tensors": counted})
    if attack.group == "auditor":
        from soundbench.auditor import tensors_in_torch

        def watch(*arguments):
            inner = tensors_in_torch(*arguments)
            return lambda points: seen.append(len(points)) or inner(points)

        monkeypatch.setattr("soundbench.auditor.tensors_in_torch", watch)
    reached = run(attack, watched)
    assert int(reached.queries[0]) == sum(seen)


@every_attack
def test_the_same_seed_gives_the_same_result(attack):
    attacked = holding(attack)
    first, second = run(attack, attacked), run(attack, attacked)
    assert torch.equal(first.point, second.point)
    assert torch.equal(first.margin, second.margin)
    assert torch.equal(first.queries, second.queries)


@every_attack
def test_global_random_numbers_are_left_alone(attack):
    np.random.seed(7)  # noqa: NPY002
    torch.manual_seed(7)
    before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    run(attack, holding(attack))
    assert np.array_equal(np.random.get_state()[1], before[0])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[1])


@pytest.mark.parametrize("attack", [each for each in SHORT if each.group != "auditor" and not each.together],
                         ids=lambda attack: attack.name)  # fmt: skip
def test_a_pyramid_on_a_billionth_of_the_box_is_not_found_by_queries(attack):
    attacked = targets(pyramid([0.13] * 8, 0.05), box_of(8, *BOX, "(>= Y_0 0.9)"))
    reached = run(attack, attacked)
    assert not attacked.judge(reached.point[0], 0).found
    assert reached.margin[0] == pytest.approx(0.9)


def test_the_auditor_finds_that_pyramid():
    attacked = targets(pyramid([0.13] * 8, 0.05), box_of(8, *BOX, "(>= Y_0 0.9)"))
    assert attacked.judge(run(BATTERY[-1], attacked).point[0], 0).found


def test_the_names_of_the_whole_battery():
    names = [attack.name for attack in BATTERY]
    assert names[:2] == ["pgd 0.25x0", "pgd 0.25x100"]
    assert [name for name in names if not name.startswith("pgd")] == ["corners", "uniform", "apgd", "square", "auditor"]
    assert len(names) == len(set(names)) == 20
    assert "pgd-ce 0.25x0" not in names
    assert [each.name for each in battery(1, 1, with_library=False) if each.one_box] == ["auditor"]


def test_attacks_are_chosen_by_name_or_group():
    assert [each.name for each in chosen(BATTERY, ["corners", "pgd 0.25x100"])] == ["pgd 0.25x100", "corners"]
    assert len(chosen(BATTERY, ["pgd"])) == 15
    assert chosen(BATTERY, []) == BATTERY
    with pytest.raises(InputError, match=r"--only: no attack is named 'pdg'; there are: pgd, pgd 0.25x0, "):
        chosen(BATTERY, ["pgd", "pdg"])


def test_without_the_library_one_line_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr("soundbench.library_attacks.DISTRIBUTION", "no-such-distribution")
    with pytest.raises(
        InputError, match=r"pip install 'soundbench\[attack\]', or leave them out with --without-library"
    ):
        battery(1, 1, with_library=True)
    assert soundbench.battery.battery(1, 1, with_library=False)
