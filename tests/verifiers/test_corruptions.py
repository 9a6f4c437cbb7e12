"""What goes into a verifier, or comes out of it, is corrupted as said, and in no other way."""

import shutil
import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
import onnx
import pytest
from fake_verifiers import SaysVerified, Scripted, scripted, writes
from hypothesis import given
from hypothesis import strategies as st
from onnx import numpy_helper
from onnx_layers import Layer, build
from small_networks import write_network
from small_suite import GROUND_TRUTH, small_suite
from soundbench.verifiers.corrupted import Corrupted
from soundbench.verifiers.corruption_panel import TryCorruptions, touches, try_corruptions
from soundbench.verifiers.corruptions import CORRUPTIONS, box_shrunk, corruption_of, corruptions_named
from test_evaluate import Honest
from test_vnnlib_laws import PROPERTIES

from soundbench.claim import Claim
from soundbench.errors import InputError
from soundbench.instance import Instance, Property
from soundbench.power import measure_power
from soundbench.registry import resolve
from soundbench.replay import open_onnx
from soundbench.standing import Standing
from soundbench.trial import Suspect, every_strength, suspects_of
from soundbench.verifier import Task
from soundbench.vnnlib import read_property
from soundbench.vnnlib_writing import format_property, format_query

PADDED = build(
    (1, 1, 4, 4),
    [
        Layer("Conv", (None, np.ones((1, 1, 3, 3), np.float32), np.array([0.5], np.float32)), {"pads": [1, 0, 1, 2]}),
        Layer("AveragePool", (None,), {"kernel_shape": [2, 2]}),
        Layer("Flatten"),
        Layer("Gemm", (None, np.ones((9, 2), np.float32), np.array([1.0, 0.0], np.float32))),
    ],
)


def corrupted(name: str, strength: float = 1.0, verifier: Scripted | None = None) -> Corrupted:
    (corruption,) = corruptions_named([name])
    return corruption.put_in(verifier or Honest(), strength)


@pytest.fixture
def given_to(tmp_path):
    """What the verifier gets in place of an instance's files: the network and the property."""

    def given_to(corrupted: Corrupted, instance: Instance) -> tuple[onnx.ModelProto, Property]:
        folder = tmp_path / "task"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        task = Task(folder, folder / "n.onnx", folder / "p.vnnlib", folder / "r.txt", 20.0)
        shutil.copy(instance.onnx, task.onnx)
        shutil.copy(instance.vnnlib, task.vnnlib)
        before = instance.onnx.read_bytes(), instance.vnnlib.read_bytes()
        assert corrupted.preparation(task) is None
        assert (instance.onnx.read_bytes(), instance.vnnlib.read_bytes()) == before
        is_changed = (task.onnx.read_bytes(), task.vnnlib.read_bytes()) != before
        assert is_changed == corrupted.touches(instance, Claim.FALSIFIED)
        return onnx.load(task.onnx), read_property(task.vnnlib)

    return given_to


@pytest.fixture
def small(tmp_path):
    return small_suite(tmp_path / "suite")


@pytest.fixture
def padded(tmp_path, small):
    path = tmp_path / "padded.onnx"
    onnx.save(PADDED, path)
    return replace(small.instances[0], onnx=path)


def two_regions(instance: Instance, text: str | None = None) -> Property:
    """Give the instance's property a second disjunct, of a box with a fixed input."""
    one = read_property(instance.vnnlib)
    (region,) = one.regions
    fixed = replace(region, inputs=(replace(region.inputs[0], upper=region.inputs[0].lower),))
    unsafe = replace(one, regions=(region, fixed))
    instance.vnnlib.write_text(text or format_property(unsafe))
    return unsafe


def test_a_box_is_shrunk_about_its_middle(given_to, small):
    unsafe = two_regions(small.instances[0])
    _, changed = given_to(corrupted("box-shrunk", 0.25), small.instances[0])
    (shrunk,), (fixed,) = (region.inputs for region in changed.regions)
    assert (shrunk.lower, shrunk.upper) == (Fraction(1, 8), Fraction(7, 8))
    assert fixed == unsafe.regions[1].inputs[0]
    assert [region.outputs for region in changed.regions] == [region.outputs for region in unsafe.regions]


@given(unsafe=PROPERTIES, share=st.sampled_from([0.1, 0.01, 0.001]))
def test_a_shrunk_box_lies_in_the_box_and_is_not_empty(unsafe, share):
    changed = box_shrunk(Scripted(), share)._change(unsafe) or unsafe
    for region, other in zip(unsafe.regions, changed.regions, strict=True):
        assert other.outputs == region.outputs
        for each, shrunk in zip(region.inputs, other.inputs, strict=True):
            assert each.lower <= shrunk.lower <= shrunk.upper <= each.upper
            assert not shrunk.is_empty


