from dataclasses import replace

import pytest
from small_suite import small_suite

from soundbench import readable
from soundbench.errors import InputError
from soundbench.instance import VariantKind
from soundbench.readable import Readable


@pytest.fixture
def instances(tmp_path):
    return small_suite(tmp_path).instances


def test_each_is_checked_once(instances, monkeypatch):
    opened = []
    real = readable.open_onnx
    monkeypatch.setattr("soundbench.readable.open_onnx", lambda path: opened.append(path) or real(path))
    check = Readable()
    check.check_first(instances)
    for instance in instances:
        check.check(instance)
        instance.vnnlib.write_text("(assert")
        check.check(instance)
    assert opened == [instances[0].onnx]


def test_only_the_first_of_many_are_checked_at_once(instances, monkeypatch):
    monkeypatch.setattr("soundbench.readable._AT_ONCE", 2)
    instances[2].vnnlib.write_text("(assert")
    check = Readable()
    check.check_first(instances)
    with pytest.raises(InputError, match=r"clean\.vnnlib:1:"):
        check.check(instances[2])


def test_what_is_unreadable_is_told_once_and_by_name(instances):
    varied = replace(instances[2], variant=VariantKind.REORDERED)
    instances[2].vnnlib.write_text("(assert")
    check, told = Readable(), []
    assert check.allows(instances[0], told.append)
    assert not any(check.allows(each, told.append) for each in (instances[2], instances[2], varied, varied))
    assert [line.partition(" is not run")[0] for line in told] == ["clean", "clean (reordered)"]
    assert list(check.unreadable) == [instances[2], varied]
    assert all("clean.vnnlib:1: " in reason for reason in check.unreadable.values())
