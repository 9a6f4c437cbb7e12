"""A digest of source changes with every file that belongs to it, and with nothing else."""

import sys

import pytest

from soundbench.errors import HarnessError
from soundbench.source_digest import source_digest


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package `digested` with a module and a package inside, beside a module `alone`."""
    monkeypatch.syspath_prepend(tmp_path)
    inner = tmp_path / "digested" / "inner"
    inner.mkdir(parents=True)
    for path in (inner.parent / "__init__.py", inner.parent / "part.py", inner / "__init__.py", tmp_path / "alone.py"):
        path.write_text("NUMBER = 1\n")
    yield tmp_path
    for name in [each for each in sys.modules if each.partition(".")[0] in ("digested", "alone")]:
        del sys.modules[name]


@pytest.mark.parametrize("name", ["digested/__init__.py", "digested/part.py", "digested/inner/__init__.py"])
def test_every_file_of_a_package_counts(package, name):
    before = source_digest("digested")
    (package / name).write_text("NUMBER = 2\n")
    assert source_digest("digested") != before
    (package / name).write_text("NUMBER = 1\n")
    assert source_digest("digested") == before


def test_a_new_file_counts_and_what_is_not_source_does_not(package):
    before = source_digest("digested")
    (package / "digested" / "notes.txt").write_text("nothing")
    assert source_digest("digested") == before
    (package / "digested" / "new.py").touch()
    assert source_digest("digested") != before


def test_a_module_is_its_file_alone(package):
    before = source_digest("alone"), source_digest("digested.part")
    assert source_digest("alone", "digested.part") not in before
    (package / "digested" / "__init__.py").write_text("NUMBER = 2\n")
    assert (source_digest("alone"), source_digest("digested.part")) == before
    (package / "alone.py").write_text("NUMBER = 2\n")
    assert source_digest("alone") != before[0]


@pytest.mark.parametrize("name", ["no_such_module", "no_such.module", "sys"])
def test_what_has_no_source_is_told(name):
    with pytest.raises(HarnessError, match="its source cannot be found"):
        source_digest(name)
