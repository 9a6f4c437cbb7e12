"""Bounds of a whole network over one box: intervals forward, CROWN for each activation, then the constraints."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .backward import LinearForm, Relaxation, winners
from .failures import NumericError
from .intervals import Bounds
from .line import Line, LineTable
from .network import Activation, Array, LeakyRelu, Maximum, Network, Node, Product, Relu, Sign
from .rounding import FLOAT64_UNIT, require_usable, slack

if TYPE_CHECKING:
    from .steps import Steps
    from .targets import Constraints


@dataclass(frozen=True, slots=True)
class ConstraintBounds:
    """What is known of each constraint's (left side - bound) over a box, to refute it, to attack it and to split.

    `lower` is a lower bound, shape (constraints,); `coefficients` are those of the last linear bound, and
    `sensitivity` says how much each input matters, both of shape (constraints, inputs).
    """

    lower: Array
    coefficients: Array
    sensitivity: Array


def bound_constraints(network: Network, box: Bounds, constraints: "Constraints", steps: "Steps") -> ConstraintBounds:
    """Bounds of all constraints over the box, by the first of the lower lines.

    Raises NumericError if some number on the way is unusable.
    """
    relaxation = steps.relax(network, box, steps)[0]
    rows = constraints.coefficients
    lost = slack(1, np.abs(rows) @ relaxation.tensors[network.output].magnitude)
    form = LinearForm({network.output: rows}, -constraints.bound, lost)
    forms = steps.back_substitute(network, form, relaxation, steps)
    sensitivity = steps.sensitivity(network, rows, relaxation)
    return ConstraintBounds(greatest(forms, relaxation, steps), forms[-1].coefficients[0], sensitivity)


def relax(network: Network, box: Bounds, steps: "Steps") -> tuple[Relaxation, ...]:
    """Bounds of every tensor, and lines of every activation over them: one relaxation for each of the lower lines.

    All of them have the same bounds. Raises NumericError if some are unusable.
    """
    require_usable(box.lower, box.upper)
    tables = _distinct(steps.lower_lines, network)
    relaxations = tuple(Relaxation((box,), {}, {}) for _ in tables)
    for target, node in enumerate(network.nodes, start=1):
        for source in nonlinear_sources(node):
            refined = steps.refine(network, node, source, relaxations, steps)
            known = relaxations[0].tensors
            known = (*known[:source], refined, *known[source + 1 :])
            relaxations = tuple(replace(relaxation, tensors=known) for relaxation in relaxations)
        tensors = relaxations[0].tensors
        if isinstance(node, Activation):
            before = tensors[node.source]
            above = steps.upper_line[type(node)](node, before.lower, before.upper)
            below = [table[type(node)](node, before.lower, before.upper) for table in tables]
            relaxations = _with_lines(relaxations, target, below, above)
        bounds = steps.interval[type(node)](node, tensors, FLOAT64_UNIT)
        require_usable(bounds.lower, bounds.upper)
        relaxations = tuple(replace(relaxation, tensors=(*tensors, bounds)) for relaxation in relaxations)
    return relaxations


def nonlinear_sources(node: Node) -> tuple[int, ...]:
    """The tensors on whose bounds the relaxation of a node depends."""
    if isinstance(node, Product):
        return node.left, node.right
    return (node.source,) if isinstance(node, Activation | Maximum) else ()


def refine(network: Network, node: Node, source: int, relaxations: tuple[Relaxation, ...], steps: "Steps") -> Bounds:
    """Bounds of a node's source: its interval, cut down by CROWN with each of the lower lines in turn.

    Raises NumericError if they cross: no input may be lost that way, so something is wrong.
    """
    bounds = relaxations[0].tensors[source]
    chosen = np.flatnonzero(steps.worth_refining(node, bounds))
    unit_rows = np.zeros((len(chosen), len(bounds.lower)))
    unit_rows[np.arange(len(chosen)), chosen] = 1
    nothing = np.zeros(2 * len(chosen))
    form = LinearForm({source: np.concatenate([unit_rows, -unit_rows])}, nothing, nothing)
    lower, upper = bounds.lower.copy(), bounds.upper.copy()
    for relaxation in relaxations if len(chosen) else ():
        least = greatest(steps.back_substitute(network, form, relaxation, steps), relaxation, steps)
        lower[chosen] = np.maximum(lower[chosen], least[: len(chosen)])
        upper[chosen] = np.minimum(upper[chosen], -least[len(chosen) :])
    if np.any(lower > upper):
        raise NumericError("a lower bound above an upper bound")
    return Bounds(lower, upper)


def greatest(forms: tuple[LinearForm, ...], relaxation: Relaxation, steps: "Steps") -> Array:
    """The best of the lower bounds that the forms give, row by row: shape (rows,); NumericError if one is unusable."""
    best = np.max([steps.concretise(form, relaxation.tensors) for form in forms], axis=0)
    require_usable(best)
    return np.asarray(best)


def worth_refining(node: Node, bounds: Bounds) -> npt.NDArray[np.bool_]:
    """Which neurons: a ReLU that is active or inactive throughout is exact already; so is a maximum with a winner."""
    match node:
        case Relu() | LeakyRelu() | Sign():
            return (bounds.lower < 0) & (bounds.upper > 0)
        case Maximum():
            _, certain = winners(node, bounds)
            undecided = np.zeros(len(bounds.lower), dtype=np.bool_)
            undecided[node.groups[~certain]] = True
            return undecided & (bounds.lower < bounds.upper)
        case _:
            return bounds.lower < bounds.upper


def _distinct(tables: Sequence[LineTable], network: Network) -> tuple[LineTable, ...]:
    """The tables without those that have the same lines for this network's activations as one before."""
    kinds = {type(node) for node in network.nodes if isinstance(node, Activation)}
    return tuple({tuple(table[kind] for kind in kinds): table for table in tables}.values())


def _with_lines(
    relaxations: tuple[Relaxation, ...], target: int, below: list[Line], above: Line
) -> tuple[Relaxation, ...]:
    """The relaxations with the lines of the activation to `target`."""
    return tuple(
        replace(
            relaxation,
            lower_lines={**relaxation.lower_lines, target: line},
            upper_lines={**relaxation.upper_lines, target: above},
        )
        for relaxation, line in zip(relaxations, below, strict=True)
    )
