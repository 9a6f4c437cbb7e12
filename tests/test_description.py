"""A suite is described by its files; what its recipe meant is compared with them, and pairs are counted."""

import json

import onnx
import pytest
from described import FACTORS, with_factors
from onnx import helper
from planted import ARMED, CLEAN, CROWD_TWIN, TWIN, edit_text, edit_truth, repair_hashes, rows
from soundbench.cli.shipped import core_suite

from soundbench.description import describe
from soundbench.errors import InputError
from soundbench.ground_truth import Role
from soundbench.suite import load_suite


def described(root):
    return describe(load_suite(root))


def named(description, name):
    return next(each for each in description.instances if each.name == name)


def test_the_suite_that_ships():
    found = described(core_suite())
    assert found.title == "core 3"
    assert (found.networks, len(found.instances)) == (268, 744)
    assert found.problems == ()
    assert found.unknown == {"hardness": ["easy", "hard", "medium"]}
    assert found.coverage.missing == ()
    assert {factor for pair in found.coverage.forbidden for factor, _ in pair} == {
        "form",
        "network",
        "notation",
        "place",
        "shape",
    }
    assert found.bytes == sum(
        path.stat().st_size for path in core_suite().rglob("*") if path.name != "suite.json" and path.is_file()
    )
    image = named(found, "conv_transposed-near-1-1-scaled-armed")
    assert image.role is Role.ARMED
    assert {
        "ConvTranspose kernel not square",
        "ConvTranspose output_padding 1x0",
        "ConvTranspose pads asymmetric",
        "ConvTranspose strides 2x1",
    } <= set(image.features["operator"])
    assert image.features["input"] == ("an oblong image",)
    assert image.features["position"] == ("face",)
    assert image.features["pixel at a face"] == ("at the border",)
    assert image.features["width"] == ("ordinary",)
    assert image.numbers["inputs"] == 16
    assert image.numbers["chance of being found"] <= 1e-9
    deep = named(found, "transposed-tiny-1-3-crowd-armed")
    assert deep.features["regions"] == ("several of one box",)
    assert deep.features["violated region"] == ("the last",)
    assert deep.features["prior"] == ("halves",)
    assert named(found, "transposed-tiny-1-3-crowd-twin").features["proof"] == ("by splitting",)
    assert "violated region" not in named(found, "transposed-tiny-1-3-crowd-twin").features


def test_positions_are_those_of_the_ground_truth():
    suite = load_suite(core_suite())
    for each in describe(suite).instances:
        if each.role is Role.ARMED:
            assert each.features["position"] == (str(suite.ground_truth[each.name].position),)


def test_without_factors_the_features_of_armed_instances_are_paired(suite_copy):
    for name in rows(suite_copy):
        edit_truth(suite_copy, name, lambda entry: entry.pop("factors", None))
    repair_hashes(suite_copy)
    coverage = described(suite_copy).coverage
    assert coverage.met > 0
    assert "operator" in coverage.factors
    assert "hardness" not in coverage.factors
    assert "proof" not in coverage.factors  # only what holds has one


def test_true_factors_are_confirmed(tiny_suite, tmp_path):
    found = described(with_factors(tiny_suite, tmp_path / "suite", hardness="easy"))
    assert found.problems == ()
    assert found.unknown == {"hardness": ["easy"]}
    assert named(found, CLEAN).recorded == {}
    assert set(found.coverage.factors) == {*FACTORS, "twin", "hardness"}
    assert found.coverage.missing == ()
    # One value of each but for the three kinds of twins.
    assert found.coverage.met == 15 + 6 * 3


@pytest.mark.parametrize(
    ("factor", "value", "words"),
    [
        ("form", "first_of_any", "regions: one, not several of one box"),
        ("place", "face", "position: interior, not face"),
        ("shape", "anisotropic", "box: cube, not anisotropic"),
        ("scale", "large", "width: ordinary, not large"),
        ("notation", "turned", "notation: plain, not bounds before variables"),
    ],
)
def test_a_wrong_factor_is_a_problem_and_covers_nothing(tiny_suite, tmp_path, factor, value, words):
    found = described(with_factors(tiny_suite, tmp_path / "suite", **{factor: value}))
    assert f"{ARMED}: its {factor} is said to be {value}; by its files, {words}" in found.problems
    assert {pair for pair in found.coverage.missing if (factor, value) not in pair} == set()
    assert len(found.coverage.missing) >= len(FACTORS)


