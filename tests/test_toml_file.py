"""A dataclass from a TOML table: every key known, every value of its field's type."""

import contextlib
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundbench.errors import InputError
from soundbench.toml_file import build, built, read_toml, tables_of


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


@dataclass(frozen=True)
class Thing:
    name: str
    count: int
    share: float
    is_round: bool
    colour: Colour
    day: date
    sizes: tuple[int, ...] = ()


TEXT = """
name = "a"
count = 3
share = 1
is_round = true
colour = "red"
day = 2027-03-01
sizes = [1, 2]
"""


@pytest.fixture
def read(tmp_path):
    def read(text):
        path = tmp_path / "things.toml"
        path.write_text(text)
        return read_toml(path, "thing", "look elsewhere")

    return read


def test_every_type_is_read(read):
    thing = build(Thing, read(TEXT), "here")
    assert thing == Thing("a", 3, 1.0, True, Colour.RED, date(2027, 3, 1), (1, 2))
    assert type(thing.share) is float


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("count = true", "count = True: int is needed"),
        ("count = 3.0", "count = 3.0: int is needed"),
        ("share = true", "float is needed"),
        ("share = inf", "a finite number is needed"),
        ("is_round = 1", "bool is needed"),
        ("name = 7", "str is needed"),
        ('colour = "blue"', "not one of red, green"),
        ("day = 2027-03-01T00:00:00", "date is needed"),
        ('day = "2027-03-01"', "date is needed"),
        ("sizes = 3", "a list is needed"),
        ('sizes = ["3"]', "int is needed"),
        ("colour = []", "not one of"),
        ("weight = 3", "unknown key 'weight'; known: name, count"),
    ],
)
def test_what_does_not_fit_is_one_line_that_says_where(read, line, words):
    key = line.partition(" ")[0]
    text = "\n".join(each for each in TEXT.splitlines() if not each.startswith(f"{key} ")) + f"\n{line}\n"
    with pytest.raises(InputError) as error:
        build(Thing, read(text), "here")
    assert str(error.value).startswith("here: ")
    assert words in str(error.value)


def test_what_is_missing_is_told(read):
    with pytest.raises(InputError, match="entry 2: the key 'name' is missing"):
        built(Thing, [read(TEXT), {"count": 3}], "entry")


def test_tables_are_taken_out(read, tmp_path):
    document = read("other = 1\n[[thing]]\na = 1\n[[thing]]\na = 2\n")
    assert tables_of(document, "thing", tmp_path) == [{"a": 1}, {"a": 2}]
    assert document == {"other": 1}
    with pytest.raises(InputError, match=r"write each as a \[\[other\]\] table"):
        tables_of(document, "other", tmp_path)


@given(st.binary(max_size=40))
def test_any_file_is_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("toml") / "things.toml"
    path.write_bytes(content)
    with contextlib.suppress(InputError):
        assert isinstance(read_toml(path, "thing", "look elsewhere"), dict)


def test_one_that_is_not_there_is_told(tmp_path):
    with pytest.raises(InputError, match=r"things\.toml: no such thing; look elsewhere"):
        read_toml(tmp_path / "things.toml", "thing", "look elsewhere")
