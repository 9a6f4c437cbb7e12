import re

import pytest
from soundbench.cli.generate import recipe_path

from soundbench.errors import InputError
from soundbench.ground_truth import Position
from soundbench.moat import Moat
from soundbench.moat_dials import suited
from soundbench.networks import ARCHITECTURES
from soundbench.published import Published
from soundbench.trained_recipe import read_trained_recipe

TEXT = """
name = "mine"
version = "2"
timeout_seconds = 50.0

[moat]
steps = 500

[defaults]
radii = [0.2, 0.5]

[[model]]
architecture = "cnn_1_conv"
input_shapes = [[1, 5, 5], [3, 8, 6]]

[[model]]
architecture = "mlp_4_hidden"
input_shapes = [[10], [7]]
radii = [0.3]
position = "edge"
armed = 3
clean = 0
moat = { steps = 900, hold = 0.5 }
"""


def read(tmp_path, text=TEXT, method="moat"):
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    return read_trained_recipe(path, method)


def test_every_combination_is_a_model(tmp_path):
    recipe = read(tmp_path)
    assert (recipe.name, recipe.version, recipe.timeout_seconds, recipe.restarts) == ("mine", "2", 50.0, 75)
    assert [model.name for model in recipe.models] == [
        "cnn_1_conv_ch1_eps0.2",
        "cnn_1_conv_ch1_eps0.5",
        "cnn_1_conv_ch3_8x6_eps0.2",
        "cnn_1_conv_ch3_8x6_eps0.5",
        "mlp_4_hidden_eps0.3",
        "mlp_4_hidden_in7_eps0.3",
    ]
    last = recipe.models[-1]
    assert (last.input_shape, last.radius, last.position, last.armed, last.clean) == ((7,), 0.3, Position.EDGE, 3, 0)
    assert last.method == Moat(**{**suited("mlp_4_hidden", 7, 0.3), "steps": 900, "hold": 0.5})
    assert recipe.models[0].method == Moat(**{**suited("cnn_1_conv", 25, 0.2), "steps": 500})
    assert recipe.models[1].method == Moat(**{**suited("cnn_1_conv", 25, 0.5), "steps": 500})
    assert (last.method.rim, last.method.depth, last.method.first_scale) == (1.6, 0.3, 2 / 0.3)
    narrow, wide = (model.method for model in recipe.models[:2])
    assert (narrow.first_scale, narrow.hold, narrow.walkers, narrow.bound_weight) == (10.0, 1.0, 10, 5.0)
    assert (wide.first_scale, wide.hold, wide.walkers, wide.peak_rate) == (4.0, 0.1, 20, 3e-3)


def test_the_method_chooses_the_dials(tmp_path):
    assert {model.method for model in read(tmp_path, method="paper").models} == {Published()}


def test_the_shipped_recipe_has_the_32_combinations():
    models = read_trained_recipe(recipe_path("paper"), "moat").models
    assert len(models) == 32
    published = set(ARCHITECTURES) - {"cnn_residual"}
    assert {model.architecture for model in models} == published
    for name in published:
        own = {(model.input_shape, model.radius) for model in models if model.architecture == name}
        shapes = [(10,)] if name.startswith("mlp") else [(1, 5, 5), (3, 5, 5)]
        assert own == {(shape, radius) for shape in shapes for radius in (0.2, 0.5)}
    assert all((model.armed, model.clean) == (10, 10) for model in models)


def test_the_paper_s_numbers_are_the_defaults():
    found = Published()
    assert (found.window, found.margin, found.attack_restarts, found.attack_iterations) == (300, 0.01, 75, 75)
    assert (found.steps, found.warm_up, found.peak_rate, found.largest_gradient) == (10_000, 0.4, 1e-3, 10.0)
    assert (found.attack_step, found.check_every, found.strong_restarts) == (0.1, 200, 75)
    assert found.strong_grid == (
        (0.25, 0), (0.25, 100), (0.02, 100), (0.02, 250), (0.02, 500), (0.01, 1000), (0.01, 3000), (0.01, 5000),
    )  # fmt: skip
    rates = [found.learning_rate(step) for step in range(found.steps)]
    assert max(rates) == rates[3999] == 1e-3
    assert rates[0] == pytest.approx(1e-3 / 4000)
    assert rates[6999] == pytest.approx(1e-3 * 3001 / 6000)
    assert min(rates) > 0


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"cnn_1_conv"', '"cnn_9_conv"', "model 'cnn_9_conv': unknown architecture; known: cnn_1_conv"),
        ("[3, 8, 6]", "[3, 8]", "model 'cnn_1_conv': input_shapes must be a list of [channels, rows, columns]"),
        ("[7]", "[1, 7, 7]", "model 'mlp_4_hidden': input_shapes must be a list of [inputs]"),
        ("radii = [0.3]", "radii = [1.5]", "radii must be a list of numbers in (0, 1]"),
        ("radii = [0.3]", "radii = [0.0]", "radii must be a list of numbers in (0, 1]"),
        ("armed = 3", "armed = 0", "armed must be positive"),
        ("steps = 500", "steps = 0", "moat: steps, bound_every, check_every and check_restarts must be positive"),
        ("steps = 500", "step = 500", "moat: unknown key 'step'"),
        ('version = "2"', 'version = "2"\ncorners = 0', "restarts and corners must be positive"),
        ("hold = 0.5", "hold = 1.5", "moat: warm_up, last_rate, hold, hold_from and bound_full must lie in [0, 1]"),
        ('"cnn_1_conv"', '"cnn_tanh"\nmoat = { bound_weight = 1.0 }', "bound_weight is for networks of ReLUs"),
        ("hold = 0.5", "bound_weight = -1.0", "low_weight, kinks, reserve and bound_weight must not be negative"),
        ("hold = 0.5", "reserve = -1.0", "low_weight, kinks, reserve and bound_weight must not be negative"),
        (
            "hold = 0.5",
            "climbers = -1",
            "walkers must be positive, uniform, corners, climbers, near and flips not negative",
        ),
        ("hold = 0.5", "check_grid = [[1.0]]", "moat: check_grid must be a list of [step, iterations], none twice"),
        ("hold = 0.5", "check_grid = [[0.5, 3], [0.5, 3]]", "none twice"),
        ("[[10], [7]]", "[[2]]", "position edge needs at least 3 inputs"),
        ("hold = 0.5", 'start = "cold"', "moat: start = 'cold': not one of scaled, measured"),
        ("moat = { steps = 900, hold = 0.5 }", "moat = 3", "moat = 3: a table of dials is needed"),
        ("[moat]", "[paper]\nwarm_up = 2.0\n[moat]", "paper: warm_up must lie in (0, 1)"),
        ('position = "edge"', 'position = "middle"', "position = 'middle': not one of interior, face, edge, corner"),
        ("timeout_seconds = 50.0", "timeout_seconds = 0.0", "timeout_seconds must be positive"),
        ('name = "mine"', "", "the key 'name' is missing"),
        ('name = "mine"', 'name = "mine"\nmodels = []', "unknown key 'models'; write each as a [[model]] table"),
        ('name = "mine"', 'name = "mine"\ncell = []', "unknown key 'cell'"),
        ("[[10], [7]]", "[[10], [10]]", "two models have one name"),
        ("[defaults]", "[defaults", "not a readable recipe"),
    ],
)
def test_a_wrong_recipe_is_refused_with_its_key(old, new, words, tmp_path):
    assert old in TEXT
    with pytest.raises(InputError, match=re.escape(words)) as error:
        read(tmp_path, TEXT.replace(old, new))
    assert "recipe.toml" in str(error.value)
