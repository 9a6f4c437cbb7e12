import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from planted import TINY, recipe_of

from soundbench.errors import InputError
from soundbench.fronts import FRONTS
from soundbench.graph import Function
from soundbench.ground_truth import TwinKind
from soundbench.notation import Notation
from soundbench.placement import Place
from soundbench.recipe import Factors, Network, Reason, Recipe, Wanted, read_recipe
from soundbench.scale import SCALES
from soundbench.specification import FORMS
from soundbench.trigger import Hardness, Shape

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

FULL = """
name = "full"
version = "2.1"
boxes = 5
timeout_seconds = 30
queries = 1_000_000
chance = 1e-6
tight = ["relative", "summation"]
tight_pairs = 2

[defaults]
radius = 0.05
classes = 3

[factors]
scale = ["near", "large"]
form = ["combined"]
place = ["face", "deep"]
shape = ["cube", "fixed_input"]
notation = ["joined"]
twin = ["crowd", "scaled"]

[[hardness]]
name = "easy"
overshoot = 3
moved_rows = 1
crowd = 7
reads = 5

[[hardness]]
name = "medium"

[[forbid]]
place = "face"
shape = "cube"

[[cell]]
why = "rounding at a face"
reveals = ["child-lost"]
network = "b"
place = "face"

[[network]]
name = "a"
front = "conv_strided"
input_shape = [2, 3, 4]
activation = "tanh"
hidden = [9, 8]
classes = 4
softmax = true
margin = 0.5

[[network]]
name = "b"
input_shape = [6]
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
    first = Network(
        name="a",
        input_shape=(2, 3, 4),
        front="conv_strided",
        activation=Function.TANH,
        hidden=(9, 8),
        classes=4,
        woven=True,
        softmax=True,
        radius=0.05,
        margin=0.5,
    )
    assert recipe_of(FULL, tmp_path) == Recipe(
        name="full",
        version="2.1",
        boxes=5,
        timeout_seconds=30.0,
        queries=1e6,
        chance=1e-6,
        tight=("relative", "summation"),
        tight_pairs=2,
        networks=(first, Network(name="b", input_shape=(6,), woven=False, radius=0.05, classes=3)),
        factors=Factors(
            scale=("near", "large"),
            form=("combined",),
            place=(Place.FACE, Place.DEEP),
            shape=(Shape.CUBE, Shape.FIXED_INPUT),
            notation=(Notation.JOINED,),
            twin=(TwinKind.CROWD, TwinKind.SCALED),
        ),
        hardness=(Hardness("easy", overshoot=3.0, moved_rows=1, crowd=7, reads=5), Hardness("medium")),
        forbidden=frozenset({frozenset({("place", "face"), ("shape", "cube")})}),
        wanted=(Wanted({"network": "b", "place": "face"}, Reason("rounding at a face", ("child-lost",))),),
    )


def test_values_are_those_of_all_factors_by_name(tmp_path):
    assert recipe_of(FULL, tmp_path).values == {
        "network": ("a", "b"),
        "scale": ("near", "large"),
        "form": ("combined",),
        "place": ("face", "deep"),
        "shape": ("cube", "fixed_input"),
        "notation": ("joined",),
        "twin": ("crowd", "scaled"),
        "hardness": ("easy", "medium"),
    }


def test_the_shipped_recipe_is_read_and_tries_all_that_there_is():
    from importlib.resources import files

    recipe = read_recipe(files("soundbench.instances") / "core.toml")
    assert recipe.name == "core"
    assert {network.front for network in recipe.networks} == {"none", *FRONTS}
    assert {network.activation for network in recipe.networks} == set(Function)
    # In a box the first of any is drawn like any of the others, and the last of three boxes is like that of two.
    assert set(FORMS) - set(recipe.factors.form) == {"any_class", "second_of_two_boxes"}
    for factor, kind in (("scale", SCALES), ("place", Place), ("shape", Shape), ("notation", Notation)):
        assert set(getattr(recipe.factors, factor)) == set(kind)
    assert set(recipe.factors.twin) == set(TwinKind)


def replaced(old, new):
    assert old in FULL
    return FULL.replace(old, new, 1)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        # keys
        ("radius = 0.05", "radios = 0.05", "network 'a': unknown key 'radios'; known: name, input_shape"),
        ("chance = 1e-6", "chances = 1e-6", "unknown key 'chances'; known: name, version"),
        ("[defaults]", "cells = 3\n[defaults]", "unknown key 'cells'"),
        ('twin = ["crowd"', 'twins = ["crowd"', "[factors]: unknown key 'twins'; known: scale, form, place, shape"),
        ('why = "rounding', 'because = "rounding', "cell 1: the key 'why' is missing"),
        ('place = "face"\n\n[[net', 'places = "face"\n\n[[net', "cell 1: unknown factor 'places'; known: network"),
        ('place = "face"\n\n[[net', 'place = "centre"\n\n[[net', "cell 1: 'centre' is no place of the recipe"),
        ('network = "b"\nplace = "face"\n', "", "cell 1: names no factor; give at least one beside why"),
        ('reveals = ["child-lost"]', 'reveals = "child-lost"', "cell 1: reveals = 'child-lost': a list is needed"),
        ("crowd = 7", "crows = 7", "hardness 'easy': unknown key 'crows'; known: name, overshoot"),
        ('name = "full"', "", "the key 'name' is missing"),
        ('version = "2.1"', "", "the key 'version' is missing"),
        ('name = "b"', "", "network 2: the key 'name' is missing"),
        ("input_shape = [6]\n", "", "network 'b': the key 'input_shape' is missing"),
        ('name = "medium"', "reads = 9", "hardness 2: the key 'name' is missing"),
        # types
        ('version = "2.1"', "version = 2.1", "version = 2.1: str is needed"),
        ("reads = 5", "reads = 6.0", "hardness 'easy': reads = 6.0: int is needed"),
        ("reads = 5", "reads = true", "reads = True: int is needed"),
        ("boxes = 5", "boxes = 5.5", "boxes = 5.5: int is needed"),
        ("woven = false", "woven = 0", "network 'b': woven = 0: bool is needed"),
        ("woven = false", 'woven = "no"', "network 'b': woven = 'no': bool is needed"),
        ("radius = 0.05", 'radius = "0.05"', "radius = '0.05': float is needed"),
        ("radius = 0.05", "radius = true", "radius = True: float is needed"),
        ("input_shape = [6]", "input_shape = 6", "input_shape = 6: a list is needed"),
        ("input_shape = [6]", 'input_shape = ["6"]', "input_shape = ['6']: int is needed"),
        ("input_shape = [6]", "input_shape = [[6]]", "input_shape = [[6]]: int is needed"),
        ('form = ["combined"]', 'form = "combined"', "[factors]: form = 'combined': a list is needed"),
        ('form = ["combined"]', "form = [3]", "form = [3]: str is needed"),
        ('front = "conv_strided"', "front = 3", "front = 3: str is needed"),
        ('tight = ["relative", "summation"]', 'tight = "relative"', "tight = 'relative': a list is needed"),
        # words
        ('"crowd", "scaled"', '"aligned"', "[factors]: twin = ['aligned']: not one of scaled, misaligned, crowd"),
        ('"face", "deep"', '"middle"', "place = ['middle']: not one of interior, centre, split_plane"),
        ('"cube", "fixed_input"', '"ball"', "shape = ['ball']: not one of cube, anisotropic, fixed_input"),
        ('notation = ["joined"]', 'notation = ["upside"]', "notation = ['upside']: not one of plain, turned, joined"),
        ('"near", "large"', '"nowhere"', "unknown scale; known: near, far, tiny, large"),
        ('form = ["combined"]', 'form = ["combine"]', "unknown form; known: one_against_one, strictly_above"),
        ('"relative", "summation"', '"close"', "unknown kind of tight; known: relative, last_digit"),
        ('front = "conv_strided"', 'front = "conv"', "unknown front; known: none, conv_strided"),
        ('activation = "tanh"', 'activation = "gelu"', "activation = 'gelu': not one of relu, sigmoid, tanh"),
        # values of factors
        ('"near", "large"', '"near", "near"', "two values of scale are the same"),
        ('"face", "deep"', '"face", "face", "deep"', "two values of place are the same"),
        ('"crowd", "scaled"', "", "no twin in it"),
        ('form = ["combined"]', "form = []", "no form in it"),
        ('name = "medium"', 'name = "easy"', "two values of hardness are the same"),
        ('"relative", "summation"', '"relative", "relative"', "two values of tight are the same"),
        ('place = "face"\n', "", "forbid must name two factors and a value of each"),
        ('shape = "cube"\n', 'shape = "cube"\ntwin = "crowd"\n', "forbid must name two factors and a value of each"),
        ('shape = "cube"', 'shape = "anisotropic"', "forbid must name two factors and a value of each"),
        ('shape = "cube"', 'shapes = "cube"', "forbid must name two factors and a value of each"),
        ('shape = "cube"', 'shape = ["cube"]', "forbid must name two factors and a value of each"),
        # dials of the recipe
        ("timeout_seconds = 30", "timeout_seconds = 0", "timeout_seconds must be positive"),
        ("timeout_seconds = 30", "timeout_seconds = nan", "timeout_seconds = nan: a finite number is needed"),
        ("queries = 1_000_000", "queries = -1", "queries must be at least 1"),
        ("queries = 1_000_000", "queries = inf", "queries = inf: a finite number is needed"),
        ("chance = 1e-6", "chance = 0", "chance must lie in (0, 0.1]"),
        ("chance = 1e-6", "chance = 2.0", "chance must lie in (0, 0.1]"),
        ("boxes = 5", "boxes = 0", "boxes must be positive"),
        ("tight_pairs = 2", "tight_pairs = 0", "tight_pairs must be positive"),
        # dials of hardness
        ("overshoot = 3", "overshoot = 1", "overshoot must exceed 1"),
        ("moved_rows = 1", "moved_rows = 0", "moved_rows must be positive"),
        ("moved_rows = 1", "moved_rows = 6", "reads must be at least 4, and as many as moved_rows"),
        ("crowd = 7", "crowd = 1", "crowd must be at least 2"),
        ("reads = 5", "reads = 3", "reads must be at least 4, and as many as moved_rows"),
        # dials of a network
        ("radius = 0.05", "radius = nan", "radius = nan: a finite number is needed"),
        ("radius = 0.05", "radius = 0.2", "network 'a': radius must lie in [0.01, 0.12]"),
        ("radius = 0.05", "radius = 0.009", "radius must lie in [0.01, 0.12]"),
        ("input_shape = [6]", "input_shape = [4]", "network 'b': at least 5 inputs are needed"),
        ("input_shape = [6]", "input_shape = []", "input_shape must be positive"),
        ("input_shape = [6]", "input_shape = [0]", "input_shape must be positive"),
        ("input_shape = [6]", "input_shape = [-2, -3]", "input_shape must be positive"),
        ("input_shape = [6]", "input_shape = [100_000]", "must not exceed 10000"),
        ("input_shape = [2, 3, 4]", "input_shape = [24]", "(channels, rows, columns)"),
        ("hidden = [9, 8]", "hidden = [9]", "hidden needs at least two widths"),
        ("hidden = [9, 8]", "hidden = []", "hidden needs at least two widths"),
        ("hidden = [9, 8]", "hidden = [9, 0]", "hidden needs at least two widths, all positive"),
        ("hidden = [9, 8]", "hidden = [9, 8, 7]", "hidden must be two widths with the activation tanh"),
        ("hidden = [9, 8]", "hidden = [9, 1_000_000_000]", "must not exceed 10000"),
        ("classes = 4", "classes = 1", "classes must be at least 2"),
        ("classes = 4", "classes = 1_000_000", "must not exceed 10000"),
        ("margin = 0.5", "margin = 0", "margin must be positive"),
        # names become file names
        ('name = "b"', 'name = "a"', "two values of network are the same"),
        ('name = "b"', 'name = ""', "name must be letters"),
        ('name = "b"', 'name = "../b"', "name must be letters"),
        ('name = "b"', 'name = "b,c"', "name must be letters"),
        ('name = "b"', 'name = "b\\nc"', "name must be letters"),
        ('name = "b"', 'name = "-b"', "name must be letters"),
        # tables
        ("[defaults]", "[[defaults]]", "[defaults], keys of networks, and [factors] are tables"),
        ("[factors]", "[[factors]]", "[defaults], keys of networks, and [factors] are tables"),
        ("[[forbid]]", "[forbid]", "write each as a [[forbid]] table"),
    ],
)  # fmt: skip
def test_a_wrong_recipe_is_refused_with_its_key(tmp_path, old, new, words):
    assert words in refusal(replaced(old, new), tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no networks in it; add at least one [[network]] table"),
        ('name = "a"\nversion = "1"', "no networks in it"),
        ("network = []", "no networks in it"),
        ("network = 3", "network = 3: write each as a [[network]] table"),
        ("network = [1]", "write each as a [[network]] table"),
        ("[network]\nname = 'a'", "write each as a [[network]] table"),
    ],
)
def test_a_recipe_without_networks(tmp_path, text, words):
    assert words in refusal(text, tmp_path)


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


KEYS = {
    "": ["name", "version", "boxes", "timeout_seconds", "queries", "chance", "tight", "tight_pairs", "hardness"],
    "[factors]": ["scale", "form", "place", "shape", "notation", "twin"],
    "[[hardness]]": ["name", "overshoot", "moved_rows", "crowd", "reads"],
    "[[forbid]]": ["place", "shape", "twin", "name"],
    "[[network]]": ["name", "input_shape", "front", "activation", "hidden", "classes", "woven", "radius", "margin"],
}
NEEDED = {
    "": {"name": '"n"', "version": '"1"'},
    "[[hardness]]": {"name": '"h"', "reads": "8"},
    "[[forbid]]": {"place": '"deep"', "shape": '"cube"'},
    "[[network]]": {"name": '"w"', "input_shape": "[8]"},
}
toml_values = st.sampled_from(
    ["1", "-1", "0.5", "nan", "inf", "true", '""', '"x"', '"crowd"', "[]", "[1]", '["face"]', "{}", "{a = 1}", "[[1]]",
     "1979-05-27", "99999999999999999999", "1e308", '"\\u0000"', "[4, 4]", "[1, 4, 4]", '["deep", "interior"]',
     '["cube", "anisotropic"]', '"gemm"', '"conv_strided"', "[{}]"]
)  # fmt: skip


changes = st.sampled_from([(head, key) for head, own in KEYS.items() for key in own])


@settings(unhurried, max_examples=200)
@given(changed=st.dictionaries(changes, toml_values, min_size=1, max_size=3))
def test_any_recipe_is_read_or_refused(tmp_path, changed):
    """Whatever the values: no other exception."""
    lines = []
    for head in KEYS:
        own = {key: value for (table, key), value in changed.items() if table == head}
        if own or head in ("", "[[network]]"):
            lines += [head, *(f"{key} = {value}" for key, value in {**NEEDED.get(head, {}), **own}.items())]
    try:
        recipe = recipe_of("\n".join(lines), tmp_path)
    except InputError as error:
        assert re.fullmatch(f"{tmp_path}/recipe.toml: .+", str(error))  # noqa: PT017
    else:
        assert len(recipe.networks) == 1


FORBID = """
[[forbid]]
form = "{form}"
network = "b"
"""


@pytest.mark.parametrize(
    ("form", "classes"), [("first_of_any", 3), ("middle_of_any", 4), ("last_of_any", 3), ("largest_of_all", 3)]
)
def test_a_form_of_several_regions_needs_classes_for_them(tmp_path, form, classes):
    """With fewer it would be another form, which `suite describe` would hold against the suite."""
    text = replaced('form = ["combined"]', f'form = ["combined", "{form}"]')
    enough, few = (
        text.replace("input_shape = [6]", f"input_shape = [6]\nclasses = {n}") for n in (classes, classes - 1)
    )
    assert recipe_of(enough, tmp_path).networks[1].classes == classes
    words = f"network 'b': classes must be at least {classes} for the form {form}; or forbid that"
    assert words in refusal(few, tmp_path)
    assert recipe_of(few + FORBID.format(form=form), tmp_path).networks[1].classes == classes - 1


def test_the_recipe_of_these_tests_is_read(tmp_path):
    assert [network.name for network in recipe_of(TINY, tmp_path).networks] == ["mlp"]
