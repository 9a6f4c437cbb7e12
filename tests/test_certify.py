import json
import re
import shutil
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from planted import (
    ARMED,
    CLEAN,
    CROWD_ARMED,
    CROWD_TWIN,
    MISALIGNED_ARMED,
    MISALIGNED_TWIN,
    NEURONS,
    STEM,
    TWIN,
    edit_truth,
    edit_weights,
    put,
    read,
    repair_digests,
    repair_hashes,
    rows,
    tensors,
    write,
)

from soundbench.certificate import at_rest, check_foreign, required_margin, side_at_rest, tip_function
from soundbench.certify import certify_suite
from soundbench.errors import CertificateError, InputError
from soundbench.graph import ABS, Activation, evaluate_float64, read_graph
from soundbench.ground_truth import Expected, Leaf, Split
from soundbench.prove import region_box
from soundbench.replay import run_onnx
from soundbench.suite import load_suite
from soundbench.truth_file import decode_ground_truth, encode_ground_truth
from soundbench.vnnlib import read_property

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def certify(folder):
    return certify_suite(load_suite(folder), lambda _: None)


def why_not(suite):
    """Why a suite, with a ground truth that need not be its own, is not certified; None if it is."""
    try:
        certify_suite(suite, lambda _: None)
    except CertificateError as error:
        return str(error)
    return None


def only(suite, *names):
    """A suite's instances of these names alone, with the ground truth of all."""
    return replace(suite, instances=tuple(each for each in suite.instances if each.name in names))


FOUND = re.compile(r"(\w+) is (\S+), not the recorded|(leaves a slack of|must leave) (\S+), not the recorded")


def why_not_though_written_down(suite, name):
    """Why one instance is not certified though whatever is found of its witness and proof is what is recorded."""
    suite = only(suite, name)
    while (found := FOUND.search(why_not(suite) or "")) is not None:
        margin, value, words, slack = found.groups()
        known = suite.ground_truth[name]
        if margin:
            known = replace(known, witness=replace(known.witness, **{margin: float(value)}))
        else:
            key = "slack" if words.startswith("leaves") else "required_slack"
            known = replace(known, proof=replace(known.proof, **{key: float(slack)}))
        suite = replace(suite, ground_truth={**suite.ground_truth, name: known})
    return why_not(suite)


def test_a_suite_as_generated_is_certified(tiny_suite):
    done = []
    counts = certify_suite(load_suite(tiny_suite), done.append)
    assert counts == {Expected.VIOLATED: 3, Expected.HOLDS: 4, Expected.UNKNOWN: 0}
    assert sorted(done) == sorted(rows(tiny_suite))


def test_repairing_what_is_whole_changes_nothing(suite_copy):
    """The alterations in `test_certify_alterations` are not noticed because of their repairs."""
    before = read(suite_copy, "ground_truth.json")
    repair_digests(suite_copy)
    assert read(suite_copy, "ground_truth.json") == before
    assert certify(suite_copy)[Expected.VIOLATED] == 3


def test_what_is_not_known_is_counted_as_that(suite_copy):
    edit_truth(suite_copy, CLEAN, lambda entry: entry.update(expected="unknown"))
    content = read(suite_copy, "ground_truth.json")
    del content[CROWD_ARMED], content[CROWD_TWIN]
    write(suite_copy, "ground_truth.json", content)
    repair_hashes(suite_copy)
    assert certify(suite_copy) == {Expected.VIOLATED: 2, Expected.HOLDS: 2, Expected.UNKNOWN: 3}


# --- witnesses and weights


