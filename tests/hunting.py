"""Which faults does some instance of a suite catch? For tests that ask of many faults, and not how often."""

from collections.abc import Mapping, Sequence

from soundbench.verifiers.reference.faults.fault import Fault
from soundbench.verifiers.reference.panel import Budget, Question, answer, is_touched, read_question, try_faults
from soundbench.verifiers.reference.steps import DEFAULT

from soundbench.claim import Claim
from soundbench.ground_truth import Role
from soundbench.instance import Instance
from soundbench.power import counted_instances
from soundbench.suite import Suite


def hunt(
    suite: Suite, instances: Sequence[Instance], faults: Sequence[Fault], budget: Budget
) -> Mapping[str, Instance]:
    """For each fault, at its strongest, the first instance that catches it, where there is one.

    Of every instance only the faults are run that none before has caught, and the sound verifier last.
    """
    caught: dict[str, Instance] = {}
    truth = suite.ground_truth
    for instance in (each for each in instances if each.name in truth and truth[each.name].role is Role.ARMED):
        question, pair = read_question(instance), truth[instance.name].pair
        waiting = [fault for fault in faults if fault.name not in caught]
        found = [fault.name for fault in waiting if is_verified(question, fault, budget)]
        members = [each for each in suite.instances if each.name in truth and truth[each.name].pair == pair]
        if found and counted_instances(truth, [try_faults(each, (), budget) for each in members]):
            caught |= dict.fromkeys(found, instance)
    return caught


def is_verified(question: Question, fault: Fault, budget: Budget) -> bool:
    """Whether a fault, at its strongest, says verified."""
    steps = fault.steps(DEFAULT)
    return is_touched(question, fault, steps) and answer(question, steps, budget).claim is Claim.VERIFIED
