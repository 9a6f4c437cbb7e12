"""A suite goes into VNN-COMP's form and comes back as it was; its script chooses instances for a seed."""

import csv
import gzip
import json
import subprocess
import sys

import pytest
from click.testing import CliRunner
from planted import drop_queries, repair_hashes, rows
from soundbench.cli import main

from soundbench.certify import certify_suite
from soundbench.errors import InputError
from soundbench.ground_truth import Expected
from soundbench.seal import open_suite, seal_suite
from soundbench.suite import load_suite
from soundbench.vnncomp_export import export_vnncomp, is_exported, restore
from soundbench.vnnlib import read_property, read_query


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def listed(folder):
    with (folder / "instances.csv").open(newline="") as file:
        return [tuple(row) for row in csv.reader(file)]


@pytest.fixture
def benchmark(tiny_suite, tmp_path):
    """The small suite as a benchmark's folder."""
    export_vnncomp(load_suite(tiny_suite), tmp_path / "benchmark")
    return tmp_path / "benchmark"


def test_there_is_a_folder_for_each_version_with_gzipped_files(tiny_suite, benchmark):
    assert {path.name for path in benchmark.iterdir()} == {"1.0", "2.0", "generate_properties.py", "soundbench"}
    for version in ("1.0", "2.0"):
        assert [row[1] for row in listed(benchmark / version)] == [f"vnnlib/{name}.vnnlib" for name in rows(tiny_suite)]
        for network, prop, timeout in listed(benchmark / version):
            assert float(timeout) == 60
            assert (
                gzip.decompress((benchmark / version / f"{network}.gz").read_bytes())
                == (tiny_suite / network).read_bytes()
            )
            assert (benchmark / version / f"{prop}.gz").read_bytes()[:2] == b"\x1f\x8b"
    for name, (_, prop) in rows(tiny_suite).items():
        plain = benchmark / "1.0" / "vnnlib" / f"{name}.vnnlib.gz"
        query = benchmark / "2.0" / "vnnlib" / f"{name}.vnnlib.gz"
        assert read_property(plain) == read_property(prop) == read_query(query).property


def test_it_comes_back_as_it_was_and_certifies(tiny_suite, benchmark, tmp_path):
    assert is_exported(benchmark)
    suite = restore(benchmark, tmp_path / "again")
    assert files(tmp_path / "again") == files(tiny_suite)
    assert certify_suite(suite, str)[Expected.VIOLATED] == 3


def test_the_same_suite_gives_the_same_bytes(tiny_suite, benchmark, tmp_path):
    export_vnncomp(load_suite(tiny_suite), tmp_path / "second")
    assert files(tmp_path / "second") == files(benchmark)


def test_a_suite_without_vnnlib_2_0_gets_it_there_and_comes_back_without(suite_copy, tmp_path):
    drop_queries(suite_copy)
    export_vnncomp(load_suite(suite_copy), tmp_path / "benchmark")
    for name, (_, prop) in rows(suite_copy).items():
        query = tmp_path / "benchmark" / "2.0" / "vnnlib" / f"{name}.vnnlib.gz"
        assert read_query(query).property == read_property(prop)
    restore(tmp_path / "benchmark", tmp_path / "again")
    assert files(tmp_path / "again") == files(suite_copy)


def test_what_is_gzipped_already_is_so_when_it_comes_back(suite_copy, tmp_path):
    drop_queries(suite_copy)
    for path in [*(suite_copy / "vnnlib").iterdir(), *(suite_copy / "onnx").iterdir()]:
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    table = suite_copy / "instances.csv"
    table.write_text(table.read_text().replace(".onnx", ".onnx.gz").replace(".vnnlib", ".vnnlib.gz"))
    manifest = json.loads((suite_copy / "suite.json").read_text())
    manifest["files"] = {
        f"{name}.gz" if name.startswith(("onnx", "vnnlib")) else name: value
        for name, value in manifest["files"].items()
    }
    (suite_copy / "suite.json").write_text(json.dumps(manifest))
    repair_hashes(suite_copy)
    export_vnncomp(load_suite(suite_copy), tmp_path / "benchmark")
    assert all(not row[0].endswith(".gz") for row in listed(tmp_path / "benchmark" / "1.0"))
    restore(tmp_path / "benchmark", tmp_path / "again")
    assert files(tmp_path / "again") == files(suite_copy)


