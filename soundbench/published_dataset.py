"""What is in SoundnessBench's dataset? Both of its layouts become folders in VNN-COMP's form.

Today a split is a table of rows, or several, whose network has to be rebuilt from its weights; before, it was a folder
with the network as ONNX.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from soundbench.errors import InputError, SoundbenchError
from soundbench.export import save_onnx
from soundbench.hub import TABLES
from soundbench.limited import limit_process
from soundbench.parallel import TaskDied, run_parallel
from soundbench.run import file_name
from soundbench.suite import INSTANCES

COLUMNS = ("model_name", "model_weights", "input_shape", "vnnlib", "timeout")
SHARD = re.compile(r"(.+?)(?:-[0-9]{5}-of-[0-9]{5})?\.parquet")
# Of all tables of a split; the published ones have some tens of rows, of some megabytes each.
MOST_ROWS, MOST_BYTES = 10_000, 2**33
CPU_SECONDS, MEMORY_BYTES = 600, 2**32
NO_PYARROW = "the dataset's tables need pyarrow; run: pip install 'soundbench[parquet]'"


def write_folders(
    snapshot: Path, folder: Path, progress: Callable[[str], None], memory_bytes: int = MEMORY_BYTES
) -> None:
    """Write what a dataset holds as folders in VNN-COMP's form, one a model; `progress` is told of each.

    Tables, which may be small and hold terabytes, are read in a process of its own, of so much memory beyond its own.

    Raises:
        InputError: pyarrow is missing, or a table or a network in it cannot be read.
    """
    tables: dict[str, list[Path]] = {}
    for table in sorted(snapshot.rglob(TABLES)):
        match = SHARD.fullmatch(table.name)
        tables.setdefault(file_name(table.stem if match is None else match[1]), []).append(table)
    if not tables:
        copy_folders(snapshot, folder, progress)
        return
    for message in run_parallel([partial(_write_splits, tables, folder, memory_bytes)], jobs=1):
        if isinstance(message.content, TaskDied):
            raise InputError(
                f"{snapshot}: a table takes more time or memory than tables of networks may; get the dataset again"
            )
        if isinstance(message.content, SoundbenchError):
            raise message.content
        if message.content is not None:
            progress(message.content)


def _write_splits(
    tables: Mapping[str, Sequence[Path]], folder: Path, memory_bytes: int, tell: Callable[[str], None]
) -> None:
    """Write all splits in this process, which is limited, and tell the name of each."""
    import soundbench.published_weights  # noqa: F401 (torch alone takes as many addresses as the tables may)

    # Arrow's other allocators reserve a gigabyte at first use, which would count against the limit.
    os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"
    import_pyarrow()
    for split, shards in tables.items():
        limit_process(CPU_SECONDS, memory_bytes)
        try:
            write_split(shards, folder / split)
        except (MemoryError, RuntimeError) as error:  # the latter is torch's
            reason = str(error).partition("\n")[0] or "it takes too much memory"
            raise InputError(f"{shards[0]}: cannot be made into networks ({reason}); get it again") from None
        except OSError as error:
            raise InputError(f"{folder}: cannot be written ({error.strerror}); free some space") from None
        tell(split)


def copy_folders(snapshot: Path, folder: Path, progress: Callable[[str], None]) -> None:
    """Copy the folders that have a list of instances, out of the cache, which is made of links.

    Raises:
        InputError: there is none.
    """
    listings = sorted(snapshot.rglob(INSTANCES))
    if not listings:
        raise InputError(f"{snapshot}: holds neither tables nor {INSTANCES}; name another revision with --revision")
    for listing in listings:
        for path in (each for each in listing.parent.rglob("*") if each.is_file()):
            target = folder / path.relative_to(snapshot)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        progress(listing.parent.name)


def write_split(tables: Sequence[Path], folder: Path) -> None:
    """Write the networks and properties of a split's tables.

    Raises:
        InputError: pyarrow is missing, or a table or a network in it cannot be read.
    """
    (folder / "vnnlib").mkdir(parents=True)
    names: dict[str, str] = {}
    lines: list[str] = []
    written = 0
    for table in tables:
        for row in rows_of(table):
            written += len(row["vnnlib"]) + row["model_weights"].nbytes
            if len(lines) >= MOST_ROWS or written > MOST_BYTES:
                raise InputError(f"{table}: has more than {MOST_ROWS:,} rows, or {MOST_BYTES:,} bytes; get it again")
            weights = row["model_weights"].astype(np.float32)
            key = hashlib.sha256(f"{row['model_name']} {row['input_shape']}".encode() + weights.tobytes()).hexdigest()
            if key not in names:
                names[key] = f"model{len(names) + 1}.onnx" if names else "model.onnx"
                write_network(table, row, folder / names[key])
            name = f"vnnlib/{len(lines)}.vnnlib"
            (folder / name).write_text(row["vnnlib"], encoding="utf-8")
            lines.append(f"{names[key]},{name},{float(row['timeout']):g}\n")
    (folder / INSTANCES).write_text("".join(lines), encoding="utf-8")


def write_network(table: Path, row: dict[str, Any], path: Path) -> None:
    """Write a row's network as ONNX.

    Raises:
        InputError: its weights do not fit the architecture that it names.
    """
    from soundbench.export_module import module_to_onnx
    from soundbench.networks import CLASSES
    from soundbench.published_weights import one_input, published_network

    try:
        network = published_network(row["model_name"], row["input_shape"], row["model_weights"])
    except InputError as error:
        raise InputError(f"{table}: {error}") from None
    save_onnx(module_to_onnx(network, one_input(row["model_name"], row["input_shape"]), CLASSES), path)


def import_pyarrow() -> tuple[Any, Any]:
    """pyarrow, and what it has for parquet.

    Raises:
        InputError: it is missing.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise InputError(NO_PYARROW) from None
    return pyarrow, parquet


