"""How is a suite's ground truth withheld, and put back? A copy with opaque names in random order, and a sealed file."""

import contextlib
import os
import random
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from soundbench.commitment import SEALED, Sealed, check_sealed, commitment_to, read_sealed, sealed_bytes
from soundbench.errors import InputError
from soundbench.export import save_onnx
from soundbench.generate import folder_to_be
from soundbench.graph import load_onnx
from soundbench.instance import Instance, Interval
from soundbench.static_network import ONNX_DOMAINS
from soundbench.suite import (
    COMMITMENT,
    MANIFEST,
    QUERIES,
    Row,
    Suite,
    copy_files,
    origin,
    read_json,
    read_rows,
    write_manifest,
    write_rows,
    write_suite,
)
from soundbench.vnnlib import file_text, read_property

if TYPE_CHECKING:
    import onnx
    from google.protobuf.message import Message

# The time of every file of a sealed suite, which would tell in what order they were made; zip knows none before 1980.
FILE_TIME = 315_619_200
# What is left in the public manifest of how the suite was made.
PUBLIC = ("name", "version")
# The texts of an ONNX file that mean something: names of tensors, of operators and of their attributes.
MEANT = frozenset(
    {
        "onnx.AttributeProto.name",
        "onnx.NodeProto.domain",
        "onnx.NodeProto.input",
        "onnx.NodeProto.op_type",
        "onnx.NodeProto.output",
        "onnx.OperatorSetIdProto.domain",
        "onnx.TensorProto.name",
        "onnx.ValueInfoProto.name",
    }
)


@dataclass(frozen=True, slots=True)
class Renamed:
    """An instance of the suite to be sealed, and its row in the sealed one."""

    instance: Instance
    row: Row


def seal_suite(suite: Suite, out: Path, file: Path) -> None:
    """Write a suite without its ground truth to the new folder `out`, and all that is withheld to the new `file`.

    Raises:
        InputError: the suite has no ground truth or is sealed already, `out` or `file` exists or cannot be written, or
            the one would lie in the other.
    """
    if suite.commitment is not None:
        raise InputError(f"{suite.root}: is sealed already, or was; seal the suite that it was made from")
    if not suite.ground_truth:
        raise InputError(f"{suite.root}: has no ground truth that could be withheld")
    with sealed_file(file, out) as write, folder_to_be(out) as folder:
        write(write_sealed(suite, folder))


@contextlib.contextmanager
def sealed_file(file: Path, out: Path) -> Iterator[Callable[[bytes], None]]:
    """A function that writes the sealed file of a suite `out`; if anything fails after that, the file is removed again.

    Its owner alone may read it.

    Raises:
        InputError: it exists, cannot be written, or lies in the folder `out`, which is to be published.
    """
    if file.absolute().resolve().is_relative_to(out.absolute().resolve()):
        raise InputError(f"{file}: lies in the suite that is to be published; name a file elsewhere with --file")
    if file.exists() or file.is_symlink():
        raise InputError(f"{file}: already exists; name a new file with --file, or remove this one")
    written = False

    def write(content: bytes) -> None:
        nonlocal written
        try:
            file.absolute().parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as opened:
                written = True
                opened.write(content)
        except OSError as error:
            raise InputError(f"{file}: cannot be written ({error.strerror}); name another file with --file") from None

    try:
        yield write
    except BaseException:
        if written:
            file.unlink(missing_ok=True)
        raise


def write_sealed(suite: Suite, folder: Path) -> bytes:
    """Write a suite without its ground truth to an empty folder; return the content of the sealed file."""
    renamed = rename(suite, secrets.SystemRandom())
    for kind in ("onnx", "vnnlib", *([QUERIES] if suite.instances[0].vnnlib2 else [])):
        (folder / kind).mkdir()
    written = set()
    for each in renamed:
        if each.row.onnx not in written:
            save_onnx(nameless(each.instance.onnx), folder / each.row.onnx)
            written.add(each.row.onnx)
        (folder / each.row.vnnlib).write_text(without_comments(each.instance.vnnlib), encoding="utf-8")
        if each.instance.vnnlib2 is not None:
            (folder / each.row.vnnlib2).write_text(without_comments(each.instance.vnnlib2), encoding="utf-8")
    write_rows(folder, [each.row for each in renamed])
    made_by = origin(suite.root)
    public = {key: made_by[key] for key in PUBLIC if key in made_by}
    write_manifest(folder, public)
    content = sealed_bytes(
        Sealed(
            salt=secrets.token_hex(32),
            made_by=made_by,
            names={each.row.name: each.instance.name for each in renamed},
            files=read_json(folder / MANIFEST)["files"],
            ground_truth={
                each.row.name: suite.ground_truth[each.instance.name]
                for each in renamed
                if each.instance.name in suite.ground_truth
            },
        )
    )
    write_manifest(folder, {**public, COMMITMENT: commitment_to(content)})
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (FILE_TIME, FILE_TIME))
    return content


