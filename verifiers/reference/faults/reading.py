"""Faults in reading a network: attributes taken for others, operators skipped, axes mixed up.

A window that looks elsewhere would often change the size of an image, which any reader would notice. So the output
keeps its true size, as where only the bounds of an operator are wrong: what is missing counts as zero, what is too much
is cut off.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from ..network import Dense, dense
from ..operators import Lowered, Operation, Parser, Placed, Shape, Tensor, Value
from ..steps import Steps

Attributes = Mapping[str, Any]


def _parsing(steps: Steps, parsers: Mapping[str, Callable[[Parser], Parser]]) -> Steps:
    """The steps with some parsers replaced by what is made of them."""
    changed = {name: make(steps.parsers[name]) for name, make in parsers.items()}
    return replace(steps, parsers={**steps.parsers, **changed})


def _misread(parser: Parser, change: Callable[[Operation], Attributes]) -> Parser:
    """The parser of an operator some of whose attributes are taken for others."""

    def parse(operation: Operation, inputs: tuple[Value | None, ...]) -> Placed | tuple[Placed, ...]:
        true = parser(operation, inputs)
        other = parser(replace(operation, attributes=change(operation)), inputs)
        if isinstance(true, Lowered) and isinstance(other, Lowered):
            return _in_shape(other, true.shape)
        return other

    return parse


def _in_shape(lowered: Lowered, shape: Shape) -> Lowered:
    """An operator whose output is given another shape: as it is where the size fits, else cut off or filled up."""
    node = lowered.node
    if prod(lowered.shape) == prod(shape):
        return replace(lowered, shape=shape)
    if not isinstance(node, Dense) or len(lowered.shape) != len(shape):
        raise ValueError(f"an output of shape {lowered.shape} for one of shape {shape}")
    common = tuple(slice(0, min(sizes)) for sizes in zip(lowered.shape, shape, strict=True))
    weight, bias = np.zeros((*shape, node.weight.shape[1])), np.zeros(shape)
    weight[common] = node.weight.reshape(*lowered.shape, -1)[common]
    bias[common] = node.bias.reshape(lowered.shape)[common]
    return Lowered(dense(node.source, weight.reshape(prod(shape), -1), bias.ravel()), shape)


def average_pool_stride_is_kernel(steps: Steps, _strength: float) -> Steps:
    """The windows of an average pool lie side by side, whatever its strides."""

    def side_by_side(operation: Operation) -> Attributes:
        return {**operation.attributes, "strides": operation.attributes.get("kernel_shape", ())}

    return _parsing(steps, {"AveragePool": lambda parser: _misread(parser, side_by_side)})


def padding_side(steps: Steps, _strength: float) -> Steps:
    """What is padded at the begin and at the end of an axis is swapped."""

    def swapped(operation: Operation) -> Attributes:
        pads = operation.attributes.get("pads", (0, 0, 0, 0))
        return {**operation.attributes, "pads": (*pads[2:], *pads[:2])}

    windows = ("AveragePool", "Conv", "ConvTranspose", "MaxPool")
    return _parsing(steps, dict.fromkeys(windows, lambda parser: _misread(parser, swapped)))


def leaky_slope_default(steps: Steps, _strength: float) -> Steps:
    """The slope of a LeakyRelu is taken for 0.01, whatever it says."""
    return _parsing(steps, {"LeakyRelu": lambda parser: _misread(parser, _without("alpha"))})


def permutation_default(steps: Steps, _strength: float) -> Steps:
    """A Transpose turns all axes round, whatever its permutation."""
    return _parsing(steps, {"Transpose": lambda parser: _misread(parser, _without("perm"))})


def _without(attribute: str) -> Callable[[Operation], Attributes]:
    def default(operation: Operation) -> Attributes:
        return {name: value for name, value in operation.attributes.items() if name != attribute}

    return default


def dilation_of_height(steps: Steps, _strength: float) -> Steps:
    """A convolution's dilation of the height is taken for that of the width."""

    def square(operation: Operation) -> Attributes:
        dilations = operation.attributes.get("dilations", (1, 1))
        return {**operation.attributes, "dilations": (dilations[0], dilations[0])}

    return _parsing(steps, {"Conv": lambda parser: _misread(parser, square)})


def softmax_dropped(steps: Steps, _strength: float) -> Steps:
    """A softmax is left out, as if it changed nothing but the scale."""

    def dropping(parser: Parser) -> Parser:
        def parse(operation: Operation, inputs: tuple[Value | None, ...]) -> Placed | tuple[Placed, ...]:
            parser(operation, inputs)
            return next(each for each in inputs if isinstance(each, Tensor))

        return parse

    return _parsing(steps, {"Softmax": dropping})


def normalisation_dropped(steps: Steps, _strength: float) -> Steps:
    """A constant that is taken from the network's input, or divides it, is left out."""

    def dropping(parser: Parser) -> Parser:
        def parse(operation: Operation, inputs: tuple[Value | None, ...]) -> Placed | tuple[Placed, ...]:
            first, *others = inputs
            is_first = isinstance(first, Tensor) and first.index == 0
            if is_first and not any(isinstance(each, Tensor) for each in others):
                return first  # type: ignore[return-value]  # it is a tensor
            return parser(operation, inputs)

        return parse

    return _parsing(steps, {"Sub": dropping, "Div": dropping})
