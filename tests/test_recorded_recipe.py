import json

import pytest

from soundbench.errors import InputError
from soundbench.recorded_recipe import NetworkRecipe, RecordedRecipe, recorded_recipe

RECIPE = """
name = "core"

[[forbid]]
place = "narrow"
shape = "cube"

[[forbid]]
network = "mlp"
form = "combined"

[[network]]
name = "mlp"
front = "none"

[[network]]
name = "small"
front = "conv"
activation = "tanh"

[[network]]
name = "plain"

[[network]]
name = "shares"
softmax = true
"""


@pytest.fixture
def recorded(tmp_path):
    def read(**manifest):
        (tmp_path / "suite.json").write_text(json.dumps(manifest))
        return recorded_recipe(tmp_path)

    return read


def test_what_a_recipe_says(recorded):
    assert recorded(recipe=RECIPE) == RecordedRecipe(
        {
            "mlp": NetworkRecipe("none", "relu"),
            "small": NetworkRecipe("conv", "tanh"),
            "plain": NetworkRecipe("none", "relu"),
            "shares": NetworkRecipe("none", "relu", softmax=True),
        },
        frozenset(
            {
                (("place", "narrow"), ("shape", "cube")),
                (("form", "combined"), ("network", "mlp")),
            }
        ),
    )


@pytest.mark.parametrize(
    "text",
    [
        "", "name = 'core'", "network = 3", "network = 'mlp'", "network = [1, 2]", "[network]\nname = 'mlp'",
        "forbid = 'all'", "[[forbid]]\nplace = 'face'", "[[forbid]]\na = 1\nb = 2\nc = 3", "[[cell]]\nname = 'mlp'",
    ],
)  # fmt: skip
def test_a_recipe_of_another_form_says_nothing(recorded, text):
    assert recorded(recipe=text) == RecordedRecipe()
    assert recorded() == RecordedRecipe()


@pytest.mark.parametrize("text", ["[", "name =", 3, None, ["name = 1"], {"name": 1}, "a = " + "[" * 100_000])
def test_what_is_no_recipe_is_told_in_one_line(recorded, text):
    with pytest.raises(InputError, match=r"suite\.json: its recipe is not TOML") as refusal:
        recorded(recipe=text)
    assert len(str(refusal.value)) < 1000
