"""What does a `results.csv` say? Its rows, in VNN-COMP's six columns or the five of SoundnessBench's runner.

`category,onnx,vnnlib,prepare_time,result,run_time`, or `folder,onnx,vnnlib,result,run_time`. The order of rows means
nothing: an instance is found by the row's paths.
"""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from soundbench.answer import claim_of
from soundbench.claim import Claim
from soundbench.errors import InputError
from soundbench.packed import read_unpacked

LARGEST_TABLE = 2**28
# How PyRAT says `holds` and `violated`, which the runner of five columns writes down as it is.
PYRAT = {"true": Claim.VERIFIED, "false": Claim.FALSIFIED}
FORMS = "category,onnx,vnnlib,prepare_time,result,run_time, or folder,onnx,vnnlib,result,run_time"


@dataclass(frozen=True, slots=True)
class ResultRow:
    """A row: on which line, of which category, the paths, the result word, the claim that it is, and seconds.

    In the form of five columns, whose first is the folder that the others start from, there is no category. A word
    that is none of VNN-COMP's is an `error`, never a verdict.
    """

    line: int
    category: str
    onnx: str
    vnnlib: str
    prepare_seconds: float
    word: str
    claim: Claim
    run_seconds: float


def read_results(path: Path) -> list[ResultRow]:
    """The rows of a table, plain or gzipped; a heading is passed over.

    Raises:
        InputError: it cannot be read, has no rows, or a row is in neither form.
    """
    try:
        text = read_unpacked(path, LARGEST_TABLE).decode("utf-8-sig")
        reader = csv.reader(text.splitlines())
        cells = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(map(str.strip, row))]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not readable as CSV ({error}); give a table of the form {FORMS}") from None
    if cells and is_heading(cells[0][1]):
        cells = cells[1:]
    if not cells:
        raise InputError(f"{path}: has no rows; give a table of the form {FORMS}")
    return [read_row(path, line, row) for line, row in cells]


def is_heading(cells: Sequence[str]) -> bool:
    """Whether a row names its columns: its last cell, the run time, is neither empty nor a number."""
    return bool(cells[-1]) and seconds_of(cells[-1]) is None and cells[-1].lower().replace("_", " ").endswith("time")


def read_row(path: Path, line: int, cells: Sequence[str]) -> ResultRow:
    """One row.

    Raises:
        InputError: it is in neither form.
    """
    if len(cells) == 6:
        category, onnx, vnnlib, prepare, word, run = cells
        claim = claim_of(word) or Claim.ERROR
    elif len(cells) == 5:
        folder, onnx, vnnlib, word, run = cells
        onnx, vnnlib = (PurePosixPath(folder, each).as_posix() for each in (onnx, vnnlib))
        category, prepare = "", "0"
        claim = claim_of(word) or PYRAT.get(word.casefold(), Claim.ERROR)
    else:
        raise InputError(f"{path}:{line}: {len(cells)} columns; give rows of the form {FORMS}")
    prepare_seconds, run_seconds = seconds_of(prepare), seconds_of(run)
    if prepare_seconds is None or run_seconds is None:
        raise InputError(
            f"{path}:{line}: {prepare!r} or {run!r} is no number of seconds; give rows of the form {FORMS}"
        )
    return ResultRow(line, category, onnx, vnnlib, prepare_seconds, word, claim, run_seconds)


def seconds_of(text: str) -> float | None:
    """A number of seconds, zero where none is given; None if it is no such number."""
    try:
        seconds = float(text or "0")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
