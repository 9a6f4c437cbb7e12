"""Every operator means what ONNX Runtime computes; whatever has no exact meaning is refused in one line."""

import re
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import onnx
import pytest
from flint import arb, ctx
from onnx import TensorProto, helper, numpy_helper
from random_networks import CASES, Layer, build, random_attention, random_node, random_point, read, run_float32

from soundbench.errors import InputError
from soundbench.graph import Graph, UnsupportedOperator, evaluate_float64
from soundbench.operators import OPERATORS, lower
from soundbench.rigorous import evaluate, exact
from soundbench.rounding import float32_error

NODES_EACH = 40
EYE = np.eye(2, dtype=np.float32)
KERNEL = np.ones((1, 1, 2, 2), dtype=np.float32)
IMAGE = (1, 1, 3, 3)


def int64(*values: int):
    return np.array(values, dtype=np.int64)


def float64_outputs(graph: Graph, point: Sequence[Fraction]) -> list[Fraction]:
    values = evaluate_float64(graph, np.array([[float(value) for value in point]]))[graph.output]
    return [Fraction(value) for value in values[0].tolist()]


def check_against_onnxruntime(model: onnx.ModelProto, random: np.random.Generator) -> None:
    """Steps, ONNX Runtime and ball arithmetic agree at a random point."""
    graph = read(model)
    point = random_point(random, np.full(graph.input_count, -4.0), np.full(graph.input_count, 4.0))
    by_onnxruntime, by_float64 = run_float32(model, point), float64_outputs(graph, point)
    balls, errors = evaluate(graph, point), float32_error(graph, point).tolist()
    assert len(by_onnxruntime) == graph.output_count
    for real, run, near, error in zip(balls, by_onnxruntime, by_float64, errors, strict=True):
        assert real[0] - Fraction(error) <= run <= real[1] + Fraction(error)
        assert real[0] - Fraction(1, 10**9) <= near <= real[1] + Fraction(1, 10**9)


