"""Faults in branch and bound: parts of a box lost, state of one sub-domain used for another, giving up taken for proof.

What happens to some sub-domains only is drawn from the box itself, so that a search can be repeated, and for each fault
anew; a box that is hit at some probability is hit at every greater one.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from soundbench.claim import Claim

from ..backward import Relaxation
from ..intervals import Bounds
from ..network import Exp, Maximum, Network, Node, Product
from ..steps import Steps
from ..subdomains import Ending, Expansion, SubDomain
from .fault import Fault, anything, networks_with

PROBABILITIES = (0.04, 0.02, 0.01, 3e-3, 1e-3)
OF_SPLITS = "probability that a split is hit"


@dataclass(frozen=True, slots=True)
class Borrowing(Bounds):
    """A box that will be bounded with what is known of another one."""

    lender: Bounds


def is_hit(box: Bounds, probability: float, salt: str) -> bool:
    """Whether chance, drawn from the box and the salt, strikes it."""
    digest = hashlib.blake2b(box.lower.tobytes() + box.upper.tobytes(), digest_size=8, key=salt.encode()).digest()
    return int.from_bytes(digest, "big") < probability * 2.0**64


def child_lost(steps: Steps, probability: float) -> Steps:
    """Of some splits the last child is never searched."""

    def split(box: Bounds, dimension: int, cut: float) -> tuple[Bounds, ...]:
        children = steps.split(box, dimension, cut)
        return children[:-1] if len(children) > 1 and is_hit(box, probability, "child-lost") else children

    return replace(steps, split=split)


def split_gap(steps: Steps, share: float) -> Steps:
    """Between the two halves of a split a gap is left, a share of the width, in which nobody looks."""

    def split(box: Bounds, dimension: int, cut: float) -> tuple[Bounds, ...]:
        children = steps.split(box, dimension, cut)
        if len(children) != 2:
            return children
        half = share / 2 * (box.upper[dimension] - box.lower[dimension])
        below, above = children[0].upper.copy(), children[1].lower.copy()
        below[dimension], above[dimension] = cut - half, cut + half
        return Bounds(box.lower, below), Bounds(above, box.upper)

    return replace(steps, split=split)


def split_leak(steps: Steps, probability: float) -> Steps:
    """Below the first splits, some second children keep the upper bound that only their sibling should have."""

    def expand(network: Network, subdomain: SubDomain, used: Steps) -> Expansion:
        expansion = steps.expand(network, subdomain, used)
        if (
            len(subdomain.path) < 2
            or len(expansion.children) != 2
            or not is_hit(subdomain.box, probability, "split-leak")
        ):
            return expansion
        first, second = expansion.children
        leaked = replace(second, box=Bounds(second.box.lower, np.minimum(first.box.upper, second.box.upper)))
        return replace(expansion, children=(first, leaked))

    return replace(steps, expand=expand)


def stale_bounds(steps: Steps, probability: float) -> Steps:
    """Of some splits the second child is bounded with the neurons' bounds of the first."""

    def relax(network: Network, box: Bounds, used: Steps) -> tuple[Relaxation, ...]:
        if not isinstance(box, Borrowing):
            return steps.relax(network, box, used)
        stale = steps.relax(network, box.lender, used)
        return tuple(replace(each, tensors=(box, *each.tensors[1:])) for each in stale)

    return replace(steps, split=_borrowing(steps, probability, "stale-bounds"), relax=relax)


def first_of_batch(steps: Steps, probability: float) -> Steps:
    """Of some splits both halves have the first's bounds where a max pool, an exponential or a product reads."""

    def relax(network: Network, box: Bounds, used: Steps) -> tuple[Relaxation, ...]:
        if not isinstance(box, Borrowing):
            return steps.relax(network, box, used)
        known = steps.relax(network, box.lender, used)[0].tensors

        def refine(
            network: Network, node: Node, source: int, relaxations: tuple[Relaxation, ...], used: Steps
        ) -> Bounds:
            is_stale = isinstance(node, Maximum | Exp | Product)
            return known[source] if is_stale else steps.refine(network, node, source, relaxations, used)

        return steps.relax(network, box, replace(used, refine=refine))

    return replace(steps, split=_borrowing(steps, probability, "first-of-batch"), relax=relax)


def _borrowing(steps: Steps, probability: float, salt: str) -> Callable[[Bounds, int, float], tuple[Bounds, ...]]:
    """What splits a box such that, by chance, the second child borrows from the first."""

    def split(box: Bounds, dimension: int, cut: float) -> tuple[Bounds, ...]:
        children = steps.split(box, dimension, cut)
        if len(children) != 2 or not is_hit(box, probability, salt):
            return children
        first, second = children
        return first, Borrowing(second.lower, second.upper, first)

    return split


def gave_up_is_verified(steps: Steps, _strength: float) -> Steps:
    """Whatever ends without a counterexample is said to be verified: out of time, or given up."""

    def conclude(ending: Ending) -> Claim:
        return Claim.FALSIFIED if ending.counterexample is not None else Claim.VERIFIED

    return replace(steps, conclude=conclude)


FAULTS = (
    Fault("child-lost", child_lost, "NeuralVerification.jl #94", anything, PROBABILITIES, OF_SPLITS),
    Fault("split-gap", split_gap, "", anything, (2.0**-6, 2.0**-7, 2.0**-8, 2.0**-10, 2.0**-20), "share of the width"),
    Fault(
        "split-leak",
        split_leak,
        "NeuralVerification.jl 6b559ca, Marabou #701",
        anything,
        PROBABILITIES,
        OF_SPLITS,
    ),
    Fault("stale-bounds", stale_bounds, "Marabou #480", anything, PROBABILITIES, OF_SPLITS),
    Fault(
        "first-of-batch",
        first_of_batch,
        "auto_LiRPA a050a3d",
        networks_with(Maximum, Exp, Product),
        (1.0, 0.1, 0.03),
        OF_SPLITS,
    ),
    Fault(
        "gave-up-is-verified",
        gave_up_is_verified,
        "Marabou #346, alpha-beta-CROWN 8ed285c",
        anything,
        misreads_status=True,
    ),
)
