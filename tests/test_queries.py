"""A suite's properties in VNN-LIB 2.0: there for every instance, saying what those in 1.0 say, or refused."""

import re
from dataclasses import replace

import onnx
import pytest
from planted import ARMED, CLEAN, CROWD_TWIN, TWIN, drop_queries, read, repair_hashes, rows, write
from small_networks import unsafe_set, write_network

from soundbench.certify import certify_suite
from soundbench.errors import CertificateError, InputError
from soundbench.ground_truth import Expected
from soundbench.instance import Instance
from soundbench.queries import check_query, write_queries
from soundbench.replay import open_onnx
from soundbench.suite import Row, load_suite
from soundbench.vnnlib import read_property, read_query


def query(folder, name):
    return folder / "vnnlib2" / f"{name}.vnnlib"


def certify(folder):
    return certify_suite(load_suite(folder), lambda _: None)


def refusal(folder):
    with pytest.raises(CertificateError) as error:
        certify(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_every_instance_of_a_generated_suite_has_one(tiny_suite):
    suite = load_suite(tiny_suite)
    assert {each.vnnlib2 for each in suite.instances} == set((tiny_suite / "vnnlib2").iterdir())
    assert len(suite.instances) == len(rows(tiny_suite))
    for each in suite.instances:
        assert each.vnnlib2 == query(tiny_suite, each.name)
        assert read_property(each.vnnlib2) == read_property(each.vnnlib)


def test_it_declares_the_network_as_it_is(tiny_suite):
    for name, (network, _) in rows(tiny_suite).items():
        graph = onnx.load(network).graph
        declared = read_query(query(tiny_suite, name)).interface
        for value, tensor in ((graph.input[0], declared.input), (graph.output[0], declared.output)):
            assert tensor.name == value.name
            assert tensor.element_type == "float32"
            assert tensor.shape == tuple(size.dim_value for size in value.type.tensor_type.shape.dim)


def test_a_suite_may_lack_them_all(suite_copy):
    drop_queries(suite_copy)
    suite = load_suite(suite_copy)
    assert {each.vnnlib2 for each in suite.instances} == {None}
    assert certify_suite(suite, lambda _: None)[Expected.VIOLATED] == 3


def test_one_that_is_missing_is_named(suite_copy):
    query(suite_copy, TWIN).unlink()
    with pytest.raises(InputError, match=f"no such file as 'vnnlib2/{TWIN}.vnnlib'"):
        load_suite(suite_copy)
    manifest = read(suite_copy, "suite.json")
    del manifest["files"][f"vnnlib2/{TWIN}.vnnlib"]
    write(suite_copy, "suite.json", manifest)
    with pytest.raises(InputError, match=rf"vnnlib2: vnnlib2/{TWIN}\.vnnlib is not among the files of suite\.json"):
        load_suite(suite_copy)


def test_one_that_the_manifest_does_not_vouch_for_is_refused(suite_copy):
    manifest = read(suite_copy, "suite.json")
    del manifest["files"][f"vnnlib2/{CLEAN}.vnnlib"]
    write(suite_copy, "suite.json", manifest)
    with pytest.raises(InputError, match=f"{CLEAN}.vnnlib is not among the files"):
        load_suite(suite_copy)


def test_one_that_cannot_be_read_is_named(suite_copy):
    query(suite_copy, ARMED).write_text("(vnnlib-version <2.0>)\n(declare-network f)\n")
    repair_hashes(suite_copy)
    with pytest.raises(InputError, match=rf"vnnlib2/{ARMED}\.vnnlib:2: "):
        certify(suite_copy)


def renamed(first, second):
    """An edit that exchanges two names throughout."""

    def edit(text):
        return text.replace(first, "?").replace(second, first).replace("?", second)

    return edit


DIFFERENT = {
    # By one digit at the 50th place or so: no float32 or float64 would tell.
    "a bound moved": lambda text: re.sub(r"(\(>= x\[0,3\] [-0-9.]+)", rf"\g<1>{'0' * 30}1", text),
    "a bound opened": lambda text: text.replace("(>= x[0,3] ", "(> x[0,3] "),
    "a constraint made strict": lambda text: text.replace("(<= logits", "(< logits"),
    "inputs exchanged": renamed("x[0,0]", "x[0,1]"),
    "outputs exchanged": renamed("logits[0,0]", "logits[0,1]"),
    "one more region": lambda text: re.sub(r"\(<= logits.*?\)", r"(or \g<0> (<= logits[0,0] -9.0))", text),
    "one more constraint": lambda text: re.sub(r"\(<= logits.*?\)", r"(and \g<0> (<= logits[0,0] 9.0))", text),
}


@pytest.mark.parametrize("edit", DIFFERENT.values(), ids=DIFFERENT.keys())
@pytest.mark.parametrize("name", [ARMED, TWIN, CLEAN])
def test_one_that_says_something_else_is_refused(suite_copy, edit, name):
    path = query(suite_copy, name)
    text = path.read_text()
    path.write_text(edit(text))
    assert path.read_text() != text
    repair_hashes(suite_copy)
    assert refusal(suite_copy) == f"{name}: its property in VNN-LIB 2.0 is another than that in 1.0, region by region"


def test_exchanged_ones_are_refused(suite_copy):
    paths = query(suite_copy, ARMED), query(suite_copy, CROWD_TWIN)
    texts = [path.read_text() for path in paths]
    for path, text in zip(paths, reversed(texts), strict=True):
        path.write_text(text)
    repair_hashes(suite_copy)
    assert refusal(suite_copy).startswith(f"{ARMED}: its property in VNN-LIB 2.0 is another")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("[1,10]", "[2,5]", "the input float32 [1, 10], its VNN-LIB 2.0 declares float32 [2, 5]"),
        ("[1,10]", "[10]", "the input float32 [1, 10], its VNN-LIB 2.0 declares float32 [10]"),
        ("[1,2]", "[1,3]", "the output float32 [1, 2], its VNN-LIB 2.0 declares float32 [1, 3]"),
        ("x float32", "x float64", "the input float32 [1, 10], its VNN-LIB 2.0 declares float64 [1, 10]"),
        ("logits float32", "logits real", "the output float32 [1, 2], its VNN-LIB 2.0 declares real [1, 2]"),
    ],
)
def test_one_of_another_network_is_refused(suite_copy, old, new, reason):
    text = query(suite_copy, TWIN).read_text().replace(old, new)
    if new == "[10]":
        text = text.replace("x[0,", "x[")
    if new == "[2,5]":
        text = re.sub(r"x\[0,(\d)\]", lambda match: f"x[{int(match[1]) // 5},{int(match[1]) % 5}]", text)
    query(suite_copy, TWIN).write_text(text)
    repair_hashes(suite_copy)
    assert refusal(suite_copy) == f"{TWIN}: its network has {reason}"


