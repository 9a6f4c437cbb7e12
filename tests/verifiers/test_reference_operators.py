"""Every operator, shape and attribute: the lowered network is ONNX Runtime's, and bounds contain what it computes."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import numpy_helper
from reference_networks import Layer, model_of, read, run
from soundbench.verifiers.reference.bounding import bound_constraints, relax
from soundbench.verifiers.reference.failures import UnsupportedError
from soundbench.verifiers.reference.intervals import Bounds, forward
from soundbench.verifiers.reference.network import Array, Network
from soundbench.verifiers.reference.rounding import REPLAY_UNIT
from soundbench.verifiers.reference.steps import DEFAULT
from soundbench.verifiers.reference.targets import Constraints

ACTIVATIONS = ("Relu", "Tanh", "Sigmoid")


@dataclass(frozen=True)
class Case:
    """An operator on an input of some shape; `layers` read "t0", an activation of the input."""

    shape: tuple[int, ...]
    layers: tuple[Layer, ...]
    opset: int = 13


def floats(random: np.random.Generator, *shape: int) -> Array:
    return random.normal(size=shape).astype(np.float32)


def sizes(random: np.random.Generator, count: int, most: int = 4) -> list[int]:
    return random.integers(1, most + 1, size=count).tolist()


def gemm(random: np.random.Generator) -> Case:
    rows, inner, columns = sizes(random, 3)
    transposed = {"transA": int(random.integers(2)), "transB": int(random.integers(2))}
    shapes = [(inner, rows) if transposed["transA"] else (rows, inner)]
    shapes.append((columns, inner) if transposed["transB"] else (inner, columns))
    computed = int(random.integers(2))
    operands: list = [floats(random, *shape) for shape in shapes]
    operands[computed] = "t0"
    bias = [None, (columns,), (rows, columns), (1,), (rows, 1), ()][random.integers(6)]
    operands += [] if bias is None else [floats(random, *bias)]
    attributes = {**transposed, "alpha": float(random.normal()), "beta": float(random.normal())}
    return Case(shapes[computed], (Layer("Gemm", tuple(operands), attributes),))


def matmul(random: np.random.Generator) -> Case:
    rows, inner, columns = sizes(random, 3)
    if random.integers(4) == 0:
        factor = floats(random, *[(inner,), (inner, columns), (columns, inner)][random.integers(3)])
        return Case((inner,), (Layer("MatMul", (factor, "t0") if factor.shape[-1] == inner else ("t0", factor)),))
    batch = tuple(sizes(random, int(random.integers(3)), 2))
    if random.integers(2):
        factor = floats(random, inner) if random.integers(3) == 0 else floats(random, inner, columns)
        return Case((*batch, rows, inner), (Layer("MatMul", ("t0", factor)),))
    factor = floats(random, inner) if random.integers(3) == 0 else floats(random, rows, inner)
    return Case((*batch, inner, columns), (Layer("MatMul", (factor, "t0")),))


def elementwise(operator: str) -> Callable[[np.random.Generator], Case]:
    def build(random: np.random.Generator) -> Case:
        shape = tuple(sizes(random, int(random.integers(2, 4)), 3))
        other = tuple(size if random.integers(2) else 1 for size in shape)[int(random.integers(2)) :]
        grown = tuple(int(random.integers(1, 4)) if size == 1 else size for size in shape)
        constant = floats(random, *[other, grown, (), (2, *shape)][random.integers(4)])
        operands = ("t0", constant) if random.integers(2) else (constant, "t0")
        return Case(shape, (Layer(operator, operands),))

    return build


def of_two(operator: str) -> Callable[[np.random.Generator], Case]:
    def build(random: np.random.Generator) -> Case:
        shape = tuple(sizes(random, 2))
        inner = Layer("Mul", ("t0", floats(random, *shape)))
        operands = [("t0", "t1"), ("t1", "t0"), ("t1", "t1"), ("x", "t1")][random.integers(4)]
        return Case(shape, (inner, Layer(operator, operands)))

    return build


def matmul_of_two(random: np.random.Generator) -> Case:
    rows, inner = sizes(random, 2, 3)
    batch = tuple(sizes(random, int(random.integers(3)), 2))
    perm = (*range(len(batch)), len(batch) + 1, len(batch))
    other = Layer("Transpose", ("x",), {"perm": perm})
    operands = ("t0", "t1") if random.integers(2) else ("t1", "t0")
    return Case((*batch, rows, inner), (other, Layer("MatMul", operands)))


def div(random: np.random.Generator) -> Case:
    shape = tuple(sizes(random, 2))
    divisor = floats(random, *[shape, shape[1:], ()][random.integers(3)])
    return Case(shape, (Layer("Div", ("t0", divisor + np.copysign(np.float32(0.2), divisor))),))


def normalization(random: np.random.Generator) -> Case:
    shape = (1, *sizes(random, int(random.integers(1, 4)), 3))
    scale, bias, mean = (floats(random, shape[1]) for _ in range(3))
    mean *= np.float32(random.choice([1, 100]))
    variance = random.uniform(0, 2, shape[1]).astype(np.float32)
    attributes = {"epsilon": 0.01} if random.integers(2) else {}
    return Case(shape, (Layer("BatchNormalization", ("t0", scale, bias, mean, variance), attributes),))


def some_axes(random: np.random.Generator, rank: int, count: int) -> list[int]:
    return [int(axis) - rank * int(random.integers(2)) for axis in random.permutation(rank)[:count]]


def reduction(operator: str) -> Callable[[np.random.Generator], Case]:
    def build(random: np.random.Generator) -> Case:
        shape = tuple(sizes(random, int(random.integers(1, 4)), 3))
        axes = some_axes(random, len(shape), int(random.integers(1, len(shape) + 1)))
        kept = {"keepdims": int(random.integers(2))} if random.integers(3) else {}
        scaled = Layer("Mul", ("t1", floats(random, 1)))
        if random.integers(4) == 0:
            return Case(shape, (Layer(operator, ("t0",), kept), scaled))
        if random.integers(2):
            return Case(shape, (Layer(operator, ("t0",), kept | {"axes": axes}), scaled), 11)
        return Case(shape, (Layer(operator, ("t0", np.array(axes)), kept), scaled), 18)

    return build


def image(random: np.random.Generator) -> tuple[tuple[int, ...], dict, list[int]]:
    height, width = random.integers(2, 7, size=2).tolist()
    kernel = [int(random.integers(1, size + 1)) for size in (height, width)]
    dilations = [
        int(random.integers(1, 3)) if (k - 1) * 2 < size else 1 for k, size in zip(kernel, (height, width), strict=True)
    ]
    pads = [int(random.integers(0, kernel[axis])) for axis in (0, 1, 0, 1)]
    attributes = {"strides": sizes(random, 2, 3), "pads": pads, "dilations": dilations}
    chosen = {name: value for name, value in attributes.items() if random.integers(4)}
    return (1, 0, height, width), chosen, kernel


def conv(random: np.random.Generator) -> Case:
    (_, _, height, width), attributes, kernel = image(random)
    groups, inputs, outputs = sizes(random, 3, 3)
    weights = floats(random, groups * outputs, inputs, *kernel)
    bias = (floats(random, groups * outputs),) if random.integers(2) else ()
    attributes |= {"group": groups} | ({"kernel_shape": kernel} if random.integers(2) else {})
    return Case((1, groups * inputs, height, width), (Layer("Conv", ("t0", weights, *bias), attributes),))


def conv_transpose(random: np.random.Generator) -> Case:
    while True:
        (_, _, height, width), attributes, kernel = image(random)
        strides, dilations = (attributes.get(name, [1, 1]) for name in ("strides", "dilations"))
        pads, more = attributes.get("pads", [0] * 4), [int(random.integers(stride)) for stride in strides]
        left = [
            strides[a] * (size - 1) + more[a] + dilations[a] * (kernel[a] - 1) + 1 - pads[a] - pads[2 + a]
            for a, size in enumerate((height, width))
        ]
        if min(left) > 0:
            break
    groups, inputs, outputs = sizes(random, 3, 2)
    weights = floats(random, groups * inputs, outputs, *kernel)
    bias = (floats(random, groups * outputs),) if random.integers(2) else ()
    attributes |= {"group": groups, "output_padding": more} | ({"kernel_shape": kernel} if random.integers(2) else {})
    layer = Layer("ConvTranspose", ("t0", weights, *bias), attributes)
    return Case((1, groups * inputs, height, width), (layer,))


def max_pool(random: np.random.Generator) -> Case:
    (_, _, height, width), attributes, kernel = image(random)
    attributes |= {"kernel_shape": kernel, "ceil_mode": 0}
    if "dilations" in attributes:  # or else a window may lie in the padding altogether
        attributes["pads"] = [0, 0, 0, 0]
    return Case((1, sizes(random, 1, 3)[0], height, width), (Layer("MaxPool", ("t0",), attributes),))


def average_pool(random: np.random.Generator) -> Case:
    (_, _, height, width), attributes, kernel = image(random)
    attributes.pop("dilations", None)
    attributes |= {"kernel_shape": kernel, "count_include_pad": int(random.integers(2)), "ceil_mode": 0}
    return Case((1, sizes(random, 1, 3)[0], height, width), (Layer("AveragePool", ("t0",), attributes),))


def flatten(random: np.random.Generator) -> Case:
    shape = tuple(sizes(random, int(random.integers(2, 5)), 3))
    axis = int(random.integers(-len(shape), len(shape) + 1))
    attributes = {"axis": axis} if axis != 1 or random.integers(2) else {}
    columns = prod(shape[axis:])
    return Case(shape, (Layer("Flatten", ("t0",), attributes), Layer("MatMul", ("t1", floats(random, columns, 3)))))


def reshape(random: np.random.Generator) -> Case:
    a, b, c = sizes(random, 3)
    target = [[a, b * c], [0, -1], [-1, c], [c, 0, a], [1, -1, b], [b * a, 1, c], [0, 0, 0]][random.integers(7)]
    scaled = Layer("Mul", ("t1", floats(random, 1)))
    return Case((a, b, c), (Layer("Reshape", ("t0", np.array(target, dtype=np.int64))), scaled))


def transpose(random: np.random.Generator) -> Case:
    shape = tuple(sizes(random, int(random.integers(1, 5)), 3))
    attributes = {"perm": random.permutation(len(shape)).tolist()} if random.integers(3) else {}
    return scaled_after(shape, Layer("Transpose", ("t0",), attributes), random)


def scaled_after(shape: tuple[int, ...], layer: Layer, random: np.random.Generator, opset: int = 13) -> Case:
    """The operator, then its last axis times a matrix, which shows the shape that it left."""
    after = shape_after(shape, layer, opset)
    shown = Layer("MatMul", ("t1", floats(random, after[-1], 2))) if len(after) > 1 else Layer("Neg", ("t1",))
    return Case(shape, (layer, shown), opset)


def shape_after(shape: tuple[int, ...], layer: Layer, opset: int) -> list[int]:
    """By ONNX's own inference."""
    model = model_of(shape, (Layer("Identity", ("x",)), layer, Layer("Identity", ("t1",))), opset)
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    after = next(each for each in inferred.graph.value_info if each.name == "t1")
    return [size.dim_value for size in after.type.tensor_type.shape.dim]


