from fractions import Fraction

import pytest
from small_suite import small_suite

from soundbench.claim import Answer, Claim, TaskResult
from soundbench.errors import InputError
from soundbench.instance import Constraint, Interval, Property, Region
from soundbench.judge import Assessment, judge
from soundbench.notation import Notation
from soundbench.registry import resolve, resolve_all
from soundbench.vnnlib import read_property
from soundbench.vnnlib_writing import format_property

AT_LEAST_ONE = Constraint(((0, Fraction(-1)),), Fraction(-1))


@pytest.fixture
def tool(tmp_path):
    """Writes a tool's scripts; returns how it is named."""

    def write(prepare="", run="", install="", executable=True) -> str:
        folder = tmp_path / "a tool; with: odd name"
        folder.mkdir()
        scripts = {"install_tool.sh": install, "prepare_instance.sh": prepare, "run_instance.sh": run}
        for name, text in scripts.items():
            (folder / name).write_text("#!/bin/bash\nset -e\n" + text)
            (folder / name).chmod(0o755 if executable else 0o644)
        return f"vnncomp:{folder}"

    return write


def test_the_scripts_get_the_contracts_arguments(tool, instance):
    prepare = 'echo "$1 $2 $(cat $3) $(cat $4) $#" > prepared'
    run = 'echo "$(cat prepared) / $1 $2 $(cat $3) $(cat $4) $6 $#"; echo unsat > "$5"'
    execution = resolve(tool(prepare, run)).answer(instance)
    assert execution.answer == Answer(Claim.VERIFIED, "unsat")
    assert execution.log == "v1 soundbench a.onnx a.vnnlib 4 / v1 soundbench a.onnx a.vnnlib 20 6\n"


def test_the_category_can_be_set(tool, instance):
    (verifier,) = resolve_all([tool(run='echo unknown > "$5"; echo "$2"')], ["vnncomp.category=acasxu"])
    assert verifier.answer(instance).log == "acasxu\n"


def test_the_property_can_be_given_in_vnnlib_2_0(tool, tmp_path):
    """The counterexample comes back in the form of 2.0, and is judged."""
    suite = small_suite(tmp_path / "suite")
    found = "sat\\nx float32 [1,1]\\n0.75\\ny float32 [1,2]\\n0.75\\n-0.75\\n"
    run = f'grep -v assert "$4"; ls "$(dirname "$4")"; printf "{found}" > "$5"'
    (verifier,) = resolve_all([tool(prepare='cat "$4" > first', run=f'cmp first "$4"; {run}')], ["vnncomp.vnnlib=2.0"])
    execution = verifier.answer(suite.instances[0])
    assert execution.log.split("\n") == [
        "(vnnlib-version <2.0>)",
        "(declare-network f",
        "  (declare-input X float32 [1,1])",
        "  (declare-output T0 float32 [1,2]))",
        *("first", "network.onnx", "property.vnnlib", "query.vnnlib", ""),
    ]
    assert execution.answer.claim is Claim.FALSIFIED
    instance, answer = suite.instances[0], execution.answer
    result = TaskResult(verifier.label, "1", instance.name, answer.claim, answer.raw, execution.ending, None, None)
    judgement = judge(
        result, instance, read_property(instance.vnnlib), suite.ground_truth["armed"], answer.counterexample
    )
    assert judgement.assessment is Assessment.CORRECT
    assert judgement.replay.point == (Fraction(3, 4),)


@pytest.mark.parametrize("notation", Notation)
def test_the_property_can_be_put_plainly(tool, instance, notation):
    unsafe = Property(1, 2, (Region((Interval(Fraction(-1, 2), Fraction(3)),), (AT_LEAST_ONE,)),))
    instance.vnnlib.write_text(format_property(unsafe, notation=notation))
    label = tool(prepare='cat "$4" > first', run='cmp first "$4"; cat "$4"; echo unsat > "$5"')
    (given,), (plain,) = resolve_all([label]), resolve_all([label], ["vnncomp.notation=plain"])
    assert given.answer(instance).log == format_property(unsafe, notation=notation)
    assert plain.answer(instance).log == format_property(unsafe)
    assert (given.settings["notation"], plain.settings["notation"]) == ("given", "plain")


def test_what_cannot_be_put_plainly_is_an_error_with_its_reason(tool, instance):
    bounds = "(assert (>= X_0 0))(assert (<= (* 3 X_0) 1))(assert (<= Y_0 0))"
    instance.vnnlib.write_text(f"(declare-const X_0 Real)(declare-const Y_0 Real){bounds}")
    (verifier,) = resolve_all([tool(run='echo unsat > "$5"')], ["vnncomp.notation=plain"])
    execution = verifier.answer(instance)
    assert execution.answer.claim is Claim.ERROR
    assert "no finite decimal expansion" in execution.answer.raw


def test_other_versions_of_vnnlib_are_refused(tool):
    with pytest.raises(InputError, match=r"option vnncomp\.vnnlib: '3\.0' is none of 1\.0, 2\.0"):
        resolve_all([tool()], ["vnncomp.vnnlib=3.0"])


def test_scripts_without_the_executable_bit_run_too(tool, instance):
    verifier = resolve(tool(run='printf "sat\\n((X_0 1))" > "$5"', executable=False))
    assert verifier.answer(instance).answer == Answer(Claim.FALSIFIED, "sat", "((X_0 1))")


def test_a_failed_preparation_is_an_error(tool, instance):
    answer = resolve(tool(prepare="exit 3", run='echo unsat > "$5"')).answer(instance).answer
    assert answer == Answer(Claim.ERROR, "preparation failed: exit code 3")


@pytest.mark.parametrize("script", ["install_tool.sh", "prepare_instance.sh", "run_instance.sh"])
def test_a_missing_script_is_named(tool, tmp_path, script):
    label = tool()
    (tmp_path / "a tool; with: odd name" / script).unlink()
    with pytest.raises(InputError, match=script):
        resolve(label)


def test_the_version_changes_with_the_scripts(tool, tmp_path):
    verifier = resolve(tool())
    before = verifier.version()
    (tmp_path / "a tool; with: odd name" / "run_instance.sh").write_text("changed")
    assert verifier.version() != before


def test_installing_runs_the_install_script(tool, tmp_path):
    resolve(tool(install='echo "$1" > installed')).install()
    assert (tmp_path / "a tool; with: odd name" / "installed").read_text() == "v1\n"


def test_a_failed_installation_is_one_line(tool):
    with pytest.raises(InputError, match=r"install_tool\.sh ended with 4"):
        resolve(tool(install="exit 4")).install()
