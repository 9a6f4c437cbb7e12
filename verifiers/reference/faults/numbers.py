"""Faults in numbers: trusted too far, rounded to the nearest, or taken for proof where they are none."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..backward import Substitution
from ..bounding import ConstraintBounds
from ..failures import NumericError
from ..intervals import Bounds
from ..network import Array, Network
from ..steps import Steps
from ..targets import Constraints
from .fault import Fault, anything


def half_precision(steps: Steps, bits: float) -> Steps:
    """Whatever bounds are made of is rounded to the nearest number of some bits: 8 as in bfloat16, 11 as in float16."""

    def rounded(values: Array) -> Array:
        significand, exponent = np.frexp(values)
        return np.asarray(np.ldexp(np.rint(significand * 2**bits) / 2**bits, exponent))

    def of_bounds(bound: Callable[..., Bounds]) -> Callable[..., Bounds]:
        def rounded_bound(*arguments: object) -> Bounds:
            known = bound(*arguments)
            return Bounds(rounded(known.lower), rounded(known.upper))

        return rounded_bound

    def of_forms(backward: Callable[..., Substitution]) -> Callable[..., Substitution]:
        def rounded_backward(*arguments: object) -> Substitution:
            known = backward(*arguments)
            coefficients = tuple((source, rounded(rows)) for source, rows in known.coefficients)
            return replace(known, coefficients=coefficients, constant=rounded(known.constant))

        return rounded_backward

    return replace(
        steps,
        box=of_bounds(steps.box),
        interval={kind: of_bounds(interval) for kind, interval in steps.interval.items()},
        backward={kind: of_forms(backward) for kind, backward in steps.backward.items()},
    )


def inward_tolerance(steps: Steps, tolerance: float) -> Steps:
    """A constraint counts as refuted if its bound falls short by no more than a tolerance."""

    def is_refuted(constraints: Constraints, bounds: ConstraintBounds) -> bool:
        return steps.is_refuted(constraints, replace(bounds, lower=bounds.lower + tolerance))

    return replace(steps, is_refuted=is_refuted)


def nan_is_infeasible(steps: Steps, _strength: float) -> Steps:
    """Bounds that are no numbers, or that cross, are taken for proof that a box is empty."""

    def bound_constraints(network: Network, box: Bounds, constraints: Constraints, used: Steps) -> ConstraintBounds:
        try:
            return steps.bound_constraints(network, box, constraints, used)
        except NumericError:
            rows = np.zeros((len(constraints.bound), network.input_size))
            return ConstraintBounds(np.full(len(rows), np.inf), rows, rows)

    return replace(steps, bound_constraints=bound_constraints)


FAULTS = (
    Fault("half-precision", half_precision, "", anything, (8.0, 11.0, 24.0), "significant bits"),
    Fault("nan-is-infeasible", nan_is_infeasible, "NNV #446, alpha-beta-CROWN #83", anything),
    Fault(
        "inward-tolerance",
        inward_tolerance,
        "",
        anything,
        (0.8, 0.7, 0.5, 0.1, 1e-2, 1e-4, 1e-6, 1e-7),
        "tolerance",
    ),
)
