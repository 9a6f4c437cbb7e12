"""What is planted into: an instance that somebody else has made. Does it hold, and how far is it from not doing so?"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import torch

from soundbench.attack import attack, representable_box
from soundbench.beside import BesideHost
from soundbench.certificate import LEAST_READS, centre_of, required_slack
from soundbench.errors import InputError
from soundbench.graph import Array, Graph, load_onnx
from soundbench.ground_truth import Proof, Track, TwinKind
from soundbench.implant import DenseHost, dense_host
from soundbench.instance import Property
from soundbench.magnitude import check_numbers
from soundbench.operators import lower
from soundbench.prove import Hints, cuts_of, interval_slacks, region_box, search
from soundbench.replay import open_onnx, replay, require_equal
from soundbench.targets import boxes_within
from soundbench.vnnlib import read_property

# So many steps from so many points of each box look for a counterexample before anything is proven.
STEPS, RESTARTS, STEP_SHARE = 40, 30, 0.25
# A slack, or the witness's step into the unsafe set, of so many times what a certificate demands is enough.
SLACKS = 2.0
# Twice the slack is looked for within so many times the boxes of a proof, and at least so many.
MORE_BOXES, FEWEST_BOXES = 4, 40

Host = DenseHost | BesideHost


class DoesNotHold(InputError):
    """An instance that was to be planted into is violated, by `point`."""

    def __init__(self, message: str, point: tuple[Fraction, ...]) -> None:
        super().__init__(message)
        self.point = point


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where to plant, with what randomness, within how many boxes to prove, and with which twin.

    Or why the property is assumed to hold.
    """

    network: Path
    specification: Path
    seed: int = 0
    boxes: int = 500
    assumed: str | None = None
    twin: TwinKind = TwinKind.MISALIGNED

    @property
    def name(self) -> str:
        """What the pair is called."""
        stems = [Path(path.name.removesuffix(".gz")).stem for path in (self.network, self.specification)]
        return re.sub(r"[^A-Za-z0-9_.-]", "_", "-".join(stems))


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """An instance that is there, and what holds of it: a proof, unless that is assumed.

    The main track demands a slack of `required`.
    """

    graph: Graph
    unsafe: Property
    host: Host
    proof: Proof | None
    required: float

    @property
    def planes(self) -> tuple[tuple[int, float], ...]:
        """Where the proof cuts."""
        return tuple(cuts_of(self.proof.trees)) if self.proof else ()

    @property
    def tracks(self) -> tuple[Track, ...]:
        """On which tracks to try to plant, the best first: of small slack only that of small margins is left.

        `shallow` asks for the margins of `main`; whether it is that is up to how well the needle is hidden.
        """
        is_roomy = self.proof is None or self.proof.slack >= self.required
        return (Track.SHALLOW, Track.TIGHT) if is_roomy else (Track.TIGHT,)


def examine(wanted: Wanted, tell: Callable[[str], None]) -> Given:
    """Read an instance, look for a counterexample, and prove that there is none.

    Raises:
        DoesNotHold: a counterexample was found.
        InputError: a file cannot be read, an operator not be carried, or no proof was found.
    """
    check_assumed(wanted)
    model = load_onnx(wanted.network)
    graph, unsafe = lower(model, str(wanted.network)), read_property(wanted.specification)
    interface = open_onnx(wanted.network).interface()
    if interface.input.element_type != "float32":
        raise InputError(f"{wanted.network}: its input is {interface.input.element_type}; export it in float32")
    check_sizes(wanted, graph, unsafe)
    check_numbers(wanted.specification, unsafe)
    tell("look for a counterexample")
    look_for_counterexample(wanted, graph, unsafe)
    host = dense_host(model, graph) or BesideHost(model, graph.input_shape, interface.output.shape)
    required = required_slack(graph, unsafe, centre_of(unsafe.regions[0]))
    if wanted.assumed is not None:
        return Given(graph, unsafe, host, None, required)
    tell("prove that it holds")
    proof = search(graph, unsafe, 0.0, Hints(), wanted.boxes)
    if proof is None:
        raise InputError(
            f"{wanted.specification}: not proven to hold of {wanted.network} within {wanted.boxes} boxes; allow more "
            "with --boxes, or give the reason why it holds with --assume-holds"
        )
    if wanted.twin is TwinKind.SCALED and not is_proven_by_intervals(graph, unsafe):
        raise InputError(
            f"{wanted.specification}: interval bounds do not prove it of {wanted.network}, as they must for a scaled "
            "twin; ask for another with --twin"
        )
    # A needle that acts nowhere takes no slack, but those of a crowd are as strong as that allows.
    if wanted.twin is TwinKind.CROWD or proof.slack < SLACKS * required:
        proof = with_more_slack(graph, unsafe, proof, max(required, proof.slack), wanted.boxes)
    return Given(graph, unsafe, host, proof, required)


