"""As far as there is room, rises violate nothing; as far as they reach, no needle is in a clean part."""

from fractions import Fraction

import numpy as np
import pytest
from given_networks import conv, gemm, robustness
from hypothesis import given, settings
from hypothesis import strategies as st

from soundbench.clean_part import without_needles
from soundbench.graph import evaluate_float64, read_graph
from soundbench.instance import Interval, Property, Region
from soundbench.needle import Needle
from soundbench.prove import INFLATION, Hints, region_box, search
from soundbench.room import room_in_intervals, room_in_proof, steepest
from soundbench.vnnlib import read_property


@pytest.fixture(scope="module", params=[(gemm, 0.02), (conv, 0.004)], ids=["gemm", "conv"])
def holding(request, tmp_path_factory):
    """A network, a property that holds of it, and a proof."""
    make, radius = request.param
    folder = tmp_path_factory.mktemp("holding")
    network = make(folder / "net.onnx")
    graph, unsafe = read_graph(network), read_property(robustness(folder / "spec.vnnlib", network, radius))
    return graph, unsafe, search(graph, unsafe, 0.0, Hints(), 100)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0, 0.999))
def test_rises_within_the_room_violate_nothing(holding, seed, share):
    graph, unsafe, proof = holding
    random = np.random.default_rng(seed)
    rises = random.normal(size=graph.output_count)
    room = room_in_proof(graph, unsafe, proof, rises)
    assert room > 0
    assert room_in_intervals(graph, unsafe, rises) >= 0
    if room == np.inf:
        return
    for region in unsafe.regions:
        box = region_box(region, 0.0)
        points = random.uniform(box.lower, box.upper, (20, graph.input_count))
        for outputs in evaluate_float64(graph, points)[graph.output] + share * room * rises:
            exact = [Fraction(value) for value in outputs.tolist()]
            assert any(each.excess(exact) > 0 for each in region.outputs)


def test_more_than_the_room_uses_up_the_slack_of_a_leaf(holding):
    graph, unsafe, proof = holding
    rises = np.zeros(graph.output_count)
    for index, factor in unsafe.regions[0].outputs[0].terms:
        rises[index] = -float(factor)
    room = room_in_proof(graph, unsafe, proof, rises)
    assert room * steepest(unsafe, rises) >= proof.slack * (1 - 1e-9)


# --- the clean part


@settings(max_examples=200)
@given(data=st.data())
def test_no_needle_reaches_a_clean_part(data):
    count, inputs = data.draw(st.integers(1, 4)), 4
    centers = [data.draw(st.lists(st.floats(0.05, 0.95), min_size=inputs, max_size=inputs)) for _ in range(count)]
    half_width = data.draw(st.floats(1e-5, 0.2))
    needles = [
        Needle((0, 1, 2, 3), np.array(each), np.full(inputs, half_width), 1.0, 0, np.zeros(inputs)) for each in centers
    ]
    region = Region((Interval(Fraction(0), Fraction(1)),) * inputs, ())
    clean = without_needles(Property(inputs, 2, (region,)), region, needles)
    if clean is None:
        for row in range(inputs):
            low, high = min(each[row] for each in centers), max(each[row] for each in centers)
            assert max(low, 1 - high) <= 1.04 * half_width + 2.1 * INFLATION
        return
    (part,) = clean.regions
    (row,) = [row for row in range(inputs) if part.inputs[row] != region.inputs[row]]
    assert 0 <= part.inputs[row].lower < part.inputs[row].upper <= 1
    for each in centers:
        below = float(part.inputs[row].upper) + INFLATION < each[row] - half_width
        above = float(part.inputs[row].lower) - INFLATION > each[row] + half_width
        assert below or above


def test_a_region_that_ends_before_the_clean_part_is_left_out():
    inputs = (Interval(Fraction(0), Fraction(1)),) * 4
    first = Region(inputs, ())
    second = Region((Interval(Fraction(0), Fraction(1, 8)), *inputs[1:]), ())
    needle = Needle((0, 1, 2, 3), np.array([0.2, 0.5, 0.5, 0.5]), np.full(4, 0.01), 1.0, 0, np.zeros(4))
    clean = without_needles(Property(4, 2, (first, second)), first, [needle])
    assert len(clean.regions) == 1
