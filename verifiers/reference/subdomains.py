"""Branch and bound over boxes of inputs: what a sub-domain is, what becomes of it, and what an ended search means."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from soundbench.claim import Claim

from .bounding import ConstraintBounds
from .failures import NumericError
from .intervals import Bounds
from .network import Network
from .targets import Constraints, Target
from .verdict import Counterexample

if TYPE_CHECKING:
    from .steps import Steps


@dataclass(frozen=True, slots=True, order=True)
class SubDomain:
    """A box of a target that is still to be bounded; `path` (which target, which halves since) makes it unique."""

    priority: float
    path: tuple[int, ...]
    target: Target = field(compare=False)
    box: Bounds = field(compare=False)


@dataclass(frozen=True, slots=True)
class Expansion:
    """What became of a sub-domain: refuted if all is empty, else children, a counterexample, or given up."""

    children: tuple[SubDomain, ...] = ()
    counterexample: Counterexample | None = None
    given_up: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    """How a search ended: sub-domains still open, sub-domains given up, the counterexample found."""

    still_open: int
    given_up: int
    counterexample: Counterexample | None


def push(queue: list[SubDomain], subdomain: SubDomain) -> None:
    """Add a sub-domain to the queue."""
    heapq.heappush(queue, subdomain)


def pop(queue: list[SubDomain]) -> SubDomain:
    """Take the sub-domain whose parent was furthest from refuted: there a counterexample is most likely."""
    return heapq.heappop(queue)


def expand(network: Network, subdomain: SubDomain, steps: "Steps") -> Expansion:
    """Bound the box; if that refutes nothing, look for a counterexample in it and split it.

    Bounds that are unusable refute nothing: the box is split where that may help, or given up.
    """
    target, box = subdomain.target, subdomain.box
    try:
        bounds = steps.bound_constraints(network, box, target.constraints, steps)
    except NumericError:
        cause = troubled_dimension(network, subdomain, steps)
        halves = () if cause is None else steps.split(box, cause, steps.choose_cut(box, cause))
        return divided(subdomain, halves, subdomain.priority)
    if steps.is_refuted(target.constraints, bounds):
        return Expansion()
    counterexample = steps.find_counterexample(network, target, steps.candidates(box, bounds))
    dimension = steps.choose_dimension(box, bounds)
    halves = steps.split(box, dimension, steps.choose_cut(box, dimension))
    return replace(divided(subdomain, halves, steps.priority(bounds)), counterexample=counterexample)


def divided(subdomain: SubDomain, halves: Sequence[Bounds], priority: float) -> Expansion:
    """The halves of a sub-domain as its children; it is given up if there are none."""
    children = tuple(
        SubDomain(priority, (*subdomain.path, number), subdomain.target, half) for number, half in enumerate(halves)
    )
    return Expansion(children, given_up=not children)


def troubled_dimension(network: Network, subdomain: SubDomain, steps: "Steps") -> int | None:
    """Where to split a box whose bounds are unusable: the input without whose width they are not, or else the widest.

    Wider inputs are tried first. None if not even the middle of the box has usable bounds, so that no split would help.
    """
    box, constraints = subdomain.box, subdomain.target.constraints
    middle, _ = box.around()
    widest: list[int] = np.argsort(box.lower - box.upper, kind="stable").tolist()

    def is_usable(is_narrowed: npt.NDArray[np.bool_]) -> bool:
        narrowed = Bounds(np.where(is_narrowed, middle, box.lower), np.where(is_narrowed, middle, box.upper))
        try:
            steps.bound_constraints(network, narrowed, constraints, steps)
        except NumericError:
            return False
        return True

    numbers = np.arange(len(middle))
    if not is_usable(numbers >= 0):
        return None
    return next((number for number in widest if is_usable(numbers == number)), widest[0])


def is_refuted(constraints: Constraints, bounds: ConstraintBounds) -> bool:
    """Whether some constraint of the conjunction fails on the whole box: left side - bound > 0, >= 0 if strict."""
    return bool(np.any((bounds.lower > 0) | (constraints.strict & (bounds.lower >= 0))))


def priority(bounds: ConstraintBounds) -> float:
    """The bound of the constraint closest to refuted; a region without constraints comes first."""
    return float(np.max(bounds.lower, initial=-np.inf))


def conclude(ending: Ending) -> Claim:
    """Verified only if every sub-domain was refuted."""
    if ending.counterexample is not None:
        return Claim.FALSIFIED
    if ending.still_open:
        return Claim.TIMEOUT
    return Claim.UNKNOWN if ending.given_up else Claim.VERIFIED
