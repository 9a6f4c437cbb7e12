"""Faults in carrying constraints backwards: coefficients or constants that are lost, or go elsewhere.

Bounds of neurons stay sound: where they were wrong, too, they would soon cross, which any verifier would notice.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..backward import LinearForm, Relaxation, Substitution, substitute
from ..network import Array, Dense, Network, Node, Product, Relu, Select, Sum
from ..steps import Steps
from .fault import Fault, networks_with

BackSubstitute = Callable[[Network, LinearForm, Relaxation, Steps], tuple[LinearForm, ...]]


def _of_constraints(steps: Steps, faulty: BackSubstitute) -> Steps:
    """The steps that carry constraints backwards in another way, but the bounds of neurons as they did."""

    def back_substitute(
        network: Network, form: LinearForm, relaxation: Relaxation, used: Steps
    ) -> tuple[LinearForm, ...]:
        chosen = faulty if network.output in form.coefficients else steps.back_substitute
        return chosen(network, form, relaxation, used)

    return replace(steps, back_substitute=back_substitute)


def _of_nodes(steps: Steps, kind: type[Node], backward: Callable[..., Substitution]) -> Steps:
    """The steps that carry constraints through one kind of node in another way."""

    def faulty(network: Network, form: LinearForm, relaxation: Relaxation, used: Steps) -> tuple[LinearForm, ...]:
        changed = replace(used, backward={**used.backward, kind: backward})
        return steps.back_substitute(network, form, relaxation, changed)

    return _of_constraints(steps, faulty)


def back_substitution_index(steps: Steps, most: float) -> Steps:
    """An unstable ReLU's number among several such is taken for that in its layer."""

    def backward(node: Relu, target: int, rows: Array, relaxation: Relaxation) -> Substitution:
        sound, source = steps.backward[Relu](node, target, rows, relaxation), relaxation.tensors[node.source]
        unstable = np.flatnonzero((source.lower < 0) & (source.upper > 0))
        if not 2 <= len(unstable) <= most:
            return sound
        ((tensor, coefficients),) = sound.coefficients
        moved = coefficients.copy()
        moved[:, unstable] = 0
        moved[:, : len(unstable)] += coefficients[:, unstable]
        return replace(sound, coefficients=((tensor, moved),))

    return _of_nodes(steps, Relu, backward)


def active_relu_below_its_input(steps: Steps, share: float) -> Steps:
    """A ReLU that is always active counts as less than its input, by a share of the least that this can be."""

    def backward(node: Relu, target: int, rows: Array, relaxation: Relaxation) -> Substitution:
        sound, source = steps.backward[Relu](node, target, rows, relaxation), relaxation.tensors[node.source]
        lost = share * np.maximum(source.lower, 0)
        return replace(sound, constant=sound.constant - np.minimum(rows, 0) @ lost)

    return _of_nodes(steps, Relu, backward)


def bias_lost(steps: Steps, share: float) -> Steps:
    """A share of a dense layer's bias is lost where its coefficient is below zero."""

    def backward(node: Dense, target: int, rows: Array, relaxation: Relaxation) -> Substitution:
        sound = steps.backward[Dense](node, target, rows, relaxation)
        return replace(sound, constant=sound.constant - share * (np.minimum(rows, 0) @ node.bias))

    return _of_nodes(steps, Dense, backward)


def branch_overwritten(steps: Steps, _strength: float) -> Steps:
    """Where two branches meet in the tensor that both start from, the coefficients of one overwrite the other's."""

    def faulty(network: Network, form: LinearForm, relaxation: Relaxation, used: Steps) -> tuple[LinearForm, ...]:
        forms = [form]
        for target in range(network.output, 0, -1):
            known = forms[-1].coefficients
            if target in known:
                node = network.nodes[target - 1]
                substitution = used.backward[type(node)](node, target, known[target], relaxation)
                overwritten = {source for source, _ in substitution.coefficients}
                left = {tensor: rows for tensor, rows in known.items() if tensor not in overwritten}
                before = replace(forms[-1], coefficients=left)
                forms.append(substitute(before, target, substitution, relaxation.tensors))
        return tuple(forms)

    return _of_constraints(steps, faulty)


FAULTS = (
    Fault(
        "backsubstitution-index",
        back_substitution_index,
        "Marabou #435",
        networks_with(Relu),
        (8.0, 5.0, 3.0),
        "most unstable neurons of a layer",
    ),
    Fault(
        "active-relu-below-input",
        active_relu_below_its_input,
        "Marabou #207",
        networks_with(Relu),
        (0.4, 0.2, 0.1, 0.01),
        "share of the least input",
    ),
    Fault(
        "bias-lost",
        bias_lost,
        "MIPVerify c184f78",
        networks_with(Dense),
        (0.2, 0.1, 0.03, 0.01),
        "share of the bias",
    ),
    Fault("branch-overwritten", branch_overwritten, "auto_LiRPA ca767f1", networks_with(Sum, Product, Select)),
)