class TestConformance:
    def test_no_operator_is_missing_from_the_table(self):
        assert set(CASES) == set(OPERATORS)

    @pytest.mark.parametrize("operator", CASES)
    def test_it_means_what_onnxruntime_computes(self, operator):
        for seed in range(NODES_EACH):
            random = np.random.default_rng(seed)
            check_against_onnxruntime(random_node(operator, random), random)

    @pytest.mark.parametrize(
        ("operator", "more"),
        [("AveragePool", {"count_include_pad": 0}), ("AveragePool", {"count_include_pad": 1}), ("MaxPool", {})],
    )
    @pytest.mark.parametrize("dilations", [[2, 1], [1, 2], [2, 2]])
    def test_a_dilated_pool(self, operator, more, dilations):
        window = {"kernel_shape": [2, 3], "dilations": dilations, "pads": [1, 0, 1, 2], "strides": [1, 2]}
        layer = Layer(operator, (None,), window | more)
        check_against_onnxruntime(build((1, 2, 4, 5), [layer], opset=19), np.random.default_rng(0))

    @pytest.mark.parametrize("first", [{"min": -0.5, "max": 0.25}, {"min": 1.0}, {"max": -1.0}, {}])
    def test_the_ends_of_a_clip_may_be_attributes(self, first):
        model = build((1, 5), [Layer("Clip", (None,), first)], opset=10)
        check_against_onnxruntime(model, np.random.default_rng(0))

    @pytest.mark.parametrize(
        ("operator", "attributes"),
        [
            ("ReduceSum", {"axes": [0, -1], "keepdims": 0}),
            ("ReduceSum", {}),
            ("Squeeze", {"axes": [0]}),
            ("Squeeze", {"axes": [-3]}),
            ("Unsqueeze", {"axes": [0, 4]}),
        ],
    )
    def test_axes_may_be_an_attribute(self, operator, attributes):
        model = build((1, 3, 4), [Layer(operator, (None,), attributes)], opset=11)
        check_against_onnxruntime(model, np.random.default_rng(0))

    @pytest.mark.parametrize("operator", ["Sub", "Mul", "Concat", "Add"])
    def test_two_branches(self, operator):
        layers = [
            Layer("MatMul", (None, np.array([[1, 2], [-1, 0.5]], np.float32))),
            Layer("Relu", ("X",)),
            Layer(operator, ("T0", None), {"axis": -1} if operator == "Concat" else {}),
        ]
        check_against_onnxruntime(build((3, 2), layers), np.random.default_rng(0))

    def test_branches_of_different_sizes_are_joined_along_the_middle(self):
        layers = [
            Layer("Slice", (None, int64(0), int64(1), int64(1))),
            Layer("Neg", ("X",)),
            Layer("Concat", ("T0", None, "X"), {"axis": 1}),
        ]
        model = build((2, 3, 2), layers)
        assert read(model).output_count == 28
        check_against_onnxruntime(model, np.random.default_rng(0))

    @pytest.mark.parametrize(
        ("shape", "axis", "operands"),
        [
            ((1, 25, 4), 1, (np.full((1, 1, 4), 0.5, np.float32), None)),
            ((1, 3), 1, (None, np.array([[0.25, -3.0]], np.float32))),
            ((2, 2, 3), -2, (np.ones((2, 1, 3), np.float32), None, np.full((2, 3, 3), -0.5, np.float32))),
            ((1, 2), 0, (None,)),
        ],
    )
    def test_a_tensor_is_joined_with_constants(self, shape, axis, operands):
        model = build(shape, [Layer("Concat", operands, {"axis": axis})])
        check_against_onnxruntime(model, np.random.default_rng(0))

    @pytest.mark.parametrize(
        ("layer", "opset"),
        [
            (Layer("Split", (None,), {"axis": 1}, outputs=2), 11),
            (Layer("Split", (None,), {"axis": -1, "split": [3, 1, 2]}, outputs=3), 11),
            (Layer("Split", (None, int64(3, 1, 2)), {"axis": 1}, outputs=3), 18),
            (Layer("Split", (None,), {"axis": 1, "num_outputs": 3}, outputs=3), 18),
        ],
    )
    def test_the_parts_of_a_tensor_in_every_version(self, layer, opset):
        names = ["T0", *(f"T0_{place}" for place in range(1, layer.outputs))]
        model = build((2, 6), [layer, Layer("Concat", tuple(names[::-1]), {"axis": 1})], opset=opset)
        check_against_onnxruntime(model, np.random.default_rng(0))

    def test_the_last_part_is_smaller(self):
        layer = Layer("Split", (None,), {"axis": 1, "num_outputs": 3}, outputs=3, kept=2)
        model = build((2, 7), [layer, Layer("Concat", ("T0_1", None, "T0_0"), {"axis": 1})], opset=18)
        assert read(model).sizes["T0"] == 2
        check_against_onnxruntime(model, np.random.default_rng(0))

    def test_a_pool_beneath_zero_takes_nothing_from_its_padding(self):
        window = {"kernel_shape": [2, 2], "pads": [1, 1, 1, 1]}
        graph = read(build((1, 1, 2, 2), [Layer("MaxPool", (None,), window)]))
        values = evaluate_float64(graph, np.array([[-4.0, -3.0, -2.0, -1.0]]))[graph.output]
        assert values.tolist() == [[-4, -3, -3, -2, -1, -1, -2, -1, -1]]

    def test_the_order_of_indices_that_nobody_reads_does_not_matter(self):
        layer = Layer("MaxPool", (None,), {"kernel_shape": [2, 2], "storage_order": 1})
        check_against_onnxruntime(build(IMAGE, [layer]), np.random.default_rng(0))

    def test_a_negative_scale_of_a_normalization(self):
        constants = [np.array(each, np.float32) for each in ([-2, 1], [0.5, -1], [3, -100], [0.25, 2])]
        model = build((1, 2, 3), [Layer("BatchNormalization", (None, *constants))])
        check_against_onnxruntime(model, np.random.default_rng(0))

    @pytest.mark.parametrize("alpha", [0.0, 0.1, 0.3, 1.0, 4.0])
    def test_a_slope_is_the_float32_number(self, alpha):
        graph = read(build((1, 1), [Layer("LeakyRelu", (None,), {"alpha": alpha})]))
        ((low, high),) = evaluate(graph, [Fraction(-3)])
        assert low <= -3 * Fraction(float(np.float32(alpha))) <= high
        assert high - low < Fraction(1, 10**40)

    def test_a_sign_that_is_not_known_is_any(self):
        graph = read(build((1, 1), [Layer("Div", (None, np.float32(3))), Layer("Add", (None, "T0")), Layer("Sign")]))
        assert evaluate(graph, [Fraction(1)]) == ((1, 1),)
        assert evaluate(graph, [Fraction(0)]) == ((0, 0),)
        layers = [Layer("AveragePool", (None,), {"kernel_shape": [1, 3]}), Layer("Sign")]
        ((low, high),) = evaluate(read(build((1, 1, 1, 3), layers)), [Fraction(1), Fraction(1), Fraction(-2)])
        assert low <= -1
        assert high >= 1

    def test_names_that_a_difference_needs_may_be_taken(self):
        model = build((1, 2), [Layer("Relu"), Layer("Sub", ("X", None))])
        model.graph.node[0].output[0] = model.graph.node[1].input[1] = "T1 (negated operand)"
        with pytest.raises(InputError, match=r"^random.onnx: node 'N1' \(Sub\): a name that it needs is taken"):
            read(model)

    def test_a_symbolic_batch_is_one_row(self):
        model = build((1, 2), [Layer("Relu")])
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "N"
        assert read(model).input_shape == (1, 2)

    def test_the_domain_may_be_spelled_out(self):
        model = build((1, 2), [Layer("Relu")])
        model.graph.node[0].domain = "ai.onnx"
        assert [step.output for step in read(model).steps] == ["T0"]

    def test_an_output_that_is_the_input_needs_no_step(self):
        graph = read(build((1, 2), [Layer("Identity")]))
        assert (graph.steps, graph.output, graph.output_count) == ((), "X", 2)

    @pytest.mark.parametrize("axes", [[1], [-1, 0], [2, 1]])
    @pytest.mark.parametrize("kept", [0, 1])
    def test_the_axes_of_a_mean_may_be_an_operand(self, axes, kept):
        layer = Layer("ReduceMean", (None, int64(*axes)), {"keepdims": kept})
        check_against_onnxruntime(build((2, 3, 4), [layer], opset=18), np.random.default_rng(0))

    def test_a_mean_of_everything(self):
        graph = read(build((2, 3), [Layer("ReduceMean", (None,), {"keepdims": 0})]))
        assert evaluate_float64(graph, np.arange(6.0)[None])[graph.output] == pytest.approx(2.5)

    @pytest.mark.parametrize("seed", range(NODES_EACH))
    def test_attention(self, seed):
        random = np.random.default_rng(seed)
        check_against_onnxruntime(random_attention(random), random)

    def test_a_division_by_powers_of_two_is_exact(self):
        graph = read(build((1, 2), [Layer("Div", (None, np.array([0.25, -8], np.float32)))]))
        values = evaluate(graph, [Fraction(1, 3), Fraction(1, 3)])
        assert [high - low < Fraction(1, 10**40) for low, high in values] == [True, True]

    def test_a_normalization_is_the_real_one(self):
        epsilon, numbers = float(np.float32(1e-5)), [1.5, -0.25, 1000.0, 0.7]
        channel = [np.array([number], np.float32) for number in numbers]
        graph = read(build((1, 1), [Layer("BatchNormalization", (None, *channel))]))
        with ctx.workprec(400):
            scale, shift, mean, variance = (arb(float(each[0])) for each in channel)
            real = scale * (arb(1001) / 1 - mean) / (variance + arb(epsilon)).sqrt() + shift
            ((low, high),) = evaluate(graph, [Fraction(1001)])
            assert low <= exact(real.upper())
            assert exact(real.lower()) <= high
        assert high - low < Fraction(1, 10**11)

    def test_an_identity_passes_constants_on(self):
        layers = [Layer("Identity", (EYE,)), Layer("MatMul", ("X", None))]
        assert [step.output for step in read(build((1, 2), layers)).steps] == ["T1"]

    def test_padding_of_an_average_counts_only_where_asked(self):
        def corner(counted: int) -> float:
            attributes = {"kernel_shape": [2, 2], "pads": [1, 1, 0, 0], "count_include_pad": counted}
            graph = read(build((1, 1, 2, 2), [Layer("AveragePool", (None,), attributes)]))
            return float(evaluate_float64(graph, np.ones((1, 4)))[graph.output][0, 0])

        assert (corner(0), corner(1)) == (1.0, 0.25)


