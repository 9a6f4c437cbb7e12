"""Faults in reading attributes: taken for their defaults, or for those of another axis. See `parsing`."""

from ..steps import Steps
from .fault import Fault
from .parsing import Attributes, parsing, with_attributes, without


def average_pool_stride_is_kernel(steps: Steps, _strength: float) -> Steps:
    """The windows of an average pool lie side by side, whatever its strides."""

    def side_by_side(known: Attributes) -> Attributes:
        return {**known, "strides": known.get("kernel_shape", ())}

    return parsing(steps, {"AveragePool": with_attributes(side_by_side)})


def padding_side(steps: Steps, _strength: float) -> Steps:
    """What is padded at the begin and at the end of an axis is swapped."""

    def swapped(known: Attributes) -> Attributes:
        pads = known.get("pads", (0, 0, 0, 0))
        return {**known, "pads": (*pads[2:], *pads[:2])}

    windows = ("AveragePool", "Conv", "ConvTranspose", "MaxPool")
    return parsing(steps, dict.fromkeys(windows, with_attributes(swapped)))


def padding_dropped(steps: Steps, _strength: float) -> Steps:
    """The padding before a pool's image is left out, so that the first window lies at the first cell."""

    def dropped(known: Attributes) -> Attributes:
        top, left, bottom, right = known.get("pads", (0, 0, 0, 0))
        return {**known, "pads": (0, 0, top + bottom, left + right)}

    return parsing(steps, dict.fromkeys(("AveragePool", "MaxPool"), with_attributes(dropped)))


def padding_not_counted(steps: Steps, _strength: float) -> Steps:
    """The padding of an average pool does not count, whatever it says."""
    return parsing(steps, {"AveragePool": without("count_include_pad")})


def dilation_of_height(steps: Steps, _strength: float) -> Steps:
    """A convolution's dilation of the height is taken for that of the width."""

    def square(known: Attributes) -> Attributes:
        height, _ = known.get("dilations", (1, 1))
        return {**known, "dilations": (height, height)}

    return parsing(steps, {"Conv": with_attributes(square)})


def leaky_slope_default(steps: Steps, _strength: float) -> Steps:
    """The slope of a LeakyRelu is taken for 0.01, whatever it says."""
    return parsing(steps, {"LeakyRelu": without("alpha")})


def permutation_default(steps: Steps, _strength: float) -> Steps:
    """A Transpose turns all axes round, whatever its permutation."""
    return parsing(steps, {"Transpose": without("perm")})


def factors_of_gemm(steps: Steps, _strength: float) -> Steps:
    """The factors alpha and beta of a Gemm are taken for 1."""
    return parsing(steps, {"Gemm": without("alpha", "beta")})


FAULTS = (
    Fault("avgpool-stride-is-kernel", average_pool_stride_is_kernel, "auto_LiRPA 77e3c2b"),
    Fault("padding-side", padding_side, "Marabou #554"),
    Fault("pool-padding-dropped", padding_dropped, "auto_LiRPA a050a3d, Marabou #614"),
    Fault("padding-not-counted", padding_not_counted, "Marabou #629"),
    Fault("dilation-of-height", dilation_of_height, "auto_LiRPA 77e3c2b"),
    Fault("leaky-slope-default", leaky_slope_default, "Marabou #742"),
    Fault("perm-default", permutation_default, "Marabou #858"),
    Fault("gemm-factors-default", factors_of_gemm, "Marabou #242"),
)
