"""A suite that is made sealed: nothing but the question is common to the members of a pair, and all of it certifies."""

import shutil

import pytest
from click.testing import CliRunner
from planted import TINY, edit_truth, read, recipe_of, repair_hashes, source_of, tensors, write
from soundbench.cli import main

from soundbench.certify import certify_suite
from soundbench.errors import CertificateError, InputError
from soundbench.generate import Source
from soundbench.generate_sealed import LEAST_SEED, generate_sealed, secret_seed
from soundbench.ground_truth import Expected, Role
from soundbench.planted import PlantingFailed
from soundbench.seal import comparable_pairs, open_suite
from soundbench.suite import load_suite
from soundbench.vnnlib import read_property

TWINS = 'twin = ["scaled", "misaligned", "crowd"]'
MORE = f'{TWINS}\nform = ["any_class", "one_against_one"]\nshape = ["cube", "fixed_input"]'
TIGHT = 'version = "1"\ntight = ["relative"]\ntight_pairs = 1'
RECIPE = TINY.replace(TWINS, MORE).replace('version = "1"', TIGHT)
SEED = LEAST_SEED + 5


def make(folder, name, seed=SEED):
    generate_sealed(source_of(RECIPE, folder, seed), folder / name, folder / f"{name}.json", lambda _: None)
    open_suite(load_suite(folder / name), folder / f"{name}.json", folder / f"{name}-opened")
    return folder / name


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with `made`, a sealed suite, and `made-opened`."""
    path = tmp_path_factory.mktemp("sealed")
    make(path, "made")
    return path


def test_all_of_it_certifies(folder):
    suite = load_suite(folder / "made-opened")
    counts = certify_suite(suite, str)
    armed = sum(known.role is Role.ARMED for known in suite.ground_truth.values())
    assert counts == {Expected.VIOLATED: armed, Expected.HOLDS: len(suite.instances) - armed, Expected.UNKNOWN: 0}
    assert armed >= 7


def test_members_of_a_pair_are_of_two_networks_and_ask_about_other_boxes(folder):
    suite = load_suite(folder / "made-opened")
    assert comparable_pairs(suite) == []
    pairs = {}
    for instance in suite.instances:
        if pair := suite.ground_truth[instance.name].pair:
            pairs.setdefault(pair, []).append(instance)
    for first, second in pairs.values():
        assert first.onnx != second.onnx
        assert read_property(first.vnnlib).regions[0].inputs != read_property(second.vnnlib).regions[0].inputs
        one, two = tensors(first.onnx), tensors(second.onnx)
        assert {name: array.shape for name, array in one.items()} == {name: array.shape for name, array in two.items()}
        assert first.onnx.stat().st_size == second.onnx.stat().st_size


def test_networks_look_alike(folder):
    """Each has as many instances as the other of its cell, one of them clean, and labels are those of coins."""
    suite = load_suite(folder / "made-opened")
    by_network = {}
    for instance in suite.instances:
        by_network.setdefault(instance.onnx, []).append(suite.ground_truth[instance.name])
    cells = [known for known in by_network.values() if known[0].track != "tight"]
    assert all(sum(known.role is Role.CLEAN for known in own) == 1 for own in cells)
    mixed = [own for own in cells if {Role.ARMED, Role.TWIN} <= {known.role for known in own}]
    assert mixed
    sizes = sorted(len(own) for own in cells)
    assert sizes[::2] == sizes[1::2]


def test_the_same_seed_makes_the_same_networks_and_properties(folder, tmp_path):
    again = make(tmp_path, "again", read(folder / "made-opened", "suite.json")["seed"])
    for kind in ("onnx", "vnnlib"):
        one, two = ({path.read_bytes() for path in (each / kind).iterdir()} for each in (folder / "made", again))
        assert one == two
    assert read(again, "suite.json")["commitment"] != read(folder / "made", "suite.json")["commitment"]


def test_a_needle_that_is_said_to_be_outside_every_box(folder, tmp_path):
    copy = shutil.copytree(folder / "made-opened", tmp_path / "copy")
    truth = read(copy, "ground_truth.json")
    twin = next(name for name, entry in truth.items() if "needle_at" in entry and entry["track"] != "tight")
    edit_truth(copy, twin, lambda entry: entry.update(needle_at=["9.0"] * 10))
    manifest = read(copy, "suite.json")
    del manifest["commitment"]
    write(copy, "suite.json", manifest)
    repair_hashes(copy)
    with pytest.raises(CertificateError, match=rf"^{twin}: its needle is said to be where no box"):
        certify_suite(load_suite(copy), str)


def test_secret_seeds_are_large_and_never_the_same():
    seeds = {secret_seed() for _ in range(20)}
    assert len(seeds) == 20
    assert min(seeds) >= LEAST_SEED


def test_a_seed_that_can_be_guessed_is_refused(tmp_path):
    (tmp_path / "my.toml").write_text(RECIPE)
    out = tmp_path / "out"
    result = CliRunner().invoke(
        main, ["generate", str(tmp_path / "my.toml"), "--out", str(out), "--sealed", "--seed", "7"]
    )
    assert result.exit_code == 2
    assert result.stderr.startswith("soundbench: --seed 7: can be guessed")
    assert [path.name for path in tmp_path.iterdir()] == ["my.toml"]


def test_trained_networks_are_sealed_afterwards(tmp_path):
    result = CliRunner().invoke(main, ["generate", "paper", "--out", str(tmp_path / "out"), "--sealed"])
    assert result.exit_code == 2
    assert "soundbench seal" in result.stderr


def test_the_command_draws_a_seed_and_says_what_to_keep(tmp_path, monkeypatch):
    (tmp_path / "my.toml").write_text(RECIPE)
    made = []

    def generate(source, out, file, _, jobs):
        made.append((source.seed, out, file, jobs))
        return 5

    monkeypatch.setattr("soundbench.generate_sealed.generate_sealed", generate)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["generate", "my.toml", "--out", "out", "--sealed"])
    assert result.exit_code == 0, result.output
    ((seed, out, file, jobs),) = made
    assert seed >= LEAST_SEED
    assert (str(out), file, jobs) == ("out", tmp_path / "out.sealed.json", 1)
    assert "soundbench open out" in result.stdout


def test_whatever_stops_it_nothing_is_left_behind(tmp_path, monkeypatch):
    def fail(*_):
        raise PlantingFailed("no")

    monkeypatch.setattr("soundbench.generate.plant_apart", fail)
    recipe = recipe_of(RECIPE, tmp_path)
    source = Source(recipe, source_of(RECIPE, tmp_path).plans, RECIPE, SEED)
    with pytest.raises(PlantingFailed):
        generate_sealed(source, tmp_path / "out", tmp_path / "file", lambda _: None)
    with pytest.raises(InputError, match="can be guessed"):
        generate_sealed(source_of(RECIPE, tmp_path, 1), tmp_path / "out", tmp_path / "file", lambda _: None)
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.toml"]
