"""How tools in a folder of the user's are called, and what is made of what they print; none of them runs here."""

import sys
from fractions import Fraction

import pytest
from small_suite import small_suite

from soundbench.claim import Answer, Claim
from soundbench.counterexample import parse_counterexample
from soundbench.errors import InputError
from soundbench.registry import resolve, resolve_all


@pytest.fixture
def tool(tmp_path):
    """Writes a tool's program; returns its folder."""

    def write(path: str, script: str):
        program = tmp_path / "tool" / path
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(script)
        program.chmod(0o755)
        return tmp_path / "tool"

    return write


def answer_of(label, instance, *settings):
    name = label.partition(":")[0]
    (verifier,) = resolve_all([label], [f"{name}.{setting}" for setting in settings])
    return verifier.answer(instance)


ABCROWN = "import sys\nprint(*sys.argv[1:])\nopen(sys.argv[sys.argv.index('--results_file') + 1], 'w').write('unsat')\n"


@pytest.mark.parametrize("name", ["abcrown_act", "abcrown_input"])
def test_abcrown_writes_the_result_file(tool, instance, name):
    folder = tool("complete_verifier/abcrown.py", ABCROWN)
    execution = answer_of(f"{name}:{folder}", instance, f"python={sys.executable}")
    assert execution.answer == Answer(Claim.VERIFIED, "unsat")
    assert "--override_timeout 20 --device cpu" in execution.log
    assert ("--enable_input_split" in execution.log) == (name == "abcrown_input")
    assert "--pgd_order" not in execution.log
    without = answer_of(f"{name}:{folder}", instance, f"python={sys.executable}", "attack=false", "config=c.yaml")
    assert "--pgd_order skip" in without.log
    assert "/c.yaml " in without.log


@pytest.mark.parametrize(
    ("printed", "claim", "raw"),
    [
        ("start\nResult = True, Time = 1.00 s, Safe space = 100.00 %", Claim.VERIFIED, None),
        ("Result = False, Time = 1.00 s, Safe space = 0 %", Claim.FALSIFIED, None),
        ("Result = Unknown, Time = 1.00 s", Claim.UNKNOWN, None),
        ("Result = Timeout, Time = 1.00 s", Claim.TIMEOUT, None),
        ("Result = Untrue, Time = 1.00 s", Claim.ERROR, None),
        ("the Result = True, Time = 1.00 s", Claim.ERROR, "0 lines of a result"),
        ("Result = True, Time = 1.00 s\nResult = False, Time = 2.00 s", Claim.ERROR, "2 lines of a result"),
    ],
)
def test_pyrat_answers_in_a_line_of_its_own(tool, instance, printed, claim, raw):
    # Python would take a file of that name for bytecode.
    program = tool("as_script", f"#!/bin/sh\nexec {sys.executable} - <<'END'\nprint({printed!r})\nEND\n") / "as_script"
    folder = tool("pyrat.pyc", "")
    answer = answer_of(f"pyrat:{folder}", instance, f"python={program}").answer
    assert (answer.claim, answer.counterexample) == (claim, None)
    assert answer.raw == (raw or printed.splitlines()[-1])


def test_pyrat_is_told_to_attack_or_not(tool, instance):
    label, python = f"pyrat:{tool('pyrat.pyc', '')}", "python=echo"
    assert "--domains [zonotopes,poly,symbox] --check before --attack pgd" in answer_of(label, instance, python).log
    assert "--attack" not in answer_of(label, instance, python, "attack=false").log


@pytest.mark.parametrize(
    ("name", "scripts"),
    [
        ("nnenum", "vnncomp_scripts"),
        ("cora", "."),
        ("nnv", "code/nnv/examples/Submission/VNN_COMP2025"),
        ("marabou_vnncomp_2023", "."),
        ("marabou_vnncomp_2024", "."),
    ],
)
def test_scripts_are_found_in_a_checkout(tool, instance, name, scripts):
    for script in ("install_tool.sh", "prepare_instance.sh"):
        tool(f"{scripts}/{script}", "#!/bin/bash\n")
    folder = tool(f"{scripts}/run_instance.sh", '#!/bin/bash\necho unsat > "$5"\n')
    assert answer_of(f"{name}:{folder}", instance).answer == Answer(Claim.VERIFIED, "unsat")


def test_the_standard_command_line_gets_a_query(tool, tmp_path):
    suite = small_suite(tmp_path / "suite")
    script = (
        f"#!{sys.executable}\nimport sys\n"
        "verb, query, option, network, limit, seconds = sys.argv[1:]\n"
        "assert (verb, option, limit, seconds) == ('verify', '--network', '--timeout', '20'), sys.argv\n"
        "name, path = network.split('=')\n"
        "assert f'(declare-network {name}' in open(query).read() and open(path, 'rb').read()\n"
        "print('sat\\nx float32 [1,1]\\n0.75\\ny float32 [1,2]\\n0.75\\n-0.75')\n"
    )
    program = tool("solver", script) / "solver"
    execution = resolve(f"vnnlib_cli:{program}").answer(suite.instances[0], timeout_seconds=20.0)
    assert execution.answer.claim is Claim.FALSIFIED, execution.log
    assert execution.answer.counterexample.startswith("x float32")


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("abcrown_act:/nonexistent", "abcrown.py: no such program"),
        ("pyrat:/nonexistent", "pyrat.pyc: no such program"),
        ("nnenum:/nonexistent", "/nonexistent/vnncomp_scripts/install_tool.sh"),
        ("vnnlib_cli:no-such-program", "there is no program no-such-program"),
        ("callable:module", "callable:MODULE:FUNCTION"),
        ("callable:no_such_module:verify", "there is no module no_such_module"),
    ],
)
def test_what_is_not_there_is_one_line(label, words):
    with pytest.raises(InputError, match=words) as error:
        resolve(label)
    assert "\n" not in str(error.value)


def function(tmp_path, monkeypatch, body: str):
    module = f"own_{tmp_path.name}"
    (tmp_path / f"{module}.py").write_text(f"def verify(onnx, vnnlib, timeout_seconds):\n    {body}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return resolve(f"callable:{module}:verify")


@pytest.mark.parametrize(
    ("body", "claim"),
    [
        ("return 'unsat'", Claim.VERIFIED),
        ("return 'unknown' if timeout_seconds == 20 and vnnlib.read_text() == 'a.vnnlib' else 'sat'", Claim.UNKNOWN),
        ("return 'maybe'", Claim.ERROR),
        ("return None", Claim.ERROR),
        ("raise ValueError('no')", Claim.ERROR),
    ],
)
def test_a_function_is_called(tmp_path, monkeypatch, instance, body, claim):
    assert function(tmp_path, monkeypatch, body).answer(instance).answer.claim is claim


def test_a_functions_counterexample_loses_nothing(tmp_path, monkeypatch, instance):
    answer = function(tmp_path, monkeypatch, "return 'sat', [0.1, 1e-30]").answer(instance).answer
    assert answer.claim is Claim.FALSIFIED
    assert [float(value) for value in parse_counterexample(answer.counterexample, 2, "it")] == [0.1, 1e-30]
    assert Fraction(answer.counterexample.split()[1].rstrip(")")) == Fraction("0.1")


def test_a_mended_function_is_another_version(tmp_path, monkeypatch):
    before = function(tmp_path, monkeypatch, "return 'unsat'").version()
    assert function(tmp_path, monkeypatch, "return 'unknown'").version() != before
