"""How a trained network is written: torch layers as ONNX nodes, one function a kind of layer.

Initializers carry the names of the network's `state_dict`, those of token layers transposed. Batch normalisation is
written as in inference.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor, nn

from soundbench.architecture import INPUT
from soundbench.export import checked, model_of
from soundbench.networks import Attention, ClassTokens, Residual, TokenLinear, TokenMean, TokenNorm, Tokens

if TYPE_CHECKING:
    import onnx


# What a batch normalisation reads, in ONNX's order.
NORM_PARTS = ("weight", "bias", "running_mean", "running_var")


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A piece of a network: its nodes, its initializers, and the tensor that holds its result."""

    nodes: "tuple[onnx.NodeProto, ...]"
    weights: "tuple[onnx.TensorProto, ...]"
    output: str

    def then(self, *parts: "Part") -> "Part":
        """This piece followed by others; the last one's result is the result."""
        every = (self, *parts)
        nodes = tuple(node for part in every for node in part.nodes)
        return Part(nodes, tuple(weight for part in every for weight in part.weights), every[-1].output)


def module_to_onnx(network: nn.Sequential, input_shape: Sequence[int], outputs: int) -> "onnx.ModelProto":
    """An ONNX model of a network in inference, checked by the ONNX checker.

    The input is `x` of shape (1, *input_shape).
    """
    part = write(network, "", INPUT)
    return checked(model_of(part.nodes, part.weights, input_shape, part.output, (1, outputs)))


def write(module: nn.Module, name: str, source: str) -> Part:
    """The nodes of a module that reads tensor `source`; `name` is its place in the network."""
    return WRITERS[type(module)](module, name, source)


def node(operator: str, output: str, inputs: Sequence[str], weights: Mapping[str, Any], **attributes: Any) -> Part:  # noqa: ANN401 (whatever an ONNX attribute can be)
    """One node whose initializers, torch or numpy arrays by name, are read after `inputs`."""
    from onnx import helper, numpy_helper

    tensors = tuple(numpy_helper.from_array(as_array(value), label) for label, value in weights.items())
    made = helper.make_node(operator, [*inputs, *weights], [output], name=f"{output}/{operator}", **attributes)
    return Part((made,), tensors, output)


