"""Every variant of every instance that ships has the same answer, by the same certificate."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from soundbench.cli.shipped import core_suite
from test_core_suite import graph_of

from soundbench.certify import by_network
from soundbench.ground_truth import Expected, Leaf, Role, Track
from soundbench.instance import VariantKind
from soundbench.level import Level, chosen
from soundbench.prove import check
from soundbench.replay import open_onnx, replay
from soundbench.rigorous import evaluate
from soundbench.suite import load_suite
from soundbench.variants import NETWORK_VARIANTS, PROPERTY_VARIANTS, make_variants
from soundbench.vnnlib import read_property

SUITE = load_suite(core_suite())


def part():
    """What has every value of every factor, networks too; a clean box of each of these networks; the track tight."""
    smoke = chosen(SUITE, Level.SMOKE)
    networks = {each.onnx for each in smoke}
    truth = SUITE.ground_truth
    clean = [each for each in SUITE.instances if each.onnx in networks and truth[each.name].role is Role.CLEAN]
    return [*smoke, *clean, *(each for each in SUITE.instances if truth[each.name].track is Track.TIGHT)]


ORIGINALS = {each.name: each for each in part()}
# Tensors have the neurons that they had, so that a proof speaks of these networks as well.
IN_PLACE = {*PROPERTY_VARIANTS, VariantKind.RESCALED, VariantKind.MATMUL_ADD}


@pytest.fixture(scope="module")
def variants(tmp_path_factory):
    return make_variants(SUITE, list(ORIGINALS.values()), tmp_path_factory.mktemp("variants"))


def known(variants, expected):
    """The variants of instances with one answer, and what is known of them."""
    every = [(each, SUITE.ground_truth[each.name]) for each in variants]
    return [(each, truth) for each, truth in every if truth.expected is expected]


def test_the_part_has_all_networks_and_all_roles():
    truths = [SUITE.ground_truth[name] for name in ORIGINALS]
    assert len({truth.factors["network"] for truth in truths if truth.factors}) == 31
    assert Counter(truth.role for truth in truths) == {Role.ARMED: 44, Role.TWIN: 44, Role.CLEAN: 35}


def expected_kinds(instance):
    """Hidden neurons that saturate cannot be scaled; no strict bound leaves a fixed input any value."""
    kinds = {*PROPERTY_VARIANTS, *NETWORK_VARIANTS}
    if instance.name.startswith(("tanh-", "sigmoid-")):
        kinds.remove(VariantKind.RESCALED)
    if not instance.name.startswith("matmul_add-"):
        kinds.remove(VariantKind.GEMM)
    regions = read_property(instance.vnnlib).regions
    if any(each.lower == each.upper for region in regions for each in region.inputs):
        kinds.remove(VariantKind.INPUT_STRICTNESS)
    return kinds


def test_every_instance_has_every_variant_that_it_can_have(variants):
    kinds = {name: {each.variant for each in variants if each.name == name} for name in ORIGINALS}
    assert kinds == {name: expected_kinds(instance) for name, instance in ORIGINALS.items()}
    assert Counter(each.variant for each in variants).keys() == {*PROPERTY_VARIANTS, *NETWORK_VARIANTS}


def test_a_variant_differs_in_one_file(variants):
    for each in variants:
        original = ORIGINALS[each.name]
        assert (each.onnx == original.onnx) == (each.variant in PROPERTY_VARIANTS)
        assert (each.vnnlib == original.vnnlib) == (each.variant in NETWORK_VARIANTS)
        changed = each.vnnlib if each.variant in PROPERTY_VARIANTS else each.onnx
        before = original.vnnlib if each.variant in PROPERTY_VARIANTS else original.onnx
        assert changed.read_bytes() != before.read_bytes()


def test_a_witness_violates_every_variant_in_rigorous_arithmetic_by_the_certified_margin(variants):
    armed = known(variants, Expected.VIOLATED)
    assert {variant.name for variant, _ in armed} == {name for name in ORIGINALS if name.endswith("-armed")}
    for variant, truth in armed:
        unsafe = read_property(variant.vnnlib)
        assert replay(variant.onnx, unsafe, truth.witness.point).strict
        bounds = evaluate(graph_of(variant.onnx), truth.witness.point)
        margins = [
            min(
                constraint.bound - sum(factor * bounds[index][factor > 0] for index, factor in constraint.terms)
                for constraint in region.outputs
            )
            for region in unsafe.regions
        ]
        assert float(max(margins)) == pytest.approx(truth.witness.margin_rigorous, rel=1e-9)


def turned(tree, constraints):
    """A proof of a region whose so many constraints are counted from the last."""
    if isinstance(tree, Leaf):
        return replace(tree, refutes=constraints - 1 - tree.refutes)
    return replace(tree, below=turned(tree.below, constraints), above=turned(tree.above, constraints))


def test_a_proof_proves_every_variant_that_leaves_neurons_in_place(variants):
    proven = known(variants, Expected.HOLDS)
    assert {variant.name for variant, _ in proven} == {name for name in ORIGINALS if not name.endswith("-armed")}
    for variant, truth in proven:
        if variant.variant in IN_PLACE:
            unsafe, proof = read_property(variant.vnnlib), truth.proof
            if variant.variant is VariantKind.REORDERED:
                regions = unsafe.regions[::-1]
                trees = [turned(tree, len(region.outputs)) for tree, region in zip(proof.trees, regions, strict=True)]
                proof = replace(proof, trees=tuple(trees[::-1]))
            slack = check(graph_of(variant.onnx), unsafe, proof)
            assert slack == pytest.approx(truth.proof.slack, rel=1e-6)


def test_every_network_computes_the_same(variants):
    """At random points of the boxes, in ball arithmetic; rescaled ones in ONNX Runtime to the last bit."""
    random = np.random.default_rng(7)
    boxes = {group[0].onnx: read_property(group[0].vnnlib).regions[0].inputs for group in by_network(SUITE)}
    made = {(each.variant, each.onnx): ORIGINALS[each.name].onnx for each in variants}
    for (kind, onnx), original in made.items():
        if kind in PROPERTY_VARIANTS:
            continue
        box = boxes[original]
        drawn = random.uniform([float(each.lower) for each in box], [float(each.upper) for each in box])
        networks = open_onnx(original), open_onnx(onnx)
        point = networks[0].cast(drawn.tolist())
        for (low, high), (other_low, other_high) in zip(
            *(evaluate(graph_of(path), point) for path in (original, onnx)), strict=True
        ):
            assert low <= other_high
            assert other_low <= high
            assert high - low < 1e-9
        if kind is VariantKind.RESCALED:
            assert networks[0].run(point) == networks[1].run(point)
