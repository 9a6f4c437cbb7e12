import json
import os
from pathlib import Path

import pytest

from soundbench.errors import HarnessError, InputError
from soundbench.json_lines import append_line, read_lines


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lines"


@pytest.fixture
def descriptor(path):
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    yield opened
    os.close(opened)


def parse(line):
    try:
        return json.loads(line)["value"]
    except (ValueError, KeyError):
        return None


def read(path, descriptor):
    return read_lines(path, descriptor, parse, "do something")


def test_what_is_added_is_read_in_order(path, descriptor):
    assert read(path, descriptor) == []
    for value in (1, "two", [3]):
        append_line(path, descriptor, {"value": value})
    assert read(path, descriptor) == [1, "two", [3]]


@pytest.mark.parametrize("torn", [b"{", b'{"value": 2}', b'{"other": 2}\n', b"\xff\n"])
def test_a_torn_last_line_is_cut_off(path, descriptor, torn):
    append_line(path, descriptor, {"value": 1})
    whole = path.read_bytes()
    os.write(descriptor, torn)
    assert read(path, descriptor) == [1]
    assert path.read_bytes() == whole
    append_line(path, descriptor, {"value": 3})
    assert read(path, descriptor) == [1, 3]


def test_any_other_damage_is_named_and_left(path, descriptor):
    append_line(path, descriptor, {"value": 1})
    os.write(descriptor, b"{}\n")
    append_line(path, descriptor, {"value": 3})
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"lines: line 2 is damaged; do something$"):
        read(path, descriptor)
    assert path.read_bytes() == before


def test_a_full_disk_is_said(path, descriptor, monkeypatch):
    monkeypatch.setattr("os.write", lambda _descriptor, line: len(line) - 1)
    with pytest.raises(HarnessError, match=r"lines: the disk is full; make room"):
        append_line(path, descriptor, {"value": 1})


def test_a_full_disk_is_an_error_in_a_line():
    descriptor = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(HarnessError, match=r"kept.jsonl: cannot be written \(No space left on device\)"):
        append_line(Path("kept.jsonl"), descriptor, {"a": 1})
    os.close(descriptor)
