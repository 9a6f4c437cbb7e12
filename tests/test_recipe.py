import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from planted import TINY, recipe_of

from soundbench.architecture import Front
from soundbench.errors import InputError
from soundbench.graph import Function
from soundbench.ground_truth import Position, TwinKind
from soundbench.recipe import Cell, Recipe, read_recipe

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

FULL = """
name = "full"
version = "2.1"
timeout_seconds = 30
queries = 1_000_000
chance = 1e-6

[defaults]
radius = 0.05
crowd = 7

[[cell]]
name = "a"
input_shape = [2, 3, 4]
reads = 5
twins = ["crowd", "scaled", "crowd"]
positions = ["face"]
front = "conv"
activation = "tanh"
hidden = [9, 8]
width = 2
classes = 4
crowd = 3
overshoot = 3
moved_rows = 1
margin = 0.5

[[cell]]
name = "b"
input_shape = [6]
reads = 6
twins = ["misaligned"]
woven = false
"""


def refusal(text, folder):
    """Why a recipe is refused: one line that begins with its file."""
    with pytest.raises(InputError) as error:
        recipe_of(text, folder)
    message = str(error.value)
    assert message.startswith(str(folder / "recipe.toml"))
    assert "\n" not in message
    return message


def test_every_key_is_read(tmp_path):
    first = Cell(
        name="a",
        input_shape=(2, 3, 4),
        reads=5,
        twins=(TwinKind.CROWD, TwinKind.SCALED, TwinKind.CROWD),
        positions=(Position.FACE,),
        front=Front.CONV,
        activation=Function.TANH,
        hidden=(9, 8),
        width=2,
        classes=4,
        woven=True,
        radius=0.05,
        overshoot=3.0,
        moved_rows=1,
        crowd=3,
        margin=0.5,
    )
    second = Cell(name="b", input_shape=(6,), reads=6, twins=(TwinKind.MISALIGNED,), woven=False, radius=0.05, crowd=7)
    assert recipe_of(FULL, tmp_path) == Recipe("full", "2.1", (first, second), 30.0, 1e6, 1e-6)


def test_the_shipped_recipe_is_read():
    from importlib.resources import files

    recipe = read_recipe(files("soundbench.instances") / "core.toml")
    assert recipe.name == "core"
    assert {cell.name for cell in recipe.cells} >= {"mlp", "cnn", "avgpool", "tanh", "sigmoid", "residual"}


def replaced(old, new):
    assert old in FULL
    return FULL.replace(old, new, 1)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        # keys
        ("radius = 0.05", "radios = 0.05", "unknown key 'radios'; known: name, input_shape"),
        ("chance = 1e-6", "chances = 1e-6", "unknown key 'chances'; known: name, version"),
        ("[defaults]", "cells = 3\n[defaults]", "unknown key 'cells'"),
        ('name = "full"', "", "the key 'name' is missing"),
        ('version = "2.1"', "", "the key 'version' is missing"),
        ('name = "b"', "", "cell 2: the key 'name' is missing"),
        ('reads = 6\n', "", "cell 'b': the key 'reads' is missing"),
        # types
        ('version = "2.1"', "version = 2.1", "version = 2.1: str is needed"),
        ("reads = 6", "reads = 6.0", "cell 'b': reads = 6.0: int is needed"),
        ("reads = 6", "reads = true", "cell 'b': reads = True: int is needed"),
        ("woven = false", "woven = 0", "cell 'b': woven = 0: bool is needed"),
        ("woven = false", 'woven = "no"', "cell 'b': woven = 'no': bool is needed"),
        ("radius = 0.05", 'radius = "0.05"', "radius = '0.05': float is needed"),
        ("radius = 0.05", "radius = true", "radius = True: float is needed"),
        ("input_shape = [6]", "input_shape = 6", "input_shape = 6: a list is needed"),
        ("input_shape = [6]", 'input_shape = ["6"]', "input_shape = ['6']: int is needed"),
        ("input_shape = [6]", "input_shape = [[6]]", "input_shape = [[6]]: int is needed"),
        ('twins = ["misaligned"]', 'twins = "misaligned"', "twins = 'misaligned': a list is needed"),
        ('front = "conv"', "front = 3", "front = 3: not one of none, conv, conv_avgpool, residual"),
        ('front = "conv"', "front = [3]", "front = [3]: not one of"),
        # words
        ('twins = ["misaligned"]', 'twins = ["aligned"]', "twins = ['aligned']: not one of scaled, misaligned, crowd"),
        ('positions = ["face"]', 'positions = ["corner"]', "positions must be of interior, face"),
        ('activation = "tanh"', 'activation = "gelu"', "activation = 'gelu': not one of relu, sigmoid, tanh"),
        # dials of the recipe
        ("timeout_seconds = 30", "timeout_seconds = 0", "timeout_seconds must be positive"),
        ("timeout_seconds = 30", "timeout_seconds = nan", "timeout_seconds = nan: a finite number is needed"),
        ("queries = 1_000_000", "queries = -1", "queries must be at least 1"),
        ("queries = 1_000_000", "queries = inf", "queries = inf: a finite number is needed"),
        ("chance = 1e-6", "chance = 0", "chance must lie in (0, 0.1]"),
        ("chance = 1e-6", "chance = 2.0", "chance must lie in (0, 0.1]"),
        # dials of a cell
        ("radius = 0.05", "radius = nan", "radius = nan: a finite number is needed"),
        ("radius = 0.05", "radius = 0.2", "cell 'a': radius must lie in (0, 0.12]"),
        ("radius = 0.05", "radius = 0", "radius must lie in (0, 0.12]"),
        ("reads = 5", "reads = 3", "cell 'a': reads must lie between 4 and the 24 inputs"),
        ("reads = 5", "reads = 25", "reads must lie between 4 and the 24 inputs"),
        ("input_shape = [6]", "input_shape = []", "input_shape must be positive"),
        ("input_shape = [6]", "input_shape = [0]", "input_shape must be positive"),
        ("input_shape = [6]", "input_shape = [-2, -3]", "input_shape must be positive"),
        ("input_shape = [6]", "input_shape = [100_000]", "must not exceed 10000"),
        ("input_shape = [2, 3, 4]", "input_shape = [24]", "(channels, rows, columns)"),
        ('twins = ["misaligned"]', "twins = []", "twins and positions must not be empty"),
        ('positions = ["face"]', "positions = []", "twins and positions must not be empty"),
        ('positions = ["face"]', 'positions = ["face", "face"]', "positions must not repeat"),
        ("hidden = [9, 8]", "hidden = [9]", "hidden needs at least two widths"),
        ("hidden = [9, 8]", "hidden = []", "hidden needs at least two widths"),
        ("hidden = [9, 8]", "hidden = [9, 0]", "hidden needs at least two widths, all positive"),
        ("hidden = [9, 8]", "hidden = [9, 8, 7]", "hidden must be two widths with the activation tanh"),
        ("hidden = [9, 8]", "hidden = [9, 1_000_000_000]", "must not exceed 10000"),
        ("width = 2", "width = 0", "width must be positive"),
        ("classes = 4", "classes = 1", "classes must be at least 2"),
        ("classes = 4", "classes = 1_000_000", "must not exceed 10000"),
        ("overshoot = 3", "overshoot = 1", "overshoot must exceed 1"),
        ("moved_rows = 1", "moved_rows = 0", "moved_rows must lie between 1 and reads"),
        ("moved_rows = 1", "moved_rows = 6", "moved_rows must lie between 1 and reads"),
        ("crowd = 3", "crowd = 1", "crowd must be at least 2"),
        ("margin = 0.5", "margin = 0", "margin must be positive"),
        ('front = "conv"', 'front = "conv_avgpool"', "front conv_avgpool needs the activation relu"),
        ('front = "conv"', 'front = "residual"', "front residual needs the activation relu"),
        ("width = 2", "woven = false", "woven = false needs the front none and an input_shape of one size"),
        # names become file names
        ('name = "b"', 'name = "a"', "two cells have one name"),
        ('name = "b"', 'name = ""', "name must be letters"),
        ('name = "b"', 'name = "../b"', "name must be letters"),
        ('name = "b"', 'name = "b,c"', "name must be letters"),
        ('name = "b"', 'name = "b\\nc"', "name must be letters"),
        ('name = "b"', 'name = "-b"', "name must be letters"),
        # tables
        ("[defaults]", "[[defaults]]", "write it as a [defaults] table"),
    ],
)  # fmt: skip
def test_a_wrong_recipe_is_refused_with_its_key(tmp_path, old, new, words):
    assert words in refusal(replaced(old, new), tmp_path)