def conv(*, shape=IMAGE, kernel=KERNEL, **attributes):
    return shape, Layer("Conv", (None, kernel), attributes)


def pool(**attributes):
    return IMAGE, Layer("AveragePool", (None,), {"kernel_shape": [2, 2]} | attributes)


def largest(**attributes):
    return IMAGE, Layer("MaxPool", (None,), {"kernel_shape": [2, 2]} | attributes)


def transposed(**attributes):
    return IMAGE, Layer("ConvTranspose", (None, KERNEL), attributes)


def reshape(*target: int, **attributes):
    return (1, 6), Layer("Reshape", (None, int64(*target)), attributes)


PAIR = np.ones(2, dtype=np.float32)


def normalization(variance=PAIR, scale=PAIR):
    return Layer("BatchNormalization", (None, scale, PAIR, PAIR, variance))


REFUSED = {
    "an unknown operator": ((1, 2), Layer("Softplus"), "'Softplus' is not supported"),
    "a misspelt operator": ((1, 2), Layer("Re\nlu"), r"'Re\nlu' is not supported"),
    "an unknown attribute": ((1, 2), Layer("Relu", (None,), {"alpha": 0.1}), "alpha"),
    "an attribute of another type": (IMAGE, Layer("AveragePool", (None,), {"kernel_shape": "a"}), "kernel_shape"),
    "a missing attribute": (IMAGE, Layer("AveragePool"), "kernel_shape"),
    "too many operands": ((1, 2), Layer("Relu", (None, None)), "input size 2"),
    "too few operands": ((1, 2), Layer("Gemm", (None,)), "input size 1"),
    "no operand": ((1, 2), Layer("Relu", ()), "input size 0"),
    "an omitted operand": ((1, 2), Layer("MatMul", ("", EYE)), "input 0"),
    "Gemm, A transposed that does not fit": ((1, 2), Layer("Gemm", (None, EYE), {"transA": 1}), "do not fit"),
    "Gemm, A an image": ((1, 1, 2, 2), Layer("Gemm", (None, EYE)), "A must be a matrix"),
    "Gemm too large": ((10**4, 2), Layer("Gemm", (None, EYE)), "entries"),
    "Gemm, A a constant": ((1, 2), Layer("Gemm", (EYE, None)), "input 0 is a constant"),
    "Gemm, B a tensor": ((1, 2), Layer("Gemm", (None, None)), "input 1 is not a constant"),
    "Gemm, C a tensor": ((1, 2), Layer("Gemm", (None, EYE, None)), "input 2 is not a constant"),
    "Gemm, B a number": ((1, 2), Layer("Gemm", (None, np.float32(1))), "B a constant matrix"),
    "Gemm, B that does not fit": ((1, 3), Layer("Gemm", (None, EYE)), "do not fit"),
    "Gemm, C that does not fit": ((1, 2), Layer("Gemm", (None, EYE, np.ones(3, np.float32))), "C of shape"),
    "Gemm, C a column": ((1, 2), Layer("Gemm", (None, EYE, np.ones((2, 1), np.float32))), "C of shape"),
    "Gemm without outputs": ((1, 2), Layer("Gemm", (None, np.ones((2, 0), np.float32))), "empty"),
    "MatMul of two tensors that do not fit": ((2, 3), Layer("MatMul", (None, None)), "cannot be multiplied"),
    "MatMul of two vectors": ((3,), Layer("MatMul", (None, None)), "cannot be multiplied"),
    "MatMul of two tensors, too large": ((400, 400), Layer("MatMul", (None, None)), "entries"),
    "MatMul that does not fit": ((1, 3), Layer("MatMul", (None, EYE)), "fits A"),
    "MatMul that does not fit on the left": ((1, 3), Layer("MatMul", (EYE, None)), "fits it"),
    "MatMul of a vector": ((1, 3), Layer("MatMul", (None, np.ones(3, np.float32))), "fits A"),
    "MatMul too large": ((10**4, 2), Layer("MatMul", (None, EYE)), "entries"),
    "Add of two shapes": ((1, 1), Layer("Add", (None, np.ones((2, 1), np.float32))), "enlarge"),
    "Add of a longer shape": ((2,), Layer("Add", (None, EYE)), "enlarge"),
    "Add that does not broadcast": ((1, 3), Layer("Add", (None, np.ones(2, np.float32))), "enlarge"),
    "Add of two constants": ((1, 2), Layer("Add", (EYE, EYE)), "one operand"),
    "Sub of two constants": ((1, 2), Layer("Sub", (EYE, EYE)), "one operand must"),
    "Sub that enlarges": ((1, 2), Layer("Sub", (None, EYE)), "enlarge"),
    "Mul that enlarges": ((2,), Layer("Mul", (EYE, None)), "enlarge"),
    "Mul too large": ((1, 10**4), Layer("Mul", (None, np.float32(2))), "entries"),
    "Div of two tensors": ((1, 2), Layer("Div", (None, None)), "one operand must"),
    "Div by the tensor": ((1, 2), Layer("Div", (np.float32(1), None)), "B the constant"),
    "Div by zero": ((1, 2), Layer("Div", (None, np.array([1, 0], np.float32))), "by zero"),
    "Div by next to nothing": ((1, 2), Layer("Div", (None, np.float64(1e-310))), "too small"),
    "normalization of a line": ((2,), normalization(), "two axes"),
    "normalization, three channels": ((1, 3), normalization(), "lists of 3"),
    "normalization, mean a tensor": ((1, 2), Layer("BatchNormalization", (None, PAIR, PAIR, None, PAIR)), "input 3"),
    "normalization, scale omitted": ((1, 2), Layer("BatchNormalization", (None, "", PAIR, PAIR, PAIR)), "input 1"),
    "normalization, negative variance": ((1, 2), normalization(-PAIR), "var + epsilon is too small"),
    "normalization, huge variance": ((1, 2), normalization(PAIR * np.float32(1e30)), "var + epsilon is too"),
    "normalization, tiny scale": ((1, 2), normalization(scale=PAIR * np.float32(1e-30)), "scale / sqrt"),
    "mean over an axis beyond the shape": ((1, 2), Layer("ReduceMean", (None,), {"axes": [2]}), "different axes"),
    "mean over an axis twice": ((1, 2), Layer("ReduceMean", (None,), {"axes": [1, -1]}), "different axes"),
    "mean of a constant": ((1, 2), Layer("ReduceMean", (EYE,)), "input 0 is a constant"),
    "mean too large": ((10**4, 1), Layer("ReduceMean", (None,), {"axes": [1]}), "entries"),
    "Softmax over the first axis": ((2, 2), Layer("Softmax", (None,), {"axis": 0}), "only the last axis"),
    "Softmax beyond the shape": ((2, 2), Layer("Softmax", (None,), {"axis": 2}), "only the last axis"),
    "Softmax of an unsaid axis": ((1, 2, 2), Layer("Softmax"), "axis must be given"),
    "Softmax of a constant": ((1, 2), Layer("Softmax", (EYE,)), "input 0 is a constant"),
    "Transpose, too few axes": ((1, 2), Layer("Transpose", (None,), {"perm": [0]}), "does not permute"),
    "Transpose, an axis twice": ((1, 2), Layer("Transpose", (None,), {"perm": [1, 1]}), "does not permute"),
    "Transpose of a constant": ((1, 2), Layer("Transpose", (EYE,)), "input 0 is a constant"),
    "Conv, kernel a tensor": (IMAGE, Layer("Conv", (None, None)), "input 1 is not a constant"),
    "Conv of two images": (*conv(shape=(2, 1, 3, 3)), "batch size 1"),
    "Conv of a line": (*conv(shape=(1, 1, 3), kernel=KERNEL[0]), "two-dimensional"),
    "Conv of a volume": (*conv(shape=(1, 1, 3, 3, 3), kernel=KERNEL[None]), "two-dimensional"),
    "Conv, auto_pad": (*conv(auto_pad="SAME_UPPER"), "auto_pad"),
    "Conv, kernel_shape of another kernel": (*conv(kernel_shape=[3, 3]), "kernel_shape"),
    "Conv, groups that do not fit": (*conv(group=2), "group"),
    "Conv, no group": (*conv(group=0), "group"),
    "Conv, stride 0": (*conv(strides=[0, 1]), "strides"),
    "Conv, dilation 0": (*conv(dilations=[1, 0]), "dilations"),
    "Conv, negative pad": (*conv(pads=[0, -1, 0, 0]), "pads"),
    "Conv, three strides": (*conv(strides=[1, 1, 1]), "strides"),
    "Conv, kernel beyond the image": (*conv(dilations=[3, 1]), "does not fit"),
    "Conv, huge pads": (*conv(pads=[2**40, 0, 0, 0]), "entries"),
    "Conv, bias that does not fit": (IMAGE, Layer("Conv", (None, KERNEL, np.ones(2, np.float32))), "bias"),
    "pool, auto_pad": (*pool(auto_pad="VALID"), "auto_pad"),
    "pool, ceil_mode": (*pool(ceil_mode=1), "ceil_mode"),
    "pool of a line": ((1, 1, 3), Layer("AveragePool", (None,), {"kernel_shape": [2]}), "two-dimensional"),
    "pool, three-dimensional kernel": (*pool(kernel_shape=[2, 2, 2]), "two-dimensional"),
    "pool, empty kernel": (*pool(kernel_shape=[0, 2]), "kernel"),
    "pool, stride 0": (*pool(strides=[1, 0]), "strides"),
    "pool, huge kernel and pads": (*pool(kernel_shape=[2**40, 1], pads=[2**40, 0, 0, 0]), "entries"),
    "pool, window in the padding": (*pool(pads=[2, 0, 0, 0]), "padding"),
    "largest, auto_pad": (*largest(auto_pad="SAME_LOWER"), "auto_pad"),
    "largest, ceil_mode": (*largest(ceil_mode=1), "ceil_mode"),
    "largest of a line": ((1, 1, 3), Layer("MaxPool", (None,), {"kernel_shape": [2]}), "two-dimensional"),
    "largest of two images": ((2, 1, 3, 3), Layer("MaxPool", (None,), {"kernel_shape": [2, 2]}), "batch size 1"),
    "largest, window in the padding": (*largest(pads=[2, 0, 0, 0]), "padding"),
    "largest, huge kernel and pads": (*largest(kernel_shape=[2**40, 1], pads=[2**40, 0, 0, 0]), "entries"),
    "largest of a constant": (IMAGE, Layer("MaxPool", (KERNEL,), {"kernel_shape": [2, 2]}), "input 0 is a constant"),
    "transposed, auto_pad": (*transposed(auto_pad="SAME_UPPER"), "auto_pad"),
    "transposed, output_shape": (*transposed(output_shape=[4, 4]), "output_shape"),
    "transposed, output_padding of a stride": (*transposed(output_padding=[1, 0]), "output_padding"),
    "transposed, negative output_padding": (*transposed(output_padding=[0, -1]), "output_padding"),
    "transposed, three output_paddings": (*transposed(output_padding=[0, 0, 0]), "output_padding"),
    "transposed, pads that leave nothing": (*transposed(pads=[2, 0, 2, 0]), "leave nothing"),
    "transposed, groups that do not fit": (*transposed(group=2), "groups"),
    "transposed, no group": (*transposed(group=0), "groups"),
    "transposed, weights that do not fit": ((1, 2, 3, 3), Layer("ConvTranspose", (None, KERNEL)), "do not fit"),
    "transposed, huge stride": (*transposed(strides=[2**40, 1]), "entries"),
    "transposed, stride 0": (*transposed(strides=[0, 1]), "strides"),
    "transposed, bias that does not fit": (
        IMAGE,
        Layer("ConvTranspose", (None, KERNEL, np.ones(2, np.float32))),
        "bias",
    ),
    "transposed, kernel a tensor": (IMAGE, Layer("ConvTranspose", (None, None)), "input 1 is not a constant"),
    "LeakyRelu, negative slope": ((1, 2), Layer("LeakyRelu", (None,), {"alpha": -0.5}), "slope of -0.5"),
    "LeakyRelu, slope not finite": ((1, 2), Layer("LeakyRelu", (None,), {"alpha": np.inf}), "slope of inf"),
    "PRelu, a slope a channel": ((1, 2), Layer("PRelu", (None, PAIR)), "one slope"),
    "PRelu, a negative slope": ((1, 2), Layer("PRelu", (None, -PAIR[:1])), "slope of -1"),
    "PRelu, slope a tensor": ((1, 2), Layer("PRelu", (None, None)), "input 1 is not a constant"),
    "Clip, ends the wrong way round": ((1, 2), Layer("Clip", (None, np.float32(1), np.float32(0))), "greater than max"),
    "Clip, an end a tensor": ((1, 2), Layer("Clip", (None, None)), "input 1 is not a constant"),
    "Clip, an end a list": ((1, 2), Layer("Clip", (None, PAIR)), "one number"),
    "Pow, exponent 3": ((1, 2), Layer("Pow", (None, np.float32(3))), "exponent of 2"),
    "Pow, exponent a tensor": ((1, 2), Layer("Pow", (None, None)), "input 1 is not a constant"),
    "Pow, exponents that enlarge": ((1, 2), Layer("Pow", (None, 2 * EYE)), "exponent of 2"),
    "Pow, base a constant": ((1, 2), Layer("Pow", (EYE, None)), "input 1 is not a constant"),
    "Concat, with a constant that does not fit": (
        (1, 2),
        Layer("Concat", (None, PAIR), {"axis": 0}),
        "cannot be joined",
    ),
    "Concat, tensors and a constant": ((1, 2), Layer("Concat", (None, None, EYE), {"axis": 0}), "one tensor alone"),
    "Concat, axis beyond the shape": ((1, 2), Layer("Concat", (None, None), {"axis": 2}), "different axes"),
    "Slice, no step": ((1, 4), Layer("Slice", (None, int64(0), int64(1), int64(1), int64(0))), "no step zero"),
    "Slice, an axis twice": ((1, 4), Layer("Slice", (None, int64(0, 0), int64(1, 1), int64(1, -1))), "different axes"),
    "Slice, more starts than ends": ((1, 4), Layer("Slice", (None, int64(0, 0), int64(1))), "equally many"),
    "Slice, more starts than axes": ((4,), Layer("Slice", (None, int64(0, 0), int64(1, 1))), "different axes"),
    "Slice, nothing left": ((1, 4), Layer("Slice", (None, int64(3), int64(2), int64(1))), "nothing is left"),
    "Slice, starts a tensor": ((1, 4), Layer("Slice", (None, None, int64(2))), "input 1 is not a constant"),
    "Slice, starts half numbers": ((1, 4), Layer("Slice", (None, PAIR / 2, int64(1, 1))), "list of integers"),
    "Split, parts that are too few": (
        (1, 4),
        Layer("Split", (None, int64(1, 2)), {"axis": 1}, outputs=2),
        "an axis of 4",
    ),
    "Split, an empty part": ((1, 4), Layer("Split", (None, int64(4, 0)), {"axis": 1}, outputs=2), "an axis of 4"),
    "Split, more parts than outputs": ((1, 4), Layer("Split", (None, int64(2, 2)), {"axis": 1}), "not 1 that"),
    "Split that is not equal": ((1, 4), Layer("Split", (None,), {"axis": 1}, outputs=3), "an axis of 4"),
    "Split along an axis beyond the shape": ((1, 4), Layer("Split", (None,), {"axis": 2}), "different axes"),
    "Split at the network's own values": ((1, 4), Layer("Split", (None, None)), "input 1 is not a constant"),
    "Gather beyond the axis": ((1, 4), Layer("Gather", (None, int64(4)), {"axis": 1}), "an axis of 4"),
    "Gather before the axis": ((1, 4), Layer("Gather", (None, int64(-5)), {"axis": 1}), "an axis of 4"),
    "Gather along an axis beyond the shape": ((1, 4), Layer("Gather", (None, int64(0)), {"axis": 2}), "different axes"),
    "Gather at the network's own values": ((1, 4), Layer("Gather", (None, None)), "input 1 is not a constant"),
    "Squeeze of a longer axis": ((1, 2), Layer("Squeeze", (None, int64(1))), "not all of size 1"),
    "Squeeze of no axis": ((1, 2), Layer("Squeeze", (None, int64())), "an empty list"),
    "Squeeze beyond the shape": ((1, 2), Layer("Squeeze", (None, int64(2))), "different axes"),
    "Unsqueeze of an axis twice": ((1, 2), Layer("Unsqueeze", (None, int64(0, -4))), "different axes"),
    "Unsqueeze beyond the shape": ((1, 2), Layer("Unsqueeze", (None, int64(3))), "different axes"),
    "sum over an axis beyond the shape": ((1, 2), Layer("ReduceSum", (None, int64(2))), "different axes"),
    "sum over no axis": ((1, 2), Layer("ReduceSum", (None,), {"noop_with_empty_axes": 1}), "an empty list"),
    "Flatten, axis beyond the shape": ((1, 2), Layer("Flatten", (None,), {"axis": 3}), "axis"),
    "Flatten, negative axis beyond the shape": ((1, 2), Layer("Flatten", (None,), {"axis": -3}), "axis"),
    "Reshape to another size": (*reshape(1, 5), "does not fit"),
    "Reshape, -1 that does not divide": (*reshape(4, -1), "does not fit"),
    "Reshape, two sizes left open": (*reshape(-1, -1), "does not fit"),
    "Reshape, two negative sizes": (*reshape(-2, -3), "does not fit"),
    "Reshape, 0 beyond the shape": (*reshape(1, 6, 0), "does not fit"),
    "Reshape, allowzero": (*reshape(0, -1, allowzero=1), "allowzero"),
    "Reshape to a table": ((1, 4), Layer("Reshape", (None, np.array([[1, 4]]))), "list"),
    "Reshape to the network's own values": ((2,), Layer("Reshape", (None, None)), "input 1 is not a constant"),
}