def concat(random: np.random.Generator) -> Case:
    shape = tuple(sizes(random, int(random.integers(1, 4)), 3))
    operands = tuple(random.choice(["t0", "x"], int(random.integers(1, 4))).tolist())
    if random.integers(2):
        constants = [floats(random, *shape) for _ in range(int(random.integers(1, 3)))]
        operands = ("t0", *constants) if random.integers(2) else (*constants, "t0")
    axis = some_axes(random, len(shape), 1)[0]
    return scaled_after(shape, Layer("Concat", operands, {"axis": axis}), random)


def cut(random: np.random.Generator) -> Case:
    shape = tuple(sizes(random, int(random.integers(1, 4))))
    while True:
        axes = some_axes(random, len(shape), int(random.integers(1, len(shape) + 1)))
        steps = random.choice([-2, -1, 1, 2], len(axes)).tolist()
        ends = random.choice([-(2**31), *range(-6, 7), 2**62], (2, len(axes))).tolist()
        lists = [*ends, axes, steps]
        if axes == list(range(len(axes))) and set(steps) == {1}:
            lists = lists[: int(random.integers(2, 5))]
        layer = Layer("Slice", ("t0", *(np.array(each, dtype=np.int64) for each in lists)))
        if 0 not in shape_after(shape, layer, 13):
            return scaled_after(shape, layer, random)


