"""What does the reader of a search see? Where a fault was seen, or how many instances have not revealed it."""

from collections.abc import Iterator
from typing import Any

from soundbench.search import Search
from soundbench.trial import Suspect


def came_of(search: Search, suspect: Suspect) -> str:
    """What a search says of a suspect: nothing of one that it was not about."""
    if suspect in search.seen:
        sighting = search.seen[suspect]
        return f"{sighting.instance} (seed {sighting.seed})"
    return f"none of {search.run[suspect]}" if suspect in search.run else ""


def conclusions_of_search(search: Search) -> Iterator[str]:
    """What came of a search, in words."""
    if not search.run:
        yield "nothing to search for: every fault is live on some instance"
        return
    what = f"{search.instances} generated armed instances (seeds: {', '.join(map(str, search.seeds))})"
    seen = [each.fault for each in search.run if each in search.seen]
    others = [f"{each.fault} (touches {run})" for each, run in search.run.items() if each not in search.seen]
    if seen:
        yield f"revealed by one of {what}, and by nothing in this suite: {', '.join(seen)}"
    if others:
        yield f"not revealed by any of {what}: {', '.join(others)}"


def came_of_json(search: Search, suspect: Suspect) -> dict[str, Any] | None:
    """What came of a search for a suspect, as values that `json` can write; None if it was not searched for."""
    if suspect not in search.run:
        return None
    sighting = search.seen.get(suspect)
    revealed_by = None
    if sighting is not None:
        revealed_by = {"instance": sighting.instance, "seed": sighting.seed, "suite": str(sighting.folder)}
    return {
        "revealed_by": revealed_by,
        "run": search.run[suspect],
        "instances": search.instances,
        "seeds": list(search.seeds),
    }
