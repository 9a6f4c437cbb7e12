from pathlib import Path

import pytest
from fake_verifiers import Missing, SaysFalsified, SaysVerified, Scripted, Slow
from processes import is_running, wait_for
from small_suite import small_suite

from soundbench.errors import InputError
from soundbench.evaluate import check_installed, judge_run, missing_jobs, run_jobs, summarise_run
from soundbench.execute import Job, execute, within
from soundbench.judge import Assessment
from soundbench.run import identify, open_run

MEMORY = 1 << 30


class Honest(Scripted):
    """Reads the box's upper bound, and answers by it."""

    name = "honest"
    script = """
upper = float(open(vnnlib).read().split('(<= X_0 ')[1].split(')')[0])
open(result, 'w').write('sat\\n((X_0 1.0))' if upper >= 0.5 else 'unsat')
print('upper', upper)
"""


@pytest.fixture
def suite(tmp_path):
    return small_suite(tmp_path / "suite")


@pytest.fixture
def evaluated(tmp_path, suite):
    def evaluate(*verifiers, workers=2, limit=None):
        with open_run(tmp_path / "run", identify(suite, verifiers, None, None)) as run:
            jobs = missing_jobs(suite.instances[:limit], verifiers, run)
            results = list(run_jobs(run, jobs, workers, timeout_seconds=None, memory_bytes=MEMORY))
            judgements = judge_run(run, suite)
            return results, judgements, summarise_run(run, suite, verifiers, judgements)

    return evaluate


def test_claims_are_judged_and_summed_up(evaluated):
    _, judgements, (honest, gullible, alarmist) = evaluated(Honest(), SaysVerified(), SaysFalsified())
    assert (honest.correct, honest.findings, honest.pairs_exercised, honest.falsified) == (3, (), 1, 1)
    assert (gullible.unsound, gullible.correct) == (1, 2)
    assert (alarmist.false_alarm, alarmist.correct) == (2, 1)
    assert [judgement.result.instance for judgement in judgements] == ["armed"] * 3 + ["twin"] * 3 + ["clean"] * 3


def test_a_finding_has_its_evidence(evaluated, tmp_path):
    _, _, (summary,) = evaluated(SaysVerified())
    (finding,) = summary.findings
    assert (finding.instance, finding.assessment) == ("armed", Assessment.UNSOUND)
    evidence = Path(finding.evidence)
    assert evidence.is_relative_to(tmp_path / "run" / "findings")
    assert (evidence / "replay.py").exists()


def test_logs_and_counterexamples_are_kept(evaluated, tmp_path):
    results, _, _ = evaluated(Honest())
    (armed,) = (result for result in results if result.instance == "armed")
    assert (tmp_path / "run" / armed.log).read_text() == "upper 1.0\n"
    assert (tmp_path / "run" / armed.counterexample).read_text() == "((X_0 1.0))"


def test_the_order_in_which_tasks_end_does_not_show(evaluated, suite):
    class LateFirst(Honest):
        script = Honest.script + "time.sleep(upper)\n"

    results, judgements, _ = evaluated(LateFirst(), workers=3)
    assert [each.instance for each in results] != [instance.name for instance in suite.instances]
    assert [each.result.instance for each in judgements] == [instance.name for instance in suite.instances]


def test_a_run_goes_on_with_what_is_missing(evaluated):
    first, _, _ = evaluated(Honest(), limit=1)
    second, _, (summary,) = evaluated(Honest())
    third, _, _ = evaluated(Honest())
    assert [[each.instance for each in results] for results in (first, third)] == [["armed"], []]
    assert {each.instance for each in second} == {"twin", "clean"}
    assert summary.instances == 3


def test_a_lost_counterexample_is_told(evaluated, tmp_path):
    results, _, _ = evaluated(Honest())
    (path,) = (each.counterexample for each in results if each.counterexample)
    (tmp_path / "run" / path).unlink()
    with pytest.raises(InputError, match="cannot be read"):
        evaluated(Honest())


def test_who_refutes_the_ground_truth_ends_all_accusations_there(tmp_path):
    suite = small_suite(tmp_path / "suite")
    (wrong,) = (each for each in suite.instances if each.name == "twin")
    wrong.vnnlib.write_text(wrong.vnnlib.read_text().replace("0.25", "1"))
    verifiers = (Honest(), SaysFalsified())
    with open_run(tmp_path / "run", identify(suite, verifiers, None, None)) as run:
        jobs = missing_jobs(suite.instances, verifiers, run)
        list(run_jobs(run, jobs, 2, timeout_seconds=None, memory_bytes=MEMORY))
        judged = {(each.result.verifier, each.result.instance): each.assessment for each in judge_run(run, suite)}
    assert judged["honest", "twin"] is Assessment.REFUTED
    assert judged["says-falsified", "twin"] is Assessment.UNCONFIRMED


def test_closing_early_ends_what_runs_and_starts_nothing_more(suite, tmp_path, monkeypatch):
    monkeypatch.setenv("FAKE_PID", str(tmp_path / "pids"))
    quick, slow = Scripted(), Slow()
    jobs = [Job(quick, suite.instances[0]), *(Job(slow, instance) for instance in suite.instances)]
    executions = execute(jobs, 2, timeout_seconds=None, memory_bytes=MEMORY)
    first, _ = next(executions)
    wait_for(tmp_path / "pids")
    executions.close()
    started = (tmp_path / "pids").read_text().split()
    assert first.verifier is quick
    assert 1 <= len(started) <= 2
    assert not any(is_running(int(process)) for process in started)


def times(number):
    """Says yes so many times."""
    left = iter([True] * number)
    return lambda: next(left, False)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("number", range(5))
def test_no_job_is_started_that_may_not(suite, workers, number):
    jobs = [Job(Scripted(), instance) for instance in suite.instances]
    executions = execute(jobs, workers, timeout_seconds=None, memory_bytes=MEMORY, may_start=times(number))
    assert sorted(job.instance.name for job, _ in executions) == sorted(each.name for each in suite.instances[:number])


def test_a_run_goes_on_with_what_was_not_started(tmp_path, suite):
    for number, left in ((1, 2), (0, 2), (1, 1), (5, 0)):
        with open_run(tmp_path / "run", identify(suite, [Honest()], None, None)) as run:
            jobs = missing_jobs(suite.instances, [Honest()], run)
            options = {"timeout_seconds": None, "memory_bytes": MEMORY, "may_start": times(number)}
            list(run_jobs(run, jobs, 2, **options))
            assert len(missing_jobs(suite.instances, [Honest()], run)) == left


def test_a_budget_ends(monkeypatch):
    clock = iter([100.0, 100.0, 159.0, 160.0, 161.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    may_start = within(1.0)
    assert [may_start() for _ in range(4)] == [True, True, False, False]


def test_without_a_budget_there_is_no_end(monkeypatch):
    clock = iter([0.0, 1e30])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    assert within(None)()


def test_a_verifier_that_is_not_installed_is_known_before_anything_runs():
    with pytest.raises(InputError, match="soundbench verifiers install missing"):
        check_installed([SaysVerified(), Missing()])


@pytest.mark.parametrize("version", [None, b"1", 1])
def test_a_version_is_a_text(version):
    mine = type("Mine", (Scripted,), {"version": lambda _: version})()
    with pytest.raises(InputError, match=r"scripted cannot be used: TypeError: version\(\) must return a text"):
        check_installed([mine])