def gather(random: np.random.Generator) -> Case:
    shape = tuple(sizes(random, int(random.integers(1, 4)), 3))
    axis = some_axes(random, len(shape), 1)[0]
    indices = random.integers(-shape[axis], shape[axis], sizes(random, int(random.integers(3)), 3))
    kind = np.int64 if random.integers(2) else np.int32
    return scaled_after(shape, Layer("Gather", ("t0", np.asarray(indices, dtype=kind)), {"axis": axis}), random)


def split(random: np.random.Generator) -> Case:
    shape = tuple(sizes(random, int(random.integers(1, 4))))
    axis = some_axes(random, len(shape), 1)[0]
    count = int(random.integers(1, shape[axis] + 1))
    ends = np.sort(random.permutation(np.arange(1, shape[axis]))[: count - 1])
    parts = np.diff([0, *ends, shape[axis]]).tolist()
    names = ["t1", *(f"t1_{place}" for place in range(1, count))]
    joined = Layer("Concat", tuple(random.permutation(names).tolist()), {"axis": axis})
    if shape[axis] % count == 0 and random.integers(2):
        return Case(shape, (Layer("Split", ("t0",), {"axis": axis}, count), joined))
    most = -(-shape[axis] // count)
    if most * (count - 1) < shape[axis] and random.integers(2):
        return Case(shape, (Layer("Split", ("t0",), {"axis": axis, "num_outputs": count}, count), joined), 18)
    if random.integers(2):
        return Case(shape, (Layer("Split", ("t0",), {"axis": axis, "split": parts}, count), joined), 11)
    return Case(shape, (Layer("Split", ("t0", np.array(parts)), {"axis": axis}, count), joined))


def squeeze(random: np.random.Generator) -> Case:
    shape = tuple(random.permutation([1, 2, *sizes(random, int(random.integers(3)), 3)]).tolist())
    ones = [axis - len(shape) * int(random.integers(2)) for axis, size in enumerate(shape) if size == 1]
    axes = random.permutation(ones)[: int(random.integers(1, len(ones) + 1))]
    if random.integers(3) == 0:
        return scaled_after(shape, Layer("Squeeze", ("t0",), {"axes": axes.tolist()}), random, 11)
    return scaled_after(shape, Layer("Squeeze", ("t0", axes) if random.integers(2) else ("t0",)), random)


def unsqueeze(random: np.random.Generator) -> Case:
    shape, count = tuple(sizes(random, int(random.integers(1, 3)), 3)), int(random.integers(1, 3))
    axes = some_axes(random, len(shape) + count, count)
    if random.integers(3) == 0:
        return scaled_after(shape, Layer("Unsqueeze", ("t0",), {"axes": axes}), random, 11)
    return scaled_after(shape, Layer("Unsqueeze", ("t0", np.array(axes))), random)


def identity(random: np.random.Generator) -> Case:
    size = sizes(random, 1)[0]
    weight = Layer("Identity", (floats(random, size, 2),))
    return Case((1, size), (Layer("Identity", ("t0",)), weight, Layer("MatMul", ("t1", "t2"))))


def constant(random: np.random.Generator) -> Case:
    size = sizes(random, 1)[0]
    values: list[tuple[str, dict]] = [
        ("Add", {"value": numpy_helper.from_array(floats(random, size))}),
        ("Mul", {"value_float": float(random.normal())}),
        ("Sub", {"value_floats": floats(random, size).tolist()}),
        ("Reshape", {"value_ints": [size, -1]}),
    ]
    operator, attribute = values[random.integers(4)]
    return Case((1, size), (Layer("Constant", (), attribute), Layer(operator, ("t0", "t1"))))


def activation(name: str, largest: float = 1.5) -> Callable[[np.random.Generator], Case]:
    """Of sums up to about 10 to the power of `largest`."""
    attributes: dict[str, Callable[[np.random.Generator], dict]] = {
        "LeakyRelu": lambda random: {"alpha": float(random.choice([-1.5, -0.3, 0.0, 0.2, 1.0, 4.0]))},
        "Softmax": lambda random: {"axis": -1} if random.integers(2) else {},
    }
    operands: dict[str, Callable[[np.random.Generator], tuple]] = {
        "PRelu": lambda random: (
            np.full([(1,), (1, 1), ()][random.integers(3)], random.choice([-1, 0.3, 3]), np.float32),
        ),
        "Pow": lambda random: ([np.float32(2), np.int64(2), np.full(5, 2, np.int32)][random.integers(3)],),
        "Clip": lambda random: [(), (np.float32(-0.5),), ("", np.float32(1.5)), (np.float32(-2), np.float32(3))][
            random.integers(4)
        ],
    }

    def build(random: np.random.Generator) -> Case:
        size, outputs = sizes(random, 2)
        hidden = Layer("MatMul", ("t0", floats(random, size, 5) * np.float32(10.0 ** random.uniform(-1, largest))))
        further = operands.get(name, lambda _: ())(random)
        applied = Layer(name, ("t2", *further), attributes.get(name, lambda _: {})(random))
        layers = (hidden, Layer("Add", ("t1", floats(random, 5))), applied)
        return Case((1, size), (*layers, Layer("MatMul", ("t3", floats(random, 5, outputs)))))

    return build


def clip_by_attributes(random: np.random.Generator) -> Case:
    attributes = [{"min": -0.5, "max": 0.25}, {"min": 0.5}, {"max": 0.25}, {}][random.integers(4)]
    return Case((1, 3), (Layer("Clip", ("t0",), attributes),), 10)


OPERATORS: dict[str, Callable[[np.random.Generator], Case]] = {
    "Gemm": gemm,
    "MatMul": matmul,
    "Add": elementwise("Add"),
    "Add of two": of_two("Add"),
    "Sub": elementwise("Sub"),
    "Sub of two": of_two("Sub"),
    "Mul": elementwise("Mul"),
    "Mul of two": of_two("Mul"),
    "MatMul of two": matmul_of_two,
    "Div": div,
    "Neg": activation("Neg"),
    "BatchNormalization": normalization,
    "ReduceMean": reduction("ReduceMean"),
    "ReduceSum": reduction("ReduceSum"),
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "AveragePool": average_pool,
    "MaxPool": max_pool,
    "Transpose": transpose,
    "Concat": concat,
    "Slice": cut,
    "Gather": gather,
    "Split": split,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Clip by attributes": clip_by_attributes,
    "Flatten": flatten,
    "Reshape": reshape,
    "Identity": identity,
    "Constant": constant,
    **{name: activation(name) for name in (*ACTIVATIONS, "LeakyRelu", "PRelu", "Abs", "Clip", "Sign", "Pow")},
    **{name: activation(name, largest=0.3) for name in ("Exp", "Softmax")},
}


def test_every_operator_has_a_case():
    assert {name.split()[0] for name in OPERATORS} == set(DEFAULT.parsers)


def enclosure(network: Network, point: Array) -> Bounds:
    """Everything that float32 arithmetic may make of a point."""
    return forward(network, Bounds(point, point), REPLAY_UNIT)[network.output]


def crown(network: Network, box: Bounds) -> Bounds:
    """Bounds of the outputs as the verifier finds them for constraints."""
    rows = np.concatenate([np.eye(network.output_size), -np.eye(network.output_size)])
    outputs = Constraints(rows, np.zeros(len(rows)), np.zeros(len(rows), dtype=np.bool_))
    lower = bound_constraints(network, box, outputs, DEFAULT).lower
    return Bounds(lower[: network.output_size], -lower[network.output_size :])


def adversarial(network: Network, box: Bounds, random: np.random.Generator) -> Array:
    """Corners, inner points, and for each output both ends of a coordinate-wise search for its extremes."""
    size = network.input_size
    corners = np.where(random.integers(2, size=(8, size)), box.lower, box.upper)
    found = [*corners, *random.uniform(box.lower, box.upper, size=(8, size))]
    for output in range(min(network.output_size, 3)):
        for sign in (1, -1):
            best = corners[0].copy()
            for coordinate in range(size):
                tries = np.repeat(best[None], 3, axis=0)
                tries[1:, coordinate] = box.lower[coordinate], box.upper[coordinate]
                values = [sign * enclosure(network, point).lower[output] for point in tries]
                best = tries[np.argmax(values)]
            found.append(best)
    return np.array(found).astype(np.float32).astype(np.float64)


def check(model: onnx.ModelProto, box: Bounds, random: np.random.Generator) -> None:
    """The network that is read computes what ONNX Runtime computes, and its bounds over the box contain that."""
    network = read(model)
    with np.errstate(all="ignore"):
        points = adversarial(network, box, random)
        points = points[np.all((points >= box.lower) & (points <= box.upper), axis=1)]
        every = relax(network, box, DEFAULT)[0].tensors[network.output], crown(network, box)
        for point, computed in zip(points, run(model, points), strict=True):
            around = enclosure(network, point)
            assert np.all(around.lower <= computed)
            assert np.all(computed <= around.upper)
            for bounds in every:
                assert np.all(bounds.lower <= around.upper)
                assert np.all(around.lower <= bounds.upper)


def random_box(random: np.random.Generator, size: int) -> Bounds:
    """A box whose ends are float32 values; some of its sides have no width."""
    middle = random.normal(size=size)
    radius = 10.0 ** random.uniform(-3, 1) * random.uniform(size=size) * random.integers(2, size=size)
    ends = ((middle + sign * radius).astype(np.float32).astype(np.float64) for sign in (-1, 1))
    return Bounds(*ends)


@pytest.mark.parametrize("operator", OPERATORS)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_an_operator_is_read_and_bounded_soundly(operator: str, seed: int):
    random = np.random.default_rng(seed)
    case = OPERATORS[operator](random)
    before = Layer([*ACTIVATIONS, "Identity"][random.integers(4)], ("x",))
    check(model_of(case.shape, (before, *case.layers), case.opset), random_box(random, prod(case.shape)), random)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_deep_networks_are_bounded_soundly(seed: int):
    random = np.random.default_rng(seed)
    kinds = [ACTIVATIONS[index] for index in random.integers(3, size=4)]
    pool = {"kernel_shape": [2, 3], "strides": [1, 2], "pads": [1, 0, 0, 2], "count_include_pad": 1}
    layers = (
        Layer("Sub", ("x", floats(random, 2, 1, 1))),
        Layer("Mul", ("t0", floats(random, 1, 2, 1, 1))),
        Layer("Conv", ("t1", floats(random, 3, 2, 2, 2), floats(random, 3)), {"pads": [1, 0, 0, 1]}),
        Layer(kinds[0], ("t2",)),
        Layer("AveragePool", ("t3",), pool),
        Layer("Conv", ("t4", floats(random, 3, 1, 2, 2)), {"group": 3, "pads": [0, 1, 1, 0]}),
        Layer(kinds[1], ("t5",)),
        Layer("Add", ("t4", "t6")),
        Layer("Flatten", ("t7",)),
        Layer("Gemm", ("t8", floats(random, 5, 18), floats(random, 5)), {"transB": 1}),
        Layer(kinds[2], ("t9",)),
        Layer("MatMul", ("t10", floats(random, 5, 5))),
        Layer("Add", ("t11", "t9")),
        Layer(kinds[3], ("t12",)),
        Layer("Gemm", ("t13", floats(random, 5, 2))),
    )
    check(model_of((1, 2, 3, 4), layers), random_box(random, 24), random)


X = np.ones((1, 4), dtype=np.float32)
KERNEL = np.ones((1, 1, 2, 2), dtype=np.float32)


def integers(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


UNSUPPORTED = {
    "unknown operator": ((1, 4), Layer("Softplus", ("x",)), "Softplus"),
    "unknown attribute": ((1, 4), Layer("Relu", ("x",), {"alpha": 0.1}), "alpha"),
    "automatic padding": ((1, 1, 4, 4), Layer("Conv", ("x", KERNEL), {"auto_pad": "SAME_UPPER"}), "auto_pad"),
    "one dimension": ((1, 1, 4), Layer("Conv", ("x", KERNEL[0])), "Conv"),
    "ceil mode": ((1, 1, 4, 4), Layer("AveragePool", ("x",), {"kernel_shape": [2, 2], "ceil_mode": 1}), "ceil_mode"),
    "two images": ((2, 1, 4, 4), Layer("Conv", ("x", KERNEL)), "Conv"),
    "a computed weight": ((4, 4), Layer("Gemm", ("x", "x")), "Gemm"),
    "a computed divisor": ((1, 4), Layer("Div", ("x", "x")), "Div"),
    "matrices that do not fit": ((1, 4), Layer("MatMul", ("x", "x")), "MatMul"),
    "a product of vectors": ((4,), Layer("MatMul", ("x", "x")), "vector"),
    "an exponent of 3": ((1, 4), Layer("Pow", ("x", np.float32(3))), "exponent"),
    "exponents that enlarge": ((1, 4), Layer("Pow", ("x", np.full((2, 4), 2, np.int64))), "exponents"),
    "slopes of channels": ((1, 4), Layer("PRelu", ("x", X)), "slopes"),
    "ends the wrong way round": ((1, 4), Layer("Clip", ("x", np.float32(1), np.float32(0))), "from 1.0 to 0.0"),
    "training": ((1, 4), Layer("BatchNormalization", ("x", *[X[0]] * 4), {"training_mode": 1}), "training"),
    "other channels": ((1, 4), Layer("BatchNormalization", ("x", *[X[0, :3]] * 4)), "constants"),
    "Softmax over another axis": ((2, 4), Layer("Softmax", ("x",), {"axis": 0}), "axis 0"),
    "Softmax over an axis that is not said": ((1, 2, 4), Layer("Softmax", ("x",)), "changed"),
    "an empty list of axes": ((1, 4), Layer("ReduceSum", ("x", integers())), "empty"),
    "no axes asked for": ((1, 4), Layer("ReduceSum", ("x",), {"noop_with_empty_axes": 1}), "noop"),
    "an axis beyond the shape": ((1, 4), Layer("ReduceSum", ("x", integers(2))), "axes"),
    "an axis twice": ((1, 4), Layer("Squeeze", ("x", integers(0, -2))), "axes"),
    "an axis longer than one": ((1, 4), Layer("Squeeze", ("x", integers(1))), "axes"),
    "squeezing nothing": ((1, 4), Layer("Squeeze", ("x", integers())), "empty"),
    "axes given by a computed tensor": ((1, 4), Layer("Unsqueeze", ("x", "x")), "list of integers"),
    "not a permutation": ((1, 4), Layer("Transpose", ("x",), {"perm": [0, 0]}), "perm"),
    "joining tensors and a constant": ((1, 4), Layer("Concat", ("x", "x", X), {"axis": 0}), "constant"),
    "joining a constant that does not fit": ((1, 4), Layer("Concat", ("x", X[0]), {"axis": 0}), "constants of shape"),
    "joining shapes that do not fit": ((1, 4), Layer("Concat", ("x", "x"), {"axis": 2}), "axes"),
    "no step": ((1, 4), Layer("Slice", ("x", integers(0), integers(1), integers(1), integers(0))), "steps"),
    "nothing left": ((1, 4), Layer("Slice", ("x", integers(3), integers(1), integers(1))), "no outputs"),
    "more starts than ends": ((1, 4), Layer("Slice", ("x", integers(0, 0), integers(1))), "from"),
    "an index beyond the axis": ((1, 4), Layer("Gather", ("x", integers(4)), {"axis": 1}), "axis of 4"),
    "an index before the axis": ((1, 4), Layer("Gather", ("x", integers(-5)), {"axis": 1}), "axis of 4"),
    "parts that are not equal": ((1, 4), Layer("Split", ("x",), {"axis": 1}, 3), "equal parts"),
    "parts that are too few": ((1, 4), Layer("Split", ("x", integers(2, 1)), {"axis": 1}, 2), "parts of sizes"),
    "an empty part": ((1, 4), Layer("Split", ("x", integers(4, 0)), {"axis": 1}, 2), "parts of sizes"),
    "places of the largest": ((1, 1, 4, 4), Layer("MaxPool", ("x",), {"kernel_shape": [2, 2]}, 2), "2 outputs"),
    "largest, ceil mode": (
        (1, 1, 4, 4),
        Layer("MaxPool", ("x",), {"kernel_shape": [2, 2], "ceil_mode": 1}),
        "ceil_mode",
    ),
    "a window in the padding": (
        (1, 1, 4, 4),
        Layer("MaxPool", ("x",), {"kernel_shape": [2, 2], "pads": [2, 0, 0, 0]}),
        "padding",
    ),
    "output_shape": ((1, 1, 4, 4), Layer("ConvTranspose", ("x", KERNEL), {"output_shape": [5, 5]}), "output_shape"),
    "output_padding of a stride": (
        (1, 1, 4, 4),
        Layer("ConvTranspose", ("x", KERNEL), {"output_padding": [1, 0]}),
        "output_padding",
    ),
    "pads that leave nothing": ((1, 1, 2, 2), Layer("ConvTranspose", ("x", KERNEL), {"pads": [2, 0, 1, 0]}), "nothing"),
    "transposed, groups": ((1, 1, 4, 4), Layer("ConvTranspose", ("x", KERNEL), {"group": 2}), "groups"),
    "a stack of matrices": ((1, 4), Layer("MatMul", ("x", np.ones((2, 4, 4), dtype=np.float32))), "MatMul"),
    "shapes that do not fit": ((1, 4), Layer("Add", ("x", np.ones((3,), dtype=np.float32))), "Add"),
    "too large": ((1, 4), Layer("MatMul", ("x", np.ones((4, 5000), dtype=np.float32))), "MatMul"),
    "too large a matrix": ((1, 16, 16, 16), Layer("Conv", ("x", np.ones((64, 16, 1, 1), dtype=np.float32))), "Conv"),
    "double precision": ((1, 4), Layer("Add", ("x", np.ones(4))), "type 11"),
    "an unknown size": ((1, "n"), Layer("Relu", ("x",)), "sizes"),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_is_not_known_is_refused_by_name(name: str):
    shape, layer, named = UNSUPPORTED[name]
    with pytest.raises(UnsupportedError, match=named):
        read(model_of(shape, (layer,)))


@pytest.mark.parametrize("opset", [6, 26])
def test_other_versions_of_the_operators_are_refused(opset: int):
    with pytest.raises(UnsupportedError, match="opset"):
        read(model_of((1, 4), (Layer("Relu", ("x",)),), opset))


@pytest.mark.parametrize("batch", [1, "batch"])
def test_a_named_batch_is_one_point(batch: int | str):
    network = read(model_of((batch, 4), (Layer("Flatten", ("x",)), Layer("MatMul", ("t0", X.T)))))
    assert (network.input_size, network.output_size) == (4, 1)
