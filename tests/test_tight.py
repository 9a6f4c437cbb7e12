"""The track `tight`: every kind is certified with next to no room, exactly, and the main track would refuse it."""

import itertools
from dataclasses import replace
from fractions import Fraction

import numpy as np
import onnx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from onnx import numpy_helper
from planted import TINY, make_suite

from soundbench.architecture import Operations
from soundbench.certify import certify_suite
from soundbench.errors import CertificateError
from soundbench.export import to_onnx
from soundbench.graph import evaluate_float64, read_graph
from soundbench.ground_truth import Expected, Role, Track
from soundbench.operators import lower
from soundbench.replay import run_onnx
from soundbench.rigorous import evaluate
from soundbench.suite import load_suite
from soundbench.tight import CANCELLED, INPUTS, LAST_DIGIT, MISALIGNED, RELATIVE, ROOM, SATURATED, THRESHOLD, TIGHT
from soundbench.vnnlib import read_property

every_kind = pytest.mark.parametrize("kind", TIGHT)
seeds = st.integers(0, 2**31)
# By how much the witness violates, and a twin holds, in real arithmetic.
DISTANCES = {"relative": RELATIVE * THRESHOLD, "last_digit": LAST_DIGIT, "summation": ROOM, "saturated": LAST_DIGIT}


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    """A suite with a pair of each kind, beside one of the main track."""
    kinds = ", ".join(f'"{kind}"' for kind in TIGHT)
    text = TINY.replace('version = "1"', f'version = "1"\ntight = [{kinds}]\ntight_pairs = 1')
    folder = make_suite(tmp_path_factory.mktemp("tight"), "suite", text.replace(', "misaligned", "crowd"', ""))
    return load_suite(folder)


def members(kind):
    """Names of the armed member and the twin."""
    return f"tight-{kind}-1-armed", f"tight-{kind}-1-twin"


def instance_of(suite, name):
    return next(each for each in suite.instances if each.name == name)


def graphs_of(draft):
    """Both networks of a draft, as read from what is written."""
    return (lower(to_onnx([Operations("outputs", each)], (INPUTS,), 2), "tight") for each in (draft.armed, draft.twin))


# --- drafts


@every_kind
@settings(max_examples=10, deadline=None)
@given(seed=seeds)
def test_at_the_witness_real_arithmetic_gives_the_distance_exactly(kind, seed):
    """But for sigmoids, whose values are not dyadic: there to one part in 10 ** 40."""
    draft = TIGHT[kind](np.random.default_rng(seed))
    armed, _ = graphs_of(draft)
    low, high = evaluate(armed, draft.placement.exact_point)[1]
    expected = Fraction(THRESHOLD) + Fraction(DISTANCES[kind])
    if kind == "saturated":
        assert abs(low - expected) + abs(high - expected) < Fraction(1, 10**40)
    else:
        assert (low, high) == (expected, expected)


@every_kind
@settings(max_examples=10, deadline=None)
@example(seed=845)
@given(seed=seeds)
def test_the_twin_is_highest_at_the_top_of_its_needle_and_stays_below(kind, seed):
    draft = TIGHT[kind](np.random.default_rng(seed))
    _, twin = graphs_of(draft)
    random, reads = np.random.default_rng(seed), list(draft.disarmed.reads)
    moved = draft.disarmed.misalignment * draft.disarmed.half_widths
    points = np.tile(draft.placement.point, (200, 1))
    points[:, reads] += 0.5 * moved + random.uniform(-1, 1, (200, len(reads))) * random.choice(
        [0, 1e-6, 1e-3], (200, 1)
    )
    heights = evaluate_float64(twin, points)[twin.output][:, 1]
    top = THRESHOLD - DISTANCES[kind] if kind != "summation" else MISALIGNED * THRESHOLD
    tolerance = 1e-6 if kind == "summation" else 1e-12
    assert heights.max() <= top + tolerance
    # A sum in float32 moves the top by up to ten units of 2 ** -23, and what is asked is that it is one.
    assert heights.max() == pytest.approx(top, abs=2e-6 if kind == "summation" else 1e-6)


@every_kind
@given(seed=seeds)
def test_what_float32_holds_is_what_was_meant(kind, seed):
    """No weight, bound or coordinate is rounded when it is written, but where a twin has room enough for that."""
    draft = TIGHT[kind](np.random.default_rng(seed))
    for operation in (*draft.armed, *(() if kind == "summation" else draft.twin)):
        for constant in operation.reads:
            if not isinstance(constant, str):
                assert (constant.astype(np.float32).astype(np.float64) == constant).all()
    for interval in draft.property.regions[0].inputs:
        assert all(float(np.float32(float(end))) == end for end in (interval.lower, interval.upper))


@every_kind
def test_members_of_a_pair_differ_in_what_makes_the_answer_alone(kind):
    draft = TIGHT[kind](np.random.default_rng(3))
    for one, other in zip(draft.armed, draft.twin, strict=True):
        assert (one.name, one.operator, one.attributes) == (other.name, other.operator, other.attributes)
    assert (draft.needle.gain != draft.disarmed.gain) == (kind != "summation")
    assert not draft.needle.misalignment.any()
    assert draft.disarmed.misalignment.any() == (kind == "summation")


