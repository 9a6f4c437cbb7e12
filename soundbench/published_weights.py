"""How do published weights become a network again? They are one flat list, tensor after tensor in the order of names.

The dataset of SoundnessBench names an architecture and lists all that its torch network has (`state_dict`), sorted by
the names there. So those names have to be known: for the convolutional networks they are ours, for the others not.
"""

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from soundbench.errors import InputError
from soundbench.networks import ARCHITECTURES, DEPTH, build_network, vit_as_published
from soundbench.static_network import LARGEST_INPUT

# `synthetic_cnn_1_conv_ch3_eps0.2` is the architecture `cnn_1_conv`.
MODEL_NAME = re.compile(r"(?P<prefix>synthetic_)?(?P<architecture>.+?)(_ch[0-9]+)?(_eps[0-9.]+)?")


def published_network(model_name: str, input_shape: Sequence[int], weights: NDArray[Any]) -> nn.Sequential:
    """The network of that name with the published weights, for inference.

    Args:
        model_name: Such as `synthetic_cnn_1_conv_ch3`; without `synthetic_`, one of our own architectures.
        input_shape: Of one input, with a batch axis of 1 or not.
        weights: All numbers of the network, flat, in the order of the names that they are published under.

    Raises:
        InputError: there is no such architecture, or the weights do not fit it.
    """
    architecture, is_published = _parts(model_name)
    shape = one_input(model_name, input_shape)
    if math.prod(shape) > LARGEST_INPUT:
        raise InputError(f"model {model_name!r}: an input of shape {shape} is too large; get it again")
    with torch.device("meta"):  # which takes no memory
        _demand_fit(_empty(architecture, shape, is_published=is_published), model_name, weights)
    network = _empty(architecture, shape, is_published=is_published)
    _fill(network, _published_names(architecture) if is_published else {}, model_name, weights)
    return network.eval()


def one_input(model_name: str, input_shape: Sequence[int]) -> tuple[int, ...]:
    """The shape of one input, without a batch axis of 1.

    Raises:
        InputError: there is no such architecture.
    """
    axes = 1 if _parts(model_name)[0].startswith("mlp") else 3
    shape = tuple(int(size) for size in input_shape)
    return shape[1:] if len(shape) == axes + 1 and shape[0] == 1 else shape


def _parts(model_name: str) -> tuple[str, bool]:
    """The architecture that a model is of, and whether it has the published names."""
    match = MODEL_NAME.fullmatch(model_name)
    if match is None or match["architecture"] not in ARCHITECTURES:
        raise InputError(f"model {model_name!r}: unknown architecture; known: {', '.join(ARCHITECTURES)}")
    return match["architecture"], match["prefix"] is not None


def _empty(architecture: str, shape: tuple[int, ...], *, is_published: bool) -> nn.Sequential:
    network = build_network(architecture, shape, 0)  # refuses shapes that the architecture cannot have
    return vit_as_published(shape) if architecture == "vit" and is_published else network


def _demand_fit(network: nn.Sequential, model_name: str, weights: NDArray[Any]) -> None:
    """Refuse weights that are not as many as the network's."""
    needed = sum(tensor.numel() for tensor in network.state_dict().values())
    if weights.ndim != 1 or weights.size != needed:
        raise InputError(f"model {model_name!r}: has {needed:,} numbers, but {weights.size:,} are given; get it again")


def _fill(network: nn.Sequential, names: Mapping[str, str], model_name: str, weights: NDArray[Any]) -> None:
    """Put the weights into the network; `names` are the published ones of modules that have others here."""
    state = network.state_dict()
    published = {_renamed(key, names): tensor for key, tensor in state.items()}
    if not np.isfinite(weights).all():
        raise InputError(f"model {model_name!r}: some of its weights are not finite; get it again")
    ends = list(itertools.accumulate(published[key].numel() for key in sorted(published)))
    for key, end in zip(sorted(published), ends, strict=True):
        tensor = published[key]
        part = np.array(weights[end - tensor.numel() : end], dtype=np.float32)
        tensor.copy_(torch.from_numpy(part).reshape(tensor.shape))


def _renamed(key: str, names: Mapping[str, str]) -> str:
    """The published name of a tensor: that of the outermost module that has another name, and the rest."""
    parts = key.split(".")
    for length in range(len(parts), 0, -1):
        module = ".".join(parts[:length])
        if module in names:
            return ".".join((names[module], *parts[length:]))
    return key


def _published_names(architecture: str) -> Mapping[str, str]:
    """The published names of our modules and tensors, where they differ."""
    if architecture.startswith("mlp"):
        return {str(2 * place): f"fc{place + 1}" for place in range(7)}
    if architecture != "vit":
        return {}
    names = {"0": "0.projection", "1.token": "0.cls_token", "1.position": "0.positions"}
    for block in range(DEPTH):
        attention, mlp = f"{2 + 2 * block}.body", f"{3 + 2 * block}.body"
        names |= {
            f"{attention}.0": f"1.{block}.0.fn.0.norm",
            f"{attention}.1": f"1.{block}.0.fn.1",
            f"{mlp}.0": f"1.{block}.1.fn.0.norm",
            f"{mlp}.1": f"1.{block}.1.fn.1.0",
            f"{mlp}.3": f"1.{block}.1.fn.1.3",
        }
    return names | {f"{3 + 2 * DEPTH}": "2.1", f"{4 + 2 * DEPTH}": "2.2"}
