"""Paths of another machine are told apart by what is not the same everywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundbench.places import Place, Places, place

ACAS = [(f"{net}-{prop}", place(f"onnx/net_{net}.onnx", f"vnnlib/prop_{prop}.vnnlib")) for net in "12" for prop in "12"]
NESTED = [(each, place("onnx/net.onnx", f"vnnlib/{each}/prop.vnnlib")) for each in ("medical", "ruarobot")]


@pytest.mark.parametrize(
    ("onnx", "vnnlib"),
    [
        ("onnx/net_2.onnx", "vnnlib/prop_1.vnnlib"),
        ("/home/ubuntu/benchmarks/acas/1.0/onnx/net_2.onnx", "/home/ubuntu/benchmarks/acas/1.0/vnnlib/prop_1.vnnlib"),
        ("acas/2.0/onnx/net_2.onnx.gz", "acas/2.0/vnnlib/prop_1.vnnlib.gz"),
        ("./onnx/net_2.onnx", "./vnnlib/prop_1.vnnlib"),
        (r"C:\acas\onnx\net_2.onnx", r"C:\acas\vnnlib\prop_1.vnnlib"),
        ("net_2.onnx", "prop_1.vnnlib"),
    ],
)
def test_where_the_benchmark_lies_does_not_matter(onnx, vnnlib):
    assert Places(ACAS).find(place(onnx, vnnlib)) == ["2-1"]


@pytest.mark.parametrize(
    ("onnx", "vnnlib"),
    [("onnx/net_3.onnx", "vnnlib/prop_1.vnnlib"), ("onnx/net_2.onnx", "vnnlib/prop_3.vnnlib"), ("", ""), ("/", "/")],
)
def test_what_is_not_there_is_not_found(onnx, vnnlib):
    assert Places(ACAS).find(place(onnx, vnnlib)) == []


def test_folders_tell_apart_what_files_do_not():
    places = Places(NESTED)
    assert places.find(place("/x/onnx/net.onnx", "/x/vnnlib/medical/prop.vnnlib")) == ["medical"]
    assert places.find(place("net.onnx", "ruarobot/prop.vnnlib")) == ["ruarobot"]
    assert places.find(place("net.onnx", "prop.vnnlib")) == ["medical", "ruarobot"]
    assert places.find(place("net.onnx", "other/prop.vnnlib")) == []


def test_of_two_that_end_a_path_the_longer_one_is_meant():
    places = Places([("short", place("net.onnx", "prop.vnnlib")), ("long", place("net.onnx", "deep/prop.vnnlib"))])
    assert places.find(place("a/net.onnx", "a/deep/prop.vnnlib")) == ["long"]
    assert places.find(place("a/net.onnx", "a/flat/prop.vnnlib")) == ["short"]


words = st.lists(st.sampled_from(["a", "b", "onnx", "1.0"]), max_size=3)


@given(words, words, words)
def test_a_place_is_found_below_any_folder(before, onnx, vnnlib):
    listed = ("/".join((*onnx, "net.onnx")), "/".join((*vnnlib, "prop.vnnlib")))
    places = Places([("it", place(*listed))])
    above = [*before, "benchmarks"]
    assert places.find(place(*("/".join((*above, each)) for each in listed))) == ["it"]


def test_places_are_parts_of_paths():
    assert place("/b/onnx/n.onnx.gz", "b/1.0/vnnlib/p.vnnlib") == Place(("b", "n"), ("b", "p"))