@unhurried
@given(instance=st.sampled_from([ARMED, CROWD_ARMED]), coordinate=st.integers(0, 9), data=st.data())
def test_no_digit_of_a_witness_can_be_another(tiny_suite, instance, coordinate, data):
    suite = only(load_suite(tiny_suite), instance)
    content = encode_ground_truth(suite.ground_truth)
    text = content[instance]["witness"]["point"][coordinate]
    position = data.draw(st.sampled_from([index for index, letter in enumerate(text) if letter.isdigit()]))
    digit = data.draw(st.sampled_from([letter for letter in "0123456789" if letter != text[position]]))
    content[instance]["witness"]["point"][coordinate] = text[:position] + digit + text[position + 1 :]
    reason = why_not(replace(suite, ground_truth=decode_ground_truth(content, "")))
    assert reason is not None
    assert reason.startswith(instance)


@settings(unhurried, max_examples=25)
@given(network=st.sampled_from(["armed", "twin"]), data=st.data())
def test_any_weight_altered_is_noticed_and_with_digests_repaired_if_it_matters(
    tiny_suite, tmp_path_factory, network, data
):
    """Where it is not, the witnesses violate the altered network by what is recorded: certificates stay true."""
    folder = shutil.copytree(tiny_suite, tmp_path_factory.mktemp("altered") / "suite")
    path = folder / "onnx" / f"{STEM}-{network}.onnx"
    name = data.draw(st.sampled_from(sorted(tensors(path))))
    weights = tensors(path)[name].ravel()
    index = data.draw(st.sampled_from(np.flatnonzero(weights).tolist() or [0]))
    factor = data.draw(st.sampled_from([1 + 2.0**-20, 1.001, 1.5, -1.0, 0.0]))

    def edit(values):
        values.ravel()[index] = (weights[index] or 1) * np.float32(factor)

    edit_weights(path, name, edit)
    repair_hashes(folder)
    with pytest.raises(CertificateError, match="another network"):
        certify(folder)
    repair_digests(folder)
    if why_not(load_suite(folder)) is None:
        for instance, known in load_suite(folder).ground_truth.items():
            if known.witness is not None:
                margin = margin_at(folder, instance, known.witness.point)
                assert margin == pytest.approx(known.witness.margin_float64, rel=1e-9)


def margin_at(folder, instance, point):
    network, vnnlib = rows(folder)[instance]
    graph = read_graph(network)
    outputs = evaluate_float64(graph, np.array([[float(value) for value in point]]))[graph.output][0]
    (constraint,) = read_property(vnnlib).regions[0].outputs
    return float(-constraint.excess([Fraction(value) for value in outputs.tolist()]))


def test_the_smallest_change_of_a_weight_shows_in_a_margin(suite_copy):
    """One unit in the last place of float32, everything repaired but the recorded margins."""

    def edit(values):
        values[0] = np.nextafter(values[0], np.float32(np.inf))

    edit_weights(rows(suite_copy)[ARMED][0], "logits.bias", edit)
    repair_digests(suite_copy)
    with pytest.raises(CertificateError, match="margin_rigorous"):
        certify(suite_copy)


def test_a_witness_must_violate_by_what_is_demanded(suite_copy):
    """The label's logit is raised until the witness still violates, but by half the margin demanded."""
    witness = load_suite(suite_copy).ground_truth[ARMED].witness
    network, vnnlib = rows(suite_copy)[ARMED]
    label = next(index for index, factor in read_property(vnnlib).regions[0].outputs[0].terms if factor > 0)

    def edit(values):
        values[label] += witness.margin_rigorous - 0.5 * witness.required_margin

    edit_weights(network, "logits.bias", edit)
    repair_digests(suite_copy)
    reason = why_not_though_written_down(load_suite(suite_copy), ARMED)
    assert re.match(f"{ARMED}: the witness's margin_float32 is .*, and must be at least ", reason)


@pytest.mark.parametrize("shift", [0.1, -0.1, 0.01])
def test_onnx_runtime_must_agree_with_real_arithmetic(tiny_suite, monkeypatch, shift):
    """As it would not if we misread an operator."""

    def shifted(path, point):
        outputs = run_onnx(path, point)
        return (outputs[0] + Fraction(shift), *outputs[1:])

    monkeypatch.setattr("soundbench.certificate.run_onnx", shifted)
    known = load_suite(tiny_suite).ground_truth[ARMED].witness
    assert abs(shift) > 2 * known.float32_error
    reason = why_not_though_written_down(load_suite(tiny_suite), ARMED)
    assert reason == f"{ARMED}: ONNX Runtime and real arithmetic differ by more than the rounding bound allows"


