"""The files of an instance confirm what its recipe meant, and contradict what it did not."""

from fractions import Fraction

import pytest
from small_networks import unsafe_set

from soundbench import fronts
from soundbench.contradictions import FRONTS, MEANINGS, contradicted, meaning, unknown_values
from soundbench.ground_truth import Hiding, TwinKind
from soundbench.notation_features import notation_features
from soundbench.property_features import box_features, property_features
from soundbench.recipe import NO_FRONT
from soundbench.recorded_recipe import NetworkRecipe
from soundbench.vnnlib import parse_property
from soundbench.witness_features import place_among, witness_features

ANY = "(or (<= Y_0 Y_1) (<= Y_0 Y_2) (<= Y_0 Y_3))"
LARGEST = "(or (and (<= Y_0 Y_1) (<= Y_2 Y_1)) (and (<= Y_0 Y_2) (<= Y_1 Y_2)))"


def boxes(*bounds):
    return "(or {})".format(" ".join(f"(and (>= X_0 {low}) (<= X_0 {high}) (<= Y_0 Y_1))" for low, high in bounds))


# For each form: what asks it, and which region of how many is violated.
FORMS = {
    "one_against_one": ("(<= Y_0 Y_1)", [0], 1),
    "strictly_above": ("(< Y_0 Y_1)", [0], 1),
    "strictly_inside": ("(and (> X_0 0) (< X_0 1) (<= Y_0 Y_1))", [0], 1),
    "first_of_any": (ANY, [0], 3),
    "middle_of_any": (ANY, [1], 3),
    "last_of_any": (ANY, [2], 3),
    "largest_of_all": (LARGEST, [1], 2),
    "above_threshold": ("(>= Y_0 2.5)", [0], 1),
    "combined": ("(<= (+ (* 0.5 Y_0) Y_1 (* -1.0 Y_2)) 2.5)", [0], 1),
    "second_of_two_boxes": (boxes((0, 0.4), (0.6, 1)), [1], 2),
    "last_of_three_boxes": (boxes((0, 0.3), (0.4, 0.6), (0.7, 1)), [2], 3),
}


def features_of_form(assertion, violated, count):
    unsafe = unsafe_set(1, 4, "(>= X_0 0)", "(<= X_0 1)", assertion)
    words = {**property_features(unsafe), "violated region": place_among(violated, count)}
    return {feature: {word} for feature, word in words.items()}


def confirmed(features, factor):
    """The values of a factor that the features do not contradict."""
    return {value for value in MEANINGS[factor] if not list(contradicted(features, {factor: value}, {}))}


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_confirmed_by_its_files_and_by_no_others(form):
    assert set(FORMS) == set(MEANINGS["form"])
    assert confirmed(features_of_form(*FORMS[form]), "form") == {form}


@pytest.mark.parametrize(
    ("form", "violated"), [("first_of_any", [0, 1]), ("last_of_any", [0]), ("last_of_three_boxes", [])]
)
def test_a_form_needs_its_region_and_no_other(form, violated):
    assertion, _, count = FORMS[form]
    ((factor, words),) = contradicted(features_of_form(assertion, violated, count), {"form": form}, {})
    assert factor == "form"
    assert words.startswith(f"violated region: {place_among(violated, count)}, not the ")


def test_a_twin_confirms_the_form_that_its_pair_shares():
    """It has no witness, so nothing is known of the violated region."""
    features = features_of_form(*FORMS["first_of_any"])
    del features["violated region"]
    assert confirmed(features, "form") == {"first_of_any", "middle_of_any", "last_of_any"}


def features_of_box(*bounds):
    words = [
        word for index, (low, high) in enumerate(bounds) for word in (f"(>= X_{index} {low})", f"(<= X_{index} {high})")
    ]
    found = box_features(unsafe_set(len(bounds), 1, *words, "(<= Y_0 0)"))
    return {feature: {word} for feature, word in found.items()}


@pytest.mark.parametrize(
    ("box", "shape", "scales"),
    [
        ([(0, 0.2), (0.1, 0.3)], "cube", {"near"}),
        ([(0, 0.2), (0.1, 0.6), (0, 0.2)], "anisotropic", {"near"}),
        ([(0, 0.2), (0.1, 0.1), (0, 0.2)], "fixed_input", {"near"}),
        ([(0.5, 0.7), (-0.7, -0.5)], "cube", {"far"}),
        ([(0, 0.0125), (-0.01, 0.0025)], "cube", {"near", "tiny"}),
        ([(0, 200), (-100, 100)], "cube", {"near", "large"}),
    ],
)
def test_shapes_and_scales(box, shape, scales):
    features = features_of_box(*box)
    assert confirmed(features, "shape") == {shape}
    assert confirmed(features, "scale") == scales


DECLARED = "(declare-const X_0 Real)(declare-const Y_0 Real)"
NOTATIONS = {
    "plain": "(assert (>= X_0 0))(assert (<= X_0 1))(assert (<= Y_0 0))",
    "turned": "(assert (<= 0 X_0))(assert (>= 1 X_0))(assert (>= 0 Y_0))",
    "joined": "(assert (and (>= X_0 0) (<= X_0 1)))(assert (<= Y_0 0))",
    "backwards": "(assert (<= Y_0 0))(assert (<= X_0 1))(assert (>= X_0 0))",
    "enclosed": "(assert (or (and (>= X_0 0) (<= X_0 1) (<= Y_0 0))))",
}


