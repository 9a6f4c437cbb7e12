"""How do faulty reference verifiers answer an instance, beside the sound one? All in one process, its files read once.

A fault that reads neither network nor property otherwise, and touches nothing in the network, answers as the sound one
does, and is not run. A weaker strength of a fault is run only where the next stronger one answers otherwise than the
sound one. That it does so nowhere else is an assumption; who names each strength (`NAME@STRENGTH`) need not make it.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace

import numpy as np

from soundbench.claim import Claim
from soundbench.errors import InputError
from soundbench.instance import Instance, Property
from soundbench.trial import Reply, Suspect, Trial
from soundbench.vnnlib import read_property

from .failures import NumericError, UnsupportedError
from .faults import fault_of
from .faults.fault import Fault
from .network import Network
from .reading import read_network
from .search import verify
from .steps import DEFAULT, Steps


@dataclass(frozen=True, slots=True)
class Budget:
    """What a verifier may spend on an instance: sub-domains, and seconds, which are there for what hangs."""

    nodes: int
    seconds: float = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """An instance as the sound verifier reads it; `network` is None if it does not know some operator."""

    instance: Instance
    unsafe: Property
    network: Network | None


@dataclass(frozen=True, slots=True)
class TryFaults:
    """A task for `run_parallel`: it tells the trial of each instance.

    Faults go by their names, or as `NAME@STRENGTH` (see `fault_of`), since words can be sent.
    """

    instances: tuple[Instance, ...]
    faults: tuple[str, ...]
    budget: Budget

    def __call__(self, tell: Callable[[Trial], None]) -> None:
        """Try one instance after the other."""
        faults = [fault_of(words) for words in self.faults]
        for instance in self.instances:
            tell(try_faults(instance, faults, self.budget))


def touches(instance: Instance, faults: Sequence[str]) -> bool:
    """Whether one of these faults (see `fault_of`), at its strongest, may make a difference to an instance.

    Raises:
        InputError: a file of the instance cannot be used.
    """
    question = read_question(instance)
    return any(is_touched(question, fault, fault.steps(DEFAULT)) for fault in map(fault_of, faults))


def suspects(faults: Sequence[Fault]) -> tuple[Suspect, ...]:
    """Every fault at each of its strengths, the strongest first."""
    return tuple(Suspect(fault.name, strength) for fault in faults for strength in fault.strengths)


def read_question(instance: Instance) -> Question:
    """Read an instance's files.

    Raises:
        InputError: one cannot be used.
    """
    unsafe = read_property(instance.vnnlib)
    try:
        return Question(instance, unsafe, read_network(instance.onnx, DEFAULT.parsers))
    except UnsupportedError:
        return Question(instance, unsafe, None)


def try_faults(instance: Instance, faults: Sequence[Fault], budget: Budget) -> Trial:
    """The answers of the sound verifier and of every faulty one.

    Raises:
        InputError: a file of the instance cannot be used.
    """
    question = read_question(instance)
    trial = Trial(instance.name, answer(question, DEFAULT, budget), {})
    for fault in faults:
        for strength in fault.strengths:
            steps, suspect = fault.steps(DEFAULT, strength), Suspect(fault.name, strength)
            if not is_touched(question, fault, steps):
                break
            trial = replace(trial, replies={**trial.replies, suspect: answer(question, steps, budget)})
            if trial.agrees(suspect):
                break
    return trial


def answer(question: Question, steps: Steps, budget: Budget) -> Reply:
    """What the steps make of a question; what they refuse, or stumble over, is unsupported or an error.

    Raises:
        InputError: the sound verifier cannot use the property.
    """
    started = time.process_time()
    try:
        claim = verify(_read(question, steps), question.unsafe, budget.seconds, steps, budget.nodes).claim
    except UnsupportedError:
        claim = Claim.UNSUPPORTED
    except InputError:
        if steps is DEFAULT:
            raise
        claim = Claim.ERROR
    except Exception:
        if steps is DEFAULT:
            raise
        # A faulty verifier may break on anything, as in a process of its own.
        claim = Claim.ERROR
    return Reply(claim, time.process_time() - started)


def is_touched(question: Question, fault: Fault, steps: Steps) -> bool:
    """Whether a fault may make a difference to a question that the sound verifier can read."""
    sound, unsafe = question.network, question.unsafe
    if sound is None:
        return False
    try:
        network = _read(question, steps)
        if fault.touches(network) or not is_same(network, sound):
            return True
        return not is_same(steps.targets(unsafe, network, steps), DEFAULT.targets(unsafe, network, DEFAULT))
    except (UnsupportedError, InputError, NumericError):
        return True


def _read(question: Question, steps: Steps) -> Network:
    """The network as the steps read it."""
    if question.network is not None and steps.parsers is DEFAULT.parsers:
        return question.network
    return read_network(question.instance.onnx, steps.parsers)


def is_same(one: object, other: object) -> bool:
    """Whether two values made of dataclasses, tuples, arrays and numbers are equal in all their parts."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if is_dataclass(one) and not isinstance(one, type):
        return all(is_same(getattr(one, each.name), getattr(other, each.name)) for each in fields(one))
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    return one == other
