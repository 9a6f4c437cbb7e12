"""How is a suite put on Hugging Face? As rows like those of SoundnessBench's dataset, with certified witnesses.

    data/*.parquet   a split a network: the published columns, and for each row its answer, its witness, and its margin
    README.md        the dataset's card, which names the splits
    suite/           the suite itself, with every certificate

The published rows rebuild a network from `model_name` and `model_weights`: that takes an architecture of that name.
Those of planted networks are in the suite alone; the card says which can be rebuilt.
"""

import math
import re
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from soundbench.errors import InputError
from soundbench.generate import folder_to_be
from soundbench.graph import load_onnx
from soundbench.ground_truth import Expected, GroundTruth
from soundbench.instance import Instance
from soundbench.replay import open_onnx
from soundbench.suite import MANIFEST, Suite, copy_files, read_json
from soundbench.vnnlib import file_text

if TYPE_CHECKING:
    import pyarrow as pa

SUITE = "suite"


def export_hf(suite: Suite, out: Path) -> int:
    """Write a suite as a dataset to the new folder `out`; return the number of splits.

    Raises:
        InputError: pyarrow is not installed, two networks have the same name, or `out` cannot be written.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise InputError("--format hf: needs pyarrow; run: pip install 'soundbench[parquet]'") from None
    groups: dict[Path, list[Instance]] = {}
    for instance in suite.instances:
        groups.setdefault(instance.onnx, []).append(instance)
    splits = {split_name(onnx): group for onnx, group in groups.items()}
    if len(splits) < len(groups):
        raise InputError(f"{suite.root}: two networks have file names that make one split; rename one of them")
    rebuilt = []
    with folder_to_be(out) as folder:
        (folder / "data").mkdir()
        for split, group in splits.items():
            rows = rows_of(split, group, suite.ground_truth)
            rebuilt += [split] if is_rebuilt(rows[0], group[0].onnx) else []
            table = pa.Table.from_pylist(rows, schema=schema(pa))
            parquet.write_table(table, folder / "data" / file_of(split), compression="zstd")
        copy_files(suite.root, [MANIFEST, *read_json(suite.root / MANIFEST)["files"]], folder / SUITE)
        (folder / "README.md").write_text(card(suite, list(splits), rebuilt), encoding="utf-8")
    return len(splits)


def split_name(onnx: Path) -> str:
    """A network's name as the hub allows it for splits: letters, digits, `_` and `.`."""
    return re.sub(r"[^\w.]", "_", onnx.name.removesuffix(".gz").removesuffix(".onnx"), flags=re.ASCII)


def file_of(split: str) -> str:
    """The name of a split's file."""
    return f"{split}-00000-of-00001.parquet"


def schema(pa: Any) -> "pa.Schema":  # noqa: ANN401  (the module, which is optional)
    """The columns: those published, then ours."""
    return pa.schema(
        [
            ("model_name", pa.string()),
            ("model_weights", pa.list_(pa.float32())),
            ("input_shape", pa.list_(pa.int64())),
            ("vnnlib", pa.string()),
            ("timeout", pa.float64()),
            ("instance", pa.string()),
            ("expected", pa.string()),
            ("witness", pa.list_(pa.float32())),
            ("witness_margin", pa.float64()),
        ]
    )


def rows_of(split: str, group: list[Instance], ground_truth: Mapping[str, GroundTruth]) -> list[dict[str, Any]]:
    """The rows of one network's instances; `witness` holds float32 numbers exactly, its margin is a proven bound."""
    weights, shape = weights_of(group[0].onnx), list(open_onnx(group[0].onnx).interface().input.shape[1:])
    rows = []
    for instance in group:
        truth = ground_truth.get(instance.name)
        witness = truth.witness if truth else None
        rows.append(
            {
                "model_name": re.sub(r"_eps[0-9.]+\Z", "", split),
                "model_weights": weights,
                "input_shape": shape,
                "vnnlib": file_text(instance.vnnlib),
                "timeout": instance.timeout_seconds,
                "instance": instance.name,
                "expected": (truth.expected if truth else Expected.UNKNOWN).value,
                "witness": None if witness is None else [float(value) for value in witness.point],
                "witness_margin": None if witness is None else witness.margin_rigorous,
            }
        )
    return rows


def weights_of(onnx: Path) -> "np.ndarray[Any, np.dtype[np.float32]]":
    """A network's floats, flat: tensor after tensor, in the order of their sorted names, as the dataset has them."""
    from onnx import numpy_helper

    arrays = {each.name: numpy_helper.to_array(each) for each in load_onnx(onnx).graph.initializer}
    floats = [array.ravel() for _, array in sorted(arrays.items()) if array.dtype.kind == "f"]
    return np.concatenate([np.zeros(0), *floats]).astype(np.float32)


def is_rebuilt(row: Mapping[str, Any], onnx: Path) -> bool:
    """Whether the columns of a row give its network again, as those of the published dataset do."""
    import torch

    from soundbench.published_weights import published_network

    try:
        network = published_network(row["model_name"], row["input_shape"], np.asarray(row["model_weights"]))
    except InputError:
        return False
    points = np.linspace(-0.1, 0.1, math.prod(row["input_shape"]), dtype=np.float32)
    with torch.no_grad():
        found = network(torch.from_numpy(points).reshape(1, *row["input_shape"])).numpy().ravel()
    wanted = open_onnx(onnx).run([Fraction(point) for point in points.tolist()])
    return len(found) == len(wanted) and np.allclose(found, [float(value) for value in wanted], atol=1e-4)


def card(suite: Suite, splits: list[str], rebuilt: list[str]) -> str:
    """The dataset's card; `rebuilt` are the splits whose columns give their networks again."""
    files = [line for each in splits for line in (f"  - split: {each}", f"    path: data/{file_of(each)}")]
    head = ["---", f"pretty_name: {suite.name} {suite.version}", "configs:", "- config_name: default", "  data_files:"]
    which = f"only the networks of {', '.join(rebuilt)}" if rebuilt else "no network"
    return "\n".join(
        [
            *head,
            *files,
            "---",
            "",
            f"# {suite.name} {suite.version}",
            "",
            "Instances for neural-network verifiers, made by soundbench. `expected` is the answer: `violated`, with",
            "the counterexample in `witness` and a proven bound on its margin in `witness_margin`; `holds`; or",
            "`unknown`. The suite, with certificates that `soundbench certify suite` checks, is in `suite/`.",
            "",
            "`model_weights` are the numbers of the network's ONNX file, in the order of their names. That is how the",
            "dataset of SoundnessBench has them, whose loaders know the architecture of each `model_name`; here",
            f"{which} can be rebuilt so (with `soundbench.published_weights.published_network`). Every network is",
            "in `suite/onnx/` as ONNX; `suite/instances.csv` says which is that of an instance.",
            "",
        ]
    )
