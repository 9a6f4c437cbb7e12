"""How are results judged that were made elsewhere? By the judge of `evaluate`, row by row, each network opened once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from soundbench.certify import by_network
from soundbench.claim import Claim, Ending, EndReason, TaskResult
from soundbench.errors import InputError, one_line
from soundbench.findings import Exhibit
from soundbench.found_results import FoundResults, read_text
from soundbench.garbage import not_collected
from soundbench.ground_truth import Expected
from soundbench.instance import Instance, Property
from soundbench.judge import Judgement, judge, replay_witness, withdraw_refuted
from soundbench.metrics import Summary
from soundbench.readable import read_fitting
from soundbench.replay import OpenNetwork
from soundbench.results_table import ResultRow
from soundbench.suite import Suite
from soundbench.summing_up import sum_up
from soundbench.tried_network import try_networks
from soundbench.vnncomp_points import Judged, shown

VERDICTS = (Claim.VERIFIED, Claim.FALSIFIED)


@dataclass(frozen=True, slots=True)
class Scored:
    """What came of results: those that are judged, and why the instances `unreadable`, by name, count for nobody."""

    judged: tuple[Judged, ...]
    unreadable: Mapping[str, str]


def judge_results(suite: Suite, results: Sequence[FoundResults], progress: Callable[[str], None]) -> Scored:
    """Judge every verifier's result of every instance that it has one of, in the suite's order.

    `progress` is told the name of each network's file when its instances are done. Nobody is accused where our ground
    truth is refuted.

    Raises:
        HarnessError: an instance is said to be violated, but has no witness.
    """
    judged: dict[str, list[Judged]] = {}
    unreadable: dict[str, str] = {}
    named = {name for found in results for name in found.rows}
    networks = list(dict.fromkeys(each.onnx for each in suite.instances if each.name in named))
    tried = dict(zip(networks, try_networks(networks), strict=True))
    for group in by_network(suite):
        questions: list[tuple[Instance, Property]] = []
        for each in group:
            if each.name in named:
                try:
                    questions.append((each, read_fitting(each, tried[each.onnx])))
                except InputError as error:
                    unreadable[each.name] = one_line(error)
        if questions:
            network = OpenNetwork(group[0].onnx)
            # Judgements pile up, and none is garbage.
            with not_collected():
                judged |= {
                    each.name: list(_judged(suite, each, unsafe, network, results)) for each, unsafe in questions
                }
        progress(group[0].onnx.name)
    everything = [each for instance in suite.instances for each in judged.get(instance.name, ())]
    fair = withdraw_refuted([each.judgement for each in everything])
    return Scored(
        tuple(
            each if judgement is each.judgement else replace(each, judgement=judgement)
            for judgement, each in zip(fair, everything, strict=True)
        ),
        unreadable,
    )


def summarise_results(
    suite: Suite, results: Sequence[FoundResults], judgements: Sequence[Judgement], evidence: Path | None
) -> tuple[Summary, ...]:
    """Sum up every verifier's judgements; findings leave their evidence in that folder, if one is named."""
    instances = {each.name: each for each in suite.instances}

    def exhibit(judgement: Judgement) -> Exhibit:
        name = judgement.result.instance
        return Exhibit(judgement, instances[name], suite.ground_truth.get(name), None)

    return sum_up({found.verifier: "" for found in results}, judgements, suite.ground_truth, exhibit, evidence)


def task_result(found: FoundResults, instance: str) -> TaskResult:
    """What a verifier's rows of an instance say together.

    Rows that repeat a verdict, or lack one, add nothing; of two verdicts that differ neither counts.
    """
    rows = found.rows[instance]
    verdicts = {row.claim: row for row in reversed(rows) if row.claim in VERDICTS}
    row = rows[0] if not verdicts else next(row for row in rows if row.claim in VERDICTS)
    claim, raw = row.claim, row.word
    if len(verdicts) > 1:
        claim, raw = Claim.ERROR, f"two answers: {', '.join(each.word for each in rows if each.claim in VERDICTS)}"
    return TaskResult(
        verifier=found.verifier,
        version="",
        instance=instance,
        claim=claim,
        raw=raw,
        ending=_ending(row),
        counterexample=None,
        log=None,
        prepare_seconds=row.prepare_seconds,
    )


def _judged(
    suite: Suite, instance: Instance, unsafe: Property, network: OpenNetwork, results: Sequence[FoundResults]
) -> Iterator[Judged]:
    truth = suite.ground_truth.get(instance.name)
    mine = [(found, task_result(found, instance.name)) for found in results if instance.name in found.rows]
    own = None
    if truth and truth.expected is Expected.VIOLATED and any(result.claim is Claim.VERIFIED for _, result in mine):
        own = replay_witness(instance, unsafe, truth, network)
    for found, result in mine:
        claimed, text = _with_text(result, found.counterexamples.get(instance.name))
        judgement = judge(claimed, instance, unsafe, truth, text, network=network, witness_replay=own)
        yield Judged(judgement, shown(judgement, unsafe), instance.timeout_seconds)


def _with_text(result: TaskResult, file: Path | None) -> tuple[TaskResult, str | None]:
    """A result, and its counterexample's text if it has one; an error where that cannot be read, as of result files."""
    if file is None or result.claim is not Claim.FALSIFIED:
        return result, None
    try:
        return result, read_text(file)
    except InputError as error:
        return replace(result, claim=Claim.ERROR, raw=f"counterexample cannot be read: {one_line(error)}"), None


def _ending(row: ResultRow) -> Ending:
    """All that a row tells of how a process ended."""
    return Ending(EndReason.EXIT, None, None, row.run_seconds, 0.0, 0)
