"""Known ways of corrupting what a real verifier is given, or what it says, each like a real mistake."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from soundbench.claim import Claim
from soundbench.errors import InputError
from soundbench.instance import Interval, Property
from soundbench.verifier import Verifier

from .corrupted import Corrupted, CorruptedClaim, CorruptedNetwork, CorruptedProperty

if TYPE_CHECKING:
    from onnx import ModelProto

# The operators whose third input is a bias, and those with windows that can be padded.
BIASED = ("Conv", "ConvTranspose", "Gemm")
WINDOWS = ("AveragePool", "Conv", "ConvTranspose", "MaxPool")


@dataclass(frozen=True, slots=True)
class Corruption:
    """The docstring of `put_in` says what the corruption does, `modelled_on` which real mistake it is like.

    `put_in` takes a verifier and a strength, and gives the corrupted one. `strengths` go from the strongest to the
    weakest; `measure` says what they are. One that `misreads_status` takes a way of ending for another, and need not
    agree with the verifier mostly.
    """

    name: str
    put_in: Callable[[Verifier, float], Corrupted]
    modelled_on: str
    strengths: tuple[float, ...] = (1.0,)
    measure: str = "one strength only"
    misreads_status: bool = False

    @property
    def summary(self) -> str:
        """What it does, in a sentence."""
        return (self.put_in.__doc__ or "").strip().splitlines()[0]


def box_shrunk(verifier: Verifier, share: float) -> Corrupted:
    """Every range of an input is made narrower, about its middle, by a share of its width."""
    kept = 1 - Fraction(share)

    def shrunk(each: Interval) -> Interval:
        middle, reach = (each.lower + each.upper) / 2, kept * (each.upper - each.lower) / 2
        # Ends have no more digits than a double, unless that would widen the range.
        lower, upper = (Fraction(float(end)) for end in (middle - reach, middle + reach))
        other = replace(each, lower=max(each.lower, lower), upper=min(each.upper, upper))
        return each if each.lower == each.upper or other.is_empty else other

    def change(unsafe: Property) -> Property | None:
        regions = tuple(replace(region, inputs=tuple(map(shrunk, region.inputs))) for region in unsafe.regions)
        return None if regions == unsafe.regions else replace(unsafe, regions=regions)

    return CorruptedProperty(verifier, change)


def disjunct_dropped(verifier: Verifier, _strength: float) -> Corrupted:
    """Of several disjuncts the last is lost."""

    def change(unsafe: Property) -> Property | None:
        return replace(unsafe, regions=unsafe.regions[:-1]) if len(unsafe.regions) > 1 else None

    return CorruptedProperty(verifier, change)


def padding_behind(verifier: Verifier, _strength: float) -> Corrupted:
    """All padding of an axis is put behind the image, wherever the attribute puts it."""

    def change(model: "ModelProto") -> "ModelProto | None":
        changed, is_other = _copy(model), False
        for node in changed.graph.node:
            for pads in (each.ints for each in node.attribute if node.op_type in WINDOWS and each.name == "pads"):
                begins, ends = pads[: len(pads) // 2], pads[len(pads) // 2 :]
                is_other = is_other or any(begins)
                pads[:] = [*(0 for _ in begins), *(sum(both) for both in zip(begins, ends, strict=True))]
        return changed if is_other else None

    return CorruptedNetwork(verifier, change)


def bias_shifted(verifier: Verifier, share: float) -> Corrupted:
    """A share of every bias is lost."""

    def change(model: "ModelProto") -> "ModelProto | None":
        from onnx import numpy_helper

        changed, is_other, names = _copy(model), False, _biases(model)
        for tensor in changed.graph.initializer:
            bias = numpy_helper.to_array(tensor)
            if tensor.name in names and bias.dtype.kind == "f" and np.any(bias):
                tensor.CopyFrom(numpy_helper.from_array((bias * (1 - share)).astype(bias.dtype), tensor.name))
                is_other = True
        return changed if is_other else None

    return CorruptedNetwork(verifier, change)


def timeout_is_verified(verifier: Verifier, _strength: float) -> Corrupted:
    """A tool that says that it ran out of time is taken to have said verified."""
    return CorruptedClaim(verifier, {Claim.TIMEOUT})


def unknown_is_verified(verifier: Verifier, _strength: float) -> Corrupted:
    """A tool that says that it does not know is taken to have said verified."""
    return CorruptedClaim(verifier, {Claim.UNKNOWN})


def _copy(model: "ModelProto") -> "ModelProto":
    from onnx import ModelProto

    made = ModelProto()
    made.CopyFrom(model)
    return made


def _biases(model: "ModelProto") -> frozenset[str]:
    """The names of what is added: third inputs of dense layers and convolutions, and what is added to a product."""
    products = {node.output[0] for node in model.graph.node if node.op_type == "MatMul"}
    third = {name for node in model.graph.node if node.op_type in BIASED for name in node.input[2:]}
    sums = (node.input for node in model.graph.node if node.op_type == "Add" and products & set(node.input))
    return frozenset(third.union(*sums) - products)


CORRUPTIONS = (
    Corruption("box-shrunk", box_shrunk, "NeuralVerification.jl #148", (0.1, 0.03, 0.01, 0.001), "share of the width"),
    Corruption("disjunct-dropped", disjunct_dropped, "NNV #315, NeuralSAT #20"),
    Corruption("padding-behind", padding_behind, "Marabou #554, auto_LiRPA a050a3d"),
    Corruption("bias-shifted", bias_shifted, "MIPVerify c184f78", (0.1, 0.03, 0.01, 0.001), "share of the bias"),
    Corruption("timeout-is-verified", timeout_is_verified, "Marabou #346", misreads_status=True),
    Corruption("unknown-is-verified", unknown_is_verified, "alpha-beta-CROWN 8ed285c", misreads_status=True),
)
"""All of them: of the property, of the network, of the answer."""


def corruption_of(words: str) -> Corruption:
    """The corruption `NAME`, or with `NAME@STRENGTH` that corruption in this strength alone.

    Raises:
        InputError: there is no such corruption, or not in that strength; the message lists those that there are.
    """
    name, at, number = words.partition("@")
    known = {each.name: each for each in CORRUPTIONS}
    if name not in known:
        raise InputError(f"there is no corruption {name!r}; there are {', '.join(known)}")
    if not at:
        return known[name]
    strengths = {str(each): each for each in known[name].strengths}
    try:
        return replace(known[name], strengths=(strengths[str(float(number))],))
    except (ValueError, KeyError):
        has = f"it has {', '.join(strengths)} ({known[name].measure})"
        raise InputError(f"corruption {name} has no strength {number}; {has}") from None


def corruptions_named(names: Sequence[str]) -> tuple[Corruption, ...]:
    """The corruptions of these names (see `corruption_of`), each once, or all if one of the names is `all`.

    Raises:
        InputError: there is none of a name, or not in a strength; the message lists those that there are.
    """
    chosen = {name: corruption_of(name) for name in names if name != "all"}
    return CORRUPTIONS if "all" in names else tuple(chosen.values())
