"""A suite that has its properties in VNN-LIB 1.0 alone gets them in 2.0 as well, and keeps all else."""

import pytest
from click.testing import CliRunner
from planted import drop_queries, read
from soundbench.cli import main

from soundbench.certify import certify_suite
from soundbench.errors import InputError
from soundbench.ground_truth import Expected
from soundbench.suite import load_suite
from soundbench.translation import translate_suite


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_becomes_what_is_generated_today(tiny_suite, suite_copy, tmp_path):
    drop_queries(suite_copy)
    translate_suite(load_suite(suite_copy), tmp_path / "out")
    assert files(tmp_path / "out") == files(tiny_suite)
    assert certify_suite(load_suite(tmp_path / "out"), lambda _: None)[Expected.VIOLATED] == 3


def test_the_command_says_what_it_did_and_does_it_once(suite_copy, tmp_path):
    drop_queries(suite_copy)
    (suite_copy / "notes.txt").write_text("not in the manifest")
    done = CliRunner().invoke(main, ["suite", "translate", str(suite_copy), "--out", str(tmp_path / "out")])
    assert (done.exit_code, done.output) == (0, f"{tmp_path / 'out'}: 7 instances, in VNN-LIB 1.0 and 2.0\n")
    assert not (tmp_path / "out" / "notes.txt").exists()
    assert read(tmp_path / "out", "suite.json")["name"] == "tiny"
    again = CliRunner().invoke(main, ["suite", "translate", str(tmp_path / "out"), "--out", str(tmp_path / "third")])
    assert again.exit_code == 2
    assert "vnnlib2: already exists; this suite has its properties in VNN-LIB 2.0" in again.stderr
    assert not (tmp_path / "third").exists()


def test_a_folder_that_is_there_is_left_alone(suite_copy, tiny_suite):
    drop_queries(suite_copy)
    before = files(tiny_suite)
    with pytest.raises(InputError, match="already exists"):
        translate_suite(load_suite(suite_copy), tiny_suite)
    assert files(tiny_suite) == before