class TestRefusal:
    @pytest.mark.parametrize(("shape", "layer", "reason"), REFUSED.values(), ids=REFUSED)
    def test_what_has_no_exact_meaning_is_refused(self, shape, layer, reason):
        opset = 14 if "allowzero" in layer.attributes else 13
        with pytest.raises(InputError) as refusal:
            read(build(shape, [layer], opset=opset))
        message = str(refusal.value)
        assert message.startswith("random.onnx: node 'N0'")
        assert reason in message
        assert len(message.splitlines()) == 1

    @pytest.mark.parametrize("opset", [3, 6, 99])
    def test_operator_sets_in_which_operators_may_mean_something_else(self, opset):
        model = build((1, 2), [Layer("Concat", (None, None))], opset=opset)
        with pytest.raises(UnsupportedOperator, match=f"^random.onnx: operator set {opset} .* 7 to "):
            read(model)

    @pytest.mark.parametrize(("count", "sizes"), [(4, [2, 2, 2, 0]), (5, [2, 2, 2, 2, -2])])
    def test_a_split_that_leaves_nothing_for_the_last_part(self, count, sizes):
        model = build((2, 6), [Layer("Split", (None,), {"axis": 1, "num_outputs": count}, outputs=count)], opset=18)
        with pytest.raises(UnsupportedOperator, match=re.escape(f"parts of sizes {sizes}")):
            read(model)

    @pytest.mark.parametrize(("axes", "attributes"), [((), {}), ((1,), {"noop_with_empty_axes": 1})])
    def test_a_mean_over_no_axis(self, axes, attributes):
        layer = Layer("ReduceMean", (None, int64(*axes)), attributes)
        with pytest.raises(UnsupportedOperator, match="an empty list of axes"):
            read(build((1, 2), [layer], opset=18))

    @pytest.mark.parametrize("operator", ["Relu", "Constant"])
    def test_an_operator_of_another_domain(self, operator):
        model = build((1, 2), [Layer("Add", (None, EYE[:1]))], constant_nodes=True)
        for node in model.graph.node:
            if node.op_type in (operator, "Add"):
                node.domain = "com.example"
        with pytest.raises(UnsupportedOperator, match="is not supported"):
            read(model)

    def test_a_constant_that_is_no_tensor(self):
        model = build((1, 2), [Layer("Add", (None, "two"))])
        model.graph.node.insert(0, helper.make_node("Constant", [], ["two"], value_float=2.0))
        with pytest.raises(UnsupportedOperator, match=r"'two' \(Constant\).*'value'"):
            read(model)

    @pytest.mark.parametrize(
        ("operator", "reason"),
        [("Add", "adding shapes"), ("Sub", "only of one shape"), ("Mul", "only of one shape"), ("Concat", "joined")],
    )
    def test_two_shapes(self, operator, reason):
        layers = [
            Layer("Flatten", (None,), {"axis": 0}),
            Layer(operator, (None, "X"), {"axis": 1} if operator == "Concat" else {}),
        ]
        with pytest.raises(UnsupportedOperator, match=reason):
            read(build((2, 2), layers))