def check_assumed(wanted: Wanted) -> None:
    """Demand that what is assumed has a reason, and a twin that makes no use of a slack that nobody knows.

    Raises:
        InputError: it has not.
    """
    if wanted.assumed is None:
        return
    if not (wanted.assumed.isprintable() and wanted.assumed.strip()):
        raise InputError("--assume-holds: give the reason, on one line, why the property holds")
    if wanted.twin is not TwinKind.MISALIGNED:
        raise InputError(
            f"--twin {wanted.twin}: needs a slack that is proven; leave --assume-holds out, or take misaligned"
        )


def check_sizes(wanted: Wanted, graph: Graph, unsafe: Property) -> None:
    """Demand that network and property fit each other, and that a needle finds enough inputs to read.

    Raises:
        InputError: they do not.
    """
    require_equal(wanted.network, "inputs", graph.input_count, unsafe.input_count)
    require_equal(wanted.network, "outputs", graph.output_count, unsafe.output_count)
    for region in unsafe.regions:
        if sum(interval.lower < interval.upper for interval in region.inputs) < LEAST_READS:
            raise InputError(
                f"{wanted.specification}: fewer than {LEAST_READS} inputs have a range, which a needle needs"
            )


def look_for_counterexample(wanted: Wanted, graph: Graph, unsafe: Property) -> None:
    """Attack the instance.

    Raises:
        DoesNotHold: a counterexample was found.
    """
    found = attack(graph, unsafe, steps=STEPS, restarts=RESTARTS, step_share=STEP_SHARE, seed=wanted.seed)
    point = inside_in_float32(unsafe, found.point)
    if found.found and replay(wanted.network, unsafe, point).strict:
        raise DoesNotHold(
            f"{wanted.specification}: does not hold of {wanted.network}: there is a counterexample", point
        )


def is_proven_by_intervals(graph: Graph, unsafe: Property) -> bool:
    """Whether interval bounds at the root prove a property."""
    roots = (interval_slacks(graph, region.outputs, region_box(region, 0.0)) for region in unsafe.regions)
    return all(bool((found > 0).any()) for found in roots)


def with_more_slack(graph: Graph, unsafe: Property, proof: Proof, slack: float, boxes: int) -> Proof:
    """The proof, its slack doubled as often as that is found with not many more boxes, nor more than `boxes`."""
    while True:
        most = min(boxes, max(FEWEST_BOXES, MORE_BOXES * 2 * proof.leaves))
        better = search(graph, unsafe, 2 * slack, Hints(cuts_of(proof.trees)), most)
        if better is None:
            return proof
        proof, slack = better, better.slack


def inside_in_float32(unsafe: Property, point: Array) -> tuple[Fraction, ...]:
    """The float32 point nearest to one (inputs,) in a region's box, inside that box if it holds such points."""
    exact = [Fraction(value) for value in point.tolist()]
    box = next((region.inputs for region in unsafe.regions if region.contains_input(exact)), unsafe.regions[0].inputs)
    lower, upper = representable_box(box)
    inner = boxes_within(lower[None], upper[None], torch.device("cpu"))
    near = torch.from_numpy(point).to(inner.lower).clamp(inner.lower[0], inner.upper[0])
    return tuple(Fraction(value) for value in near.tolist())