def test_a_network_that_overflows_float32_is_blamed_on_its_instance(suite_copy):
    def edit(values):
        values *= np.float32(1e25)

    for tensor in ("dense2.weight", "dense2.bias", "logits.weight"):
        edit_weights(rows(suite_copy)[ARMED][0], tensor, edit)
    repair_digests(suite_copy)
    with pytest.raises(CertificateError, match=f"^{ARMED}: output Y_. is .?inf in ONNX Runtime"):
        certify(suite_copy)


# --- what a hiding bound must mean


def hiding_of(folder, instance):
    return load_suite(folder).ground_truth[instance].hiding


def test_a_neuron_that_never_acts_hides_nothing(suite_copy):
    """Another box's needle is inactive in all of this box, so any half-widths would do for it."""
    hiding = hiding_of(suite_copy, MISALIGNED_ARMED)
    edit_truth(suite_copy, ARMED, put("hiding", "neuron", hiding.neuron))
    repair_hashes(suite_copy)
    network, vnnlib = rows(suite_copy)[ARMED]
    graph, box = read_graph(network), region_box(read_property(vnnlib).regions[0], 0.0)
    assert side_at_rest(graph, box, hiding, tip_function(graph, hiding)) == -1
    with pytest.raises(CertificateError, match=f"^{ARMED}: the needle reaches only 0 of its height"):
        certify(suite_copy)


def test_a_needle_rests_in_an_activation_only(suite_copy):
    hiding = hiding_of(suite_copy, ARMED)
    graph = read_graph(rows(suite_copy)[ARMED][0])
    steps = (replace(step, function=ABS) if isinstance(step, Activation) else step for step in graph.steps)
    with pytest.raises(CertificateError, match="the network has no neuron"):
        tip_function(replace(graph, steps=tuple(steps)), hiding)


def test_a_needle_is_not_hidden_where_the_property_fails_without_it(suite_copy):
    """The label's logit is lowered: the witness violates by more, and the needle still acts near it alone."""
    network, vnnlib = rows(suite_copy)[ARMED]
    label = next(index for index, factor in read_property(vnnlib).regions[0].outputs[0].terms if factor > 0)

    def edit(values):
        values[label] -= 1000.0

    edit_weights(network, "logits.bias", edit)
    repair_digests(suite_copy)
    reason = why_not_though_written_down(load_suite(suite_copy), ARMED)
    assert reason == f"{ARMED}: the property is not proven to hold without the needle, so its hiding says nothing"


@pytest.mark.parametrize("instance", [ARMED, MISALIGNED_ARMED, CROWD_ARMED])
def test_outside_its_support_a_network_is_the_one_whose_needle_rests(tiny_suite, instance):
    network, vnnlib = rows(tiny_suite)[instance]
    graph, known = read_graph(network), load_suite(tiny_suite).ground_truth[instance]
    resting = at_rest(graph, known.hiding, -1)
    box, random = region_box(read_property(vnnlib).regions[0], 0.0), np.random.default_rng(1)
    points = random.uniform(box.lower, box.upper, (2000, 10))
    assert (evaluate_float64(graph, points)[graph.output] == evaluate_float64(resting, points)[graph.output]).all()
    witness = np.array([[float(value) for value in known.witness.point]])
    assert (evaluate_float64(graph, witness)[graph.output] != evaluate_float64(resting, witness)[graph.output]).any()