def rename(suite: Suite, shuffler: random.Random) -> list[Renamed]:
    """The instances in random order, numbered; their networks numbered in the order in which they are met."""
    instances = shuffler.sample(suite.instances, len(suite.instances))
    networks = list(dict.fromkeys(instance.onnx for instance in instances))
    onnx = dict(zip(networks, numbers(len(networks)), strict=True))
    return [
        Renamed(each, Row(f"onnx/{onnx[each.onnx]}.onnx", f"vnnlib/{number}.vnnlib", each.timeout_seconds))
        for each, number in zip(instances, numbers(len(instances)), strict=True)
    ]


def numbers(count: int) -> list[str]:
    """The numbers from one on, as names of one length."""
    return [f"{number:0{len(str(count))}d}" for number in range(1, count + 1)]


def without_comments(path: Path) -> str:
    """A property's text without its comments, which may say anything."""
    lines = (_without_comment(line) for line in file_text(path).split("\n"))
    return "\n".join(lines).strip("\n") + "\n"


def _without_comment(line: str) -> str:
    """A line up to its comment, and as it is if it has none."""
    text, semicolon, _ = line.partition(";")
    return text.rstrip(" \t") if semicolon else line


def nameless(path: Path) -> "onnx.ModelProto":
    """A network without what says nothing to a verifier: all texts but `MEANT`, and what only repeats or annotates."""
    model = load_onnx(path)
    model.DiscardUnknownFields()
    for whole in ("training_info", "model_version", "configuration"):
        _clear(model, whole)
    for whole in ("value_info", "quantization_annotation"):
        _clear(model.graph, whole)
    imports = [each for each in model.opset_import if each.domain in ONNX_DOMAINS]
    del model.opset_import[:]
    model.opset_import.extend(imports)
    for node in model.graph.node:
        _clear(node, "device_configurations")
        for attribute in node.attribute:
            for tensor in (attribute.t, *attribute.tensors) if attribute.HasField("t") else attribute.tensors:
                tensor.name = ""
    _clear_texts(model)
    model.graph.name = "network"
    return model


def _clear(message: "Message", field: str) -> None:
    """Clear a field, which older versions of ONNX do not have."""
    if field in message.DESCRIPTOR.fields_by_name:
        message.ClearField(field)


def _clear_texts(message: "Message") -> None:
    """Clear every text within a message that is not `MEANT`, and all metadata."""
    for field, value in message.ListFields():
        if (field.type == field.TYPE_STRING and field.full_name not in MEANT) or field.name == "metadata_props":
            message.ClearField(field.name)
        elif field.type == field.TYPE_MESSAGE:
            for each in [value] if hasattr(value, "ListFields") else value:
                _clear_texts(each)


def comparable_pairs(suite: Suite) -> list[str]:
    """The pairs whose members ask about the same boxes: how their networks differ there shows where the needle is."""
    boxes: dict[str, list[list[tuple[Interval, ...]]]] = {}
    for instance in suite.instances:
        truth = suite.ground_truth.get(instance.name)
        if truth is not None and truth.pair is not None:
            regions = read_property(instance.vnnlib).regions
            boxes.setdefault(truth.pair, []).append([region.inputs for region in regions])
    return [pair for pair, (first, *others) in boxes.items() if first in others]


def open_suite(suite: Suite, file: Path, out: Path) -> None:
    """Write a sealed suite with its ground truth, from the sealed file, to the new folder `out`.

    Instances keep the names under which they were published. The sealed file goes along, so that `soundbench certify`
    sees that the ground truth is the one promised.

    Raises:
        InputError: the suite is not sealed, the file is none or another suite's, or `out` is not empty or writable.
        CertificateError: the file or the suite is not what was committed to.
    """
    if suite.commitment is None:
        raise InputError(f"{suite.root}: is not sealed, so there is nothing to open")
    if suite.ground_truth:
        raise InputError(f"{suite.root}: is open already; check it with: soundbench certify {suite.root}")
    sealed = read_sealed(file)
    check_sealed(suite, sealed, file)
    made_by = {**sealed.made_by, "names": dict(sealed.names), COMMITMENT: suite.commitment}
    with folder_to_be(out) as folder:
        copy_files(suite.root, sealed.files, folder)
        shutil.copyfile(file, folder / SEALED)
        write_suite(folder, read_rows(suite.root), sealed.ground_truth, made_by)
