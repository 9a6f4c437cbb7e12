"""Known ways of making the reference verifier wrong, each after a real mistake, to test whether a suite notices."""

from collections.abc import Sequence
from dataclasses import replace

from soundbench.errors import InputError

from ..network import Dense, Relu, Scale, Sigmoid, Tanh
from ..steps import DEFAULT, Steps
from . import bounds, box, reading, search, specification
from .fault import Fault, anything, networks_with, nothing

PROBABILITIES = (2.0**-4, 2.0**-5, 2.0**-6, 2.0**-8, 2.0**-10)
OF_SPLITS = "probability that a split is hit"
_RELU, _S_SHAPED = networks_with(Relu), networks_with(Tanh, Sigmoid)

FAULTS = (
    Fault("last-disjunct-only", specification.last_disjunct_only, "NeuralSAT #20", nothing),
    Fault("first-disjunct-only", specification.first_disjunct_only, "NeuralSAT #20, Marabou #603", nothing),
    Fault("drop-alternative", specification.drop_alternative, "NNV #315", nothing),
    Fault("region-leak", specification.region_leak, "NNV #335", nothing),
    Fault("bound-side-swap", specification.bound_side_swap, "NNV #319", nothing),
    Fault("radius-of-first-dim", box.radius_of_first_dim, "NeuralVerification.jl #148", nothing),
    Fault(
        "collapse-narrow-dims",
        box.collapse_narrow_dims,
        "Marabou #485, #670",
        nothing,
        (3e-2, 1e-2, 3e-3, 1e-3, 1e-4, 1e-6),
        "width",
    ),
    Fault("axis-order", box.axis_order, "DNNV #58, ERAN e49a857", nothing),
    Fault("normalisation-dropped", reading.normalisation_dropped, "NNV #362", nothing),
    Fault(
        "stable-by-tolerance",
        bounds.stable_by_tolerance,
        "nnenum fd07f2b",
        _RELU,
        (2.5e-3, 2e-3, 1e-3, 1e-4, 1e-6),
        "share of the range",
    ),
    Fault(
        "upper-line-intercept",
        bounds.upper_line_intercept,
        "Marabou #207",
        _RELU,
        (0.4, 0.3, 0.2, 0.1, 0.01),
        "share of the intercept",
    ),
    Fault(
        "backsubstitution-index",
        bounds.back_substitution_index,
        "Marabou #435",
        _RELU,
        (8.0, 5.0, 3.0),
        "most unstable neurons of a layer",
    ),
    Fault("tangent-wrong-side", bounds.tangent_wrong_side, "Marabou #720", _S_SHAPED),
    Fault(
        "saturation-exact",
        bounds.saturation_exact,
        "Marabou #720",
        _S_SHAPED,
        (1.0, 2.0, 4.0, 8.0, 16.0),
        "input beyond which it counts",
    ),
    Fault("softmax-monotone", reading.softmax_dropped, "ERAN #42", nothing),
    Fault("avgpool-stride-is-kernel", reading.average_pool_stride_is_kernel, "auto_LiRPA 77e3c2b", nothing),
    Fault("padding-side", reading.padding_side, "Marabou #554, MIPVerify 2810468", nothing),
    Fault("batchnorm-negative-scale", bounds.negative_scale, "Venus2 d6ca50d", networks_with(Scale)),
    Fault(
        "bias-lost",
        bounds.bias_lost,
        "MIPVerify c184f78",
        networks_with(Dense),
        (0.2, 0.1, 0.03, 0.01),
        "share of the bias",
    ),
    Fault("leaky-slope-default", reading.leaky_slope_default, "Marabou #742", nothing),
    Fault("dilation-of-height", reading.dilation_of_height, "auto_LiRPA 77e3c2b", nothing),
    Fault("perm-default", reading.permutation_default, "Marabou #858", nothing),
    Fault("child-lost", search.child_lost, "NeuralVerification.jl #94", anything, PROBABILITIES, OF_SPLITS),
    Fault(
        "split-gap",
        search.split_gap,
        "NeuralVerification.jl #94",
        anything,
        (2.0**-6, 2.0**-7, 2.0**-8, 2.0**-10, 2.0**-20),
        "share of the width",
    ),
    Fault("split-leak", search.split_leak, "NeuralVerification.jl 6b559ca", anything, PROBABILITIES, OF_SPLITS),
    Fault("stale-bounds", search.stale_bounds, "auto_LiRPA a050a3d", anything, PROBABILITIES, OF_SPLITS),
    Fault(
        "gave-up-is-verified",
        search.gave_up_is_verified,
        "Marabou #346, alpha-beta-CROWN 8ed285c",
        anything,
        misreads_status=True,
    ),
    Fault("nan-is-infeasible", bounds.nan_is_infeasible, "NNV #446, alpha-beta-CROWN #83", anything),
    Fault(
        "inward-tolerance",
        bounds.inward_tolerance,
        "nnenum fd07f2b",
        anything,
        (1.0, 0.3, 0.1, 1e-2, 1e-3, 1e-4, 1e-6, 1e-7),
        "tolerance",
    ),
)
"""All of them, in the order of what they break: specification, box, network, bounds, search, answer."""


def faulty_steps(words: str) -> Steps:
    """The steps with the fault `NAME`, or `NAME@STRENGTH`.

    Raises:
        InputError: there is no such fault, or not in that strength; the message lists those that there are.
    """
    return fault_of(words).steps(DEFAULT)


def fault_of(words: str) -> Fault:
    """The fault `NAME`, or with `NAME@STRENGTH` that fault in this strength alone.

    Raises:
        InputError: there is no such fault, or not in that strength; the message lists those that there are.
    """
    name, at, number = words.partition("@")
    fault = fault_named(name)
    if not at:
        return fault
    try:
        strength = float(number)
    except ValueError:
        raise InputError(f"fault {words}: {number!r} is no number; write it as {name}@{fault.strengths[0]}") from None
    fault.steps(DEFAULT, strength)  # or it has no such strength
    return replace(fault, strengths=(strength,))


def fault_named(name: str) -> Fault:
    """The fault of a name.

    Raises:
        InputError: there is none; the message lists all that there are.
    """
    for fault in FAULTS:
        if fault.name == name:
            return fault
    raise InputError(f"there is no fault {name!r}; there are {', '.join(fault.name for fault in FAULTS)}")


def faults_named(names: Sequence[str]) -> tuple[Fault, ...]:
    """The faults of these names (see `fault_of`), each once, or all of them if one of the names is `all`.

    Raises:
        InputError: there is no fault of a name, or not in a strength; the message lists those that there are.
    """
    chosen = {name: fault_of(name) for name in names if name != "all"}
    return FAULTS if "all" in names else tuple(chosen.values())
