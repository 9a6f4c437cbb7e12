"""Which faults, in which strengths, are run on an instance; and that what is left out would have said nothing new."""

from itertools import pairwise

import pytest
from soundbench.cli.shipped import core_suite
from soundbench.verifiers.reference.faults import FAULTS, fault_of, faults_named
from soundbench.verifiers.reference.panel import Budget, touches, try_faults

from soundbench.level import Level, chosen
from soundbench.suite import load_suite
from soundbench.trial import every_strength, suspects_of

SUITE = load_suite(core_suite())
FIRST = chosen(SUITE, Level.SMOKE)[:6]
BUDGET = Budget(30)
GRADED = [fault for fault in FAULTS if len(fault.strengths) > 1]


@pytest.mark.parametrize("instance", FIRST, ids=lambda each: each.name)
def test_where_a_strength_answers_as_the_sound_verifier_does_so_does_every_weaker_one(instance):
    """An assumption, for faults that ship: it is why weaker strengths are not run there."""
    trial = try_faults(instance, [fault_of(words) for words in every_strength(GRADED)], BUDGET)
    assert len(trial.replies) > len(GRADED)
    for fault in GRADED:
        suspects = [each for each in suspects_of([fault], FAULTS) if each in trial.replies]
        for stronger, weaker in pairwise(suspects):
            assert trial.agrees(weaker) or not trial.agrees(stronger), weaker


def test_a_strength_that_is_named_is_run_whatever_a_stronger_one_says():
    instance, words = FIRST[0], every_strength(faults_named(["bias-lost"]))
    assert len(words) > 1
    trial = try_faults(instance, [fault_of(each) for each in words], BUDGET)
    assert [f"{each.fault}@{each.strength}" for each in trial.replies] == list(words)


def test_a_weaker_strength_is_run_where_it_touches_something_and_the_stronger_one_answers_otherwise():
    for instance in FIRST[:3]:
        trial = try_faults(instance, GRADED, BUDGET)
        for fault in GRADED:
            suspects = suspects_of([fault], FAULTS)
            run = [each for each in suspects if each in trial.replies]
            assert run == list(suspects[: len(run)])
            assert not any(trial.agrees(each) for each in run[:-1])
            if 0 < len(run) < len(suspects) and not trial.agrees(run[-1]):
                assert not touches(instance, [every_strength([fault])[len(run)]])


def test_an_instance_is_touched_if_one_of_the_faults_touches_it():
    names = [each.name for each in SUITE.instances]
    mlp = SUITE.instances[next(number for number, name in enumerate(names) if name.startswith("mlp-"))]
    assert not touches(mlp, ())
    assert not touches(mlp, ("padding-side", "leaky-slope-default"))
    assert touches(mlp, ("padding-side", "child-lost"))