def model_of(change) -> onnx.ModelProto:
    """Y = relu(X @ W + C), altered."""
    model = build((1, 2), [Layer("Gemm", (None, EYE, np.ones(2, np.float32))), Layer("Relu")])
    change(model.graph)
    return model


def add_input(graph):
    graph.input.append(helper.make_tensor_value_info("Z", TensorProto.FLOAT, (1, 2)))


def add_output(graph):
    graph.output.append(helper.make_tensor_value_info("T0", TensorProto.FLOAT, (1, 2)))


def no_output(graph):
    del graph.output[:]


def output_is_a_weight(graph):
    graph.output[0].name = "C0_1"


def output_is_unknown(graph):
    graph.output[0].name = "no\nsuch"


def no_shape(graph):
    graph.input[0].type.tensor_type.ClearField("shape")


def symbolic_shape(graph):
    graph.input[0].type.tensor_type.shape.dim[1].dim_param = "n"


def negative_shape(graph):
    graph.input[0].type.tensor_type.shape.dim[0].dim_value = -1


def huge_shape(graph):
    graph.input[0].type.tensor_type.shape.dim[1].dim_value = 2**50


def no_numbers(graph):
    graph.input[0].type.Clear()


def dangling_input(graph):
    graph.node[1].input[0] = "nowhere"


