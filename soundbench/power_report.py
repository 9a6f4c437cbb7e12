"""What does the reader of a measurement of power see? A table, who stands how, what it comes to, JSON, and a map."""

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from soundbench.description_report import line
from soundbench.errors import InputError
from soundbench.ground_truth import GroundTruth
from soundbench.power import Power
from soundbench.search import Search
from soundbench.search_report import came_of, came_of_json, conclusions_of_search
from soundbench.standing import LEAST_INSTANCES, Measured, Standing

NOT_CAUGHT = 1
PICTURES = (".png", ".svg", ".pdf")
NO_MATPLOTLIB = "drawing takes matplotlib: pip install 'soundbench[plot]'"
# What a suite does not notice, or notices in a way that proves little.
FAILURES = frozenset({Standing.TOO_CRUDE, Standing.CONTROLS_ONLY, Standing.ESCAPES})
# As wide as any table may become: where a terminal is narrower, it wraps lines.
WIDEST = 1000


def exit_code(power: Power, search: Search | None = None) -> int:
    """1 if some fault escapes, is too crude, caught on controls only or seen in a search, or if none is caught."""
    standings = {each.standing for each in power.faults().values()}
    is_missed = bool(standings & FAILURES) or (search is not None and bool(search.seen))
    return NOT_CAUGHT if is_missed or Standing.CAUGHT not in standings else 0


def weakest_caught(rows: Sequence[Measured]) -> Measured | None:
    """Of the suspects of a fault, from the strongest on, the weakest that is caught."""
    return next((each for each in reversed(rows) if each.caught), None)


def render(power: Power, console: Console, search: Search | None = None) -> None:
    """Print a line for every fault, how the faults stand, and what it comes to; and what came of a search, if any.

    `console` decides about colours: rich drops them where its output is not a terminal.
    """
    shown = table(power, search)
    shown.width = Measurement.get(console, console.options.update(width=WIDEST), shown).maximum
    console.print(shown, crop=False)
    console.print()
    for words in (*standings(power), *conclusions(power), *(conclusions_of_search(search) if search else ())):
        console.print(line(words), soft_wrap=True)


def table(power: Power, search: Search | None = None) -> Table:
    """A line for every fault, about the suspect by which it stands."""
    made = Table(box=None, pad_edge=False)
    for title in ("fault", "strength", "standing"):
        made.add_column(title, no_wrap=True)
    for title in ("run", "agrees", "there", "live", "caught", "controls", "seconds", "weakest"):
        made.add_column(title, justify="right", no_wrap=True)
    if search is not None:
        made.add_column("search", no_wrap=True)
    rows = power.by_fault()
    for fault, stands in power.faults().items():
        weakest = weakest_caught(rows[fault])
        made.add_row(
            fault,
            number(stands.suspect.strength),
            stands.standing,
            str(stands.run),
            percent(stands.agreement),
            percent(stands.agreement_where_run),
            str(len(stands.live)),
            str(len(stands.caught)),
            str(len(stands.on_controls)),
            "" if stands.seconds is None else f"{stands.seconds:.1f}",
            "" if weakest is None else number(weakest.suspect.strength),
            *([] if search is None else [came_of(search, stands.suspect)]),
        )
    return made


def number(strength: float) -> str:
    """A strength as `--faults NAME@STRENGTH` takes it."""
    return str(strength).removesuffix(".0")


def percent(share: float | None) -> str:
    """A share in percent, rounded down, so that 80 % is no less."""
    return "" if share is None else f"{int(100 * share + 1e-9)} %"


def standings(power: Power) -> Iterator[str]:
    """Which faults stand how, a line a standing; those that are caught are in the table."""
    found = {fault: each.standing for fault, each in power.faults().items()}
    for standing in Standing:
        names = [fault for fault, each in found.items() if each is standing]
        if names and standing is not Standing.CAUGHT:
            yield f"{standing}: {', '.join(names)}"


