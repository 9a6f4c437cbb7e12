"""The suite that ships is what it is said to be."""

import functools
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from random import Random

import numpy as np
import onnx
import onnx.numpy_helper
import pytest
from planted import make_suite, read, recipe_of
from soundbench.cli.shipped import core_suite
from vnnlib_meaning import is_asserted, is_asserted_2

from soundbench.attack import attack, network_in_torch
from soundbench.base import SAMPLES
from soundbench.certify import certify_suite
from soundbench.errors import CertificateError
from soundbench.generate import one_thread, plans
from soundbench.graph import evaluate_float64, read_graph
from soundbench.ground_truth import Expected, Role, Track, TwinKind
from soundbench.prove import region_box
from soundbench.recipe import PLANTED_POSITIONS
from soundbench.replay import open_onnx
from soundbench.rounding import is_wide
from soundbench.suite import load_suite
from soundbench.vnnlib import read_property
from soundbench.vnnlib_writing import format_query

ROOT = core_suite()
SUITE = load_suite(ROOT)
INSTANCES = {each.name: each for each in SUITE.instances}
# What of a ground truth depends on the very weights.
OF_WEIGHTS = {"certifies", "proof", "witness", "hiding"}
ARMED = [name for name, known in SUITE.ground_truth.items() if known.role is Role.ARMED]
NETWORKS = sorted({each.onnx for each in SUITE.instances})
every_network = pytest.mark.parametrize("path", NETWORKS, ids=lambda path: path.stem)


@functools.cache
def graph_of(path):
    return read_graph(path)


def test_there_is_enough_of_everything():
    known = SUITE.ground_truth
    assert set(known) == set(INSTANCES)
    assert len(ARMED) >= 24
    kinds = Counter(known[name].twin_kind for name in ARMED)
    assert set(kinds) == set(TwinKind)
    assert kinds[TwinKind.CROWD] + kinds[TwinKind.MISALIGNED] >= 10
    wanted = {"mlp", "cnn", "avgpool", "tanh", "sigmoid", "residual"}
    triggers = {known[name].trigger for name in ARMED}
    assert {f"{cell}/{position}" for cell in wanted for position in PLANTED_POSITIONS} <= triggers
    assert all(known[name].track is Track.MAIN for name in ARMED)


@every_network
def test_no_network_is_so_wide_that_its_recorded_rounding_bound_would_be_sharpened(path):
    assert not is_wide(graph_of(path))


def test_every_pair_has_two_members_and_every_armed_network_a_clean_box():
    pairs = {}
    for name, known in SUITE.ground_truth.items():
        pairs.setdefault(known.pair, []).append((known.role, known.expected))
        assert (known.pair is None) == (known.role is Role.CLEAN)
        assert name in INSTANCES
    clean = pairs.pop(None)
    assert set(clean) == {(Role.CLEAN, Expected.HOLDS)}
    assert all(
        sorted(members) == [(Role.ARMED, Expected.VIOLATED), (Role.TWIN, Expected.HOLDS)] for members in pairs.values()
    )
    armed_networks = {INSTANCES[name].onnx for name in ARMED}
    clean_networks = {INSTANCES[name].onnx for name, known in SUITE.ground_truth.items() if known.role is Role.CLEAN}
    assert armed_networks == clean_networks


def test_it_is_small():
    sizes = {path: path.stat().st_size for path in ROOT.rglob("*") if path.is_file()}
    assert max(size for path, size in sizes.items() if path.suffix == ".onnx") < 200_000
    assert sum(sizes.values()) < 5_000_000


def test_nothing_lies_beside_its_files():
    files = {path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*") if path.is_file()}
    assert files == {*read(ROOT, "suite.json")["files"], "suite.json"}


@every_network
def test_a_network_is_what_old_readers_accept(path):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 13)]
    assert model.ir_version <= 9
    for value in (*model.graph.input, *model.graph.output):
        shape = [size.dim_value for size in value.type.tensor_type.shape.dim]
        assert shape[0] == 1
        assert min(shape) >= 1
    assert {node.op_type for node in model.graph.node} <= {
        "Gemm", "Conv", "Relu", "Tanh", "Sigmoid", "AveragePool", "Flatten", "Add"
    }  # fmt: skip


def test_every_certificate_holds():
    done = []
    counts = certify_suite(SUITE, done.append)
    assert sorted(done) == sorted(INSTANCES)
    assert counts[Expected.VIOLATED] == len(ARMED)
    assert counts[Expected.UNKNOWN] == 0


def test_recorded_chances_are_those_of_the_main_track():
    assert all(SUITE.ground_truth[name].hiding.chance <= 1e-9 for name in ARMED)
    assert all(SUITE.ground_truth[name].hiding.queries >= 1e8 for name in ARMED)
    assert all(len(SUITE.ground_truth[name].hiding.reads) >= 4 for name in ARMED)


