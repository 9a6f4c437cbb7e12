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
from planted import make_suite, read
from soundbench.cli.shipped import core_suite
from vnnlib_meaning import is_asserted, is_asserted_2

import soundbench.generate
from soundbench.attack import attack, network_in_torch
from soundbench.certify import certify_suite
from soundbench.covering import Factors, pairs_of
from soundbench.errors import CertificateError
from soundbench.generate import one_thread, plans
from soundbench.graph import Product, evaluate_float64, read_graph
from soundbench.ground_truth import Expected, Position, Role, Track, TwinKind
from soundbench.placement import Place
from soundbench.prove import region_box
from soundbench.recipe import read_recipe
from soundbench.replay import open_onnx
from soundbench.rounding import is_wide
from soundbench.suite import load_suite
from soundbench.vnnlib import read_property
from soundbench.vnnlib_writing import format_query

ROOT = core_suite()
SUITE = load_suite(ROOT)
TRUTH = SUITE.ground_truth
RECIPE = read_recipe(ROOT.parent / "core.toml")
INSTANCES = {each.name: each for each in SUITE.instances}
# What of a ground truth depends on the very weights.
OF_WEIGHTS = {"certifies", "proof", "witness", "hiding"}
ARMED = [name for name, known in TRUTH.items() if known.role is Role.ARMED]
# Those with all the room that the main track asks for, and those that lie in a corner, which anybody may guess.
ROOMY = [name for name in ARMED if TRUTH[name].track is not Track.TIGHT]
HIDDEN = [name for name in ROOMY if TRUTH[name].track is Track.MAIN]
NETWORKS = sorted({each.onnx for each in SUITE.instances})
# Of every network of the recipe another one of those that it was made into, for what takes long for all.
SOME = {each.name: number for number, each in enumerate(RECIPE.networks)}


def network_named(name):
    """The network of a recipe that an instance or a file of this name belongs to; none of those of the track tight."""
    return next((each for each in SOME if name.startswith(f"{each}-")), None)


def some(names):
    """Of the names that belong to one network of the recipe one, of each of them."""
    own = {each: [name for name in names if network_named(name) == each] for each in SOME}
    return [found[SOME[each] % len(found)] for each, found in own.items() if found]


def in_part(names, quick):
    """All of the names, those that are not in `quick` marked as slow."""
    return [name if name in quick else pytest.param(name, marks=pytest.mark.slow) for name in names]


every_network = pytest.mark.parametrize("path", NETWORKS, ids=lambda path: path.stem)


@functools.cache
def graph_of(path):
    return read_graph(path)


def test_every_two_values_meet_in_an_armed_instance_but_those_that_are_forbidden():
    met = set().union(*(pairs_of(TRUTH[name].factors) for name in ROOMY))
    assert met == set(Factors(RECIPE.values, RECIPE.forbidden).pairs())


def test_tracks_are_what_they_are_for():
    """Corners are shallow, since there are few of them; all else but the last digits counts for the main score."""
    assert set(TRUTH) == set(INSTANCES)
    assert len(HIDDEN) >= 200
    assert all((TRUTH[name].track is Track.SHALLOW) == (TRUTH[name].position is Position.CORNER) for name in ROOMY)
    assert {TRUTH[name].factors["place"] for name in HIDDEN} == set(Place) - {Place.CORNER}
    tight = Counter(TRUTH[name].trigger for name in ARMED if TRUTH[name].track is Track.TIGHT)
    assert tight == {f"tight/{kind}": RECIPE.tight_pairs for kind in RECIPE.tight}


def test_most_pairs_take_more_than_an_interval_bound():
    kinds = Counter(TRUTH[name].twin_kind for name in HIDDEN)
    assert set(kinds) == set(TwinKind)
    assert kinds[TwinKind.CROWD] + kinds[TwinKind.MISALIGNED] >= 2 * kinds[TwinKind.SCALED] - len(SOME)


