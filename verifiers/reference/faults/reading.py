"""Faults in reading operators: skipped, taken for others, their cells or constants mixed up. See `parsing`."""

from dataclasses import replace
from math import prod

import numpy as np

from ..backward import scattered
from ..network import Dense, Maximum, Node, Select, dense
from ..operators import Constant, Lowered, Operation, Parser, Placed, Tensor
from ..steps import Steps
from .fault import Fault
from .parsing import Inputs, misread, parsing


def normalisation_dropped(steps: Steps, _strength: float) -> Steps:
    """A constant that is taken from the network's input, or divides it, is left out."""

    def dropping(parser: Parser) -> Parser:
        def parse(operation: Operation, inputs: Inputs) -> Placed | tuple[Placed, ...]:
            first, *others = inputs
            if isinstance(first, Tensor) and first.index == 0 and not any(isinstance(each, Tensor) for each in others):
                return first
            return parser(operation, inputs)

        return parse

    return parsing(steps, {"Sub": dropping, "Div": dropping})


def difference_is_sum(steps: Steps, _strength: float) -> Steps:
    """A constant that is to be taken from a tensor is added to it."""

    def negated(operation: Operation, inputs: Inputs) -> tuple[Operation, Inputs]:
        tensor, constant = inputs
        return operation, (tensor, Constant(-constant.array) if isinstance(constant, Constant) else constant)

    return parsing(steps, {"Sub": misread(negated)})


def softmax_dropped(steps: Steps, _strength: float) -> Steps:
    """A softmax is left out, as if it changed nothing but the scale."""

    def dropping(parser: Parser) -> Parser:
        def parse(operation: Operation, inputs: Inputs) -> Placed | tuple[Placed, ...]:
            parser(operation, inputs)
            return next(each for each in inputs if isinstance(each, Tensor))

        return parse

    return parsing(steps, {"Softmax": dropping})


def sigmoid_is_sign(steps: Steps, _strength: float) -> Steps:
    """A sigmoid is taken for the sign."""
    return parsing(steps, {"Sigmoid": lambda _: steps.parsers["Sign"]})


def mean_is_sum(steps: Steps, _strength: float) -> Steps:
    """A mean is taken for the sum."""
    return parsing(steps, {"ReduceMean": lambda _: steps.parsers["ReduceSum"]})


def step_of_slice(steps: Steps, _strength: float) -> Steps:
    """A slice of a row takes neighbouring cells, as many as it should, whatever its step."""

    def neighbouring(parser: Parser) -> Parser:
        def parse(operation: Operation, inputs: Inputs) -> Placed | tuple[Placed, ...]:
            true, image = parser(operation, inputs), inputs[0]
            if not (isinstance(true, Lowered) and isinstance(true.node, Select) and isinstance(image, Tensor)):
                return true
            is_row = prod(image.shape) == image.shape[-1]
            order = true.node.order[0] + np.arange(len(true.node.order)) if is_row else true.node.order
            return replace(true, node=replace(true.node, order=order))

        return parse

    return parsing(steps, {"Slice": neighbouring})


def minimum_of_clip(steps: Steps, _strength: float) -> Steps:
    """Clip cuts nothing off from below."""

    def open_below(operation: Operation, inputs: Inputs) -> tuple[Operation, Inputs]:
        return operation, (*inputs[:1], None, *inputs[2:])

    return parsing(steps, {"Clip": misread(open_below)})


def groups_of_convolution(steps: Steps, _strength: float) -> Steps:
    """All outputs of a convolution in groups read the channels of the first group."""

    def first_group(operation: Operation, inputs: Inputs) -> tuple[Operation, Inputs]:
        image, kernel, *others = inputs
        groups = operation.attributes.get("group", 1)
        if not isinstance(kernel, Constant) or groups == 1:
            return operation, inputs
        outputs, channels, *window = kernel.array.shape
        unread = np.zeros((outputs, (groups - 1) * channels, *window))
        whole = Constant(np.concatenate([kernel.array, unread], axis=1))
        return replace(operation, attributes={**operation.attributes, "group": 1}), (image, whole, *others)

    return parsing(steps, {"Conv": misread(first_group)})


