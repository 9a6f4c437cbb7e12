"""The program, from files to a result file."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from reference_networks import Layer, model_of
from soundbench.verifiers.reference.program import main

from soundbench.counterexample import parse_counterexample

DECLARED = "".join(f"(declare-const {name} Real)\n" for name in ("X_0", "X_1", "Y_0", "Y_1"))
BOX = "".join(f"(assert (>= X_{i} 0.0))\n(assert (<= X_{i} 1.0))\n" for i in (0, 1))
WEIGHT = np.array([[1, 1], [-1, 1]], dtype=np.float32)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    """relu(x0 - x1), relu(x0 + x1) on the unit square."""
    network, unsafe, result = tmp_path / "n.onnx", tmp_path / "p.vnnlib", tmp_path / "result"
    onnx.save(model_of((1, 2), [Layer("MatMul", ("x", WEIGHT)), Layer("Relu", ("t0",))]), network)
    unsafe.write_text(DECLARED + BOX + "(assert (>= Y_0 1.5))\n")
    return network, unsafe, result


def answer(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_a_process_answers(files: tuple[Path, Path, Path]):
    command = [sys.executable, "-P", "-m", "soundbench.verifiers.reference", *map(str, files), "20"]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout == "unsat, 1 sub-domains\n"
    assert files[2].read_text() == "unsat\n"


def test_a_process_loads_no_heavy_library(files: tuple[Path, Path, Path]):
    code = (
        "import sys; from soundbench.verifiers.reference.program import main; main(sys.argv[1:]);"
        "print(sorted({'torch', 'onnx', 'onnxruntime', 'flint'} & set(sys.modules)))"
    )
    command = [sys.executable, "-P", "-c", code, *map(str, files), "20"]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    assert process.stdout.splitlines()[-1] == "[]"


def test_a_counterexample_follows_the_word(files: tuple[Path, Path, Path]):
    files[1].write_text(DECLARED + BOX + "(assert (or (and (>= Y_0 3.0)) (and (>= Y_0 0.75) (<= Y_1 1.125))))\n")
    assert answer(*files, 20) == 0
    word, _, rest = files[2].read_text().partition("\n")
    assert word == "sat"
    first, second = parse_counterexample(rest, 2, "result")
    assert 0 <= second <= 1
    assert first <= 1
    assert first - second >= 0.75
    assert first + second <= 1.125


def test_what_is_not_supported_is_named(files: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]):
    onnx.save(model_of((1, 2), [Layer("Softplus", ("x",))]), files[0])
    assert answer(*files, 20) == 0
    assert files[2].read_text() == "unsupported\n"
    assert capsys.readouterr().err == "unsupported: Softplus (n0): this operator of ai.onnx is not known here\n"


def test_weights_that_are_not_numbers_are_unknown(files: tuple[Path, Path, Path]):
    onnx.save(model_of((1, 2), [Layer("MatMul", ("x", WEIGHT * np.float32(np.nan)))]), files[0])
    assert answer(*files, 20) == 0
    assert files[2].read_text() == "unknown\n"


def test_without_time_the_answer_is_timeout(files: tuple[Path, Path, Path]):
    assert answer(*files, 0) == 0
    assert files[2].read_text() == "timeout\n"


def test_what_the_caller_spent_counts_and_nothing_else_of_its_life(
    files: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("time.process_time", lambda: 1e6)
    assert answer(*files, 20) == 0
    assert files[2].read_text() == "unsat\n"
    assert main([*map(str, files), "20"], spent_seconds=20) == 0
    assert files[2].read_text() == "timeout\n"


@pytest.mark.parametrize("content", [None, b"", b"no model at all", "half"])
def test_a_damaged_network_is_one_line(
    files: tuple[Path, Path, Path], content: bytes | str | None, capsys: pytest.CaptureFixture[str]
):
    if content is None:
        files[0].unlink()
    elif content == "half":
        files[0].write_bytes(files[0].read_bytes()[:-20])
    else:
        files[0].write_bytes(content)
    assert answer(*files, 20) == 2
    assert files[2].read_text() == "error\n"
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"{files[0]}: ")
    assert captured.err.count("\n") == 1


def test_weights_that_do_not_fit_their_shape_are_one_line(
    files: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
):
    model = onnx.load(files[0])
    model.graph.initializer[0].raw_data = b"\0" * 7
    onnx.save(model, files[0])
    assert answer(*files, 20) == 2
    assert capsys.readouterr().err.startswith(f"{files[0]}: constant c0_1 does not fit")


def test_a_property_of_another_network_is_one_line(files: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]):
    declared = "(declare-const X_0 Real)\n(declare-const Y_0 Real)\n"
    files[1].write_text(declared + "(assert (>= X_0 0))\n(assert (<= X_0 1))\n(assert (>= Y_0 0))\n")
    assert answer(*files, 20) == 2
    assert capsys.readouterr().err.startswith(f"{files[1]}: the property has 1 inputs")
    assert files[2].read_text() == "error\n"


def test_a_result_that_cannot_be_written_is_one_line(
    files: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
):
    assert answer(files[0], files[1], files[2] / "missing" / "result", 20) == 2
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["a", "b", "c"], ["a", "b", "c", "soon"], ["a", "b", "c", "1", "2"]])
def test_a_wrong_command_line_shows_the_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("usage: ")