def as_array(value: Tensor | np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A torch tensor, or an array, as a contiguous array."""
    plain = value.detach().cpu().numpy() if isinstance(value, Tensor) else value
    return np.ascontiguousarray(plain)


def sequential(module: nn.Sequential, name: str, source: str) -> Part:
    """Layer after layer."""
    parts = Part((), (), source)
    for key, layer in module.named_children():
        parts = parts.then(write(layer, f"{name}.{key}" if name else key, parts.output))
    return parts


def linear(module: nn.Linear, name: str, source: str) -> Part:
    """A dense layer on flat values."""
    weights = {f"{name}.weight": module.weight, f"{name}.bias": module.bias}
    return node("Gemm", name, [source], weights, transB=1)


def conv2d(module: nn.Conv2d, name: str, source: str) -> Part:
    """A convolution."""
    weights = {f"{name}.weight": module.weight, f"{name}.bias": module.bias}
    pads = [int(size) for size in module.padding] * 2
    return node("Conv", name, [source], weights, kernel_shape=module.kernel_size, strides=module.stride, pads=pads)


def average_pool(module: nn.AvgPool2d, name: str, source: str) -> Part:
    """An average over square windows; the padding counts."""
    sizes = {key: [getattr(module, key)] * 2 for key in ("kernel_size", "stride")}
    attributes = {"kernel_shape": sizes["kernel_size"], "strides": sizes["stride"], "pads": [module.padding] * 4}
    return node("AveragePool", name, [source], {}, **attributes, count_include_pad=1)


def flatten(_module: nn.Flatten, name: str, source: str) -> Part:
    """Everything but the batch axis in one row."""
    return node("Flatten", name, [source], {}, axis=1)


def elementwise(operator: str) -> Callable[[nn.Module, str, str], Part]:
    """An operator without weights or attributes."""
    return lambda _module, name, source: node(operator, name, [source], {})


def residual(module: Residual, name: str, source: str) -> Part:
    """The input plus what the body makes of it."""
    body = write(module.body, f"{name}.body", source)
    return body.then(node("Add", name, [source, body.output], {}))


def tokens(module: Tokens, name: str, source: str) -> Part:
    """Cells of an image as rows, plus their positions."""
    cells, channels = module.position.shape
    shaped = reshape(f"{name}.flat", source, (1, channels, cells))
    turned = node("Transpose", f"{name}.cells", [shaped.output], {}, perm=[0, 2, 1])
    return shaped.then(turned, node("Add", name, [turned.output], {f"{name}.position": module.position}))


def class_tokens(module: ClassTokens, name: str, source: str) -> Part:
    """The class token, then cells of an image as rows, plus their positions."""
    from onnx import helper, numpy_helper

    rows, channels = module.position.shape
    shaped = reshape(f"{name}.flat", source, (1, channels, rows - 1))
    turned = node("Transpose", f"{name}.cells", [shaped.output], {}, perm=[0, 2, 1])
    token = numpy_helper.from_array(as_array(module.token), f"{name}.token")
    operands, output = [token.name, turned.output], f"{name}.joined"
    joined = Part((helper.make_node("Concat", operands, [output], name=f"{output}/Concat", axis=1),), (token,), output)
    return shaped.then(turned, joined, node("Add", name, [joined.output], {f"{name}.position": module.position}))


def normalization(module: nn.BatchNorm1d, name: str, source: str) -> Part:
    """Batch normalisation of rows."""
    weights = {f"{name}.{part}": getattr(module, part) for part in NORM_PARTS}
    return node("BatchNormalization", name, [source], weights, epsilon=module.eps)


def token_norm(module: TokenNorm, name: str, source: str) -> Part:
    """Batch normalisation, for which ONNX wants the channels second."""
    weights = {f"{name}.{part}": getattr(module, part) for part in NORM_PARTS}
    turned = node("Transpose", f"{name}.channels", [source], {}, perm=[0, 2, 1])
    normal = node("BatchNormalization", f"{name}.normal", [turned.output], weights, epsilon=module.eps)
    return turned.then(normal, node("Transpose", name, [normal.output], {}, perm=[0, 2, 1]))


def attention(module: Attention, name: str, source: str) -> Part:
    """Multi-head self-attention."""
    cells, channels, heads = module.cells, module.out.in_features, module.heads

    def head_of(key: str, order: Sequence[int]) -> Part:
        made = token_linear(getattr(module, key), f"{name}.{key}", source)
        split = reshape(f"{made.output}.heads", made.output, (1, cells, heads, channels // heads))
        return made.then(split, node("Transpose", f"{made.output}.turned", [split.output], {}, perm=order))

    query, key, value = head_of("query", [0, 2, 1, 3]), head_of("key", [0, 2, 3, 1]), head_of("value", [0, 2, 1, 3])
    scores = node("MatMul", f"{name}.scores", [query.output, key.output], {})
    scaled = node("Mul", f"{name}.scaled", [scores.output], {f"{name}.scale": np.array(module.scale, np.float32)})
    weights = node("Softmax", f"{name}.weights", [scaled.output], {}, axis=-1)
    mixed = node("MatMul", f"{name}.mixed", [weights.output, value.output], {})
    turned = node("Transpose", f"{name}.turned", [mixed.output], {}, perm=[0, 2, 1, 3])
    joined = reshape(f"{name}.joined", turned.output, (1, cells, channels))
    out = token_linear(module.out, f"{name}.out", joined.output)
    return query.then(key, value, scores, scaled, weights, mixed, turned, joined, out)


def token_linear(module: TokenLinear, name: str, source: str) -> Part:
    """A dense layer on the last axis, as MatMul and Add."""
    product = node("MatMul", f"{name}.product", [source], {f"{name}.weight": module.weight.T})
    return product.then(node("Add", name, [product.output], {f"{name}.bias": module.bias}))


def token_mean(_module: TokenMean, name: str, source: str) -> Part:
    """The mean over the tokens."""
    return node("ReduceMean", name, [source], {}, axes=[1], keepdims=0)


def reshape(name: str, source: str, shape: Sequence[int]) -> Part:
    """Another shape for the same values."""
    return node("Reshape", name, [source], {f"{name}.shape": np.array(shape, np.int64)})


Writer = Callable[[Any, str, str], Part]

WRITERS: Mapping[type[nn.Module], Writer] = {
    Attention: attention,
    ClassTokens: class_tokens,
    Residual: residual,
    TokenLinear: token_linear,
    TokenMean: token_mean,
    TokenNorm: token_norm,
    Tokens: tokens,
    nn.AvgPool2d: average_pool,
    nn.BatchNorm1d: normalization,
    nn.Conv2d: conv2d,
    nn.Flatten: flatten,
    nn.Linear: linear,
    nn.ReLU: elementwise("Relu"),
    nn.Sequential: sequential,
    nn.Sigmoid: elementwise("Sigmoid"),
    nn.Tanh: elementwise("Tanh"),
}
