"""Every cell of the core recipe has its reason, and shows the faults that it is there for."""

from importlib.resources import files

import pytest
from hunting import hunt
from soundbench.cli.shipped import core_suite
from soundbench.verifiers.reference.faults import FAULTS, faults_named
from soundbench.verifiers.reference.panel import Budget

from soundbench.ground_truth import Role
from soundbench.level import Level, chosen
from soundbench.recipe import Wanted, read_recipe
from soundbench.suite import load_suite

RECIPE = read_recipe(files("soundbench.instances") / "core.toml")
SUITE = load_suite(core_suite())
TRUTH = SUITE.ground_truth
REVEALING = [each for each in RECIPE.wanted if each.reason.reveals]
BUDGET = Budget(100)


def armed(cell: Wanted) -> list:
    """The armed instances that have the values of a cell."""
    return [
        each
        for each in SUITE.instances
        if TRUTH[each.name].role is Role.ARMED and cell.values.items() <= TRUTH[each.name].factors.items()
    ]


@pytest.mark.parametrize("factor", ["network", "form", "place", "shape"])
def test_every_value_is_there_for_a_reason(factor: str):
    named = {each.values[factor] for each in RECIPE.wanted if factor in each.values}
    assert named == set(RECIPE.values[factor])
    assert all(each.reason.why for each in RECIPE.wanted)


def test_every_fault_is_named_by_a_cell():
    assert {name for each in REVEALING for name in each.reason.reveals} == {fault.name for fault in FAULTS}


@pytest.mark.parametrize("cell", REVEALING, ids=lambda cell: cell.reason.why)
def test_a_cell_shows_the_faults_that_it_is_there_for(cell: Wanted):
    faults = faults_named(cell.reason.reveals)
    assert hunt(SUITE, armed(cell), faults, BUDGET).keys() == {fault.name for fault in faults}


def test_the_level_smoke_catches_every_fault():
    assert hunt(SUITE, chosen(SUITE, Level.SMOKE), FAULTS, BUDGET).keys() == {fault.name for fault in FAULTS}
