"""Is a fault without effect if nothing in a suite reveals it? Instances of further suites may, made with other seeds.

The further suites stay in a folder, so that a search that was stopped goes on, and what reveals a fault is at hand.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from soundbench.errors import InputError
from soundbench.ground_truth import Role
from soundbench.instance import Instance
from soundbench.level import Level, chosen
from soundbench.power import Power
from soundbench.standing import HARMLESS
from soundbench.suite import MANIFEST, Suite, origin
from soundbench.trial import Suspect, Trial

if TYPE_CHECKING:
    from soundbench.generate import Source


@dataclass(frozen=True, slots=True)
class Further:
    """A suite to be made, and the folder that is to hold it, or holds it already."""

    source: "Source"
    folder: Path

    @property
    def is_there(self) -> bool:
        """Whether it has been made."""
        return (self.folder / MANIFEST).exists()


@dataclass(frozen=True, slots=True)
class Sighting:
    """A violated instance of which a suspect says verified, the seed of its suite, and the folder of that."""

    instance: str
    seed: int
    folder: Path


@dataclass(frozen=True, slots=True)
class Search:
    """What came of a search: on how many instances each suspect was run that was looked for, and where some were seen.

    `instances` is how many armed instances the suites of these `seeds` have.
    """

    run: Mapping[Suspect, int]
    seen: Mapping[Suspect, Sighting]
    seeds: tuple[int, ...]
    instances: int


def wanted(power: Power) -> tuple[Suspect, ...]:
    """Who is to be looked for: of every fault that is harmless so far, at any strength, the strongest suspect."""
    rows = power.by_fault().values()
    return tuple(each[0].suspect for each in rows if all(row.standing in HARMLESS for row in each))


def further_suites(suite: Suite, recipe: Path | None, count: int, folder: Path) -> Iterator[Further]:
    """So many suites below a folder, of a recipe or else of the suite's own, of the seeds after the suite's.

    Raises:
        InputError: the recipe cannot be used, or the suite has none.
    """
    # It takes seconds to load what makes suites.
    from soundbench.generate import provenance, read_source

    made_by = origin(suite.root)
    seed = made_by.get("seed")
    first = seed + 1 if isinstance(seed, int) else 1
    path = recipe or own_recipe(suite, made_by.get("recipe"), folder)
    for number in range(first, first + count):
        source = read_source(path, number)
        content = json.dumps(provenance(source.text, number), sort_keys=True)
        digest = hashlib.sha256(content.encode()).hexdigest()
        yield Further(source, folder / f"{source.recipe.name}-{number}-{digest[:12]}")


def own_recipe(suite: Suite, text: object, folder: Path) -> Path:
    """The file, below a folder, of the recipe that a suite says that it was made from.

    Raises:
        InputError: it says nothing of the kind, or the file cannot be written.
    """
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"{suite.root / MANIFEST}: holds no recipe to make suites from; name one with --recipe")
    path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:12]}.toml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); name another folder with --out") from None
    return path


def armed_instances(suite: Suite) -> tuple[Instance, ...]:
    """All armed instances, those first that cover most: what they ask is known to be violated."""
    truth, instances = suite.ground_truth, chosen(suite, Level.THOROUGH)
    return tuple(each for each in instances if each.name in truth and truth[each.name].role is Role.ARMED)


def gone_on(search: Search, further: Further, instances: int, trials: Sequence[Trial]) -> Search:
    """A search with what came of another suite, which has so many armed instances; some of them were tried."""
    run = {suspect: count + sum(suspect in trial.replies for trial in trials) for suspect, count in search.run.items()}
    seen = dict(search.seen)
    for trial in trials:
        for suspect in run:
            if trial.is_live(suspect):
                seen.setdefault(suspect, Sighting(trial.instance, further.source.seed, further.folder))
    return Search(run, seen, (*search.seeds, further.source.seed), search.instances + instances)
