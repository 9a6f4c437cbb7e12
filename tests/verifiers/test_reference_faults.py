"""Faults are what they say they are: each is caught by the suite that ships, or shown to be live on what it lacks."""

import pickle
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import pytest
from fault_cases import overflowing
from hunting import hunt
from hypothesis import given
from hypothesis import strategies as st
from planted import TINY, make_suite
from reference_networks import model_of
from soundbench.cli.shipped import core_suite
from soundbench.verifiers.reference import Faulty
from soundbench.verifiers.reference.branching import choose_cut, split
from soundbench.verifiers.reference.faults import FAULTS, fault_named, faults_named, faulty_steps
from soundbench.verifiers.reference.faults.fault import Fault, anything
from soundbench.verifiers.reference.faults.search import is_hit
from soundbench.verifiers.reference.intervals import Bounds
from soundbench.verifiers.reference.panel import (
    Budget,
    TryFaults,
    is_touched,
    read_question,
    suspects,
    try_faults,
)
from soundbench.verifiers.reference.program import main
from soundbench.verifiers.reference.steps import DEFAULT

from soundbench.errors import InputError
from soundbench.ground_truth import Role
from soundbench.instance import Instance, Property
from soundbench.level import Level, chosen
from soundbench.power import Suspect, measure_power
from soundbench.property_variants import input_strictness
from soundbench.replay import replay
from soundbench.suite import load_suite
from soundbench.vnnlib import read_property
from soundbench.vnnlib_writing import format_property

SUITE = load_suite(core_suite())
INSTANCES = {each.name: each for each in SUITE.instances}
NAMES = [fault.name for fault in FAULTS]
BUDGET = Budget(100)
# What is beyond a greater number, or rounded to more digits, is less wrong.
WEAKER_WHERE_GREATER = {"range-rounded-away", "saturation-exact", "half-precision"}


def first(**factors: str) -> Instance:
    """The first armed instance with these values of factors."""
    wanted = factors.items()
    truth = SUITE.ground_truth
    armed = (each for each in SUITE.instances if truth[each.name].role is Role.ARMED)
    return next(each for each in armed if wanted <= truth[each.name].factors.items())


@pytest.mark.slow
def test_a_fault_agrees_with_the_sound_verifier_of_most_instances():
    """Or it would tell nothing: of four in five, but for the one that has no other way to show itself."""
    strongest = [replace(fault, strengths=fault.strengths[:1]) for fault in FAULTS]
    trials = [try_faults(each, strongest, BUDGET) for each in chosen(SUITE, Level.SMOKE)]
    power = measure_power(SUITE.ground_truth, trials, suspects(strongest))
    low = {each.suspect.fault for each in power.measured if each.agreement < 0.8}
    assert low == {"gave-up-is-verified"}
    assert {each.suspect.fault for each in power.measured if not each.caught} <= {"gave-up-is-verified"}


def test_a_fault_that_does_nothing_is_never_caught():
    harmless = Fault("harmless", lambda steps, _: replace(steps), "", anything)
    instances = [first(network="leaky", twin="scaled"), first(network="normalised", twin="crowd")]
    assert hunt(SUITE, instances, [harmless], BUDGET) == {}
    (trial,) = (try_faults(each, [harmless], BUDGET) for each in instances[:1])
    assert trial.replies[Suspect("harmless", 1.0)].claim is trial.sound.claim


# --- where the suite shows little, or nothing


@pytest.mark.parametrize(("network", "twin"), [("bolted", "misaligned"), ("conv_grouped", "crowd")])
def test_a_swapped_side_is_live_on_a_variant_with_strict_bounds(network: str, twin: str, tmp_path: Path):
    instance = first(network=network, twin=twin, form="one_against_one")
    fault = fault_named("bound-side-swap")
    assert not is_touched(read_question(instance), fault, fault.steps(DEFAULT))
    path = tmp_path / "strict.vnnlib"
    path.write_text(input_strictness(instance.vnnlib.read_text()) or "")
    assert replay(instance.onnx, read_property(path), SUITE.ground_truth[instance.name].witness.point).strict
    trial = try_faults(replace(instance, vnnlib=path), [fault], BUDGET)
    assert trial.is_live(Suspect(fault.name, 1.0))


