"""The cells of a recipe: every two values that may meet do in some armed box, in no more networks than need be."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import TINY, recipe_of

from soundbench.covering import NoRow
from soundbench.ground_truth import TwinKind
from soundbench.matrix import cells_of
from soundbench.notation import Notation
from soundbench.placement import Place
from soundbench.recipe import Factors, Network, Recipe
from soundbench.specification import FORMS
from soundbench.trigger import Hardness, Shape

EASY = (Hardness("easy"),)


def recipe(factors, *, networks=2, boxes=3, hardness=EASY, forbidden=frozenset()):
    some = tuple(Network(f"n{number}", (24,)) for number in range(networks))
    return Recipe(
        name="r", version="1", boxes=boxes, networks=some, factors=factors, hardness=hardness, forbidden=forbidden
    )


def some_of(values):
    return st.lists(st.sampled_from(list(values)), min_size=1, max_size=4, unique=True).map(tuple)


FACTORS = st.builds(
    Factors,
    scale=some_of(["near", "far"]),
    form=some_of(FORMS),
    place=some_of(Place),
    shape=some_of(Shape),
    notation=some_of(Notation),
    twin=some_of(TwinKind),
)
LEVELS = some_of(["easy", "hard"]).map(lambda names: tuple(map(Hardness, names)))


def values_of(cell):
    """What each armed box of a cell tries, by factor."""
    return [
        {
            "network": cell.network.name,
            "scale": cell.scale,
            "form": trigger.form,
            "place": trigger.place,
            "shape": trigger.shape,
            "notation": trigger.notation,
            "twin": trigger.twin,
            "hardness": trigger.hardness.name,
        }
        for trigger in cell.triggers
    ]


def pairs(row):
    return {frozenset(pair) for pair in itertools.combinations(row.items(), 2)}


@settings(max_examples=30, deadline=None)
@given(factors=FACTORS, hardness=LEVELS, networks=st.integers(1, 3), boxes=st.integers(1, 4), data=st.data())
def test_every_two_values_meet_but_those_that_are_forbidden(factors, hardness, networks, boxes, data):
    plain = recipe(factors, networks=networks, boxes=boxes, hardness=hardness)
    all_pairs = sorted(
        (
            frozenset({(one, value), (other, another)})
            for (one, values), (other, others) in itertools.combinations(plain.values.items(), 2)
            for value in values
            for another in others
        ),
        key=sorted,
    )
    forbidden = frozenset(data.draw(st.lists(st.sampled_from(all_pairs), max_size=2)))
    try:
        cells = cells_of(replace(plain, forbidden=forbidden))
    except NoRow:
        assert forbidden
        return
    rows = [row for cell in cells for row in values_of(cell)]
    assert set().union(*map(pairs, rows)) == set(all_pairs) - forbidden
    assert all(1 <= len(cell.triggers) <= boxes for cell in cells)
    # Only the last cell of a network and scale may have boxes left.
    for (name, scale), own in itertools.groupby(cells, key=lambda cell: (cell.network.name, cell.scale)):
        *full, _ = own
        assert all(len(cell.triggers) == boxes for cell in full)
        assert name in {network.name for network in plain.networks}
        assert scale in factors.scale


def test_cells_are_named_for_network_scale_and_number_and_always_the_same():
    many = Factors(scale=("near", "far"), place=tuple(Place))
    cells = cells_of(recipe(many, boxes=4))
    assert len(cells) > 4
    assert len({cell.name for cell in cells}) == len(cells)
    counts: dict[tuple[str, str], int] = {}
    for cell in cells:
        key = cell.network.name, cell.scale
        counts[key] = counts.get(key, 0) + 1
        assert cell.name == f"{cell.network.name}-{cell.scale}-{counts[key]}"
    assert cells == cells_of(recipe(many, boxes=4))


def test_a_box_gets_the_hardness_of_its_row(tmp_path):
    (cell,) = cells_of(recipe_of(TINY, tmp_path))
    assert [trigger.twin for trigger in cell.triggers] == list(TwinKind)
    assert {trigger.hardness for trigger in cell.triggers} == {Hardness("easy", crowd=3, reads=10)}


def test_what_a_recipe_wants_to_meet_does(tmp_path):
    text = TINY.replace("[factors]", '[[cell]]\nwhy = "both"\nplace = "deep"\ntwin = "crowd"\n[factors]\nPLACES')
    text = text.replace("PLACES", 'scale = ["near", "far"]\nplace = ["face", "deep", "corner"]')
    (first, *_), *_ = (cell.triggers for cell in cells_of(recipe_of(text, tmp_path)) if cell.scale == "near")
    assert (first.place, first.twin) == (Place.DEEP, TwinKind.CROWD)


def test_values_that_can_never_meet_are_named(tmp_path):
    text = TINY.replace("[factors]", '[[forbid]]\nplace = "deep"\nshape = "cube"\n[factors]\nplace = ["deep", "face"]')
    with pytest.raises(NoRow, match=r"^network mlp and place deep cannot meet: .*; forbid that too"):
        cells_of(recipe_of(text, tmp_path))
