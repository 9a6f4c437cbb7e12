"""A suite as a dataset: the published columns, exact witnesses, and the suite itself beside them."""

import sys

import numpy as np
import pytest
from click.testing import CliRunner
from planted import rows, tensors
from soundbench.cli import main

from soundbench.certify import certify_suite
from soundbench.errors import InputError
from soundbench.ground_truth import Expected
from soundbench.hf_export import export_hf
from soundbench.suite import load_suite


@pytest.fixture
def dataset(tiny_suite, tmp_path):
    export_hf(load_suite(tiny_suite), tmp_path / "dataset")
    return tmp_path / "dataset"


def table(dataset, split):
    from pyarrow import parquet

    return parquet.read_table(dataset / "data" / f"{split}-00000-of-00001.parquet").to_pylist()


def test_rows_are_those_of_the_published_dataset_and_more(tiny_suite, dataset):
    suite = load_suite(tiny_suite)
    found = [*table(dataset, "mlp_near_1_armed"), *table(dataset, "mlp_near_1_twin")]
    assert {row["instance"] for row in found} == rows(tiny_suite).keys()
    for row in found:
        network, prop = rows(tiny_suite)[row["instance"]]
        arrays = tensors(network)
        flat = np.concatenate([arrays[name].ravel() for name in sorted(arrays)])
        assert np.array_equal(np.array(row["model_weights"], dtype=np.float32), flat)
        assert (row["input_shape"], row["vnnlib"], row["timeout"]) == ([10], prop.read_text(), 60)
        known = suite.ground_truth[row["instance"]]
        assert row["expected"] == known.expected
        if known.witness:
            assert tuple(row["witness"]) == tuple(map(float, known.witness.point))
            assert row["witness_margin"] == known.witness.margin_rigorous
        else:
            assert row["witness"] is row["witness_margin"] is None


def test_the_suite_lies_in_it_and_certifies(dataset):
    assert certify_suite(load_suite(dataset / "suite"), str)[Expected.VIOLATED] == 3


def test_the_card_names_every_split(dataset):
    text = (dataset / "README.md").read_text()
    for path in (dataset / "data").iterdir():
        assert f"path: data/{path.name}" in text


def test_without_pyarrow_it_says_what_to_install(tiny_suite, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"pip install 'soundbench\[parquet\]'"):
        export_hf(load_suite(tiny_suite), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command(tiny_suite, tmp_path):
    result = CliRunner().invoke(main, ["export", str(tiny_suite), "--format", "hf", "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"{tmp_path / 'out'}: 7 instances in 2 splits, and the suite itself in ")
