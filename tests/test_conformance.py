"""What holds of every registered verifier that needs no argument."""

import pytest

from soundbench.check import check_verifier
from soundbench.registry import known_verifiers, resolve, verifier_class

NAMES = [name for name in known_verifiers() if verifier_class(name).argument is None]
BUILT_IN = ("reference",)
# In CI only those that install within a few minutes.
SLOW = ("neuralsat", "neuralsat_act", "neuralsat_input")


def marks(name):
    if name in BUILT_IN:
        return []
    return [pytest.mark.verifier, pytest.mark.slow] if name in SLOW else [pytest.mark.verifier]


@pytest.mark.parametrize("name", known_verifiers())
def test_a_verifier_describes_itself(name):
    kind = verifier_class(name)
    assert kind.name == name
    assert kind.summary
    assert "\n" not in kind.summary
    assert kind.__doc__
    assert all(option.help for option in kind.options)
    assert all(option.default in option.choices for option in kind.options if option.choices)


@pytest.mark.parametrize("name", known_verifiers())
def test_a_verifier_says_where_it_comes_from(name):
    facts = verifier_class(name).facts
    assert facts is not None or name in ("callable", "faulty", "reference", "vnncomp")
    assert facts is None or facts.home.startswith("https://")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("version", [0, -1])
def test_every_version_has_a_recipe_and_a_place(name, version):
    versions = verifier_class(name).versions
    if not versions:
        assert resolve(name).recipe() == ()
        return
    found = resolve(f"{name}=={versions[version]}")
    assert f"{found.location()}/bin/python -m pip install" in "\n".join(found.recipe())
    assert str(found.location()).endswith(versions[version])


@pytest.mark.parametrize("name", NAMES)
def test_a_verifier_has_a_version(name):
    verifier = resolve(name)
    assert verifier.version() not in ("", "unknown")
    assert not verifier.versions or verifier.version() == verifier.versions[0]


@pytest.mark.parametrize("name", [pytest.param(name, marks=marks(name)) for name in NAMES])
def test_a_verifier_answers_the_check_rightly(name, tmp_path):
    verifier = resolve(name)
    if not verifier.is_installed():
        verifier.install()
    failed = [result for result in check_verifier(verifier, tmp_path, 60.0) if not result.passed]
    assert not failed