# --- both versions of VNN-LIB say the same, by evaluators that share no code with soundbench


def query_text(instance):
    """The property in VNN-LIB 2.0: as it ships, or as it would be written."""
    if instance.vnnlib2 is not None:
        return instance.vnnlib2.read_text()
    return format_query(read_property(instance.vnnlib), open_onnx(instance.onnx).interface())


def pushed(outputs, constraints, distance):
    """Outputs moved until they satisfy the constraints, the last of them by a distance or on its very edge."""
    moved = list(outputs)
    for constraint in constraints * 5:
        if not constraint.is_satisfied(moved):
            index, factor = constraint.terms[0]
            moved[index] -= (constraint.excess(moved) + distance) / factor
    return moved


@pytest.mark.parametrize("name", INSTANCES)
def test_both_versions_mean_the_same_of_any_point(name):
    instance, random = INSTANCES[name], Random(name)
    texts = instance.vnnlib.read_text(), query_text(instance)
    network, unsafe = open_onnx(instance.onnx), read_property(instance.vnnlib)
    verdicts = []
    for region in [random.choice(unsafe.regions) for _ in range(6)]:
        point = [random.choice((each.lower, each.upper, (each.lower + each.upper) / 2)) for each in region.inputs]
        beside = [*point[:-1], region.inputs[-1].upper + Fraction(1, 10**30)]
        outputs = network.run(point)
        for entry in (point, beside):
            for reached in (outputs, *(pushed(outputs, region.outputs, distance) for distance in (0, 1))):
                verdicts.append(unsafe.is_violated_by(entry, reached))
                assert is_asserted(texts[0], entry, reached) == verdicts[-1]
                assert is_asserted_2(texts[1], entry, reached) == verdicts[-1]
    assert {*verdicts} == {True, False}


@pytest.mark.parametrize("name", ARMED)
def test_both_versions_find_the_witness_unsafe(name):
    instance, point = INSTANCES[name], SUITE.ground_truth[name].witness.point
    outputs = open_onnx(instance.onnx).run(point)
    assert is_asserted(instance.vnnlib.read_text(), point, outputs)
    assert is_asserted_2(query_text(instance), point, outputs)


# --- witnesses are hidden


@pytest.mark.parametrize("name", ["mlp-face-scaled-armed", "tanh-face-crowd-armed"])
def test_a_coordinate_next_to_a_face_must_count_as_known(name):
    """Were it said to be drawn from all of the box, the chance would come out smaller."""
    known = SUITE.ground_truth[name]
    intervals = read_property(INSTANCES[name].vnnlib).regions[0].inputs
    prior = [[float(getattr(intervals[read], side)) for read in known.hiding.reads] for side in ("lower", "upper")]
    claimed = replace(known.hiding, pinned=(), prior_lower=tuple(prior[0]), prior_upper=tuple(prior[1]))
    altered = replace(
        SUITE,
        instances=(INSTANCES[name],),
        ground_truth={**SUITE.ground_truth, name: replace(known, hiding=claimed)},
    )
    with pytest.raises(CertificateError, match=f"^{name}: X_{known.hiding.pinned[0]} .* next to a face"):
        certify_suite(altered, lambda _: None)


def attacked(name, seed):
    graph, unsafe = graph_of(INSTANCES[name].onnx), read_property(INSTANCES[name].vnnlib)
    with one_thread():
        return attack(graph, unsafe, steps=100, restarts=1000, step_share=0.1, seed=seed)


QUICK = ["mlp-interior-crowd-armed", "sigmoid-face-scaled-armed"]


@pytest.mark.parametrize(
    "name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in ARMED if name not in QUICK)]
)
def test_projected_gradient_descent_finds_no_planted_counterexample(name):
    result = attacked(name, seed=1)
    assert result.queries >= 101_000
    assert not result.found
    assert result.margin < 0


def test_the_attack_does_find_a_witness_that_is_not_hidden():
    """The same search in a box of a few half-widths around the witness, where the needle's slope is in sight."""
    name = "mlp-interior-scaled-armed"
    known, graph = SUITE.ground_truth[name], graph_of(INSTANCES[name].onnx)
    unsafe = read_property(INSTANCES[name].vnnlib)
    small = around(unsafe, known.witness.point, 0.3 * max(known.hiding.half_widths))
    with one_thread():
        assert attack(graph, small, steps=100, restarts=100, step_share=0.1, seed=1).found


