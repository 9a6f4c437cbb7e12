import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from fake_verifiers import Missing, SaysFalsified, SaysVerified, Scripted, Slow, Wavers
from processes import is_running, wait_for
from small_suite import small_suite

from soundbench.claim import EndReason
from soundbench.errors import InputError
from soundbench.evaluate import (
    check_installed,
    judge_run,
    missing_jobs,
    run_jobs,
    summarise_run,
    variants_of,
    versions_of,
)
from soundbench.execute import Job, TaskLimits, execute, within
from soundbench.instance import VariantKind
from soundbench.judge import Assessment
from soundbench.needs import Needs
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
            results = list(run_jobs(run, jobs, workers, TaskLimits(memory_bytes=MEMORY)))
            judgements = judge_run(run, suite)
            return results, judgements, summarise_run(run, suite, versions_of(verifiers), judgements)

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
    with pytest.raises(InputError, match=r"no such file .* remove its line"):
        evaluated(Honest())


def test_who_refutes_the_ground_truth_ends_all_accusations_there(tmp_path):
    suite = small_suite(tmp_path / "suite")
    (wrong,) = (each for each in suite.instances if each.name == "twin")
    wrong.vnnlib.write_text(wrong.vnnlib.read_text().replace("0.25", "1"))
    verifiers = (Honest(), SaysFalsified())
    with open_run(tmp_path / "run", identify(suite, verifiers, None, None)) as run:
        jobs = missing_jobs(suite.instances, verifiers, run)
        list(run_jobs(run, jobs, 2, TaskLimits(memory_bytes=MEMORY)))
        judged = {(each.result.verifier, each.result.instance): each.assessment for each in judge_run(run, suite)}
    assert judged["honest", "twin"] is Assessment.REFUTED
    assert judged["says-falsified", "twin"] is Assessment.UNCONFIRMED


# --- variants


REORDERED = VariantKind.REORDERED


@pytest.fixture
def with_variants(tmp_path, suite):
    """Evaluates with variants; of a suite without ground truth, if that is asked for."""

    def evaluate(*verifiers, limit=None, ground_truth=suite.ground_truth):
        known = replace(suite, ground_truth=ground_truth)
        with open_run(tmp_path / "run", identify(known, verifiers, None, None)) as run:
            variants = variants_of(known, known.instances[:limit], run)
            jobs = missing_jobs([*known.instances[:limit], *variants], verifiers, run)
            results = list(run_jobs(run, jobs, 2, TaskLimits(memory_bytes=MEMORY)))
            run.write_tables(known)
            return results, summarise_run(run, known, versions_of(verifiers), judge_run(run, known, variants), variants)

    return evaluate


def test_variants_come_in_the_order_of_their_instances(suite, tmp_path):
    backwards = suite.instances[::-1]
    with open_run(tmp_path / "run", identify(suite, [Honest()], None, None)) as run:
        names = [each.name for each in variants_of(suite, backwards, run)]
    assert list(dict.fromkeys(names)) == ["clean", "twin", "armed"]


def test_variants_change_nothing_but_what_is_said_of_them(with_variants, evaluated):
    _, _, plain = evaluated(Honest(), SaysVerified())
    _, summaries = with_variants(Honest(), SaysVerified())
    for before, after in zip(plain, summaries, strict=True):
        on_instances = tuple(each for each in after.findings if each.variant is None)
        assert replace(after, variants=before.variants, findings=on_instances) == before
    honest, gullible = (summary.variants for summary in summaries)
    assert (honest.count, honest.findings, honest.compared, honest.inconsistent) == (8, 0, 3, 0)
    assert (gullible.count, gullible.findings, gullible.compared, gullible.inconsistent) == (8, 4, 3, 0)


def test_an_unsound_claim_on_a_variant_is_a_finding_with_a_folder_of_its_own(with_variants):
    _, (summary,) = with_variants(SaysVerified(), limit=1)
    assert [(each.subject, each.assessment) for each in summary.findings] == [
        ("armed", Assessment.UNSOUND),
        ("armed (reordered)", Assessment.UNSOUND),
        ("armed (input-strictness)", Assessment.UNSOUND),
        ("armed (output-strictness)", Assessment.UNSOUND),
        ("armed (vnnlib-2.0)", Assessment.UNSOUND),
    ]
    folders = [Path(each.evidence) for each in summary.findings]
    assert [path.name for path in folders[:2]] == ["says-verified-armed", "says-verified-armed-reordered"]
    told = json.loads((folders[1] / "finding.json").read_text())
    assert (told["instance"], told["variant"]) == ("armed", "reordered")
    texts = {path: (path / "property.vnnlib").read_text() for path in folders}
    assert len(set(texts.values())) == 5
    assert texts[folders[1]].index("Y_0 0.5") < texts[folders[1]].index("X_0 1")


def test_who_wavers_is_inconsistent_whatever_is_known(with_variants):
    _, (summary,) = with_variants(Wavers(), limit=1, ground_truth={})
    (finding,) = summary.findings
    assert (finding.assessment, finding.subject) == (Assessment.INCONSISTENT, "armed (reordered)")
    assert finding.but_falsified == "armed"
    assert (summary.variants.compared, summary.variants.inconsistent) == (1, 1)


