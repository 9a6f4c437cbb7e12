"""A suite as a dataset: the published columns, exact witnesses, and the suite itself beside them."""

import sys

import numpy as np
import pytest
from click.testing import CliRunner
from planted import rows, tensors
from soundbench.cli import main

from soundbench.certify import certify_suite
from soundbench.errors import InputError
from soundbench.export import save_onnx
from soundbench.export_module import module_to_onnx
from soundbench.ground_truth import Expected
from soundbench.hf_export import export_hf
from soundbench.import_suite import import_suite, origin_of
from soundbench.networks import build_network
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


def test_the_card_says_that_planted_networks_cannot_be_rebuilt(dataset):
    assert "no network can be rebuilt so" in (dataset / "README.md").read_text()


@pytest.fixture
def trained(tmp_path):
    """The card of a network of a published architecture, by the name of its file."""

    def make(name):
        folder = tmp_path / "trained"
        folder.mkdir()
        network = build_network("mlp_4_hidden", (10,), 3).eval()
        save_onnx(module_to_onnx(network, (10,), 2), folder / f"{name}.onnx")
        box = "".join(f"(assert (>= X_{i} 0))(assert (<= X_{i} 1))" for i in range(10))
        names = "".join(f"(declare-const X_{i} Real)" for i in range(10))
        outputs = "(declare-const Y_0 Real)(declare-const Y_1 Real)(assert (<= Y_0 Y_1))"
        (folder / "p.vnnlib").write_text(names + outputs + box)
        (folder / "instances.csv").write_text(f"{name}.onnx,p.vnnlib,5\n")
        import_suite(folder, tmp_path / "suite", origin_of(folder), None, str)
        export_hf(load_suite(tmp_path / "suite"), tmp_path / "out")
        return (tmp_path / "out" / "README.md").read_text()

    return make


def test_the_card_names_the_networks_that_can_be_rebuilt(trained):
    assert "only the networks of mlp_4_hidden_eps0.2 can be rebuilt so" in trained("mlp_4_hidden_eps0.2")


def test_a_name_by_which_loaders_take_the_weights_in_another_order_is_none(trained):
    """The published dense layers have names of their own, by which their weights are sorted."""
    assert "no network can be rebuilt so" in trained("synthetic_mlp_4_hidden_eps0.2")


def test_without_pyarrow_it_says_what_to_install(tiny_suite, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"pip install 'soundbench\[parquet\]'"):
        export_hf(load_suite(tiny_suite), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command(tiny_suite, tmp_path):
    result = CliRunner().invoke(main, ["export", str(tiny_suite), "--format", "hf", "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"{tmp_path / 'out'}: 7 instances in 2 splits, and the suite itself in ")
