"""From verifiers and a suite to judged results: run what is missing, judge all of it, keep the evidence."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path

from soundbench.claim import TaskResult
from soundbench.errors import InputError
from soundbench.execute import Job, always, execute
from soundbench.findings import write_finding
from soundbench.hooks import checked_version, faults_as_input_errors
from soundbench.instance import Instance
from soundbench.judge import FINDINGS, Judgement, judge, withdraw_refuted
from soundbench.metrics import Summary, summarise
from soundbench.replay import open_onnx, require_equal
from soundbench.run import Run
from soundbench.suite import Suite
from soundbench.verifier import Execution, Verifier
from soundbench.vnnlib import read_property


def check_installed(verifiers: Sequence[Verifier]) -> None:
    """Make sure that every verifier can run, before anything does.

    Raises:
        InputError: one is not installed.
    """
    for verifier in verifiers:
        label = verifier.label
        with faults_as_input_errors(label):
            installed = verifier.is_installed()
            checked_version(verifier.version())
        if not installed:
            raise InputError(f"{label} is not installed; run: soundbench verifiers install {label}")


def check_readable(instances: Sequence[Instance]) -> None:
    """Make sure that claims on the instances can be judged, before anything runs.

    Raises:
        InputError: a network cannot be run, a property cannot be read, or the two are of different sizes.
    """
    sizes = {onnx: open_onnx(onnx).sizes() for onnx in dict.fromkeys(each.onnx for each in instances)}
    for instance in instances:
        unsafe, (inputs, outputs) = read_property(instance.vnnlib), sizes[instance.onnx]
        require_equal(instance.onnx, "inputs", inputs, unsafe.input_count)
        require_equal(instance.onnx, "outputs", outputs, unsafe.output_count)


def missing_jobs(instances: Sequence[Instance], verifiers: Sequence[Verifier], run: Run) -> list[Job]:
    """What is left to run of the instances, one after the other."""
    done = {(result.verifier, result.instance) for result in run.results}
    return [
        Job(verifier, instance)
        for instance in instances
        for verifier in verifiers
        if (verifier.label, instance.name) not in done
    ]


def run_jobs(
    run: Run,
    jobs: Sequence[Job],
    workers: int,
    *,
    timeout_seconds: float | None,
    memory_bytes: int,
    may_start: Callable[[], bool] = always,
) -> Generator[TaskResult, None, None]:
    """Run the jobs that `may_start`, and record and yield each result as it comes; close the generator to stop."""
    versions = {job.verifier.label: job.verifier.version() for job in jobs}
    executions = execute(jobs, workers, timeout_seconds=timeout_seconds, memory_bytes=memory_bytes, may_start=may_start)
    with closing(executions):
        for job, execution in executions:
            result = _record(run, job, execution, versions[job.verifier.label])
            run.append(result)
            yield result


def judge_run(run: Run, suite: Suite) -> tuple[Judgement, ...]:
    """Judge every result of the run, in the suite's order; nobody is accused where our ground truth is refuted."""
    judgements = []
    for instance in suite.instances:
        results = [result for result in run.results if result.instance == instance.name]
        if not results:
            continue
        unsafe, truth = read_property(instance.vnnlib), suite.ground_truth.get(instance.name)
        for result in results:
            text = _read_text(run.folder, result.counterexample)
            judgements.append(judge(result, instance, unsafe, truth, text))
    return withdraw_refuted(judgements)


def summarise_run(
    run: Run, suite: Suite, verifiers: Sequence[Verifier], judgements: Sequence[Judgement]
) -> tuple[Summary, ...]:
    """Write the findings' folders and sum up every verifier's judgements."""
    summaries = []
    for verifier in verifiers:
        own = [each for each in judgements if each.result.verifier == verifier.label]
        evidence = {
            each.result.instance: _keep_evidence(run, suite, each) for each in own if each.assessment in FINDINGS
        }
        version = own[0].result.version if own else verifier.version()
        summaries.append(summarise(verifier.label, version, own, suite.ground_truth, evidence))
    return tuple(summaries)


def _record(run: Run, job: Job, execution: Execution, version: str) -> TaskResult:
    label, name, answer = job.verifier.label, job.instance.name, execution.answer
    found = answer.counterexample
    return TaskResult(
        verifier=label,
        version=version,
        instance=name,
        claim=answer.claim,
        raw=answer.raw,
        ending=execution.ending,
        counterexample=None if found is None else run.save("counterexamples", label, name, found),
        log=run.save("logs", label, name, execution.log) if execution.log else None,
        prepare_seconds=execution.prepare_seconds,
    )


def _keep_evidence(run: Run, suite: Suite, judgement: Judgement) -> str:
    result = judgement.result
    instance = next(each for each in suite.instances if each.name == result.instance)
    truth = suite.ground_truth.get(result.instance)
    log = run.folder / result.log if result.log else None
    return str(write_finding(run.folder / "findings", judgement, instance, truth, version=result.version, log=log))


def _read_text(folder: Path, path: str | None) -> str | None:
    if path is None:
        return None
    try:
        return (folder / path).read_text(errors="replace")
    except OSError as error:
        raise InputError(
            f"{folder / path}: cannot be read ({error.strerror}); remove its line and run again"
        ) from error
