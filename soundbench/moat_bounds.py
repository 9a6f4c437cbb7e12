"""Lower bounds of margins over whole boxes that can be differentiated, so that training can raise them.

Before each ReLU every element is enclosed by two linear functions of the box's points, carried forward layer by layer
(Xu et al. 2020, Automatic perturbation analysis, section 3.1); the margin is then carried back over the lines of CROWN
(Zhang et al. 2018). Rounding is not looked after: these bounds guide training, and `prove` has the last word. Its own
are mostly tighter, as it carries every layer back to the input.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from soundbench.pgd import Boxes

LINEAR = (nn.Linear, nn.Conv2d, nn.AvgPool2d, nn.Flatten)


def can_be_bounded(network: nn.Sequential) -> bool:
    """Whether ReLUs follow one another with linear layers before, between and after them, each group with weights."""
    groups = groups_of(network)
    weights = [[module for module in group if isinstance(module, nn.Linear | nn.Conv2d)] for group in groups]
    is_linear = all(type(module) in LINEAR for group in groups for module in group)
    return len(groups) > 1 and is_linear and all(group and all(m.bias is not None for m in group) for group in weights)


def groups_of(network: nn.Sequential) -> list[list[nn.Module]]:
    """The layers before, between and after the ReLUs."""
    groups: list[list[nn.Module]] = [[]]
    for module in network:
        if isinstance(module, nn.ReLU):
            groups.append([])
        else:
            groups[-1].append(module)
    return groups


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """What lies between two ReLUs: matrix @ values + shift, of shapes (outputs, inputs) and (outputs,)."""

    matrix: Tensor
    shift: Tensor


def dense_layers(network: nn.Sequential, input_shape: Sequence[int]) -> list[Dense]:
    """The linear maps between the ReLUs, differentiable in the weights; consecutive linear layers become one map."""
    layers, shape = [], tuple(input_shape)
    for group in groups_of(network):
        layer, shape = dense(group, shape)
        layers.append(layer)
    return layers


def dense(modules: Sequence[nn.Module], shape: tuple[int, ...]) -> tuple[Dense, tuple[int, ...]]:
    """Linear modules, one after the other, as one map of values of this shape, and the shape of what comes out."""
    if len(modules) == 1 and isinstance(modules[0], nn.Linear):
        return Dense(modules[0].weight, modules[0].bias), (modules[0].out_features,)
    size = math.prod(shape)
    device = next(parameter.device for module in modules for parameter in module.parameters())
    values = torch.cat([torch.zeros(1, size, device=device), torch.eye(size, device=device)]).reshape(-1, *shape)
    for module in modules:
        values = module(values)
    columns = values.flatten(1)
    return Dense((columns[1:] - columns[0]).T, columns[0]), tuple(values.shape[1:])


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """below * x <= relu(x) <= above * x + offset for x between the bounds of each neuron in each box: (neurons, boxes).

    No slope is negative.
    """

    below: Tensor
    above: Tensor
    offset: Tensor

    @classmethod
    def between(cls, lower: Tensor, upper: Tensor) -> "Lines":
        """The chord above; below, whichever of 0 and x leaves the smaller triangle."""
        active = (lower >= 0).to(lower.dtype)
        open_sign = (lower < 0) & (upper > 0)
        chord = torch.where(open_sign, upper / torch.where(open_sign, upper - lower, 1.0), active)
        below = torch.where(open_sign, (upper > -lower).to(lower.dtype), active)
        return cls(below, chord, torch.where(open_sign, -chord * lower, 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class Enclosure:
    """The elements of a tensor between linear functions of where a point lies in its box.

    A point is centre + half_width * t, t in [-1, 1]^inputs. The functions are middle - gap and middle + gap, both of
    shape (elements, boxes, inputs + 1): the coefficients of t, then a constant. Elements also lie between `lower` and
    `upper` (elements, boxes).
    """

    middle: Tensor
    gap: Tensor
    lower: Tensor
    upper: Tensor

    @classmethod
    def of_boxes(cls, boxes: Boxes) -> "Enclosure":
        """The points themselves."""
        centre, half_width = (boxes.lower + boxes.upper) / 2, (boxes.upper - boxes.lower) / 2
        middle = torch.cat([torch.diag_embed(half_width), centre[:, :, None]], dim=2).transpose(0, 1)
        return cls(middle, torch.zeros_like(middle), boxes.lower.T, boxes.upper.T)

    def through(self, layer: Dense) -> "Enclosure":
        """What the layer computes of the elements."""
        matrix, absolute = layer.matrix, layer.matrix.abs()
        middle = torch.tensordot(matrix, self.middle, 1)
        middle = torch.cat([middle[..., :-1], middle[..., -1:] + layer.shift[:, None, None]], dim=2)
        gap = torch.tensordot(absolute, self.gap, 1)
        centre = matrix @ ((self.lower + self.upper) / 2) + layer.shift[:, None]
        reach = absolute @ ((self.upper - self.lower) / 2)
        lower = torch.maximum(centre - reach, least(middle - gap))
        upper = torch.minimum(centre + reach, -least(-middle - gap))
        return Enclosure(middle, gap, lower, upper)

    def rectified(self, lines: Lines) -> "Enclosure":
        """The elements after a ReLU with these lines."""
        mean = ((lines.above + lines.below) / 2)[..., None]
        difference = ((lines.above - lines.below) / 2)[..., None]
        half = nn.functional.pad((lines.offset / 2)[..., None], (self.middle.shape[2] - 1, 0))
        middle = mean * self.middle + difference * self.gap + half
        gap = difference * self.middle + mean * self.gap + half
        return Enclosure(middle, gap, self.lower.relu(), self.upper.relu())


def least(functions: Tensor) -> Tensor:
    """The least values of linear functions (..., inputs + 1) on [-1, 1]^inputs: (...)."""
    return functions[..., -1] - functions[..., :-1].abs().sum(dim=-1)


def margin_bounds(network: nn.Sequential, input_shape: Sequence[int], boxes: Boxes, signs: Tensor) -> Tensor:
    """Lower bounds of the margin over whole boxes, (boxes,); `signs` (boxes,) are 1 for label 0 and -1 for label 1.

    The network is one that `can_be_bounded`.
    """
    layers = dense_layers(network, input_shape)
    *hidden, last = layers
    values, relaxed = Enclosure.of_boxes(boxes), []
    for layer in hidden:
        before = values.through(layer)
        lines = Lines.between(before.lower, before.upper)
        relaxed.append(lines)
        values = before.rectified(lines)
    rows = signs[:, None] * (last.matrix[0] - last.matrix[1])
    constant = signs * (last.shift[0] - last.shift[1])
    for layer, lines in zip(reversed(hidden), reversed(relaxed), strict=True):
        positive, negative = rows.clamp(min=0), rows.clamp(max=0)
        constant = constant + (negative * lines.offset.T).sum(dim=1)
        rows = positive * lines.below.T + negative * lines.above.T
        constant = constant + rows @ layer.shift
        rows = rows @ layer.matrix
    centre, half_width = (boxes.lower + boxes.upper) / 2, (boxes.upper - boxes.lower) / 2
    return (rows * centre).sum(dim=1) - (rows.abs() * half_width).sum(dim=1) + constant