# --- suites


def test_every_kind_is_certified(suite):
    assert certify_suite(suite, lambda _: None) == {Expected.VIOLATED: 5, Expected.HOLDS: 6, Expected.UNKNOWN: 0}


@every_kind
def test_its_track_is_tight_and_its_hiding_as_good_as_the_main_track_s(suite, kind):
    armed, twin = (suite.ground_truth[name] for name in members(kind))
    assert {armed.track, twin.track} == {Track.TIGHT}
    assert {armed.trigger, twin.trigger} == {f"tight/{kind}"}
    assert armed.hiding.chance <= 1e-9
    assert armed.hiding.queries >= 1e8
    assert (armed.witness.required_margin, twin.proof.required_slack) == (0.0, 0.0)
    assert armed.witness.margin_rigorous == pytest.approx(DISTANCES[kind], rel=1e-9)
    assert twin.proof.slack > 0
    assert twin.proof.slack <= (DISTANCES[kind] if kind != "summation" else THRESHOLD)


@every_kind
def test_the_main_track_refuses_it(suite, kind):
    names = members(kind)
    altered = {name: replace(suite.ground_truth[name], track=Track.MAIN) for name in names}
    for name in names:
        alone = replace(suite, instances=(instance_of(suite, name),), ground_truth={**suite.ground_truth, **altered})
        with pytest.raises(CertificateError, match=rf"^{name}: .*(required_margin|must leave|margin_\w+ is)"):
            certify_suite(alone, lambda _: None)


@pytest.mark.parametrize("kind", ["relative", "last_digit", "saturated"])
def test_a_verifier_that_tolerates_a_millionth_answers_wrongly(suite, kind):
    """The violation is less than 1e-6 of what is compared."""
    armed, _ = members(kind)
    assert 0 < suite.ground_truth[armed].witness.margin_rigorous < 1e-6 * THRESHOLD


def weights_of(instance):
    return {each.name: numpy_helper.to_array(each) for each in onnx.load(instance.onnx).graph.initializer}


def summed(numbers):
    """A float32 sum, one number after the other."""
    total = np.float32(0)
    for number in numbers:
        total = np.float32(total + number)
    return float(total)


def test_the_order_of_summation_decides_what_float32_answers(suite):
    """On one side of the threshold in some order, and on the other in another: only real arithmetic knows."""
    armed, _ = members("summation")
    instance = instance_of(suite, armed)
    graph, point = read_graph(instance.onnx), suite.ground_truth[armed].witness.point
    hidden = evaluate_float64(graph, np.array([[float(value) for value in point]]))["tips_active"][0]
    row = weights_of(instance)["outputs.1"][1].astype(np.float32)
    bias = weights_of(instance)["outputs.2"][1]
    terms = [bias, *(row * hidden.astype(np.float32))]
    large = [index for index, weight in enumerate([0.0, *row.tolist()]) if abs(weight) == CANCELLED]
    assert len(large) == 6
    exact = float(
        sum((Fraction(float(row[i])) * Fraction(float(hidden[i])) for i in range(len(row))), Fraction(float(bias)))
    )
    assert exact == THRESHOLD + ROOM
    random = np.random.default_rng(0)
    found = {summed([terms[index] for index in random.permutation(len(terms))]) for _ in range(200)}
    assert len(found) > 1
    assert min(found) < THRESHOLD < max(found)
    # The property is violated by more than float32 is bounded to err, were it not for those sums.
    assert suite.ground_truth[armed].witness.float32_error > ROOM / 100


def test_the_sigmoids_of_the_saturated_kind_overflow_on_the_way_and_are_0_or_1(suite):
    for name in members("saturated"):
        instance = instance_of(suite, name)
        graph, unsafe = read_graph(instance.onnx), read_property(instance.vnnlib)
        ends = itertools.product([0, 1], repeat=4)
        for shares in ends:
            corner = [
                float(interval.upper if shares[index % 4] else interval.lower)
                for index, interval in enumerate(unsafe.regions[0].inputs)
            ]
            tensors = evaluate_float64(graph, np.array([corner]))
            far, steps = tensors["far"][0], tensors["steps"][0]
            assert (np.abs(far) > SATURATED[0] - 1).all()
            assert set(np.round(steps, 40).tolist()) == {0.0, 1.0}
            with np.errstate(over="ignore"):
                assert np.isinf(np.exp(np.abs(far).astype(np.float32))).all()
            # And yet what is asked does not notice: the outputs are as finite as they would be without.
            assert all(abs(value) < 1e4 for value in run_onnx(instance.onnx, tuple(map(Fraction, corner))))


def test_roles_are_those_of_a_pair(suite):
    for kind in TIGHT:
        roles = [suite.ground_truth[name].role for name in members(kind)]
        assert roles == [Role.ARMED, Role.TWIN]