@every_network
def test_only_where_tensors_are_multiplied_is_a_recorded_rounding_bound_a_sharpened_one(path):
    assert is_wide(graph_of(path)) == any(isinstance(step, Product) for step in graph_of(path).steps)


def test_every_pair_has_two_members_and_every_armed_network_a_clean_box():
    """But those of the track tight, which are made for their one question."""
    pairs = {}
    for name, known in TRUTH.items():
        pairs.setdefault(known.pair, []).append((known.role, known.expected))
        assert (known.pair is None) == (known.role is Role.CLEAN)
        assert name in INSTANCES
    clean = pairs.pop(None)
    assert set(clean) == {(Role.CLEAN, Expected.HOLDS)}
    assert all(
        sorted(members) == [(Role.ARMED, Expected.VIOLATED), (Role.TWIN, Expected.HOLDS)] for members in pairs.values()
    )
    armed_networks = {INSTANCES[name].onnx for name in ROOMY}
    clean_networks = {INSTANCES[name].onnx for name, known in TRUTH.items() if known.role is Role.CLEAN}
    assert armed_networks == clean_networks


def test_it_is_small():
    sizes = {path: path.stat().st_size for path in ROOT.rglob("*") if path.is_file()}
    assert max(size for path, size in sizes.items() if path.suffix == ".onnx") < 300_000
    assert sum(sizes.values()) <= 12_000_000


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
    assert {node.domain for node in model.graph.node} == {""}


def names_in(path):
    """All names of tensors, nodes and initializers."""
    model = onnx.load(path)
    named = {name for node in model.graph.node for name in (node.name, *node.input, *node.output)}
    return named | {each.name for each in model.graph.initializer}


@every_network
def test_names_tell_nothing_of_needles_and_not_which_member_of_a_pair_a_network_is(path):
    names = names_in(path)
    assert not any(word in name.lower() for name in names for word in ("needle", "crowd", "decoy", "armed", "twin"))
    if path.stem.endswith("-armed"):
        assert names == names_in(path.with_name(path.name.replace("-armed", "-twin")))


OPERATORS = {
    "Abs", "Add", "AveragePool", "BatchNormalization", "Clip", "Concat", "Conv", "ConvTranspose", "Div", "Exp",
    "Flatten", "Gather", "Gemm", "LeakyRelu", "MatMul", "MaxPool", "Mul", "Pow", "ReduceMean", "ReduceSum", "Relu",
    "Reshape", "Sigmoid", "Sign", "Slice", "Softmax", "Sub", "Tanh", "Transpose",
}  # fmt: skip


def test_every_operator_that_can_be_asked_for_is_in_it():
    found = {node.op_type for path in NETWORKS for node in onnx.load(path).graph.node}
    assert found == OPERATORS


def test_every_certificate_holds():
    done = []
    counts = certify_suite(SUITE, done.append)
    assert sorted(done) == sorted(INSTANCES)
    assert counts[Expected.VIOLATED] == len(ARMED)
    assert counts[Expected.UNKNOWN] == 0


def test_recorded_chances_are_those_of_the_main_track():
    for name in HIDDEN:
        hiding = TRUTH[name].hiding
        assert hiding.chance <= 1e-9
        assert hiding.queries >= 1e8
        assert len(hiding.reads) >= 4
        assert len(hiding.reads) - len(hiding.pinned) >= 4


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


@pytest.mark.parametrize("name", in_part(INSTANCES, some(ARMED) + some(INSTANCES)))
def test_both_versions_mean_the_same_of_any_point(name):
    instance, random = INSTANCES[name], Random(name)
    texts = instance.vnnlib.read_text(), query_text(instance)
    network, unsafe = open_onnx(instance.onnx), read_property(instance.vnnlib)
    verdicts = []
    middle = [(each.lower + each.upper) / 2 for each in unsafe.regions[0].inputs]
    for number, region in enumerate([unsafe.regions[0], *(random.choice(unsafe.regions) for _ in range(5))]):
        corner = [random.choice((each.lower, each.upper, (each.lower + each.upper) / 2)) for each in region.inputs]
        # Where bounds are strict, hardly another point is inside.
        point = corner if number else middle
        beside = [*point[:-1], region.inputs[-1].upper + Fraction(1, 10**30)]
        outputs = network.run(point)
        for entry in (point, beside):
            for reached in (outputs, *(pushed(outputs, region.outputs, distance) for distance in (0, 1))):
                verdicts.append(unsafe.is_violated_by(entry, reached))
                assert is_asserted(texts[0], entry, reached) == verdicts[-1]
                assert is_asserted_2(texts[1], entry, reached) == verdicts[-1]
    assert {*verdicts} == {True, False}