def test_a_weaker_bound_than_the_main_track_asks_for_is_shallow(suite_copy):
    """Half-widths a tenth larger are certified too, with the chance that follows from them."""
    hiding = hiding_of(suite_copy, ARMED)
    wider = [1.1 * half_width for half_width in hiding.half_widths]
    edit_truth(suite_copy, ARMED, put("hiding", "half_widths", wider))
    edit_truth(suite_copy, ARMED, put("hiding", "chance", chance_of(replace(hiding, half_widths=wider))))
    repair_hashes(suite_copy)
    with pytest.raises(CertificateError, match=f"^{ARMED}: .* too weak for the main track"):
        certify(suite_copy)
    for name in (ARMED, ARMED.replace("armed", "twin")):
        edit_truth(suite_copy, name, lambda entry: entry.update(track="shallow"))
    repair_hashes(suite_copy)
    assert certify(suite_copy)[Expected.VIOLATED] == 3


@pytest.mark.parametrize("queries", [0.0, -1e8])
def test_a_chance_within_no_queries_says_nothing(suite_copy, queries):
    hiding = replace(hiding_of(suite_copy, ARMED), queries=queries)
    edit_truth(suite_copy, ARMED, put("hiding", "queries", queries))
    edit_truth(suite_copy, ARMED, put("hiding", "chance", chance_of(hiding)))
    repair_hashes(suite_copy)
    with pytest.raises(
        CertificateError, match=f"^{ARMED}: the chance is for .* queries, which is not a positive number"
    ):
        certify(suite_copy)


def test_the_needle_of_another_box_may_not_act_here(tiny_suite):
    hidings = {name: hiding_of(tiny_suite, name) for name in (ARMED, MISALIGNED_ARMED, CROWD_ARMED)}
    for name in hidings:
        network, vnnlib = rows(tiny_suite)[name]
        graph, unsafe = read_graph(network), read_property(vnnlib)
        check_foreign(graph, unsafe, [hiding for other, hiding in hidings.items() if other != name])
        with pytest.raises(CertificateError, match="another box's needle, may act here"):
            check_foreign(graph, unsafe, list(hidings.values()))


def chance_of(hiding):
    """The formula of the hiding bound, for a needle without a pinned input."""
    product = Fraction(hiding.queries)
    for half_width, low, high in zip(hiding.half_widths, hiding.prior_lower, hiding.prior_upper, strict=True):
        product *= 2 * Fraction(half_width) / (Fraction(high) - Fraction(low))
    return float(np.nextafter(float(product), np.inf))


def test_the_chance_is_the_formula(tiny_suite):
    for known in load_suite(tiny_suite).ground_truth.values():
        if known.hiding is not None:
            assert known.hiding.chance == chance_of(known.hiding) <= 1e-9


@pytest.mark.parametrize(
    ("logit", "error", "demanded"), [(1.0, 1e-6, 0.01), (100.0, 1e-6, 0.1), (100.0, 0.01, 1.0), (0.0, 0.0, 0.01)]
)
def test_a_margin_is_demanded_by_the_largest_of_three_rules(logit, error, demanded):
    assert required_margin(logit, error) == pytest.approx(demanded)


# --- proofs


def test_a_proof_must_leave_what_is_demanded(suite_copy):
    """The label's logit of a twin is lowered until the proof still refutes, but by half the slack demanded."""
    proof = load_suite(suite_copy).ground_truth[TWIN].proof
    network, vnnlib = rows(suite_copy)[TWIN]
    label = next(index for index, factor in read_property(vnnlib).regions[0].outputs[0].terms if factor > 0)

    def edit(values):
        values[label] -= proof.slack - 0.5 * proof.required_slack

    edit_weights(network, "logits.bias", edit)
    repair_digests(suite_copy)
    reason = why_not_though_written_down(load_suite(suite_copy), TWIN)
    assert re.match(f"{TWIN}: its proof leaves a slack of .* below the .* demanded", reason)