def around(unsafe, point, radius):
    """The property on a small box around a point."""
    inputs = tuple(
        replace(interval, lower=value - Fraction(radius), upper=value + Fraction(radius))
        for interval, value in zip(unsafe.regions[0].inputs, point, strict=True)
    )
    return replace(unsafe, regions=tuple(replace(region, inputs=inputs) for region in unsafe.regions))


# --- bases are alive


def margins_in(name):
    """The margin over the best other class at random points of an instance's box, and the label."""
    graph, unsafe = graph_of(INSTANCES[name].onnx), read_property(INSTANCES[name].vnnlib)
    (label,) = {index for region in unsafe.regions for index, factor in region.outputs[0].terms if factor > 0}
    box = region_box(unsafe.regions[0], 0.0)
    points = np.random.default_rng(0).uniform(box.lower, box.upper, (50 * SAMPLES, len(box.lower)))
    outputs = evaluate_float64(graph, points)[graph.output]
    others = np.delete(outputs, label, axis=1).max(axis=1)
    return outputs[:, label] - others, label, points


@every_network
def test_a_base_is_alive_in_every_box(path):
    """Margins vary, no gradient of them is zero, and both labels occur where the base of a pair has all its boxes.

    Needles are too small to be met by these points.
    """
    import torch

    labels = set()
    for name, instance in INSTANCES.items():
        if instance.onnx != path:
            continue
        margins, label, points = margins_in(name)
        labels.add(label)
        assert margins.min() > 0
        assert margins.max() - margins.min() >= 0.05 * margins.mean()
        batch = torch.tensor(points, requires_grad=True)
        outputs = network_in_torch(graph_of(path))(batch)
        (gradient,) = torch.autograd.grad((outputs[:, label] - outputs[:, label - 1]).sum(), batch)
        assert (gradient.abs().amax(dim=1) > 1e-6).all()
    assert len(labels) >= (2 if path.stem.endswith("-armed") else 1)


# --- it is made by its recipe


def cells_of(text):
    """The texts before the first cell, and of each cell, of a recipe."""
    head, *cells = text.split("[[cell]]")
    return head, [f"[[cell]]{cell}" for cell in cells]


def test_the_recipe_that_ships_is_the_one_it_was_made_by():
    assert read(ROOT, "suite.json")["recipe"] == (ROOT.parent / "core.toml").read_text()


@pytest.mark.slow
def test_it_is_made_again(tmp_path):
    manifest = read(ROOT, "suite.json")
    made = make_suite(tmp_path, "core", manifest["recipe"], manifest["seed"])
    assert read(made, "suite.json")["files"].keys() == manifest["files"].keys()
    assert_remade(made)


def test_one_cell_of_it_is_made_again(tmp_path):
    """The first, since every pair of networks is made from the seed and its place in the recipe."""
    manifest = read(ROOT, "suite.json")
    head, cells = cells_of(manifest["recipe"])
    made, again = (make_suite(tmp_path, name, head + cells[0], manifest["seed"]) for name in ("part", "again"))
    assert len(plans(recipe_of(head + cells[0], tmp_path))) >= 2
    assert read(made, "suite.json")["files"] == read(again, "suite.json")["files"]
    assert_remade(made)


def assert_remade(made):
    """Byte for byte on a kind of processor that sums in the same order; otherwise but for rounding during training."""
    part, whole = read(made, "suite.json")["files"], read(ROOT, "suite.json")["files"]
    written = [name for name in part if name.startswith(("onnx/", "vnnlib/"))]
    assert len(written) >= 10
    known, expected = read(made, "ground_truth.json"), read(ROOT, "ground_truth.json")
    networks = [name for name in written if name.startswith("onnx/")]
    if part[networks[0]] == whole[networks[0]]:
        assert {name: part[name] for name in written} == {name: whole[name] for name in written}
        assert known == {name: expected[name] for name in known}
        return
    for name in networks:
        assert_close(onnx.load(made / name), onnx.load(ROOT / name))
    properties = set(written) - set(networks)
    assert {name: part[name] for name in properties} == {name: whole[name] for name in properties}
    for name, truth in known.items():
        assert truth.keys() == expected[name].keys()
        same = truth.keys() - OF_WEIGHTS
        assert {key: truth[key] for key in same} == {key: expected[name][key] for key in same}


def assert_close(one, other):
    """The same nodes; no weight differs by more than 2 % of the largest in its tensor."""
    assert [(node.op_type, list(node.input)) for node in one.graph.node] == [
        (node.op_type, list(node.input)) for node in other.graph.node
    ]
    for made, shipped in zip(one.graph.initializer, other.graph.initializer, strict=True):
        values = [onnx.numpy_helper.to_array(tensor).astype(np.float64) for tensor in (made, shipped)]
        assert np.abs(values[0] - values[1]).max() <= 0.02 * np.abs(values[1]).max()