def test_a_sealed_suite_stays_sealed_and_can_be_opened_afterwards(tiny_suite, tmp_path):
    seal_suite(load_suite(tiny_suite), tmp_path / "sealed", tmp_path / "file")
    export_vnncomp(load_suite(tmp_path / "sealed"), tmp_path / "benchmark")
    assert not any(b"armed" in content for content in files(tmp_path / "benchmark").values())
    restored = restore(tmp_path / "benchmark", tmp_path / "again")
    open_suite(restored, tmp_path / "file", tmp_path / "opened")
    export_vnncomp(load_suite(tmp_path / "opened"), tmp_path / "benchmark2")
    assert certify_suite(restore(tmp_path / "benchmark2", tmp_path / "third"), str)[Expected.VIOLATED] == 3


# --- the script


def run_script(benchmark, *arguments):
    script = str(benchmark / "generate_properties.py")
    return subprocess.run([sys.executable, "-I", script, *arguments], capture_output=True, text=True, check=False)


def test_the_script_chooses_whole_pairs_within_the_time_and_the_same_for_a_seed(benchmark):
    before = listed(benchmark / "1.0")
    result = run_script(benchmark, "7", "--hours", str(5 * 60 / 3600))
    assert (result.returncode, result.stdout, result.stderr) == (0, "5 instances\n", "")
    chosen = listed(benchmark / "1.0")
    assert chosen == listed(benchmark / "2.0")
    assert set(chosen) < set(before)
    names = [row[1].removesuffix(".vnnlib") for row in chosen]
    pairs = [name.rpartition("-")[0] for name in names if not name.endswith("clean")]
    assert all(pairs.count(pair) == 2 for pair in pairs)
    run_script(benchmark, "7", "--hours", str(5 * 60 / 3600))
    assert listed(benchmark / "1.0") == chosen
    orders = set()
    for seed in range(5):
        assert run_script(benchmark, str(seed)).stdout == "7 instances\n"
        assert set(listed(benchmark / "1.0")) == set(before)
        orders.add(tuple(listed(benchmark / "1.0")))
    assert len(orders) > 1


def test_the_script_does_not_change_what_comes_back(tiny_suite, benchmark, tmp_path):
    run_script(benchmark, "7", "--hours", "0.05")
    restore(benchmark, tmp_path / "again")
    assert files(tmp_path / "again") == files(tiny_suite)


def test_the_script_needs_a_seed(benchmark):
    for arguments in ([], ["x"]):
        assert run_script(benchmark, *arguments).returncode == 2


# --- what is refused


@pytest.mark.parametrize("path", ["1.0/onnx/mlp-near-1-twin.onnx.gz", "2.0/vnnlib/mlp-near-1-clean.vnnlib.gz"])
@pytest.mark.parametrize("content", [None, b"", b"garbage", gzip.compress(b"another", mtime=0)])
def test_a_benchmark_that_was_altered(benchmark, tmp_path, path, content):
    if content is None:
        (benchmark / path).unlink()
    else:
        (benchmark / path).write_bytes(content)
    with pytest.raises(InputError):
        restore(benchmark, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_paths_that_lead_elsewhere(benchmark, tmp_path):
    manifest = json.loads((benchmark / "soundbench" / "suite.json").read_text())
    (tmp_path / "secret").write_text("x")
    manifest["files"]["../../secret"] = "0" * 64
    (benchmark / "soundbench" / "suite.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="leads out of"):
        restore(benchmark, tmp_path / "again")


def test_the_command(tiny_suite, tmp_path):
    arguments = ["export", str(tiny_suite), "--format", "vnncomp2026", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == f"{tmp_path / 'out'}: 7 instances, with timeouts of 0.1 h in all"
    assert "holds the ground truth" in result.stdout
    again = CliRunner().invoke(main, arguments)
    assert again.exit_code == 2
    assert "already exists" in again.stderr
