"""Since which release does a verifier answer wrongly, and until which?

The oldest and the newest release run on all instances. Where one of them leaves a finding, those in between are halved,
on that instance alone, between the first bad release and the last good one before it, and likewise after the last bad
one. A release may be neither: it gives up, or cannot be installed. Nothing is said of one that was not run.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from soundbench.evaluate import judge_run, missing_jobs
from soundbench.execute import Job
from soundbench.instance import Instance
from soundbench.judge import ACCUSATIONS, Assessment, Judgement
from soundbench.releases import make_ready
from soundbench.run import Run
from soundbench.suite import Suite
from soundbench.verifier import Verifier

NOT_RUN = "not run"
NOT_INSTALLED = "not installed"


class Seen(StrEnum):
    """What a release that has run makes of an instance: the finding, a correct answer, or something else."""

    BAD = "bad"
    GOOD = "good"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Trail:
    """A finding through the releases that were run, by their versions.

    `outcomes` has all releases, the oldest first, each with what came of it: our assessment, the claim where that is
    inconclusive, `not run` or `not installed`. `last_good_before` and `first_good_after` are next to the first and the
    last bad release that were run, except for releases that are neither; None where there is no good one.
    """

    instance: str
    assessment: Assessment
    outcomes: Mapping[str, str]
    first_bad: str
    last_bad: str
    last_good_before: str | None
    first_good_after: str | None


@dataclass(frozen=True, slots=True)
class Bisection:
    """What came of a verifier's releases, the oldest first; `broken` says why some could not be installed, by label."""

    releases: tuple[Verifier, ...]
    judgements: tuple[Judgement, ...]
    trails: tuple[Trail, ...]
    broken: Mapping[str, str]


def next_release(seen: Sequence[Seen | None]) -> int | None:
    """The index of the release to run next, the oldest being 0; None where no other would narrow it down.

    `seen` has None for what was not run.
    """
    bad = [index for index, each in enumerate(seen) if each is Seen.BAD]
    if not bad:
        return None
    before, after = _good_neighbours(seen)
    for low, high in ((before, bad[0]), (bad[-1], after)):
        unseen = [index for index in range(low + 1, high) if seen[index] is None]
        if unseen:
            return unseen[len(unseen) // 2]
    return None


def bisect_releases(
    run: Run,
    suite: Suite,
    releases: Sequence[Verifier],
    instances: Sequence[Instance],
    run_jobs: Callable[[Sequence[Job]], None],
    tell: Callable[[str], None],
) -> Bisection:
    """Run what is needed of the releases (the oldest first), and say what was seen.

    `run_jobs` runs jobs and records their results in the run; `tell` hears of installations. What the run holds already
    is not run again.
    """
    broken: dict[str, str] = {}
    ready: set[str] = set()
    while True:
        judgements = _judge(run, suite, instances)
        usable = [each for each in releases if each.label not in broken]
        jobs = _next_jobs(run, usable, instances, judgements)
        if not jobs:
            return Bisection(tuple(releases), judgements, _trails(releases, broken, judgements), broken)
        for label, verifier in {job.verifier.label: job.verifier for job in jobs}.items():
            if label not in ready and (reason := make_ready(verifier, tell)) is not None:
                broken[label] = reason
                tell(f"{label} is left out: {reason}")
            ready.add(label)
        run_jobs([job for job in jobs if job.verifier.label not in broken])


def outcome(judgement: Judgement) -> str:
    """What came of a claim, in a word: our assessment, or the claim itself where that says nothing."""
    is_open = judgement.assessment is Assessment.INCONCLUSIVE
    return judgement.result.claim.value if is_open else judgement.assessment.value


def version_of(release: Verifier) -> str:
    """The version by which a release was selected."""
    return str(release.selection.version)


def _judge(run: Run, suite: Suite, instances: Sequence[Instance]) -> tuple[Judgement, ...]:
    names = {instance.name for instance in instances}
    return tuple(each for each in judge_run(run, suite) if each.result.instance in names)


def _next_jobs(
    run: Run, usable: Sequence[Verifier], instances: Sequence[Instance], judgements: Sequence[Judgement]
) -> list[Job]:
    """What is left to run at the two ends, or else one release for each finding that is not narrowed down."""
    ends = list(dict.fromkeys([*usable[:1], *usable[-1:]]))
    if jobs := missing_jobs(instances, ends, run):
        return jobs
    of_name = {instance.name: instance for instance in instances}
    wanted = {}
    for name, assessment in _findings(judgements):
        seen = [_seen(judgements, each.label, name, assessment) for each in usable]
        if (index := next_release(seen)) is not None:
            wanted[usable[index].label, name] = Job(usable[index], of_name[name])
    return list(wanted.values())


def _findings(judgements: Sequence[Judgement]) -> list[tuple[str, Assessment]]:
    """Each instance with an assessment that accuses some release, once."""
    found = ((each.result.instance, each.assessment) for each in judgements if each.assessment in ACCUSATIONS)
    return list(dict.fromkeys(found))


def _seen(judgements: Sequence[Judgement], label: str, instance: str, assessment: Assessment) -> Seen | None:
    """What a release makes of a finding's instance; another finding is neither this one nor a correct answer."""
    for each in judgements:
        if (each.result.verifier, each.result.instance) == (label, instance):
            if each.assessment is assessment:
                return Seen.BAD
            return Seen.GOOD if each.assessment is Assessment.CORRECT else Seen.NEITHER
    return None


def _good_neighbours(seen: Sequence[Seen | None]) -> tuple[int, int]:
    """The last good release before the first bad one, or -1, and the first after the last bad one, or their number."""
    bad = [index for index, each in enumerate(seen) if each is Seen.BAD]
    good = [index for index, each in enumerate(seen) if each is Seen.GOOD]
    before = max((index for index in good if index < bad[0]), default=-1)
    return before, min((index for index in good if index > bad[-1]), default=len(seen))


def _trails(
    releases: Sequence[Verifier], broken: Mapping[str, str], judgements: Sequence[Judgement]
) -> tuple[Trail, ...]:
    versions = [version_of(each) for each in releases]
    trails = []
    for instance, assessment in _findings(judgements):
        seen = [_seen(judgements, each.label, instance, assessment) for each in releases]
        words = {each.result.verifier: outcome(each) for each in judgements if each.result.instance == instance}
        absent = {each.label: NOT_INSTALLED if each.label in broken else NOT_RUN for each in releases}
        bad = [index for index, each in enumerate(seen) if each is Seen.BAD]
        before, after = _good_neighbours(seen)
        trails.append(
            Trail(
                instance=instance,
                assessment=assessment,
                outcomes={version_of(each): words.get(each.label, absent[each.label]) for each in releases},
                first_bad=versions[bad[0]],
                last_bad=versions[bad[-1]],
                last_good_before=versions[before] if before >= 0 else None,
                first_good_after=versions[after] if after < len(versions) else None,
            )
        )
    return tuple(trails)