@pytest.mark.parametrize("name", in_part(ARMED, some(ARMED)))
def test_both_versions_find_the_witness_unsafe(name):
    instance, point = INSTANCES[name], TRUTH[name].witness.point
    outputs = open_onnx(instance.onnx).run(point)
    assert is_asserted(instance.vnnlib.read_text(), point, outputs)
    assert is_asserted_2(query_text(instance), point, outputs)


# --- witnesses are hidden


AT_A_FACE = [name for name in HIDDEN if TRUTH[name].position is Position.FACE]


@pytest.mark.parametrize("name", [AT_A_FACE[0], AT_A_FACE[-1]])
def test_a_coordinate_next_to_a_face_must_count_as_known(name):
    """Were it said to be drawn from all of the box, the chance would come out smaller."""
    known, unsafe = TRUTH[name], read_property(INSTANCES[name].vnnlib)
    intervals = next(each for each in unsafe.regions if each.contains_input(known.witness.point)).inputs
    prior = [[float(getattr(intervals[read], side)) for read in known.hiding.reads] for side in ("lower", "upper")]
    claimed = replace(known.hiding, pinned=(), prior_lower=tuple(prior[0]), prior_upper=tuple(prior[1]))
    altered = replace(
        SUITE,
        instances=(INSTANCES[name],),
        ground_truth={**TRUTH, name: replace(known, hiding=claimed)},
    )
    with pytest.raises(CertificateError, match=f"^{name}: X_{known.hiding.pinned[0]} .* next to a face"):
        certify_suite(altered, lambda _: None)


def attacked(name, seed):
    graph, unsafe = graph_of(INSTANCES[name].onnx), read_property(INSTANCES[name].vnnlib)
    with one_thread():
        return attack(graph, unsafe, steps=100, restarts=1000, step_share=0.1, seed=seed)


ATTACKED = [name for name in some(HIDDEN) if network_named(name) in ("mlp", "sigmoid", "attention")]


@pytest.mark.parametrize("name", in_part(HIDDEN, ATTACKED))
def test_projected_gradient_descent_finds_no_planted_counterexample(name):
    result = attacked(name, seed=1)
    # A region for every constraint that may be violated has walkers of its own.
    assert result.queries >= 101_000
    assert not result.found
    assert result.margin < 0


def test_the_attack_does_find_a_witness_that_is_not_hidden():
    """The same search in a box around the witness in all of which the needle's slope is in sight."""
    name = next(name for name in HIDDEN if TRUTH[name].factors["form"] == "one_against_one")
    known, graph = TRUTH[name], graph_of(INSTANCES[name].onnx)
    small = around(read_property(INSTANCES[name].vnnlib), known)
    with one_thread():
        assert attack(graph, small, steps=100, restarts=100, step_share=0.1, seed=1).found


def around(unsafe, known):
    """The property on a small box around a witness."""
    hiding, inputs = known.hiding, list(unsafe.regions[0].inputs)
    for index, half_width in zip(hiding.reads, hiding.half_widths, strict=True):
        value, radius = known.witness.point[index], Fraction(half_width) / len(hiding.reads)
        inputs[index] = replace(inputs[index], lower=value - radius, upper=value + radius)
    return replace(unsafe, regions=tuple(replace(region, inputs=tuple(inputs)) for region in unsafe.regions))


# --- bases are alive


POINTS = 6400


