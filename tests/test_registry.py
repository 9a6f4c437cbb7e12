import sys

import pytest

from soundbench.errors import InputError
from soundbench.registry import known_verifiers, resolve, resolve_all, verifier_class
from soundbench.verifier import Verifier


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty current folder; what is imported from it is looked up there no more afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return tmp_path


def test_our_verifiers_are_registered():
    assert {"marabou", "reference", "vnncomp"} <= known_verifiers().keys()
    for name in ("marabou", "reference", "vnncomp"):
        assert verifier_class(name).name == name


def test_a_verifier_can_be_named_with_its_version():
    assert resolve("marabou").version() == resolve("marabou==2.0.0").version() == "2.0.0"
    assert resolve("marabou==1.0.0").version() == "1.0.0"
    assert resolve("marabou==2.0.0").label == "marabou==2.0.0"


def test_a_verifier_can_be_named_with_options_of_its_own():
    labels = ["marabou", "marabou[tightening=sbt]", "marabou==1.0.0[tightening=none,workers=2]"]
    found = resolve_all(labels, ["marabou.workers=3", "marabou.tightening=sbt"])
    assert [each.label for each in found] == labels
    assert [each.settings["tightening"] for each in found] == ["sbt", "sbt", "none"]
    assert [each.settings["workers"] for each in found] == [3, 3, 2]
    assert found[2].version() == "1.0.0"


def test_brackets_in_a_folder_s_name_are_no_options(tmp_path):
    folder = tmp_path / "tool[1]"
    folder.mkdir()
    for name in ("install_tool", "prepare_instance", "run_instance"):
        (folder / f"{name}.sh").write_text("#!/bin/bash\n")
    assert resolve(f"vnncomp:{folder}").selection.argument == str(folder)
    assert resolve(f"vnncomp:{folder}[vnnlib=2.0]").selection.argument == str(folder)


def test_a_class_of_ones_own_is_found_in_the_current_folder(here):
    (here / "own_verifier.py").write_text(
        "from soundbench.verifier import Task, Verifier\n\n\n"
        "class Mine(Verifier):\n    name = 'mine'\n\n"
        "    def command(self, task: Task) -> list[str]:\n        return ['mine', str(task.result)]\n"
    )
    found = resolve("own_verifier:Mine")
    assert isinstance(found, Verifier)
    assert (found.name, found.label) == ("mine", "own_verifier:Mine")


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("marabuo", "marabou, .*, reference, vnncomp"),
        ("marabou==9.9", "2.0.0"),
        ("marabou:folder", "colon"),
        ("marabou[tightening=sbt,]", "option=value"),
        ("marabou[=sbt]", "option=value"),
        ("marabou[depth=1]", "tightening"),
        ("marabou[tightening=no]", "deeppoly"),
        ("marabou[]", "there is no verifier"),
        ("[tightening=sbt]", "known"),
        ("vnncomp", "vnncomp:FOLDER"),
        ("vnncomp:", "vnncomp:FOLDER"),
        ("vnncomp:/nonexistent", "/nonexistent/install_tool.sh"),
        ("no_such_module:Class", "no_such_module"),
        ("json:NoClass", "NoClass"),
        ("json:JSONDecoder", "no subclass"),
        ("fake_verifiers:python", "no subclass"),
        ("..:x", "no verifier"),
        ("", "known"),
    ],
)
def test_what_cannot_be_resolved_is_one_line_that_says_what_can(label, words):
    with pytest.raises(InputError, match=words) as error:
        resolve(label)
    assert "\n" not in str(error.value)


def test_settings_go_to_the_verifiers_they_name():
    (marabou,) = resolve_all(["marabou==2.0.0"], ["marabou.tightening=sbt", "marabou.workers=2"])
    assert marabou.settings == {"workers": 2, "tightening": "sbt", "splitting": "auto"}


@pytest.mark.parametrize(
    ("labels", "settings", "words"),
    [
        (["marabou"], ["tightening=sbt"], "NAME.option=value"),
        (["marabou"], ["marabou.tightening"], "NAME.option=value"),
        (["marabou"], ["reference.depth=1"], "reference"),
        (["marabou"], ["marabou.depth=1"], "tightening"),
        (["marabou", "marabou"], [], "twice"),
    ],
)
def test_wrong_settings_are_one_line(labels, settings, words):
    with pytest.raises(InputError, match=words):
        resolve_all(labels, settings)


HEAD = "from soundbench.verifier import Verifier\n"
FAULTY = {
    "syntax": ("class Mine(Verifier:\n", "SyntaxError"),
    "missing import": ("import no_such_module\n", "No module named 'no_such_module'"),
    "exception": ("1 / 0\n", "ZeroDivisionError"),
    "no class": ("", "has no attribute 'Mine'"),
    "no command": ("class Mine(Verifier):\n    name = 'mine'\n", "lacks command"),
    "no name": ("class Mine(Verifier):\n    def command(self, task): ...\n", "lacks name"),
    "nothing": ("class Mine(Verifier): ...\n", "lacks command and name"),
    "constructor": (
        "class Mine(Verifier):\n    name = 'mine'\n    def command(self, task): ...\n"
        "    def __init__(self): super().__init__()\n",
        "TypeError",
    ),
    "constructor without its base": (
        "class Mine(Verifier):\n    name = 'mine'\n    def command(self, task): ...\n"
        "    def __init__(self, selection): pass\n",
        "must call super",
    ),
    "exit": ("raise SystemExit(0)\n", "SystemExit"),
}


@pytest.mark.parametrize(("text", "words"), FAULTY.values(), ids=FAULTY.keys())
def test_a_faulty_class_is_one_line_that_says_what_is_wrong(here, text, words):
    module = f"faulty_{here.name}"
    (here / f"{module}.py").write_text(HEAD + text)
    with pytest.raises(InputError, match=words) as error:
        resolve(f"{module}:Mine")
    assert f"{module}:Mine" in str(error.value)


def test_a_faulty_package_is_one_line(here):
    package = here / f"package_{here.name}"
    package.mkdir()
    (package / "__init__.py").write_text("1 / 0\n")
    with pytest.raises(InputError, match="ZeroDivisionError"):
        resolve(f"{package.name}.module:Mine")
