import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from soundbench.cli import COMMANDS, main
from soundbench.cli.errors import reported_errors

from soundbench.errors import CertificateError, HarnessError, InputError, SoundbenchError


def run(*arguments):
    return CliRunner().invoke(main, arguments)


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], *([name, "--help"] for name in COMMANDS)])
def test_there_is_help(arguments):
    result = run(*arguments)
    assert result.exit_code == 0
    assert result.output.startswith("Usage:")
    assert "Examples:" in result.output


def test_the_commands_are_listed_in_order():
    output = run("--help").output
    listed = [line.split()[0] for line in output.partition("Commands:")[2].splitlines() if line.startswith("  ")]
    assert listed[: len(COMMANDS)] == list(COMMANDS)


@pytest.mark.parametrize("arguments", [[], ["generate"], ["certify"], ["attack"], ["evaluate"], ["verifiers"]])
def test_help_imports_nothing_slow(arguments):
    heavy = ["torch", "onnx", "onnxruntime", "numpy", "flint", "rich"]
    code = (
        "import sys\nfrom soundbench.cli import main\n"
        f"try: main({[*arguments, '--help']!r})\nexcept SystemExit: pass\n"
        f"print('imported:', [name for name in {heavy!r} if name in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.splitlines()[-1] == "imported: []"


@pytest.mark.parametrize("arguments", [["no-such-command"], ["evaluate"], ["evaluate", "reference", "--jobs", "0"]])
def test_wrong_usage_has_exit_code_2(arguments):
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.output.startswith("Usage:")


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (CertificateError("a: does not hold"), 1, "soundbench: a: does not hold\n"),
        (InputError("file: is wrong;\n do this"), 2, "soundbench: file: is wrong; do this\n"),
        (HarnessError("refuted"), 3, "soundbench: refuted\n"),
        (SoundbenchError("other"), 3, "soundbench: other\n"),
        (OSError(28, "No space left on device", "file"), 3, "soundbench: file: No space left on device\n"),
        (KeyboardInterrupt(), 130, "soundbench: stopped\n"),
    ],
)
def test_errors_are_one_line_and_an_exit_code(error, code, message, capsys):
    with pytest.raises(SystemExit) as ended, reported_errors():
        raise error
    assert ended.value.code == code
    assert capsys.readouterr().err == message


def test_a_bug_of_ours_does_not_read_as_a_finding(capsys):
    with pytest.raises(SystemExit) as ended, reported_errors():
        raise ZeroDivisionError
    assert ended.value.code == 3
    assert "ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.parametrize("error", [click.UsageError("wrong"), BrokenPipeError(), SystemExit(4)])
def test_what_click_handles_passes_through(error):
    with pytest.raises(type(error)), reported_errors():
        raise error
