"""The reference verifier as a function: a network and an unsafe set in, a verdict out."""

import math
import time

import numpy as np

from soundbench.claim import Claim
from soundbench.instance import Property

from .failures import NumericError
from .network import Network
from .steps import DEFAULT, Steps
from .subdomains import Ending, SubDomain
from .verdict import Verdict


def verify(
    network: Network, unsafe: Property, seconds: float, steps: Steps = DEFAULT, most_nodes: float = math.inf
) -> Verdict:
    """Decide whether some input of the unsafe set's regions reaches its outputs, within `seconds` of wall time.

    VERIFIED if none does (proven), FALSIFIED with a counterexample, TIMEOUT when the next sub-domain might take
    longer than is left or is one more than `most_nodes`, UNKNOWN when some sub-domain could be neither bounded nor
    split.
    Raises InputError if the property does not fit the network.
    """
    with np.errstate(all="ignore"):  # what is not finite is refused where it would matter
        try:
            return _search(network, unsafe, seconds, steps, most_nodes)
        except NumericError:
            return Verdict(Claim.UNKNOWN, 0)


def _search(network: Network, unsafe: Property, seconds: float, steps: Steps, most_nodes: float) -> Verdict:
    now = time.monotonic()
    deadline, slowest, nodes, given_up, counterexample = now + seconds, 0.0, 0, 0, None
    queue: list[SubDomain] = []
    for number, target in enumerate(steps.targets(unsafe, network, steps)):
        steps.push(queue, SubDomain(-np.inf, (number,), target, target.box))
    while queue and counterexample is None and nodes < most_nodes and now + slowest < deadline:
        expansion = steps.expand(network, steps.pop(queue), steps)
        for child in expansion.children:
            steps.push(queue, child)
        nodes, given_up, counterexample = nodes + 1, given_up + expansion.given_up, expansion.counterexample
        before, now = now, time.monotonic()
        slowest = max(slowest, now - before)
    return Verdict(steps.conclude(Ending(len(queue), given_up, counterexample)), nodes, counterexample)