def conclusions(power: Power) -> Iterator[str]:
    """What it comes to, in words."""
    faults = power.faults().values()
    counted = f"{len(power.counted)} of {power.instances} instances can catch"
    yield f"{counted}: armed members of pairs that the sound verifier exercises"
    if power.controls:
        yield f"{len(power.controls)} more are controls: of their pairs it proves a scaled twin, and no other"
    if power.instances < LEAST_INSTANCES:
        yield f"on fewer than {LEAST_INSTANCES} instances no fault is found too crude"
    yield f"{sum(bool(each.caught) for each in faults)} of {len(faults)} faults are caught"
    if power.chosen:
        size = "smallest" if power.is_smallest else "small, though perhaps not smallest,"
        names = ", ".join(power.chosen)
        yield f"a {size} set of instances that catches all of these ({len(power.chosen)}): {names}"


def to_json(power: Power, search: Search | None = None) -> dict[str, Any]:
    """The measurement as values that `json` can write; `stands_for_fault` marks by which strength a fault stands."""
    stands = power.faults()
    return {
        "instances": power.instances,
        "counted": list(power.counted),
        "controls": list(power.controls),
        "smallest": list(power.chosen),
        "is_smallest": power.is_smallest,
        "faults": [
            {
                "name": each.suspect.fault,
                "strength": each.suspect.strength,
                "standing": each.standing,
                "stands_for_fault": each is stands[each.suspect.fault],
                "run": each.run,
                "agreement": each.agreement,
                "agreement_where_run": each.agreement_where_run,
                "live": len(each.live),
                "detected": bool(each.caught),
                "instances": list(each.caught),
                "controls": list(each.on_controls),
                "live_instances": list(each.live),
                "false_alarms": list(each.false_alarms),
                "seconds": each.seconds,
                **({} if search is None else {"search": came_of_json(search, each.suspect)}),
            }
            for each in power.measured
        ],
    }


def shares(power: Power, ground_truth: Mapping[str, GroundTruth]) -> dict[str, dict[str, float]]:
    """By trigger, `FACTOR VALUE`, and fault: on which share of the instances that count it is caught.

    Where a suite records no factors, a trigger is what its ground truth calls one.
    """
    members: dict[str, list[str]] = {}
    for name in power.counted:
        truth = ground_truth[name]
        for factor, value in (truth.factors or {"trigger": truth.trigger}).items():
            members.setdefault(f"{factor} {value}", []).append(name)
    caught = {fault: frozenset(each.caught) for fault, each in power.faults().items()}
    return {
        trigger: {
            fault: sum(name in names for name in members[trigger]) / len(members[trigger])
            for fault, names in caught.items()
        }
        for trigger in sorted(members)
    }


def check_drawable(path: Path) -> None:
    """Refuse what `draw` cannot write.

    Raises:
        InputError: matplotlib is not installed, or the name is that of no picture.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise InputError(NO_MATPLOTLIB)
    if path.suffix.lower() not in PICTURES:
        raise InputError(f"{path}: cannot be drawn; name a {', '.join(PICTURES)} file")


def draw(power: Power, ground_truth: Mapping[str, GroundTruth], path: Path) -> None:
    """Draw the shares as a map of faults and triggers.

    Raises:
        InputError: matplotlib is not installed, or the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise InputError(NO_MATPLOTLIB) from None
    found = shares(power, ground_truth)
    triggers, faults = list(found), list(power.by_fault())
    figure = Figure(figsize=(3 + 0.2 * len(triggers), 3 + 0.2 * len(faults)), layout="constrained")
    axes = figure.add_subplot()
    cells = [[found[trigger][fault] for trigger in triggers] for fault in faults]
    image = axes.imshow(cells, vmin=0, vmax=1, cmap="viridis", aspect="auto")
    axes.set_xticks(range(len(triggers)), triggers, rotation=90, fontsize=6)
    axes.set_yticks(range(len(faults)), faults, fontsize=6)
    figure.colorbar(image, label="share of instances that catch it")
    try:
        figure.savefig(path, dpi=150)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be drawn ({error}); name a .png, .svg or .pdf file") from None