def square_image(steps: Steps, _strength: float) -> Steps:
    """The cells of a convolution's image are looked for as if it were as wide as it is high."""

    def squaring(parser: Parser) -> Parser:
        def parse(operation: Operation, inputs: Inputs) -> Placed | tuple[Placed, ...]:
            true, image = parser(operation, inputs), inputs[0]
            if not (isinstance(true, Lowered) and isinstance(true.node, Dense) and isinstance(image, Tensor)):
                return true
            _, channels, height, width = image.shape
            channel, row, column = np.indices((channels, height, width)).reshape(3, -1)
            places = channel * height * width + (row * height + column) % (height * width)
            weight = scattered(true.node.weight, places, len(places))
            return replace(true, node=dense(true.node.source, weight, true.node.bias))

        return parse

    return parsing(steps, {"Conv": squaring})


def max_pool_channels_last(steps: Steps, _strength: float) -> Steps:
    """The cells of a max pool's image are looked for as if channels came last."""

    def turning(parser: Parser) -> Parser:
        def parse(operation: Operation, inputs: Inputs) -> Placed | tuple[Placed, ...]:
            true, image = parser(operation, inputs), inputs[0]
            if not (isinstance(true, Lowered) and isinstance(true.node, Maximum) and isinstance(image, Tensor)):
                return true
            _, channels, height, width = image.shape
            places = np.arange(prod(image.shape)).reshape(height, width, channels).transpose(2, 0, 1).ravel()
            return replace(true, node=replace(true.node, groups=places[true.node.groups]))

        return parse

    return parsing(steps, {"MaxPool": turning})


def max_pool_padded_with_zeros(steps: Steps, _strength: float) -> Steps:
    """The padding of a max pool counts as zeros."""

    def padding(parser: Parser) -> Parser:
        def parse(operation: Operation, inputs: Inputs) -> Placed | tuple[Placed, ...]:
            true, image, pads = parser(operation, inputs), inputs[0], operation.attributes.get("pads", (0, 0, 0, 0))
            if not any(pads) or not isinstance(image, Tensor):
                return true
            cells = np.arange(prod(image.shape)).reshape(image.shape)
            places = np.pad(cells, [(0, 0), (0, 0), *zip(pads[:2], pads[2:], strict=True)], constant_values=-1)
            weight = np.where(places.reshape(-1, 1) == cells.ravel(), 1.0, 0.0)
            pool = parser(_unpadded(operation), (Tensor(image.index, places.shape),))
            return _after(dense(image.index, weight, np.zeros(len(weight))), pool)

        return parse

    return parsing(steps, {"MaxPool": padding})


def _after(before: Node, placed: Placed | tuple[Placed, ...]) -> Placed | tuple[Placed, ...]:
    """A pool that reads what another node makes of its image."""
    if not isinstance(placed, Lowered) or not isinstance(placed.node, Maximum):
        return placed
    pool = placed.node
    return Lowered(before, placed.shape, (lambda source: replace(pool, source=source),))


def _unpadded(operation: Operation) -> Operation:
    return replace(
        operation, attributes={name: value for name, value in operation.attributes.items() if name != "pads"}
    )


FAULTS = (
    Fault("normalisation-dropped", normalisation_dropped, "NNV #362"),
    Fault("difference-is-sum", difference_is_sum, "maraboupy 2.0.0, subEquations"),
    Fault("softmax-monotone", softmax_dropped, "ERAN #42"),
    Fault("sigmoid-is-sign", sigmoid_is_sign, "Marabou #733"),
    Fault("mean-is-sum", mean_is_sum, ""),
    Fault("slice-step-ignored", step_of_slice, ""),
    Fault("clip-minimum-lost", minimum_of_clip, ""),
    Fault("groups-ignored", groups_of_convolution, "Marabou #629"),
    Fault("square-image", square_image, "auto_LiRPA 77e3c2b"),
    Fault("maxpool-channels-last", max_pool_channels_last, "ERAN e49a857"),
    Fault("maxpool-padded-with-zeros", max_pool_padded_with_zeros, ""),
)
