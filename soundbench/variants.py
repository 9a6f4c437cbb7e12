"""Which variants does an instance have? The same question in other words, to which a verifier owes the same answer.

They are made from the suite's files alone, the same at every start, and checked before any verifier meets them.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soundbench.errors import InputError
from soundbench.graph import load_onnx
from soundbench.ground_truth import GroundTruth
from soundbench.instance import Instance, VariantKind
from soundbench.network_variants import gemm, matmul_add, permuted, rescaled
from soundbench.property_variants import in_vnnlib2, input_strictness, output_strictness, reordered
from soundbench.suite import Suite, beside
from soundbench.variant_check import can_be_checked, check_network, keeps_witness
from soundbench.vnnlib import file_text

if TYPE_CHECKING:
    from onnx import ModelProto

# Each gives another text about a network, or None where there is none that means the same.
PROPERTY_VARIANTS: Mapping[VariantKind, Callable[[str, Path], str | None]] = {
    VariantKind.REORDERED: lambda text, _: reordered(text),
    VariantKind.INPUT_STRICTNESS: lambda text, _: input_strictness(text),
    VariantKind.OUTPUT_STRICTNESS: lambda text, _: output_strictness(text),
    VariantKind.VNNLIB2: in_vnnlib2,
}
# Each gives another network, or None where there is none that computes the same.
NETWORK_VARIANTS: "Mapping[VariantKind, Callable[[ModelProto, np.random.Generator], ModelProto | None]]" = {
    VariantKind.PERMUTED: permuted,
    VariantKind.RESCALED: rescaled,
    VariantKind.MATMUL_ADD: lambda model, _: matmul_add(model),
    VariantKind.GEMM: lambda model, _: gemm(model),
}
# What holds by a hair's breadth, or is violated by one, may do the other where a bound is strict.
NEED_MARGIN = frozenset({VariantKind.INPUT_STRICTNESS, VariantKind.OUTPUT_STRICTNESS})


def make_variants(suite: Suite, instances: Sequence[Instance], folder: Path) -> tuple[Instance, ...]:
    """All variants of some of a suite's instances, written below a folder unless they are there already.

    A variant differs from its instance in one file. Instances of one network share the variants of it. What an
    instance's witness does not violate is no variant of it.

    Raises:
        InputError: a file cannot be read or written, or the folder holds another file in a variant's place.
        HarnessError: a variant does not mean the same, which is our mistake.
    """
    by_network: dict[Path, list[Instance]] = {}
    for instance in instances:
        by_network.setdefault(instance.onnx, []).append(instance)
    networks = {onnx: _network_variants(suite, group, folder) for onnx, group in by_network.items()}
    made: list[Instance] = []
    for instance in instances:
        truth = suite.ground_truth.get(instance.name)
        properties = _property_variants(suite, instance, folder)
        written = [replace(instance, vnnlib=path, variant=kind) for kind, path in properties.items()]
        written += [replace(instance, onnx=path, variant=kind) for kind, path in networks[instance.onnx].items()]
        made += [variant for variant in written if keeps_witness(instance, truth, variant)]
    return tuple(made)


def _property_variants(suite: Suite, instance: Instance, folder: Path) -> dict[VariantKind, Path]:
    """The properties that another of the instance's may be replaced by."""
    text, truth, paths = file_text(instance.vnnlib), suite.ground_truth.get(instance.name), {}
    for kind, rewrite in PROPERTY_VARIANTS.items():
        made = None if kind in NEED_MARGIN and not _has_margin(truth) else rewrite(text, instance.onnx)
        if made is not None:
            paths[kind] = _place(folder, kind, suite.root, instance.vnnlib)
            _write(paths[kind], made.encode())
    return paths


def _network_variants(suite: Suite, instances: Sequence[Instance], folder: Path) -> dict[VariantKind, Path]:
    """The networks that the one of these instances may be replaced by."""
    onnx, paths = instances[0].onnx, {}
    if not can_be_checked(onnx):
        return {}
    model = load_onnx(onnx)
    for kind, rewrite in NETWORK_VARIANTS.items():
        seed = hashlib.sha256(kind.encode() + onnx.read_bytes()).digest()
        made = rewrite(model, np.random.default_rng(int.from_bytes(seed)))
        if made is not None:
            paths[kind] = _place(folder, kind, suite.root, onnx)
            check = partial(check_network, kind, instances, suite.ground_truth)
            _write(paths[kind], made.SerializeToString(deterministic=True), check)
    return paths


def _has_margin(truth: GroundTruth | None) -> bool:
    """Whether a certificate keeps the answer away from the bounds."""
    return truth is not None and (truth.witness is not None or truth.proof is not None)


def _place(folder: Path, kind: VariantKind, root: Path, original: Path) -> Path:
    """Where a variant of a suite's file lies: as in the suite, in a folder of its kind."""
    path = folder / kind / original.resolve().relative_to(root.resolve())
    return path.with_name(path.name.removesuffix(".gz"))


def _write(path: Path, content: bytes, *checks: Callable[[Path], None]) -> None:
    """Write a file once it passes all checks; one that is there already has."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            if path.read_bytes() != content:
                raise InputError(
                    f"{path}: is not the variant that this version of soundbench makes; choose another --out"
                )
            return
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); check the permissions") from None
    with beside(path) as partial_file:
        partial_file.write_bytes(content)
        for check in checks:
            check(partial_file)
        partial_file.replace(path)
