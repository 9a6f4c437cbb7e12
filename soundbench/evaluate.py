"""From verifiers and a suite to judged results: run what is missing, judge all of it, keep the evidence."""

from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from soundbench.claim import TaskResult
from soundbench.errors import InputError
from soundbench.execute import Executor, Job, TaskLimits, always, execute
from soundbench.findings import Exhibit
from soundbench.hooks import checked_version, faults_as_input_errors
from soundbench.instance import Instance
from soundbench.judge import Judgement, judge, withdraw_refuted
from soundbench.metrics import Summary
from soundbench.run import Run
from soundbench.suite import Suite
from soundbench.summing_up import sum_up
from soundbench.variants import make_variants
from soundbench.verifier import Execution, Verifier
from soundbench.vnnlib import read_property
from soundbench.within import Within

_ADVICE = "remove its line from the run's results.jsonl and run again"


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


def variants_of(suite: Suite, instances: Sequence[Instance], run: Run) -> tuple[Instance, ...]:
    """The variants of some instances, and all others that the run has results of.

    Raises:
        InputError: a file cannot be read or written, or there is a result of a variant that there is none of.
        HarnessError: a variant does not mean the same, which is our mistake.
    """
    recorded = {(result.instance, result.variant) for result in run.results if result.variant is not None}
    others = {name for name, _ in recorded} - {instance.name for instance in instances}
    wanted = [*instances, *(each for each in suite.instances if each.name in others)]
    made = make_variants(suite, wanted, run.folder / "variants")
    unknown = sorted(recorded - {(each.name, each.variant) for each in made})
    if unknown:
        name, kind = unknown[0]
        raise InputError(f"{run.folder}: {name} has no variant {kind} in this version; choose another --out")
    return made


def versions_of(verifiers: Iterable[Verifier]) -> dict[str, str]:
    """What each says of itself, by label."""
    return {verifier.label: verifier.version() for verifier in verifiers}


def missing_jobs(instances: Sequence[Instance], verifiers: Sequence[Verifier], run: Run) -> list[Job]:
    """What is left to run of the instances, one after the other."""
    done = {(result.verifier, result.instance, result.variant) for result in run.results}
    return [
        Job(verifier, instance)
        for instance in instances
        for verifier in verifiers
        if (verifier.label, instance.name, instance.variant) not in done
    ]


def run_jobs(
    run: Run,
    jobs: Sequence[Job],
    cores: int | None,
    limits: TaskLimits,
    *,
    may_start: Callable[[Job], bool] = always,
    executor: Executor = execute,
) -> Generator[TaskResult, None, None]:
    """Run the jobs that `may_start`, and record and yield each result as it comes; close the generator to stop."""
    versions = versions_of({job.verifier.label: job.verifier for job in jobs}.values())
    executions = executor(jobs, cores, limits, may_start=may_start)
    with closing(executions):
        for job, execution in executions:
            result = _record(run, job, execution, versions[job.verifier.label])
            run.append(result)
            yield result


def judge_run(run: Run, suite: Suite, variants: Sequence[Instance] = ()) -> tuple[Judgement, ...]:
    """Judge every result of the run, in the suite's order, an instance before its variants (see `variants_of`).

    Nobody is accused where our ground truth is refuted.
    """
    judgements, results_of, files = [], defaultdict(list), Within(run.folder, _ADVICE)
    for result in run.results:
        results_of[result.instance, result.variant].append(result)
    for instance in _in_order(suite, variants):
        results = results_of[instance.name, instance.variant]
        if not results:
            continue
        unsafe, truth = read_property(instance.vnnlib), suite.ground_truth.get(instance.name)
        for result in results:
            text = None if result.counterexample is None else _read_text(files.file(result.counterexample))
            judgements.append(judge(result, instance, unsafe, truth, text))
    return withdraw_refuted(judgements)


def summarise_run(
    run: Run,
    suite: Suite,
    versions: Mapping[str, str],
    judgements: Sequence[Judgement],
    variants: Sequence[Instance] = (),
) -> tuple[Summary, ...]:
    """Write the findings' folders and sum up the judgements of every verifier, which are given by label."""
    instances = {(each.name, each.variant): each for each in (*suite.instances, *variants)}
    files = Within(run.folder, _ADVICE)

    def exhibit(judgement: Judgement) -> Exhibit:
        result = judgement.result
        log = files.file(result.log) if result.log else None
        truth = suite.ground_truth.get(result.instance)
        return Exhibit(judgement, instances[result.instance, result.variant], truth, log)

    return sum_up(versions, judgements, suite.ground_truth, exhibit, run.folder / "findings")


def _in_order(suite: Suite, variants: Sequence[Instance]) -> list[Instance]:
    """The suite's instances, each followed by its variants."""
    of_name: dict[str, list[Instance]] = {instance.name: [instance] for instance in suite.instances}
    for variant in variants:
        of_name[variant.name].append(variant)
    return [each for group in of_name.values() for each in group]


def _record(run: Run, job: Job, execution: Execution, version: str) -> TaskResult:
    label, instance, answer = job.verifier.label, job.instance, execution.answer
    found = answer.counterexample
    return TaskResult(
        verifier=label,
        version=version,
        instance=instance.name,
        claim=answer.claim,
        raw=answer.raw,
        ending=execution.ending,
        counterexample=None if found is None else run.save("counterexamples", label, instance, found),
        log=run.save("logs", label, instance, execution.log) if execution.log else None,
        prepare_seconds=execution.prepare_seconds,
        variant=instance.variant,
    )


def _read_text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {_ADVICE}") from None
