"""What is known of an instance, and by which certificate (`ground_truth.json`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction


class Expected(StrEnum):
    """The proven answer, or the open admission that there is none."""

    VIOLATED = "violated"
    HOLDS = "holds"
    UNKNOWN = "unknown"


class Role(StrEnum):
    """What an instance is for: an armed network, its disarmed twin, or a box without any needle."""

    ARMED = "armed"
    TWIN = "twin"
    CLEAN = "clean"
    OTHER = "other"


class Track(StrEnum):
    """Which score an instance counts for.

    `shallow` ones are hidden less well than the main track asks: attacks may find them, and they count like those of
    `main`. `tight` ones have smaller margins, and are summed up apart.
    """

    MAIN = "main"
    SHALLOW = "shallow"
    TIGHT = "tight"


class Position(StrEnum):
    """Where in its box a witness lies: how many of its coordinates are within 1 % of the width of a face.

    None, one, several, or all of those that can move.
    """

    INTERIOR = "interior"
    FACE = "face"
    EDGE = "edge"
    CORNER = "corner"


class TwinKind(StrEnum):
    """How the needle of a pair is disarmed in the twin."""

    SCALED = "scaled"
    MISALIGNED = "misaligned"
    CROWD = "crowd"


@dataclass(frozen=True, slots=True)
class Witness:
    """The planted counterexample and the margins certified for it.

    `point` holds exact float32 values, shape (inputs,). The margins are shortfalls below the thresholds of the
    unsafe region's constraints (the smallest over the conjunction), so positive means violated:
    `margin_float32` from ONNX Runtime, `margin_float64`, and `margin_rigorous` a proven lower bound.
    `required_margin` is what the certificate demands; `float32_error` bounds ONNX Runtime's rounding error.
    """

    point: tuple[Fraction, ...]
    margin_float32: float
    margin_float64: float
    margin_rigorous: float
    float32_error: float
    required_margin: float


@dataclass(frozen=True, slots=True)
class Leaf:
    """A box on which one constraint of the region is refuted by a backward bound with the given slopes.

    `slopes` maps an activation's output tensor to one character a neuron: `0`, `1`, or `a` (adaptive) for the
    slope of the lower line; a tensor that is absent is adaptive throughout.
    """

    refutes: int
    slopes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Split:
    """A box cut at `value` of input `dimension` into the part below and the part above (both closed)."""

    dimension: int
    value: float
    below: "ProofTree"
    above: "ProofTree"


ProofTree = Leaf | Split


@dataclass(frozen=True, slots=True)
class Proof:
    """That a property holds, on its boxes inflated by `inflation`: one tree a region.

    `slack` is a proven lower bound, over all leaves, of the distance to the refuted constraint's threshold, and
    `required_slack` what the certificate demands of it.
    """

    inflation: float
    slack: float
    required_slack: float
    trees: tuple[ProofTree, ...]

    @property
    def leaves(self) -> int:
        """How many boxes it bounds."""
        pending, count = list(self.trees), 0
        while pending:
            tree = pending.pop()
            if isinstance(tree, Leaf):
                count += 1
            else:
                pending += [tree.below, tree.above]
        return count


@dataclass(frozen=True, slots=True)
class Hiding:
    """The bound on any query attack's chance, and what is needed to check it from the network alone.

    The needle's value is neuron `neuron` of tensor `tensor` (the input of an activation); it is inactive wherever
    |x[i] - c[i]| >= half_widths[i] for some read input i = reads[i]. The witness's coordinate reads[i] was drawn
    uniformly from [prior_lower[i], prior_upper[i]]; `pinned` coordinates (a face) count as known.
    `chance` = queries * product over the unpinned reads of 2 * half_width / prior width, at most 1. `slopes` (see
    `Leaf`) are those with which the inactivity is shown. `planes` (input, value) are worth cutting at where the rest is
    proven to hold; where there are none, those at which the twin's proof cuts are.
    """

    tensor: str
    neuron: int
    reads: tuple[int, ...]
    half_widths: tuple[float, ...]
    prior_lower: tuple[float, ...]
    prior_upper: tuple[float, ...]
    pinned: tuple[int, ...]
    queries: float
    chance: float
    slopes: Mapping[str, str]
    planes: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Assumption:
    """Why a twin of unknown ground truth is taken to hold, and what is proven of it: that its needle rests.

    It was planted into a network that holds for a `reason` that nobody has checked. Its needle's value, neuron `neuron`
    of tensor `tensor` (the input of a ReLU), is at most zero everywhere in the property's boxes, which `slopes` (see
    `Leaf`) show.
    """

    reason: str
    tensor: str
    neuron: int
    slopes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AttackRecord:
    """What an attack reached: evidence of how well a counterexample is hidden, not a part of any certificate.

    `restarts` is the number of starts in each box, or of random points; `queries` how often the attack saw the
    network's outputs, over all boxes of the instance. `margin` is the smallest that it reached: the largest excess over
    a region's constraints, in float64, positive as long as the property holds. `found` says that a point in the box,
    exactly, has float64 outputs in the unsafe set; `replays` that it does so in ONNX Runtime too, None if not found.
    """

    attack: str
    seed: int
    restarts: int
    queries: int
    margin: float
    found: bool
    replays: bool | None = None


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """Everything known of one instance.

    `trigger` names what the instance exercises (`mlp/interior`); `pair` is shared by the armed member and its twin.
    Trained families have no `pair` and no `twin_kind`. `factors` is what the recipe meant the instance to be, a value
    for each factor of its covering design; nothing is proven of it. `catches` names faults of verifiers that it is
    known to catch, by `soundbench power --record`.
    `assumption` is why what is `unknown` is nevertheless taken to hold.
    `needle_at` is where a twin's own needle is, if its pair's armed member has another box.
    `certifies` is a digest of what network and property mean (see `meaning.meaning_digest`): the certificate is about
    that and nothing else.
    """

    expected: Expected
    family: str
    trigger: str
    role: Role
    pair: str | None = None
    twin_kind: TwinKind | None = None
    track: Track = Track.MAIN
    position: Position | None = None
    certifies: str | None = None
    witness: Witness | None = None
    proof: Proof | None = None
    hiding: Hiding | None = None
    attacks: tuple[AttackRecord, ...] = ()
    factors: Mapping[str, str] = field(default_factory=dict)
    catches: tuple[str, ...] = ()
    needle_at: tuple[Fraction, ...] | None = None
    assumption: Assumption | None = None


def track_of(ground_truth: Mapping[str, GroundTruth], name: str) -> Track:
    """The track of an instance; the main one where nothing is known of it."""
    return ground_truth[name].track if name in ground_truth else Track.MAIN
