"""What is proven of a twin where nobody has proven that what it was made of holds? That its needle acts nowhere.

So it computes what the given network does, and holds if that does: for a reason that is recorded, and not checked.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from soundbench.certificate import check_slopes, side_at_rest, tip_function
from soundbench.errors import CertificateError
from soundbench.graph import Function, Graph
from soundbench.ground_truth import Assumption
from soundbench.instance import Property
from soundbench.prove import INFLATION, region_box
from soundbench.rigorous import evaluate


def assumption_certificate(
    graph: Graph, unsafe: Property, reason: str, tip: tuple[str, int], slopes: Mapping[str, str]
) -> Assumption:
    """That the twin's needle, whose tip is neuron `tip[1]` of tensor `tip[0]`, acts nowhere in the property's boxes.

    Raises:
        CertificateError: that is not proven.
    """
    assumption = Assumption(reason, tip[0], tip[1], slopes)
    check_assumption(graph, unsafe, assumption)
    return assumption


def check_assumption(graph: Graph, unsafe: Property, assumption: Assumption) -> None:
    """Demand that a neuron is proven to rest at zero everywhere in the property's boxes, inflated as for a proof.

    Raises:
        CertificateError: it is not.
    """
    check_slopes(graph, assumption.slopes)
    if tip_function(graph, assumption) is not Function.RELU:
        raise CertificateError(f"{assumption.tensor!r} is not the input of a ReLU, which alone can rest at zero")
    for region in unsafe.regions:
        if side_at_rest(graph, region_box(region, INFLATION), assumption, Function.RELU) != -1:
            raise CertificateError(
                f"neuron {assumption.neuron} of {assumption.tensor}, the twin's needle, is not proven to rest, so that "
                "nothing follows from what is assumed"
            )


def check_same(given: Graph, twin: Graph, points: Sequence[Sequence[Fraction]]) -> None:
    """Demand that two networks compute the same, as far as balls tell, at points (inputs,).

    Raises:
        CertificateError: they do not.
    """
    for point in points:
        pairs = zip(evaluate(given, point), evaluate(twin, point), strict=True)
        if any(one[1] < two[0] or two[1] < one[0] for one, two in pairs):
            raise CertificateError("beside its needle the twin does not compute what the given network does")
