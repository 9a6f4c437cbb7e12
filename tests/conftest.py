"""Fixtures that several test modules share."""

import shutil
import signal

import pytest
from planted import make_suite

from soundbench.instance import Instance

# A shell starts background jobs deaf to Ctrl-C, and what the tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def tiny_suite(tmp_path_factory):
    """The folder of a small planted suite, made once; nobody may change it."""
    return make_suite(tmp_path_factory.mktemp("planted"), "tiny")


@pytest.fixture
def suite_copy(tiny_suite, tmp_path):
    """A copy of the small suite to alter."""
    return shutil.copytree(tiny_suite, tmp_path / "suite")


@pytest.fixture
def instance(tmp_path):
    """An instance whose files hold their own names, for tools that only pass them on."""
    for name in ("a.onnx", "a.vnnlib"):
        (tmp_path / name).write_text(name)
    return Instance("a", tmp_path / "a.onnx", tmp_path / "a.vnnlib", 20.0)