@pytest.mark.parametrize(
    ("pair", "kind", "words"),
    [
        ((ARMED, TWIN), "crowd", "proves it"),
        ((ARMED, TWIN), "misaligned", "proves it"),
        ((CROWD_ARMED, CROWD_TWIN), "scaled", "does not prove it"),
        ((MISALIGNED_ARMED, MISALIGNED_TWIN), "scaled", "does not prove it"),
    ],
)
def test_a_control_is_called_one_and_nothing_else_is(suite_copy, pair, kind, words):
    for name in pair:
        edit_truth(suite_copy, name, lambda entry: entry.update(twin_kind=kind))
    repair_hashes(suite_copy)
    with pytest.raises(CertificateError, match=f"^{pair[1]}: its twin is said to be {kind}, but .* the root {words}$"):
        certify(suite_copy)


@pytest.mark.parametrize("inflation", [0.0, 1e-5, -1e-3])
def test_a_proof_must_hold_on_inflated_boxes(suite_copy, inflation):
    edit_truth(suite_copy, TWIN, put("proof", "inflation", inflation))
    repair_hashes(suite_copy)
    reason = why_not_though_written_down(load_suite(suite_copy), TWIN)
    assert reason == f"{TWIN}: its proof is for boxes inflated by {inflation:g}, not 0.0001"


def leaves_of(tree):
    return [tree] if isinstance(tree, Leaf) else [*leaves_of(tree.below), *leaves_of(tree.above)]


def test_a_crowd_is_not_proven_without_a_split(tiny_suite):
    (tree,) = load_suite(tiny_suite).ground_truth[CROWD_TWIN].proof.trees
    assert len(leaves_of(tree)) > 1


slopes = st.sampled_from(
    [{}, {"active1": "a" * NEURONS}, {"active1": "1" * NEURONS}, {"active1": "0"}, {"nowhere": "1"}]
)
trees = st.recursive(
    st.builds(Leaf, st.integers(0, 1), slopes),
    lambda inner: st.builds(Split, st.integers(-1, 10), st.floats(-0.3, 0.4), inner, inner),
    max_leaves=6,
)


@settings(unhurried, max_examples=60)
@example(tree=None)
@given(tree=trees)
def test_any_other_tree_is_refused(tiny_suite, tree):
    """None stands for the tree as it is."""
    suite = only(load_suite(tiny_suite), CROWD_TWIN)
    known = suite.ground_truth[CROWD_TWIN]
    proof = known.proof if tree is None else replace(known.proof, trees=(tree,))
    reason = why_not(replace(suite, ground_truth={**suite.ground_truth, CROWD_TWIN: replace(known, proof=proof)}))
    assert (reason is None) == (tree is None)
    assert reason is None or reason.startswith(f"{CROWD_TWIN}: ")


# --- whatever stands in ground_truth.json, the answer is one line about it

ODD = [
    None, True, 0, 1, -1, 2, 10**400, -5, 1e308, -1e308, 1e-320, 0.5, "", "0.5", "1e400", "1e999999999", "1/3", "nan",
    "x" * 50, "\ud800", [], [1], ["0.5"], {}, {"a": "b"}, {"refutes": 0, "slopes": {}}, {"active1": "0"}, "violated",
    "holds", "twin", "armed", "clean", "other", "main", "tight", "face", [[]], {"refutes": {}},
]  # fmt: skip


def places(content, path=()):
    """The path of every value in a JSON document."""
    children = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    return [path, *(place for key, child in children for place in places(child, (*path, key)))]


@settings(unhurried, max_examples=200)
@given(data=st.data())
def test_no_ground_truth_ends_in_a_traceback(tiny_suite, data):
    suite = load_suite(tiny_suite)
    content = json.loads((tiny_suite / "ground_truth.json").read_text())
    for _ in range(data.draw(st.integers(1, 2))):
        *path, last = data.draw(st.sampled_from(places(content)[1:]))
        parent = content
        for key in path:
            parent = parent[key]
        if data.draw(st.booleans()):
            parent[last] = data.draw(st.sampled_from(ODD))
        else:
            del parent[last]
    try:
        ground_truth = decode_ground_truth(content, "truth.json")
    except InputError:
        return
    reason = why_not(replace(suite, ground_truth=ground_truth))
    assert reason is None or reason.partition(": ")[0] in rows(tiny_suite)