def test_the_last_disjunct_is_lost(given_to, small):
    instance = small.instances[0]
    dropping = corrupted("disjunct-dropped")
    assert given_to(dropping, instance)[1] == read_property(instance.vnnlib)
    unsafe = two_regions(instance)
    assert given_to(dropping, instance)[1].regions == unsafe.regions[:1]


def test_vnnlib_2_stays_vnnlib_2(given_to, small, tmp_path):
    instance = small.instances[0]
    unsafe = two_regions(instance)
    instance.vnnlib.write_text(format_query(unsafe, open_onnx(instance.onnx).interface()))
    assert given_to(corrupted("disjunct-dropped"), instance)[1].regions == unsafe.regions[:1]
    assert (tmp_path / "task" / "p.vnnlib").read_text().startswith("(vnnlib-version <2.0>)")


def test_padding_goes_behind_the_image_whose_size_stays(given_to, padded, tmp_path):
    changed, _ = given_to(corrupted("padding-behind"), padded)
    (pads,) = (each.ints for each in changed.graph.node[0].attribute if each.name == "pads")
    assert list(pads) == [0, 0, 2, 2]
    changed.graph.node[0].attribute[0].CopyFrom(PADDED.graph.node[0].attribute[0])
    assert changed == PADDED
    before, after = (open_onnx(path).run(range(16)) for path in (padded.onnx, tmp_path / "task" / "n.onnx"))
    assert len(before) == len(after)
    assert before != after


def test_a_share_of_every_bias_is_lost_and_of_nothing_else(given_to, padded):
    changed, _ = given_to(corrupted("bias-shifted", 0.5), padded)
    before, after = (
        {each.name: numpy_helper.to_array(each) for each in model.graph.initializer} for model in (PADDED, changed)
    )
    assert after.keys() == before.keys()
    for name, array in before.items():
        np.testing.assert_array_equal(after[name], array * (0.5 if name in ("C0_2", "C3_2") else 1))


def test_what_is_added_to_a_product_is_a_bias(given_to, small, tmp_path):
    path = write_network(tmp_path / "shifted.onnx", [[1.0], [-1.0]], shift=[2.0])
    changed, _ = given_to(corrupted("bias-shifted", 0.5), replace(small.instances[0], onnx=path))
    arrays = {each.name: numpy_helper.to_array(each) for each in changed.graph.initializer}
    assert arrays["C0"].tolist() == [1.0, 1.0]
    assert arrays["W"].tolist() == [[1.0, -1.0]]


@pytest.mark.parametrize("name", ["padding-behind", "bias-shifted", "disjunct-dropped"])
def test_what_has_nothing_to_corrupt_is_left(given_to, small, name):
    for instance in small.instances:
        network, unsafe = given_to(corrupted(name, 0.5), instance)
        assert network == onnx.load(instance.onnx)
        assert unsafe == read_property(instance.vnnlib)


@pytest.mark.parametrize(("name", "word"), [("timeout-is-verified", "timeout"), ("unknown-is-verified", "unknown")])
def test_one_claim_is_taken_for_verified(small, name, word):
    for said in Claim:
        raw = {Claim.VERIFIED: "unsat", Claim.FALSIFIED: "sat"}.get(said, said.value)
        verifier = scripted(writes(f"{raw}\n"))
        execution = corrupted(name, verifier=verifier).answer(small.instances[0])
        assert execution.answer.claim is (Claim.VERIFIED if said == word else said)
        assert corrupted(name).touches(small.instances[0], said) == (said == word)


def test_a_tool_that_is_stopped_has_said_nothing(small):
    late = scripted("import time\n" + writes("timeout\n") + "time.sleep(60)\n")
    execution = corrupted("timeout-is-verified", verifier=late).answer(small.instances[0], timeout_seconds=0.5)
    assert execution.answer.claim is Claim.TIMEOUT


def test_a_verifier_is_run_as_it_would_be():
    for corruption in CORRUPTIONS:
        verifier = SaysVerified()
        around = corruption.put_in(verifier, corruption.strengths[0])
        assert around.needs is verifier.needs
        assert around.version() == verifier.version()
        assert around.is_installed()


