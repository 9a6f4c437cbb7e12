"""How do faulty reference verifiers answer an instance, beside the sound one? All in one process, its files read once.

A fault that reads neither network nor property otherwise, and touches nothing in the network, answers as the sound one
does, and is not run. A weaker strength is run only where the next stronger one is live.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace

import numpy as np

from soundbench.claim import Claim
from soundbench.errors import InputError
from soundbench.ground_truth import Role
from soundbench.instance import Instance, Property
from soundbench.power import Reply, Suspect, Trial, counted_instances
from soundbench.suite import Suite
from soundbench.vnnlib import read_property

from .failures import NumericError, UnsupportedError
from .faults import faults_named
from .faults.fault import Fault
from .reading import read_network
from .search import verify
from .steps import DEFAULT, Steps


@dataclass(frozen=True, slots=True)
class Budget:
    """What a verifier may spend on an instance: sub-domains, and seconds, which are there for what hangs."""

    nodes: int
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class TryFaults:
    """A task for `run_parallel`: it tells the trial of each instance; faults go by name, since names can be sent."""

    instances: tuple[Instance, ...]
    faults: tuple[str, ...]
    budget: Budget

    def __call__(self, tell: Callable[[Trial], None]) -> None:
        """Try one instance after the other."""
        faults = faults_named(self.faults)
        for instance in self.instances:
            tell(try_faults(instance, faults, self.budget))


def suspects(faults: Sequence[Fault]) -> tuple[Suspect, ...]:
    """Every fault at each of its strengths, the strongest first."""
    return tuple(Suspect(fault.name, strength) for fault in faults for strength in fault.strengths)


def try_faults(instance: Instance, faults: Sequence[Fault], budget: Budget) -> Trial:
    """The answers of the sound verifier and of every faulty one.

    Raises:
        InputError: a file of the instance cannot be used.
    """
    unsafe = read_property(instance.vnnlib)
    trial = Trial(instance.name, answer(instance, unsafe, DEFAULT, budget), {})
    for fault in faults:
        for strength in fault.strengths:
            steps, suspect = fault.steps(DEFAULT, strength), Suspect(fault.name, strength)
            if not is_touched(instance, unsafe, fault, steps):
                break
            trial = replace(trial, replies={**trial.replies, suspect: answer(instance, unsafe, steps, budget)})
            if not trial.is_live(suspect):
                break
    return trial


def hunt(
    suite: Suite, instances: Sequence[Instance], faults: Sequence[Fault], budget: Budget
) -> Mapping[str, Instance]:
    """For each fault, at its strongest, the first instance that catches it, where there is one.

    Of every instance only the faults are run that none before has caught, and the sound verifier last.
    """
    caught: dict[str, Instance] = {}
    for instance in (each for each in instances if suite.ground_truth[each.name].role is Role.ARMED):
        unsafe, pair = read_property(instance.vnnlib), suite.ground_truth[instance.name].pair
        found = [
            fault for fault in faults if fault.name not in caught and _says_verified(instance, unsafe, fault, budget)
        ]
        members = [each for each in suite.instances if suite.ground_truth[each.name].pair == pair]
        if found and counted_instances(suite.ground_truth, [try_faults(each, (), budget) for each in members]):
            caught |= {fault.name: instance for fault in found}
    return caught


def _says_verified(instance: Instance, unsafe: Property, fault: Fault, budget: Budget) -> bool:
    steps = fault.steps(DEFAULT)
    if not is_touched(instance, unsafe, fault, steps):
        return False
    return answer(instance, unsafe, steps, budget).claim is Claim.VERIFIED


def answer(instance: Instance, unsafe: Property, steps: Steps, budget: Budget) -> Reply:
    """What the steps make of an instance; what they refuse, or stumble over, is unsupported or an error."""
    started = time.process_time()
    try:
        network = read_network(instance.onnx, steps.parsers)
        claim = verify(network, unsafe, budget.seconds, steps, budget.nodes).claim
    except UnsupportedError:
        claim = Claim.UNSUPPORTED
    except InputError:
        if steps is DEFAULT:
            raise
        claim = Claim.ERROR
    return Reply(claim, time.process_time() - started)


def is_touched(instance: Instance, unsafe: Property, fault: Fault, steps: Steps) -> bool:
    """Whether a fault may make a difference to an instance that the sound verifier can read."""
    try:
        sound = read_network(instance.onnx, DEFAULT.parsers)
    except UnsupportedError:
        return False
    try:
        network = read_network(instance.onnx, steps.parsers)
        if fault.touches(network) or not is_same(network, sound):
            return True
        return not is_same(steps.targets(unsafe, network, steps), DEFAULT.targets(unsafe, network, DEFAULT))
    except (UnsupportedError, InputError, NumericError):
        return True


def is_same(one: object, other: object) -> bool:
    """Whether two values made of dataclasses, tuples, arrays and numbers are equal in all their parts."""
    if type(one) is not type(other):
        return False
    if is_dataclass(one) and not isinstance(one, type):
        return all(is_same(getattr(one, each.name), getattr(other, each.name)) for each in fields(one))
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    return one == other
