"""Every operator means what ONNX Runtime computes; whatever has no exact meaning is refused in one line."""

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

    @pytest.mark.parametrize("counted", [0, 1])
    def test_a_dilated_pool(self, counted):
        window = {"kernel_shape": [2, 3], "dilations": [2, 1], "pads": [1, 0, 1, 2], "strides": [1, 2]}
        layer = Layer("AveragePool", (None,), window | {"count_include_pad": counted})
        check_against_onnxruntime(build((1, 2, 4, 5), [layer], opset=19), np.random.default_rng(0))

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
    "Gemm, A transposed": ((1, 2), Layer("Gemm", (None, EYE), {"transA": 1}), "not transposed"),
    "Gemm, A of two rows": ((2, 2), Layer("Gemm", (None, EYE)), "row of shape"),
    "Gemm, A an image": ((1, 1, 2, 2), Layer("Gemm", (None, EYE)), "row of shape"),
    "Gemm, A a constant": ((1, 2), Layer("Gemm", (EYE, None)), "input 0 is a constant"),
    "Gemm, B a tensor": ((1, 2), Layer("Gemm", (None, None)), "input 1 is not a constant"),
    "Gemm, C a tensor": ((1, 2), Layer("Gemm", (None, EYE, None)), "input 2 is not a constant"),
    "Gemm, B a number": ((1, 2), Layer("Gemm", (None, np.float32(1))), "B must"),
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
    "Sub of two tensors": ((1, 2), Layer("Sub", (None, None)), "one operand must"),
    "Sub of two constants": ((1, 2), Layer("Sub", (EYE, EYE)), "one operand must"),
    "Sub that enlarges": ((1, 2), Layer("Sub", (None, EYE)), "enlarge"),
    "Mul of two tensors": ((1, 2), Layer("Mul", (None, None)), "one operand must"),
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

    def test_the_second_shape_of_an_addition(self):
        layers = [Layer("Flatten", (None,), {"axis": 0}), Layer("Add", (None, "X"))]
        with pytest.raises(UnsupportedOperator, match="adding shapes"):
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
