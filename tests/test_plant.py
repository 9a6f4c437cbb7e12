"""A pair of networks is planted: the needles' parts fit together, failures are tried again, and twins are certified."""

import math
from dataclasses import replace

import numpy as np
import pytest
from boxes import random_boxes
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import STEM, TINY, make_suite, read, recipe_of

from soundbench.base import TrainingFailed
from soundbench.boxes import robustness_property
from soundbench.certify import certify_suite
from soundbench.errors import CertificateError
from soundbench.front import NoWayBack
from soundbench.graph import Function
from soundbench.ground_truth import Expected, Role, Split, TwinKind
from soundbench.matrix import cells_of
from soundbench.needle import Needle
from soundbench.placement import CERTIFIED_REACH, NoRoom, Place, Placement, half_widths_for, place
from soundbench.plant import DECOY_READS, Plan, draw_decoys, hints_at, misalignment, plant
from soundbench.planted import PlantingFailed
from soundbench.recipe import Network
from soundbench.suite import load_suite

seeds = st.integers(0, 2**32 - 1)


def plan_of(tmp_path, text=TINY):
    recipe = recipe_of(text, tmp_path)
    return Plan(recipe, cells_of(recipe)[0])


def in_recipe(line):
    return TINY.replace('version = "1"', f'version = "1"\n{line}')


# --- crowds


def needle_of(placement, half_widths):
    reads = list(placement.reads)
    return Needle(placement.reads, placement.point[reads], half_widths, 1.0, 0, np.zeros(len(reads)))


@settings(deadline=None)
@given(seed=seeds, count=st.integers(1, 12), reads=st.integers(4, 16), where=st.sampled_from(Place))
def test_needles_of_a_crowd_never_act_at_one_point(seed, count, reads, where):
    region = robustness_property(random_boxes(seed), 0, 2).regions[0]
    random = np.random.default_rng(seed)
    placement = place(where, region, reads, random)
    own = needle_of(placement, half_widths_for(placement, 1e8, 1e-9))
    crowd = [own, *draw_decoys(own, placement, count, random)]
    assert len(crowd) == count + 1
    for index, needle in enumerate(crowd):
        assert set(needle.reads) <= set(own.reads)
        assert len(needle.reads) == min(reads, DECOY_READS) or needle is own
        assert (needle.gain, needle.target) == (1.0, 0)
        assert not needle.misalignment.any()
        for other in crowd[:index]:
            assert are_apart(needle, other)


def are_apart(one, other):
    """Whether some input that both read tells their supports apart, as far as these are certified to reach."""
    mine, theirs = ({read: row for row, read in enumerate(each.reads)} for each in (one, other))
    return any(
        abs(one.center[mine[read]] - other.center[theirs[read]])
        > CERTIFIED_REACH * (one.half_widths[mine[read]] + other.half_widths[theirs[read]])
        for read in mine.keys() & theirs.keys()
    )


def test_a_crowd_that_does_not_fit_is_given_up():
    point = np.zeros(4)
    placement = Placement(point, (0, 1, 2, 3), (), point - 0.1, point + 0.1)
    with pytest.raises(NoRoom):
        draw_decoys(needle_of(placement, np.full(4, 0.06)), placement, 3, np.random.default_rng(0))


# --- misaligned twins


@given(seed=seeds, rows=st.integers(1, 5), peak=st.floats(0.01, 2.0), function=st.sampled_from(Function))
def test_so_many_rows_are_moved_as_were_asked_for_but_one_where_bumps_saturate(seed, rows, peak, function):
    network = Network("n", (16,), activation=function)
    moved = misalignment(network, 10, rows, peak, np.random.default_rng(seed))
    assert moved.shape == (10,)
    assert np.count_nonzero(moved) == (rows if function is Function.RELU else 1)
    assert (moved >= 0).all()
    if function is Function.RELU:
        assert 1 - moved.sum() == pytest.approx(min(peak, 0.9))


# --- where proofs should cut


def test_a_proof_should_cut_between_needles_and_beside_moved_rows():
    one = Needle((0, 1, 2), np.array([0.0, 1.0, 2.0]), np.full(3, 0.1), 1.0, 0, np.zeros(3))
    other = Needle((1, 2, 5), np.array([5.0, 4.0, 0.0]), np.full(3, 0.1), 1.0, 0, np.array([0.0, 0.5, 0.0]))
    hints = hints_at((one, other), {"active1": "1a"})
    assert hints.slopes == ({}, {"active1": "1a"})
    # Between them first where they are farthest apart, then in the other input that both read.
    assert hints.planes[:2] == ((1, 3.0), (2, 3.0))
    assert {read for read, _ in hints.planes[2:]} == {2}
    assert (2, 4.0) in hints.planes
    assert hints_at((), {}).planes == ()


# --- planting as a whole


@pytest.mark.parametrize(
    "error", [TrainingFailed("no margin"), NoRoom("no room"), NoWayBack("no way"), CertificateError("no proof")]
)
def test_planting_tries_again_with_other_randomness_and_then_gives_up(tmp_path, monkeypatch, error):
    drawn = []

    def fail(_, random, __):
        drawn.append(random.random())
        raise error

    monkeypatch.setattr("soundbench.plant.attempt_to_plant", fail)
    with pytest.raises(PlantingFailed, match=rf"^{STEM}: not built in 40 attempts \(the last one: {error}\); try"):
        plant(plan_of(tmp_path), (1, 0), tmp_path)
    assert len(set(drawn)) == len(drawn) == 40
    first = drawn[:]
    drawn.clear()
    with pytest.raises(PlantingFailed):
        plant(plan_of(tmp_path), (1, 0), tmp_path)
    assert drawn == first


