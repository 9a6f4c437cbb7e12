import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from planted import ARMED, CLEAN, SEED, STEM, TINY, edit_truth, put, read, repair_hashes
from soundbench.cli import main


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def one_line(result, code):
    """The only line on standard error of a command that ended with `code`."""
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    (line,) = [line for line in result.stderr.splitlines() if not line.startswith("[")]
    return line


# In a cube, the only shape, no witness lies deep.
FORBIDDEN = """
[[forbid]]
place = "deep"
shape = "cube"

[[network]]"""


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "my.toml"
    path.write_text(TINY)
    return path


@pytest.mark.parametrize("command", ["generate", "certify"])
def test_help_has_examples_and_says_what_comes_out(command):
    result = run(command, "--help")
    assert result.exit_code == 0
    examples = result.output.partition("Examples:")[2]
    assert f"soundbench {command} " in examples


def test_help_of_certify_tells_the_exit_codes():
    assert "Exit codes: 0 " in run("certify", "--help").output


def test_a_suite_is_made_and_certified(recipe, tiny_suite):
    made = run("generate", recipe, "--out", "made", "--seed", SEED)
    assert made.exit_code == 0, made.output
    assert made.stderr == f"[1/1] {STEM}\n"
    assert made.stdout.startswith("made: 7 instances")
    assert "soundbench certify made" in made.stdout
    assert read(Path("made"), "suite.json") == read(tiny_suite, "suite.json")
    certified = run("certify", "made")
    assert certified.exit_code == 0, certified.output
    lines = certified.stderr.splitlines()
    assert [line.split("]")[0] for line in lines] == [f"[{number}/7" for number in range(1, 8)]
    assert certified.stdout == "made: certified 3 violated and 4 holding instances; 0 of unknown ground truth\n"


def test_the_shipped_recipe_goes_by_its_name(recipe, monkeypatch):  # noqa: ARG001 (an empty folder to work in)
    made = []
    monkeypatch.setattr(
        "soundbench.generate.generate", lambda source, out, _, jobs: made.append((source, out, jobs)) or 5
    )
    result = run("generate", "core", "--out", "somewhere", "--seed", "9", "--jobs", "2")
    assert result.exit_code == 0, result.output
    ((source, out, jobs),) = made
    assert (source.recipe.name, source.seed, out, jobs) == ("core", 9, Path("somewhere"), 2)
    assert 'name = "core"' in source.text


@pytest.mark.parametrize(
    "arguments",
    [["generate"], ["generate", "my.toml"], ["generate", "my.toml", "--out", "o", "--seed", "-1"],
     ["generate", "my.toml", "--out", "o", "--seed", "x"], ["certify", "a", "b"], ["certify", "--fast"]],
)  # fmt: skip
def test_wrong_usage(recipe, arguments):
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Usage:" in result.stderr
    assert [path.name for path in recipe.parent.iterdir()] == ["my.toml"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('name = "tiny"', "", "my.toml: the key 'name' is missing"),
        ("reads = 10", "raeds = 10", "my.toml: hardness 'easy': unknown key 'raeds'"),
        ("crowd = 3", "crowd = 1", "my.toml: crowd must be at least 2"),
        ("[[network]]", "[[networks]]", "my.toml: no networks in it"),
        ("[[network]]", "[[network", "my.toml: not a readable recipe"),
        ("[[network]]", FORBIDDEN, "network mlp and place deep cannot meet: "),
    ],
)
def test_a_wrong_recipe_is_one_line_and_nothing_is_written(recipe, old, new, words):
    recipe.write_text(TINY.replace(old, new).replace("[factors]", '[factors]\nplace = ["deep", "interior"]'))
    line = one_line(run("generate", recipe, "--out", "made"), 2)
    assert words in line
    assert [path.name for path in recipe.parent.iterdir()] == ["my.toml"]


@pytest.mark.parametrize("name", ["nothing", "nothing.toml", "corer", ".", "/dev/null"])
def test_a_recipe_that_is_none(recipe, name):
    one_line(run("generate", name, "--out", "made"), 2)
    assert [path.name for path in recipe.parent.iterdir()] == ["my.toml"]


def test_an_output_folder_that_cannot_be_used(recipe):
    used = recipe.parent / "used"
    used.mkdir()
    (used / "notes").write_text("mine")
    assert "used: already exists" in one_line(run("generate", recipe, "--out", used), 2)
    assert (used / "notes").read_text() == "mine"
    assert "cannot be written" in one_line(run("generate", recipe, "--out", recipe / "below"), 2)
    assert "cannot be written" in one_line(run("generate", recipe, "--out", "/proc/suite"), 2)


def test_what_cannot_be_planted_is_one_line(recipe, monkeypatch):
    monkeypatch.setattr("soundbench.base.STEPS", 2)
    line = one_line(run("generate", recipe, "--out", "made"), 3)
    assert re.match(
        r"soundbench: 1 of 1 cells were not built: mlp-near-1: not built in 40 attempts "
        r"\(the last one: in 2 steps the base reached .*\); try another seed",
        line,
    )
    assert [path.name for path in recipe.parent.iterdir()] == ["my.toml"]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_leaves_nothing_behind(recipe, jobs):
    out = recipe.parent / "made"
    recipe.write_text(TINY.replace("[factors]", '[factors]\nplace = ["interior", "face", "deep"]'))
    code = "from soundbench.cli import main; main()"
    command = [sys.executable, "-c", code, "generate", recipe, "--out", out, "--jobs", jobs]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    until = time.monotonic() + 60
    while not list(recipe.parent.glob(".made.partial-*")) and time.monotonic() < until:
        time.sleep(0.01)
    assert len(list(recipe.parent.glob(".made.partial-*"))) == 1
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "soundbench: stopped"
    assert "Traceback" not in errors
    assert [path.name for path in recipe.parent.iterdir()] == ["my.toml"]


# --- certify


def test_a_certificate_that_does_not_hold_is_exit_code_1(suite_copy):
    edit_truth(suite_copy, ARMED, put("witness", "margin_float64", 1.0))
    line = one_line(run("certify", suite_copy), 2)
    assert "ground_truth.json: its SHA-256 is not the one in suite.json" in line
    repair_hashes(suite_copy)
    line = one_line(run("certify", suite_copy), 1)
    assert line.startswith(f"soundbench: {ARMED}: the witness's margin_float64 is ")


def test_a_suite_that_cannot_be_read_is_exit_code_2(tmp_path, suite_copy):
    assert "suite.json: no such file" in one_line(run("certify", tmp_path / "nowhere"), 2)
    (suite_copy / "instances.csv").unlink()
    assert "instances.csv" in one_line(run("certify", suite_copy), 2)


@pytest.mark.parametrize("part", [f"onnx/{STEM}-armed.onnx", f"vnnlib/{CLEAN}.vnnlib"])
@pytest.mark.parametrize("content", [b"", b"garbage", None])
def test_files_that_their_hashes_vouch_for_and_nobody_can_read(suite_copy, part, content):
    """None stands for the first half of the file."""
    path = suite_copy / part
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if content is None else content)
    repair_hashes(suite_copy)
    assert path.name in one_line(run("certify", suite_copy), 2)


def test_the_default_is_the_suite_that_ships(suite_copy, monkeypatch):
    monkeypatch.setattr("soundbench.cli.certify.core_suite", lambda: suite_copy)
    result = run("certify")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"{suite_copy}: certified 3 violated and 4 holding")
