"""What does a tool get that stumbles over words, not over questions? The property written anew, with the same meaning.

Claims are judged against the suite's own file all the same.
"""

from pathlib import Path

from soundbench.option import Option, OptionValue
from soundbench.replay import open_onnx
from soundbench.verifier import Task
from soundbench.vnnlib import read_property
from soundbench.vnnlib_writing import format_property, format_query

GIVEN, PLAIN = "given", "plain"
NOTATION = Option(
    "notation",
    GIVEN,
    "how the property is put: as the suite has it, or anew in plain lines",
    (GIVEN, PLAIN),
)


def put(task: Task, notation: OptionValue) -> Path:
    """The property in VNN-LIB 1.0, in the notation that the option names.

    Raises:
        InputError: it cannot be read.
        ValueError: it cannot be written, since a number has no finite decimal expansion.
    """
    if notation == GIVEN:
        return task.vnnlib
    plain = task.folder / "plain.vnnlib"
    if not plain.exists():
        plain.write_text(format_property(read_property(task.vnnlib)), encoding="utf-8")
    return plain


def query_file(task: Task) -> Path:
    """The same in VNN-LIB 2.0, of the network's own tensors."""
    query = task.folder / "query.vnnlib"
    if not query.exists():
        query.write_text(format_query(read_property(task.vnnlib), open_onnx(task.onnx).interface()), encoding="utf-8")
    return query
