"""Which releases a verifier has, and in which order."""

import fake_releases
import pytest
from fake_verifiers import Scripted

from soundbench.errors import InputError
from soundbench.registry import resolve, verifier_class
from soundbench.releases import make_ready, releases

RECOVERED = "fake_releases:Recovered"


def labels(*arguments, **options):
    return [each.label.partition("==")[2] for each in releases(*arguments, **options)]


@pytest.mark.parametrize(
    ("between", "versions"),
    [
        ("..", ["1.0", "1.1", "2.0", "2.1", "10.0"]),
        ("1.1..2.0", ["1.1", "2.0"]),
        ("2..", ["2.0", "2.1", "10.0"]),
        ("..1.5", ["1.0", "1.1"]),
        ("10.0..10.0", ["10.0"]),
    ],
)
def test_they_are_in_the_order_of_their_versions(between, versions):
    assert labels(RECOVERED, between=between) == versions


@pytest.mark.parametrize("name", ["marabou", "neuralsat", "neuralsat_input", "auto_lirpa"])
def test_those_from_pypi_have_the_releases_that_there_are_requirements_for(name):
    kind = verifier_class(name)
    assert sorted(labels(name)) == sorted(kind.versions)
    assert resolve(name).version() == kind.versions[0] == labels(name)[-1]
    for version in kind.versions:
        assert f"=={version}" in "".join(resolve(f"{name}=={version}").recipe())


def test_a_class_of_ones_own_can_be_named_with_its_version():
    found = resolve(f"{RECOVERED}==1.1")
    assert (found.version(), found.label) == ("1.1", f"{RECOVERED}==1.1")
    with pytest.raises(InputError, match=r"there is no version 7; it has 10\.0"):
        resolve(f"{RECOVERED}==7")


def test_each_gets_the_settings():
    found = releases("marabou", ["marabou.tightening=sbt"])
    assert {each.settings["tightening"] for each in found} == {"sbt"}


@pytest.mark.parametrize(
    ("name", "between", "words"),
    [
        ("marabou==2.0.0", "..", "name it without its version"),
        ("reference", "..", "has no versions to choose from"),
        ("nothing", "..", "known: "),
        (RECOVERED, "1.0", "write it as A..B"),
        (RECOVERED, "first..", "'first' is no version"),
        (RECOVERED, "3..4", r"has no version in 3\.\.4; it has 1\.0, 1\.1"),
        (RECOVERED, "2.1..1.0", "has no version in"),
    ],
)
def test_what_cannot_be_chosen_is_one_line(name, between, words):
    with pytest.raises(InputError, match=words) as error:
        releases(name, between=between)
    assert "\n" not in str(error.value)


def test_versions_that_have_no_order_are_told(monkeypatch):
    monkeypatch.setattr(fake_releases.Recovered, "versions", ("final", "1.0"))
    with pytest.raises(InputError, match="'final' is no version that can be put in order"):
        releases(RECOVERED)


class TestReadiness:
    def test_what_is_installed_is_ready(self):
        told = []
        assert make_ready(resolve(f"{RECOVERED}==1.0"), told.append) is None
        assert told == []

    def test_what_fails_says_why(self):
        told = []
        reason = make_ready(resolve("fake_releases:Uninstallable==1"), told.append)
        assert reason.endswith("could not be installed: no such package")
        assert told == ["installs fake_releases:Uninstallable==1"]

    def test_what_lacks_something_is_not_tried(self, monkeypatch):
        monkeypatch.setattr(fake_releases.Uninstallable, "missing", lambda _: ("a compiler: get one",))
        told = []
        assert make_ready(resolve("fake_releases:Uninstallable==1"), told.append) == "it lacks a compiler: get one"
        assert told == []

    def test_an_installation_that_leaves_it_incomplete_failed(self, monkeypatch):
        monkeypatch.setattr(fake_releases.Uninstallable, "install", lambda _: "nowhere")
        assert "incomplete" in make_ready(resolve("fake_releases:Uninstallable==1"), print)

    def test_a_class_that_fails_is_told_in_a_line(self):
        class Failing(Scripted):
            def is_installed(self):
                raise ValueError("on purpose")

        assert "ValueError: on purpose" in make_ready(Failing(), print)
