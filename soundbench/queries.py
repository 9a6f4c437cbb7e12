"""How a suite has its properties in VNN-LIB 2.0 as well: written from those in 1.0, and checked to say the same."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from soundbench.errors import CertificateError, InputError
from soundbench.instance import Instance, Property
from soundbench.interface import Declaration, Interface
from soundbench.replay import open_onnx
from soundbench.suite import QUERIES, Row
from soundbench.vnnlib import read_query
from soundbench.vnnlib_writing import format_query


def write_queries(folder: Path, rows: Sequence[Row], properties: Mapping[str, Property]) -> None:
    """Write the properties of a suite in VNN-LIB 2.0, with the true shapes of its networks.

    Raises:
        InputError: a network cannot be run, or a property cannot be written in 2.0.
    """
    (folder / QUERIES).mkdir()
    interfaces = {onnx: open_onnx(folder / onnx).interface() for onnx in dict.fromkeys(row.onnx for row in rows)}
    for row in rows:
        try:
            text = format_query(properties[row.name], interfaces[row.onnx])
        except ValueError as error:
            raise InputError(f"{folder / row.vnnlib}: cannot be written in VNN-LIB 2.0: {error}") from None
        (folder / row.vnnlib2).write_text(text, encoding="utf-8")


def check_query(instance: Instance, unsafe: Property, network: Interface) -> None:
    """Demand that an instance's property says the same in VNN-LIB 2.0, region by region, of its network.

    The order of regions and constraints counts too: which of them holds the counterexample is what some instances test.

    Raises:
        CertificateError: it does not.
        InputError: its file in 2.0 cannot be read.
    """
    if instance.vnnlib2 is None:
        return
    query = read_query(instance.vnnlib2)
    for kind, declared, has in (
        ("input", query.interface.input, network.input),
        ("output", query.interface.output, network.output),
    ):
        if (declared.element_type, declared.shape) != (has.element_type, has.shape):
            raise CertificateError(
                f"its network has the {kind} {_shown(has)}, its VNN-LIB 2.0 declares {_shown(declared)}"
            )
    if query.property != unsafe:
        raise CertificateError("its property in VNN-LIB 2.0 is another than that in 1.0, region by region")


def _shown(declared: Declaration) -> str:
    return f"{declared.element_type} {list(declared.shape)}"
