"""By how much does a needle overshoot? Its rise at the witness, as a multiple of the rise that a violation needs."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from soundbench.certificate import at_rest, floats, tip_function
from soundbench.graph import Array, Function, Graph, evaluate_float64
from soundbench.ground_truth import Hiding
from soundbench.instance import Region


def overshoot(graph: Graph, region: Region, point: Sequence[Fraction], hiding: Hiding) -> float | None:
    """How far the needle's tip takes the outputs into a region, 1 being its border; None if not from outside.

    In float64, at a point (inputs,): a measure of how hard an instance is, no part of a certificate.

    Raises:
        CertificateError: the needle's tip is not where the hiding bound says.
    """
    function, values = tip_function(graph, hiding), evaluate_float64(graph, floats(point))
    # A ReLU rests below zero, a saturated neuron on the side where it is not at the witness.
    rests_above = function is not Function.RELU and values[hiding.tensor][0, hiding.neuron] < 0
    resting = at_rest(graph, hiding, 1 if rests_above else -1)
    outputs, without = values[graph.output][0], evaluate_float64(resting, floats(point))[graph.output][0]
    if not np.isfinite([outputs, without]).all():
        return None
    before, after = excesses(region, without), excesses(region, outputs)
    needed = before > 0
    return float(((before - after)[needed] / before[needed]).min()) if needed.any() else None


def excesses(region: Region, outputs: Array) -> Array:
    """By how much the left side of each constraint of a region exceeds its bound, at outputs (outputs,)."""
    exact = [Fraction(value) for value in outputs.tolist()]
    return np.array([float(constraint.excess(exact)) for constraint in region.outputs])
