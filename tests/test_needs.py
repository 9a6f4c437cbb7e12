import pytest
from fake_verifiers import Scripted
from small_suite import small_suite

from soundbench.errors import InputError
from soundbench.needs import Needs, Resources
from soundbench.option import Option
from soundbench.registry import resolve
from soundbench.run import identify
from soundbench.verifier import Selection

GIB = 2**30


class Hungry(Scripted):
    name = "hungry"
    options = (Option("colour", "red", "whatever"),)
    needs = Needs(cores=2, memory=3.5, gpus=1)


class Own(Scripted):
    """Has an option that others have as a need."""

    name = "own"
    options = (Option("memory", 7, "its own"),)


def made(kind, **given):
    return kind(Selection(kind.name, options=given))


def test_a_class_declares_what_it_needs_and_the_user_goes_before():
    assert made(Scripted).needs == Needs(1, 0.0, 0)
    assert made(Hungry).needs == Needs(2, 3.5, 1)
    assert made(Hungry, memory="8", gpus="0", colour="blue").needs == Needs(2, 8.0, 0)
    assert dict(made(Hungry, memory="8", colour="blue").settings) == {"colour": "blue"}


def test_an_option_of_a_verifiers_own_is_not_taken_for_a_need():
    own = made(Own, memory="9")
    assert (own.settings["memory"], own.needs) == (9, Needs())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"cores": "0"}, "option hungry.cores: a task needs 1 core at least, not 0"),
        ({"gpus": "-1"}, "option hungry.gpus: a task cannot need -1 GPUs"),
        ({"memory": "-1"}, "option hungry.memory: a task cannot need -1.0 GiB"),
        ({"memory": "nan"}, "cannot need nan GiB"),
        ({"memory": "inf"}, "cannot need inf GiB"),
        ({"memory": "1e308"}, "cannot need 1e.308 GiB"),
        ({"cores": "1.5"}, "'1.5' is not a whole number"),
    ],
)
def test_needs_that_no_task_can_have(given, words):
    with pytest.raises(InputError, match=words):
        made(Hungry, **given)


def test_a_limit_goes_before_a_need_which_goes_before_a_share():
    assert Needs(2, 3.5, 1).resources(None, GIB) == Resources(1, int(3.5 * GIB), 2)
    assert Needs(2, 3.5, 1).resources(GIB, GIB) == Resources(1, GIB, 2)
    assert Needs(2).resources(None, GIB) == Resources(0, 2 * GIB, 2)


def test_needs_that_the_user_sets_are_part_of_what_a_run_is(tmp_path):
    suite = small_suite(tmp_path)
    (plain,) = identify(suite, [made(Hungry)], None, None).verifiers
    (changed,) = identify(suite, [made(Hungry, memory="8")], None, None).verifiers
    assert plain["settings"] == {"colour": "red"}
    assert changed["settings"] == {"colour": "red", "memory": 8.0}


def test_alpha_beta_crown_needs_a_gpu_to_compute_on_one(tmp_path):
    program = tmp_path / "complete_verifier" / "abcrown.py"
    program.parent.mkdir()
    program.touch()
    found = [
        resolve(f"abcrown_act:{tmp_path}", {"abcrown_act": {"device": device}}).needs.gpus for device in ("cpu", "cuda")
    ]
    assert found == [0, 1]