def test_a_box_that_is_shrunk_too_much_is_caught_and_weaker_ones_are_not_run_in_vain(small):
    """The fake finds what is violated by the upper end of the box alone; it is violated from 0.5 on."""
    near = replace(small.instances[0])
    near.vnnlib.write_text(near.vnnlib.read_text().replace("(<= X_0 1)", "(<= X_0 0.52)"))
    corruptions = corruptions_named(["box-shrunk", "unknown-is-verified"])
    tried = [try_corruptions(each, Honest(), corruptions) for each in small.instances]
    assert [each.strength for each in tried[0].replies] == [0.1, 0.03]
    everyone = [Suspect(each.name, strength) for each in corruptions for strength in each.strengths]
    assert everyone == list(suspects_of(corruptions, CORRUPTIONS))
    power = measure_power(GROUND_TRUTH, tried, everyone)
    assert power.by_fault()["box-shrunk"][0].caught == ("armed",)
    assert power.by_fault()["unknown-is-verified"][0].standing is Standing.NOT_EXERCISED


@pytest.mark.parametrize("word", ["error", "unsupported"])
def test_what_it_cannot_read_it_is_not_asked_again(small, word):
    trial = try_corruptions(small.instances[0], scripted(writes(f"{word}\n")), CORRUPTIONS)
    assert (trial.sound.claim, trial.replies) == (Claim(word), {})


def test_a_task_tells_the_trial_of_each_instance(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", list(sys.path))
    told = []
    TryCorruptions(small.instances, "fake_verifiers:SaysVerified", ("box-shrunk",), 20.0)(told.append)
    assert [each.instance for each in told] == ["armed", "twin", "clean"]
    assert {each.sound.claim for each in told} == {Claim.VERIFIED}


def test_corruptions_are_found_by_name():
    assert corruptions_named(["bias-shifted", "all"]) == CORRUPTIONS
    assert [each.name for each in corruptions_named(["bias-shifted"] * 2)] == ["bias-shifted"]
    with pytest.raises(InputError, match=r"no corruption 'nonsense'; there are box-shrunk, "):
        corruptions_named(["nonsense"])
    for each in CORRUPTIONS:
        assert each.summary.endswith(".")
        assert list(each.strengths) == sorted(each.strengths, reverse=True)


@pytest.mark.verifier
def test_marabou_is_caught_where_it_is_given_less_than_there_is(small):
    """Violated is the last disjunct, from 0.5 on, and the box ends a little above that."""
    marabou = resolve("marabou")
    if not marabou.is_installed():
        marabou.install()
    for each in small.instances:
        text = each.vnnlib.read_text().replace("(<= X_0 1)", "(<= X_0 0.52)")
        each.vnnlib.write_text(text.replace("(>= Y_0 0.5)", "(or (and (>= Y_1 5)) (and (>= Y_0 0.5)))"))
    corruptions = corruptions_named(["all"])
    tried = [try_corruptions(each, marabou, corruptions) for each in small.instances]
    assert [each.sound.claim for each in tried] == [Claim.FALSIFIED, Claim.VERIFIED, Claim.VERIFIED]
    everyone = [Suspect(each.name, each.strengths[0]) for each in corruptions]
    power = measure_power(GROUND_TRUTH, tried, everyone)
    caught = {each.suspect.fault for each in power.measured if each.caught == ("armed",)}
    assert caught == {"box-shrunk", "disjunct-dropped"}


def test_a_strength_can_be_named():
    assert corruption_of("bias-shifted@0.03").strengths == (0.03,)
    assert corruptions_named(["bias-shifted@3e-2", "box-shrunk"])[0].strengths == (0.03,)
    assert corruptions_named(["bias-shifted@0.03", "all"]) == CORRUPTIONS


@pytest.mark.parametrize("words", ["bias-shifted@0.05", "bias-shifted@much", "bias-shifted@"])
def test_a_strength_that_there_is_not_lists_those_that_there_are(words):
    with pytest.raises(InputError, match=r"bias-shifted has no strength .*; it has 0\.1, 0\.03, .* of the bias"):
        corruption_of(words)


def test_every_strength_is_run_if_each_is_named(small):
    """The fake answers alike in a box that is a little smaller; where no strength needs to be run, each is."""
    words = every_strength(corruptions_named(["box-shrunk"]))
    for asked, run in ((("box-shrunk",), 1), (words, 4)):
        told: list = []
        TryCorruptions(small.instances[:1], "test_evaluate:Honest", asked, 20.0)(told.append)
        assert len(told[0].replies) == run


def test_only_statuses_that_are_read_otherwise_may_be_crude():
    assert {each.name for each in CORRUPTIONS if each.misreads_status} == {"timeout-is-verified", "unknown-is-verified"}


def test_an_instance_is_touched_if_one_of_the_corruptions_can_make_a_difference(small):
    instance = small.instances[0]
    assert not touches(instance, Honest(), ("padding-behind", "disjunct-dropped"))
    assert touches(instance, Honest(), ("padding-behind", "box-shrunk@0.01"))
    assert touches(instance, Honest(), ("unknown-is-verified",))
