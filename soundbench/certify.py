"""Who re-checks a suite: every certificate is computed again from the files and compared with what is recorded."""

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from soundbench.assumption import check_assumption
from soundbench.certificate import (
    centre_of,
    check_foreign,
    check_form,
    check_kind,
    check_slopes,
    hiding_certificate,
    is_well_hidden,
    position_of,
    required_slack,
    witness_certificate,
)
from soundbench.commitment import check_commitment
from soundbench.errors import CertificateError
from soundbench.graph import Graph, read_graph
from soundbench.ground_truth import Expected, GroundTruth, Role, Track, Witness
from soundbench.instance import Instance, Property
from soundbench.meaning import meaning_digest
from soundbench.prove import INFLATION, check, cuts_of, leaves, region_box
from soundbench.queries import check_query
from soundbench.replay import NonFiniteOutputError, open_onnx
from soundbench.suite import Suite
from soundbench.vnnlib import read_property

# Sums in float64 depend on their order, so recomputed measurements may differ in their last digits.
SAME = 1e-6
# What the members of a pair and clean boxes must be proven to be.
EXPECTED_OF = {Role.ARMED: Expected.VIOLATED, Role.TWIN: Expected.HOLDS, Role.CLEAN: Expected.HOLDS}


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """An instance with its network and property read, and its ground truth."""

    instance: Instance
    graph: Graph
    property: Property
    truth: GroundTruth


def certify_suite(suite: Suite, progress: Callable[[str], None]) -> Mapping[Expected, int]:
    """Check every certificate of a suite from its files; `progress` is told each instance's name when it is done.

    Returns how many instances were certified `violated`, `holds`, and left `unknown`.

    Raises:
        CertificateError: a certificate does not hold; the message names the instance. Or the suite was sealed, and its
            ground truth is not the one that it has committed to.
    """
    check_commitment(suite)
    counts = dict.fromkeys(Expected, 0)
    # Instances of one network share its graph, and their needles must not act in each other's boxes.
    for group in by_network(suite):
        interface = open_onnx(group[0].onnx).interface()  # what nobody can run certifies nothing
        # A network of which nothing is known may have operators without an exact meaning.
        graph = read_graph(group[0].onnx) if any(is_known(suite, instance) for instance in group) else None
        loaded = []
        for instance in group:
            unsafe, truth = read_property(instance.vnnlib), suite.ground_truth.get(instance.name)
            with blaming(instance):
                check_query(instance, unsafe, interface)
            if truth is not None and graph is not None:
                loaded.append(Loaded(instance, graph, unsafe, truth))
            else:
                progress(instance.name)
        counts[Expected.UNKNOWN] += len(group) - len(loaded)
        for item in loaded:
            with blaming(item.instance):
                check_consistency(item, suite.ground_truth)
        for item in loaded:
            with blaming(item.instance):
                certify_instance(item, loaded, suite.ground_truth)
            counts[item.truth.expected] += 1
            progress(item.instance.name)
    return counts


def is_known(suite: Suite, instance: Instance) -> bool:
    """Whether anything is said to be known of an instance."""
    truth = suite.ground_truth.get(instance.name)
    return truth is not None and (truth.expected is not Expected.UNKNOWN or truth.assumption is not None)


def by_network(suite: Suite) -> list[list[Instance]]:
    """The instances grouped by network file, in the suite's order."""
    groups: dict[str, list[Instance]] = {}
    for instance in suite.instances:
        groups.setdefault(str(instance.onnx), []).append(instance)
    return list(groups.values())


@contextlib.contextmanager
def blaming(instance: Instance) -> Iterator[None]:
    """Name the instance in the message of a certificate that does not hold."""
    try:
        yield
    except (CertificateError, NonFiniteOutputError) as error:
        raise CertificateError(f"{instance.name}: {error}") from None
    except OverflowError:
        raise CertificateError(f"{instance.name}: a number is too large for float64") from None


def check_consistency(item: Loaded, ground_truth: Mapping[str, GroundTruth]) -> None:
    """Check that what is recorded fits the network, the property and each other, before anything is computed.

    Raises:
        CertificateError: it does not.
    """
    truth = item.truth
    if truth.assumption is not None and truth.expected is not Expected.UNKNOWN:
        raise CertificateError(f"it is assumed to hold, so it cannot be said to be {truth.expected}")
    if truth.expected is Expected.UNKNOWN and truth.assumption is None:
        return
    if truth.certifies != meaning_digest(item.graph, item.property):
        raise CertificateError("the certificate is about another network or property than the files hold")
    for kind, has, needs in (
        ("inputs", item.graph.input_count, item.property.input_count),
        ("outputs", item.graph.output_count, item.property.output_count),
    ):
        if has != needs:
            raise CertificateError(f"the network has {has} {kind}, the property {needs}")
    if truth.expected is not EXPECTED_OF.get(truth.role, truth.expected):
        raise CertificateError(f"its role is {truth.role}, but its answer is said to be {truth.expected}")
    if truth.pair is not None:
        check_pair(truth, ground_truth)
    if truth.hiding is not None:
        check_form(item.graph, truth.hiding)


def certify_instance(item: Loaded, neighbours: Sequence[Loaded], ground_truth: Mapping[str, GroundTruth]) -> None:
    """Check one instance's certificate.

    Raises:
        CertificateError: it does not hold.
    """
    match item.truth.expected:
        case Expected.VIOLATED:
            certify_violated(item, neighbours, ground_truth)
        case Expected.HOLDS:
            certify_holds(item, ground_truth)
        case Expected.UNKNOWN:
            if item.truth.assumption is not None:
                check_assumption(item.graph, item.property, item.truth.assumption)


