"""`soundbench generate` with recipes of trained networks, as a user runs it."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from soundbench.suite import load_suite

RECIPE = """
name = "quick"
version = "1"
restarts = 1
grid = [[0.25, 0], [0.1, 50]]
corners = 5

[defaults]
input_shapes = [[1, 3, 3]]
armed = 2
clean = 1

[moat]
steps = 240
walkers = 6
climbers = 0
reserve = 0.0
check_every = 40
check_restarts = 4
check_grid = [[0.5, 10], [0.1, 20]]

[[model]]
architecture = "cnn_1_conv"
radii = [0.2]

[[model]]
architecture = "cnn_avgpool"
radii = [0.2]
moat = { steps = STEPS }
"""


# A command that can be started again by the processes that it starts.
COMMAND = [str(Path(sys.executable).with_name("soundbench"))]


def soundbench(*words):
    return subprocess.run([*COMMAND, *map(str, words)], capture_output=True, text=True, check=False)


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "quick.toml"
    path.write_text(RECIPE.replace("STEPS", "240"))
    return path


def test_all_models_become_suites_and_are_kept(recipe, tmp_path):
    out = tmp_path / "out"
    ran = soundbench("generate", recipe, "--out", out, "--jobs", "2")
    assert ran.returncode == 0, ran.stderr
    names = {"cnn_1_conv_ch1_3x3_eps0.2", "cnn_avgpool_ch1_3x3_eps0.2"}
    assert {path.name for path in out.iterdir()} == names
    assert "of 2 counterexamples are hidden and certified" in ran.stdout
    assert "step 40 of 240, loss " in ran.stderr
    manifests = {name: load_suite(out / name).digest for name in names}
    again = soundbench("generate", recipe, "--out", out)
    assert again.returncode == 0
    assert "2 of 2 suites are there already" in again.stderr
    assert {name: load_suite(out / name).digest for name in names} == manifests
    for name in names:
        manifest = json.loads((out / name / "suite.json").read_text())
        assert (manifest["name"], manifest["method"], manifest["seed"]) == (name, "moat", 0)
    other = soundbench("generate", recipe, "--out", out, "--seed", "1")
    assert other.returncode == 2
    assert "made by another recipe, method or seed" in other.stderr
    certified = soundbench("certify", out / "cnn_1_conv_ch1_3x3_eps0.2")
    assert certified.returncode == 0, certified.stderr


def test_one_that_hides_nothing_is_reported_and_the_others_are_made(tmp_path):
    path, out = tmp_path / "quick.toml", tmp_path / "out"
    path.write_text(RECIPE.replace("STEPS", "1"))
    ran = soundbench("generate", path, "--out", out, "--jobs", "2")
    assert ran.returncode == 1
    assert "cnn_avgpool_ch1_3x3_eps0.2: none of 2 counterexamples is hidden" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert {path.name for path in out.iterdir() if path.is_dir()} == {"cnn_1_conv_ch1_3x3_eps0.2"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_training_goes_on(number, tmp_path):
    path, out = tmp_path / "quick.toml", tmp_path / "out"
    path.write_text(RECIPE.replace("STEPS", "240").replace("check_every = 40", "check_every = 5"))
    words = ["generate", path, "--out", out, "--only", "cnn_1*"]
    pipes = {"stderr": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([*COMMAND, *map(str, words)], **pipes) as process:
        for line in process.stderr:
            if "step 15 of 240" in line:
                process.send_signal(number)
                break
        rest = process.communicate()[1]
    assert process.returncode == (-9 if number == signal.SIGKILL else 130)
    assert "Traceback" not in rest
    wait_until_gone(out)
    checkpoint = out / "cnn_1_conv_ch1_3x3_eps0.2.checkpoint.safetensors"
    assert checkpoint.exists()
    if number != signal.SIGKILL:
        assert [path.name for path in out.iterdir()] == [checkpoint.name]
    ran = soundbench(*words)
    assert ran.returncode == 0, ran.stderr
    assert "step 5 of 240" not in ran.stderr
    lines = (out / "cnn_1_conv_ch1_3x3_eps0.2" / "training.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == list(range(5, 245, 5))


def wait_until_gone(out):
    """Until no process works in the folder: a killed one's child ends at its next message."""
    for _ in range(200):
        before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
        time.sleep(1.0)
        if {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.exists()} == before:
            return
    raise AssertionError("still at work")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--only", "vit*"], "--only: no model matches 'vit*'; there are: cnn_1_conv_ch1_3x3_eps0.2,"),
        (["--device", "cuda:99"], "--device: 'cuda:99' cannot be used"),
        (["--device", "abacus"], "--device: 'abacus'"),
    ],
)
def test_wrong_usage_is_one_line(words, message, recipe, tmp_path):
    ran = soundbench("generate", recipe, "--out", tmp_path / "out", *words)
    assert ran.returncode == 2
    assert message in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


@pytest.mark.parametrize("words", [("--only", "mlp"), ("--method", "moat"), ("--device", "cpu")])
def test_options_of_training_are_refused_where_nothing_is_trained(words, tmp_path):
    ran = soundbench("generate", "core", "--out", tmp_path / "out", *words)
    assert ran.returncode == 2
    assert f"has no networks to train, for which {words[0]} is; leave it out" in ran.stderr