def test_a_swapped_side_is_caught_by_a_suite_that_asks_for_what_lies_strictly_inside(tmp_path: Path):
    forms = TINY.replace("[factors]\n", '[factors]\nform = ["one_against_one", "strictly_inside"]\n')
    suite = load_suite(make_suite(tmp_path, "strict", forms))
    caught = hunt(suite, suite.instances, [fault_named("bound-side-swap")], BUDGET)
    assert suite.ground_truth[caught["bound-side-swap"].name].factors["form"] == "strictly_inside"


def overflowing_instance(folder: Path, exponent: int) -> tuple[Instance, Property]:
    """All of the box is unsafe, and bounds of the network overflow where the exponent is large."""
    question = overflowing(exponent)
    instance = Instance("overflow", folder / "overflow.onnx", folder / "overflow.vnnlib", 10.0)
    onnx.save(model_of(question.shape, question.layers), instance.onnx)
    unsafe = Property(1, 1, question.regions)
    instance.vnnlib.write_text(format_property(unsafe))
    return instance, unsafe


def test_infeasible_for_want_of_numbers_is_live_where_bounds_overflow(tmp_path: Path):
    """A search over magnitudes: exactly where three factors together are beyond what the bounds can hold."""
    fault, live = fault_named("nan-is-infeasible"), []
    for exponent in range(5, 38, 4):
        instance, unsafe = overflowing_instance(tmp_path, exponent)
        assert replay(instance.onnx, unsafe, (Fraction(3, 4),)).strict
        trial = try_faults(instance, [fault], BUDGET)
        if trial.is_live(Suspect(fault.name, 1.0)):
            live.append(exponent)
    assert live == [37]


# --- one by one


def test_names_are_unique_and_every_fault_says_what_it_does():
    assert len(set(NAMES)) == len(NAMES) >= 40
    for fault in FAULTS:
        assert fault.summary.endswith(".")
        assert fault.origin in (f"Like {fault.modelled_on}.", "No such bug is on record.")
        assert list(fault.strengths) == sorted(fault.strengths, reverse=fault.name not in WEAKER_WHERE_GREATER)


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
def test_a_fault_replaces_some_steps_and_leaves_the_others(fault: Fault):
    steps = fault.steps(DEFAULT)
    changed = {each.name for each in fields(steps) if getattr(steps, each.name) is not getattr(DEFAULT, each.name)}
    assert 1 <= len(changed) <= 3
    assert not changed & {"candidates", "find_counterexample", "report", "push", "pop"}


def test_an_unknown_fault_lists_those_that_there_are():
    for ask in (lambda: faults_named(["child-lost", "nonsense"]), lambda: faulty_steps("nonsense@1")):
        with pytest.raises(InputError, match=r"^there is no fault 'nonsense'; there are last-disjunct-only, .*"):
            ask()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("child-lost@3", "has no strength 3; it has 0.04, .* a split is hit"),
        ("child-lost@much", "'much' is no number; write it as child-lost@0.04"),
        ("all", "no fault 'all'"),
        ("", "no fault ''"),
    ],
)
def test_a_strength_that_there_is_not(words: str, message: str):
    with pytest.raises(InputError, match=message):
        faulty_steps(words)


def test_faults_are_named_one_by_one_or_all_at_once():
    assert faults_named(["all"]) == FAULTS
    assert [each.name for each in faults_named(["bias-lost", "child-lost", "bias-lost"])] == ["bias-lost", "child-lost"]


def test_the_faulty_verifier_passes_its_fault_on():
    from soundbench.verifier import Selection, Task

    task = Task(Path(), Path("n"), Path("p"), Path("r"), 5.0)
    verifier = Faulty(Selection("faulty:child-lost@0.04", None, "child-lost@0.04"))
    assert verifier.command(task)[-6:] == ["n", "p", "r", "5.0", "--fault", "child-lost@0.04"]
    with pytest.raises(InputError, match="no fault 'nonsense'"):
        Faulty(Selection("faulty:nonsense", None, "nonsense"))


