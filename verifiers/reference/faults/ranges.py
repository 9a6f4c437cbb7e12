"""Faults in ranges: what a tensor may be, from what those before it may be."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..backward import Relaxation
from ..intervals import Bounds
from ..network import Network, Scale
from ..steps import Steps
from .fault import Fault


def negative_scale(steps: Steps, _strength: float) -> Steps:
    """Of what a batch normalisation scales by less than zero, the lowest value is taken for the greatest, too."""

    def relax(network: Network, box: Bounds, used: Steps) -> tuple[Relaxation, ...]:
        turned = {id(node) for node in turned_over(network)}

        def interval(node: Scale, tensors: Sequence[Bounds], unit: float) -> Bounds:
            sound = used.interval[Scale](node, tensors, unit)
            if id(node) not in turned:
                return sound
            return Bounds(sound.lower, np.where(node.factor < 0, sound.lower, sound.upper))

        return steps.relax(network, box, replace(used, interval={**used.interval, Scale: interval}))

    return replace(steps, relax=relax)


def turned_over(network: Network) -> list[Scale]:
    """The scalings of batch normalisations, which are of what is centred, that have a factor below zero."""
    tensors = [None, *network.nodes]
    return [
        node
        for node in network.nodes
        if isinstance(node, Scale) and np.any(node.factor < 0) and _is_centring(tensors[node.source])
    ]


def _is_centring(node: object) -> bool:
    return isinstance(node, Scale) and bool(np.all(node.factor == 1))


FAULTS = (
    Fault("batchnorm-negative-scale", negative_scale, "Venus2 d6ca50d", lambda network: bool(turned_over(network))),
)