def test_a_bug_is_not_retried(tmp_path, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("soundbench.plant.attempt_to_plant", fail)
    with pytest.raises(ZeroDivisionError):
        plant(plan_of(tmp_path), (1, 0), tmp_path)


def test_what_a_recipe_hides_less_well_is_not_of_the_main_track(tmp_path):
    assert plan_of(tmp_path).track == "main"
    assert plan_of(tmp_path, in_recipe("chance = 1e-6")).track == "shallow"
    assert plan_of(tmp_path, in_recipe("queries = 1e6\nchance = 1e-11")).track == "main"


def test_every_kind_of_twin_is_planted(tiny_suite):
    names = {path.stem for path in (tiny_suite / "vnnlib").iterdir()}
    assert names == {f"{STEM}-clean"} | {
        f"{STEM}-{number}-{kind}-{role}" for number, kind in enumerate(TwinKind, start=1) for role in ("armed", "twin")
    }


def test_ground_truth_says_what_each_instance_was_meant_to_be(tiny_suite):
    for name, known in load_suite(tiny_suite).ground_truth.items():
        if known.role is Role.CLEAN:
            assert (known.trigger, known.factors) == ("mlp", {})
            continue
        assert known.trigger == "mlp/any_class/interior"
        assert known.factors == {
            "network": "mlp",
            "scale": "near",
            "form": "any_class",
            "place": "interior",
            "shape": "cube",
            "notation": "plain",
            "twin": name.split("-")[4],
            "hardness": "easy",
        }


CORNERS = TINY.replace("[factors]", '[factors]\nplace = ["corner"]')
SOFTMAX = TINY.replace("classes = 2", "classes = 3\nsoftmax = true\nmargin = 3.0").replace(
    "[factors]", '[factors]\nform = ["above_threshold"]'
)
VARIANTS = {
    "corner": CORNERS,
    "softmax": SOFTMAX,
    "bolted on": TINY.replace("classes = 2", "classes = 3\nwoven = false"),
    "deep": TINY.replace("hidden = [8, 6]", "hidden = [8, 6, 4]"),
    "tanh": TINY.replace("classes = 2", 'activation = "tanh"')
    .replace("[10]", "[16]")
    .replace("reads = 10", "reads = 16"),
    "through an operator": TINY.replace("classes = 2", 'classes = 2\nfront = "gathered"'),
}


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request, tmp_path_factory):
    """A suite of another kind, by its name."""
    return request.param, make_suite(tmp_path_factory.mktemp("variant"), "suite", VARIANTS[request.param], seed=3)


def test_whatever_the_network_is_all_of_its_instances_certify(variant):
    _, folder = variant
    assert certify_suite(load_suite(folder), lambda _: None) == {
        Expected.VIOLATED: 3,
        Expected.HOLDS: 4,
        Expected.UNKNOWN: 0,
    }


def test_what_is_in_a_corner_is_shallow_and_all_else_of_the_main_track(variant):
    name, folder = variant
    armed = [known for known in load_suite(folder).ground_truth.values() if known.role is Role.ARMED]
    assert {known.track for known in armed} == ({"shallow"} if name == "corner" else {"main"})
    assert all((known.hiding.chance <= 1e-9) != (name == "corner") for known in armed)
    assert all(known.hiding.chance == 1.0 for known in armed) or name != "corner"


def test_softmax_outputs_are_shares(variant):
    import onnxruntime

    name, folder = variant
    session = onnxruntime.InferenceSession(folder / "onnx" / f"{STEM}-armed.onnx")
    point = np.zeros(session.get_inputs()[0].shape, dtype=np.float32)
    (outputs,) = session.run(None, {"x": point})
    assert math.isclose(outputs.sum(), 1.0, rel_tol=1e-6) == (name == "softmax")
    assert (outputs >= 0).all() or name != "softmax"


def test_crowds_are_proven_by_cases_that_tell_needles_apart(tiny_suite):
    (tree,) = load_suite(tiny_suite).ground_truth[f"{STEM}-3-crowd-twin"].proof.trees
    assert isinstance(tree, Split)


def test_a_scaled_twin_is_no_more_than_intervals_can_prove(tiny_suite):
    """So whoever verifies it has shown nothing but that it reads the network."""
    truth = read(tiny_suite, "ground_truth.json")[f"{STEM}-1-scaled-twin"]
    assert all("refutes" in tree for tree in truth["proof"]["trees"])


def test_recipes_that_ask_for_too_much_end_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("soundbench.planted.ATTEMPTS", 2)
    plan = plan_of(tmp_path)
    hopeless = replace(plan, cell=replace(plan.cell, network=replace(plan.network, margin=1e4)))
    with pytest.raises(PlantingFailed, match=r"^[^\n]*not built in 2 attempts \(the last one: in 600 steps[^\n]*$"):
        plant(hopeless, (1, 0), tmp_path)
