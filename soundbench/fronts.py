"""The fronts that recipes can name."""

from collections.abc import Mapping

from soundbench import convolution_fronts, curve_fronts, dense_fronts, pool_fronts, shape_fronts
from soundbench.front import Draw

# Those for images, an input_shape of (channels, rows, columns), and those for any input.
IMAGE_FRONTS: Mapping[str, Draw] = {
    draw.__name__: draw
    for draw in (
        convolution_fronts.conv_strided,
        convolution_fronts.conv_asymmetric_pads,
        convolution_fronts.conv_dilated,
        convolution_fronts.conv_grouped,
        convolution_fronts.conv_transposed,
        convolution_fronts.batchnorm_negative,
        shape_fronts.transposed,
    )
}
FRONTS: Mapping[str, Draw] = {
    **IMAGE_FRONTS,
    **{
        draw.__name__: draw
        for draw in (
            dense_fronts.gemm,
            dense_fronts.matmul_add,
            dense_fronts.residual,
            dense_fronts.centred,
            dense_fronts.normalised,
            shape_fronts.reshaped,
            shape_fronts.gathered,
            pool_fronts.avgpool_overlapping,
            pool_fronts.avgpool_counted,
            pool_fronts.maxpool_padded,
            pool_fronts.maxpool_competing,
            pool_fronts.reduced,
            curve_fronts.leaky,
            curve_fronts.signed,
            curve_fronts.clipped,
            curve_fronts.squashed,
            curve_fronts.powered,
            curve_fronts.attention,
            curve_fronts.overflowing,
        )
    },
}