def test_a_front_that_is_not_there_is_a_problem(tiny_suite, tmp_path):
    recipe = '[[network]]\nname = "mlp"\nfront = "conv_strided"\n'
    problems = described(with_factors(tiny_suite, tmp_path / "suite", recipe)).problems
    assert len(problems) == 6
    assert problems[0].startswith(f"{ARMED}: its network is said to be mlp; by its files, operator: Gemm, ")
    assert problems[0].endswith(", not Conv strides")


def test_what_the_recipe_forbids_is_excused(tiny_suite, tmp_path):
    recipe = '[[forbid]]\nplace = "face"\ntwin = "crowd"\n[[forbid]]\nplace = "interior"\ntwin = "crowd"\n'
    root = with_factors(tiny_suite, tmp_path / "suite", recipe)
    for name in (ARMED, TWIN):
        edit_truth(root, name, lambda entry: entry["factors"].update(place="face"))
    repair_hashes(root)
    coverage = described(root).coverage
    assert coverage.forbidden == ((("place", "face"), ("twin", "crowd")),)
    assert (("place", "face"), ("twin", "misaligned")) in coverage.missing
    assert (("place", "interior"), ("twin", "crowd")) not in (*coverage.missing, *coverage.forbidden)


def test_a_witness_that_does_not_violate_is_a_problem(suite_copy):
    point = json.loads((suite_copy / "ground_truth.json").read_text())[ARMED]["witness"]["point"]
    for altered in (point[:-1], ["100.0", *point[1:]]):
        edit_truth(suite_copy, ARMED, lambda entry, altered=altered: entry["witness"].update(point=altered))
        repair_hashes(suite_copy)
        assert described(suite_copy).problems == (f"{ARMED}: its witness does not violate the property",)


def test_a_hiding_bound_of_another_network_is_no_reason_to_fail(suite_copy):
    for tensor, neuron in (("nowhere", 0), ("logits", 0), ("dense2", -1)):
        edit_truth(suite_copy, ARMED, lambda entry: entry["hiding"].update(tensor=tensor, neuron=neuron))  # noqa: B023
        repair_hashes(suite_copy)
        found = named(described(suite_copy), ARMED)
        assert "overshoot" not in found.numbers
        assert "chance of being found" in found.numbers


def test_a_suite_without_ground_truth(suite_copy):
    manifest = json.loads((suite_copy / "suite.json").read_text())
    del manifest["files"]["ground_truth.json"]
    (suite_copy / "suite.json").write_text(json.dumps(manifest))
    found = described(suite_copy)
    assert {each.role for each in found.instances} == {Role.OTHER}
    assert found.coverage.met == 0


def test_a_network_with_an_operator_that_has_no_exact_meaning(suite_copy):
    path, _ = rows(suite_copy)[ARMED]
    model = onnx.load(path)
    last = model.graph.output[0].name
    model.graph.node.append(helper.make_node("Softplus", [last], ["soft"]))
    model.graph.output[0].name = "soft"
    path.write_bytes(model.SerializeToString())
    repair_hashes(suite_copy)
    found = named(described(suite_copy), ARMED)
    assert "Softplus" in found.features["operator"]
    assert "overshoot" not in found.numbers


def broken_network(folder):
    path, _ = rows(folder)[ARMED]
    path.write_bytes(path.read_bytes()[:100])


def foreign_property(folder):
    edit_text(
        rows(folder)[CROWD_TWIN][1], "(declare-const Y_0 Real)", "(declare-const Y_0 Real)(declare-const Y_2 Real)"
    )


def broken_property(folder):
    edit_text(rows(folder)[CROWD_TWIN][1], "(assert", "(assart")


def huge_property(folder):
    edit_text(rows(folder)[ARMED][1], "(assert (<= X_0 ", f"(assert (<= X_0 1{'0' * 400}")


def no_recipe(folder):
    manifest = json.loads((folder / "suite.json").read_text())
    (folder / "suite.json").write_text(json.dumps({**manifest, "recipe": "["}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (broken_network, "armed.onnx: "),
        (foreign_property, "twin.onnx: has 2 outputs"),
        (broken_property, "crowd-twin.vnnlib:"),
        (huge_property, "scaled-armed.vnnlib: a number is too large"),
        (no_recipe, "suite.json: its recipe is not TOML"),
    ],
)
def test_what_cannot_be_described_is_told_in_one_line(suite_copy, change, words):
    change(suite_copy)
    repair_hashes(suite_copy)
    with pytest.raises(InputError) as refusal:
        described(suite_copy)
    assert words in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1