def rows_of(table: Path) -> Iterator[dict[str, Any]]:
    """The rows of a table, one at a time: weights take more memory than anything else.

    Raises:
        InputError: pyarrow is missing, or the table is not one of the dataset's.
    """
    pyarrow, parquet = import_pyarrow()
    try:
        with parquet.ParquetFile(table, pre_buffer=False) as file:
            missing = [column for column in COLUMNS if column not in file.schema_arrow.names]
            if missing:
                raise InputError(f"{table}: has no column {missing[0]!r}, so it is no table of SoundnessBench")
            # No threads (nor buffering ahead, which has its own): one that cannot start ends the process.
            for batch in file.iter_batches(1, columns=list(COLUMNS), use_threads=False):
                yield checked_row(table, batch)
    except MemoryError:
        raise InputError(f"{table}: takes more memory than a table of networks may; get it again") from None
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{table}: not readable as parquet ({str(error).splitlines()[0]}); get it again") from None


def checked_row(table: Path, batch: Any) -> dict[str, Any]:  # noqa: ANN401 (pyarrow's, which is optional)
    """The one row of a batch; weights as an array.

    Raises:
        InputError: a value is missing, or of another kind than the dataset's.
    """
    row = {name: batch.column(name)[0] for name in COLUMNS}
    try:
        read = {name: row[name].as_py() for name in COLUMNS if name != "model_weights"}
        weights = row["model_weights"].values.to_numpy(zero_copy_only=False)
        kinds = (str(read["model_name"]), str(read["vnnlib"]), [int(size) for size in read["input_shape"]])
        is_of_kind = kinds == (read["model_name"], read["vnnlib"], read["input_shape"]) and weights.dtype.kind == "f"
        if not (is_of_kind and float(read["timeout"]) > 0):
            raise TypeError("of another kind")
    except (TypeError, ValueError, AttributeError):
        raise InputError(f"{table}: a row is not of the form {', '.join(COLUMNS)}; get the table again") from None
    return {**read, "model_weights": weights}
