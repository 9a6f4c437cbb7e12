import re
from pathlib import Path

import pytest
from planted import SEED, STEM, TINY, make_suite, read, source_of, tensors

import soundbench.generate
from soundbench.certify import certify_suite
from soundbench.errors import InputError
from soundbench.generate import generate
from soundbench.ground_truth import Expected
from soundbench.planted import PlantingFailed
from soundbench.suite import load_suite

# A network on two scales, and two pairs that hang on the last digits.
MORE = TINY.replace('version = "1"', 'version = "1"\ntight = ["relative"]\ntight_pairs = 2').replace(
    '["scaled", "misaligned", "crowd"]', '["misaligned"]\nscale = ["near", "large"]'
)
PAIRS = ["mlp-near-1", "mlp-large-1", "tight-relative-1", "tight-relative-2"]


def files(folder):
    """The content of every file below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def planted(monkeypatch):
    """Planting replaced by what a test wants: a function of the folder for networks."""

    def replace(behaviour):
        for name in ("plant", "plant_tight"):
            monkeypatch.setattr(soundbench.generate, name, lambda _plan, _seed, folder: behaviour(folder))

    return replace


def attempt(tmp_path, out):
    return generate(source_of(TINY, tmp_path), out, lambda _: None)


def test_the_same_recipe_and_seed_give_the_same_bytes(tiny_suite, tmp_path):
    assert files(make_suite(tmp_path, "again")) == files(tiny_suite)


def test_another_seed_gives_another_suite(tiny_suite, tmp_path):
    other = make_suite(tmp_path, "other", seed=SEED + 1)
    assert certify_suite(load_suite(other), lambda _: None)[Expected.VIOLATED] == 3
    one, two = files(tiny_suite), files(other)
    assert set(one) == set(two)
    assert [name for name in one if one[name] == two[name]] == ["instances.csv"]


def test_the_members_of_a_pair_differ_in_order_and_scale_and_not_in_shape(tiny_suite):
    armed, twin = (tensors(tiny_suite / "onnx" / f"{STEM}-{role}.onnx") for role in ("armed", "twin"))
    assert {name: array.shape for name, array in armed.items()} == {name: array.shape for name, array in twin.items()}
    assert not (armed["dense1.weight"] == twin["dense1.weight"]).all(axis=1).any()


def test_the_suite_says_how_it_was_made(tiny_suite):
    manifest = read(tiny_suite, "suite.json")
    assert (manifest["name"], manifest["version"], manifest["seed"], manifest["recipe"]) == ("tiny", "1", SEED, TINY)
    assert set(manifest["packages"]) >= {"soundbench", "torch", "numpy", "onnx", "onnxruntime"}


def test_a_plan_is_made_for_every_cell_and_then_for_every_tight_pair(tmp_path):
    assert [plan.name for plan in source_of(MORE, tmp_path).plans] == PAIRS


def test_values_that_cannot_meet_are_told_with_their_file(tmp_path):
    forbidden = '\n[[forbid]]\ntwin = "scaled"\nnetwork = "mlp"\n'
    with pytest.raises(InputError) as error:
        source_of(TINY + forbidden, tmp_path)
    assert str(error.value).startswith(f"{tmp_path / 'recipe.toml'}: ")
    assert "twin scaled cannot meet" in str(error.value)


def test_progress_is_told_of_every_pair_of_networks_and_the_count_returned(tmp_path, planted):
    planted(lambda _: ())
    told = []
    count = generate(source_of(MORE, tmp_path, 1), tmp_path / "out", told.append)
    assert told == PAIRS
    assert count == 0


def test_several_at_a_time_are_the_same_bytes_as_one_after_the_other(tmp_path):
    source = source_of(MORE, tmp_path)
    told = []
    counts = [generate(source, tmp_path / str(jobs), told.append, jobs) for jobs in (1, 2)]
    assert counts == [10, 10]
    assert told[:4] == sorted(told[4:], key=PAIRS.index) == PAIRS
    assert files(tmp_path / "1") == files(tmp_path / "2")


def test_all_that_cannot_be_planted_is_named_and_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr("soundbench.base.STEPS", 2)
    told = []
    with pytest.raises(PlantingFailed) as error:
        generate(source_of(MORE, tmp_path), tmp_path / "out", told.append)
    assert str(error.value).startswith("2 of 4 cells were not built: ")
    assert re.findall(r"(\S+): not built in 40 attempts", str(error.value)) == PAIRS[:2]
    assert told == PAIRS[2:]
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.toml"]


@pytest.mark.parametrize("existing", [True, False])
def test_what_is_there_is_what_was_asked_for(tmp_path, planted, existing):
    planted(lambda _: ())
    out = tmp_path / "deep" / "down" / "out"
    if existing:
        out.mkdir(parents=True)
    attempt(tmp_path, out)
    assert set(files(out)) == {"suite.json", "instances.csv", "ground_truth.json"}
    assert list(out.parent.iterdir()) == [out]
    assert out.stat().st_mode & 0o777 == 0o755


def test_a_folder_in_use_is_left_untouched(tmp_path, planted):
    planted(lambda _: pytest.fail("nothing may be planted"))
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="out: already exists"):
        attempt(tmp_path, out)
    assert files(out) == {"thesis.tex": b"years of work"}
    with pytest.raises(InputError, match=r"thesis.tex: already exists"):
        attempt(tmp_path, out / "thesis.tex")
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    with pytest.raises(InputError, match=r"link: already exists"):
        attempt(tmp_path, tmp_path / "link")
    assert files(out) == {"thesis.tex": b"years of work"}


def test_a_folder_that_cannot_be_written(tmp_path, planted):
    planted(lambda _: pytest.fail("nothing may be planted"))
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        attempt(tmp_path, tmp_path / "file" / "out")
    with pytest.raises(InputError, match="cannot be written"):
        attempt(tmp_path, Path("/proc/out"))
    with pytest.raises(InputError, match="cannot be written"):
        attempt(tmp_path, tmp_path / ("x" * 300))


def test_the_working_folder_may_be_named_if_it_is_empty(tmp_path, planted, monkeypatch):
    planted(lambda _: ())
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    attempt(tmp_path, Path())
    assert (tmp_path / "empty" / "suite.json").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), PlantingFailed("no"), OSError(5, "broken"), ZeroDivisionError()]
)
def test_whatever_stops_it_nothing_is_left_behind(tmp_path, planted, error):
    def stop(folder):
        (folder / "half.onnx").write_bytes(b"half")
        raise error

    planted(stop)
    with pytest.raises(type(error)):
        attempt(tmp_path, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.toml"]


def test_torch_has_its_threads_again(tmp_path, planted):
    import torch

    seen = []
    before = torch.get_num_threads()
    planted(lambda _: seen.append(torch.get_num_threads()) or ())
    attempt(tmp_path, tmp_path / "out")
    assert seen == [1]
    assert torch.get_num_threads() == before