def later_input(graph):
    graph.node[0].input[0] = "T1"


def no_result(graph):
    del graph.node[1].output[:]


def overwrite_input(graph):
    graph.node[0].output[0] = "X"


def overwrite_weight(graph):
    graph.node[0].output[0] = "C0_2"


def overwrite_tensor(graph):
    graph.node[1].output[0] = "T0"


def second_output_overwrites(graph):
    graph.node[1].CopyFrom(helper.make_node("Split", ["T0"], ["T1", "C0_2"], "N1", axis=1))


def two_outputs_of_one_name(graph):
    graph.node[1].CopyFrom(helper.make_node("Split", ["T0"], ["T1", "T1"], "N1", axis=1))


def an_output_left_out(graph):
    graph.node[1].CopyFrom(helper.make_node("Split", ["T0"], ["", "T1"], "N1", axis=1))


def weight_twice(graph):
    graph.initializer.append(graph.initializer[0])


def weight_not_finite(value):
    def change(graph):
        graph.initializer[0].CopyFrom(numpy_helper.from_array(np.array([[1, value], [0, 1]], np.float32), "C0_1"))

    return change


def overflowing_product(graph):
    graph.initializer[0].CopyFrom(numpy_helper.from_array(np.full((2, 2), 1e300), "C0_1"))
    graph.node[0].attribute.append(helper.make_attribute("alpha", 1e38))