def test_names_and_layout_are_free(suite_copy):
    path = query(suite_copy, TWIN)
    text = path.read_text().replace("logits", "Y").replace("x[", "image[").replace("x float", "image float")
    path.write_text(
        text.replace("(vnnlib-version", "; of two tensors\n(vnnlib-version").replace("))\n(assert (", "))(assert (")
    )
    repair_hashes(suite_copy)
    assert certify(suite_copy)[Expected.VIOLATED] == 3


TWO = unsafe_set(1, 2, "(>= X_0 0.0)", "(<= X_0 1.0)", "(or (<= Y_0 1.0) (<= Y_1 2.0))")


def test_the_order_of_regions_counts(tmp_path):
    network = write_network(tmp_path / "network.onnx", [[1.0], [-1.0]])
    write_queries(tmp_path, [Row("network.onnx", "one.vnnlib", 1.0)], {"one": TWO})
    instance = Instance("one", network, tmp_path / "one.vnnlib", 1.0, vnnlib2=query(tmp_path, "one"))
    interface = open_onnx(network).interface()
    check_query(instance, TWO, interface)
    with pytest.raises(CertificateError, match="region by region"):
        check_query(instance, replace(TWO, regions=TWO.regions[::-1]), interface)


def test_a_property_that_cannot_be_written_is_named(tmp_path):
    write_network(tmp_path / "network.onnx", [[1.0], [-1.0]])
    large = unsafe_set(1, 2, "(>= X_0 0.0)", "(<= X_0 1e309)", "(<= Y_0 1.0)")
    with pytest.raises(InputError, match=r"one\.vnnlib: cannot be written in VNN-LIB 2\.0: a number is too large"):
        write_queries(tmp_path, [Row("network.onnx", "one.vnnlib", 1.0)], {"one": large})