@pytest.mark.parametrize("notation", NOTATIONS)
def test_notations(notation):
    assert set(NOTATIONS) == set(MEANINGS["notation"])
    text = DECLARED + NOTATIONS[notation]
    assert parse_property(text, "text") == parse_property(DECLARED + NOTATIONS["plain"], "text")
    both = {"plain", "enclosed"}  # regions of several boxes are enclosed in the plainest notation
    expected = both if notation == "enclosed" else {notation}
    assert confirmed({"notation": notation_features(text)}, "notation") == expected


WHOLE, UPPER, LOWER = (0.1, 0.9), (0.5, 0.9), (0.1, 0.5)


def features_of_place(point, priors, wide):
    bounds = [word for index, high in enumerate(wide) for word in (f"(>= X_{index} 0)", f"(<= X_{index} {high})")]
    unsafe = unsafe_set(len(wide), 1, *bounds, "(<= Y_0 0)")
    scaled = [(low * width, high * width) for (low, high), width in zip(priors, wide, strict=True)]
    lower, upper = zip(*scaled, strict=True)
    reads = tuple(range(len(wide)))
    hiding = Hiding("tip", 0, reads, (0.01,) * len(wide), lower, upper, (), 1e8, 1e-9, {})
    found = witness_features(unsafe.regions[0], [Fraction(value) for value in point], hiding, (1, len(wide)))
    return {feature: {word} for feature, word in found.items()}


@pytest.mark.parametrize(
    ("point", "priors", "wide", "places"),
    [
        ([0.25, 0.625, 0.375], [WHOLE] * 3, [1, 1, 1], {"interior"}),
        ([0.5, 0.625, 0.5], [WHOLE] * 3, [1, 1, 1], {"interior", "centre", "split_plane"}),
        ([0.5, 0.625, 0.5], [WHOLE] * 3, [1, 2, 1], {"interior", "centre"}),
        ([0.25, 1.0, 0.625], [WHOLE] * 3, [1, 2, 1], {"interior", "centre", "split_plane"}),
        ([0.75, 0.625, 0.25], [UPPER, UPPER, WHOLE], [1, 1, 1], {"last_cell", "deep"}),
        ([0.75, 0.25, 0.25], [UPPER, LOWER, WHOLE], [1, 1, 1], {"deep"}),
        ([0.9921875, 0.25, 0.25], [WHOLE] * 3, [1, 1, 1], {"face"}),
        ([0.25, 0.25, 0.0625], [WHOLE] * 3, [1, 1, 0.0625], {"face", "narrow"}),
        ([0.0078125, 0.9921875, 0.25], [WHOLE] * 3, [1, 1, 1], {"edge"}),
        ([0.0078125, 0.9921875, 0.0078125], [WHOLE] * 3, [1, 1, 1], {"corner"}),
    ],
)
def test_places(point, priors, wide, places):
    # Only an anisotropic box has a narrowest input; of others nothing is known.
    known = places if len(set(wide)) > 1 else places | ({"narrow"} if "face" in places else set())
    assert confirmed(features_of_place(point, priors, wide), "place") == known


@pytest.mark.parametrize("kind", TwinKind)
def test_twins(kind):
    assert set(MEANINGS["twin"]) == set(TwinKind)
    assert confirmed({"twin": {kind}}, "twin") == {kind}


NETWORKS = {
    "my-conv": NetworkRecipe("conv_strided", "tanh"),
    "plain": NetworkRecipe("none", "relu"),
    "shares": NetworkRecipe("none", "relu", softmax=True),
    "own": NetworkRecipe("own_front", "relu"),
    "swish": NetworkRecipe("none", "swish"),
}


@pytest.mark.parametrize(
    ("network", "operators", "is_contradicted"),
    [
        ("my-conv", {"Conv", "Conv strides 2x1", "Tanh"}, False),
        ("my-conv", {"Conv", "Tanh"}, True),
        ("my-conv", {"Conv", "Conv strides 2x1", "Relu"}, True),
        ("my-conv", {"Conv stridesome", "Tanh"}, True),
        ("plain", {"Gemm", "Relu"}, False),
        ("plain", {"Gemm"}, True),
        ("shares", {"Gemm", "Relu", "Softmax"}, False),
        ("shares", {"Gemm", "Relu"}, True),
        ("own", {"Gemm"}, False),
        ("swish", {"Gemm"}, False),
        ("unnamed", {"Gemm"}, False),
    ],
)
def test_networks_by_what_their_recipe_says_of_them(network, operators, is_contradicted):
    found = list(contradicted({"operator": operators}, {"network": network}, NETWORKS))
    assert bool(found) is is_contradicted


def test_every_front_that_a_recipe_can_name_means_something():
    assert set(FRONTS) == {NO_FRONT, *fronts.FRONTS}


def test_a_network_may_have_any_name():
    assert "conv_strided" in FRONTS
    assert list(contradicted({"operator": {"Gemm"}}, {"network": "conv_strided"}, {})) == []
    assert meaning("network", "conv_strided", {}) is None


def test_what_files_do_not_tell():
    recorded = {"hardness": ["easy", "hard"], "network": ["my-conv", "own"], "form": ["combined", "new_form"]}
    assert unknown_values(recorded, NETWORKS) == {
        "hardness": ["easy", "hard"],
        "network": ["own"],
        "form": ["new_form"],
    }
    assert list(contradicted({"operator": {"Gemm"}}, {"hardness": "easy", "form": "new_form"}, NETWORKS)) == []
