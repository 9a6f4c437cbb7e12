"""How is an operator misread? Its parser is given other attributes, or other constants, than the file has.

A window that looks elsewhere would often change the size of an image, which any reader would notice. So the output
keeps its true size, as where only the bounds of an operator are wrong: what is missing counts as zero, what is too much
is cut off.

A verifier that misreads a network also looks for counterexamples in what it has read. So its faults show in two ways:
it says verified of what is violated, or falsified, with a point that is no counterexample. A tool that runs the network
itself before it answers would not say the latter.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from ..network import Dense, dense
from ..operators import Lowered, Operation, Parser, Placed, Shape, Value
from ..steps import Steps

Attributes = Mapping[str, Any]
Inputs = tuple[Value | None, ...]
Reading = Callable[[Operation, Inputs], tuple[Operation, Inputs]]


def parsing(steps: Steps, parsers: Mapping[str, Callable[[Parser], Parser]]) -> Steps:
    """The steps with some parsers replaced by what is made of them."""
    changed = {name: make(steps.parsers[name]) for name, make in parsers.items()}
    return replace(steps, parsers={**steps.parsers, **changed})


def misread(read: Reading) -> Callable[[Parser], Parser]:
    """What makes of a parser one that takes an operation and its inputs for others."""

    def make(parser: Parser) -> Parser:
        def parse(operation: Operation, inputs: Inputs) -> Placed | tuple[Placed, ...]:
            true, other = parser(operation, inputs), parser(*read(operation, inputs))
            if isinstance(true, Lowered) and isinstance(other, Lowered):
                return _in_shape(other, true.shape)
            return other

        return parse

    return make


def with_attributes(change: Callable[[Attributes], Attributes]) -> Callable[[Parser], Parser]:
    """What makes of a parser one that takes attributes for others."""
    return misread(lambda operation, inputs: (replace(operation, attributes=change(operation.attributes)), inputs))


def without(*names: str) -> Callable[[Parser], Parser]:
    """What makes of a parser one that takes attributes of these names for their defaults."""
    return with_attributes(lambda known: {name: value for name, value in known.items() if name not in names})


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
