"""What README tells people to type and to read is there, and its verifiers of ten lines run."""

import re
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from soundbench.cli import main

from soundbench.known_issues import read_known_issues

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text()
COMMANDS = sorted(set(re.findall(r"^    soundbench (.*)$", TEXT, re.MULTILINE)))

# Stands for the reader's own tool: it looks at nothing, and says that all is well.
MY_TOOL = '#!/bin/sh\necho reading "$1" "$2" within "$4" s\necho unsat > "$3"\n'


def code(language):
    (block,) = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    return block


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty current folder, and a `my-tool` that is found on the path."""
    tool = tmp_path / "bin" / "my-tool"
    tool.parent.mkdir()
    tool.write_text(MY_TOOL)
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=":")
    monkeypatch.delitem(sys.modules, "my_verifier", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def parse(words):
    """Find the command, and parse its arguments without running it."""
    command = main
    while isinstance(command, click.Group):
        command = command.get_command(click.Context(command), words[0])
        words = words[1:]
    command.make_context("", words)


def test_commands_are_found():
    assert len(COMMANDS) >= 8


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_parse(command):
    parse(shlex.split(command))


def test_a_wrong_command_does_not_parse():
    with pytest.raises(click.NoSuchOption):
        parse(["evaluate", "reference", "--no-such-option"])


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(
        re.findall(r"make ([a-z-]+)", " ".join(re.findall(r"^    make .*$|`make [^`]*`", TEXT, re.MULTILINE)))
    )
    assert targets >= {"demo", "test"}
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_demo_runs_what_the_readme_says():
    makefile = (ROOT / "Makefile").read_text().replace("$(JOBS)", "2")
    for command in COMMANDS:
        if "runs/demo" in command or command == "verifiers install marabou":
            assert f"$(BIN)/soundbench {command}" in makefile


def test_files_exist():
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", TEXT) if not link.startswith("https://")]
    paths = re.findall(r"`((?:instances|docs|benchmarks|soundbench|verifiers|cli)/[^`\s]*)`", TEXT)
    assert links
    for name in [*links, *paths]:
        assert (ROOT / name).exists(), name


def test_findings_hold_the_files_that_are_named(folder):
    (folder / "my_verifier.py").write_text(code("python"))
    evaluate("my_verifier:MyVerifier")
    named = set(
        re.findall(r"`([a-z]+\.(?:onnx|vnnlib|txt|log|json|py))`", TEXT.partition("## What a finding holds")[2])
    )
    (finding,) = (folder / "run" / "findings").iterdir()
    assert {"network.onnx", "witness.txt", "replay.py"} <= named
    assert named <= {path.name for path in finding.iterdir()}


def test_the_class_of_ten_lines_runs(folder):
    block = code("python")
    assert len(block.splitlines()) <= 10
    (folder / "my_verifier.py").write_text(block)
    assert_liar_is_caught(evaluate("my_verifier:MyVerifier"))


def test_the_list_of_known_issues_excuses_what_it_names(folder):
    (folder / "my_verifier.py").write_text(code("python"))
    (folder / "known-issues.toml").write_text(code("toml").replace("tanh-near-*", "*"))
    result = evaluate("my_verifier:MyVerifier", "--allow", "known-issues.toml", "--min-exercised", "0")
    assert ("known until" in result.stdout) is (result.exit_code == 0) is is_not_expired(folder)


def is_not_expired(folder):
    (issue,) = read_known_issues(folder / "known-issues.toml")
    return not issue.has_expired(datetime.now(UTC).date())


def test_the_script_runs(folder):
    scripts = folder / "my-tool-scripts"
    scripts.mkdir()
    for name in ("install_tool.sh", "prepare_instance.sh"):
        (scripts / name).write_text("#!/bin/bash\n")
    (scripts / "run_instance.sh").write_text(code("bash"))
    assert CliRunner().invoke(main, ["verifiers", "install", "vnncomp:my-tool-scripts"]).exit_code == 0
    assert_liar_is_caught(evaluate("vnncomp:my-tool-scripts"))


def evaluate(verifier, *arguments):
    """Two instances of the shipped suite: an armed network and its twin."""
    return CliRunner().invoke(main, ["evaluate", verifier, "--limit", "2", "--out", "run", *arguments])


def assert_liar_is_caught(result):
    assert result.exit_code == 1, result.output
    assert len(re.findall("^unsound: .* says verified of ", result.stdout, re.MULTILINE)) == 1