def underflowing_product(graph):
    graph.initializer[0].CopyFrom(numpy_helper.from_array(np.full((2, 2), 1e-300), "C0_1"))
    graph.node[0].attribute.append(helper.make_attribute("alpha", 1e-38))


def short_weights(graph):
    graph.initializer[0].raw_data = graph.initializer[0].raw_data[:-1]


def weights_held_twice(graph):
    graph.initializer[0].float_data.extend([1.0] * 4)


def weights_without_type(graph):
    graph.initializer[0].data_type = TensorProto.UNDEFINED


def weights_of_unknown_type(graph):
    graph.initializer[0].data_type = 99


def weights_of_text(graph):
    graph.initializer[0].CopyFrom(helper.make_tensor("C0_1", TensorProto.STRING, (2, 2), [b"a"] * 4))


def complex_weights(graph):
    graph.initializer[0].CopyFrom(numpy_helper.from_array(np.full((2, 2), 1j, np.complex64), "C0_1"))


MALFORMED = {
    add_input: "exactly one input",
    add_output: "exactly one input and one output",
    no_output: "exactly one input and one output",
    output_is_a_weight: "computed by no node",
    output_is_unknown: "computed by no node",
    no_shape: "no fixed shape",
    symbolic_shape: "no fixed shape",
    negative_shape: "no fixed shape",
    huge_shape: "too large",
    no_numbers: "no fixed shape",
    dangling_input: "node 'N1'.*'nowhere'",
    later_input: "node 'N0'.*'T1'",
    no_result: "node 'N1'",
    overwrite_input: "node 'N0'.*'X'",
    overwrite_weight: "node 'N0'.*'C0_2'",
    overwrite_tensor: "node 'N1'.*'T0'",
    second_output_overwrites: "node 'N1'.*'C0_2', which exists",
    two_outputs_of_one_name: "node 'N1'.*'T1', which exists",
    an_output_left_out: "node 'N1'.*left out",
    weight_twice: "'C0_1'",
    weight_not_finite(np.nan): "'C0_1'.*finite",
    weight_not_finite(np.inf): "'C0_1'.*finite",
    overflowing_product: "node 'N0'.*too large",
    underflowing_product: "node 'N0'.*too small",
    short_weights: "'C0_1'",
    weights_held_twice: "'C0_1'",
    weights_without_type: "'C0_1'",
    weights_of_unknown_type: "'C0_1'",
    weights_of_text: "'C0_1'",
    complex_weights: "'C0_1'",
}


class TestMalformed:
    @pytest.mark.parametrize(("change", "reason"), MALFORMED.items(), ids=[each.__name__ for each in MALFORMED])
    def test_it_is_refused_in_one_line(self, change, reason):
        with pytest.raises(InputError, match=f"^random.onnx: .*{reason}") as refusal:
            lower(model_of(change), "random.onnx")
        assert len(str(refusal.value).splitlines()) == 1

    def test_weights_that_are_also_inputs_are_weights(self):
        def change(graph):
            graph.input.append(helper.make_tensor_value_info("C0_1", TensorProto.FLOAT, (2, 2)))

        assert read(model_of(change)).input == "X"

    def test_a_model_without_an_operator_set(self):
        model = build((1, 2), [Layer("Relu")])
        del model.opset_import[:]
        with pytest.raises(InputError, match="node 'N0'"):
            read(model)

    def test_an_attribute_that_is_no_text(self):
        model = build(IMAGE, [Layer("Conv", (None, KERNEL), {"auto_pad": b"\xff"})])
        with pytest.raises(InputError, match=r"node 'N0'.*not a valid node"):
            read(model)
