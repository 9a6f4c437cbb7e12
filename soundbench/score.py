"""How are results judged that were made elsewhere? By the judge of `evaluate`, row by row, each network opened once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from soundbench.certify import by_network
from soundbench.claim import Claim, Ending, EndReason, TaskResult
from soundbench.findings import Exhibit
from soundbench.found_results import FoundResults, read_text
from soundbench.garbage import not_collected
from soundbench.ground_truth import Expected
from soundbench.instance import Instance
from soundbench.judge import Judgement, judge, replay_witness, withdraw_refuted
from soundbench.metrics import Summary
from soundbench.replay import OpenNetwork
from soundbench.results_table import ResultRow
from soundbench.suite import Suite
from soundbench.summing_up import sum_up
from soundbench.tried_network import demand_runnable
from soundbench.vnncomp_points import Judged, shown
from soundbench.vnnlib import read_property

VERDICTS = (Claim.VERIFIED, Claim.FALSIFIED)


def judge_results(suite: Suite, results: Sequence[FoundResults], progress: Callable[[str], None]) -> tuple[Judged, ...]:
    """Judge every verifier's result of every instance that it has one of, in the suite's order.

    `progress` is told the name of each network's file when its instances are done. Nobody is accused where our ground
    truth is refuted.

    Raises:
        InputError: a network, a property or a counterexample's file cannot be read.
        HarnessError: an instance is said to be violated, but has no witness.
    """
    judged: dict[str, list[Judged]] = {}
    named = {name for found in results for name in found.rows}
    demand_runnable(list(dict.fromkeys(each.onnx for each in suite.instances if each.name in named)))
    for group in by_network(suite):
        asked = [each for each in group if each.name in named]
        if asked:
            network = OpenNetwork(asked[0].onnx)
            # Judgements pile up, and none is garbage.
            with not_collected():
                judged.update({each.name: list(_judged(suite, each, network, results)) for each in asked})
        progress(group[0].onnx.name)
    everything = [each for instance in suite.instances for each in judged.get(instance.name, ())]
    fair = withdraw_refuted([each.judgement for each in everything])
    return tuple(
        each if judgement is each.judgement else replace(each, judgement=judgement)
        for judgement, each in zip(fair, everything, strict=True)
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
    suite: Suite, instance: Instance, network: OpenNetwork, results: Sequence[FoundResults]
) -> Iterator[Judged]:
    unsafe, truth = read_property(instance.vnnlib), suite.ground_truth.get(instance.name)
    mine = [(found, task_result(found, instance.name)) for found in results if instance.name in found.rows]
    own = None
    if truth and truth.expected is Expected.VIOLATED and any(result.claim is Claim.VERIFIED for _, result in mine):
        own = replay_witness(instance, unsafe, truth, network)
    for found, result in mine:
        file = found.counterexamples.get(instance.name) if result.claim is Claim.FALSIFIED else None
        text = None if file is None else read_text(file)
        judgement = judge(result, instance, unsafe, truth, text, network=network, witness_replay=own)
        yield Judged(judgement, shown(judgement, unsafe), instance.timeout_seconds)


def _ending(row: ResultRow) -> Ending:
    """All that a row tells of how a process ended."""
    return Ending(EndReason.EXIT, None, None, row.run_seconds, 0.0, 0)
