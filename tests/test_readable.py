import pytest
from small_suite import small_suite

from soundbench import readable
from soundbench.errors import InputError
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
