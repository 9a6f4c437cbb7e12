"""What a node of a cluster does, without a cluster: it needs only what it is sent."""

import gzip
from dataclasses import replace
from pathlib import Path

import pytest
from fake_verifiers import Scripted
from small_suite import small_suite

from soundbench import __version__
from soundbench.claim import Claim
from soundbench.cluster_node import Question, Sent, answer, fault
from soundbench.registry import resolve


class Raises(Scripted):
    name = "raises"

    def version(self):
        raise OSError("it is gone")


class Reads(Scripted):
    """Claims what the property's first letters ask for, if the network is there."""

    name = "reads"
    script = """
word = open(vnnlib).read().split()[0]
open(result, 'w').write(word if open(onnx).read() else 'unknown')
"""


class ShowsGpus(Scripted):
    name = "shows-gpus"
    script = "print(os.environ.get('CUDA_VISIBLE_DEVICES'))\nopen(result, 'w').write('unknown')\n"


def sent(label, options=None):
    verifier = resolve(label, options)
    return Sent.of(verifier)


def question(sent, gpus=0):
    return Question(sent, __version__, timeout_seconds=20.0, cpu_seconds=None, memory_bytes=1 << 30, gpus=gpus)


@pytest.fixture(autouse=True)
def back(monkeypatch):
    """A node goes to the sender's folder; the tests come back from it."""
    monkeypatch.chdir(Path.cwd())


def test_a_node_that_has_the_verifier_has_no_fault():
    assert fault(sent("fake_verifiers:Scripted"), __version__) is None


@pytest.mark.parametrize(
    ("change", "version", "words"),
    [
        ({}, "0.0", f"it has soundbench {__version__}, and the command that was started is 0.0"),
        ({"label": "fake_verifiers:Missing"}, __version__, "is not installed there; run there: soundbench verifiers"),
        ({"label": "no_such_module:Mine"}, __version__, "no module named 'no_such_module'"),
        ({"label": "test_cluster_node:Raises"}, __version__, "cannot be used there: OSError: it is gone"),
        ({"version": "2"}, __version__, "fake_verifiers:Scripted is 1 there, and 2 where the command was started"),
        ({"options": {"colour": "red"}}, __version__, "has no option colour"),
    ],
)
def test_the_faults_of_a_node_are_told(change, version, words):
    found = fault(replace(sent("fake_verifiers:Scripted"), **change), version)
    assert words in found
    assert "\n" not in found


def test_relative_paths_are_the_senders(tmp_path, monkeypatch):
    scripts = tmp_path / "tool"
    scripts.mkdir()
    for name in ("install_tool.sh", "prepare_instance.sh", "run_instance.sh"):
        (scripts / name).touch()
    monkeypatch.chdir(tmp_path)
    there = sent("vnncomp:tool")
    monkeypatch.chdir("/")
    assert fault(there, __version__) is None
    monkeypatch.chdir("/")
    assert "tool/install_tool.sh: no such script" in fault(replace(there, folder="/nowhere"), __version__)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_task_gets_the_files_contents(pack):
    execution = answer(question(sent("test_cluster_node:Reads")), pack(b"network"), pack(b"unsat rest"))
    assert execution.answer.claim is Claim.VERIFIED


def test_nothing_is_left_of_the_files():
    before = len(list(Path("/proc/self/fd").iterdir()))
    answer(question(sent("fake_verifiers:Scripted")), b"network", b"property")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_who_needs_gpus_gets_those_that_the_node_gives(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    assert answer(question(sent("test_cluster_node:ShowsGpus"), gpus=1), b"n", b"p").log == "3\n"


def test_settings_are_sent():
    there = sent("fake_verifiers:Slow", {"slow": {"seconds": "0.5"}})
    assert there.resolve().settings == {"seconds": 0.5}


def test_answers_do_not_depend_on_the_way(tmp_path):
    instance = small_suite(tmp_path).instances[0]
    here = resolve("test_evaluate:Honest").answer(instance)
    there = answer(question(sent("test_evaluate:Honest")), instance.onnx.read_bytes(), instance.vnnlib.read_bytes())
    assert (there.answer, there.log) == (here.answer, here.log)