def test_the_folder_of_an_inconsistent_claim_holds_both_sides(with_variants):
    _, (summary,) = with_variants(Wavers(), limit=1, ground_truth={})
    folder = Path(summary.findings[0].evidence)
    assert folder.name == "wavers-armed-inconsistent"
    assert {path.name for path in folder.iterdir()} == {"verified", "falsified"}
    for side, first in (("verified", "(>= Y_0 0.5))"), ("falsified", "(>= X_0 0))")):
        assert (folder / side / "verifier.log").read_text() == f"first: {first}\n"
        assert json.loads((folder / side / "finding.json").read_text())["assessment"] == "inconsistent"
        command = [sys.executable, str(folder / side / "replay.py")]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        assert printed[0].startswith(f"inconsistent: wavers says {side} of armed")
        assert printed[-1] == "the property is violated: True"


def test_variants_count_in_no_table(with_variants, tmp_path):
    with_variants(Honest())
    rows = (tmp_path / "run" / "results.csv").read_text().splitlines()
    assert [row.split(",")[2] for row in rows] == ["armed.vnnlib", "twin.vnnlib", "clean.vnnlib"]


def test_logs_of_variants_lie_apart(with_variants, tmp_path):
    results, _ = with_variants(Wavers(), limit=1)
    logs = {each.variant: (tmp_path / "run" / each.log).read_text() for each in results}
    assert logs[None] == "first: (>= X_0 0))\n"
    assert logs[REORDERED] == "first: (>= Y_0 0.5))\n"


def test_a_run_goes_on_with_the_variants_that_are_missing(with_variants, evaluated):
    plain, _, _ = evaluated(Honest(), limit=1)
    first, _ = with_variants(Honest(), limit=1)
    second, summaries = with_variants(Honest())
    again, same = with_variants(Honest())
    assert [len(results) for results in (plain, first, second, again)] == [1, 4, 6, 0]
    assert summaries == same


def test_variants_that_were_run_are_judged_without_being_asked_for(with_variants, suite, tmp_path):
    _, summaries = with_variants(Wavers(), limit=1)
    with open_run(tmp_path / "run", identify(suite, [Wavers()], None, None)) as run:
        variants = variants_of(suite, (), run)
        assert {each.name for each in variants} == {"armed"}
        assert (
            summarise_run(run, suite, versions_of([Wavers()]), judge_run(run, suite, variants), variants) == summaries
        )


def test_results_of_a_variant_that_there_is_none_of_are_told(with_variants, suite, tmp_path):
    with_variants(Honest(), limit=1)
    path = tmp_path / "run" / "results.jsonl"
    path.write_text(path.read_text().replace('"reordered"', '"gemm"'))
    with (
        open_run(tmp_path / "run", identify(suite, [Honest()], None, None)) as run,
        pytest.raises(InputError, match="armed has no variant gemm in this version; choose another --out"),
    ):
        variants_of(suite, (), run)


def test_a_variant_that_refutes_our_ground_truth_ends_all_accusations(with_variants, suite):
    """The twin is said to hold by a proof that is none, and a counterexample to its variant replays."""

    class Finds(Scripted):
        script = Wavers.script.replace("if 'X_0'", "if 'Y_0'").replace("0.75", "0.2")

    (suite.root / "twin.vnnlib").write_text((suite.root / "twin.vnnlib").read_text().replace("Y_0 0.5", "Y_0 0.1"))
    _, (liar, hero) = with_variants(SaysFalsified(), Finds())
    assert [each.assessment for each in hero.findings if each.instance == "twin"] == [Assessment.REFUTED]
    assert hero.refuted == 0
    assert "twin" not in {each.instance for each in liar.findings}


# --- turns and room


class Counts(Scripted):
    """Leaves a line as it starts and as it ends; in between it waits until so many have started."""

    script = """
def leave(word):
    file = os.open(os.environ['FAKE_TRACE'], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f'{word} {os.environ.get("CUDA_VISIBLE_DEVICES")}\\n'.encode())
leave('start')
while open(os.environ['FAKE_TRACE']).read().count('start') < int(os.environ['FAKE_TOGETHER']): time.sleep(0.01)
time.sleep(0.05)
leave('end')
open(result, 'w').write('unknown')
"""


def traced(tmp_path, monkeypatch, jobs, cores, together=1, memory_bytes=None):
    """What the jobs left behind: a word each, and the GPUs that were seen."""
    monkeypatch.setenv("FAKE_TRACE", str(tmp_path / "trace"))
    monkeypatch.setenv("FAKE_TOGETHER", str(together))
    done = list(execute(jobs, cores, TaskLimits(memory_bytes=memory_bytes)))
    assert len(done) == len(jobs)
    return [line.split(maxsplit=1) for line in (tmp_path / "trace").read_text().splitlines()]


def most_at_once(trace):
    running = [sum(1 if word == "start" else -1 for word, _ in trace[:end]) for end in range(len(trace) + 1)]
    return max(running)


def counting(name, **needs):
    return type("Counting", (Counts,), {"name": name, "needs": Needs(**needs)})()


