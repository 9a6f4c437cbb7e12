"""How do faulty reference verifiers answer an instance, beside the sound one? All in one process, its files read once.

A fault that reads neither network nor property otherwise, and touches nothing in the network, answers as the sound one
does, and is not run. A weaker strength is run only where the next stronger one is live.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass

import numpy as np

from soundbench.claim import Claim
from soundbench.errors import InputError
from soundbench.instance import Instance, Property
from soundbench.power import Reply, Suspect, Trial
from soundbench.vnnlib import read_property

from .failures import NumericError, UnsupportedError
from .faults.fault import Fault
from .reading import read_network
from .search import verify
from .steps import DEFAULT, Steps


@dataclass(frozen=True, slots=True)
class Budget:
    """What a verifier may spend on an instance: sub-domains, and seconds, which are there for what hangs."""

    nodes: int
    seconds: float = 60.0


def try_faults(instance: Instance, faults: Sequence[Fault], budget: Budget) -> Trial:
    """The answers of the sound verifier and of every faulty one.

    Raises:
        InputError: a file of the instance cannot be used.
    """
    unsafe = read_property(instance.vnnlib)
    sound = answer(instance, unsafe, DEFAULT, budget)
    replies: dict[Suspect, Reply] = {}
    for fault in faults:
        for strength in fault.strengths:
            steps = fault.steps(DEFAULT, strength)
            suspect = Suspect(fault.name, strength)
            if not is_touched(instance, unsafe, fault, steps):
                break
            replies[suspect] = answer(instance, unsafe, steps, budget)
            if not is_live(sound, replies[suspect]):
                break
    return Trial(instance.name, sound, replies)


def is_live(sound: Reply, faulty: Reply) -> bool:
    """Whether a faulty verifier says verified where the sound one does not."""
    return faulty.claim is Claim.VERIFIED and sound.claim is not Claim.VERIFIED


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