def margins_in(name):
    """The margin of the best class over the next at random points of an instance's box, the class, and the points.

    Of shares the logarithms, which are logits but for a number that they have in common.
    """
    graph, unsafe = graph_of(INSTANCES[name].onnx), read_property(INSTANCES[name].vnnlib)
    box = region_box(unsafe.regions[-1], 0.0)
    points = np.random.default_rng(0).uniform(box.lower, box.upper, (POINTS, len(box.lower)))
    outputs = evaluate_float64(graph, points)[graph.output]
    outputs = np.log(outputs) if network_named(name) == "shares" else outputs
    label = int(outputs[0].argmax())
    return outputs[:, label] - np.delete(outputs, label, axis=1).max(axis=1), label, points


ROOMY_NETWORKS = sorted({each.onnx.stem for each in SUITE.instances if network_named(each.name)})


@pytest.mark.parametrize("network", in_part(ROOMY_NETWORKS, some(ROOMY_NETWORKS)))
def test_a_base_is_alive_in_every_box(network):
    """Margins vary, hardly a gradient is zero, and several labels occur where the base of a pair has all its boxes.

    Of a box of one network, one point in fourteen lies where the difference of two outputs is flat.

    Needles are too small to be met by these points.
    """
    import torch

    labels = set()
    for name, instance in INSTANCES.items():
        if instance.onnx.stem != network:
            continue
        margins, label, points = margins_in(name)
        labels.add(label)
        assert margins.min() > 0
        assert margins.max() - margins.min() >= 0.05 * margins.mean()
        batch = torch.tensor(points, requires_grad=True)
        outputs = network_in_torch(graph_of(instance.onnx))(batch)
        (gradient,) = torch.autograd.grad((outputs[:, label] - outputs[:, label - 1]).sum(), batch)
        assert (gradient.abs().amax(dim=1) > 0).double().mean() >= 0.9
    assert len(labels) >= (2 if network.endswith("-armed") else 1)


# --- it is made by its recipe


def test_the_recipe_that_ships_is_the_one_it_was_made_by():
    assert read(ROOT, "suite.json")["recipe"] == (ROOT.parent / "core.toml").read_text()


@pytest.mark.slow
def test_it_is_made_again(tmp_path):
    manifest = read(ROOT, "suite.json")
    made = make_suite(tmp_path, "core", manifest["recipe"], manifest["seed"])
    assert read(made, "suite.json")["files"].keys() == manifest["files"].keys()
    assert_remade(made)


def test_its_first_cells_are_made_again(tmp_path, monkeypatch):
    """Every pair of networks is made from the seed and its place in the recipe."""
    manifest = read(ROOT, "suite.json")
    monkeypatch.setattr(soundbench.generate, "plans", lambda recipe: plans(recipe)[:2])
    made = make_suite(tmp_path, "part", manifest["recipe"], manifest["seed"])
    assert len(list((made / "onnx").iterdir())) == 4
    assert_remade(made)


def assert_remade(made):
    """Byte for byte on a kind of processor that sums in the same order; otherwise but for rounding during training."""
    part, whole = read(made, "suite.json")["files"], read(ROOT, "suite.json")["files"]
    written = [name for name in part if name.startswith(("onnx/", "vnnlib"))]
    assert len(written) >= 10
    known, shipped = read(made, "ground_truth.json"), read(ROOT, "ground_truth.json")
    # What an instance catches is found out and recorded once the suite is there.
    expected = {name: {key: fact for key, fact in truth.items() if key != "catches"} for name, truth in shipped.items()}
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
    """The same nodes; weights agree but for what the last digits of float64 come to in training."""
    assert [(node.op_type, list(node.input)) for node in one.graph.node] == [
        (node.op_type, list(node.input)) for node in other.graph.node
    ]
    for made, shipped in zip(one.graph.initializer, other.graph.initializer, strict=True):
        values = [onnx.numpy_helper.to_array(tensor).astype(np.float64) for tensor in (made, shipped)]
        assert np.abs(values[0] - values[1]).max() <= 1e-5 * np.abs(values[1]).max()
