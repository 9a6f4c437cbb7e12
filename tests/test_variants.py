"""Variants are made from files alone, the same at every start, and none that is another question."""

import gzip
from dataclasses import replace
from fractions import Fraction

import numpy as np
import onnx
import pytest
from planted import tensors
from small_networks import write_network
from small_suite import small_suite
from test_network_variants import dense

from soundbench.errors import HarnessError, InputError
from soundbench.graph import read_graph
from soundbench.ground_truth import Expected, GroundTruth, Proof, Role
from soundbench.instance import VariantKind
from soundbench.replay import run_onnx
from soundbench.suite import load_suite
from soundbench.variants import NETWORK_VARIANTS, PROPERTY_VARIANTS, make_variants
from soundbench.vnnlib import read_property
from soundbench.vnnlib_text import decimal_text

STRICTNESS = {VariantKind.INPUT_STRICTNESS, VariantKind.OUTPUT_STRICTNESS}
# What every property has that is in VNN-LIB 1.0.
ALWAYS = {VariantKind.REORDERED, VariantKind.VNNLIB2}
HOLDS = GroundTruth(Expected.HOLDS, "small", "small", Role.OTHER, proof=Proof(1e-4, 0.5, 0.01, ()))


@pytest.fixture
def suite(tmp_path):
    return small_suite(tmp_path / "suite")


@pytest.fixture
def tiny(tiny_suite):
    return load_suite(tiny_suite)


def kinds(variants, name):
    return {each.variant for each in variants if each.name == name}


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_there_is_a_function_for_every_kind():
    assert [*PROPERTY_VARIANTS, *NETWORK_VARIANTS] == list(VariantKind)


def test_variants_follow_their_instance_and_lie_where_it_lies_in_its_suite(tiny, tmp_path):
    made = make_variants(tiny, tiny.instances, tmp_path)
    assert list(dict.fromkeys(each.name for each in made)) == [each.name for each in tiny.instances]
    first = tiny.instances[0]
    assert [each.variant for each in made if each.name == first.name] == [
        kind for kind in VariantKind if kind is not VariantKind.GEMM
    ]
    assert made[0] == replace(
        first,
        variant=VariantKind.REORDERED,
        vnnlib=tmp_path / "reordered" / first.vnnlib.relative_to(tiny.root.resolve()),
    )
    assert {path.split("/")[0] for path in contents(tmp_path)} == {each.variant for each in made}


def test_the_same_files_are_made_again(tiny, tmp_path):
    one, other = (make_variants(tiny, tiny.instances, tmp_path / name) for name in ("one", "other"))
    assert len(one) == len(other)
    assert contents(tmp_path / "one") == contents(tmp_path / "other")


def test_instances_of_one_network_share_its_variants(tiny, tmp_path):
    made = make_variants(tiny, tiny.instances, tmp_path)
    networks = {each.onnx for each in tiny.instances}
    assert len({each.onnx for each in made} - networks) == 3 * len(networks) < 3 * len(tiny.instances)


