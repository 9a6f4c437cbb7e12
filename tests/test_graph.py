"""A network is read from a good file, and from no other; float64 evaluation is what its steps say."""

import gzip
import itertools

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from random_networks import Layer, build, random_attention, random_mixture, random_network, read

from soundbench.errors import InputError
from soundbench.graph import Function, apply_float64, evaluate_float64, load_onnx, read_graph
from soundbench.operators import OPERATORS

EYE = np.eye(2, dtype=np.float32)
SMALL = build((1, 2), [Layer("Gemm", (None, EYE, np.ones(2, np.float32))), Layer("Relu")])


def covering() -> list[bytes]:
    """Networks that have every operator between them."""
    found, left, seeds = [], set(OPERATORS), itertools.count()
    while left:
        model = random_mixture(np.random.default_rng(next(seeds)))
        operators = {node.op_type for node in model.graph.node}
        found += [model.SerializeToString()] if operators & left else []
        left -= operators
    return found


# Initializers and Constant nodes, images and rows.
FUZZED = [
    make(np.random.default_rng(seed)).SerializeToString()
    for make, count in ((random_network, 12), (random_attention, 6))
    for seed in range(count)
] + covering()


def accepts(path, content: bytes) -> bool:
    """Whether a file of this content is read; if not, the refusal is one line that names the file."""
    path.write_bytes(content)
    try:
        read_graph(path)
    except InputError as refusal:
        message = str(refusal)
    else:
        return True
    assert message.startswith(f"{path}: ")
    assert len(message.splitlines()) == 1
    return False


def flipped(content: bytes, random: np.random.Generator, first: int = 0) -> bytes:
    """The content with one to three bits flipped, none before byte `first`."""
    changed = bytearray(content)
    for _ in range(int(random.integers(1, 4))):
        changed[int(random.integers(first, len(changed)))] ^= 1 << int(random.integers(8))
    return bytes(changed)


class TestFiles:
    @pytest.mark.parametrize("pack", [bytes, gzip.compress])
    def test_a_good_file_is_read(self, tmp_path, pack):
        path = tmp_path / "n.onnx"
        path.write_bytes(pack(SMALL.SerializeToString()))
        graph = read_graph(path)
        assert (graph.input_shape, graph.input_count, graph.output_count) == ((1, 2), 2, 2)

    def test_a_missing_file(self, tmp_path):
        with pytest.raises(InputError, match=r"n\.onnx: no such file"):
            read_graph(tmp_path / "n.onnx")

    def test_a_folder(self, tmp_path):
        with pytest.raises(InputError, match="Is a directory; give a file that can be read"):
            read_graph(tmp_path)

    @pytest.mark.parametrize(
        "content", [b"", b"\x1f\x8b", gzip.compress(b"", mtime=0), b"(declare-const X_0 Real)", b"\x80\x04K."]
    )
    def test_a_file_of_something_else(self, tmp_path, content):
        assert not accepts(tmp_path / "n.onnx", content)

    @pytest.mark.parametrize("constant_nodes", [False, True])
    def test_weights_in_other_files(self, tmp_path, constant_nodes):
        model = build((1, 2), [Layer("MatMul", (None, EYE))], constant_nodes=constant_nodes)
        tensor = model.graph.node[0].attribute[0].t if constant_nodes else model.graph.initializer[0]
        tensor.data_location = TensorProto.EXTERNAL
        tensor.ClearField("raw_data")
        tensor.external_data.add(key="location", value="/etc/hostname")
        path = tmp_path / "n.onnx"
        path.write_bytes(model.SerializeToString())
        for reader in (load_onnx, read_graph):
            with pytest.raises(InputError, match="lie in other files"):
                reader(path)

    @pytest.mark.parametrize("pack", [bytes, gzip.compress])
    def test_a_truncated_file_is_refused_or_whole(self, tmp_path, pack):
        content = pack(SMALL.SerializeToString())
        # Only the operator set comes after the graph, and without it no node means anything.
        assert not any(accepts(tmp_path / "n.onnx", content[:size]) for size in range(len(content)))

    @pytest.mark.parametrize("content", FUZZED)
    def test_flipped_bits_raise_nothing_else(self, tmp_path, content):
        random = np.random.default_rng(0)
        found = [accepts(tmp_path / "n.onnx", flipped(content, random)) for _ in range(150)]
        assert not all(found)

    def test_flipped_bits_of_a_gzipped_file_raise_nothing_else(self, tmp_path):
        random = np.random.default_rng(1)
        content = gzip.compress(FUZZED[0])
        found = [accepts(tmp_path / "n.onnx", flipped(content, random, first=2)) for _ in range(300)]
        assert not all(found)

    @pytest.mark.parametrize("pack", [bytes, gzip.compress])
    def test_there_is_a_limit_to_what_comes_out(self, tmp_path, monkeypatch, pack):
        monkeypatch.setattr("soundbench.graph.LARGEST_NETWORK", 100)
        path = tmp_path / "n.onnx"
        path.write_bytes(pack(SMALL.SerializeToString()))
        with pytest.raises(InputError, match=r"n\.onnx: holds more than 100 bytes"):
            read_graph(path)


class TestGraph:
    LAYERS = (Layer("Relu"), Layer("Add", (None, "X")), Layer("Tanh"))

    def test_up_to_a_tensor_is_the_part_that_computes_it(self):
        graph = read(build((1, 2), self.LAYERS))
        part = graph.up_to("T1")
        assert [step.output for step in part.steps] == ["T0", "T1"]
        points = np.array([[-1.0, 2.0]])
        assert part.output == "T1"
        assert (evaluate_float64(part, points)["T1"] == evaluate_float64(graph, points)["T1"]).all()

    def test_up_to_the_input_is_nothing(self):
        part = read(build((1, 2), self.LAYERS)).up_to("X")
        assert (part.steps, part.output, part.output_count) == ((), "X", 2)

    def test_points_are_evaluated_row_by_row(self):
        graph = read(build((1, 2), self.LAYERS))
        values = evaluate_float64(graph, np.array([[-1.0, 2.0], [3.0, -4.0]]))
        assert values["T0"].tolist() == [[0.0, 2.0], [3.0, 0.0]]
        assert values["T1"].tolist() == [[-1.0, 4.0], [6.0, -4.0]]

    @pytest.mark.parametrize("function", Function)
    def test_far_out_functions_are_at_their_limits(self, function):
        values = apply_float64(function, np.array([-1e300, 0.0, 1e300]))
        limits = {Function.RELU: [0, 0, 1e300], Function.TANH: [-1, 0, 1], Function.SIGMOID: [0, 0.5, 1]}
        assert values.tolist() == limits[function]

    def test_the_networks_that_are_fuzzed_are_good(self, tmp_path):
        assert all(accepts(tmp_path / "n.onnx", content) for content in FUZZED)
        nodes = [node for content in FUZZED for node in onnx.ModelProto.FromString(content).graph.node]
        assert {node.op_type for node in nodes} == {"Constant", *OPERATORS}
