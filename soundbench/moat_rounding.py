"""How far float32 rounding may move the margin at planted points, to first order, so that training can keep it small.

Each layer's own roundings (Higham 2002, section 3.1) are carried to the margin by its actual slope. Rounding of the
slopes themselves, of averages and of attention is left out, and a network of sigmoids is rounded a few times as much as
the one of tanh that is trained in its place. This guides training; `certificate` has the last word.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from soundbench.step_errors import ACTIVATION_ERROR, UNIT
from soundbench.training import Problem

# Of n numbers of like size, summed one after the other, each goes through half of the partial sums on average.
ORDER_SHARE = 0.5


def rounding_of_margins(network: nn.Module, problem: Problem) -> tuple[Tensor, Tensor]:
    """The margins at the planted points, and how far rounding may move each: (armed,) both, differentiable."""
    seen: list[tuple[nn.Module, Tensor, Tensor]] = []
    hooks = [
        module.register_forward_hook(lambda module, inputs, output: seen.append((module, inputs[0], output)))
        for module in network.modules()
        if isinstance(module, nn.Linear | nn.Conv2d | nn.Tanh | nn.Sigmoid)
    ]
    try:
        margins = problem.margins(network)(problem.witnesses, torch.arange(problem.armed, device=problem.device))
    finally:
        for hook in hooks:
            hook.remove()
    slopes = torch.autograd.grad(margins.sum(), [output for _, _, output in seen], create_graph=True)
    parts = [
        (slope.abs() * own_rounding(module, values)).reshape(problem.armed, -1).sum(dim=1)
        for (module, values, _), slope in zip(seen, slopes, strict=True)
    ]
    return margins, torch.stack(parts).sum(dim=0)


def own_rounding(module: nn.Module, values: Tensor) -> Tensor | float:
    """What a layer's roundings add to its outputs, given the values that enter."""
    if not isinstance(module, nn.Linear | nn.Conv2d):
        return ACTIVATION_ERROR
    weight, bias = module.weight.abs(), None if module.bias is None else module.bias.abs()
    if isinstance(module, nn.Linear):
        total = functional.linear(values.abs(), weight, bias)
    else:
        total = functional.conv2d(
            values.abs(), weight, bias, module.stride, module.padding, module.dilation, module.groups
        )
    return ORDER_SHARE * weight[0].numel() * UNIT * total