@pytest.mark.parametrize(
    "text", ["", 'name = "a"\nversion = "1"', "cell = []", "cell = 3", "cell = [1]", "[cell]\nname = 'a'"]
)
def test_a_recipe_without_cells(tmp_path, text):
    assert "no cells in it" in refusal(text, tmp_path)


def test_a_recipe_that_is_not_there_or_not_toml(tmp_path):
    with pytest.raises(InputError, match="no such recipe"):
        read_recipe(tmp_path / "nothing.toml")
    with pytest.raises(InputError, match="not a readable recipe"):
        read_recipe(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"name = '\xe9'")
    with pytest.raises(InputError, match="not a readable recipe"):
        read_recipe(tmp_path / "latin.toml")
    assert "not a readable recipe" in refusal("name = ", tmp_path)
    assert "not a readable recipe" in refusal('name = "a"\nname = "b"', tmp_path)


keys = ["name", "version", "timeout_seconds", "queries", "chance"]
cell_keys = ["name", "input_shape", "reads", "twins", "hidden", "positions", "crowd", "front", "radius", "margin"]
toml_values = st.sampled_from(
    ["1", "-1", "0.5", "nan", "inf", "true", '""', '"x"', '"crowd"', "[]", "[1]", '["face"]', "{}", "{a = 1}", "[[1]]",
     "1979-05-27", "99999999999999999999", "1e308", '"\\u0000"', "[4, 4]", "[1, 4, 4]"]
)  # fmt: skip


@settings(unhurried, max_examples=200)
@given(
    table=st.dictionaries(st.sampled_from(keys), toml_values),
    cell=st.dictionaries(st.sampled_from(cell_keys), toml_values),
)
def test_any_recipe_is_read_or_refused(tmp_path, table, cell):
    """Whatever the values: no other exception."""
    top = {"name": '"n"', "version": '"1"', **table}
    inner = {"name": '"c"', "input_shape": "[8]", "reads": "8", "twins": '["scaled"]', **cell}
    lines = [f"{key} = {value}" for key, value in top.items()]
    text = "\n".join([*lines, "[[cell]]", *(f"{key} = {value}" for key, value in inner.items())])
    try:
        recipe = recipe_of(text, tmp_path)
    except InputError as error:
        assert re.fullmatch(f"{tmp_path}/recipe.toml: .+", str(error))  # noqa: PT017
    else:
        assert len(recipe.cells) == 1


def test_the_recipe_of_these_tests_is_read(tmp_path):
    assert [cell.name for cell in recipe_of(TINY, tmp_path).cells] == ["mlp"]