def test_the_program_runs_with_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    caught = (each for each in INSTANCES if "normalisation-dropped" in SUITE.ground_truth[each].catches)
    instance, result = INSTANCES[next(caught)], tmp_path / "result"
    arguments = [str(instance.onnx), str(instance.vnnlib), str(result), "5"]
    assert main([*arguments, "--fault", "normalisation-dropped"]) == 0
    assert result.read_text() == "unsat\n"
    assert main([*arguments, "--fault", "nonsense"]) == 2
    assert "there is no fault 'nonsense'" in capsys.readouterr().err
    for wrong in (["--fault"], ["child-lost"], ["--faulty", "child-lost"], ["--fault", "child-lost", "bias-lost"]):
        assert main([*arguments, *wrong]) == 2
        assert capsys.readouterr().err.startswith("usage: ")


UNTOUCHED = {
    "mlp": ("padding-side", "leaky-slope-default", "softmax-monotone", "tangent-wrong-side"),
    "conv_strided": ("last-disjunct-only", "region-leak", "avgpool-stride-is-kernel"),
    "tanh": ("stable-by-tolerance", "normalisation-dropped", "perm-default"),
}


@pytest.mark.parametrize("network", UNTOUCHED)
def test_a_fault_is_not_run_where_it_cannot_matter(network: str):
    question = read_question(first(network=network, form="one_against_one"))
    for fault in faults_named(UNTOUCHED[network]):
        assert not is_touched(question, fault, fault.steps(DEFAULT))
    assert is_touched(question, fault_named("child-lost"), fault_named("child-lost").steps(DEFAULT))


def test_a_weaker_strength_is_run_only_where_the_stronger_is_live():
    fault = fault_named("collapse-narrow-dims")
    caught = (each for each in INSTANCES if "collapse-narrow-dims" in SUITE.ground_truth[each].catches)
    trial = try_faults(INSTANCES[next(caught)], [fault], BUDGET)
    strengths = [suspect.strength for suspect in trial.replies]
    assert strengths == list(fault.strengths[: len(strengths)])
    assert 2 <= len(strengths) < len(fault.strengths)
    assert all(trial.is_live(suspect) for suspect in list(trial.replies)[:-1])


def test_a_task_can_be_sent_to_another_process():
    instance = first(network="normalised", twin="crowd")
    task = TryFaults((instance,), ("normalisation-dropped",), Budget(5))
    told: list = []
    pickle.loads(pickle.dumps(task))(told.append)  # our own, from memory
    (trial,) = told
    power = measure_power(SUITE.ground_truth, told, suspects(faults_named(task.faults)))
    assert trial.instance == instance.name
    assert power.measured[0].run == 1


boxes = st.lists(st.tuples(st.floats(-10, 10), st.floats(0.1, 10)), min_size=1, max_size=4).map(
    lambda ends: Bounds(np.array([low for low, _ in ends]), np.array([low + width for low, width in ends]))
)


@given(box=boxes, probabilities=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_what_is_hit_is_hit_at_every_greater_probability(box: Bounds, probabilities: tuple[float, float]):
    smaller, greater = sorted(probabilities)
    assert is_hit(box, greater, "child-lost") or not is_hit(box, smaller, "child-lost")
    assert not is_hit(box, 0.0, "child-lost")
    assert is_hit(box, 1.0, "child-lost")


def test_chance_is_about_what_it_is_said_to_be_and_another_for_every_fault():
    boxes = [Bounds(np.array([float(n)]), np.array([n + 1.0])) for n in range(2000)]
    lost, leaked = ([is_hit(box, 0.25, salt) for box in boxes] for salt in ("child-lost", "split-leak"))
    assert 400 < sum(lost) < 600
    assert 400 < sum(leaked) < 600
    assert 75 < sum(map(min, lost, leaked)) < 175


@given(box=boxes, share=st.sampled_from(fault_named("split-gap").strengths))
def test_a_gap_is_left_about_the_cut(box: Bounds, share: float):
    cut = choose_cut(box, 0)
    below, above = fault_named("split-gap").steps(DEFAULT, share).split(box, 0, cut)
    width = box.upper[0] - box.lower[0]
    assert below.upper[0] <= cut <= above.lower[0]
    assert above.lower[0] - below.upper[0] == pytest.approx(share * width, rel=1e-3, abs=1e-14 * abs(cut))
    sound = split(box, 0, cut)
    assert [*below.lower, *above.upper] == [*sound[0].lower, *sound[1].upper]
