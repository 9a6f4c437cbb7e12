"""What do the files of an instance tell of it, in words and in numbers? Whatever a recipe meant is left aside."""

import contextlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

from soundbench.coverage import Values
from soundbench.errors import CertificateError
from soundbench.graph import Graph, UnsupportedOperator, load_onnx
from soundbench.ground_truth import GroundTruth, Track, Witness
from soundbench.instance import Property
from soundbench.network_features import network_features, network_size
from soundbench.operators import lower
from soundbench.overshoot import overshoot
from soundbench.property_features import box_features, property_features
from soundbench.replay import NonFiniteOutputError, OnnxNetwork, open_onnx
from soundbench.rigorous import evaluate
from soundbench.witness_features import image_of, place_among, violated_regions, witness_features

# In which of its regions an armed instance is violated.
REACHED = "violated region"
NOWHERE = place_among((), 0)


@dataclass(frozen=True, slots=True, eq=False)
class NetworkRead:
    """A network that runs, and what its file tells; its steps where something is to be measured, if they are known."""

    onnx: OnnxNetwork
    features: Values
    numbers: Mapping[str, float]
    graph: Graph | None


def read_network(path: Path, truths: Iterable[GroundTruth | None]) -> NetworkRead:
    """Read a network's file; `truths` is what is known of its instances.

    Raises:
        InputError: it cannot be read or run.
    """
    onnx, model, source = open_onnx(path), load_onnx(path), str(path)
    (inputs, outputs), size = onnx.sizes(), network_size(model, source)
    graph = None
    if any(truth is not None and (truth.hiding is not None or truth.track is Track.TIGHT) for truth in truths):
        with contextlib.suppress(UnsupportedOperator):
            graph = lower(model, source)
    return NetworkRead(
        onnx=onnx,
        features={"operator": network_features(model, source), "input": (kind_of_input(onnx.input_shape),)},
        numbers={"inputs": inputs, "outputs": outputs, "nodes": size.nodes, "parameters": size.parameters},
        graph=graph,
    )


def kind_of_input(shape: Sequence[int]) -> str:
    """Whether an input is an image, and of which kind."""
    image = image_of(shape)
    if image is None:
        return "a row" if prod(shape) == max(shape, default=1) else "a block"
    return "a square image" if image[0] == image[1] else "an oblong image"


def instance_features(
    network: NetworkRead, notation: Collection[str], unsafe: Property, truth: GroundTruth | None
) -> Values:
    """What there is to say of an instance in words, by what they are about; `notation` is that of its property.

    Raises:
        OverflowError: a number of the property is too large for float64.
    """
    words = {**property_features(unsafe), **box_features(unsafe)}
    if truth is not None:
        words["track"] = str(truth.track)
        if truth.twin_kind is not None:
            words["twin"] = str(truth.twin_kind)
        if truth.proof is not None:
            words["proof"] = "at the root" if truth.proof.leaves == len(truth.proof.trees) else "by splitting"
        if truth.witness is not None:
            words |= features_of_witness(network, unsafe, truth, truth.witness)
    return {**network.features, "notation": notation, **{feature: (word,) for feature, word in words.items()}}


def features_of_witness(
    network: NetworkRead, unsafe: Property, truth: GroundTruth, witness: Witness
) -> Mapping[str, str]:
    """Where a witness lies."""
    violated = regions_violated(network, unsafe, truth, witness)
    reached = {REACHED: place_among(violated, len(unsafe.regions))}
    if not violated:
        return reached
    region = unsafe.regions[violated[0]]
    return {**reached, **witness_features(region, witness.point, truth.hiding, network.onnx.input_shape)}


def regions_violated(network: NetworkRead, unsafe: Property, truth: GroundTruth, witness: Witness) -> list[int]:
    """The regions that a witness violates; none if it does not fit the network.

    ONNX Runtime is quick and decides, except on the track `tight`, whose margins float32 can lose.
    """
    if len(witness.point) != unsafe.input_count:
        return []
    if truth.track is Track.TIGHT and network.graph is not None:
        middles = [(low + high) / 2 for low, high in evaluate(network.graph, witness.point)]
        return violated_regions(unsafe, witness.point, middles)
    try:
        return violated_regions(unsafe, witness.point, network.onnx.run(witness.point))
    except NonFiniteOutputError:
        return []


def instance_numbers(network: NetworkRead, unsafe: Property, truth: GroundTruth | None) -> Mapping[str, float]:
    """What there is to say of an instance in numbers."""
    numbers = {**network.numbers, "regions": float(len(unsafe.regions))}
    if truth is not None and truth.proof is not None:
        numbers["boxes in the proof"] = truth.proof.leaves
    if truth is not None and truth.witness is not None:
        numbers["margin"] = truth.witness.margin_rigorous
        numbers |= numbers_of_needle(network, unsafe, truth, truth.witness)
    return numbers


def numbers_of_needle(
    network: NetworkRead, unsafe: Property, truth: GroundTruth, witness: Witness
) -> Mapping[str, float]:
    """How well a witness is hidden, and by how much its needle overshoots, as far as that can be told."""
    hiding, violated = truth.hiding, regions_violated(network, unsafe, truth, witness)
    if hiding is None:
        return {}
    numbers = {
        "chance of being found": hiding.chance,
        "within queries": hiding.queries,
        "inputs read": len(hiding.reads),
    }
    if network.graph is not None and violated:
        with contextlib.suppress(CertificateError):
            found = overshoot(network.graph, unsafe.regions[violated[0]], witness.point, hiding)
            numbers |= {} if found is None else {"overshoot": found}
    return numbers