def check_pair(truth: GroundTruth, ground_truth: Mapping[str, GroundTruth]) -> None:
    """Demand that an instance's pair is one armed member and one twin, alike in all that they are said to share."""
    members = [other for other in ground_truth.values() if other.pair == truth.pair]
    if sorted(member.role for member in members) != [Role.ARMED, Role.TWIN]:
        raise CertificateError(f"the pair {truth.pair!r} is not one armed member and one twin")
    shared = [(each.twin_kind, each.family, each.trigger, each.track, each.factors) for each in members]
    if shared[0] != shared[1]:
        raise CertificateError(
            f"the members of the pair {truth.pair!r} differ in kind, family, trigger, track or factors"
        )


def certify_violated(item: Loaded, neighbours: Sequence[Loaded], ground_truth: Mapping[str, GroundTruth]) -> None:
    """Check a witness, what its hiding rests on, and that no needle of another box acts here."""
    truth = item.truth
    if truth.witness is None:
        raise CertificateError("it is said to be violated, but no witness is recorded")
    compare_witness(
        truth.witness,
        witness_certificate(item.instance.onnx, item.graph, item.property, truth.witness.point, truth.track),
    )
    region = next(region for region in item.property.regions if region.contains_input(truth.witness.point))
    if truth.position is not None and truth.position is not position_of(region, truth.witness.point):
        raise CertificateError(f"its witness is said to lie at {truth.position!r}, which it does not")
    if truth.hiding is None:
        if truth.pair is not None or truth.family == "planted":
            raise CertificateError("it is planted, but nothing is recorded of its hiding")
        return
    known = truth.hiding.planes or planes_of(truth.pair, ground_truth)
    planes = [plane for plane in known if 0 <= plane[0] < item.graph.input_count]
    found = hiding_certificate(item.graph, item.property, truth.witness.point, truth.hiding, planes, truth.track)
    if found.chance != truth.hiding.chance:
        raise CertificateError(f"an attack's chance is bounded by {found.chance:g}, not {truth.hiding.chance:g}")
    if truth.track is Track.MAIN and not is_well_hidden(found.chance, found.queries):
        raise CertificateError(f"a bound of {found.chance:g} on an attack's chance is too weak for the main track")
    others = [
        other.truth.hiding
        for other in neighbours
        if other is not item and other.truth.hiding is not None and other.truth.expected is not Expected.UNKNOWN
    ]
    check_foreign(item.graph, item.property, others)


def planes_of(pair: str | None, ground_truth: Mapping[str, GroundTruth]) -> list[tuple[int, float]]:
    """Where the proof of a pair's twin cuts its boxes: good cuts for the armed member, whose needles lie alike."""
    proofs = [truth.proof for truth in ground_truth.values() if truth.pair == pair and truth.proof is not None]
    return cuts_of(tree for proof in proofs for tree in proof.trees)


def compare_witness(recorded: Witness, found: Witness) -> None:
    """Demand that recorded margins are those found now; ONNX Runtime's may differ by its rounding error."""
    for name in ("margin_rigorous", "margin_float64", "float32_error", "required_margin"):
        old, new = getattr(recorded, name), getattr(found, name)
        # Exact arithmetic knows no order of summation.
        if not is_same(old, new) or (name == "margin_rigorous" and old != new):
            raise CertificateError(f"the witness's {name} is {new!r}, not the recorded {old!r}")
    if not abs(recorded.margin_float32 - found.margin_float32) <= 2 * found.float32_error:
        raise CertificateError(
            f"the witness's margin_float32 is {found.margin_float32!r}, not the recorded {recorded.margin_float32!r}"
        )


def certify_holds(item: Loaded, ground_truth: Mapping[str, GroundTruth]) -> None:
    """Check a proof, its inflation and its slack."""
    proof = item.truth.proof
    if proof is None:
        raise CertificateError("it is said to hold, but no proof is recorded")
    if proof.inflation != INFLATION:
        raise CertificateError(f"its proof is for boxes inflated by {proof.inflation:g}, not {INFLATION:g}")
    for region, tree in zip(item.property.regions, proof.trees, strict=False):
        for leaf, _ in leaves(tree, region_box(region, proof.inflation)):
            check_slopes(item.graph, leaf.slopes)
    slack = check(item.graph, item.property, proof)
    if not is_same(slack, proof.slack):
        raise CertificateError(f"its proof leaves a slack of {slack!r}, not the recorded {proof.slack!r}")
    demanded = required_slack(item.graph, item.property, rounding_point(item, ground_truth), item.truth.track)
    if not is_same(demanded, proof.required_slack):
        raise CertificateError(f"its proof must leave {demanded!r}, not the recorded {proof.required_slack!r}")
    if slack < demanded:
        raise CertificateError(f"its proof leaves a slack of {slack:.3g}, below the {demanded:.3g} demanded")
    if item.truth.twin_kind is not None:
        check_kind(item.graph, item.property, item.truth.twin_kind)


def rounding_point(item: Loaded, ground_truth: Mapping[str, GroundTruth]) -> Sequence[Fraction]:
    """Where rounding matters most: for a twin where its needle, or else the armed member's, is; or mid-box."""
    if item.truth.needle_at is not None:
        if not any(region.contains_input(item.truth.needle_at) for region in item.property.regions):
            raise CertificateError("its needle is said to be where no box of its property is")
        return item.truth.needle_at
    if item.truth.role is Role.TWIN:
        for truth in ground_truth.values():
            if truth.pair == item.truth.pair and truth.witness is not None:
                return truth.witness.point
        raise CertificateError(f"no armed member of pair {item.truth.pair!r} is in the suite")
    return centre_of(item.property.regions[0])


def is_same(first: float, second: float) -> bool:
    """Whether two measurements agree but for the order of float64 sums."""
    return math.isclose(first, second, rel_tol=SAME, abs_tol=0.0)
