"""How does a counterexample that somebody has found become ground truth? It is certified, like one that we planted.

A witness lies strictly inside its box, but verifiers like to answer with a corner, or with one that rounding has put
outside. So a point that is at most the tolerance away is moved to the nearest float32 point inside, and it is that one
which is certified. Where its margin is too small for the main track, it counts for the track `tight`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from soundbench.certificate import position_of, witness_certificate
from soundbench.certify import blaming
from soundbench.claimed_point import claimed_point
from soundbench.errors import CertificateError, HarnessError
from soundbench.explain import describe_outside
from soundbench.graph import Graph
from soundbench.ground_truth import Expected, GroundTruth, Role, Track
from soundbench.instance import Instance, Interval, Property, Region
from soundbench.magnitude import LARGEST
from soundbench.meaning import meaning_digest
from soundbench.replay import TOLERANCE, OpenNetwork

FAMILY = "imported"


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """An instance with its network open, its property read, and what is known of it so far."""

    instance: Instance
    network: OpenNetwork
    unsafe: Property
    truth: GroundTruth


def unknown_truth(network: str, family: str) -> GroundTruth:
    """What is known of an instance of which nothing is known but the name of its network."""
    return GroundTruth(Expected.UNKNOWN, family, network, Role.OTHER)


def with_witness(question: Question, text: str, source: str) -> GroundTruth:
    """What is known of an instance once a counterexample of it is certified; its role becomes `armed`.

    `source` is what error messages call the text. An instance that has a witness keeps it.

    Raises:
        InputError: the text is no counterexample in either form.
        CertificateError: it is not one of this instance, or cannot be certified.
        HarnessError: it is certified, though the instance is proven to hold: our ground truth is refuted.
    """
    truth = question.truth
    point = claimed_point(text, question.network, source)
    if truth.expected is Expected.VIOLATED:
        return truth
    with blaming(question.instance):
        found = _certified(question, point)
    if truth.expected is Expected.HOLDS:
        raise HarnessError(f"{question.instance.name}: proven to hold, but {source} is certified; please report this")
    return found


def _certified(question: Question, point: Sequence[Fraction]) -> GroundTruth:
    graph = question.network.graph
    if graph is None:
        raise CertificateError("its network has an operator without an exact meaning, so no witness can be certified")
    regions = [region for region in question.unsafe.regions if region.contains_input(point, TOLERANCE)]
    if not regions:
        raise CertificateError(f"not a counterexample: {describe_outside(question.unsafe.regions, point)}")
    reasons = []
    for moved, track in _candidates(regions, point):
        try:
            return _truth(question, graph, moved, track)
        except CertificateError as error:
            reasons.append(str(error))
    raise CertificateError(reasons[-1])


def _candidates(regions: Sequence[Region], point: Sequence[Fraction]) -> Iterator[tuple[tuple[Fraction, ...], Track]]:
    """The points that may be certified, the best track first."""
    moved = [
        tuple(inside(interval, value) for interval, value in zip(region.inputs, point, strict=True))
        for region in regions
    ]
    for track in (Track.MAIN, Track.TIGHT):
        for candidate in moved:
            yield candidate, track


def _truth(question: Question, graph: Graph, point: tuple[Fraction, ...], track: Track) -> GroundTruth:
    witness = witness_certificate(question.instance.onnx, graph, question.unsafe, point, track)
    if witness.margin_float32 <= 0:
        # Nobody may be accused, or refuted, by a point at which the network as it is run does not violate.
        raise CertificateError("violates in real arithmetic, but not in ONNX Runtime")
    region = next(region for region in question.unsafe.regions if region.contains_input(point))
    return replace(
        question.truth,
        expected=Expected.VIOLATED,
        role=Role.ARMED,
        track=track,
        position=position_of(region, point),
        certifies=meaning_digest(graph, question.unsafe),
        witness=witness,
        assumption=None,
    )


def inside(interval: Interval, value: Fraction) -> Fraction:
    """The float32 value nearest to one that lies strictly inside an interval, if that has any.

    Raises:
        CertificateError: the value is beyond those of float32.
    """
    if interval.lower == interval.upper:
        return interval.lower
    wanted = min(max(value, interval.lower), interval.upper)
    if abs(wanted) > LARGEST or interval.lower >= LARGEST or interval.upper <= -LARGEST:
        raise CertificateError(f"no float32 value is near it: the largest is {float(LARGEST):.3g}")
    near = np.float32(float(wanted))
    if Fraction(float(near)) <= interval.lower:
        near = np.nextafter(near, np.float32(np.inf))
    elif Fraction(float(near)) >= interval.upper:
        near = np.nextafter(near, np.float32(-np.inf))
    return Fraction(float(near))
