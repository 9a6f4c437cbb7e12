"""What holds of every registered verifier that needs no argument."""

import pytest

from soundbench.check import check_verifier
from soundbench.registry import known_verifiers, resolve, verifier_class

NAMES = [name for name in known_verifiers() if verifier_class(name).argument is None]
BUILT_IN = ("reference",)


@pytest.mark.parametrize("name", known_verifiers())
def test_a_verifier_describes_itself(name):
    kind = verifier_class(name)
    assert kind.name == name
    assert kind.summary
    assert "\n" not in kind.summary
    assert kind.__doc__
    assert all(option.help for option in kind.options)
    assert all(option.default in option.choices for option in kind.options if option.choices)


@pytest.mark.parametrize("name", NAMES)
def test_a_verifier_has_a_version(name):
    verifier = resolve(name)
    assert verifier.version() not in ("", "unknown")
    assert not verifier.versions or verifier.version() == verifier.versions[0]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in BUILT_IN else pytest.mark.verifier) for name in NAMES]
)
def test_a_verifier_answers_the_check_rightly(name, tmp_path):
    verifier = resolve(name)
    if not verifier.is_installed():
        verifier.install()
    failed = [result for result in check_verifier(verifier, tmp_path, 60.0) if not result.passed]
    assert not failed