def test_what_is_there_is_kept(tiny, tmp_path):
    first = make_variants(tiny, tiny.instances[:2], tmp_path)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")}
    again = make_variants(tiny, tiny.instances, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert set(first) < set(again)


@pytest.mark.parametrize("kind", ["reordered", "permuted"])
def test_what_is_there_but_another_is_refused(tiny, tmp_path, kind):
    make_variants(tiny, tiny.instances, tmp_path)
    path = next(path for path in (tmp_path / kind).rglob("*") if path.is_file())
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(InputError, match=f"{path}: is not the variant .*; choose another --out"):
        make_variants(tiny, tiny.instances, tmp_path)


def test_a_folder_that_cannot_be_written_is_told(suite, tmp_path):
    (tmp_path / "variants").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        make_variants(suite, suite.instances, tmp_path / "variants")


# --- which variants an instance has


def test_strictness_needs_a_certified_margin(suite, tmp_path):
    proven = replace(suite, ground_truth={**suite.ground_truth, "twin": HOLDS})
    made = make_variants(proven, proven.instances, tmp_path)
    assert kinds(made, "armed") >= STRICTNESS
    assert kinds(made, "twin") >= STRICTNESS
    assert not kinds(made, "clean") & STRICTNESS
    assert not kinds(make_variants(replace(suite, ground_truth={}), suite.instances, tmp_path), "armed") & STRICTNESS


def test_a_network_without_hidden_neurons_has_no_variant(suite, tmp_path):
    made = make_variants(suite, suite.instances, tmp_path)
    assert {each.variant for each in made} == ALWAYS | STRICTNESS


def with_network(suite, model):
    model.graph.output[0].type.tensor_type.shape.dim.add().dim_value = 1
    onnx.save(model, suite.instances[0].onnx)
    return replace(suite, ground_truth={}, instances=suite.instances[:1])


def small_network(**options):
    return dense(np.random.default_rng(0), (1, 6, 2), **options)


def test_an_operator_without_an_exact_meaning_leaves_the_property_alone(suite, tmp_path):
    model = small_network()
    changed = with_network(suite, model)
    assert kinds(make_variants(changed, changed.instances, tmp_path / "relu"), "armed") == {
        *ALWAYS, VariantKind.PERMUTED, VariantKind.RESCALED, VariantKind.MATMUL_ADD
    }  # fmt: skip
    model.graph.node[1].op_type = "Erf"
    changed = with_network(suite, model)
    assert kinds(make_variants(changed, changed.instances, tmp_path / "erf"), "armed") == ALWAYS


def test_numbers_of_half_the_width_leave_the_property_alone(suite, tmp_path):
    """Their roundings are not bounded here."""
    network = write_network(tmp_path / "half.onnx", [[1.0], [-1.0]], shift=[0.5], element=onnx.TensorProto.FLOAT16)
    suite.instances[0].onnx.write_bytes(network.read_bytes())
    only = replace(suite, ground_truth={}, instances=suite.instances[:1])
    assert kinds(make_variants(only, only.instances, tmp_path / "half"), "armed") == ALWAYS
    write_network(suite.instances[0].onnx, [[1.0], [-1.0]], shift=[0.5])
    assert VariantKind.GEMM in kinds(make_variants(only, only.instances, tmp_path / "whole"), "armed")


def test_packed_files_are_unpacked(suite, tmp_path):
    armed, *_ = suite.instances
    packed = [path.with_name(f"{path.name}.gz") for path in (armed.onnx, armed.vnnlib)]
    onnx.save(small_network(), armed.onnx)
    for path, target in zip((armed.onnx, armed.vnnlib), packed, strict=True):
        target.write_bytes(gzip.compress(path.read_bytes()))
    instance = replace(armed, onnx=packed[0], vnnlib=packed[1])
    made = make_variants(replace(suite, ground_truth={}), [instance], tmp_path / "out")
    assert len(made) == 5
    networks = {f"{kind}/network.onnx" for kind in ("permuted", "rescaled", "matmul-add")}
    assert set(contents(tmp_path / "out")) == networks | {f"{kind}/armed.vnnlib" for kind in ALWAYS}
    for each in made:
        assert read_graph(each.onnx).input_count == read_property(each.vnnlib).input_count


# --- what is wrong is noticed


def altered(name, change):
    """A rewriting that changes one tensor and claims that this means nothing."""

    def rewrite(model, _random):
        made = onnx.ModelProto()
        made.CopyFrom(model)
        for each in made.graph.initializer:
            if each.name == name:
                values = onnx.numpy_helper.to_array(each).copy()
                change(values)
                each.CopyFrom(onnx.numpy_helper.from_array(values, name))
        return made

    return rewrite


def swap(values):
    values[[0, 1]] = values[[1, 0]]


def nudge(values):
    values[:] = np.nextafter(values, np.float32(np.inf))


@pytest.mark.parametrize("kind", [VariantKind.PERMUTED, VariantKind.RESCALED])
@pytest.mark.parametrize(("change", "words"), [(swap, "computes other"), (nudge, "computes other real numbers")])
def test_a_network_that_computes_something_else_is_our_mistake(tiny, tmp_path, monkeypatch, kind, change, words):
    """Be it two biases swapped, or all of them off by a rounding."""
    name = next(name for name, values in tensors(tiny.instances[0].onnx).items() if values.ndim == 1)
    monkeypatch.setitem(NETWORK_VARIANTS, kind, altered(name, change))
    with pytest.raises(HarnessError, match=f"its variant {kind} {words}"):
        make_variants(tiny, tiny.instances, tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and kind in path.parts]


def test_a_rescaled_network_is_the_same_to_the_last_bit(tiny, tmp_path, monkeypatch):
    """Another order of summation passes as a permutation, and not as rescaling."""
    permuted = NETWORK_VARIANTS[VariantKind.PERMUTED]
    monkeypatch.setitem(NETWORK_VARIANTS, VariantKind.RESCALED, permuted)
    with pytest.raises(HarnessError, match="its variant rescaled computes other floats"):
        make_variants(tiny, tiny.instances, tmp_path)


# --- witnesses


@pytest.mark.parametrize(
    ("point", "lost"),
    [
        (Fraction(1, 2), VariantKind.OUTPUT_STRICTNESS),
        (Fraction(1), VariantKind.INPUT_STRICTNESS),
        (Fraction(3, 4), None),
    ],
)
def test_what_a_witness_violates_by_a_hairs_breadth_only_is_no_variant(suite, tmp_path, point, lost):
    """Be it on the bound of the outputs, or at the end of the box."""
    truth = suite.ground_truth["armed"]
    close = replace(truth, witness=replace(truth.witness, point=(point,)))
    made = make_variants(replace(suite, ground_truth={"armed": close}), suite.instances, tmp_path)
    assert kinds(made, "armed") == (ALWAYS | STRICTNESS) - {lost}


def test_a_network_that_loses_a_witness_to_rounding_is_no_variant(suite, tmp_path, monkeypatch):
    """The function is the same over the reals and close in floats; but the bound is what the float was."""
    random = np.random.default_rng(0)
    changed = with_network(suite, dense(random, (1, 60, 60, 2)))
    permuted = NETWORK_VARIANTS[VariantKind.PERMUTED]
    for seed in range(40):
        monkeypatch.setitem(
            NETWORK_VARIANTS, VariantKind.PERMUTED, lambda model, _, s=seed: permuted(model, np.random.default_rng(s))
        )
        made = make_variants(changed, changed.instances, tmp_path / f"free{seed}")
        (onnx_path,) = {each.onnx for each in made if each.variant is VariantKind.PERMUTED}
        before, after = (run_onnx(path, [Fraction(3, 4)])[0] for path in (changed.instances[0].onnx, onnx_path))
        if after < before:
            break
    assert after < before
    vnnlib = changed.instances[0].vnnlib
    vnnlib.write_text(vnnlib.read_text().replace("Y_0 0.5", f"Y_0 {decimal_text(before)}"))
    known = replace(changed, ground_truth={"armed": suite.ground_truth["armed"]})
    made = make_variants(known, known.instances, tmp_path / "bound")
    assert VariantKind.PERMUTED not in kinds(made, "armed")
    assert VariantKind.RESCALED in kinds(made, "armed")


def test_a_witness_that_is_none_is_not_a_variants_fault(suite, tmp_path):
    truth = suite.ground_truth["armed"]
    wrong_witness = replace(truth, witness=replace(truth.witness, point=(Fraction(1, 4),)))
    made = make_variants(replace(suite, ground_truth={"armed": wrong_witness}), suite.instances, tmp_path)
    assert kinds(made, "armed") >= STRICTNESS
