"""Tables of strangers, which may be small and hold a lot, are read within limits of rows, bytes and memory."""

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from soundbench import published_dataset
from soundbench.errors import InputError, one_line
from soundbench.published_dataset import write_folders, write_split

MODEL = "synthetic_mlp_4_hidden"


def write_table(folder, weights, count=1, **changed):
    """A table of rows that are alike."""
    row = {"model_name": MODEL, "input_shape": [10], "vnnlib": "(assert)", "timeout": 1.0, **changed}
    lists = pa.ListArray.from_arrays(np.arange(count + 1) * len(weights), pa.array(np.tile(weights, count)))
    columns = {name: pa.array([value] * count) for name, value in row.items()}
    path = folder / "split.parquet"
    parquet.write_table(pa.table({**columns, "model_weights": lists}), path)
    return path


def refused(snapshot, out, *words, **limits):
    with pytest.raises(InputError) as refusal:
        write_folders(snapshot, out, lambda _: None, **limits)
    message = one_line(refusal.value)
    for each in words:
        assert each in message
    return True


def test_a_small_table_of_many_numbers_is_refused_within_its_memory(tmp_path):
    path = write_table(tmp_path, np.zeros(2**26, np.float32))
    assert path.stat().st_size < 2**18
    for megabytes in (4, 128):
        out = tmp_path / f"out{megabytes}"
        refused(
            tmp_path, out, f"{path}: takes more memory than a table of networks may", memory_bytes=megabytes * 2**20
        )
    refused(tmp_path, tmp_path / "other", f"{path}: ", "but 67,108,864 are given")


@pytest.mark.parametrize(("limit", "most"), [("MOST_ROWS", 2), ("MOST_BYTES", 90)])
def test_rows_and_bytes_are_limited(tmp_path, monkeypatch, limit, most):
    path = write_table(tmp_path, np.zeros(10, np.float32), count=3)
    monkeypatch.setattr(published_dataset, "write_network", lambda *_: None)
    monkeypatch.setattr(published_dataset, limit, most + 1000)
    write_split([path], tmp_path / "all")
    monkeypatch.setattr(published_dataset, limit, most)
    with pytest.raises(InputError, match=r"split\.parquet: has more than .* rows, or .* bytes; get it again"):
        write_split([path], tmp_path / "some")


@pytest.mark.parametrize(
    ("model", "shape", "words"),
    [
        ("cnn_1_conv", [1, 2**20, 2**20], "an input of shape (1, 1048576, 1048576) is too large"),
        ("cnn_1_conv", [1, 30, 30], "has 9,103,262 numbers, but 1,000 are given"),
        ("synthetic_vit", [1, 30, 30], "but 1,000 are given"),
        ("mlp_4_hidden", [2**40], "an input of shape (1099511627776,) is too large"),
        ("mlp_4_hidden", [-2], "an input shape (-2,) is not of the form"),
    ],
)
def test_weights_that_do_not_fit_their_network_are_told_before_it_is_built(tmp_path, model, shape, words):
    write_table(tmp_path, np.zeros(1000, np.float32), model_name=model, input_shape=shape)
    refused(tmp_path, tmp_path / "out", "split.parquet: ", words, memory_bytes=2**30)


def test_weights_must_be_numbers(tmp_path):
    write_table(tmp_path, np.array(["a", "b"]))
    refused(tmp_path, tmp_path / "out", "split.parquet: a row is not of the form")