def test_verifiers_take_turns(suite):
    verifiers = [counting(name) for name in "abc"]
    jobs = [Job(verifier, instance) for verifier in verifiers for instance in suite.instances]
    done = [job for job, _ in execute(jobs, 1, TaskLimits(memory_bytes=MEMORY))]
    assert [(job.verifier.name, job.instance) for job in done] == [
        (name, instance) for instance in suite.instances for name in "abc"
    ]


@pytest.mark.parametrize(
    ("needs", "limit", "most"),
    [({}, None, 3), ({"cores": 2}, None, 2), ({"memory": 0.5}, None, 2), ({"memory": 0.5}, MEMORY, 1), ({}, MEMORY, 1)],
)
def test_as_many_tasks_run_as_there_is_room_for(suite, tmp_path, monkeypatch, needs, limit, most):
    monkeypatch.setattr("soundbench.execute.memory_for_tasks", lambda: MEMORY)
    jobs = [Job(counting("a", **needs), instance) for instance in suite.instances]
    assert most_at_once(traced(tmp_path, monkeypatch, jobs, 4, most, memory_bytes=limit)) == most


def test_every_task_that_needs_gpus_gets_its_own(suite, tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,GPU-7f")
    jobs = [Job(counting("a", gpus=1), instance) for instance in suite.instances]
    trace = traced(tmp_path, monkeypatch, jobs, 4, 2, memory_bytes=MEMORY)
    assert most_at_once(trace) == 2
    assert {gpu for _, gpu in trace} == {"4", "GPU-7f"}
    assert {gpu for _, gpu in trace[:2]} == {"4", "GPU-7f"}


def test_who_needs_no_gpu_sees_what_we_do(suite, tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,GPU-7f")
    trace = traced(tmp_path, monkeypatch, [Job(counting("a"), suite.instances[0])], 1, memory_bytes=MEMORY)
    assert trace == [["start", "4,GPU-7f"], ["end", "4,GPU-7f"]]


def test_gpus_that_there_are_not_are_told_before_anything_runs(suite, tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    jobs = [Job(counting("plain"), suite.instances[0]), Job(counting("a", gpus=2), suite.instances[0])]
    with pytest.raises(InputError, match="a needs 2 GPUs a task, but this machine has 0"):
        traced(tmp_path, monkeypatch, jobs, 1, memory_bytes=MEMORY)
    assert not (tmp_path / "trace").exists()


def test_a_verifier_is_limited_to_the_memory_that_it_needs(suite):
    class Eats(Scripted):
        script = "import time\nx = bytearray(300 << 20)\ntime.sleep(5)\n"
        needs = Needs(memory=0.1)

    jobs = [Job(Eats(), suite.instances[0])]
    ((_, execution),) = execute(jobs, 1, TaskLimits())
    assert execution.ending.reason is EndReason.MEMORY_LIMIT


def test_a_share_for_many_cores_is_no_more_than_the_machine_has(suite, monkeypatch):
    class Eats(Scripted):
        script = "import time\nx = bytearray(300 << 20)\ntime.sleep(5)\n"
        needs = Needs(cores=64)

    monkeypatch.setattr("soundbench.execute.memory_for_tasks", lambda: 200 << 20)
    ((_, execution),) = execute([Job(Eats(), suite.instances[0])], 1, TaskLimits())
    assert execution.ending.reason is EndReason.MEMORY_LIMIT


def test_an_error_before_a_job_starts_ends_all(suite):
    def refuse(job):
        raise InputError(f"{job.instance.name} is broken")

    jobs = [Job(Scripted(), instance) for instance in suite.instances]
    with pytest.raises(InputError, match="armed is broken"):
        list(execute(jobs, 1, TaskLimits(memory_bytes=MEMORY), may_start=refuse))


# --- stopping


def test_closing_early_ends_what_runs_and_starts_nothing_more(suite, tmp_path, monkeypatch):
    monkeypatch.setenv("FAKE_PID", str(tmp_path / "pids"))
    quick, slow = Scripted(), Slow()
    jobs = [Job(quick, suite.instances[0]), *(Job(slow, instance) for instance in suite.instances)]
    executions = execute(jobs, 2, TaskLimits(memory_bytes=MEMORY))
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
    return lambda _: next(left, False)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("number", range(5))
def test_no_job_is_started_that_may_not(suite, workers, number):
    jobs = [Job(Scripted(), instance) for instance in suite.instances]
    executions = execute(jobs, workers, TaskLimits(memory_bytes=MEMORY), may_start=times(number))
    assert sorted(job.instance.name for job, _ in executions) == sorted(each.name for each in suite.instances[:number])


def test_a_run_goes_on_with_what_was_not_started(tmp_path, suite):
    for number, left in ((1, 2), (0, 2), (1, 1), (5, 0)):
        with open_run(tmp_path / "run", identify(suite, [Honest()], None, None)) as run:
            jobs = missing_jobs(suite.instances, [Honest()], run)
            list(run_jobs(run, jobs, 2, TaskLimits(memory_bytes=MEMORY), may_start=times(number)))
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
